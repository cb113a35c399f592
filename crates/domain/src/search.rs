//! What is found by which words: one rule for every store's index.
//!
//! Text is cut into runs of letters and digits, in lower case. Scripts that are written without
//! spaces between words, and Korean, whose particles stick to words, are found by any part of a
//! run: their runs are indexed as pairs of neighbours. Other runs are words, found by their
//! beginning.

use crate::error::{Code, Error};

/// Longest search text, in bytes of UTF-8.
pub const QUERY_BYTES_MAX: usize = 256;

/// Rooms that one search looks into at most: the user's most recently active ones.
pub const ROOMS_MAX: usize = 1_000;

/// Runs that one search has at most.
const RUNS_MAX: usize = 8;

/// What an index has to look up for one term of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Term {
    /// The token itself.
    Exact(String),
    /// Every token that begins so.
    Prefix(String),
}

/// What somebody looks for: all of its runs have to be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchQuery {
    runs: Vec<Run>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Run {
    text: String,
    by_part: bool,
}

impl SearchQuery {
    /// Reads what a person typed.
    ///
    /// # Errors
    /// [`Code::ParameterInvalid`]: it has no letter or digit, more than [`QUERY_BYTES_MAX`] bytes,
    /// or too many words. The client's fault; not retryable.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let invalid = |detail: String| Err(Error::with_detail(Code::ParameterInvalid, detail));
        if text.len() > QUERY_BYTES_MAX {
            return invalid(format!("the search has more than {QUERY_BYTES_MAX} bytes"));
        }
        let mut runs = Vec::new();
        for_each_run(text, |text, by_part| {
            let run = Run {
                text: text.to_owned(),
                by_part,
            };
            if !runs.contains(&run) {
                runs.push(run);
            }
        });
        match runs.len() {
            0 => invalid("the search has no letter or digit".to_owned()),
            1..=RUNS_MAX => Ok(Self { runs }),
            _ => invalid(format!("the search has more than {RUNS_MAX} words")),
        }
    }

    /// What has to be looked up; a text in which the query is found has all of it. The reverse is
    /// not certain: ask [`SearchQuery::is_in`].
    #[must_use]
    pub fn terms(&self) -> Vec<Term> {
        let mut terms = Vec::new();
        for Run { text, by_part } in &self.runs {
            let is_one = text.chars().nth(1).is_none();
            if *by_part && !is_one {
                for_each_pair(text, |pair| terms.push(Term::Exact(pair.to_owned())));
            } else {
                terms.push(Term::Prefix(text.clone()));
            }
        }
        terms
    }

    /// Whether the query is found in `text`.
    #[must_use]
    pub fn is_in(&self, text: &str) -> bool {
        let mut found = [false; RUNS_MAX];
        for_each_run(text, |of_text, by_part| {
            for (run, found) in self.runs.iter().zip(&mut found) {
                if *found || run.by_part != by_part {
                    continue;
                }
                *found = if by_part {
                    of_text.contains(&*run.text)
                } else {
                    of_text.starts_with(&*run.text)
                };
            }
        });
        found.iter().take(self.runs.len()).all(|found| *found)
    }
}

/// Calls `each` for every token under which `text` is indexed. Tokens are letters and digits, and
/// may come more than once.
pub fn for_each_token(text: &str, mut each: impl FnMut(&str)) {
    for_each_run(text, |run, by_part| {
        if !by_part {
            return each(run);
        }
        for_each_pair(run, &mut each);
        // Found by its last letter too.
        if let Some((last, _)) = run.char_indices().next_back() {
            each(&run[last..]);
        }
    });
}

fn for_each_pair(run: &str, mut each: impl FnMut(&str)) {
    let mut begins = run.char_indices().map(|(at, _)| at);
    let Some(mut first) = begins.next() else {
        return;
    };
    let mut second = begins.next();
    while let Some(middle) = second {
        second = begins.next();
        each(&run[first..second.unwrap_or(run.len())]);
        first = middle;
    }
}

fn for_each_run(text: &str, mut each: impl FnMut(&str, bool)) {
    let mut runs = Runs::default();
    for c in text.chars() {
        match c {
            // Letters without case, told apart first: this is run over every text that is kept.
            '\u{ac00}'..='\u{d7a3}' | '\u{4e00}'..='\u{9fff}' => runs.add(c, true, &mut each),
            'a'..='z' | '0'..='9' => runs.add(c, false, &mut each),
            'A'..='Z' => runs.add(c.to_ascii_lowercase(), false, &mut each),
            '\0'..='\u{7f}' => runs.end(&mut each),
            _ => c.to_lowercase().for_each(|c| {
                if c.is_alphanumeric() {
                    runs.add(c, is_written_without_spaces(c), &mut each);
                } else {
                    runs.end(&mut each);
                }
            }),
        }
    }
    runs.end(&mut each);
}

/// The run that is being read.
#[derive(Default)]
struct Runs {
    run: String,
    of_parts: bool,
}

impl Runs {
    fn add(&mut self, c: char, is_part: bool, each: &mut impl FnMut(&str, bool)) {
        if is_part != self.of_parts {
            self.end(each);
            self.of_parts = is_part;
        }
        self.run.push(c);
    }

    fn end(&mut self, each: &mut impl FnMut(&str, bool)) {
        if !self.run.is_empty() {
            each(&self.run, self.of_parts);
            self.run.clear();
        }
    }
}

/// Thai to Myanmar, Khmer, Hangul, kana, Han.
const fn is_written_without_spaces(c: char) -> bool {
    matches!(c,
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1100}'..='\u{11ff}'
        | '\u{1780}'..='\u{17ff}' | '\u{3040}'..='\u{30ff}' | '\u{3130}'..='\u{318f}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{2ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn query(text: &str) -> SearchQuery {
        SearchQuery::parse(text).unwrap()
    }

    fn tokens(text: &str) -> Vec<String> {
        let mut tokens = Vec::new();
        for_each_token(text, |token| tokens.push(token.to_owned()));
        tokens
    }

    fn is_indexed(terms: &[Term], text: &str) -> bool {
        let tokens = tokens(text);
        terms.iter().all(|term| match term {
            Term::Exact(exact) => tokens.contains(exact),
            Term::Prefix(prefix) => tokens.iter().any(|token| token.starts_with(&**prefix)),
        })
    }

    #[test]
    fn korean_is_found_by_any_part_of_a_word() {
        let text = "결제가 되지 않아요, 환불해 주세요";
        for found in [
            "환불",
            "결제",
            "불해",
            "주세",
            "환",
            "제",
            "가",
            "결제 환불",
            "않아요",
        ] {
            assert!(query(found).is_in(text), "{found}");
            assert!(is_indexed(&query(found).terms(), text), "{found}");
        }
        for missed in ["배송", "환급", "결제 배송", "가되"] {
            assert!(!query(missed).is_in(text), "{missed}");
        }
    }

    #[test]
    fn words_are_found_by_their_beginning_in_any_case() {
        let text = "Order A-1024 was SHIPPED 오늘";
        for found in ["order", "ship", "1024", "SHIPPED", "a 오늘"] {
            assert!(query(found).is_in(text), "{found}");
        }
        assert!(!query("hipped").is_in(text));
    }

    #[test]
    fn what_cannot_be_looked_for_is_refused() {
        let long = "x".repeat(QUERY_BYTES_MAX + 1);
        for refused in ["", " ", "!?", &long, "a b c d e f g h i"] {
            let error = SearchQuery::parse(refused).unwrap_err();
            assert_eq!(error.code(), Code::ParameterInvalid);
        }
    }

    #[test]
    fn pairs_overlap_and_the_last_letter_stands_alone() {
        assert_eq!(tokens("환불해 X2 가"), ["환불", "불해", "해", "x2", "가"]);
    }

    proptest! {
        #[test]
        fn whatever_is_found_in_a_text_is_in_its_index(
            text in "[가-갸a-c0-1 .]{0,30}", looked_for in "[가-갸a-c0-1 ]{1,6}",
        ) {
            if let Ok(query) = SearchQuery::parse(&looked_for)
                && query.is_in(&text)
            {
                prop_assert!(is_indexed(&query.terms(), &text));
            }
        }

        #[test]
        fn a_part_of_a_text_finds_it(text in "[가-힣]{1,12}", from in 0usize..12, len in 1usize..5) {
            let part: String = text.chars().skip(from).take(len).collect();
            if !part.is_empty() {
                prop_assert!(query(&part).is_in(&text));
                prop_assert!(is_indexed(&query(&part).terms(), &text));
            }
        }
    }
}

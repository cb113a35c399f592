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
        let is_in = |run: &Run| !run.by_part || is_part(&run.text, text);
        self.runs.iter().all(is_in) && self.has_its_words_in(text)
    }

    fn has_its_words_in(&self, text: &str) -> bool {
        if self.runs.iter().all(|run| run.by_part) {
            return true;
        }
        let mut found = [false; RUNS_MAX];
        for (run, found) in self.runs.iter().zip(&mut found) {
            *found = run.by_part;
        }
        for_each_run(text, |of_text, by_part| {
            for (run, found) in self.runs.iter().zip(&mut found) {
                *found |= !by_part && of_text.starts_with(&*run.text);
            }
        });
        found.iter().take(self.runs.len()).all(|found| *found)
    }
}

/// Scripts that are found by any part have no case, so that the text need not be cut. What is
/// looked for is short: trying each place costs less than what `str::contains` prepares, and the
/// last byte tells most.
fn is_part(part: &str, text: &str) -> bool {
    let part = part.as_bytes();
    text.as_bytes()
        .windows(part.len())
        .any(|place| place.last() == part.last() && place == part)
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
    // Most texts are read as they stand, without a copy: this is done to every text that is kept.
    if let Some(rest) = runs(text, false, &mut each) {
        let lower: String = text[rest..].chars().flat_map(char::to_lowercase).collect();
        runs(&lower, true, &mut each);
    }
}

/// What a letter is to a run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    /// Of a script that is found by any part.
    Part,
    Letter,
    /// No letter or digit: between runs.
    Other,
}

/// Ends before a letter that is not in lower case; answers where its run began.
fn runs(text: &str, is_lower: bool, each: &mut impl FnMut(&str, bool)) -> Option<usize> {
    let (mut start, mut run) = (0, Sign::Other);
    for (at, c) in text.char_indices() {
        let begun = if run == Sign::Other { at } else { start };
        let sign = match c {
            'a'..='z' | '0'..='9' => Sign::Letter,
            '\u{ac00}'..='\u{d7a3}' | '\u{4e00}'..='\u{9fff}' => Sign::Part,
            'A'..='Z' => return Some(begun),
            '\0'..='\u{7f}' => Sign::Other,
            _ if !is_lower && !c.to_lowercase().eq([c]) => return Some(begun),
            _ if !c.is_alphanumeric() => Sign::Other,
            _ if is_written_without_spaces(c) => Sign::Part,
            _ => Sign::Letter,
        };
        if sign != run {
            if run != Sign::Other {
                each(&text[start..at], run == Sign::Part);
            }
            (start, run) = (at, sign);
        }
    }
    if run != Sign::Other {
        each(&text[start..], run == Sign::Part);
    }
    None
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

    #[test]
    fn letters_of_any_script_are_found_in_lower_case() {
        let runs = |text: &str| {
            let mut runs = Vec::new();
            for_each_run(text, |run, by_part| runs.push((run.to_owned(), by_part)));
            runs
        };
        let word = |run: &str| (run.to_owned(), false);
        let parts = |run: &str| (run.to_owned(), true);
        assert_eq!(
            runs("a환X불-ÉCOLE Straße ΣΊΣΥΦΟΣ ｶﾅ かな１２٣ İs"),
            [
                word("a"),
                parts("환"),
                word("x"),
                parts("불"),
                word("école"),
                word("straße"),
                word("σίσυφοσ"),
                word("ｶﾅ"),
                parts("かな"),
                word("１２٣"),
                word("i"),
                word("s"),
            ]
        );
        assert_eq!(runs("가나"), [parts("가나")]);
        assert_eq!(runs("ABC"), [word("abc")]);
        assert!(runs("").is_empty() && runs(" -\n").is_empty());
    }

    #[test]
    fn what_is_found_by_any_part_has_no_case() {
        for c in ('\0'..=char::MAX).filter(|c| c.is_alphanumeric()) {
            let becomes_part = c.to_lowercase().any(is_written_without_spaces);
            assert_eq!(becomes_part, is_written_without_spaces(c), "{c}");
            assert!(!becomes_part || c.to_lowercase().eq([c]), "{c}");
        }
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

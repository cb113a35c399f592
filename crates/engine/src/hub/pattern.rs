//! Destinations with wildcards, as Spring's `AntPathMatcher` reads them with `/` between segments.
//!
//! `?` stands for one character, `*` for any characters within a segment, `{name}` for the same,
//! `**` as a whole segment for any number of segments. Empty segments do not count: `/a//b` is
//! `/a/b`, but a slash at the end must be on both sides unless the pattern has a `**`.

use std::str::Chars;
use std::sync::Arc;

use thiserror::Error;

/// Longest pattern, in bytes: one match costs at most this times the destination's length.
pub const PATTERN_BYTES_MAX: usize = 512;

/// Why a text is not a pattern. The client's fault; not retryable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidPattern {
    /// More than [`PATTERN_BYTES_MAX`] bytes.
    #[error("a pattern must not be longer than {PATTERN_BYTES_MAX} bytes")]
    TooLong,
    /// `{name:expression}`: a client must not make the server run an expression of its own.
    #[error("a pattern must not have regular expressions in it")]
    Expression,
}

/// Which destinations a subscription is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destinations {
    /// This one, byte by byte.
    One(Arc<str>),
    /// All that match.
    Matching(DestinationPattern),
}

impl Destinations {
    /// Reads a subscription's destination: a pattern if there is a wildcard in it.
    ///
    /// # Errors
    /// [`InvalidPattern`]: it has a wildcard, but is no pattern.
    pub fn parse(text: &str) -> Result<Self, InvalidPattern> {
        if DestinationPattern::is_pattern(text) {
            DestinationPattern::parse(text).map(Self::Matching)
        } else {
            Ok(Self::One(Arc::from(text)))
        }
    }

    /// Whether `destination` is one of them.
    #[must_use]
    pub fn include(&self, destination: &str) -> bool {
        match self {
            Self::One(one) => **one == *destination,
            Self::Matching(pattern) => pattern.matches(destination),
        }
    }
}

/// A destination with wildcards. Equal when written equally.
#[derive(Debug, Clone)]
pub struct DestinationPattern {
    text: Arc<str>,
    segments: Arc<[Segment]>,
}

#[derive(Debug, PartialEq, Eq)]
enum Segment {
    Literal(Box<str>),
    /// `*` alone.
    Any,
    /// With `?`, and `*` for itself and for `{name}`.
    Glob(Box<str>),
    /// `**` alone.
    Deep,
}

impl DestinationPattern {
    /// Whether Spring would take `text` for a pattern.
    #[must_use]
    pub fn is_pattern(text: &str) -> bool {
        let braces = || {
            text.split_once('{')
                .is_some_and(|(_, rest)| rest.contains('}'))
        };
        text.contains(['*', '?']) || braces()
    }

    /// Reads a pattern. A text without a wildcard is one that matches itself.
    ///
    /// # Errors
    /// [`InvalidPattern`].
    pub fn parse(text: &str) -> Result<Self, InvalidPattern> {
        if text.len() > PATTERN_BYTES_MAX {
            return Err(InvalidPattern::TooLong);
        }
        let segments = split(text).map(Segment::parse);
        Ok(Self {
            text: Arc::from(text),
            segments: segments.collect::<Result<_, _>>()?,
        })
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// The first segment, if it has no wildcard: no destination that begins otherwise can match.
    #[must_use]
    pub fn first_literal(&self) -> Option<&str> {
        match self.segments.first() {
            Some(Segment::Literal(text)) => Some(text),
            _ => None,
        }
    }

    /// Whether `destination` is one of those meant. At most as many steps as the pattern's length
    /// times the destination's, whatever is in them; allocates nothing.
    #[must_use]
    pub fn matches(&self, destination: &str) -> bool {
        if self.text.starts_with('/') != destination.starts_with('/') {
            return false;
        }
        if self.segments.contains(&Segment::Deep) {
            return deep(&self.segments, split(destination));
        }
        let mut rest = split(destination);
        let mut segments = self.segments.iter();
        let closed = destination.ends_with('/');
        while let Some(segment) = segments.next() {
            match rest.next() {
                Some(text) if segment.matches(text) => {}
                Some(_) => return false,
                // `/a/*` is for `/a/` as well.
                None => return closed && *segment == Segment::Any && segments.len() == 0,
            }
        }
        rest.next().is_none() && closed == self.text.ends_with('/')
    }
}

impl PartialEq for DestinationPattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for DestinationPattern {}

impl Segment {
    fn parse(text: &str) -> Result<Self, InvalidPattern> {
        match text {
            "**" => return Ok(Self::Deep),
            "*" => return Ok(Self::Any),
            _ => {}
        }
        let glob = without_names(text)?;
        if glob.contains(['*', '?']) {
            Ok(Self::Glob(glob.into()))
        } else {
            Ok(Self::Literal(text.into()))
        }
    }

    fn matches(&self, text: &str) -> bool {
        match self {
            Self::Literal(literal) => **literal == *text,
            Self::Any | Self::Deep => true,
            Self::Glob(pattern) => glob(pattern, text),
        }
    }
}

/// The first segment of a destination that has one.
pub(super) fn first_segment(destination: &str) -> Option<&str> {
    split(destination).next()
}

fn split(path: &str) -> impl Iterator<Item = &str> + Clone {
    path.split('/').filter(|segment| !segment.is_empty())
}

/// Puts `*` for each `{name}`. Braces that hold nothing, or do not close, mean themselves.
fn without_names(text: &str) -> Result<String, InvalidPattern> {
    let (mut glob, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once('{') {
        glob.push_str(before);
        match after.split_once('}') {
            Some(("", after)) => {
                glob.push_str("{}");
                rest = after;
            }
            Some((name, _)) if name.contains([':', '{']) => return Err(InvalidPattern::Expression),
            Some((_, after)) => {
                glob.push('*');
                rest = after;
            }
            None => {
                glob.push('{');
                rest = after;
            }
        }
    }
    glob.push_str(rest);
    Ok(glob)
}

/// Whether the segments of a pattern with `**` match. Going back only to the last `**` is enough:
/// what an earlier one could take besides, the last one can take too.
fn deep<'a>(mut pattern: &[Segment], mut texts: impl Iterator<Item = &'a str> + Clone) -> bool {
    let mut retry = None;
    loop {
        let mut after = texts.clone();
        match (pattern.split_first(), after.next()) {
            (Some((Segment::Deep, rest)), _) => {
                pattern = rest;
                retry = Some((rest, texts.clone()));
                continue;
            }
            (Some((segment, rest)), Some(text)) if segment.matches(text) => {
                (pattern, texts) = (rest, after);
                continue;
            }
            (None, None) => return true,
            // Nothing is left for the rest of the pattern: nor would there be later on.
            (Some(_), None) => return false,
            _ => {}
        }
        let Some((rest, mut from)) = retry.take() else {
            return false;
        };
        from.next();
        (pattern, texts) = (rest, from.clone());
        retry = Some((rest, from));
    }
}

/// Whether a segment matches; `*` goes as `**` does in [`deep`].
fn glob(pattern: &str, text: &str) -> bool {
    let (mut pattern, mut text) = (pattern.chars(), text.chars());
    let mut retry: Option<(Chars<'_>, Chars<'_>)> = None;
    loop {
        let (mut rest, mut after) = (pattern.clone(), text.clone());
        match (rest.next(), after.next()) {
            (Some('*'), _) => {
                retry = Some((rest.clone(), text.clone()));
                pattern = rest;
                continue;
            }
            (Some(wanted), Some(found)) if wanted == '?' || wanted == found => {
                (pattern, text) = (rest, after);
                continue;
            }
            (None, None) => return true,
            (Some(_), None) => return false,
            _ => {}
        }
        let Some((rest, mut from)) = retry.take() else {
            return false;
        };
        from.next();
        (pattern, text) = (rest.clone(), from.clone());
        retry = Some((rest, from));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(pattern: &str, destination: &str) -> bool {
        DestinationPattern::parse(pattern)
            .unwrap()
            .matches(destination)
    }

    /// The definition, by trying everything: exponential, and easy to read.
    fn oracle(pattern: &str, destination: &str) -> bool {
        if pattern.starts_with('/') != destination.starts_with('/') {
            return false;
        }
        let segments = |path: &str| -> Vec<Vec<char>> {
            let segments = path.split('/').filter(|segment| !segment.is_empty());
            segments.map(|segment| segment.chars().collect()).collect()
        };
        let (wanted, found) = (segments(pattern), segments(destination));
        if wanted.contains(&vec!['*', '*']) {
            return oracle_segments(&wanted, &found);
        }
        let closed = destination.ends_with('/');
        let one_less = wanted.last() == Some(&vec!['*'])
            && oracle_segments(&wanted[..wanted.len() - 1], &found);
        closed && one_less || closed == pattern.ends_with('/') && oracle_segments(&wanted, &found)
    }

    fn oracle_segments(wanted: &[Vec<char>], found: &[Vec<char>]) -> bool {
        match (wanted.split_first(), found.split_first()) {
            (None, None) => true,
            (None, Some(_)) => false,
            (Some((deep, rest)), _) if **deep == ['*', '*'] => {
                (0..=found.len()).any(|skipped| oracle_segments(rest, &found[skipped..]))
            }
            (Some(_), None) => false,
            (Some((first, rest)), Some((text, others))) => {
                oracle_chars(first, text) && oracle_segments(rest, others)
            }
        }
    }

    fn oracle_chars(wanted: &[char], found: &[char]) -> bool {
        match (wanted.split_first(), found.split_first()) {
            (None, None) => true,
            (Some(('*', rest)), _) => {
                (0..=found.len()).any(|skipped| oracle_chars(rest, &found[skipped..]))
            }
            (Some((c, rest)), Some((x, others))) => {
                (*c == '?' || c == x) && oracle_chars(rest, others)
            }
            _ => false,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn a_match_is_what_the_definition_says(
            pattern in "/{0,1}([ab고?*]{0,3}|\\*\\*)(/([ab?*]{0,3}|\\*\\*)){0,4}/{0,1}",
            destination in "/{0,1}[ab고]{0,3}(/[ab]{0,3}){0,5}/{0,1}",
        ) {
            prop_assert_eq!(matches(&pattern, &destination), oracle(&pattern, &destination));
        }

        #[test]
        fn what_begins_otherwise_than_a_literal_cannot_match(
            pattern in "(/[ab*]{1,2}){1,3}", destination in "(/[ab]{1,2}){1,3}",
        ) {
            let parsed = DestinationPattern::parse(&pattern).unwrap();
            let other = parsed.first_literal().is_some_and(|first| first_segment(&destination) != Some(first));
            prop_assert!(!(other && parsed.matches(&destination)));
        }

        #[test]
        fn no_text_makes_it_panic(pattern in "\\PC{0,40}", destination in "\\PC{0,40}") {
            if let Ok(destinations) = Destinations::parse(&pattern) {
                let _ = destinations.include(&destination);
            }
        }
    }

    #[test]
    fn spring_s_own_examples_match_as_there() {
        for (pattern, destination) in [
            ("/topic/price.stock.*", "/topic/price.stock.NASDAQ"),
            ("/topic/price.stock.*", "/topic/price.stock."),
            ("/topic/**", "/topic"),
            ("/topic/**", "/topic/a/b/c"),
            ("/queue/*/x", "/queue/고객/x"),
            ("/t?st", "/test"),
            (
                "/*bla*/**/bla/**",
                "/XXXblaXXXX/testing/testing/bla/testing/testing/",
            ),
            ("/*bla*/**/bla/*", "/XXXblaXXXX/testing/testing/bla/testing"),
            ("/**/foo", "/en/test/foo"),
            ("/{bla}.*", "/testing.html"),
            ("/topic/{room}/in", "/topic/7/in"),
            ("/foo/*", "/foo/"),
            ("/topic//a*", "/topic/a"),
        ] {
            assert!(
                matches(pattern, destination),
                "{pattern} is for {destination}"
            );
        }
        for (pattern, destination) in [
            ("/topic/*", "/topic/a/b"),
            ("/topic/*", "/topic"),
            ("topic/*", "/topic/a"),
            ("/tes?", "/tes"),
            ("/x/x/**/bla", "/x/x/x/"),
            ("/*bla*/**/bla/**", "/XXXblaXXXX/testing/testing/"),
            ("/topic/a*", "/topic/a/"),
        ] {
            assert!(
                !matches(pattern, destination),
                "{pattern} is not for {destination}"
            );
        }
    }

    #[test]
    fn a_hostile_pattern_costs_its_length_times_the_destinations() {
        // An exponential matcher would not come back.
        let pattern = format!("/{}b", "a*".repeat(250));
        assert!(!matches(&pattern, &format!("/{}", "a".repeat(4_000))));
        let pattern = format!("{}/b", "/**/a".repeat(100));
        assert!(!matches(&pattern, &"/a".repeat(2_000)));
    }

    #[test]
    fn a_pattern_is_bounded_and_has_no_expressions() {
        let long = "/*".repeat(PATTERN_BYTES_MAX / 2);
        assert!(DestinationPattern::parse(&long).is_ok());
        let refused = |text: &str| Destinations::parse(text).unwrap_err();
        assert_eq!(refused(&format!("{long}*")), InvalidPattern::TooLong);
        assert_eq!(refused("/topic/{id:a+}"), InvalidPattern::Expression);
    }

    #[test]
    fn a_destination_without_a_wildcard_means_itself() {
        for plain in ["/topic/a", "/topic/a//b/", "/topic/{a", "/topic/}{"] {
            assert_eq!(
                Destinations::parse(plain),
                Ok(Destinations::One(Arc::from(plain)))
            );
        }
        assert!(
            !Destinations::parse("/topic/a")
                .unwrap()
                .include("/topic//a")
        );
    }
}

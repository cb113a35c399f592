//! How systems that Madang replaces tell what it knows otherwise: messages as text alone, times as
//! local ones, ids as numbers where they look like some.

use jiff::tz::TimeZone;
use madang_domain::{Message, Revision, Timestamp};
use serde::{Deserialize, Serialize};

/// What stands in the place of a message that was deleted.
const DELETED: &str = "삭제된 메시지입니다.";

/// What a message says, for clients that know text only: structured content as its JSON.
#[must_use]
pub fn text(message: &Message) -> &str {
    match (message.revision(), message.data()) {
        (Revision::Deleted(_), _) => DELETED,
        (_, Some(data)) if message.text.is_empty() => data,
        _ => &message.text,
    }
}

/// ISO local date-time in `zone` with six digits of fraction and no offset. A time that no calendar
/// has shows as the epoch.
#[must_use]
pub fn local_date_time(at: Timestamp, zone: &TimeZone) -> String {
    let at = jiff::Timestamp::from_microsecond(at.as_micros()).unwrap_or_default();
    format!("{:.6}", zone.to_datetime(at))
}

/// An id that the host may know as a number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum NumberOrText {
    /// Shown as a JSON number.
    Number(i64),
    /// Shown as a text.
    Text(String),
}

impl NumberOrText {
    /// A number only if it shows the same again: `007` is a name.
    #[must_use]
    pub fn new(text: &str) -> Self {
        match text.parse::<i64>() {
            Ok(number) if number.to_string() == text => Self::Number(number),
            _ => Self::Text(text.to_owned()),
        }
    }

    /// The id as text, either way.
    #[must_use]
    pub fn into_text(self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_keeps_six_digits_of_fraction_when_they_are_zero() {
        let whole = Timestamp::from_micros(1_696_436_490_000_000);
        assert_eq!(
            local_date_time(whole, &TimeZone::UTC),
            "2023-10-04T16:21:30.000000"
        );
    }

    #[test]
    fn an_id_is_a_json_number_only_if_it_shows_the_same_again() {
        assert_eq!(NumberOrText::new("1024"), NumberOrText::Number(1024));
        for text in ["007", "+1", "m-1", "", "99999999999999999999"] {
            assert_eq!(NumberOrText::new(text), NumberOrText::Text(text.to_owned()));
            assert_eq!(NumberOrText::new(text).into_text(), text);
        }
    }
}

//! How long readers heard nothing after something broke, by a history: those who were at a killed node are heard of
//! again once they have connected elsewhere and resumed.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::history::{Event, What};

/// For each fault that began, in their order: the longest time from then until a reader saw the next entry. Readers to
/// whom none came any more do not count: the checker says whether one was missing.
pub(crate) fn after_faults(events: &[Event]) -> Vec<(&str, Duration)> {
    let mut seen: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for event in events {
        if let What::Seen { reader, .. } = &event.what {
            seen.entry(reader).or_default().push(event.at);
        }
    }
    let begun = events.iter().filter_map(|event| match &event.what {
        What::Fault { text } if text.starts_with("begin ") => Some((event.at, text.as_str())),
        _ => None,
    });
    begun
        .map(|(at, text)| {
            let next =
                |times: &Vec<u64>| times.iter().find(|time| **time > at).map(|time| time - at);
            let longest = seen.values().filter_map(next).max().unwrap_or(0);
            (text, Duration::from_micros(longest))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Entry;

    fn event(at: u64, what: What) -> Event {
        Event { at, what }
    }

    fn seen(at: u64, reader: &str) -> Event {
        let entry = Entry {
            seq: 1,
            kind: "message".to_owned(),
            sender: "kim".to_owned(),
            subjects: Vec::new(),
            text: String::new(),
        };
        let (reader, room) = (reader.to_owned(), "a".to_owned());
        event(
            at,
            What::Seen {
                reader,
                room,
                entry,
            },
        )
    }

    fn fault(at: u64, text: &str) -> Event {
        let text = text.to_owned();
        event(at, What::Fault { text })
    }

    #[test]
    fn who_waits_longest_for_the_next_entry_counts() {
        let events = [
            seen(1, "kim"),
            seen(2, "lee"),
            fault(10, "begin kill node 1"),
            seen(12, "kim"),
            seen(40, "lee"),
            fault(50, "end kill node 1"),
            fault(60, "begin cut clients"),
            seen(61, "kim"),
        ];
        let silences = after_faults(&events);
        let micros = |(text, time): &(&str, Duration)| (text.to_string(), time.as_micros());
        assert_eq!(
            silences.iter().map(micros).collect::<Vec<_>>(),
            [
                ("begin kill node 1".to_owned(), 30),
                ("begin cut clients".to_owned(), 1)
            ]
        );
    }
}

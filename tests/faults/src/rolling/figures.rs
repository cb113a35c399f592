//! What a history says of how long deliveries took and how clients moved from node to node.

use std::collections::{BTreeMap, BTreeSet};

use crate::history::{Event, Name, What};

/// Microseconds of a second.
const SECOND: u64 = 1_000_000;

/// How the faults begin that are a node's restart and its being ready again.
pub(super) const RESTART: &str = "begin restart of node";
pub(super) const READY: &str = "end restart of node";

/// The rows of all deliveries, by what goes on when the message is sent.
const WHILE_NONE: &str = "all, sent while no node restarts";
const WHILE_ONE: &str = "all, sent while one does";

/// Times in microseconds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    /// From the first attempt to send until a reader had it, by the reader's door and for all; sorted.
    deliveries: BTreeMap<String, Vec<u64>>,
    restarts: Vec<Moved>,
    /// Reconnects before the first restart.
    strays: u64,
    /// Sessions that were not to be had, by what was said.
    unreached: BTreeMap<String, u64>,
    clients: usize,
}

/// Whoever connected again from one restart until the next.
#[derive(Debug, Default, PartialEq, Eq)]
struct Moved {
    at: Vec<u64>,
}

impl Moved {
    /// From the first to the last.
    fn spread(&self) -> u64 {
        match (self.at.first(), self.at.last()) {
            (Some(first), Some(last)) => last - first,
            _ => 0,
        }
    }

    /// Most of them within a second, in percent of all.
    fn busiest_percent(&self) -> u64 {
        let within = |&from: &u64| {
            let until = from + SECOND;
            self.at
                .iter()
                .filter(|&&at| from <= at && at < until)
                .count()
        };
        let most = self.at.iter().map(within).max().unwrap_or_default();
        (most * 100).checked_div(self.at.len()).unwrap_or_default() as u64
    }
}

impl Figures {
    /// Of events by their time.
    pub(crate) fn of(events: &[Event]) -> Self {
        let mut figures = Self::default();
        let mut restarting = false;
        let mut sent: BTreeMap<Name, (u64, bool)> = BTreeMap::new();
        let mut clients: BTreeSet<&str> = BTreeSet::new();
        for Event { at, what } in events {
            match what {
                What::Sent { message } => {
                    sent.entry(message.clone()).or_insert((*at, restarting));
                }
                What::Seen {
                    reader,
                    room,
                    entry,
                } if entry.is_message() => {
                    let name = entry.number().map(|number| Name {
                        room: room.clone(),
                        sender: entry.sender.clone(),
                        number,
                    });
                    if let Some(&(sent, restarting)) = name.and_then(|name| sent.get(&name)) {
                        let row = if restarting { WHILE_ONE } else { WHILE_NONE };
                        figures.delivered(reader, row, at.saturating_sub(sent));
                    }
                }
                What::Fault { text } if text.starts_with(RESTART) => {
                    restarting = true;
                    figures.restarts.push(Moved::default());
                }
                What::Fault { text } if text.starts_with(READY) => restarting = false,
                What::Connected { client } if !clients.insert(client) => figures.moved(*at),
                What::Unreached { why, .. } => {
                    *figures.unreached.entry(why.clone()).or_default() += 1;
                }
                // At the end nobody is moved: clients go.
                What::Healed => break,
                _ => {}
            }
        }
        figures.clients = clients.len();
        figures
            .deliveries
            .values_mut()
            .for_each(|times| times.sort_unstable());
        figures
    }

    fn delivered(&mut self, reader: &str, row: &str, time: u64) {
        let door = reader.split_once('/').map_or(reader, |(_, door)| door);
        for row in [door, row, "all"] {
            let times = self.deliveries.entry(row.to_owned()).or_default();
            times.push(time);
        }
    }

    /// Whether the history is one of restarts.
    pub(crate) const fn has_restarts(&self) -> bool {
        !self.restarts.is_empty()
    }

    fn moved(&mut self, at: u64) {
        match self.restarts.last_mut() {
            Some(restart) => restart.at.push(at),
            None => self.strays += 1,
        }
    }

    /// Markdown, as it stands in docs/reliability.md.
    pub(crate) fn tables(&self) -> String {
        format!("{}\n{}", self.deliveries_table(), self.reconnects_table())
    }

    fn deliveries_table(&self) -> String {
        let mut text =
            "| readers | deliveries | p50 | p99 | p99.9 | longest |\n|---|---|---|---|---|---|\n"
                .to_owned();
        for (door, times) in &self.deliveries {
            let [half, most, nearly_all] =
                [500, 990, 999].map(|part| milliseconds(quantile(times, part)));
            let longest = milliseconds(quantile(times, 1000));
            let count = times.len();
            text.push_str(&format!(
                "| {door} | {count} | {half} | {most} | {nearly_all} | {longest} |\n"
            ));
        }
        text
    }

    fn reconnects_table(&self) -> String {
        let sorted = |of: fn(&Moved) -> u64| {
            let mut values: Vec<u64> = self.restarts.iter().map(of).collect();
            values.sort_unstable();
            values
        };
        let counts = sorted(|moved| moved.at.len() as u64);
        let spreads = sorted(Moved::spread);
        let shares = sorted(Moved::busiest_percent);
        let row = |name: &str, values: &[u64], show: fn(u64) -> String| {
            let [least, half, most] = [0, 500, 1000].map(|part| show(quantile(values, part)));
            format!("| {name} | {least} | {half} | {most} |\n")
        };
        let mut text = format!(
            "| for each restart of a node ({} of them, {} clients) | least | median | most |\n|---|---|---|---|\n",
            self.restarts.len(),
            self.clients
        );
        text.push_str(&row("reconnects", &counts, |count| count.to_string()));
        text.push_str(&row("from the first to the last", &spreads, |time| {
            format!("{:.1} s", time as f64 / SECOND as f64)
        }));
        text.push_str(&row("within the busiest second", &shares, |share| {
            format!("{share} %")
        }));
        let all: u64 = counts.iter().sum();
        let unreached: u64 = self.unreached.values().sum();
        text.push_str(&format!(
            "\nreconnects {all}, before the first restart {}, refused connections {unreached}\n",
            self.strays
        ));
        for (why, count) in &self.unreached {
            text.push_str(&format!("  {count} x {why}\n"));
        }
        text
    }
}

/// The value that so many of a thousand are not above; 0 of none.
fn quantile(sorted: &[u64], per_thousand: usize) -> u64 {
    let rank = (sorted.len() * per_thousand).div_ceil(1000).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

fn milliseconds(time: u64) -> String {
    format!("{:.1} ms", time as f64 / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Entry;

    fn at(seconds: f64, what: What) -> Event {
        let at = (seconds * SECOND as f64) as u64;
        Event { at, what }
    }

    fn connected(seconds: f64, client: &str) -> Event {
        let client = client.to_owned();
        at(seconds, What::Connected { client })
    }

    fn fault(seconds: f64, text: &str) -> Event {
        let text = format!("{text} 1");
        at(seconds, What::Fault { text })
    }

    fn sent(seconds: f64, number: u64) -> Event {
        let (room, sender) = ("r".to_owned(), "kim".to_owned());
        let message = Name {
            room,
            sender,
            number,
        };
        at(seconds, What::Sent { message })
    }

    fn seen(seconds: f64, reader: &str, number: u64) -> Event {
        let entry = Entry {
            seq: number,
            kind: "message".to_owned(),
            sender: "kim".to_owned(),
            subjects: Vec::new(),
            text: format!("kim {number}"),
        };
        let (reader, room) = (reader.to_owned(), "r".to_owned());
        at(
            seconds,
            What::Seen {
                reader,
                room,
                entry,
            },
        )
    }

    #[test]
    fn a_delivery_takes_from_the_first_attempt_to_the_receipt_by_each_door() {
        let figures = Figures::of(&[
            sent(1.0, 1),
            seen(1.25, "kim/stomp", 1),
            fault(2.0, RESTART),
            sent(2.0, 2),
            sent(2.5, 2),
            fault(3.0, READY),
            seen(4.0, "kim/json", 2),
        ]);
        let of = |row: &str| figures.deliveries.get(row).cloned().unwrap_or_default();
        assert_eq!(of("stomp"), [SECOND / 4]);
        assert_eq!(of("json"), [2 * SECOND]);
        assert_eq!(of(WHILE_NONE), [SECOND / 4]);
        assert_eq!(of(WHILE_ONE), [2 * SECOND]);
        assert_eq!(of("all"), [SECOND / 4, 2 * SECOND]);
    }

    #[test]
    fn who_connects_again_is_counted_at_the_restart_before() {
        let figures = Figures::of(&[
            connected(0.0, "a"),
            connected(0.0, "b"),
            connected(0.5, "a"),
            fault(1.0, RESTART),
            connected(1.5, "a"),
            connected(2.0, "b"),
            connected(4.5, "a"),
            fault(5.0, RESTART),
            connected(6.0, "c"),
            at(7.0, What::Healed),
            connected(8.0, "a"),
        ]);
        assert_eq!((figures.clients, figures.strays), (3, 1));
        let [first, second] = &figures.restarts[..] else {
            panic!("{figures:?}");
        };
        assert_eq!((first.at.len(), first.spread()), (3, 3 * SECOND));
        assert_eq!(first.busiest_percent(), 66);
        assert_eq!(second, &Moved::default());
    }

    #[test]
    fn a_quantile_is_a_value_that_so_many_are_not_above() {
        let of = |part| quantile(&[1, 2, 3], part);
        assert_eq!([of(0), of(500), of(990), of(1000)], [1, 2, 3, 3]);
        assert_eq!(quantile(&[], 990), 0);
    }
}

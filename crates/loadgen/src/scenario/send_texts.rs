//! Sending the texts of a data set: many senders over STOMP, many texts in flight.

use std::collections::BTreeMap;
use std::time::Instant;

use madang_wire::stomp::{Command, Frame, Version};
use serde_json::json;

use super::dataset::DataSet;
use super::delivery::Failures;
use super::fill::Found;
use super::target::{POLL_MAX, Plan, Target, progress};
use super::texts;
use crate::error::BenchError;
use crate::report::Report;
use crate::stop;
use crate::swarm::{self, Notice, Swarm};

/// Texts in flight at a time.
const WINDOW: u64 = 4_096;

/// How often it goes round the rooms: each time a room gets its share, so that rooms are active side
/// by side, as they are where people talk.
const PASSES: u64 = 64;

/// What was sent.
#[derive(Default)]
pub(super) struct Sent {
    pub(super) messages: u64,
    pub(super) seconds: f64,
}

struct State {
    sent: u64,
    confirmed: u64,
    failures: Failures,
}

/// Sends what rooms lack, and waits until all of it is accepted.
///
/// The last text of each room comes behind all others: senders are not in step, and where it is
/// found, the others are.
///
/// # Errors
///
/// The server refuses a text or ends a connection.
pub(super) fn send(
    target: &Target<'_>,
    data: &DataSet,
    found: &[Found],
) -> Result<Sent, BenchError> {
    let missing = |n: usize| u64::from(data.rooms[n].messages.saturating_sub(found[n].messages));
    let total = (0..found.len()).map(missing).sum();
    if total == 0 {
        return Ok(Sent::default());
    }
    let mut swarm = Swarm::new().map_err(BenchError::io("epoll"))?;
    let connections = connect(target, &mut swarm, data, found)?;
    let started = Instant::now();
    let mut state = State {
        sent: 0,
        confirmed: 0,
        failures: Failures::default(),
    };
    let bar = progress("sending texts", total);
    for are_last in [false, true] {
        for (n, number) in lacking(data, found) {
            let room = &data.rooms[n];
            if (number == room.messages) != are_last {
                continue;
            }
            let text = texts::text(n, number, room.messages);
            let frame = send_frame(&found[n].id, &text);
            swarm
                .send(connections[&room.sender(n, number)], &frame)
                .map_err(BenchError::io("send"))?;
            state.sent += 1;
            if state.sent - state.confirmed >= WINDOW {
                // A quarter of it, so that what comes is read by the hundred.
                state.wait(target, &mut swarm, state.sent - WINDOW * 3 / 4)?;
                bar.set_position(state.confirmed);
            }
        }
        state.wait(target, &mut swarm, state.sent)?;
    }
    bar.finish_and_clear();
    let seconds = started.elapsed().as_secs_f64();
    swarm
        .close(target.common.answer_timeout)
        .map_err(BenchError::io("poll"))?;
    Ok(Sent {
        messages: state.sent,
        seconds,
    })
}

/// The texts that are not there, by room and number: of each room in rising order.
fn lacking<'a>(data: &'a DataSet, found: &'a [Found]) -> impl Iterator<Item = (usize, u32)> + 'a {
    (0..PASSES).flat_map(move |pass| {
        data.rooms
            .iter()
            .zip(found)
            .enumerate()
            .flat_map(move |(n, (room, found))| {
                let share = |pass: u64| (u64::from(room.messages) * pass / PASSES) as u32;
                let first = share(pass).max(found.messages);
                (first..share(pass + 1)).map(move |before| (n, before + 1))
            })
    })
}

/// Connects all who send; answers the connection of each.
fn connect(
    target: &Target<'_>,
    swarm: &mut Swarm,
    data: &DataSet,
    found: &[Found],
) -> Result<BTreeMap<u32, usize>, BenchError> {
    let mut connections = BTreeMap::new();
    let rooms = data.rooms.iter().zip(found);
    for (room, _) in rooms.filter(|(room, found)| found.messages < room.messages) {
        connections.extend(room.members[..room.senders].iter().map(|user| (*user, 0)));
    }
    let mut plans = Vec::with_capacity(connections.len());
    for (at, (user, connection)) in connections.iter_mut().enumerate() {
        *connection = at;
        plans.push(Plan {
            subscribe: false,
            ..Plan::subscriber(*user as usize)
        });
    }
    target.open(swarm, &plans)?;
    Ok(connections)
}

fn send_frame(room: &str, text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    Frame::new(Command::Send)
        .with("destination", &format!("/rooms/{room}"))
        .with("receipt", "r")
        .with_body(json!({ "text": text }).to_string())
        .encode(Version::V1_2, &mut out);
    out
}

impl State {
    /// Takes answers until `confirmed` texts are accepted.
    fn wait(
        &mut self,
        target: &Target<'_>,
        swarm: &mut Swarm,
        confirmed: u64,
    ) -> Result<(), BenchError> {
        let mut last = (self.confirmed, Instant::now());
        while self.confirmed < confirmed {
            swarm
                .poll(POLL_MAX, |_, notice, _| self.take(notice))
                .map_err(BenchError::io("poll"))?;
            if stop::requested() {
                return Err(BenchError::Stopped);
            }
            if self.confirmed > last.0 {
                last = (self.confirmed, Instant::now());
            }
            let failed = self.failures.errors + self.failures.closed > 0;
            if failed || last.1.elapsed() > target.common.setup_timeout {
                let mut why = Report::default();
                self.failures.report(&mut why);
                return Err(target.timed_out(format!("texts to be accepted\n{why}")));
            }
        }
        Ok(())
    }

    fn take(&mut self, notice: Notice<'_>) {
        match notice {
            Notice::Answer { payload } => match swarm::frames(payload) {
                Ok(frames) => {
                    let receipts = frames.iter().filter(|f| f.command == Command::Receipt);
                    self.confirmed += receipts.count() as u64;
                    self.failures.take(payload);
                }
                Err(error) => self.failures.error(error.to_string()),
            },
            Notice::Error(error) => self.failures.error(error),
            Notice::Closed(error) => self.failures.closed(&error),
            Notice::Open | Notice::Message { .. } | Notice::Event { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_room_gets_what_it_lacks_in_its_order_and_all_side_by_side() {
        let data = DataSet::of_operations(20, 2_000, 10, 5);
        let found = |messages| Found {
            messages,
            ..Found::default()
        };
        let nothing = vec![found(0); data.rooms.len()];
        let all: Vec<_> = lacking(&data, &nothing).collect();
        assert_eq!(all.len() as u64, data.messages());
        for (n, room) in data.rooms.iter().enumerate() {
            let numbers = all
                .iter()
                .filter(|(of, _)| *of == n)
                .map(|(_, number)| *number);
            assert!(numbers.eq(1..=room.messages), "{n}");
        }
        let first_of_second = all.iter().position(|(n, _)| *n == 1).unwrap();
        let last_of_first = all.iter().rposition(|(n, _)| *n == 0).unwrap();
        assert!(first_of_second < last_of_first);

        let mut some = nothing;
        some[0] = found(data.rooms[0].messages - 1);
        some[1] = found(data.rooms[1].messages + 7);
        let rest: Vec<_> = lacking(&data, &some).filter(|(n, _)| *n < 2).collect();
        assert_eq!(rest, [(0, data.rooms[0].messages)]);
    }
}

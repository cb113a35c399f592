//! What is asked of a filled server, again and again.

use serde_json::json;

use super::api::Api;
use super::measure::Ask;
use super::texts;
use crate::error::BenchError;
use crate::http::{Request, encoded};

/// Entries of a page of messages, and of receipts.
pub(super) const PAGE: u64 = 20;

/// Raises of marks that are kept ready.
const RAISES_MAX: usize = 1_000_000;

/// A read mark that is behind the newest message.
pub(super) struct Mark {
    user: u32,
    room: String,
    read: u64,
    last: u64,
}

/// The same each time.
pub(super) fn same<'a>(request: Request) -> Ask<'a> {
    Box::new(move |_| Ok(Some(request.clone())))
}

/// Another one each time, by a number that comes once.
pub(super) fn each<'a>(ask: impl Fn(u64) -> Result<Request, BenchError> + Sync + 'a) -> Ask<'a> {
    Box::new(move |turn| ask(turn.of_all).map(Some))
}

/// The path of a search for `word` in `room`, or with none in all rooms of the caller.
pub(super) fn search(word: &str, room: Option<&str>) -> String {
    let word = encoded(word);
    match room {
        None => format!("/api/v1/search?q={word}"),
        Some(room) => format!("/api/v1/search?q={word}&room={room}"),
    }
}

/// What of a room has the receipts of the page that ends with `last`.
pub(super) fn receipts(last: u64) -> String {
    let last = last.max(1);
    let first = last.saturating_sub(PAGE - 1).max(1);
    format!("/receipts?from={first}&to={last}")
}

/// Does one thing to a room and then another, in turns; each connection as a user of its own.
pub(super) fn in_turns<'a>(
    api: &'a Api<'a>,
    what: [&'static str; 2],
    who: impl Fn(usize) -> (u32, &'a str) + Sync + 'a,
) -> Ask<'a> {
    Box::new(move |turn| {
        let (user, room) = who(turn.connection);
        let what = what[(turn.of_connection % 2) as usize];
        Ok(Some(api.room(user, room, what)?.with("POST", "")))
    })
}

/// Sends to a room as each of `senders` in turns. Numbers go on behind `number`.
pub(super) fn send<'a>(
    api: &'a Api<'a>,
    room: &'a str,
    senders: &'a [u32],
    number: u32,
) -> Ask<'a> {
    each(move |turn| {
        let sender = senders[(turn % senders.len() as u64) as usize];
        let number = number.saturating_add(turn as u32).saturating_add(1);
        let body = json!({ "text": texts::text(0, number, 0) }).to_string();
        Ok(api.room(sender, room, "/messages")?.with("POST", body))
    })
}

/// Raises each of `marks` by one, then by one more, until all are at the end, or
/// [`RAISES_MAX`] times. A mark belongs to one of the `connections`: what another raises further
/// would not rise.
pub(super) fn mark_read<'a>(api: &'a Api<'a>, marks: Vec<Mark>, connections: usize) -> Ask<'a> {
    let raises: Vec<Vec<(u32, u32)>> = (0..connections)
        .map(|first| raises(&marks, first, connections))
        .collect();
    Box::new(move |turn| {
        let Some((mark, by)) = raises[turn.connection].get(turn.of_connection as usize) else {
            return Ok(None);
        };
        let mark = &marks[*mark as usize];
        let seq = mark.read + u64::from(*by);
        let request = api.room(mark.user, &mark.room, "/read")?;
        Ok(Some(request.with("PUT", format!("{{\"seq\":{seq}}}"))))
    })
}

/// Of each `step`th mark: which is raised, and to how much above what it is now.
fn raises(marks: &[Mark], first: usize, step: usize) -> Vec<(u32, u32)> {
    let room = |mark: &Mark| (mark.last - mark.read) as u32;
    let furthest = marks.iter().map(room).max().unwrap_or(0);
    let round = |by| {
        let own = (0..).zip(marks).skip(first).step_by(step);
        let rising = own.filter(move |(_, mark)| room(mark) >= by);
        rising.map(move |(at, _)| (at, by))
    };
    let most = RAISES_MAX / step;
    (1..=furthest).flat_map(round).take(most).collect()
}

/// The marks of these users in their rooms that `is_meant` says by their ids.
///
/// # Errors
///
/// The server does not list them.
pub(super) fn marks(
    api: &Api<'_>,
    users: impl Iterator<Item = u32>,
    is_meant: impl Fn(&str) -> bool,
) -> Result<Vec<Mark>, BenchError> {
    let mut connection = api.target.http()?;
    let mut marks = Vec::new();
    for user in users {
        for room in api.rooms_of(&mut connection, user)? {
            if is_meant(&room.id) && room.read_seq < room.head.last_seq {
                marks.push(Mark {
                    user,
                    room: room.id,
                    read: room.read_seq,
                    last: room.head.last_seq,
                });
            }
        }
    }
    Ok(marks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mark_is_raised_one_by_one_and_no_further_than_it_can() {
        let mark = |read, last| Mark {
            user: 0,
            room: String::new(),
            read,
            last,
        };
        let marks = [mark(0, 3), mark(5, 6), mark(7, 7)];
        assert_eq!(raises(&marks, 0, 1), [(0, 1), (1, 1), (0, 2), (0, 3)]);
        assert_eq!(raises(&marks, 0, 2), [(0, 1), (0, 2), (0, 3)]);
        assert_eq!(raises(&marks, 1, 2), [(1, 1)]);
        assert_eq!(raises(&[], 0, 1), []);
    }

    #[test]
    fn a_page_of_receipts_ends_where_it_is_told_and_begins_no_sooner_than_the_log() {
        assert_eq!(receipts(100), "/receipts?from=81&to=100");
        assert_eq!(receipts(7), "/receipts?from=1&to=7");
        assert_eq!(receipts(0), "/receipts?from=1&to=1");
    }
}

//! Finding messages by their words: filters first, then the texts that may answer.

use std::cmp::Reverse;
use std::ops::ControlFlow;
use std::sync::Arc;

use madang_domain::ports::{LogQuery, StoreError};
use madang_domain::search::{ROOMS_MAX, SearchQuery};
use madang_domain::{Epoch, Message, RoomId, Seq, Timestamp, UserId};
use rusqlite::Statement;

use super::connection::unavailable;
use super::filter::{self, BLOCK, Wanted, block_of, place};
use super::messages::{self, Decoder};
use super::reader::{Halt, Read, Reader};
use super::rooms::{Log, find_log, room_id};
use super::sql::{first, number, seq, signed, timestamp};

pub(super) const FILTERS: &str =
    "SELECT place, filter FROM filters WHERE place BETWEEN ?1 AND ?2 ORDER BY place DESC";
/// Only what is looked at: of most texts nothing more is wanted.
pub(super) const TEXTS: &str = "SELECT seq, sent_at, text FROM messages
     WHERE room_no = ?1 AND seq BETWEEN ?2 AND ?3 AND kind IN (0, 1) ORDER BY seq DESC";
pub(super) const ROOM: &str = "SELECT id, epoch FROM rooms WHERE room_no = ?1";

/// What is looked for.
struct Question<'a> {
    query: &'a SearchQuery,
    wanted: Wanted,
    before: Option<Timestamp>,
    limit: usize,
}

impl Question<'_> {
    fn is_answered_by(&self, at: Timestamp, text: &str) -> bool {
        self.before.is_none_or(|before| at < before) && self.query.is_in(text)
    }
}

/// By when it was sent, newest first; then by room and place.
type Found = Reverse<(Timestamp, i64, Seq)>;

/// A room that is looked into.
struct Searched<'a> {
    room_no: i64,
    log: &'a Log,
    /// What is older is not wanted: other rooms have enough that is newer.
    since: Option<Timestamp>,
}

impl Searched<'_> {
    fn is_too_old(&self, at: Timestamp) -> bool {
        self.since.is_some_and(|since| at < since)
    }
}

impl Reader {
    pub(super) fn search(
        &self,
        user: &UserId,
        room: Option<&RoomId>,
        query: &SearchQuery,
        before: Option<Timestamp>,
        limit: usize,
    ) -> Result<Vec<Arc<Message>>, StoreError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let question = Question {
            query,
            wanted: Wanted::new(query),
            before,
            limit,
        };
        self.snapshot(|read| match room {
            Some(id) => {
                let Some((room, log)) = find_log(read.connection, id)? else {
                    return Ok(Vec::new());
                };
                let searched = Searched {
                    room_no: room.room_no,
                    log: &log,
                    since: None,
                };
                read.search_room(&question, &searched)
            }
            None => read.search_rooms(&question, user),
        })
    }
}

impl Read<'_> {
    /// The most recently active rooms first: those behind are older than what is found when there
    /// is enough of it.
    fn search_rooms(
        &self,
        question: &Question<'_>,
        user: &UserId,
    ) -> Result<Vec<Arc<Message>>, Halt> {
        let Some(user_no) = self.user_no(user)? else {
            return Ok(Vec::new());
        };
        let seats = self.seats(user_no, None)?;
        let mut rooms: Vec<_> = {
            let tail = self.tail()?;
            let seats = seats.iter().map(super::lists::Seat::log);
            seats
                .map(|(room_no, log)| (tail.end(room_no, log.end).at, room_no, log))
                .collect()
        };
        rooms.sort_unstable_by_key(|(at, room_no, _)| Reverse((*at, *room_no)));
        let mut found: Vec<(Found, Arc<Message>)> = Vec::new();
        for (active_at, room_no, log) in rooms.into_iter().take(ROOMS_MAX) {
            let room = Searched {
                room_no,
                log,
                since: found.get(question.limit - 1).map(|(key, _)| key.0.0),
            };
            if room.is_too_old(active_at) {
                break;
            }
            for message in self.search_room(question, &room)? {
                let key = (message.sent_at, room_no, message.position.seq);
                found.push((Reverse(key), message));
            }
            found.sort_unstable_by_key(|(key, _)| *key);
            found.truncate(question.limit);
        }
        Ok(found.into_iter().map(|(_, message)| message).collect())
    }

    /// Newest first, as the log has them.
    fn search_room(
        &self,
        question: &Question<'_>,
        room: &Searched<'_>,
    ) -> Result<Vec<Arc<Message>>, Halt> {
        let merged = room.log.end.seq;
        let newer = {
            let all = LogQuery::Before(Seq::MAX);
            self.tail()?.log(room.room_no, merged, all, usize::MAX)
        };
        let mut found = Vec::new();
        for message in newer.into_iter().rev() {
            if found.len() >= question.limit {
                return Ok(found);
            }
            if filter::is_searched(message.kind)
                && !room.is_too_old(message.sent_at)
                && question.is_answered_by(message.sent_at, &message.text)
            {
                found.push(message);
            }
        }
        if found.len() < question.limit && merged >= room.log.oldest {
            let limit = question.limit - found.len();
            let seqs = self.search_blocks(question, room, limit)?;
            self.add_merged(room.room_no, &seqs, &mut found)?;
        }
        Ok(found)
    }

    /// Goes back through what is merged of a room; answers where at most `limit` are.
    fn search_blocks(
        &self,
        question: &Question<'_>,
        room: &Searched<'_>,
        limit: usize,
    ) -> Result<Vec<Seq>, StoreError> {
        let (from, to) = (block_of(room.log.oldest), block_of(room.log.end.seq));
        let search = || {
            let mut found = Vec::new();
            let mut texts = self.connection.prepare_cached(TEXTS)?;
            let mut filters = self.connection.prepare_cached(FILTERS)?;
            let places = [place(room.room_no, from), place(room.room_no, to)];
            let mut filters = filters.query(places)?;
            let mut next = filters.next()?;
            for block in (from..=to).rev() {
                if let Some(row) = next
                    && row.get::<_, i64>(0)? == place(room.room_no, block)
                {
                    let may_be_in = question.wanted.may_be_in(row.get_ref(1)?.as_blob()?);
                    next = filters.next()?;
                    if !may_be_in {
                        continue;
                    }
                }
                let end = search_block(&mut texts, question, room, block, &mut found)?;
                if end.is_break() || found.len() >= limit {
                    break;
                }
            }
            found.truncate(limit);
            Ok(found)
        };
        search().map_err(unavailable)
    }

    fn add_merged(
        &self,
        room_no: i64,
        seqs: &[Seq],
        found: &mut Vec<Arc<Message>>,
    ) -> Result<(), StoreError> {
        if seqs.is_empty() {
            return Ok(());
        }
        let room = first(self.connection, ROOM, [room_no], |row| {
            Ok((room_id(row, 0)?, Epoch::new(number(row, 1)?)))
        })?;
        let Some((id, epoch)) = room else {
            return Ok(());
        };
        let mut decoder = Decoder::new(&id, epoch);
        for seq in seqs {
            let values = [room_no, signed(*seq)];
            let message = first(self.connection, messages::ONE, values, |row| {
                decoder.message(row, 0)
            })?;
            found.extend(message.map(Arc::new));
        }
        Ok(())
    }
}

/// Breaks off when all of it is too old: neighbours may be in another order than their times.
fn search_block(
    texts: &mut Statement<'_>,
    question: &Question<'_>,
    room: &Searched<'_>,
    block: u64,
    found: &mut Vec<Seq>,
) -> rusqlite::Result<ControlFlow<()>> {
    let from = Seq::new(block * BLOCK + 1).max(room.log.oldest);
    let to = Seq::new(block * BLOCK + BLOCK).min(room.log.end.seq);
    let mut rows = texts.query([room.room_no, signed(from), signed(to)])?;
    let mut newest = None;
    while let Some(row) = rows.next()? {
        let at = timestamp(row, 1)?;
        newest = newest.max(Some(at));
        if !room.is_too_old(at) && question.is_answered_by(at, row.get_ref(2)?.as_str()?) {
            found.push(seq(row, 0)?);
        }
    }
    Ok(match newest.is_some_and(|newest| room.is_too_old(newest)) {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
    })
}

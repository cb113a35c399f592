//! Finding messages by their words: filters first, then the texts that may answer.

use std::cmp::Reverse;
use std::sync::Arc;

use madang_domain::ports::{LogQuery, StoreError};
use madang_domain::search::{ROOMS_MAX, SearchQuery};
use madang_domain::{Epoch, Message, MessageKind, RoomId, Seq, Timestamp, UserId};

use super::connection::unavailable;
use super::filter::{self, BLOCK, Wanted, block_of, place};
use super::messages::{Decoder, select_messages};
use super::reader::{Halt, Read, Reader};
use super::rooms::{Log, find_log, room_id};
use super::sql::{first, number, one_of, signed, timestamp};

pub(super) const FILTERS: &str =
    "SELECT place, filter FROM filters WHERE place BETWEEN ?1 AND ?2 ORDER BY place DESC";
pub(super) const TEXTS: &str = select_messages!("seq BETWEEN ?2 AND ?3 ORDER BY seq DESC");

/// What is looked for.
struct Question<'a> {
    query: &'a SearchQuery,
    wanted: Wanted,
    before: Option<Timestamp>,
    limit: usize,
}

impl Question<'_> {
    fn is_answered_by(&self, kind: MessageKind, at: Timestamp, text: &str) -> bool {
        filter::is_searched(kind)
            && self.before.is_none_or(|before| at < before)
            && self.query.is_in(text)
    }
}

/// By when it was sent, newest first; then by room and place.
type Found = Reverse<(Timestamp, i64, Seq)>;

/// A room that is looked into.
struct Searched<'a> {
    room_no: i64,
    id: &'a RoomId,
    epoch: Epoch,
    log: &'a Log,
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
                read.search_room(
                    &question,
                    &Searched {
                        room_no: room.room_no,
                        id,
                        epoch: room.epoch,
                        log: &log,
                    },
                )
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
            let oldest_found = found.get(question.limit - 1).map(|(key, _)| key.0.0);
            if oldest_found.is_some_and(|oldest| active_at < oldest) {
                break;
            }
            let find = "SELECT id, epoch FROM rooms WHERE room_no = ?1";
            let room = first(self.connection, find, [room_no], |row| {
                Ok((room_id(row, 0)?, Epoch::new(number(row, 1)?)))
            })?;
            let Some((id, epoch)) = room else { continue };
            let room = Searched {
                room_no,
                id: &id,
                epoch,
                log,
            };
            for message in self.search_room(question, &room)? {
                let key = (message.sent_at, room_no, message.position.seq);
                found.push((Reverse(key), message));
            }
            found.sort_unstable_by_key(|(key, _)| *key);
            found.truncate(question.limit);
        }
        Ok(found.into_iter().map(|(_, message)| message).collect())
    }

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
        let answers = |m: &Arc<Message>| question.is_answered_by(m.kind, m.sent_at, &m.text);
        let newest_first = newer.into_iter().rev();
        let mut found: Vec<_> = newest_first.filter(answers).take(question.limit).collect();
        let oldest = room.log.oldest;
        if found.len() < question.limit && merged >= oldest {
            self.search_blocks(question, room, &mut found)?;
        }
        Ok(found)
    }

    /// Goes back through what is merged of a room.
    fn search_blocks(
        &self,
        question: &Question<'_>,
        room: &Searched<'_>,
        found: &mut Vec<Arc<Message>>,
    ) -> Result<(), StoreError> {
        let (from, to) = (block_of(room.log.oldest), block_of(room.log.end.seq));
        let mut search = || {
            let mut statement = self.connection.prepare_cached(FILTERS)?;
            let mut filters =
                statement.query([place(room.room_no, from), place(room.room_no, to)])?;
            let mut next = filters.next()?;
            for block in (from..=to).rev() {
                let mut may_be_in = true;
                if let Some(row) = next
                    && row.get::<_, i64>(0)? == place(room.room_no, block)
                {
                    may_be_in = question.wanted.may_be_in(row.get_ref(1)?.as_blob()?);
                    next = filters.next()?;
                }
                if may_be_in {
                    self.search_block(question, room, block, found)?;
                }
                if found.len() >= question.limit {
                    break;
                }
            }
            Ok(())
        };
        search().map_err(unavailable)
    }

    fn search_block(
        &self,
        question: &Question<'_>,
        room: &Searched<'_>,
        block: u64,
        found: &mut Vec<Arc<Message>>,
    ) -> rusqlite::Result<()> {
        let mut decoder = Decoder::new(room.id, room.epoch);
        let from = Seq::new(block * BLOCK + 1).max(room.log.oldest);
        let to = Seq::new(block * BLOCK + BLOCK).min(room.log.end.seq);
        let mut statement = self.connection.prepare_cached(TEXTS)?;
        let mut rows = statement.query([room.room_no, signed(from), signed(to)])?;
        while let Some(row) = rows.next()?
            && found.len() < question.limit
        {
            let kind = one_of(row, 1, MessageKind::from_number)?;
            let text = row.get_ref(8)?.as_str()?;
            if question.is_answered_by(kind, timestamp(row, 2)?, text) {
                found.push(Arc::new(decoder.message(row, 0)?));
            }
        }
        Ok(())
    }
}

//! Finding messages by their words: a page of what was found in a bounded piece of work.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use madang_domain::ports::Found;
use madang_domain::search::{ROOMS_MAX, SearchPlace, SearchQuery};
use madang_domain::{Epoch, Message, RoomId, Seq, UserId};

use super::database::{first, number, values};
use super::messages::{self, Decoder};
use super::read::{Halt, Read};
use super::rooms::{find_log, room_id};
use super::walk::{Budget, Hit, Question, Walk};

pub(crate) const ROOM: &str = "SELECT id, epoch FROM rooms WHERE room_no = ?1";

/// Newest first, perhaps more than were asked for; and what is before which place was not looked at.
type Page = (Vec<Hit>, Option<SearchPlace>);

impl Read<'_> {
    pub(crate) fn search(
        &self,
        user: &UserId,
        room: Option<&RoomId>,
        query: &SearchQuery,
        before: Option<SearchPlace>,
        limit: usize,
    ) -> Result<Found, Halt> {
        let (mut hits, next) = match room {
            Some(room) => self.search_room(room, query, before, limit)?,
            None => self.search_rooms(user, query, before, limit)?,
        };
        let mut next = next;
        if hits.len() > limit {
            hits.truncate(limit);
            next = hits.last().map(|(place, _)| *place);
        }
        let messages = hits.into_iter().map(|hit| self.message_of(hit));
        let messages = messages.filter_map(Result::transpose);
        Ok(Found {
            messages: messages.collect::<Result<_, _>>()?,
            next,
        })
    }

    /// Newest first, as the log has them.
    fn search_room(
        &self,
        room: &RoomId,
        query: &SearchQuery,
        before: Option<SearchPlace>,
        limit: usize,
    ) -> Result<Page, Halt> {
        let Some((room, log)) = find_log(self.database, room)? else {
            return Ok(Page::default());
        };
        let end = self.newest.end(room.room_no, log.end)?;
        let below = before.map_or(Seq::MAX, |before| before.seq);
        let mut walk = Walk::below((room.room_no, &log, end), below);
        let (mut budget, mut hits) = (Budget::full(), Vec::new());
        let question = Question::new(query, None);
        while self.step(&mut walk, &question, &mut budget, &mut hits)? {
            if hits.len() > limit || budget.is_spent() {
                return Ok((hits, Some(walk.place())));
            }
        }
        Ok((hits, None))
    }

    /// Always goes on in the room whose rest may be newest, so that what is found before all the
    /// rests is found in order.
    fn search_rooms(
        &self,
        user: &UserId,
        query: &SearchQuery,
        before: Option<SearchPlace>,
        limit: usize,
    ) -> Result<Page, Halt> {
        let Some(user_no) = self.user_no(user)? else {
            return Ok(Page::default());
        };
        let seats = self.seats(user_no, None)?;
        let mut rooms = Vec::with_capacity(seats.len());
        for (room_no, log) in seats.iter().map(super::lists::Seat::log) {
            rooms.push((room_no, log, self.newest.end(room_no, log.end)?));
        }
        rooms.sort_unstable_by_key(|(room_no, _, end)| Reverse((end.at, *room_no)));
        rooms.truncate(ROOMS_MAX);
        let walks = rooms.into_iter().map(|room| Walk::new(room, before));
        let mut walks: Vec<_> = walks.collect();
        let newest = walks.iter().enumerate();
        let mut newest: BinaryHeap<_> = newest.map(|(at, walk)| (walk.bound(), at)).collect();
        let question = Question::new(query, before);
        let (mut budget, mut hits) = (Budget::full(), Vec::new());
        while let Some((rest, at)) = newest.pop() {
            let is_full = hits.get(limit).is_some_and(|(place, _)| *place >= rest);
            let went_on = before.is_none_or(|before| rest < before);
            if is_full || budget.is_spent() && went_on {
                hits.retain(|(place, _)| *place >= rest);
                return Ok((hits, Some(rest)));
            }
            let known = hits.len();
            if self.step(&mut walks[at], &question, &mut budget, &mut hits)? {
                newest.push((walks[at].bound(), at));
            }
            if hits.len() > known {
                hits.sort_unstable_by_key(|(place, _)| Reverse(*place));
                hits.truncate(limit + 1);
            }
        }
        Ok((hits, None))
    }

    fn message_of(&self, (place, message): Hit) -> Result<Option<Arc<Message>>, Halt> {
        if message.is_some() {
            return Ok(message);
        }
        let room_no = place.room.cast_signed();
        let room = first(self.database, ROOM, values![room_no], |row| {
            Ok((room_id(row, 0)?, Epoch::new(number(row, 1)?)))
        })?;
        let Some((id, epoch)) = room else {
            return Ok(None);
        };
        let values = values![room_no, place.seq];
        let message = first(self.database, messages::ONE, values, |row| {
            Decoder::new(&id, epoch).message(row, 0)
        })?;
        Ok(message.map(Arc::new))
    }
}

//! A user's rooms, and how much in them is unread.

use std::cmp::Reverse;
use std::collections::HashMap;

use madang_domain::ports::{RoomSummary, RoomView, RoomsQuery};
use madang_domain::{MemberRole, RoomKind, Seq, Standing, UnreadSummary, UserId};

use super::database::{Value, all, first, number, one_of, seq, values};
use super::log::End;
use super::read::{Halt, Read};
use super::rooms::{self, Log, RoomRow, log};
use crate::numbers;

pub(crate) const SEATS: &str = "SELECT m.room_no, m.role, m.read_seq, m.read_n, m.own,
            l.last_seq, l.last_n, l.active_at, l.oldest_seq, l.oldest_n
     FROM members AS m CROSS JOIN logs AS l ON l.room_no = m.room_no
     WHERE m.user_no = ?1 AND (?2 IS NULL OR m.kind = ?2)";
/// A room that a user belongs to.
pub(crate) struct Seat {
    pub(crate) room_no: i64,
    role: MemberRole,
    read: Seq,
    read_n: u64,
    /// Messages of their own that are merged, kept and behind the mark.
    own: u64,
    log: Log,
}

impl Seat {
    /// Its room's number and log.
    pub(crate) const fn log(&self) -> (i64, &Log) {
        (self.room_no, &self.log)
    }
}

impl Read<'_> {
    /// The user's number; none of one who is not known, and has no rooms.
    pub(crate) fn user_no(&self, user: &UserId) -> Result<Option<i64>, Halt> {
        let find = "SELECT user_no FROM users WHERE id = ?1";
        Ok(first(self.database, find, values![user.as_str()], |row| {
            row.int(0)
        })?)
    }

    pub(crate) fn seats(&self, user_no: i64, kind: Option<RoomKind>) -> Result<Vec<Seat>, Halt> {
        let values = values![user_no, kind.map(numbers::of_room_kind)];
        let seats = all(self.database, SEATS, values, |row| {
            Ok(Seat {
                room_no: row.int(0)?,
                role: one_of(row, 1, numbers::member_role)?,
                read: seq(row, 2)?,
                read_n: number(row, 3)?,
                own: number(row, 4)?,
                log: log(row, 5)?,
            })
        })?;
        Ok(seats)
    }

    /// Unread messages of each seat, in the same order: the countable entries behind the mark, but
    /// for the user's own.
    fn unread_of(&self, user: &UserId, seats: &[&Seat]) -> Result<Vec<u64>, Halt> {
        let unread = |seat: &&Seat| {
            let (room_no, log) = (seat.room_no, &seat.log);
            let end = self.newest.end(room_no, log.end)?;
            let behind = end.n.saturating_sub(seat.read_n.max(log.oldest_n));
            if behind == 0 {
                return Ok(0);
            }
            let newer = (self.newest).own_after(room_no, log.end.seq, user, seat.read)?;
            Ok(behind.saturating_sub(seat.own + newer))
        };
        seats.iter().map(unread).collect()
    }

    fn summary(
        &self,
        row: RoomRow,
        (seat, end): (&Seat, End),
        unread: u64,
    ) -> Result<RoomSummary, Halt> {
        let of = (&row.room.id, row.room.head.epoch);
        let last_message = self.last_message(seat.room_no, of, (&seat.log, end))?;
        let mut room = row.room;
        room.head.last = end.seq;
        Ok(RoomSummary {
            view: RoomView {
                room,
                standing: Standing::Member(seat.role),
            },
            active_at: end.at,
            read: seat.read,
            unread,
            last_message,
        })
    }

    pub(crate) fn rooms_of(
        &self,
        user: &UserId,
        query: &RoomsQuery,
    ) -> Result<Vec<RoomSummary>, Halt> {
        let Some(user_no) = self.user_no(user)? else {
            return Ok(Vec::new());
        };
        let seats = self.seats(user_no, query.kind)?;
        let newest = self.newest_first(&seats, query)?;
        let shown: Vec<&Seat> = newest.iter().map(|(seat, _)| *seat).collect();
        let unread = self.unread_of(user, &shown)?;
        let numbers: Vec<i64> = shown.iter().map(|seat| seat.room_no).collect();
        let mut rows = rooms::by_numbers(self.database, &numbers)?;
        let mut summaries = Vec::with_capacity(newest.len());
        for ((seat, end), unread) in newest.into_iter().zip(unread) {
            if let Some(row) = rows.remove(&seat.room_no) {
                summaries.push(self.summary(row, (seat, end), unread)?);
            }
        }
        Ok(summaries)
    }

    /// The page that is asked for, each with where its log ends.
    fn newest_first<'s>(
        &self,
        seats: &'s [Seat],
        query: &RoomsQuery,
    ) -> Result<Vec<(&'s Seat, End)>, Halt> {
        let with_end = |seat: &'s Seat| Ok((seat, self.newest.end(seat.room_no, seat.log.end)?));
        let mut found = (seats.iter().map(with_end)).collect::<Result<Vec<_>, Halt>>()?;
        let place = |(seat, end): &(&Seat, End)| Reverse((end.at, seat.room_no.cast_unsigned()));
        if let Some((at, number)) = query.after {
            found.retain(|room| place(room) > Reverse((at, number)));
        }
        if found.len() > query.limit {
            found.select_nth_unstable_by_key(query.limit, place);
            found.truncate(query.limit);
        }
        found.sort_unstable_by_key(place);
        Ok(found)
    }

    pub(crate) fn unread(&self, user: &UserId, limit: usize) -> Result<UnreadSummary, Halt> {
        let Some(user_no) = self.user_no(user)? else {
            return Ok(UnreadSummary::default());
        };
        let seats = self.seats(user_no, None)?;
        let seats: Vec<&Seat> = seats.iter().collect();
        let unread = self.unread_of(user, &seats)?;
        let mut summary = UnreadSummary {
            total: unread.iter().sum(),
            rooms: Vec::new(),
        };
        let some = seats.iter().zip(unread).filter(|(_, count)| *count > 0);
        let some: Vec<(i64, u64)> = some
            .take(limit)
            .map(|(s, count)| (s.room_no, count))
            .collect();
        let keys: Vec<Value<'_>> = some.iter().map(|(room_no, _)| (*room_no).into()).collect();
        let mut ids = HashMap::with_capacity(some.len());
        let find = "SELECT room_no, id FROM rooms WHERE room_no = ?1";
        self.database.query_each(find, &keys, &mut |row| {
            ids.insert(row.int(0)?, rooms::room_id(row, 1)?);
            Ok(())
        })?;
        for (room_no, count) in some {
            summary
                .rooms
                .extend(ids.remove(&room_no).map(|id| (id, count)));
        }
        Ok(summary)
    }
}

//! A user's rooms, and how much in them is unread.

use std::cmp::Reverse;

use madang_domain::ports::{RoomSummary, RoomView, RoomsQuery, StoreError};
use madang_domain::{MemberRole, RoomKind, Seq, Standing, UnreadSummary, UserId};
use rusqlite::params;

use super::reader::{Halt, Read, Reader};
use super::rooms::{self, Log, log};
use super::sql::{all, first, number, one_of, seq};
use super::tail::End;
use crate::numbers;

pub(super) const SEATS: &str = "SELECT m.room_no, m.role, m.read_seq, m.read_n, m.own,
            l.last_seq, l.last_n, l.active_at, l.oldest_seq, l.oldest_n
     FROM members AS m CROSS JOIN logs AS l ON l.room_no = m.room_no
     WHERE m.user_no = ?1 AND (?2 IS NULL OR m.kind = ?2)";
/// A room that a user belongs to.
pub(super) struct Seat {
    pub(super) room_no: i64,
    role: MemberRole,
    read: Seq,
    read_n: u64,
    /// Messages of their own that are merged, kept and behind the mark.
    own: u64,
    log: Log,
}

impl Seat {
    /// Its room's number and log.
    pub(super) const fn log(&self) -> (i64, &Log) {
        (self.room_no, &self.log)
    }
}

impl Read<'_> {
    /// The user's number; none of one who is not known, and has no rooms.
    pub(super) fn user_no(&self, user: &UserId) -> Result<Option<i64>, StoreError> {
        let find = "SELECT user_no FROM users WHERE id = ?1";
        first(self.connection, find, [user.as_str()], |row| row.get(0))
    }

    pub(super) fn seats(
        &self,
        user_no: i64,
        kind: Option<RoomKind>,
    ) -> Result<Vec<Seat>, StoreError> {
        let values = params![user_no, kind.map(numbers::of_room_kind)];
        all(self.connection, SEATS, values, |row| {
            Ok(Seat {
                room_no: row.get(0)?,
                role: one_of(row, 1, numbers::member_role)?,
                read: seq(row, 2)?,
                read_n: number(row, 3)?,
                own: number(row, 4)?,
                log: log(row, 5)?,
            })
        })
    }

    /// Unread messages of each seat, in the same order: the countable entries behind the mark, but
    /// for the user's own.
    fn unread(&self, user: &UserId, seats: &[&Seat]) -> Result<Vec<u64>, Halt> {
        let tail = self.tail()?;
        let unread = |seat: &&Seat| {
            let (room_no, log) = (seat.room_no, &seat.log);
            let end = tail.end(room_no, log.end);
            let behind = end.n.saturating_sub(seat.read_n.max(log.oldest_n));
            if behind == 0 {
                return 0;
            }
            let own = seat.own + tail.own_after(room_no, log.end.seq, user, seat.read);
            behind.saturating_sub(own)
        };
        Ok(seats.iter().map(unread).collect())
    }

    fn summary(&self, seat: &Seat, end: End, unread: u64) -> Result<Option<RoomSummary>, Halt> {
        let Some(row) = rooms::by_number(self.connection, seat.room_no)? else {
            return Ok(None);
        };
        let of = (&row.room.id, row.room.head.epoch);
        let last_message = self.last_message(seat.room_no, of, (&seat.log, end))?;
        let mut room = row.room;
        room.head.last = end.seq;
        Ok(Some(RoomSummary {
            view: RoomView {
                room,
                standing: Standing::Member(seat.role),
            },
            active_at: end.at,
            read: seat.read,
            unread,
            last_message,
        }))
    }

    fn rooms_of(&self, user: &UserId, query: &RoomsQuery) -> Result<Vec<RoomSummary>, Halt> {
        let Some(user_no) = self.user_no(user)? else {
            return Ok(Vec::new());
        };
        let seats = self.seats(user_no, query.kind)?;
        let newest = self.newest_first(&seats, query)?;
        let shown: Vec<&Seat> = newest.iter().map(|(seat, _)| *seat).collect();
        let unread = self.unread(user, &shown)?;
        let mut summaries = Vec::with_capacity(newest.len());
        for ((seat, end), unread) in newest.into_iter().zip(unread) {
            summaries.extend(self.summary(seat, end, unread)?);
        }
        Ok(summaries)
    }

    /// The page that is asked for, each with where its log ends.
    fn newest_first<'s>(
        &self,
        seats: &'s [Seat],
        query: &RoomsQuery,
    ) -> Result<Vec<(&'s Seat, End)>, Halt> {
        let mut found: Vec<(&Seat, End)> = {
            let tail = self.tail()?;
            let with_end = |seat: &'s Seat| (seat, tail.end(seat.room_no, seat.log.end));
            seats.iter().map(with_end).collect()
        };
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
}

impl Reader {
    pub(super) fn rooms_of(
        &self,
        user: &UserId,
        query: &RoomsQuery,
    ) -> Result<Vec<RoomSummary>, StoreError> {
        self.snapshot(|read| read.rooms_of(user, query))
    }

    pub(super) fn unread(&self, user: &UserId, limit: usize) -> Result<UnreadSummary, StoreError> {
        self.snapshot(|read| {
            let Some(user_no) = read.user_no(user)? else {
                return Ok(UnreadSummary::default());
            };
            let seats = read.seats(user_no, None)?;
            let seats: Vec<&Seat> = seats.iter().collect();
            let unread = read.unread(user, &seats)?;
            let mut summary = UnreadSummary {
                total: unread.iter().sum(),
                rooms: Vec::new(),
            };
            let some = seats.iter().zip(unread).filter(|(_, count)| *count > 0);
            for (seat, count) in some.take(limit) {
                let find = "SELECT id FROM rooms WHERE room_no = ?1";
                let values = [seat.room_no];
                let id = first(read.connection, find, values, |row| rooms::room_id(row, 0))?;
                summary.rooms.extend(id.map(|id| (id, count)));
            }
            Ok(summary)
        })
    }
}

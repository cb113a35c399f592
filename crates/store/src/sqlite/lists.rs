//! A user's rooms, and how much in them is unread.

use std::cmp::Reverse;

use madang_domain::ports::{RoomSummary, RoomView, RoomsQuery, StoreError};
use madang_domain::{MemberRole, RoomKind, Seq, Standing, UnreadSummary, UserId};
use rusqlite::params;

use super::reader::{Halt, Read, Reader};
use super::rooms::{self, Log, log};
use super::sql::{all, first, number, one_of, seq, signed};
use super::tail::End;
use crate::numbers;

pub(super) const SEATS: &str = "SELECT m.room_no, m.role, m.read_seq, m.read_n,
            l.last_seq, l.last_n, l.active_at, l.oldest_seq, l.oldest_n
     FROM members AS m CROSS JOIN logs AS l ON l.room_no = m.room_no
     WHERE m.user_no = ?1 AND (?2 IS NULL OR m.kind = ?2)";
pub(super) const FIRST_OWN: &str = "SELECT own_n FROM sent
     WHERE user_no = ?1 AND room_no = ?2 AND seq > ?3 ORDER BY seq LIMIT 1";
pub(super) const LAST_OWN: &str = "SELECT own_n FROM sent
     WHERE user_no = ?1 AND room_no = ?2 ORDER BY seq DESC LIMIT 1";

/// A room that a user belongs to.
pub(super) struct Seat {
    pub(super) room_no: i64,
    role: MemberRole,
    read: Seq,
    read_n: u64,
    log: Log,
}

/// What of a room may be unread.
struct Unread {
    room_no: i64,
    /// Of others and, if they are merged, of the user.
    count: u64,
    /// The user's own behind this place do not count.
    passed: Seq,
    /// Whether something is merged behind it.
    is_merged: bool,
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
                log: log(row, 4)?,
            })
        })
    }

    /// Unread messages of each seat, by the room's number; 0 is left out.
    fn unread(
        &self,
        (user_no, user): (i64, &UserId),
        seats: &[&Seat],
    ) -> Result<Vec<(i64, u64)>, Halt> {
        let mut maybe = Vec::new();
        {
            let tail = self.tail()?;
            for seat in seats {
                let (room_no, log) = (seat.room_no, &seat.log);
                let end = tail.end(room_no, log.end);
                let count = end.n - seat.read_n.max(log.oldest_n).min(end.n);
                if count == 0 {
                    continue;
                }
                let passed = seat.read.max(log.oldest.previous());
                let own = tail.own_after(room_no, log.end.seq, user, passed);
                maybe.push(Unread {
                    room_no,
                    count: count - own,
                    passed,
                    is_merged: passed < log.end.seq,
                });
            }
        }
        let mut unread = Vec::with_capacity(maybe.len());
        for room in maybe {
            let own = self.own_merged(user_no, &room)?;
            if room.count > own {
                unread.push((room.room_no, room.count - own));
            }
        }
        Ok(unread)
    }

    /// How many merged messages of the user are behind the place. They are numbered without gaps.
    fn own_merged(&self, user_no: i64, room: &Unread) -> Result<u64, StoreError> {
        if !room.is_merged {
            return Ok(0);
        }
        let after = [user_no, room.room_no, signed(room.passed)];
        let Some(from) = first(self.connection, FIRST_OWN, after, |row| number(row, 0))? else {
            return Ok(0);
        };
        let of = [user_no, room.room_no];
        let to = first(self.connection, LAST_OWN, of, |row| number(row, 0))?;
        Ok(to.map_or(0, |to| to + 1 - from))
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
        let mut unread = self.unread((user_no, user), &shown)?;
        unread.sort_unstable();
        let mut summaries = Vec::with_capacity(newest.len());
        for (seat, end) in newest {
            let at = unread.binary_search_by_key(&seat.room_no, |(room_no, _)| *room_no);
            let unread = at.map_or(0, |at| unread[at].1);
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
            let unread = read.unread((user_no, user), &seats)?;
            let mut summary = UnreadSummary {
                total: unread.iter().map(|(_, count)| count).sum(),
                rooms: Vec::new(),
            };
            for (room_no, count) in unread.into_iter().take(limit) {
                let find = "SELECT id FROM rooms WHERE room_no = ?1";
                let id = first(read.connection, find, [room_no], |row| {
                    rooms::room_id(row, 0)
                })?;
                summary.rooms.extend(id.map(|id| (id, count)));
            }
            Ok(summary)
        })
    }
}

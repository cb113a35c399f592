//! Marks that wait together, kept by a few statements for all of them: the rows of their members are
//! locked, not the rooms, so that who reads a room does not hold up who writes into it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use madang_domain::ports::StoreError;
use madang_domain::receipt::ReadMark;
use madang_domain::{Epoch, RoomId, Seq, UserId};

use super::link::{Brand, Session};
use super::log::ROWS_MAX;
use super::statements;
use crate::relational::database::{Database, Value, first, number, seq, user_id, values};
use crate::relational::gathered::Mark;
use crate::relational::marks::COUNTED_TO;
use crate::relational::rooms::room_id;

const ROOM: &str = "SELECT id, room_no, epoch, agent FROM rooms WHERE id = ?1";
const LOG: &str =
    "SELECT room_no, last_seq, last_n, oldest_seq, oldest_n FROM logs WHERE room_no = ?1";

/// What a mark's room is.
#[derive(Debug)]
struct Room {
    room_no: i64,
    epoch: Epoch,
    agent: Option<UserId>,
}

/// A member's row.
struct Seat {
    user_no: i64,
    before: Seq,
    now: Seq,
}

#[derive(Clone, Copy)]
struct Bounds {
    last: (Seq, u64),
    oldest: (Seq, u64),
}

/// The rooms of some marks, by their ids.
#[derive(Debug, Default)]
pub(super) struct Rooms(HashMap<RoomId, Room>);

impl Rooms {
    pub(super) fn of<'m, B: Brand>(
        session: &Session<B>,
        marks: impl Iterator<Item = &'m Mark>,
    ) -> Result<Self, StoreError> {
        let ids: BTreeSet<&RoomId> = marks.map(|mark| &mark.room).collect();
        let keys: Vec<Value<'_>> = ids.iter().map(|id| id.as_str().into()).collect();
        let mut rooms = HashMap::with_capacity(ids.len());
        session.query_each(ROOM, &keys, &mut |row| {
            let agent = match row.opt_str(3)? {
                Some(_) => Some(user_id(row, 3)?),
                None => None,
            };
            let room = Room {
                room_no: row.int(1)?,
                epoch: Epoch::new(number(row, 2)?),
                agent,
            };
            rooms.insert(room_id(row, 0)?, room);
            Ok(())
        })?;
        Ok(Self(rooms))
    }

    /// Whether the room's own row changes with a mark: where the agent has read, the desk has.
    pub(super) fn changes_with(&self, mark: &Mark) -> bool {
        let room = self.0.get(&mark.room);
        room.is_some_and(|room| room.agent.as_ref() == Some(&mark.user))
    }

    fn number(&self, mark: &Mark) -> Option<i64> {
        let room = self.0.get(&mark.room)?;
        (room.epoch == mark.position.epoch).then_some(room.room_no)
    }

    /// Keeps delivered marks.
    pub(super) fn keep_delivered<B: Brand>(
        &self,
        session: &Session<B>,
        marks: &[&Mark],
    ) -> Result<(), StoreError> {
        let mut newest: BTreeMap<(i64, &UserId), Seq> = BTreeMap::new();
        for mark in marks {
            if let Some(room_no) = self.number(mark) {
                let seq = newest.entry((room_no, &mark.user)).or_insert(Seq::ZERO);
                *seq = mark.position.seq.max(*seq);
            }
        }
        raise_delivered(session, &newest)
    }

    /// Keeps read marks, in the order given; answers what became of each.
    pub(super) fn keep_read<B: Brand>(
        &self,
        session: &Session<B>,
        marks: &[&Mark],
    ) -> Result<Vec<Option<ReadMark>>, StoreError> {
        let pairs = marks
            .iter()
            .filter_map(|mark| Some((self.number(mark)?, &mark.user)));
        let mut seats = lock_seats(session, &pairs.collect())?;
        // After the locks: whatever of their own is in the logs by now is counted in their rows.
        let bounds = bounds(session, seats.keys().map(|(room_no, _)| *room_no))?;
        let mut kept = Vec::with_capacity(marks.len());
        for mark in marks {
            let key = self.number(mark).map(|room_no| (room_no, &mark.user));
            let found = key.and_then(|key| Some((seats.get_mut(&key)?, bounds.get(&key.0)?)));
            kept.push(found.map(|(seat, bounds)| {
                let before = seat.now;
                seat.now = mark.position.seq.min(bounds.last.0).max(before);
                ReadMark {
                    epoch: mark.position.epoch,
                    before,
                    now: seat.now,
                }
            }));
        }
        seats.retain(|_, seat| seat.now > seat.before);
        raise_read(session, &seats, &bounds)?;
        let delivered = seats.iter().map(|(key, seat)| (*key, seat.now));
        raise_delivered(session, &delivered.collect())?;
        Ok(kept)
    }
}

fn lock_seats<'a, B: Brand>(
    session: &Session<B>,
    pairs: &BTreeSet<(i64, &'a UserId)>,
) -> Result<BTreeMap<(i64, &'a UserId), Seat>, StoreError> {
    let mut seats = BTreeMap::new();
    let pairs: Vec<&(i64, &UserId)> = pairs.iter().collect();
    for pairs in pairs.chunks(ROWS_MAX) {
        let mut values: Vec<Value<'_>> = Vec::with_capacity(pairs.len() * 2);
        for (room_no, user) in pairs {
            values.extend([Value::from(*room_no), user.as_str().into()]);
        }
        let rows = pairs.len();
        session.query_rows(statements::lock_seats, rows, &values, &mut |row| {
            let (room_no, id) = (row.int(0)?, row.str(1)?);
            let pair = pairs
                .iter()
                .find(|pair| pair.0 == room_no && pair.1.as_str() == id);
            if let Some((room_no, user)) = pair {
                let before = seq(row, 3)?;
                let seat = Seat {
                    user_no: row.int(2)?,
                    before,
                    now: before,
                };
                seats.insert((*room_no, *user), seat);
            }
            Ok(true)
        })?;
    }
    Ok(seats)
}

fn bounds<B: Brand>(
    session: &Session<B>,
    rooms: impl Iterator<Item = i64>,
) -> Result<HashMap<i64, Bounds>, StoreError> {
    let rooms: BTreeSet<i64> = rooms.collect();
    let keys: Vec<Value<'_>> = rooms.into_iter().map(Value::from).collect();
    let mut bounds = HashMap::with_capacity(keys.len());
    session.query_each(LOG, &keys, &mut |row| {
        let of = Bounds {
            last: (seq(row, 1)?, number(row, 2)?),
            oldest: (seq(row, 3)?, number(row, 4)?),
        };
        bounds.insert(row.int(0)?, of);
        Ok(())
    })?;
    Ok(bounds)
}

fn raise_read<B: Brand>(
    session: &Session<B>,
    seats: &BTreeMap<(i64, &UserId), Seat>,
    bounds: &HashMap<i64, Bounds>,
) -> Result<(), StoreError> {
    let mut rows = Vec::with_capacity(seats.len());
    for ((room_no, user), seat) in seats {
        let Some(bounds) = bounds.get(room_no) else {
            continue;
        };
        let (n, own) = counted(session, (*room_no, user), seat.now, *bounds)?;
        rows.push([
            Value::from(seat.user_no),
            (*room_no).into(),
            seat.now.into(),
            n.cast_signed().into(),
            own.into(),
        ]);
    }
    for rows in rows.chunks(ROWS_MAX) {
        let values = rows.as_flattened();
        session.execute_rows(statements::raise_read, rows.len(), values)?;
    }
    Ok(())
}

/// How many countable entries the log had up to a place, and how many of the user's own are behind it.
fn counted<B: Brand>(
    session: &Session<B>,
    (room_no, user): (i64, &UserId),
    to: Seq,
    bounds: Bounds,
) -> Result<(u64, i64), StoreError> {
    if to == bounds.last.0 {
        return Ok((bounds.last.1, 0));
    }
    let n = match to < bounds.oldest.0 {
        true => Some(bounds.oldest.1),
        false => first(session, COUNTED_TO, values![room_no, to], |row| {
            number(row, 0)
        })?,
    };
    let n = match n {
        Some(n) => n,
        // It was removed since the bounds were read.
        None => oldest_n(session, room_no, to)?,
    };
    let of = values![room_no, to, user.as_str()];
    let own = first(session, statements::OWN_BEHIND, of, |row| row.int(0))?;
    Ok((n, own.unwrap_or(0)))
}

fn oldest_n<B: Brand>(session: &Session<B>, room_no: i64, to: Seq) -> Result<u64, StoreError> {
    let bounds = bounds(session, std::iter::once(room_no))?;
    let oldest = bounds.get(&room_no).map(|bounds| bounds.oldest);
    let removed = oldest.filter(|(oldest, _)| to < *oldest);
    let hole = || StoreError::Corrupt("a log has a hole".to_owned());
    removed.map(|(_, n)| n).ok_or_else(hole)
}

fn raise_delivered<B: Brand>(
    session: &Session<B>,
    marks: &BTreeMap<(i64, &UserId), Seq>,
) -> Result<(), StoreError> {
    let rows: Vec<_> = marks.iter().collect();
    for rows in rows.chunks(ROWS_MAX) {
        let mut values: Vec<Value<'_>> = Vec::with_capacity(rows.len() * 3);
        for ((room_no, user), seq) in rows {
            values.extend([Value::from(*room_no), user.as_str().into(), (**seq).into()]);
        }
        session.execute_rows(statements::raise_delivered, rows.len(), &values)?;
    }
    Ok(())
}

//! Removing what is kept no longer.

use std::time::Duration;

use madang_domain::ports::{RetentionRule, StoreError, Swept};
use madang_domain::{
    Answer, Committed, Message, Person, RoomId, RoomKind, SenderKind, Seq, Timestamp,
};

use super::change::Change;
use super::database::{
    Row, all, execute, first, one_of, sql_limit, text, timestamp, user_id, values,
};
use super::rooms::{Log, log, room_id};
use crate::numbers;

/// Rooms that one call looks at.
const ROOMS: usize = 256;

/// Entries that one call removes at most: some milliseconds.
const ENTRIES: usize = 1_000;

macro_rules! select_looked {
    ($rest:literal) => {
        concat!(
            "SELECT r.room_no, r.id, r.kind, r.owner, r.nickname, r.completed_at, r.state,
                    r.inquired_at, l.last_seq, l.last_n, l.active_at, l.oldest_seq, l.oldest_n
             FROM rooms AS r CROSS JOIN logs AS l ON l.room_no = r.room_no
             WHERE ",
            $rest
        )
    };
}

pub(crate) const BEHIND: &str = select_looked!("r.room_no > ?1 ORDER BY r.room_no LIMIT ?2");
pub(crate) const ONE: &str = select_looked!("r.room_no = ?1");

/// A room that is looked at.
struct Looked {
    room_no: i64,
    id: RoomId,
    kind: RoomKind,
    /// Of a support room that is completed, or waits.
    case: Option<Case>,
    log: Log,
}

struct Case {
    customer: Person,
    is_completed: bool,
    /// When it was completed, or began to wait.
    since: Timestamp,
}

fn case(row: &dyn Row) -> Result<Option<Case>, StoreError> {
    let is_waiting = row.opt_int(6)? == Some(0);
    let since = match row.opt_int(5)? {
        None if is_waiting => timestamp(row, 7)?,
        None => return Ok(None),
        Some(completed) => Timestamp::from_micros(completed),
    };
    let customer = Person {
        user: user_id(row, 3)?,
        name: text(row, 4)?,
    };
    Ok(Some(Case {
        customer,
        is_completed: !is_waiting,
        since,
    }))
}

fn looked(row: &dyn Row) -> Result<Looked, StoreError> {
    Ok(Looked {
        room_no: row.int(0)?,
        id: room_id(row, 1)?,
        kind: one_of(row, 2, numbers::room_kind)?,
        case: case(row)?,
        log: log(row, 8)?,
    })
}

/// What of a log goes: entries below a number that are old enough, and older ones than a moment.
#[derive(Clone, Copy)]
struct Due {
    below: Seq,
    spared_from: i64,
    older_than: i64,
}

impl Due {
    fn new(rule: &RetentionRule, last: Seq, now: Timestamp) -> Self {
        let below = rule
            .count
            .map_or(0, |count| (last.get() + 1).saturating_sub(count));
        let before = |age: Duration| now.before(age).as_micros();
        let older_than = rule.age.map_or(i64::MIN, before);
        let spared_from = match rule.count_spares {
            Duration::ZERO => i64::MAX,
            spares => before(spares),
        };
        Self {
            below: Seq::new(below),
            spared_from,
            older_than,
        }
    }

    fn has(self, seq: Seq, sent_at: i64) -> bool {
        seq < self.below && sent_at < self.spared_from || sent_at < self.older_than
    }

    fn has_entry(self, message: &Message) -> bool {
        self.has(message.position.seq, message.sent_at.as_micros())
    }
}

/// What was removed of a room.
enum Removed {
    Entries(usize),
    Room,
}

impl Change<'_> {
    pub(crate) fn sweep(
        &mut self,
        rules: &[RetentionRule; RoomKind::ALL.len()],
        after: Option<u64>,
        now: Timestamp,
    ) -> Result<Swept, StoreError> {
        let after = after.map_or(0, |number| i64::try_from(number).unwrap_or(i64::MAX));
        let values = values![after, sql_limit(ROOMS)];
        let rooms = all(self.database, BEHIND, values, looked)?;
        let is_end = rooms.len() < ROOMS;
        let mut swept = Swept::default();
        for room in rooms {
            let number = room.room_no.cast_unsigned();
            let rule = &rules[usize::from(numbers::of_room_kind(room.kind))];
            swept.next = Some(number);
            let left = ENTRIES;
            match self.sweep_room(room, rule, now, left)? {
                Removed::Entries(0) => continue,
                Removed::Room => swept.rooms += 1,
                Removed::Entries(removed) => {
                    swept.entries += removed as u64;
                    if removed == left {
                        // There may be more of this room.
                        swept.next = Some(number - 1);
                    }
                }
            }
            // Nobody is to wait for this room while others are looked at.
            return Ok(swept);
        }
        if is_end {
            swept.next = None;
        }
        Ok(swept)
    }

    /// Most rooms have nothing that is due: they are looked at without keeping others away.
    fn sweep_room(
        &mut self,
        room: Looked,
        rule: &RetentionRule,
        now: Timestamp,
        limit: usize,
    ) -> Result<Removed, StoreError> {
        let nothing = Ok(Removed::Entries(0));
        if !self.ends(&room, rule, now) && !self.has_due(&room, rule, now)? {
            return nothing;
        }
        self.database.lock_rooms(&[&room.id])?;
        let Some(room) = first(self.database, ONE, values![room.room_no], looked)? else {
            return nothing;
        };
        if let (Some(case), true) = (&room.case, self.ends(&room, rule, now)) {
            let customer = (&case.customer, SenderKind::Host);
            // Those who listen find the entry, and the room gone, when they look.
            let mut told = Committed::only(Answer::Done(0));
            self.take_away(&room.id, customer, now, &mut told)?;
            return Ok(Removed::Room);
        }
        self.trim(&room, rule, now, limit).map(Removed::Entries)
    }

    /// Of a support room: whether it was completed long ago, or has waited long without a message.
    fn ends(&self, room: &Looked, rule: &RetentionRule, now: Timestamp) -> bool {
        let Some(case) = &room.case else {
            return false;
        };
        let kept = match case.is_completed {
            true => rule.completed,
            // Somebody said something in it.
            false if self.log.end(room.room_no, room.log.end).n > 0 => None,
            false => rule.age,
        };
        kept.is_some_and(|kept| case.since <= now.before(kept))
    }

    fn due(&self, room: &Looked, rule: &RetentionRule, now: Timestamp) -> Option<Due> {
        if rule.age.is_none() && rule.count.is_none() {
            return None;
        }
        let last = self.log.end(room.room_no, room.log.end).seq;
        Some(Due::new(rule, last, now))
    }

    /// Whether the oldest entry is due.
    fn has_due(
        &self,
        room: &Looked,
        rule: &RetentionRule,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let Some(due) = self.due(room, rule, now) else {
            return Ok(false);
        };
        let oldest = room.log.oldest;
        if let Some((newest, _)) = self.log.newest(room.room_no, oldest) {
            return Ok(due.has_entry(&newest));
        }
        let oldest = self.oldest(room.room_no, oldest, 1)?;
        Ok(oldest.first().is_some_and(|e| due.has(e.seq, e.sent_at)))
    }

    /// Removes what is due of a room, at most so many entries; answers how many.
    fn trim(
        &mut self,
        room: &Looked,
        rule: &RetentionRule,
        now: Timestamp,
        limit: usize,
    ) -> Result<usize, StoreError> {
        let Some(due) = self.due(room, rule, now) else {
            return Ok(0);
        };
        let is_due = |message: &Message| due.has_entry(message);
        (self.log).settle_due(self.database, self.memory, room.room_no, &is_due, limit)?;
        let mut entries = self.oldest(room.room_no, room.log.oldest, limit)?;
        let kept = entries.iter().position(|e| !due.has(e.seq, e.sent_at));
        entries.truncate(kept.unwrap_or(entries.len()));
        let Some(newest) = entries.last() else {
            return Ok(0);
        };
        let (oldest, oldest_n) = (newest.seq.next(), newest.n);
        self.remove_entries(room.room_no, &entries)?;
        execute(
            self.database,
            "UPDATE logs SET oldest_seq = ?2, oldest_n = ?3 WHERE room_no = ?1",
            values![room.room_no, oldest, oldest_n.cast_signed()],
        )?;
        let handled = entries.iter().filter(|entry| entry.is_handled).count();
        let gone = entries.iter().filter(|entry| entry.is_gone).count();
        if handled > 0 {
            execute(
                self.database,
                "UPDATE rooms SET handled = handled - ?2, gone = gone - ?3 WHERE room_no = ?1",
                values![room.room_no, sql_limit(handled), sql_limit(gone)],
            )?;
        }
        if let Some(cached) = self.memory.room_mut(&room.id) {
            cached.head.oldest = oldest;
            cached.oldest_n = oldest_n;
        }
        Ok(entries.len())
    }
}

//! Removing what is kept no longer.

use std::time::Duration;

use madang_domain::ports::{RetentionRule, StoreError, Swept};
use madang_domain::{
    Answer, Committed, Message, Person, RoomId, RoomKind, SenderKind, Seq, Timestamp,
};
use rusqlite::Row;

use super::rooms::{Log, log, room_id};
use super::sql::{all, execute, one_of, signed, timestamp, user_id};
use super::tail::Unmerged;
use super::writer::Writer;
use crate::numbers;

/// Rooms that one call looks at.
const ROOMS: usize = 256;

/// Entries that one call removes at most: some milliseconds.
const ENTRIES: usize = 1_000;

pub(super) const BEHIND: &str = "SELECT r.room_no, r.id, r.kind, r.owner, r.nickname,
            r.completed_at, r.state, r.inquired_at, l.last_seq, l.last_n, l.active_at, l.oldest_seq, l.oldest_n
     FROM rooms AS r CROSS JOIN logs AS l ON l.room_no = r.room_no
     WHERE r.room_no > ?1 ORDER BY r.room_no LIMIT ?2";

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

fn case(row: &Row<'_>) -> rusqlite::Result<Option<Case>> {
    let is_waiting = row.get::<_, Option<u8>>(6)? == Some(0);
    let since = match row.get::<_, Option<i64>>(5)? {
        None if is_waiting => timestamp(row, 7)?,
        None => return Ok(None),
        Some(completed) => Timestamp::from_micros(completed),
    };
    let customer = Person {
        user: user_id(row, 3)?,
        name: super::sql::text(row, 4)?,
    };
    Ok(Some(Case {
        customer,
        is_completed: !is_waiting,
        since,
    }))
}

fn looked(row: &Row<'_>) -> rusqlite::Result<Looked> {
    Ok(Looked {
        room_no: row.get(0)?,
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

impl Writer {
    pub(super) fn sweep(
        &mut self,
        rules: &[RetentionRule; RoomKind::ALL.len()],
        after: Option<u64>,
        now: Timestamp,
    ) -> Result<Swept, StoreError> {
        let after = after.map_or(0, |number| i64::try_from(number).unwrap_or(i64::MAX));
        self.transaction(|writer| {
            let values = [after, super::sql::sql_limit(ROOMS)];
            let rooms = all(&writer.connection, BEHIND, values, looked)?;
            let is_end = rooms.len() < ROOMS;
            let mut swept = Swept::default();
            for room in rooms {
                let number = room.room_no.cast_unsigned();
                let rule = &rules[usize::from(numbers::of_room_kind(room.kind))];
                if writer.end_case(&room, rule, now)? {
                    swept.rooms += 1;
                    swept.next = Some(number);
                    continue;
                }
                let left = ENTRIES - swept.entries as usize;
                let removed = writer.trim(&room, rule, now, left)?;
                swept.entries += removed as u64;
                if removed == left {
                    // There may be more of this room.
                    swept.next = Some(number - 1);
                    return Ok(swept);
                }
                swept.next = Some(number);
            }
            if is_end {
                swept.next = None;
            }
            Ok(swept)
        })
    }

    /// Of a support room that was completed long ago, or has waited long without a message.
    fn end_case(
        &mut self,
        room: &Looked,
        rule: &RetentionRule,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let Some(case) = &room.case else {
            return Ok(false);
        };
        let kept = match case.is_completed {
            true => rule.completed,
            false if self.has_message(room) => return Ok(false),
            false => rule.age,
        };
        let Some(kept) = kept else {
            return Ok(false);
        };
        if case.since > now.before(kept) {
            return Ok(false);
        }
        let customer = &case.customer;
        // Those who listen find the entry, and the room gone, when they look.
        let mut told = Committed::only(Answer::Done(0));
        self.take_away(&room.id, (customer, SenderKind::Host), now, &mut told)?;
        Ok(true)
    }

    /// Whether anybody ever said something in it.
    fn has_message(&self, room: &Looked) -> bool {
        self.tail.end_of_writer(room.room_no, room.log.end).n > 0
    }

    /// Removes what is due of a room, at most so many entries; answers how many.
    fn trim(
        &mut self,
        room: &Looked,
        rule: &RetentionRule,
        now: Timestamp,
        limit: usize,
    ) -> Result<usize, StoreError> {
        if rule.age.is_none() && rule.count.is_none() {
            return Ok(0);
        }
        let last = self.tail.end_of_writer(room.room_no, room.log.end).seq;
        let due = Due::new(rule, last, now);
        // What is not merged yet goes when all that is merged does: it has to be, then.
        let is_due = |item: &Unmerged| due.has_entry(&item.message);
        if self
            .tail
            .oldest(room.room_no, 1)
            .first()
            .is_some_and(is_due)
        {
            let unmerged = self.tail.oldest(room.room_no, limit);
            let count = unmerged.iter().take_while(|item| is_due(item)).count();
            self.merge_whole(room.room_no, count)?;
        }
        let mut entries = self.oldest_merged(room.room_no, room.log.oldest, limit)?;
        let kept = entries.iter().position(|e| !due.has(e.seq, e.sent_at));
        entries.truncate(kept.unwrap_or(entries.len()));
        let Some(newest) = entries.last() else {
            return Ok(0);
        };
        let (oldest, oldest_n) = (newest.seq.next(), newest.n);
        self.remove_entries(room.room_no, &entries)?;
        execute(
            &self.connection,
            "UPDATE logs SET oldest_seq = ?2, oldest_n = ?3 WHERE room_no = ?1",
            [room.room_no, signed(oldest), oldest_n.cast_signed()],
        )?;
        let handled = entries.iter().filter(|entry| entry.is_handled).count();
        let gone = entries.iter().filter(|entry| entry.is_gone).count();
        if handled > 0 {
            execute(
                &self.connection,
                "UPDATE rooms SET handled = handled - ?2, gone = gone - ?3 WHERE room_no = ?1",
                [
                    room.room_no,
                    super::sql::sql_limit(handled),
                    super::sql::sql_limit(gone),
                ],
            )?;
        }
        if let Some(cached) = self.memory.room_mut(&room.id) {
            cached.head.oldest = oldest;
            cached.oldest_n = oldest_n;
        }
        Ok(entries.len())
    }
}

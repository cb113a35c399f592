//! How many have read an entry.
//!
//! A mark begins where its member's part of the log does, so whoever's mark is below an entry was
//! there before it. With the numbers of marks below each entry, of members who began below it, and
//! of members in all, everything is known. They are counted from the side where there are fewer.

use std::collections::HashMap;

use madang_domain::ports::StoreError;
use madang_domain::receipt::ReadCount;
use madang_domain::{RoomId, Seq, UserId};

use super::database::{Database, all, first, number, seq, user_id, values};
use super::read::{Halt, Read};
use super::rooms::find_log;

/// Members that are counted on one side before the other is tried.
const FIRST_LOOK: u64 = 1_024;

/// One number of each member, with an index in its order.
struct Ordered {
    below: &'static str,
    above: &'static str,
    between: &'static str,
}

macro_rules! ordered {
    ($column:literal, $index:literal) => {
        Ordered {
            below: concat!(
                "SELECT count(*) FROM (SELECT 1 FROM members INDEXED BY ",
                $index,
                " WHERE room_no = ?1 AND ",
                $column,
                " < ?2 LIMIT ?3) AS counted"
            ),
            above: concat!(
                "SELECT count(*) FROM (SELECT 1 FROM members INDEXED BY ",
                $index,
                " WHERE room_no = ?1 AND ",
                $column,
                " >= ?2 LIMIT ?3) AS counted"
            ),
            between: concat!(
                "SELECT ",
                $column,
                " FROM members INDEXED BY ",
                $index,
                " WHERE room_no = ?1 AND ",
                $column,
                " >= ?2 AND ",
                $column,
                " < ?3 ORDER BY ",
                $column
            ),
        }
    };
}

const BY_MARK: Ordered = ordered!("read_seq", "members_by_mark");
const BY_AGE: Ordered = ordered!("since", "members_by_age");

#[cfg(test)]
pub(crate) const STATEMENTS: [&str; 8] = [
    BY_MARK.below,
    BY_MARK.above,
    BY_MARK.between,
    BY_AGE.below,
    BY_AGE.above,
    BY_AGE.between,
    SENDER,
    MEMBER,
];

const SENDER: &str = "SELECT sender FROM messages WHERE room_no = ?1 AND seq = ?2";
const MEMBER: &str = "SELECT m.since, m.read_seq FROM users AS u
     CROSS JOIN members AS m ON m.user_no = u.user_no AND m.room_no = ?2 WHERE u.id = ?1";

impl Ordered {
    /// For each of `ats`, which rise, how many members have a lower number.
    fn counts(
        &self,
        database: &dyn Database,
        room_no: i64,
        ats: &[Seq],
        total: u64,
    ) -> Result<Vec<u64>, StoreError> {
        let (Some(low), Some(high)) = (ats.first(), ats.last()) else {
            return Ok(Vec::new());
        };
        let below = self.below(database, room_no, *low, total)?;
        let values = values![room_no, *low, *high];
        let between = all(database, self.between, values, |row| seq(row, 0))?;
        let count = |at: &Seq| below + between.partition_point(|number| number < at) as u64;
        Ok(ats.iter().map(count).collect())
    }

    /// Counts on both sides in turn, each time further, until the shorter one ends.
    fn below(
        &self,
        database: &dyn Database,
        room_no: i64,
        at: Seq,
        total: u64,
    ) -> Result<u64, StoreError> {
        let mut limit = FIRST_LOOK;
        loop {
            let count = |sql| {
                let values = values![room_no, at, limit.cast_signed()];
                first(database, sql, values, |row| number(row, 0))
            };
            let below = count(self.below)?.unwrap_or(0);
            if below < limit {
                return Ok(below);
            }
            let above = count(self.above)?.unwrap_or(0);
            if above < limit {
                return Ok(total.saturating_sub(above));
            }
            limit = limit.saturating_mul(8).min(i64::MAX as u64);
        }
    }
}

impl Read<'_> {
    pub(crate) fn read_counts(
        &self,
        id: &RoomId,
        seqs: &[Seq],
    ) -> Result<Option<Vec<ReadCount>>, Halt> {
        let Some((room, log)) = find_log(self.database, id)? else {
            return Ok(None);
        };
        let room_no = room.room_no;
        let senders = self.senders(room_no, log.end.seq, seqs)?;
        let find = "SELECT member_count FROM rooms WHERE room_no = ?1";
        let total =
            first(self.database, find, values![room_no], |row| number(row, 0))?.unwrap_or(0);
        let mut ats: Vec<Seq> = senders.keys().copied().collect();
        ats.sort_unstable();
        let unread = BY_MARK.counts(self.database, room_no, &ats, total)?;
        let there = BY_AGE.counts(self.database, room_no, &ats, total)?;
        let mut counts = HashMap::new();
        for ((at, unread), there) in ats.into_iter().zip(unread).zip(there) {
            let mut count = ReadCount {
                read_by: there - unread,
                not_read_by: unread,
            };
            match senders.get(&at) {
                Some(Some((_, mark))) if *mark < at => count.not_read_by -= 1,
                Some(Some((since, _))) if *since < at => count.read_by -= 1,
                _ => {}
            }
            counts.insert(at, count);
        }
        let count = |at: &Seq| counts.get(at).copied().unwrap_or_default();
        Ok(Some(seqs.iter().map(count).collect()))
    }

    /// Of each entry that is there: where its sender's part of the log began, and their mark, if
    /// they are a member.
    fn senders(
        &self,
        room_no: i64,
        merged: Seq,
        seqs: &[Seq],
    ) -> Result<HashMap<Seq, Option<(Seq, Seq)>>, Halt> {
        let mut found: Vec<(Seq, UserId)> = Vec::new();
        for at in seqs {
            if let Some(message) = self.newest.one(room_no, merged, *at)? {
                found.push((*at, message.sender.clone()));
            }
        }
        for at in seqs.iter().filter(|at| **at <= merged) {
            let values = values![room_no, *at];
            let sender = first(self.database, SENDER, values, |row| user_id(row, 0))?;
            found.extend(sender.map(|sender| (*at, sender)));
        }
        let mut members: HashMap<UserId, Option<(Seq, Seq)>> = HashMap::new();
        let mut senders = HashMap::with_capacity(found.len());
        for (at, sender) in found {
            let member = match members.get(&sender) {
                Some(member) => *member,
                None => {
                    let values = values![sender.as_str(), room_no];
                    let member = first(self.database, MEMBER, values, |row| {
                        Ok((seq(row, 0)?, seq(row, 1)?))
                    })?;
                    members.insert(sender, member);
                    member
                }
            };
            senders.insert(at, member);
        }
        Ok(senders)
    }
}

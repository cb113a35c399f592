//! Which merged messages of a room a user sent: 64 neighbouring places to a row, as bits, so that
//! most messages make no row of their own.

use madang_domain::Seq;
use madang_domain::ports::StoreError;

use crate::relational::database::{Database, Row, execute, first, number, values};

pub(super) const LAST: &str = "SELECT block, before, bits FROM sent
     WHERE user_no = ?1 AND room_no = ?2 ORDER BY block DESC LIMIT 1";
pub(super) const FIRST: &str = "SELECT block, before, bits FROM sent
     WHERE user_no = ?1 AND room_no = ?2 ORDER BY block LIMIT 1";
pub(super) const AT: &str = "SELECT block, before, bits FROM sent
     WHERE user_no = ?1 AND room_no = ?2 AND block <= ?3 ORDER BY block DESC LIMIT 1";
pub(super) const ADD: &str = "INSERT INTO sent (user_no, room_no, block, before, bits)
     VALUES (?1, ?2, ?3, ?4, ?5)
     ON CONFLICT (user_no, room_no, block) DO UPDATE SET bits = bits | excluded.bits";
pub(super) const EMPTY: &str = "DELETE FROM sent
     WHERE user_no = ?1 AND room_no = ?2 AND block = ?3 AND bits & ~?4 = 0";
pub(super) const TAKE_OUT: &str = "UPDATE sent SET bits = bits & ~?4, before = before + ?5
     WHERE user_no = ?1 AND room_no = ?2 AND block = ?3";

/// Places of one row.
const PLACES: u64 = 64;

/// A row: some of a user's messages in a room.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    block: u64,
    before: i64,
    bits: u64,
}

fn block(row: &dyn Row) -> Result<Block, StoreError> {
    Ok(Block {
        block: number(row, 0)?,
        before: row.int(1)?,
        bits: row.int(2)?.cast_unsigned(),
    })
}

const fn block_of(seq: Seq) -> u64 {
    seq.get() / PLACES
}

const fn bit_of(seq: Seq) -> u64 {
    1 << (seq.get() % PLACES)
}

impl Block {
    fn count(self) -> i64 {
        self.before + i64::from(self.bits.count_ones())
    }

    /// How many there were up to a place that is not in a block before this one.
    fn count_to(self, place: Seq) -> i64 {
        if block_of(place) > self.block {
            return self.count();
        }
        let up_to = bit_of(place) | (bit_of(place) - 1);
        self.before + i64::from((self.bits & up_to).count_ones())
    }
}

/// How many merged messages of a user are kept behind a place.
pub(super) fn behind(database: &dyn Database, of: [i64; 2], place: Seq) -> Result<i64, StoreError> {
    let Some(last) = first(database, LAST, values![of[0], of[1]], block)? else {
        return Ok(0);
    };
    let at = values![of[0], of[1], block_of(place).cast_signed()];
    let before = match first(database, AT, at, block)? {
        Some(at) => at.count_to(place),
        // All that was up to there is removed.
        None => {
            first(database, FIRST, values![of[0], of[1]], block)?.map_or(0, |first| first.before)
        }
    };
    Ok(last.count() - before)
}

/// A user's messages in a room, while more of them are merged. Each block is added when it is full.
pub(super) struct Adding {
    /// User and room.
    of: [i64; 2],
    current: Block,
    /// Of the current block: not stored yet.
    new: u64,
}

impl Adding {
    pub(super) fn begin(database: &dyn Database, of: [i64; 2]) -> Result<Self, StoreError> {
        let last = first(database, LAST, values![of[0], of[1]], block)?;
        let current = last.unwrap_or(Block {
            block: 0,
            before: 0,
            bits: 0,
        });
        Ok(Self {
            of,
            current,
            new: 0,
        })
    }

    /// Adds the next message.
    pub(super) fn push(&mut self, database: &dyn Database, seq: Seq) -> Result<(), StoreError> {
        if block_of(seq) != self.current.block {
            self.store(database)?;
            self.current = Block {
                block: block_of(seq),
                before: self.current.count(),
                bits: 0,
            };
        }
        self.current.bits |= bit_of(seq);
        self.new |= bit_of(seq);
        Ok(())
    }

    /// Stores what is not stored yet.
    pub(super) fn store(&mut self, database: &dyn Database) -> Result<(), StoreError> {
        let new = std::mem::take(&mut self.new);
        if new == 0 {
            return Ok(());
        }
        let Block { block, before, .. } = self.current;
        let values = values![
            self.of[0],
            self.of[1],
            block.cast_signed(),
            before,
            new.cast_signed(),
        ];
        execute(database, ADD, values).map(drop)
    }
}

/// Removes a user's oldest messages in a room. What is left is told apart by numbers that stay.
pub(super) fn remove(
    database: &dyn Database,
    [user_no, room_no]: [i64; 2],
    seqs: &[Seq],
) -> Result<(), StoreError> {
    for seqs in seqs.chunk_by(|a, b| block_of(*a) == block_of(*b)) {
        let block = block_of(seqs[0]).cast_signed();
        let bits: u64 = seqs.iter().fold(0, |bits, seq| bits | bit_of(*seq));
        let count = i64::from(bits.count_ones());
        let bits = bits.cast_signed();
        if execute(database, EMPTY, values![user_no, room_no, block, bits])? == 0 {
            execute(
                database,
                TAKE_OUT,
                values![user_no, room_no, block, bits, count],
            )?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;
    use crate::sqlite::migrations;

    const OF: [i64; 2] = [7, 3];

    fn database() -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        migrations::apply(&mut connection).unwrap();
        connection
    }

    fn add(connection: &Connection, of: [i64; 2], seqs: &[u64]) {
        let mut adding = Adding::begin(connection, of).unwrap();
        for seq in seqs {
            adding.push(connection, Seq::new(*seq)).unwrap();
        }
        adding.store(connection).unwrap();
    }

    fn check(connection: &Connection, kept: &[u64]) {
        for place in (0..700).chain([u64::MAX >> 1]) {
            let expected = kept.iter().filter(|seq| **seq > place).count() as i64;
            let found = behind(connection, OF, Seq::new(place)).unwrap();
            assert_eq!(found, expected, "behind {place} of {kept:?}");
        }
    }

    /// Merged and removed in pieces that end anywhere in a block, until nothing is left, and again.
    #[test]
    fn what_is_behind_a_place_is_what_is_kept_there() {
        let connection = database();
        let mut kept = Vec::new();
        check(&connection, &kept);
        // In an order of their own: with gaps, to the end of a block, over whole blocks.
        let all: Vec<u64> = (1..640_u64)
            .filter(|n| n % 64 == 63 || n * n % 7 < 3)
            .collect();
        let all: Vec<u64> = all
            .into_iter()
            .filter(|n| !(200..330).contains(n))
            .collect();
        for piece in [1, 5, 40, 100] {
            for added in all.chunks(piece * 2) {
                add(&connection, OF, added);
                add(&connection, [8, 3], added);
                add(&connection, [7, 4], added);
                kept.extend(added);
                let gone: Vec<u64> = kept.drain(..added.len() / 2).collect();
                let gone: Vec<Seq> = gone.into_iter().map(Seq::new).collect();
                remove(&connection, OF, &gone).unwrap();
                if added.len() > 20 || added[0] % 5 == 0 {
                    check(&connection, &kept);
                }
            }
            check(&connection, &kept);
            let rest: Vec<Seq> = kept.drain(..).map(Seq::new).collect();
            remove(&connection, OF, &rest).unwrap();
            check(&connection, &kept);
            for of in [[8, 3], [7, 4]] {
                let all: Vec<Seq> = all.iter().copied().map(Seq::new).collect();
                assert_eq!(
                    behind(&connection, of, Seq::ZERO).unwrap(),
                    all.len() as i64
                );
                remove(&connection, of, &all).unwrap();
            }
            let rows = "SELECT count(*) FROM sent";
            let rows = connection.query_row(rows, [], |row| row.get::<_, i64>(0));
            assert_eq!(rows.unwrap(), 0);
        }
    }
}

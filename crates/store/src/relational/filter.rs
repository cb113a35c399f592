//! Which words some neighbouring messages may have: what a search looks at before it reads texts.
//!
//! A full-text index has an entry for each word of each message, in an order of its own, so that
//! each message dirties dozens of pages. FTS5 with trigrams does not find two Korean syllables;
//! given pairs it does, for 12 to 15 µs of CPU and 100 to 150 bytes for each message, where all of
//! a send costs the store 12 µs, and a search of one's own rooms asks it for each of them
//! (ARCHITECTURE.md has the figures). Here 32 neighbouring entries of one room have one Bloom
//! filter (Bloom, "Space/Time Trade-offs in Hash Coding with Allowable Errors", 1970) of 10 bits
//! for each different word: 2 to 3 µs and 20 to 30 bytes for each message, written once, when the
//! last of the 32 is there. A search goes through the filters of its rooms and reads the texts of
//! those that may have all of its words; what it finds is decided by the texts alone. The newest
//! messages, less than 32 of a room, are read without one.
//!
//! A filter does not hold its texts, but words can be tried against it: it goes with its texts, and
//! is made anew when one of them changes or goes.

use madang_domain::ports::StoreError;
use madang_domain::search::{SearchQuery, Term, for_each_token};
use madang_domain::{MessageKind, Seq};

use super::database::{Database, execute, first, values};

/// Entries of one filter.
pub(crate) const BLOCK: u64 = 32;

/// Of a word's beginnings so many letters are told apart: a longer one is looked for by these.
const LETTERS: usize = 8;

const BITS_PER_WORD: usize = 10;
/// The best number for so many bits: a word that is not there passes in one of 120 cases.
const PROBES: u64 = 7;

/// The block that an entry is in.
pub(crate) const fn block_of(seq: Seq) -> u64 {
    seq.previous().get() / BLOCK
}

/// The key of a block's filter.
pub(crate) const fn place(room_no: i64, block: u64) -> i64 {
    room_no << 32 | block.cast_signed()
}

/// The hashes of a word's beginnings, up to so many letters: FNV-1a, and the finalizer of
/// MurmurHash3. What is stored depends on them.
fn for_each_hash(word: &str, mut each: impl FnMut(u64)) {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let ends = word.char_indices().skip(1).map(|(at, _)| at);
    let mut start = 0;
    for end in ends.chain([word.len()]).take(LETTERS) {
        for byte in word[start..end].bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        start = end;
        let mixed = (hash ^ hash >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
        each(mixed ^ mixed >> 33);
    }
}

/// The hash of a word, or of as much of it as is told apart.
fn hash(word: &str) -> u64 {
    let mut last = 0;
    for_each_hash(word, |hash| last = hash);
    last
}

/// The bits of a word in a filter of so many bytes.
fn bits(bytes: usize, hash: u64) -> impl Iterator<Item = (usize, u8)> {
    let bits = bytes as u64 * 8;
    let (start, step) = (hash >> 32, hash & 0xffff_ffff | 1);
    (0..PROBES).map(move |probe| {
        let spread = start.wrapping_add(probe.wrapping_mul(step)) & 0xffff_ffff;
        let bit = (spread * bits) >> 32;
        ((bit / 8) as usize, 1 << (bit % 8))
    })
}

/// The words of a block's texts.
#[derive(Default)]
struct Words(Vec<u64>);

impl Words {
    fn add(&mut self, text: &str) {
        // A word is found by its beginning.
        for_each_token(text, |token| for_each_hash(token, |hash| self.0.push(hash)));
    }

    fn filter(mut self) -> Vec<u8> {
        self.0.sort_unstable();
        self.0.dedup();
        let bytes = (self.0.len() * BITS_PER_WORD).div_ceil(8);
        let mut filter = vec![0; bytes];
        for hash in self.0 {
            for (byte, bit) in bits(bytes, hash) {
                filter[byte] |= bit;
            }
        }
        filter
    }
}

/// What a text has to have to answer a query.
pub(crate) struct Wanted(Vec<u64>);

impl Wanted {
    pub(crate) fn new(query: &SearchQuery) -> Self {
        let word = |term: &Term| match term {
            Term::Exact(word) | Term::Prefix(word) => hash(word),
        };
        Self(query.terms().iter().map(word).collect())
    }

    /// Whether a text of the block may have all of it; never wrong when it says no.
    pub(crate) fn may_be_in(&self, filter: &[u8]) -> bool {
        let has = |hash: &u64| bits(filter.len(), *hash).all(|(at, bit)| filter[at] & bit != 0);
        !filter.is_empty() && self.0.iter().all(has)
    }
}

/// Whether texts of this kind are found.
pub(crate) const fn is_searched(kind: MessageKind) -> bool {
    matches!(kind, MessageKind::Message | MessageKind::Notice)
}

pub(crate) const TEXTS: &str = "SELECT text FROM messages
     WHERE room_no = ?1 AND seq BETWEEN ?2 AND ?3 AND kind IN (0, 1)";

/// Makes a block's filter of what its texts are now.
pub(crate) fn build(database: &dyn Database, room_no: i64, block: u64) -> Result<(), StoreError> {
    let mut words = Words::default();
    let from = (block * BLOCK + 1).cast_signed();
    let to = (block * BLOCK + BLOCK).cast_signed();
    database.query(TEXTS, values![room_no, from, to], &mut |row| {
        words.add(row.str(0)?);
        Ok(true)
    })?;
    execute(
        database,
        "INSERT INTO filters (place, filter) VALUES (?1, ?2)
         ON CONFLICT (place) DO UPDATE SET filter = excluded.filter",
        values![place(room_no, block), &words.filter()[..]],
    )
    .map(drop)
}

/// Makes the filter anew that an entry is in, if there is one.
pub(crate) fn renew(database: &dyn Database, room_no: i64, seq: Seq) -> Result<(), StoreError> {
    let block = block_of(seq);
    let find = "SELECT 1 FROM filters WHERE place = ?1";
    if first(database, find, values![place(room_no, block)], |_| Ok(()))?.is_some() {
        build(database, room_no, block)?;
    }
    Ok(())
}

/// Makes the filters of what was merged behind `before` up to `last`, of whole blocks.
pub(crate) fn complete(
    database: &dyn Database,
    room_no: i64,
    before: Seq,
    last: Seq,
) -> Result<(), StoreError> {
    for block in before.get() / BLOCK..last.get() / BLOCK {
        build(database, room_no, block)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(texts: &[&str]) -> Vec<u8> {
        let mut words = Words::default();
        for text in texts {
            words.add(text);
        }
        words.filter()
    }

    fn may_be_in(query: &str, filter: &[u8]) -> bool {
        Wanted::new(&SearchQuery::parse(query).unwrap()).may_be_in(filter)
    }

    #[test]
    fn whatever_is_found_in_a_text_passes_its_filter() {
        let texts = [
            "결제가 되지 않아요, 환불해 주세요",
            "Internationalization ORDER-20240131 é",
        ];
        let filter = filter(&texts);
        for query in [
            "환불",
            "환",
            "불해 결제",
            "않아요",
            "요",
            "order",
            "o",
            "ordER 2024",
            "20240131",
            "internationalization",
            "internationa",
            "é",
        ] {
            assert!(may_be_in(query, &filter), "{query}");
        }
    }

    #[test]
    fn what_is_not_there_passes_rarely() {
        let texts: Vec<String> = (0..64)
            .map(|n| format!("방{n} word{} 글자{n}", n * 7))
            .collect();
        let filter = filter(&texts.iter().map(String::as_str).collect::<Vec<_>>());
        let passed = (0..10_000).filter(|n| may_be_in(&format!("x{n}"), &filter));
        let passed = passed.count();
        assert!(passed < 200, "{passed} of 10,000");
    }

    #[test]
    fn a_filter_of_nothing_lets_nothing_pass() {
        assert!(!may_be_in("a", &filter(&[])));
        assert!(!may_be_in("a", &filter(&["", "!?"])));
    }

    #[test]
    fn what_is_stored_keeps_its_meaning() {
        assert_eq!(hash("환불"), 15_675_497_368_299_697_387);
        assert_eq!(filter(&["환불"]), [21, 179, 234, 138]);
    }
}

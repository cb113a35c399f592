//! Going back through a room's log for the texts that answer a search, a piece at a time.

use std::sync::Arc;

use madang_domain::ports::{LogQuery, StoreError};
use madang_domain::search::{SearchPlace, SearchQuery};
use madang_domain::{Message, Seq, Timestamp};

use super::database::{all, seq, timestamp, values};
use super::filter::{self, BLOCK, Wanted, block_of, place};
use super::log::End;
use super::read::{Halt, Read};
use super::rooms::Log;

pub(crate) const FILTERS: &str =
    "SELECT place, filter FROM filters WHERE place BETWEEN ?1 AND ?2 ORDER BY place DESC";
/// Only what is looked at: of most texts nothing more is wanted.
pub(crate) const TEXTS: &str = "SELECT seq, sent_at, text FROM messages
     WHERE room_no = ?1 AND seq BETWEEN ?2 AND ?3 AND kind IN (0, 1) ORDER BY seq DESC";
pub(crate) const TIMES: &str =
    "SELECT seq, sent_at FROM messages WHERE room_no = ?1 AND seq BETWEEN ?2 AND ?3";

/// Work of one call, in bytes that are looked at: up to about 45 ms of CPU.
const WORK_MAX: usize = 10 << 20;
/// What it costs to find a row, in the same unit. Finding where to begin is not counted: that is
/// 20 rows of each room at most, and every call has to come further than the one before.
const ROW: usize = 128;
/// What it costs to look at an entry in memory.
const UNMERGED: usize = 32;
/// What it costs to look at the next filter.
const FILTER: usize = 160;

/// Filters of one query at most: a server sends them all, however soon one lets the question pass.
const STRIDE_MAX: u64 = 256;

/// Entries that may be in another order than their times: senders overtake each other.
const NEIGHBOURS: u64 = 8;

/// What is left of a call's work.
pub(crate) struct Budget(usize);

impl Budget {
    pub(crate) const fn full() -> Self {
        Self(WORK_MAX)
    }

    const fn spend(&mut self, work: usize) {
        self.0 = self.0.saturating_sub(work);
    }

    pub(crate) const fn is_spent(&self) -> bool {
        self.0 == 0
    }
}

/// What is looked for.
pub(crate) struct Question<'a> {
    query: &'a SearchQuery,
    wanted: Wanted,
    /// How often a text is gone through, about.
    words: usize,
    /// Only what was sent before it. Not of a search in one room: there a walk begins at its place.
    before: Option<SearchPlace>,
}

impl<'a> Question<'a> {
    pub(crate) fn new(query: &'a SearchQuery, before: Option<SearchPlace>) -> Self {
        Self {
            query,
            wanted: Wanted::new(query),
            words: query.words(),
            before,
        }
    }

    fn wants(&self, place: SearchPlace) -> bool {
        self.before.is_none_or(|before| place < before)
    }

    fn is_answered_by(&self, place: SearchPlace, text: &str, budget: &mut Budget) -> bool {
        budget.spend(text.len() * self.words);
        self.wants(place) && self.query.is_in(text)
    }
}

/// Before everything of the same moment, or of the one before when it is that already.
fn just_older(place: SearchPlace) -> SearchPlace {
    let first = |at| SearchPlace {
        at,
        room: 0,
        seq: Seq::ZERO,
    };
    let of_moment = first(place.at);
    if of_moment < place {
        return of_moment;
    }
    first(Timestamp::from_micros(
        place.at.as_micros().saturating_sub(1),
    ))
}

/// How going through filters ended.
enum Block {
    /// At this one, whose texts may answer.
    MayAnswer(u64),
    /// Behind this one, with the budget.
    Last(u64),
    /// All were gone through.
    None,
}

/// A message that answers: itself where it is at hand, and where it is.
pub(crate) type Hit = (SearchPlace, Option<Arc<Message>>);

/// A way back through a room's log.
pub(crate) struct Walk<'a> {
    room_no: i64,
    log: &'a Log,
    end: End,
    /// From here on all is looked at; `None` before the beginning is found.
    below: Option<Seq>,
    /// All that is not looked at is before it.
    bound: SearchPlace,
    /// Filters to go through in the next step: twice as many each time, so that rooms whose
    /// newest messages answer are not gone through to their beginnings first.
    stride: u64,
}

impl<'a> Walk<'a> {
    /// From the newest entry, or from the newest one before `before`.
    pub(crate) fn new(
        (room_no, log, end): (i64, &'a Log, End),
        before: Option<SearchPlace>,
    ) -> Self {
        let newest = SearchPlace {
            at: end.at,
            room: room_no.cast_unsigned(),
            seq: end.seq.next(),
        };
        let is_past = before.is_some_and(|before| before < newest);
        Self {
            room_no,
            log,
            end,
            below: (!is_past).then_some(end.seq.next()),
            bound: before.map_or(newest, |before| newest.min(before)),
            stride: 32,
        }
    }

    /// From a number on.
    pub(crate) fn below(room: (i64, &'a Log, End), below: Seq) -> Self {
        let mut walk = Self::new(room, None);
        walk.below = Some(below.min(walk.end.seq.next()));
        walk
    }

    /// All that is not looked at is before this place.
    pub(crate) const fn bound(&self) -> SearchPlace {
        self.bound
    }

    /// Where a search in this room alone goes on.
    pub(crate) fn place(&self) -> SearchPlace {
        let seq = self.below.unwrap_or(Seq::MAX);
        SearchPlace { seq, ..self.bound }
    }

    const fn place_of(&self, at: Timestamp, seq: Seq) -> SearchPlace {
        SearchPlace {
            at,
            room: self.room_no.cast_unsigned(),
            seq,
        }
    }
}

impl Read<'_> {
    /// Goes back a piece; whether there is more.
    pub(crate) fn step(
        &self,
        walk: &mut Walk<'_>,
        question: &Question<'_>,
        budget: &mut Budget,
        hits: &mut Vec<Hit>,
    ) -> Result<bool, Halt> {
        let below = match walk.below {
            Some(below) => self.look_at(walk, below, question, budget, hits)?,
            None => self.begin(walk, question)?,
        };
        walk.below = Some(below);
        if below <= walk.log.oldest {
            return Ok(false);
        }
        let from = Seq::new(below.get().saturating_sub(NEIGHBOURS)).max(walk.log.oldest);
        budget.spend(ROW + self.database.query_cost());
        let places = self.places(walk, from, below.previous())?;
        let wanted = places.into_iter().filter(|place| question.wants(*place));
        let newest = wanted.max().map(|newest| SearchPlace {
            seq: newest.seq.next(),
            ..newest
        });
        // Where time went back, what is near may be too new: what is further is taken for older.
        let older = || question.before.map(just_older);
        walk.bound = walk.bound.min(newest.or_else(older).unwrap_or(walk.bound));
        Ok(true)
    }

    /// Finds the newest entry before the question's place, by halves: times rise but for
    /// neighbours.
    fn begin(&self, walk: &Walk<'_>, question: &Question<'_>) -> Result<Seq, Halt> {
        let (mut low, mut high) = (walk.log.oldest.get(), walk.end.seq.get());
        while low <= high {
            let middle = Seq::new(low.midpoint(high));
            let place = self.places(walk, middle, middle)?.pop();
            if place.is_none_or(|place| question.wants(place)) {
                low = middle.next().get();
            } else {
                high = middle.previous().get();
            }
        }
        Ok(Seq::new(low + NEIGHBOURS).min(walk.end.seq.next()))
    }

    /// The places of some neighbours.
    fn places(&self, walk: &Walk<'_>, from: Seq, to: Seq) -> Result<Vec<SearchPlace>, Halt> {
        let merged = walk.log.end.seq;
        let limit = to.get() - from.get() + 1;
        let query = LogQuery::After(from.previous());
        let unmerged = (self.newest).log(walk.room_no, merged, query, limit as usize)?;
        let unmerged = unmerged.iter().filter(|m| m.position.seq <= to);
        let mut places: Vec<_> = unmerged
            .map(|message| walk.place_of(message.sent_at, message.position.seq))
            .collect();
        if from <= merged {
            let values = values![walk.room_no, from, to];
            places.extend(all(self.database, TIMES, values, |row| {
                Ok(walk.place_of(timestamp(row, 1)?, seq(row, 0)?))
            })?);
        }
        Ok(places)
    }

    /// Looks at some entries below `below`; answers down to where.
    fn look_at(
        &self,
        walk: &mut Walk<'_>,
        below: Seq,
        question: &Question<'_>,
        budget: &mut Budget,
        hits: &mut Vec<Hit>,
    ) -> Result<Seq, Halt> {
        let merged = walk.log.end.seq;
        let query = LogQuery::Before(below);
        let unmerged = (self.newest).log(walk.room_no, merged, query, BLOCK as usize)?;
        let Some(lowest) = unmerged.first() else {
            let below = below.min(merged.next());
            return Ok(self.look_at_blocks(walk, below, question, budget, hits)?);
        };
        for message in unmerged.iter().rev() {
            let place = walk.place_of(message.sent_at, message.position.seq);
            budget.spend(UNMERGED);
            if filter::is_searched(message.kind)
                && question.is_answered_by(place, &message.text, budget)
            {
                hits.push((place, Some(Arc::clone(message))));
            }
        }
        Ok(lowest.position.seq)
    }

    /// Looks at what is merged below `below`: filters, until one lets the question pass, and the
    /// texts of that block. Answers down to where.
    fn look_at_blocks(
        &self,
        walk: &mut Walk<'_>,
        below: Seq,
        question: &Question<'_>,
        budget: &mut Budget,
        hits: &mut Vec<Hit>,
    ) -> Result<Seq, StoreError> {
        if below <= walk.log.oldest {
            return Ok(below);
        }
        let to = block_of(below.previous());
        budget.spend(2 * self.database.query_cost());
        let from = to.saturating_sub(walk.stride - 1);
        let from = from.max(block_of(walk.log.oldest));
        let (block, is_cut) = match self.next_block(walk.room_no, (from, to), question, budget)? {
            Block::MayAnswer(block) => {
                let bounds = (Seq::new(block * BLOCK + 1).max(walk.log.oldest), below);
                self.look_at_texts(walk, bounds, block, question, budget, hits)?;
                (block, true)
            }
            Block::Last(block) => (block, true),
            Block::None => (from, false),
        };
        if !is_cut {
            walk.stride = walk.stride.saturating_mul(2).min(STRIDE_MAX);
        }
        Ok(Seq::new(block * BLOCK + 1).max(walk.log.oldest))
    }

    /// Goes through the filters of some blocks, the newest first.
    fn next_block(
        &self,
        room_no: i64,
        (from, to): (u64, u64),
        question: &Question<'_>,
        budget: &mut Budget,
    ) -> Result<Block, StoreError> {
        let bounds = values![place(room_no, from), place(room_no, to)];
        // The newest block that was not looked at.
        let mut next = Some(to);
        let mut last = None;
        self.database.query(FILTERS, bounds, &mut |row| {
            let Some(block) = next else { return Ok(false) };
            if row.int(0)? != place(room_no, block) {
                return Ok(false);
            }
            budget.spend(FILTER);
            if question.wanted.may_be_in(row.bytes(1)?) {
                return Ok(false);
            }
            next = block.checked_sub(1).filter(|block| *block >= from);
            last = budget.is_spent().then_some(block);
            Ok(last.is_none())
        })?;
        Ok(match (last, next) {
            (Some(block), _) => Block::Last(block),
            // Its filter lets the question pass, or it has none.
            (None, Some(block)) => Block::MayAnswer(block),
            (None, None) => Block::None,
        })
    }

    fn look_at_texts(
        &self,
        walk: &Walk<'_>,
        (from, below): (Seq, Seq),
        block: u64,
        question: &Question<'_>,
        budget: &mut Budget,
        hits: &mut Vec<Hit>,
    ) -> Result<(), StoreError> {
        let to = Seq::new(block * BLOCK + BLOCK).min(below.previous());
        let bounds = values![walk.room_no, from, to];
        self.database.query(TEXTS, bounds, &mut |row| {
            let place = walk.place_of(timestamp(row, 1)?, seq(row, 0)?);
            budget.spend(ROW);
            if question.is_answered_by(place, row.str(2)?, budget) {
                hits.push((place, None));
            }
            Ok(true)
        })
    }
}

//! A node as its worker thread has it: each call of the port in transactions, and what became of
//! those that were not answered.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::mem::take;
use std::sync::Arc;
use std::time::Duration;

use madang_domain::ports::{PresenceEdge, StoreError};
use madang_domain::{Timestamp, UserId};

use super::super::link::{Brand, Purpose, Session, Target};
use super::super::worker::Tries;
use super::rows::{self, Locked, Said};
use super::statements;
use crate::relational::database::{Database, Value, all, first, values};
use crate::relational::workers::Worker;

/// Users that one transaction takes from an ended lease, or forgets: others who want them wait.
const PIECE: usize = 512;

/// Of those who are remembered, one in so many goes offline before it is looked how many there are.
const LOOKS: usize = 100;

/// What a transaction answers, and the edges that it found.
type Done<T> = (T, Vec<PresenceEdge>);

#[derive(Debug)]
pub(in super::super) struct Node<B: Brand> {
    session: Session<B>,
    id: i64,
    /// Offline users whose last edge is kept, about.
    remembered: usize,
    /// The lease was taken, or may have been, and no renewal has said so yet.
    is_new: bool,
    /// Edges of a transaction that was committed or not.
    doubtful: Vec<PresenceEdge>,
    /// Edges that were kept, to be answered with the next call that succeeds.
    found: Vec<PresenceEdge>,
    /// Offline edges of this node since it last looked whether somebody is to be forgotten.
    left: usize,
}

impl<B: Brand> Node<B> {
    pub(in super::super) fn new(
        target: &Arc<Target<B>>,
        remembered: usize,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            session: Session::new(target, Purpose::Write)?,
            id: rand::random::<i64>(),
            remembered,
            is_new: false,
            doubtful: Vec::new(),
            found: Vec::new(),
            left: remembered,
        })
    }

    /// A step of a renewal; `None`: there are more.
    pub(in super::super) fn renew(
        &mut self,
        now: Timestamp,
        lease: Duration,
    ) -> Result<Option<(bool, Vec<PresenceEdge>)>, StoreError> {
        self.settle()?;
        let until = now.after(lease);
        // Before anything that takes its time.
        let is_held = self.extend(now, until)?;
        if !self.drain(now)? || !(is_held || self.take_lease(until)?) || !self.forget()? {
            return Ok(None);
        }
        let was_held = is_held && !take(&mut self.is_new);
        self.is_new = false;
        Ok(Some((was_held, take(&mut self.found))))
    }

    /// `None`: the node has no valid lease.
    pub(in super::super) fn set(
        &mut self,
        words: &[(UserId, bool)],
        now: Timestamp,
    ) -> Result<Option<Vec<PresenceEdge>>, StoreError> {
        self.settle()?;
        // Whoever does not know of its lease does not know that nobody is said any more.
        if self.is_new {
            return Ok(None);
        }
        let id = self.id;
        let is_kept = self.transact(|session| say(session, id, words, now))?;
        Ok(is_kept.then(|| take(&mut self.found)))
    }

    pub(super) fn of(&mut self, users: &[UserId]) -> Result<Vec<Option<PresenceEdge>>, StoreError> {
        let mut tries = Tries::default();
        loop {
            match self.look(users) {
                Ok(edges) => return Ok(edges),
                Err(error) => tries.again(&self.session, error)?,
            }
        }
    }

    /// A step of giving up the lease; `None`: there are more.
    pub(super) fn release(
        &mut self,
        now: Timestamp,
    ) -> Result<Option<Vec<PresenceEdge>>, StoreError> {
        self.settle()?;
        let id = self.id;
        self.transact(|session| {
            let leases = rows::lock_leases(session, &BTreeSet::from([id]))?;
            if let Some(lease) = leases.get(&id).filter(|lease| !lease.ended) {
                let ends_at = now.min(lease.ends_at);
                session.execute(statements::END, values![id, ends_at])?;
            }
            Ok(((), Vec::new()))
        })?;
        Ok(self.drain(now)?.then(|| take(&mut self.found)))
    }

    /// Has these edges looked for, as if the commit of their transaction was not answered.
    #[cfg(test)]
    #[cfg(feature = "servers")]
    pub(in super::super) fn doubt(&mut self, edges: Vec<PresenceEdge>) {
        self.doubtful = edges;
    }

    /// Finds out what became of a transaction whose commit was not answered, and waits until it
    /// has become of it. A user's edge that another followed says nothing any more.
    fn settle(&mut self) -> Result<(), StoreError> {
        if self.doubtful.is_empty() {
            return Ok(());
        }
        let doubtful = take(&mut self.doubtful);
        let last: HashMap<&UserId, u64> = doubtful
            .iter()
            .map(|edge| (&edge.user, edge.epoch))
            .collect();
        let users: BTreeSet<&UserId> = last.keys().copied().collect();
        let locked = self.transact(|session| Ok((Locked::lock(session, &users)?, Vec::new())));
        let locked = match locked {
            Ok(locked) => locked,
            Err(error) => {
                self.doubtful = doubtful;
                return Err(error);
            }
        };
        let is_last = |edge: &&PresenceEdge| {
            let kept = locked.last(&edge.user).map(|kept| kept.epoch);
            kept == last.get(&edge.user).copied()
        };
        self.found.extend(doubtful.iter().filter(is_last).cloned());
        Ok(())
    }

    /// Ends all leases that ran out; whether this node's is none of them, and is renewed.
    fn extend(&mut self, now: Timestamp, until: Timestamp) -> Result<bool, StoreError> {
        let id = self.id;
        self.transact(|session| {
            let ran_out = all(session, statements::RAN_OUT, values![now], |row| row.int(0))?;
            let nodes = ran_out.into_iter().chain([id]).collect();
            let leases = rows::lock_leases(session, &nodes)?;
            let ran_out = leases
                .iter()
                .filter(|(_, lease)| !lease.ended && !lease.is_valid(now));
            let ran_out: Vec<i64> = ran_out.map(|(node, _)| *node).collect();
            rows::end_leases(session, &ran_out)?;
            let is_held = leases.get(&id).is_some_and(|lease| lease.is_valid(now));
            if is_held {
                session.execute(statements::EXTEND, values![id, until])?;
            }
            Ok((is_held, Vec::new()))
        })
    }

    /// Takes some of the users whom ended leases left behind; whether nobody is left.
    fn drain(&mut self, now: Timestamp) -> Result<bool, StoreError> {
        let id = self.id;
        self.transact(|session| {
            let node = first(session, statements::NEXT_ENDED, values![], |row| row.int(0))?;
            let Some(node) = node else {
                return Ok((true, Vec::new()));
            };
            let users = rows::said_by(session, node, PIECE)?;
            if users.is_empty() {
                rows::remove_lease(session, node)?;
                return Ok((false, Vec::new()));
            }
            Ok((false, leave(session, id, &users, now)?))
        })
    }

    /// Takes the lease, unless somebody is left of the one before; whether it did.
    fn take_lease(&mut self, until: Timestamp) -> Result<bool, StoreError> {
        let id = self.id;
        self.is_new = true;
        self.transact(|session| {
            rows::lock_leases(session, &BTreeSet::from([id]))?;
            let is_free = !rows::says_somebody(session, id)?;
            if is_free {
                session.execute(statements::TAKE, values![id, until])?;
            }
            Ok((is_free, Vec::new()))
        })
    }

    /// Forgets some of those who have been offline for longest; whether that was all.
    fn forget(&mut self) -> Result<bool, StoreError> {
        let remembered = self.remembered;
        if self.left < remembered.div_ceil(LOOKS) {
            return Ok(true);
        }
        let is_done =
            self.transact(|session| Ok((rows::forget(session, remembered, PIECE)?, Vec::new())))?;
        if is_done {
            self.left = 0;
        }
        Ok(is_done)
    }

    fn look(&self, users: &[UserId]) -> Result<Vec<Option<PresenceEdge>>, StoreError> {
        self.session.ready()?;
        let keys: Vec<Value<'_>> = users.iter().map(|user| user.as_str().into()).collect();
        let mut last = HashMap::with_capacity(keys.len());
        let session = &self.session;
        session.query_each(statements::LAST_EDGE, &keys, &mut |row| {
            let edge = rows::edge(row)?;
            last.insert(edge.user.clone(), edge);
            Ok(())
        })?;
        Ok(users.iter().map(|user| last.get(user).cloned()).collect())
    }

    fn transact<T>(
        &mut self,
        mut work: impl FnMut(&Session<B>) -> Result<Done<T>, StoreError>,
    ) -> Result<T, StoreError> {
        let mut tries = Tries::default();
        loop {
            match self.attempt(&mut work) {
                Ok(answer) => return Ok(answer),
                Err(error) => tries.again(&self.session, error)?,
            }
        }
    }

    fn attempt<T>(
        &mut self,
        work: &mut impl FnMut(&Session<B>) -> Result<Done<T>, StoreError>,
    ) -> Result<T, StoreError> {
        self.session.ready()?;
        self.session.control(B::BEGIN_WRITE)?;
        let (answer, edges) = work(&self.session)?;
        if let Err(error) = self.session.commit() {
            if matches!(error, StoreError::OutcomeUnknown(_)) {
                self.doubtful = edges;
            }
            return Err(error);
        }
        self.left += edges.iter().filter(|edge| !edge.online).count();
        self.found.extend(edges);
        Ok(answer)
    }
}

/// What a node says of its users; whether it has a valid lease, without which nothing is kept.
fn say<B: Brand>(
    session: &Session<B>,
    id: i64,
    words: &[(UserId, bool)],
    now: Timestamp,
) -> Result<Done<bool>, StoreError> {
    // Locked to the end: whoever ends the lease waits, and takes these users as well.
    let leases = rows::lock_leases(session, &BTreeSet::from([id]))?;
    if !leases.get(&id).is_some_and(|lease| lease.is_valid(now)) {
        return Ok((false, Vec::new()));
    }
    let users: BTreeSet<&UserId> = words.iter().map(|(user, _)| user).collect();
    let come = words.iter().filter(|(_, online)| *online);
    let come: BTreeSet<&UserId> = come.map(|(user, _)| user).collect();
    let mut locked = Locked::lock_with(session, &users, &come)?;
    let said = rows::said(session, &users)?;
    let (own, others): (Vec<&Said>, Vec<&Said>) = said.iter().partition(|said| said.node == id);
    let before: BTreeSet<&UserId> = own.into_iter().map(|said| &said.user).collect();
    let elsewhere = others.into_iter().filter(|said| said.lease.is_valid(now));
    let elsewhere: HashSet<&UserId> = elsewhere.map(|said| &said.user).collect();
    let mut after = before.clone();
    for (user, online) in words {
        if *online {
            after.insert(user);
            if !locked.is_online(user) {
                locked.find(user, true, now);
            }
        } else if after.remove(user) && !elsewhere.contains(user) && locked.is_online(user) {
            locked.find(user, false, now);
        }
    }
    rows::add_users(session, id, after.difference(&before).copied())?;
    rows::remove_users(session, id, before.difference(&after).copied())?;
    Ok((true, locked.keep(session, id)?))
}

/// Takes `users` from all leases that have ended. Who is not said any more was online until the
/// last of them did.
fn leave<B: Brand>(
    session: &Session<B>,
    id: i64,
    users: &[UserId],
    now: Timestamp,
) -> Result<Vec<PresenceEdge>, StoreError> {
    let users: BTreeSet<&UserId> = users.iter().collect();
    let mut locked = Locked::lock(session, &users)?;
    // Behind the locks: what another has taken meanwhile is gone.
    let said = rows::said(session, &users)?;
    let is_valid = |said: &&Said| said.lease.is_valid(now);
    let stay: HashSet<&UserId> = said
        .iter()
        .filter(is_valid)
        .map(|said| &said.user)
        .collect();
    let mut ended: Vec<&Said> = said.iter().filter(|said| said.lease.ended).collect();
    ended.sort_by_key(|said| (said.node, &said.user));
    for of_node in ended.chunk_by(|a, b| a.node == b.node) {
        rows::remove_users(
            session,
            of_node[0].node,
            of_node.iter().map(|said| &said.user),
        )?;
    }
    ended.sort_by_key(|said| Reverse(said.lease.ends_at));
    for said in ended {
        if !stay.contains(&said.user) && locked.is_online(&said.user) {
            locked.find(&said.user, false, said.lease.ends_at);
        }
    }
    locked.keep(session, id)
}

impl<B: Brand> Worker for Node<B> {
    fn recover(&mut self) {
        self.session.break_off();
    }

    fn close(self) {}
}

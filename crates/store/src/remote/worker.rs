//! Threads that write and read, each with a connection of its own.

use std::sync::Arc;
use std::time::Duration;

use madang_domain::ports::{LogQuery, StoreError};
use madang_domain::{Message, Seq, UserId};
use rand::RngExt;

use super::link::{Brand, Fault, Purpose, Session, Target};
use super::log::{Pending, RemoteLog};
use crate::relational::change::{Change, Changes};
use crate::relational::database::Database;
use crate::relational::digest::ClientIdKey;
use crate::relational::log::{End, Newest, Outdated};
use crate::relational::memory::Memory;
use crate::relational::read::{Halt, Read, Reads};
use crate::relational::workers::Worker;

/// How often a transaction is run again because others were in its way.
const RUNS_AGAIN_MAX: u32 = 10;

/// How often locks are waited for in vain: together for longer than a server leaves the transaction of
/// a node that hangs alone.
const WAITS_MAX: u32 = 3;

/// The longest pause before the first time; twice as long each time, up to 64 times.
const PAUSE: Duration = Duration::from_millis(4);

/// A thread that writes.
#[derive(Debug)]
pub(super) struct Writer<B: Brand> {
    session: Session<B>,
    memory: Memory,
    key: Option<ClientIdKey>,
    /// Whether there may be deleted rooms that left something behind.
    purges: bool,
}

impl<B: Brand> Writer<B> {
    pub(super) fn new(target: &Arc<Target<B>>) -> Result<Self, StoreError> {
        Ok(Self {
            session: Session::new(target, Purpose::Write)?,
            memory: Memory::default(),
            key: None,
            // Another node may have died over it.
            purges: true,
        })
    }

    fn attempt<T>(
        &mut self,
        work: &mut impl FnMut(&mut Change<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let Self {
            session, memory, ..
        } = self;
        session.ready()?;
        let key = match self.key {
            Some(key) => key,
            None => *self.key.insert(ClientIdKey::load(session)?),
        };
        memory.forget_what_changes();
        let mut pending = Pending::default();
        session.control(B::BEGIN_WRITE)?;
        let mut log = RemoteLog {
            session,
            key,
            pending: &mut pending,
        };
        let answer = work(&mut Change {
            database: session,
            log: &mut log,
            memory,
        })?;
        log.flush()?;
        session.commit()?;
        self.purges |= pending.has_deleted();
        Ok(answer)
    }
}

impl<B: Brand> Changes for Writer<B> {
    fn change<T>(
        &mut self,
        mut work: impl FnMut(&mut Change<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut tries = Tries::default();
        loop {
            match self.attempt(&mut work) {
                Ok(answer) => {
                    self.memory.trim();
                    return Ok(answer);
                }
                Err(error) => {
                    self.memory.clear();
                    tries.again(&self.session, error)?;
                }
            }
        }
    }
}

/// How often a transaction was run, and why again.
#[derive(Debug, Default)]
pub(super) struct Tries {
    in_the_way: u32,
    waited: u32,
    reconnected: bool,
}

impl Tries {
    /// Ends a transaction that failed; waits until it may be run again.
    ///
    /// # Errors
    /// Why it failed: it is not to be run again.
    pub(super) fn again<B: Brand>(
        &mut self,
        session: &Session<B>,
        error: StoreError,
    ) -> Result<(), StoreError> {
        session.roll_back();
        match session.fault() {
            Fault::Again if self.in_the_way < RUNS_AGAIN_MAX => {
                tracing::debug!(%error, again = self.in_the_way, "a transaction is run again");
                pause(self.in_the_way);
                self.in_the_way += 1;
                Ok(())
            }
            Fault::Waited if self.waited < WAITS_MAX => {
                self.waited += 1;
                Ok(())
            }
            Fault::Broken if !self.reconnected => {
                tracing::info!(%error, "connecting to the database again");
                self.reconnected = true;
                Ok(())
            }
            _ => Err(error),
        }
    }
}

/// So that those who were in each other's way do not meet again. The thread is one writer's own: what others write goes on.
fn pause(again: u32) {
    let longest = PAUSE * (1 << again.min(6));
    std::thread::sleep(rand::rng().random_range(Duration::ZERO..longest));
}

impl<B: Brand> Worker for Writer<B> {
    fn recover(&mut self) {
        self.memory.clear();
        self.session.break_off();
    }

    fn background(&mut self) -> bool {
        if !self.purges {
            return false;
        }
        match self.change(|change| change.purge()) {
            Ok(more) => self.purges = more,
            Err(error) => {
                // Nothing is lost: the next deletion, or start, goes on with it.
                tracing::warn!(%error, "cannot remove what a deleted room left behind");
                self.purges = false;
            }
        }
        self.purges
    }

    fn close(self) {}
}

/// A thread that reads.
#[derive(Debug)]
pub(super) struct Reader<B: Brand> {
    session: Session<B>,
}

impl<B: Brand> Reader<B> {
    pub(super) fn new(target: &Arc<Target<B>>) -> Result<Self, StoreError> {
        Ok(Self {
            session: Session::new(target, Purpose::Read)?,
        })
    }

    /// Reads once more when the connection turns out to be broken.
    fn read<T>(
        &self,
        read: impl Fn(&Session<B>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.session.ready()?;
        let error = match read(&self.session) {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        self.session.roll_back();
        if self.session.fault() != Fault::Broken {
            return Err(error);
        }
        self.session.ready()?;
        let answer = read(&self.session);
        if answer.is_err() {
            self.session.roll_back();
        }
        answer
    }
}

impl<B: Brand> Reads for Reader<B> {
    fn snapshot<T>(&mut self, read: impl Fn(Read<'_>) -> Result<T, Halt>) -> Result<T, StoreError> {
        self.read(|session| {
            session.control(B::BEGIN_READ)?;
            let answer = read(Read {
                database: session,
                newest: &Nothing,
            });
            match answer {
                Ok(answer) => {
                    session.control("COMMIT")?;
                    Ok(answer)
                }
                Err(Halt::Failed(error)) => Err(error),
                Err(Halt::Outdated) => Err(StoreError::Corrupt("nothing is outdated".to_owned())),
            }
        })
    }

    fn look<T>(
        &mut self,
        look: impl Fn(&dyn Database) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.read(|session| look(session))
    }
}

impl<B: Brand> Worker for Reader<B> {
    fn recover(&mut self) {
        self.session.break_off();
    }

    fn close(self) {}
}

/// The tables have everything.
struct Nothing;

impl Newest for Nothing {
    fn end(&self, _: i64, kept: End) -> Result<End, Outdated> {
        Ok(kept)
    }

    fn log(&self, _: i64, _: Seq, _: LogQuery, _: usize) -> Result<Vec<Arc<Message>>, Outdated> {
        Ok(Vec::new())
    }

    fn one(&self, _: i64, _: Seq, _: Seq) -> Result<Option<Arc<Message>>, Outdated> {
        Ok(None)
    }

    fn counted(&self, _: i64, _: Seq, _: (u64, u64)) -> Result<Vec<Arc<Message>>, Outdated> {
        Ok(Vec::new())
    }

    fn own_after(&self, _: i64, _: Seq, _: &UserId, _: Seq) -> Result<u64, Outdated> {
        Ok(0)
    }
}

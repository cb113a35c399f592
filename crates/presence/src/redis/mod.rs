//! Presence on Redis: all nodes that name the same one know of each other's users.
//!
//! Every call is one script, which Redis runs alone. Calls of a node are numbered, because one that was given up may be
//! carried out later, or its answer be lost: Redis drops it then, or answers its edges with the next call. What has the
//! number of an older call than the node was answered lost something itself, as an empty one has: the node's lease is
//! over, and its users are said again.
//!
//! All keys have one hash tag: in a cluster, one master has all of it. See `docs/cluster.md` for what that costs.

mod script;
#[cfg(test)]
#[cfg(feature = "servers")]
mod tests;

use std::collections::HashSet;
use std::time::Duration;

use madang_domain::ports::{BoxFuture, Presence, PresenceEdge, PresenceError};
use madang_domain::{Timestamp, UserId};
use madang_redis::{Commands, Place};
use redis::Pipeline;
use tokio::sync::Mutex;

use script::{Answer, Call, Keys, Script, Status};

/// Users that one call takes from ended leases, or gives back: Redis serves nobody else meanwhile.
const PIECE: usize = 512;

/// Users that one command asks about.
const ASKED_AT_ONCE: usize = 1_000;

/// One node.
pub(crate) struct RedisPresence {
    commands: Commands,
    keys: Keys,
    node: String,
    told: Mutex<Told>,
}

/// What this node has said, and heard of it. Locked for a whole call: the next one has to know how it ended.
struct Told {
    /// The number of the last call.
    calls: u64,
    /// That of the last one that was answered.
    heard: u64,
    /// When the lease runs out, as the last renewal had it.
    until: Timestamp,
    /// Whom this node may have said to be online since it took the lease.
    said: HashSet<UserId>,
    /// Redis has lost what this node said, and has not been told all of it again.
    lost: bool,
    /// Edges of calls that failed later on: answered with the next one.
    found: Vec<PresenceEdge>,
}

impl RedisPresence {
    /// `prefix` stands in front of every key, and has no braces.
    pub(crate) fn new(place: Place, prefix: &str) -> Self {
        let node = format!("{:016x}", rand::random::<u64>());
        Self {
            commands: Commands::new(place),
            keys: Keys::new(prefix, &node),
            node,
            told: Mutex::new(Told {
                calls: 0,
                heard: 0,
                until: Timestamp::from_micros(0),
                said: HashSet::new(),
                lost: false,
                found: Vec::new(),
            }),
        }
    }

    /// Runs a script; its edges wait among those found.
    async fn call(
        &self,
        told: &mut Told,
        script: &Script,
        now: Timestamp,
        arguments: &[&str],
    ) -> Result<Status, PresenceError> {
        told.calls += 1;
        let call = Call {
            node: &self.node,
            number: told.calls,
            heard: told.heard,
            now,
        };
        let command = script.command(&self.keys, &call, arguments);
        let mut answers = self.commands.ask(&command).await.map_err(failed)?;
        let Answer {
            status,
            edges,
            number,
        } = answers.pop().unwrap_or_default();
        match status {
            Status::Late => Err(PresenceError("a later call was carried out before".into())),
            Status::NoLease => Err(PresenceError("this node has no valid lease".into())),
            Status::Lost => {
                told.lost = true;
                told.heard = number;
                Ok(status)
            }
            Status::Done | Status::Taken | Status::More => {
                told.heard = number;
                told.found.extend(edges);
                Ok(status)
            }
        }
    }

    /// Until it answers something else than that there is more to do. What Redis has lost it is told again before, once.
    async fn finish(
        &self,
        told: &mut Told,
        script: &Script,
        now: Timestamp,
        arguments: &[&str],
    ) -> Result<Status, PresenceError> {
        let mut may_restore = true;
        loop {
            if told.lost {
                if !std::mem::take(&mut may_restore) {
                    return Err(lost());
                }
                self.restore(told, now).await?;
            }
            match self.call(told, script, now, arguments).await? {
                Status::More | Status::Lost => {}
                status => return Ok(status),
            }
        }
    }

    /// Gives Redis back what it lost, as a lease that has ended.
    async fn restore(&self, told: &mut Told, now: Timestamp) -> Result<(), PresenceError> {
        let until = told.until.as_micros().to_string();
        let users: Vec<UserId> = told.said.iter().cloned().collect();
        let mut pieces = users.chunks(PIECE);
        // Also if there is nobody: the lease that Redis has may be of a time before.
        let mut piece = pieces.next().unwrap_or_default();
        loop {
            let mut arguments = vec![until.as_str()];
            arguments.extend(piece.iter().map(UserId::as_str));
            if self.call(told, &script::RESTORE, now, &arguments).await? == Status::Lost {
                return Err(lost());
            }
            match pieces.next() {
                Some(next) => piece = next,
                None => break,
            }
        }
        told.lost = false;
        Ok(())
    }
}

impl Presence for RedisPresence {
    fn renew(
        &self,
        now: Timestamp,
        lease: Duration,
    ) -> BoxFuture<'_, Result<(bool, Vec<PresenceEdge>), PresenceError>> {
        Box::pin(async move {
            let mut told = self.told.lock().await;
            let [lease_micros, piece] = [lease.as_micros().to_string(), PIECE.to_string()];
            let arguments = [lease_micros.as_str(), &piece];
            let status = self.finish(&mut told, &script::RENEW, now, &arguments);
            let was_held = status.await? != Status::Taken;
            told.until = now.after(lease);
            if !was_held {
                told.said.clear();
            }
            Ok((was_held, std::mem::take(&mut told.found)))
        })
    }

    fn set<'a>(
        &'a self,
        users: &'a [(UserId, bool)],
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Vec<PresenceEdge>, PresenceError>> {
        Box::pin(async move {
            let mut told = self.told.lock().await;
            if told.lost {
                return Err(lost());
            }
            let came = users.iter().filter(|(_, online)| *online);
            told.said.extend(came.map(|(user, _)| user.clone()));
            let words = users.iter().flat_map(|(user, online)| {
                let word = if *online { "1" } else { "0" };
                [word, user.as_str()]
            });
            let words: Vec<&str> = words.collect();
            let status = self.call(&mut told, &script::SET, now, &words).await?;
            if status == Status::Lost {
                return Err(lost());
            }
            for (user, online) in users {
                if *online {
                    told.said.insert(user.clone());
                } else {
                    told.said.remove(user);
                }
            }
            Ok(std::mem::take(&mut told.found))
        })
    }

    fn of<'a>(
        &'a self,
        users: &'a [UserId],
    ) -> BoxFuture<'a, Result<Vec<Option<PresenceEdge>>, PresenceError>> {
        Box::pin(async move {
            if users.is_empty() {
                return Ok(Vec::new());
            }
            let mut commands = Pipeline::new();
            for some in users.chunks(ASKED_AT_ONCE) {
                let command = commands.cmd("HMGET").arg(self.keys.last());
                some.iter()
                    .fold(command, |command, user| command.arg(user.as_str()));
            }
            let kept: Vec<Vec<Option<String>>> =
                self.commands.ask(&commands).await.map_err(failed)?;
            let edges = users.iter().zip(kept.into_iter().flatten());
            edges
                .map(|(user, kept)| script::edge(user, kept.as_deref()))
                .collect()
        })
    }

    fn release(&self, now: Timestamp) -> BoxFuture<'_, Result<Vec<PresenceEdge>, PresenceError>> {
        Box::pin(async move {
            let mut told = self.told.lock().await;
            let piece = PIECE.to_string();
            self.finish(&mut told, &script::RELEASE, now, &[&piece])
                .await?;
            told.said.clear();
            Ok(std::mem::take(&mut told.found))
        })
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn failed(error: redis::RedisError) -> PresenceError {
    PresenceError(error.to_string())
}

fn lost() -> PresenceError {
    PresenceError(
        "Redis has lost what this node said; it is said again with the next renewal".into(),
    )
}

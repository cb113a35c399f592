//! The scripts, what they are given, and what they answer.

use madang_domain::ports::{LAST_SEEN_MAX, PresenceEdge, PresenceError};
use madang_domain::{Timestamp, UserId};
use redis::{FromRedisValue, ParsingError, Pipeline, Value};

/// For how long everything is kept that no node renews: a deployment that is gone leaves nothing behind, one that was
/// away for less still knows who was seen when.
const KEPT_SECONDS: u64 = 7 * 24 * 60 * 60;

/// A script's text.
pub(super) struct Script(&'static str);

pub(super) const RENEW: Script = Script(concat!(
    include_str!("common.lua"),
    include_str!("renew.lua")
));
pub(super) const SET: Script = Script(concat!(include_str!("common.lua"), include_str!("set.lua")));
pub(super) const RELEASE: Script = Script(concat!(
    include_str!("common.lua"),
    include_str!("release.lua")
));
pub(super) const RESTORE: Script = Script(concat!(
    include_str!("common.lua"),
    include_str!("restore.lua")
));

/// Where everything is kept.
pub(super) struct Keys([String; 7]);

impl Keys {
    pub(super) fn new(prefix: &str, node: &str) -> Self {
        let calls = format!("calls:{node}");
        let names = [
            // The newest edge's epoch.
            "epoch", // Sorted: each node that has a lease, by when it runs out.
            "leases",
            // Sorted: each node whose lease was found to be over, by when it was, until its users are taken.
            "ended",
            // Sorted: `node:user` for everybody whom a node of these two says to be online.
            "said", // Hash: `online epoch at` of each user.
            "last", // Sorted: those of them who are offline, by epoch.
            "offline",
            // Hash: this node's last call, its status, and the edges that the node may not have heard of.
            &calls,
        ];
        Self(names.map(|name| format!("{{{prefix}.presence}}:{name}")))
    }

    pub(super) fn last(&self) -> &str {
        &self.0[4]
    }
}

/// What every script is told first.
pub(super) struct Call<'a> {
    pub(super) node: &'a str,
    /// Above that of the node's last one.
    pub(super) number: u64,
    /// The number of the last one whose answer the node has.
    pub(super) heard: u64,
    pub(super) now: Timestamp,
}

impl Script {
    pub(super) fn command(&self, keys: &Keys, call: &Call<'_>, arguments: &[&str]) -> Pipeline {
        let mut commands = Pipeline::with_capacity(1);
        commands
            .cmd("EVAL")
            .arg(self.0)
            .arg(keys.0.len())
            .arg(&keys.0[..])
            .arg(call.node)
            .arg(call.number)
            .arg(call.heard)
            .arg(call.now.as_micros())
            .arg(KEPT_SECONDS)
            .arg(LAST_SEEN_MAX)
            .arg(arguments);
        commands
    }
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Status {
    /// As asked.
    Done,
    /// The lease is a new one.
    Taken,
    /// There are more users of ended leases to be taken.
    More,
    /// Nothing was done: the node has no valid lease.
    NoLease,
    /// Nothing was done: a call with a higher number was.
    #[default]
    Late,
    /// Nothing was done: Redis does not know of calls that it has answered.
    Lost,
}

/// What a script answers.
#[derive(Default)]
pub(super) struct Answer {
    pub(super) status: Status,
    pub(super) edges: Vec<PresenceEdge>,
    /// The number of the node's last call that Redis knows of.
    pub(super) number: u64,
}

impl FromRedisValue for Answer {
    fn from_redis_value(value: Value) -> Result<Self, ParsingError> {
        let (status, edges, number): (String, Vec<String>, u64) =
            FromRedisValue::from_redis_value(value)?;
        let status = match status.as_str() {
            "held" | "kept" | "released" | "restored" => Status::Done,
            "taken" => Status::Taken,
            "more" => Status::More,
            "no lease" => Status::NoLease,
            "late" => Status::Late,
            "lost" => Status::Lost,
            _ => return Err("a status that no script has".into()),
        };
        let edges = edges.chunks_exact(4).map(told);
        let edges = edges.collect::<Option<_>>();
        let edges = edges.ok_or("an edge that no script tells")?;
        Ok(Self {
            status,
            edges,
            number,
        })
    }
}

fn told(words: &[String]) -> Option<PresenceEdge> {
    let [user, online, epoch, at] = words else {
        return None;
    };
    Some(PresenceEdge {
        user: UserId::new(user).ok()?,
        online: online == "1",
        epoch: epoch.parse().ok()?,
        at: Timestamp::from_micros(at.parse().ok()?),
    })
}

/// The last edge of a user, as it is kept.
pub(super) fn edge(
    user: &UserId,
    kept: Option<&str>,
) -> Result<Option<PresenceEdge>, PresenceError> {
    let Some(kept) = kept else {
        return Ok(None);
    };
    let mut words = kept.split(' ').map(str::to_owned);
    let words = std::iter::once(user.as_str().to_owned()).chain(words.by_ref());
    let edge = told(&words.collect::<Vec<_>>());
    let edge = edge.ok_or_else(|| PresenceError("an edge that no script keeps".into()))?;
    Ok(Some(edge))
}

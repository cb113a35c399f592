//! Presence in the database: all nodes that have the same store know of each other's users.
//!
//! # Locks
//! Whatever changes of a user is changed by whoever has locked the row of the user's last edge.
//! Rows are locked in the order of their ids; there is no lock that all want. A node that says
//! something has locked its lease, so that it is not ended meanwhile.
//!
//! # Leases that end
//! Whoever renews ends the leases that ran out by its clock, and takes their users, a piece at a
//! time. Two who do so at once wait for each other at each user, and the second finds it done.
//!
//! # What is not known
//! A transaction whose commit was not answered is looked for by its epochs with the next call, which
//! answers its edges if it was kept.

mod node;
mod rows;
mod statements;

use std::sync::Arc;
use std::time::Duration;

use madang_domain::ports::{
    BoxFuture, LAST_SEEN_MAX, Presence, PresenceEdge, PresenceError, StoreError,
};
use madang_domain::{Timestamp, UserId};

use super::link::{Brand, Target};
use super::mysql::MySql;
use super::options::{RemoteOptions, Scheme};
use super::postgres::Postgres;
use super::{scheme, unusable};
use crate::relational::workers::Workers;
pub(super) use node::Node;

/// A node, without a lease, in the database at `url`. Connects when it is asked first, by one
/// connection, and brings the schema up to date.
///
/// # Errors
/// [`StoreError::Unavailable`]: the URL is none, or the thread cannot be started.
pub fn open(url: &str, options: &RemoteOptions) -> Result<Arc<dyn Presence>, StoreError> {
    match scheme(url)? {
        Scheme::Postgres => join::<Postgres>(url, options, LAST_SEEN_MAX),
        Scheme::MySql => join::<MySql>(url, options, LAST_SEEN_MAX),
    }
}

pub(super) fn join<B: Brand>(
    url: &str,
    options: &RemoteOptions,
    remembered: usize,
) -> Result<Arc<dyn Presence>, StoreError> {
    let target = Arc::new(Target::<B>::new(url, options).map_err(unusable)?);
    let node = Node::new(&target, remembered)?;
    Ok(Arc::new(RemotePresence {
        node: Workers::writer(node)?,
    }))
}

/// One node. Its worker does one thing at a time, and what takes long in pieces.
struct RemotePresence<B: Brand> {
    node: Workers<Node<B>>,
}

impl<B: Brand> Presence for RemotePresence<B> {
    fn renew(
        &self,
        now: Timestamp,
        lease: Duration,
    ) -> BoxFuture<'_, Result<(bool, Vec<PresenceEdge>), PresenceError>> {
        Box::pin(async move {
            loop {
                let step = self.node.run(move |node| node.renew(now, lease)).await;
                if let Some(renewed) = step.map_err(failed)? {
                    return Ok(renewed);
                }
            }
        })
    }

    fn set<'a>(
        &'a self,
        users: &'a [(UserId, bool)],
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Vec<PresenceEdge>, PresenceError>> {
        Box::pin(async move {
            let words = users.to_vec();
            let said = self.node.run(move |node| node.set(&words, now)).await;
            let no_lease = || PresenceError("this node has no valid lease".into());
            said.map_err(failed)?.ok_or_else(no_lease)
        })
    }

    fn of<'a>(
        &'a self,
        users: &'a [UserId],
    ) -> BoxFuture<'a, Result<Vec<Option<PresenceEdge>>, PresenceError>> {
        Box::pin(async move {
            let users = users.to_vec();
            let edges = self.node.ask(move |node| node.of(&users)).await;
            edges.map_err(failed)
        })
    }

    fn release(&self, now: Timestamp) -> BoxFuture<'_, Result<Vec<PresenceEdge>, PresenceError>> {
        Box::pin(async move {
            loop {
                let step = self.node.run(move |node| node.release(now)).await;
                if let Some(edges) = step.map_err(failed)? {
                    return Ok(edges);
                }
            }
        })
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn failed(error: StoreError) -> PresenceError {
    PresenceError(error.to_string())
}

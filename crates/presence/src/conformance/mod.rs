//! What every adapter of [`Presence`] must do, written once against the port.
//!
//! An adapter's tests implement [`Cluster`] and call
//! [`presence_conformance!`](crate::presence_conformance), which makes one test of each case. Time
//! is an argument of the port: nothing here waits for it.

pub mod leases;
pub mod random;
pub mod users;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use madang_domain::ports::{BoxFuture, Presence, PresenceEdge};
use madang_domain::{Timestamp, UserId};

/// What an adapter promises beyond the port.
#[derive(Debug, Clone, Copy)]
pub struct Capabilities {
    /// Of so many offline users the last edge is kept; those who left before them are forgotten
    /// by the end of the next renewal. The suite makes some more. Above zero.
    pub remembered: usize,
}

/// Makes the nodes under test. Each case has a cluster of its own, on new, empty data.
pub trait Cluster: Send + Sync {
    /// What the adapter promises.
    fn capabilities(&self) -> Capabilities;

    /// Another node on the same data, without a lease.
    fn another(&self) -> BoxFuture<'_, Arc<dyn Presence>>;
}

/// Makes a test of each case: `presence_conformance!(expression that makes a Cluster);`. The crate
/// that calls it needs tokio with its macros.
#[macro_export]
macro_rules! presence_conformance {
    ($cluster:expr) => {
        $crate::presence_conformance! { @ $cluster;
            users: online_on_the_first_session_anywhere_and_offline_on_the_last_only
                nobody_ends_a_session_of_another_node
                one_call_takes_effect_in_its_order
                ids_compare_byte_by_byte_and_unknown_ones_are_none
                many_users_at_once
                who_left_first_is_forgotten_first_and_comes_back_with_a_higher_epoch;
            leases: without_a_valid_one_nothing_is_kept
                a_death_takes_exactly_the_nodes_users_once
                two_deaths_found_at_once_leave_one_edge_a_user
                who_moves_before_a_death_is_found_stays_online
                who_leaves_before_a_death_is_found_leaves_once
                a_renewal_in_time_keeps_the_users
                a_late_renewal_finds_its_own_end
                a_node_that_was_found_dead_says_its_users_again
                release_takes_exactly_the_nodes_users_at_once
                clocks_that_differ_make_nobody_flap
                a_slow_clock_brings_nobody_back;
            random: calls_match_the_model nodes_that_speak_at_once_agree;
        }
    };
    (@ $cluster:expr; $($module:ident: $($case:ident)*;)*) => {
        $(mod $module {
            #[allow(unused_imports)]
            use super::*;
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let cluster = $cluster;
                $crate::conformance::$module::$case(&cluster).await;
            })*
        })*
    };
}

/// A moment, in seconds since the case began.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros((1_800_000_000 + seconds) * 1_000_000)
}

const LEASE_SECONDS: i64 = 30;
const LEASE: Duration = Duration::from_secs(LEASE_SECONDS.unsigned_abs());

/// An edge without its epoch, which [`Seen`] checks.
type Said = (String, bool, Timestamp);

fn on(user: &str, seconds: i64) -> Said {
    (user.to_owned(), true, at(seconds))
}

fn off(user: &str, seconds: i64) -> Said {
    (user.to_owned(), false, at(seconds))
}

fn user(id: &str) -> UserId {
    UserId::new(id).unwrap()
}

/// Follows the edges of every user.
#[derive(Default)]
struct Seen {
    last: HashMap<UserId, PresenceEdge>,
}

impl Seen {
    /// Checks what came of calls that began after those noted before had ended. Answers it by
    /// user, in the order of epochs.
    fn note(&mut self, mut edges: Vec<PresenceEdge>) -> Vec<Said> {
        edges.sort_by(|a, b| (&a.user, a.epoch).cmp(&(&b.user, b.epoch)));
        for edge in &edges {
            let before = self.last.insert(edge.user.clone(), edge.clone());
            let (online, epoch) = before
                .as_ref()
                .map_or((false, None), |before| (before.online, Some(before.epoch)));
            assert!(Some(edge.epoch) > epoch, "{edge:?} came after {before:?}");
            assert_ne!(edge.online, online, "{edge:?} came after {before:?}");
        }
        let said = edges.into_iter();
        said.map(|edge| (edge.user.as_str().to_owned(), edge.online, edge.at))
            .collect()
    }

    /// `node` answers the last edge of each of `users`.
    async fn agrees(&self, node: &dyn Presence, users: &[UserId]) {
        let edges = node.of(users).await.unwrap();
        let last = users.iter().map(|user| self.last.get(user).cloned());
        assert_eq!(edges, last.collect::<Vec<_>>());
    }
}

/// Some nodes, and what they answered.
struct Nodes {
    nodes: Vec<Arc<dyn Presence>>,
    seen: Seen,
}

const A: usize = 0;
const B: usize = 1;
const C: usize = 2;

impl Nodes {
    /// Each with a lease from second 0.
    async fn join(cluster: &dyn Cluster, count: usize) -> Self {
        let mut nodes = Self {
            nodes: Vec::new(),
            seen: Seen::default(),
        };
        for node in 0..count {
            nodes.nodes.push(cluster.another().await);
            assert_eq!(nodes.renew(node, 0).await, (false, vec![]));
        }
        nodes
    }

    async fn renew(&mut self, node: usize, seconds: i64) -> (bool, Vec<Said>) {
        let renewed = self.nodes[node].renew(at(seconds), LEASE).await;
        let (was_held, edges) = renewed.unwrap();
        (was_held, self.note(edges).await)
    }

    async fn say(&mut self, node: usize, id: &str, online: bool, seconds: i64) -> Vec<Said> {
        self.say_all(node, &[(user(id), online)], seconds).await
    }

    async fn say_all(&mut self, node: usize, users: &[(UserId, bool)], seconds: i64) -> Vec<Said> {
        let edges = self.nodes[node].set(users, at(seconds)).await.unwrap();
        self.note(edges).await
    }

    async fn release(&mut self, node: usize, seconds: i64) -> Vec<Said> {
        let edges = self.nodes[node].release(at(seconds)).await.unwrap();
        self.note(edges).await
    }

    async fn is_refused(&self, node: usize, id: &str, online: bool, seconds: i64) {
        let said = [(user(id), online)];
        let said = self.nodes[node].set(&said, at(seconds)).await;
        assert!(said.is_err(), "without a lease");
        self.agree(&[user(id)]).await;
    }

    async fn note(&mut self, edges: Vec<PresenceEdge>) -> Vec<Said> {
        let users: Vec<UserId> = edges.iter().map(|edge| edge.user.clone()).collect();
        let said = self.seen.note(edges);
        self.agree(&users).await;
        said
    }

    /// Every node answers the last edge of each of `users`.
    async fn agree(&self, users: &[UserId]) {
        for node in &self.nodes {
            self.seen.agrees(&**node, users).await;
        }
    }
}

//! Presence on real servers: the suite of the port, and servers that die or are cut off.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use madang_domain::ports::{BoxFuture, Presence, PresenceEdge, PresenceError};
use madang_domain::{Timestamp, UserId};
use madang_presence::conformance::{Capabilities, Cluster};
use madang_test_servers::DatabaseServer;
use madang_test_servers::mariadb::MariaDbServer;
use madang_test_servers::postgres::PostgresServer;

use super::super::RemoteOptions;
use super::super::link::{Brand, Purpose, Session, Target};
use super::super::mysql::MySql;
use super::super::postgres::Postgres;
use super::super::presence::{Node, join};
use super::faults::{Server, on_each_server, options, through};
use crate::relational::database::{Database, all};

/// More than one case has offline, and few enough for another to make more.
const REMEMBERED: usize = 6_000;

/// A new, empty database.
struct RemoteCluster<B> {
    url: String,
    brand: PhantomData<B>,
}

impl<B: Brand> RemoteCluster<B> {
    fn of(url: String) -> Self {
        let brand = PhantomData;
        Self { url, brand }
    }
}

impl<B: Brand> Cluster for RemoteCluster<B> {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            remembered: REMEMBERED,
        }
    }

    fn another(&self) -> BoxFuture<'_, Arc<dyn Presence>> {
        let node = join::<B>(&self.url, &RemoteOptions::default(), REMEMBERED);
        Box::pin(async { node.unwrap() })
    }
}

mod suite {
    mod postgres {
        use super::super::{Postgres, PostgresServer, RemoteCluster};
        madang_presence::presence_conformance!(RemoteCluster::<Postgres>::of(
            PostgresServer::shared().fresh_database()
        ));
    }

    mod mariadb {
        use super::super::{MariaDbServer, MySql, RemoteCluster};
        madang_presence::presence_conformance!(RemoteCluster::<MySql>::of(
            MariaDbServer::shared().fresh_database()
        ));
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros((1_800_000_000 + seconds) * 1_000_000)
}

const LEASE: Duration = Duration::from_secs(30);

fn user(id: &str) -> UserId {
    UserId::new(id).unwrap()
}

fn node<S: Server>(url: &str) -> Arc<dyn Presence> {
    join::<S::Brand>(url, &options(), REMEMBERED).unwrap()
}

/// As the engine does: until it is answered.
async fn until_answered<T>(mut ask: impl AsyncFnMut() -> Result<T, PresenceError>) -> T {
    let mut tries = 0;
    loop {
        match ask().await {
            Ok(answer) => return answer,
            Err(error) => {
                tries += 1;
                assert!(tries < 400, "{error}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

async fn a_server_that_is_killed_ends_no_lease_and_makes_nobody_flap<S: Server>() {
    let mut server = DatabaseServer::<S>::start();
    let url = server.fresh_database();
    let nodes = [node::<S>(&url), node::<S>(&url)];
    for node in &nodes {
        assert_eq!(node.renew(at(0), LEASE).await.unwrap(), (false, vec![]));
    }
    let kim = [user("kim")];
    let came = nodes[0].set(&[(user("kim"), true)], at(1)).await.unwrap();
    for round in 1..4 {
        server.kill();
        let now = at(round * 20);
        assert!(nodes[0].renew(now, LEASE).await.is_err());
        assert!(nodes[1].set(&[(user("lee"), true)], now).await.is_err());
        assert!(nodes[1].of(&kim).await.is_err());
        server.restart();
        for node in &nodes {
            let renewed = until_answered(async || node.renew(now, LEASE).await).await;
            assert_eq!(renewed, (true, vec![]), "round {round}");
        }
        assert_eq!(nodes[1].of(&kim).await.unwrap(), [came.first().cloned()]);
    }
    let left = nodes[0].set(&[(user("kim"), false)], at(61)).await.unwrap();
    assert_eq!((left.len(), left[0].online), (1, false));
    assert!(left[0].epoch > came[0].epoch);
}

/// In the order of their epochs the edges of each user alternate, and the last is the one that is known.
fn tell_one_story(edges: &[PresenceEdge], known: &[Option<PresenceEdge>]) {
    let mut last: HashMap<&UserId, &PresenceEdge> = HashMap::new();
    for edge in edges {
        let before = last.insert(&edge.user, edge);
        assert!(before.is_none_or(|before| before.epoch < edge.epoch));
        let was_online = before.is_some_and(|before| before.online);
        assert_ne!(edge.online, was_online, "{edge:?} after {before:?}");
    }
    for known in known.iter().flatten() {
        assert_eq!(Some(&known), last.get(&known.user));
    }
    assert_eq!(known.iter().flatten().count(), last.len());
}

/// Whatever the moment, before a commit or behind it.
async fn no_edge_is_lost_or_told_twice_when_connections_are_cut<S: Server>() {
    const ROUNDS: usize = 100;
    let server = DatabaseServer::<S>::start();
    let direct = server.fresh_database();
    let (proxy, url) = through(&direct);
    let (cut, watcher) = (node::<S>(&url), node::<S>(&direct));
    until_answered(async || cut.renew(at(0), LEASE).await).await;
    let users: Vec<UserId> = (0..40).map(|n| user(&n.to_string())).collect();
    let mut edges = Vec::new();
    for round in 0..ROUNDS {
        let said = |user: &UserId| (user.clone(), round % 2 == 0);
        let words: Vec<(UserId, bool)> = users.iter().map(said).collect();
        let trouble = async {
            tokio::time::sleep(Duration::from_micros(rand::random_range(0..30_000))).await;
            proxy.cut();
        };
        let told = until_answered(async || cut.set(&words, at(1)).await);
        edges.extend(tokio::join!(told, trouble).0);
    }
    edges.extend(until_answered(async || cut.set(&[], at(1)).await).await);
    assert_eq!(edges.len(), ROUNDS * users.len(), "each once");
    tell_one_story(&edges, &watcher.of(&users).await.unwrap());
}

/// Else the node would not say its users again.
async fn a_lease_is_new_to_who_takes_it_also_when_connections_are_cut<S: Server>() {
    let server = DatabaseServer::<S>::start();
    let direct = server.fresh_database();
    node::<S>(&direct).renew(at(0), LEASE).await.unwrap();
    let (proxy, url) = through(&direct);
    for _ in 0..60 {
        let cut = node::<S>(&url);
        assert_eq!(cut.of(&[]).await.unwrap(), []);
        let trouble = async {
            tokio::time::sleep(Duration::from_micros(rand::random_range(0..10_000))).await;
            proxy.cut();
        };
        let taken = until_answered(async || cut.renew(at(0), LEASE).await);
        let (taken, ()) = tokio::join!(taken, trouble);
        assert_eq!(taken, (false, vec![]));
        let again = until_answered(async || cut.renew(at(1), LEASE).await).await;
        assert_eq!(again, (true, vec![]));
    }
}

async fn a_node_that_is_cut_off_keeps_its_lease_until_it_runs_out<S: Server>() {
    let server = DatabaseServer::<S>::start();
    let direct = server.fresh_database();
    let (proxy, url) = through(&direct);
    let (cut, other) = (node::<S>(&url), node::<S>(&direct));
    cut.renew(at(0), LEASE).await.unwrap();
    other.renew(at(0), LEASE).await.unwrap();
    let came = cut.set(&[(user("kim"), true)], at(1)).await.unwrap();
    proxy.refuse();
    proxy.cut();
    // Until the cut is made: this lengthens nothing.
    while cut.renew(at(0), LEASE).await.is_ok() {}
    assert_eq!(other.renew(at(29), LEASE).await.unwrap(), (true, vec![]));
    assert_eq!(
        other.of(&[user("kim")]).await.unwrap(),
        [came.first().cloned()]
    );
    let (was_held, left) = other.renew(at(30), LEASE).await.unwrap();
    assert!(was_held);
    assert_eq!((left.len(), left[0].online, left[0].at), (1, false, at(30)));
    proxy.heal();
    let renewed = until_answered(async || cut.renew(at(31), LEASE).await).await;
    assert_eq!(renewed, (false, vec![]), "the other one has told it");
    let back = cut.set(&[(user("kim"), true)], at(31)).await.unwrap();
    assert!(back[0].online && back[0].epoch > left[0].epoch);
}

/// Nothing is left of a deployment that is gone but the edges.
async fn an_ended_lease_leaves_no_rows<S: Server>() {
    let server = DatabaseServer::<S>::start();
    let url = server.fresh_database();
    let (gone, other) = (node::<S>(&url), node::<S>(&url));
    for node in [&gone, &other] {
        node.renew(at(0), LEASE).await.unwrap();
    }
    gone.set(&[(user("kim"), true)], at(1)).await.unwrap();
    other.release(at(2)).await.unwrap();
    other.renew(at(40), LEASE).await.unwrap();
    let left = tokio::task::spawn_blocking(move || {
        let target = Target::<S::Brand>::new(&url, &options()).unwrap();
        let session = Session::new(&Arc::new(target), Purpose::Write).unwrap();
        session.ready().unwrap();
        let count = "SELECT (SELECT count(*) FROM presence_leases),
                            (SELECT count(*) FROM presence_users),
                            (SELECT count(*) FROM presence_epochs)";
        let counts = all(&session as &dyn Database, count, &[], |row| {
            Ok([row.int(0)?, row.int(1)?, row.int(2)?])
        });
        counts.unwrap()
    });
    assert_eq!(left.await.unwrap(), [[1, 0, 0]], "the other's lease");
}

/// A node on a thread of the test, where there is no worker.
fn bare<S: Server>(url: &str) -> Node<S::Brand> {
    let target = Target::new(url, &options()).unwrap();
    Node::new(&Arc::new(target), REMEMBERED).unwrap()
}

async fn edges_whose_commit_was_not_answered_come_with_the_next_call_if_they_were_kept<
    S: Server,
>() {
    let server = DatabaseServer::<S>::start();
    let url = server.fresh_database();
    let unanswered = move || {
        let mut node = bare::<S>(&url);
        while node.renew(at(0), LEASE).unwrap().is_none() {}
        let both = [(user("kim"), true), (user("kim"), false)];
        let kept = node.set(&both, at(1)).unwrap().unwrap();
        node.doubt(kept.clone());
        let mut expected = kept.clone();
        let next = node.set(&[(user("lee"), true)], at(2)).unwrap().unwrap();
        expected.extend(next.iter().skip(2).cloned());
        assert_eq!((next.len(), &next), (3, &expected));
        let never = PresenceEdge {
            epoch: kept[1].epoch + 1,
            ..kept[0].clone()
        };
        node.doubt(vec![never]);
        assert_eq!(node.set(&[], at(3)).unwrap(), Some(vec![]));
    };
    tokio::task::spawn_blocking(unanswered).await.unwrap();
}

on_each_server! {
    a_server_that_is_killed_ends_no_lease_and_makes_nobody_flap
    no_edge_is_lost_or_told_twice_when_connections_are_cut
    a_lease_is_new_to_who_takes_it_also_when_connections_are_cut
    a_node_that_is_cut_off_keeps_its_lease_until_it_runs_out
    an_ended_lease_leaves_no_rows
    edges_whose_commit_was_not_answered_come_with_the_next_call_if_they_were_kept
}

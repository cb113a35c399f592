//! Servers that die, hang and are cut off; nodes that hang; locks and schemas.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use madang_domain::ports::{Store, StoreError};
use madang_domain::{Appended, Command, DraftGroup, Position, RoomAction, RoomId, RoomKind, Seq};
use madang_test_servers::postgres::PostgresServer;
use madang_test_servers::proxy::Proxy;
use madang_test_servers::{DatabaseKind, DatabaseServer};
use tokio::sync::watch;

use super::super::link::{Brand, Purpose, Session, Target};
use super::super::mysql::MySql;
use super::super::postgres::Postgres;
use super::super::{self as remote, RemoteOptions, check, migrate, renew_epochs};
use crate::conformance::*;
use crate::relational::database::Database;

/// A kind of server, and what speaks to it.
pub(super) trait Server: DatabaseKind {
    type Brand: Brand;

    /// What asks, in a URL, for the server's certificate to be of the authority in a file, its path behind this.
    const VERIFIED: &str;
}

impl Server for madang_test_servers::postgres::Postgres {
    type Brand = Postgres;
    const VERIFIED: &str = "sslmode=verify-full&sslrootcert=";
}

impl Server for madang_test_servers::mariadb::MariaDb {
    type Brand = MySql;
    const VERIFIED: &str = "ssl-mode=VERIFY_IDENTITY&ssl-ca=";
}

/// A URL that is good for a server with a certificate of this one's authority.
fn verified<S: Server>(url: &str, server: &DatabaseServer<S>) -> String {
    let authority = server.authority().unwrap().display();
    format!("{url}?{}{authority}", S::VERIFIED)
}

/// What a statement answers, asked of the server itself.
fn ask<S: Server>(server: &DatabaseServer<S>, url: &str, statement: &str) -> String {
    server.ask(url.rsplit_once('/').unwrap().1, statement)
}

pub(super) fn options() -> RemoteOptions {
    RemoteOptions {
        writers: 2,
        readers: 2,
        connect_timeout: Duration::from_secs(2),
        statement_timeout: Duration::from_secs(1),
    }
}

fn store(url: &str) -> Arc<dyn Store> {
    remote::open(url, &options()).unwrap()
}

/// The same database through a proxy.
pub(super) fn through(url: &str) -> (Proxy, String) {
    let (head, tail) = url.rsplit_once('@').unwrap();
    let (address, database) = tail.split_once('/').unwrap();
    let proxy = Proxy::to(address.parse::<SocketAddr>().unwrap());
    let url = format!("{head}@{}/{database}", proxy.address());
    (proxy, url)
}

/// Until the store can be written: each try is bounded by its time-outs.
async fn until_ready(store: &dyn Store) {
    let mut tries = 0;
    while let Err(error) = store.check().await {
        tries += 1;
        assert!(tries < 400, "{error}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Sends until it is answered; a repeat is as good as the first.
async fn send_until_accepted(store: &dyn Store, room: &str, id: &str) -> u64 {
    for _ in 0..400 {
        let drafts = DraftGroup::single(draft(room, id, Some(id)));
        match store.commit(vec![Command::Send(drafts)]).await {
            Ok(mut outcomes) => {
                let done = outcomes.remove(0).unwrap();
                let appended = done.answer.into_sent().unwrap();
                return appended[0].message().position.seq.get();
            }
            Err(StoreError::Unavailable(_) | StoreError::OutcomeUnknown(_)) => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(error) => panic!("{error}"),
        }
    }
    panic!("{id} was never accepted");
}

/// How many messages were accepted so far.
struct Progress(watch::Receiver<usize>);

impl Progress {
    /// Waits until so many more are.
    async fn more(&mut self, count: usize) {
        let goal = *self.0.borrow() + count;
        self.0.wait_for(|accepted| *accepted >= goal).await.unwrap();
    }
}

/// Several senders into a few rooms over two stores, while `trouble` goes on; then each accepted message
/// is there once, in its place.
async fn nothing_is_lost(stores: [Arc<dyn Store>; 2], trouble: impl AsyncFnOnce(&mut Progress)) {
    const ROOMS: [&str; 3] = ["kim", "lee", "min"];
    until_ready(&*stores[0]).await;
    for room in ROOMS {
        open(&*stores[0], room).await;
    }
    let stop = Arc::new(AtomicBool::new(false));
    let (progress, watched) = watch::channel(0);
    let senders = (0..6).map(|sender| {
        let (store, stop) = (Arc::clone(&stores[sender % 2]), Arc::clone(&stop));
        let progress = progress.clone();
        tokio::spawn(async move {
            let (room, mut accepted) = (ROOMS[sender % 3], Vec::new());
            while !stop.load(Ordering::Relaxed) {
                let id = format!("{sender}-{}", accepted.len());
                let seq = send_until_accepted(&*store, room, &id).await;
                accepted.push((room, seq, id));
                progress.send_modify(|accepted| *accepted += 1);
            }
            accepted
        })
    });
    let senders: Vec<_> = senders.collect();
    trouble(&mut Progress(watched)).await;
    stop.store(true, Ordering::Relaxed);
    let mut accepted = Vec::new();
    for sender in senders {
        accepted.extend(sender.await.unwrap());
    }
    until_ready(&*stores[1]).await;
    let mut kept = 0;
    for room in ROOMS {
        let log = whole_log(&*stores[1], room).await;
        let seqs: Vec<u64> = log.iter().map(|m| m.position.seq.get()).collect();
        assert_eq!(seqs, (1..=log.len() as u64).collect::<Vec<_>>(), "{room}");
        for (_, seq, id) in accepted.iter().filter(|(of, ..)| *of == room) {
            let message = &log[*seq as usize - 1];
            assert_eq!(&*message.text, id.as_str());
        }
        kept += log.len();
    }
    assert_eq!(
        kept,
        accepted.len(),
        "nothing twice, nothing that nobody sent"
    );
}

async fn a_killed_server_loses_nothing<S: Server>() {
    let mut server = DatabaseServer::<S>::start();
    let url = server.fresh_database();
    nothing_is_lost([store(&url), store(&url)], async |progress| {
        for _ in 0..3 {
            progress.more(30).await;
            server.restart();
        }
        progress.more(10).await;
    })
    .await;
}

async fn cut_connections_lose_nothing<S: Server>() {
    let server = DatabaseServer::<S>::start();
    let (proxy, url) = through(&server.fresh_database());
    nothing_is_lost([store(&url), store(&url)], async |progress| {
        for _ in 0..20 {
            progress.more(10).await;
            proxy.cut();
        }
        progress.more(10).await;
    })
    .await;
}

/// Those who go another way go on meanwhile, once the server has let go of what the others had.
async fn a_network_that_stalls_loses_nothing<S: Server>() {
    let server = DatabaseServer::<S>::start();
    let direct = server.fresh_database();
    let (proxy, url) = through(&direct);
    nothing_is_lost([store(&url), store(&direct)], async |progress| {
        progress.more(30).await;
        proxy.stall();
        progress.more(200).await;
        proxy.heal();
        progress.more(60).await;
    })
    .await;
}

/// Also by a node that finds what another one has not come to.
async fn what_a_deleted_room_leaves_behind_is_removed<S: Server>() {
    const LEFT: &str = "SELECT (SELECT count(*) FROM messages) + (SELECT count(*) FROM members)
         + (SELECT count(*) FROM delivered) + (SELECT count(*) FROM filters)
         + (SELECT count(*) FROM removed) + (SELECT count(*) FROM purges)";
    let server = DatabaseServer::<S>::start();
    let url = server.fresh_database();
    let gone = store(&url);
    let owner = new_room(RoomKind::Open, "o", Some("kim"), &["lee", "min"]);
    let head = create(&*gone, owner).await.0.head;
    fill_of(&*gone, "o", "kim", 1_200).await;
    let position = Position {
        epoch: head.epoch,
        seq: Seq::new(7),
    };
    gone.advance_read(&room_id("o"), &user("lee"), position)
        .await
        .unwrap();
    assert_ne!(ask(&server, &url, LEFT).trim(), "0");
    act(&*gone, "o", "kim", RoomAction::Delete).await.unwrap();
    // It has not removed everything, or has: the next one does the rest.
    drop(gone);
    let store = store(&url);
    for _ in 0..200 {
        // A node goes on with it between its other work.
        store.check().await.unwrap();
        if ask(&server, &url, LEFT).trim() == "0" {
            return;
        }
    }
    panic!("{} rows are left", ask(&server, &url, LEFT).trim());
}

async fn a_store_starts_before_its_server<S: Server>() {
    let mut server = DatabaseServer::<S>::start();
    let url = server.fresh_database();
    server.kill();
    let store = store(&url);
    assert!(matches!(
        store.check().await,
        Err(StoreError::Unavailable(_))
    ));
    assert!(store.room(&room_id("kim")).await.is_err());
    server.restart();
    until_ready(&*store).await;
    open(&*store, "kim").await;
}

async fn nodes_that_start_at_once_make_one_schema<S: Server>() {
    let server = DatabaseServer::<S>::start();
    let url = server.fresh_database();
    let checks = (0..6).map(|_| {
        let store = store(&url);
        tokio::spawn(async move { store.check().await.unwrap() })
    });
    for check in checks.collect::<Vec<_>>() {
        check.await.unwrap();
    }
    let store = store(&url);
    open(&*store, "kim").await;
    let feed = log_of(&*store, &RoomId::desk()).await;
    assert_eq!(feed.len(), 1, "one desk");
    tokio::task::spawn_blocking(move || migrate(&url))
        .await
        .unwrap()
        .unwrap();
}

/// A node that hangs while it has a room holds the others up for as long as the server leaves an idle
/// transaction alone.
async fn a_node_that_hangs_lets_go_of_its_rooms<S: Server>() {
    let server = DatabaseServer::<S>::start();
    let url = server.fresh_database();
    let patient = RemoteOptions {
        statement_timeout: Duration::from_secs(10),
        ..options()
    };
    let store = remote::open(&url, &patient).unwrap();
    open(&*store, "kim").await;
    let (url_of_hung, locked) = (url.clone(), Arc::new(tokio::sync::Notify::new()));
    let tell = Arc::clone(&locked);
    let (finish, finished) = std::sync::mpsc::channel::<()>();
    let hung = std::thread::spawn(move || {
        let target = Target::<S::Brand>::new(&url_of_hung, &options()).unwrap();
        let session = Session::new(&Arc::new(target), Purpose::Write).unwrap();
        session.ready().unwrap();
        session.control(S::Brand::BEGIN_WRITE).unwrap();
        session.lock_rooms(&[&room_id("kim")]).unwrap();
        tell.notify_one();
        finished.recv().unwrap();
        session.commit()
    });
    locked.notified().await;
    let appended = append_one(&*store, draft("kim", "at last", None)).await;
    assert!(matches!(appended, Ok(Appended::New(_))));
    finish.send(()).unwrap();
    let late = tokio::task::spawn_blocking(move || hung.join().unwrap()).await;
    assert!(late.unwrap().is_err(), "its transaction is gone");
}

async fn only_a_certificate_of_the_right_authority_will_do<S: Server>() {
    let server = DatabaseServer::<S>::with_tls();
    let url = server.fresh_database();
    let trusted = verified(&url, &server);
    store(&trusted).check().await.unwrap();
    let another = DatabaseServer::<S>::with_tls();
    let distrusted = verified(&url, &another);
    let refused = store(&distrusted).check().await;
    assert!(
        matches!(refused, Err(StoreError::Unavailable(_))),
        "{refused:?}"
    );
}

async fn a_restored_database_has_other_epochs<S: Server>() {
    let server = DatabaseServer::<S>::start();
    let url = server.fresh_database();
    let store = store(&url);
    open(&*store, "kim").await;
    let before = store
        .room(&room_id("kim"))
        .await
        .unwrap()
        .unwrap()
        .head
        .epoch;
    let renewed = tokio::task::spawn_blocking(move || renew_epochs(&url)).await;
    assert_eq!(renewed.unwrap().unwrap(), 2, "the room and the desk");
    let after = store
        .room(&room_id("kim"))
        .await
        .unwrap()
        .unwrap()
        .head
        .epoch;
    assert_ne!(before, after);
}

macro_rules! on_each_server {
    ($($case:ident)*) => {
        mod postgres {
            use madang_test_servers::postgres::Postgres;
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::$case::<Postgres>().await;
            })*
        }

        mod mariadb {
            use madang_test_servers::mariadb::MariaDb;
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::$case::<MariaDb>().await;
            })*
        }
    };
}

pub(super) use on_each_server;

on_each_server! {
    a_killed_server_loses_nothing
    cut_connections_lose_nothing
    a_network_that_stalls_loses_nothing
    what_a_deleted_room_leaves_behind_is_removed
    a_store_starts_before_its_server
    nodes_that_start_at_once_make_one_schema
    a_node_that_hangs_lets_go_of_its_rooms
    only_a_certificate_of_the_right_authority_will_do
    a_restored_database_has_other_epochs
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_schema_is_refused() {
    let server = PostgresServer::shared();
    let url = server.fresh_database();
    store(&url).check().await.unwrap();
    let database = url.rsplit_once('/').unwrap().1;
    server.ask(database, "INSERT INTO madang_schema (version) VALUES (99)");
    let refused = store(&url).check().await;
    let Err(StoreError::Corrupt(reason)) = refused else {
        panic!("{refused:?}");
    };
    assert!(reason.contains("99"), "{reason}");
}

#[test]
fn what_names_no_database_is_refused_without_connecting() {
    for url in [
        "",
        "madang.db",
        "oracle://x/y",
        "postgres://host",
        "postgres://user@host/",
        "mysql://host",
        "postgres://host/x?sslmode=sometimes",
    ] {
        assert!(check(url).is_err(), "{url}");
    }
    for url in [
        "postgres://madang:secret@db.example.com:5433/madang?sslmode=verify-full",
        "postgresql://localhost/madang",
        "mysql://madang:secret@db/madang?ssl-mode=VERIFY_IDENTITY",
        "mariadb://db/madang",
    ] {
        assert!(check(url).is_ok(), "{url}");
    }
    let error = check("postgres://kim:secret@host/x?sslmode=sometimes").unwrap_err();
    assert!(!error.to_string().contains("secret"), "{error}");
}

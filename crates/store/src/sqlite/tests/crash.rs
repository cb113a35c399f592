//! Killed at any moment, nothing that was answered is lost.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use madang_domain::ports::Store;
use rusqlite::Connection;

use super::SqliteFactory;
use crate::conformance::*;
use crate::sqlite::{SqliteOptions, SqliteStore};

const DATA: &str = "MADANG_CRASH_TEST_DATA";

/// Not a test of its own: what the killed process runs.
#[test]
fn appends_until_it_is_killed() {
    let Ok(path) = std::env::var(DATA) else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let options = SqliteOptions {
            merge_rows: 150,
            ..SqliteOptions::default()
        };
        let store = SqliteStore::open(path.as_ref(), &options).unwrap();
        let process = std::process::id();
        for id in ["kim", "lee", "park"] {
            open(&store, id).await;
        }
        for batch in 0.. {
            let drafts = (0..20).map(|n| {
                let id = format!("{process}/{batch}/{n}");
                draft(
                    ["kim", "lee", "park"][n % 3],
                    &"x".repeat(n * 50 + 1),
                    Some(&id),
                )
            });
            let mut lines = String::new();
            for outcome in append(&store, drafts.collect()).await {
                let message = new(&outcome);
                let id = message.client_id.as_ref().unwrap();
                lines += &format!(
                    "accepted {} {} {id} .\n",
                    message.room, message.position.seq
                );
            }
            std::io::stdout().write_all(lines.as_bytes()).unwrap();
        }
    });
}

#[tokio::test]
async fn whatever_was_answered_survives_a_kill() {
    let factory = SqliteFactory::new(150);
    let mut accepted: HashMap<String, (String, u64)> = HashMap::new();
    for _ in 0..20 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "sqlite::tests::crash::appends_until_it_is_killed",
                "--nocapture",
            ])
            .env(DATA, factory.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = child.stdout.take().unwrap();
        let reader = std::thread::spawn(move || {
            BufReader::new(output)
                .lines()
                .map_while(Result::ok)
                .collect::<Vec<_>>()
        });
        std::thread::sleep(Duration::from_millis(60 + rand::random::<u64>() % 240));
        child.kill().unwrap();
        child.wait().unwrap();
        let lines = reader.join().unwrap();
        for line in lines {
            let words: Vec<&str> = line.split(' ').collect();
            // The kill may have cut the last line: what ends with its dot is whole.
            if let [.., "accepted", room, seq, id, "."] = words[..] {
                accepted.insert(id.to_owned(), (room.to_owned(), seq.parse().unwrap()));
            }
        }
        verify(&factory, &accepted).await;
    }
    assert!(
        accepted.len() > 1_000,
        "only {} were accepted",
        accepted.len()
    );
}

async fn verify(factory: &SqliteFactory, accepted: &HashMap<String, (String, u64)>) {
    let connection = Connection::open(factory.path()).unwrap();
    let answer: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(answer, "ok");
    drop(connection);
    let store = SqliteStore::open(&factory.path(), &factory.options()).unwrap();
    let mut found: HashMap<String, (String, u64)> = HashMap::new();
    for id in ["kim", "lee", "park"] {
        if store.room(&room_id(id)).await.unwrap().is_none() {
            continue;
        }
        let log = whole_log(&store, id).await;
        assert_eq!(seqs(&log), (1..=log.len() as u64).collect::<Vec<_>>());
        for message in log {
            let key = message.client_id.as_ref().unwrap().to_string();
            let value = (id.to_owned(), message.position.seq.get());
            assert_eq!(
                found.insert(key.clone(), value),
                None,
                "{key} is there twice"
            );
        }
    }
    for (id, place) in accepted {
        assert_eq!(found.get(id), Some(place), "{id}");
    }
}

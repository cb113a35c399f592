//! Killed at any moment, nothing that was answered is lost, and nothing is half done.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command as Process, Stdio};
use std::time::Duration;

use madang_domain::ports::{Commit, Store};
use madang_domain::{Role, UserChange};
use rusqlite::Connection;

use super::SqliteFactory;
use crate::conformance::model::{Random, command_batch, picture};
use crate::conformance::*;
use crate::sqlite::{SqliteOptions, SqliteStore};

const DATA: &str = "MADANG_CRASH_TEST_DATA";
const SEED: &str = "MADANG_CRASH_TEST_SEED";
const DONE: &str = "MADANG_CRASH_TEST_DONE";

fn merging() -> SqliteOptions {
    SqliteOptions {
        merge_rows: 60,
        ..SqliteOptions::default()
    }
}

/// The same commands of every kind for the same seed: batch after batch.
struct Script {
    random: Random,
    step: i64,
}

impl Script {
    /// One that so many batches have been taken of.
    fn new(seed: u64, done: i64) -> Self {
        let mut script = Self {
            random: Random::new(seed),
            step: 0,
        };
        while script.step < done {
            drop(script.next());
        }
        script
    }

    fn next(&mut self) -> Vec<madang_domain::Command> {
        self.step += 1;
        let mut commands = command_batch(&mut self.random, self.step);
        // Enough messages that merges are always under way.
        for _ in 0..3 {
            commands.extend(command_batch(&mut self.random, self.step));
        }
        commands
    }
}

async fn come(store: &dyn Store) {
    let seen = |id| UserChange::seen(&caller(id, Role::Agent));
    store
        .upsert_users(vec![seen("ann"), seen("bob")])
        .await
        .unwrap();
}

/// Not a test of its own: what the killed process runs.
#[test]
fn carries_out_commands_until_it_is_killed() {
    let variable = |name| std::env::var(name).ok();
    let (Some(path), Some(seed), Some(done)) = (variable(DATA), variable(SEED), variable(DONE))
    else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let store = SqliteStore::open(path.as_ref(), &merging()).unwrap();
        come(&store).await;
        let mut script = Script::new(seed.parse().unwrap(), done.parse().unwrap());
        loop {
            let commands = script.next();
            store.commit(commands).await.unwrap();
            let line = format!("done {} .\n", script.step);
            std::io::stdout().write_all(line.as_bytes()).unwrap();
        }
    });
}

/// Lets a process work for a while; how many batches it was answered for.
fn run_and_kill(factory: &SqliteFactory, seed: u64, done: i64) -> i64 {
    let test = "sqlite::tests::crash::carries_out_commands_until_it_is_killed";
    let mut child = Process::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(DATA, factory.path())
        .env(SEED, seed.to_string())
        .env(DONE, done.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = child.stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        let lines = BufReader::new(output).lines().map_while(Result::ok);
        lines.collect::<Vec<_>>()
    });
    std::thread::sleep(Duration::from_millis(60 + rand::random::<u64>() % 240));
    child.kill().unwrap();
    child.wait().unwrap();
    let mut answered = done;
    for line in reader.join().unwrap() {
        // The kill may have cut the last line: what ends with its dot is whole.
        if let ["done", step, "."] = line.split(' ').collect::<Vec<_>>()[..] {
            answered = step.parse().unwrap();
        }
    }
    answered
}

#[tokio::test]
async fn whatever_was_answered_survives_a_kill() {
    let seed = rand::random::<u64>() | 1;
    println!("seed {seed}");
    let factory = SqliteFactory::new(60);
    // What the killed processes should have, made by one that nobody kills.
    let twin = SqliteFactory::new(usize::MAX);
    let expected = SqliteStore::open(&twin.path(), &twin.options()).unwrap();
    come(&expected).await;
    let mut script = Script::new(seed, 0);
    let mut commits = 0;
    for _ in 0..20 {
        let answered = run_and_kill(&factory, seed, script.step);
        commits += answered - script.step;
        while script.step < answered {
            let commands = script.next();
            expected.commit(commands).await.unwrap();
        }
        let found = verify(&factory).await;
        if found != picture(&expected).await {
            // The commit that was under way is whole, then, though nobody was told.
            let commands = script.next();
            expected.commit(commands).await.unwrap();
            assert_eq!(found, picture(&expected).await, "after {answered} batches");
        }
    }
    assert!(commits > 200, "only {commits} were answered");
}

async fn verify(factory: &SqliteFactory) -> String {
    let connection = Connection::open(factory.path()).unwrap();
    let answer: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(answer, "ok");
    drop(connection);
    let store = SqliteStore::open(&factory.path(), &factory.options()).unwrap();
    picture(&store).await
}

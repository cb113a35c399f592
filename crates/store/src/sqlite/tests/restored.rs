//! Numbers that are given out again after answers were lost.

use madang_domain::Position;
use rusqlite::Connection;

use super::SqliteFactory;
use crate::conformance::*;
use crate::sqlite::{SqliteOptions, SqliteStore, Synchronous, renew_epochs};

#[tokio::test]
async fn after_a_restored_backup_no_position_of_before_can_be_resumed() {
    let factory = SqliteFactory::new(1_000);
    let store = SqliteStore::open(&factory.path(), &factory.options()).unwrap();
    open(&store, "kim").await;
    fill(&store, "kim", 10).await;
    let backup = factory.path().with_extension("backup");
    let copy = format!("VACUUM INTO '{}'", backup.display());
    Connection::open(factory.path())
        .unwrap()
        .execute_batch(&copy)
        .unwrap();
    fill(&store, "kim", 10).await;
    let seen: Position = room(&store, "kim").await.unwrap().head.position();
    let refused = renew_epochs(&factory.path()).unwrap_err();
    assert!(refused.to_string().contains("lock"), "{refused}");
    drop(store);

    std::fs::rename(&backup, factory.path()).unwrap();
    let logs = renew_epochs(&factory.path()).unwrap();
    assert_eq!(logs, 2, "kim's and the desk's");
    let store = SqliteStore::open(&factory.path(), &factory.options()).unwrap();
    fill(&store, "kim", 15).await;
    let head = room(&store, "kim").await.unwrap().head;
    assert!(head.last > seen.seq);
    assert!(!head.can_resume(seen));
}

#[tokio::test]
async fn an_unclean_end_without_syncs_is_as_a_restored_backup() {
    for (synchronous, is_clean, same) in [
        (Synchronous::Normal, false, false),
        (Synchronous::Normal, true, true),
        (Synchronous::Full, false, true),
    ] {
        let factory = SqliteFactory::new(1_000);
        let options = SqliteOptions {
            synchronous,
            ..factory.options()
        };
        let store = SqliteStore::open(&factory.path(), &options).unwrap();
        open(&store, "kim").await;
        fill(&store, "kim", 10).await;
        let seen = room(&store, "kim").await.unwrap().head.position();
        let at_the_crash = factory.path().with_file_name("crashed.db");
        let log = |path: &std::path::Path| path.with_extension("db-wal");
        if !is_clean {
            std::fs::copy(factory.path(), &at_the_crash).unwrap();
            std::fs::copy(log(&factory.path()), log(&at_the_crash)).unwrap();
        }
        drop(store);
        if !is_clean {
            std::fs::rename(&at_the_crash, factory.path()).unwrap();
            std::fs::rename(log(&at_the_crash), log(&factory.path())).unwrap();
        }
        let store = SqliteStore::open(&factory.path(), &options).unwrap();
        let head = room(&store, "kim").await.unwrap().head;
        assert_eq!(head.can_resume(seen), same, "{synchronous:?} {is_clean}");
    }
}

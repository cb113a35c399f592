//! Full disks, panics, second processes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use madang_domain::membership::MEMBERS_MAX;
use madang_domain::ports::{Commit, LogQuery, Store, StoreError};
use madang_domain::{Code, Command, DraftGroup, MemberRole, Position, RoomAction, RoomKind, Seq};
use rusqlite::Connection;

use super::{SqliteFactory, until_emptied};
use crate::conformance::model::{Random, command_batch, picture};
use crate::conformance::*;
use crate::relational::change::Changes;
use crate::relational::database::{execute, values};
use crate::relational::read::Reads;
use crate::sqlite::writer::Writer;
use crate::sqlite::{SqliteOptions, SqliteStore};

fn assert_intact(factory: &SqliteFactory) {
    let connection = Connection::open(factory.path()).unwrap();
    let answer: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(answer, "ok");
}

#[tokio::test]
async fn a_full_disk_refuses_whole_batches_and_ends() {
    let factory = SqliteFactory::new(40);
    drop(factory.fresh().await);
    let options = SqliteOptions {
        pages_max: Some(120),
        ..factory.options()
    };
    let store = SqliteStore::open(&factory.path(), &options).unwrap();
    open(&store, "kim").await;
    let text = "x".repeat(4_000);
    let (mut accepted, mut refused) = (0, 0);
    while refused < 10 {
        let group = DraftGroup {
            drafts: (0..5)
                .map(|n| draft("kim", &text, Some(&format!("{refused}/{accepted}/{n}"))))
                .collect(),
        };
        match store.commit(vec![Command::Send(group)]).await {
            Ok(outcomes) => accepted += outcomes[0].as_ref().unwrap().entries.len(),
            Err(StoreError::Unavailable(_)) => refused += 1,
            Err(other) => panic!("{other}"),
        }
        assert_eq!(whole_log(&store, "kim").await.len(), accepted);
    }
    assert!(accepted > 0);
    drop(store);
    assert_intact(&factory);
    let store = SqliteStore::open(&factory.path(), &factory.options()).unwrap();
    assert_eq!(whole_log(&store, "kim").await.len(), accepted);
    fill(&store, "kim", 50).await;
    let log = whole_log(&store, "kim").await;
    assert_eq!(seqs(&log), (1..=accepted as u64 + 50).collect::<Vec<_>>());
    drop(store);
    assert_intact(&factory);
}

#[tokio::test]
async fn a_failed_batch_is_forgotten_and_the_same_store_goes_on() {
    let factory = SqliteFactory::new(1_000);
    let store = SqliteStore::open(&factory.path(), &factory.options()).unwrap();
    open(&store, "kim").await;
    fill(&store, "kim", 3).await;
    let limit = |pages: u32| {
        store.writer().run(move |writer| {
            writer
                .connection
                .pragma_update(None, "max_page_count", pages)
                .unwrap();
            Ok(())
        })
    };
    // SQLite raises it to what the file has already: no page can be added.
    limit(1).await.unwrap();
    let text = "x".repeat(16_000);
    // The first is written before the second finds no place.
    let drafts = || {
        let small = draft("kim", "small", Some("small"));
        vec![small, draft("kim", &text, Some("big"))]
    };
    let groups = drafts().into_iter().map(DraftGroup::single);
    let failed = store.commit(groups.map(Command::Send).collect()).await;
    assert!(matches!(failed, Err(StoreError::Unavailable(_))));
    assert_eq!(whole_log(&store, "kim").await.len(), 3);
    limit(100_000).await.unwrap();
    for (outcome, seq) in append(&store, drafts()).await.iter().zip(4..) {
        assert_eq!(
            new(outcome).position.seq.get(),
            seq,
            "nothing was remembered"
        );
    }
    assert_eq!(seqs(&whole_log(&store, "kim").await), [1, 2, 3, 4, 5]);
    store.check().await.unwrap();
}

#[tokio::test]
async fn commands_whose_commit_fails_leave_no_trace() {
    let seed = rand::random::<u64>() | 1;
    println!("seed {seed}");
    let mut random = Random::new(seed);
    let factory = SqliteFactory::new(40);
    let mut store = SqliteStore::open(&factory.path(), &factory.options()).unwrap();
    let failing = Arc::new(AtomicBool::new(false));
    let mut failed = 0;
    for step in 1..=400 {
        if step % 50 == 1 {
            drop(store);
            store = SqliteStore::open(&factory.path(), &factory.options()).unwrap();
            let failing = Arc::clone(&failing);
            let hook = move || failing.load(Ordering::SeqCst);
            let set = |writer: &mut Writer| {
                writer.connection.commit_hook(Some(hook)).unwrap();
                Ok(())
            };
            store.writer().run(set).await.unwrap();
        }
        let before = if step % 4 == 0 {
            picture(&store).await
        } else {
            String::new()
        };
        failing.store(step % 4 == 0, Ordering::SeqCst);
        let mut commands = command_batch(&mut random, step);
        commands.extend(command_batch(&mut random, step));
        let answer = store.commit(commands).await;
        failing.store(false, Ordering::SeqCst);
        match answer {
            Err(StoreError::Unavailable(_)) => {
                failed += 1;
                assert_eq!(picture(&store).await, before, "step {step}");
            }
            // Refused, all of them: nothing was written.
            Ok(outcomes) if step % 4 == 0 => {
                let wrote = |o: &madang_domain::Outcome| {
                    o.as_ref().is_ok_and(|done| !done.entries.is_empty())
                };
                assert!(!outcomes.iter().any(wrote), "step {step}");
            }
            answer => drop(answer.unwrap()),
        }
    }
    assert!(failed > 50, "only {failed} failed");
    let before = picture(&store).await;
    drop(store);
    let store = SqliteStore::open(&factory.path(), &factory.options()).unwrap();
    assert_eq!(picture(&store).await, before);
}

#[tokio::test]
async fn a_panic_is_answered_and_the_store_goes_on() {
    let factory = SqliteFactory::new(1_000);
    let store = SqliteStore::open(&factory.path(), &factory.options()).unwrap();
    open(&store, "kim").await;
    append_one(&store, draft("kim", "x", Some("1")))
        .await
        .unwrap();
    let answer = store.writer().run(|writer| -> Result<(), StoreError> {
        writer.change(|change| {
            execute(change.database, "DELETE FROM journal", values![]).unwrap();
            panic!("on purpose, in a transaction")
        })
    });
    assert!(matches!(answer.await, Err(StoreError::OutcomeUnknown(_))));
    repeat(&append_one(&store, draft("kim", "x", Some("1"))).await);
    new(&append_one(&store, draft("kim", "y", Some("2"))).await);
    assert_eq!(seqs(&whole_log(&store, "kim").await), [1, 2]);
    for _ in 0..3 {
        let answer = store
            .readers()
            .run(|_| -> Result<(), StoreError> { panic!("on purpose") });
        assert!(answer.await.is_err());
    }
    let page = store
        .read_log(&room_id("kim"), LogQuery::After(Seq::ZERO), 5)
        .await
        .unwrap();
    assert_eq!(page.unwrap().messages.len(), 2);
}

#[tokio::test]
async fn the_data_of_a_running_store_is_refused() {
    let factory = SqliteFactory::new(10);
    let store = SqliteStore::open(&factory.path(), &factory.options()).unwrap();
    let error = SqliteStore::open(&factory.path(), &factory.options()).unwrap_err();
    assert!(error.to_string().contains("in use"), "{error}");
    drop(store);
    SqliteStore::open(&factory.path(), &factory.options()).unwrap();
}

#[tokio::test]
async fn closing_empties_the_wal_and_finishes_what_is_queued() {
    let factory = SqliteFactory::new(1_000);
    let store = Arc::new(SqliteStore::open(&factory.path(), &factory.options()).unwrap());
    open(&*store, "kim").await;
    for n in 0..50 {
        // Dropped before it is polled: queued at the call all the same.
        let group = DraftGroup::single(draft("kim", &n.to_string(), None));
        drop(store.commit(vec![Command::Send(group)]));
    }
    drop(store);
    let wal = factory.path().with_extension("db-wal");
    assert_eq!(std::fs::metadata(wal).map_or(0, |file| file.len()), 0);
    let store = SqliteStore::open(&factory.path(), &factory.options()).unwrap();
    assert_eq!(whole_log(&store, "kim").await.len(), 50);
}

#[tokio::test]
async fn a_purge_that_was_cut_short_is_finished_after_reopening() {
    let factory = SqliteFactory::new(20);
    let store = SqliteStore::open(&factory.path(), &factory.options()).unwrap();
    for id in ["kim", "lee"] {
        open(&store, id).await;
        let drafts = (0..3_000).map(|n| draft(id, "x", Some(&n.to_string())));
        append(&store, drafts.collect()).await;
    }
    assert!(leave(&store, "kim").await);
    drop(store);
    let store = SqliteStore::open(&factory.path(), &factory.options()).unwrap();
    // Each call is followed by a piece of work.
    for _ in 0..1_000 {
        let left = |writer: &mut Writer| {
            let count = "SELECT count(*) FROM purges";
            let count = writer
                .connection
                .query_row(count, [], |row| row.get::<_, i64>(0));
            Ok(count.unwrap())
        };
        if store.writer().run(left).await.unwrap() == 0 {
            assert_eq!(whole_log(&store, "lee").await.len(), 3_000);
            return;
        }
    }
    panic!("it is not finished");
}

#[tokio::test]
async fn the_journal_is_merged_and_cut() {
    let factory = SqliteFactory::new(10);
    let store = SqliteStore::open(&factory.path(), &factory.options()).unwrap();
    open(&store, "kim").await;
    let first = append_one(&store, draft("kim", "x", Some("1"))).await;
    fill(&store, "kim", 5_000).await;
    // Each call is followed by a piece of work.
    let mut counts = (0, 0, 0);
    for _ in 0..100 {
        counts = store.writer().run(count_rows).await.unwrap();
        if counts == (0, 5_002, 1) {
            break;
        }
    }
    assert_eq!(
        counts,
        (0, 5_002, 1),
        "journal, messages and the desk's entry, client ids"
    );
    repeat(&append_one(&store, draft("kim", "x", Some("1"))).await);
    let page = store
        .read_log(&room_id("kim"), LogQuery::After(Seq::ZERO), 1)
        .await;
    assert_eq!(page.unwrap().unwrap().messages[0], *new(&first));
}

fn count_rows(writer: &mut Writer) -> Result<(i64, i64, i64), StoreError> {
    let count = |table: &str| {
        let sql = format!("SELECT count(*) FROM {table}");
        writer
            .connection
            .query_row(&sql, [], |row| row.get(0))
            .unwrap()
    };
    Ok((count("journal"), count("messages"), count("client_ids")))
}

#[tokio::test]
async fn a_merge_that_was_cut_short_is_finished_later() {
    let factory = SqliteFactory::new(10);
    for _ in 0..20 {
        // Closed at once: some rows are merged, others are not, none or some are cut.
        let store = SqliteStore::open(&factory.path(), &factory.options()).unwrap();
        for id in ["kim", "lee", "park"] {
            open(&store, id).await;
            fill(&store, id, 30).await;
        }
    }
    let store = SqliteStore::open(&factory.path(), &factory.options()).unwrap();
    fill(&store, "kim", 10).await;
    let mut counts = (0, 0, 0);
    for _ in 0..200 {
        counts = store.writer().run(count_rows).await.unwrap();
        if counts == (0, 1_813, 0) {
            return;
        }
    }
    panic!("journal, messages, client ids: {counts:?}");
}

#[tokio::test]
async fn a_reader_finds_what_left_the_tail_after_its_snapshot_was_taken() {
    let factory = SqliteFactory::new(1_000);
    let store = SqliteStore::open(&factory.path(), &factory.options()).unwrap();
    let number = open(&store, "kim").await.number.cast_signed();
    fill(&store, "kim", 3).await;
    let tail = std::sync::Arc::clone(
        &store
            .writer()
            .run(|w| Ok(w.journal.tail.clone()))
            .await
            .unwrap(),
    );
    let found = store.readers().run(move |reader| {
        reader.snapshot(|read| {
            // As a merge does that commits after the snapshot was taken.
            tail.remove_to(number, Seq::new(2));
            let all = LogQuery::After(Seq::ZERO);
            Ok(read.newest.log(number, Seq::ZERO, all, 10)?)
        })
    });
    assert_eq!(seqs(&found.await.unwrap()), [1, 2, 3]);
    let left = store.readers().run(move |reader| {
        reader.snapshot(|read| {
            let all = LogQuery::After(Seq::ZERO);
            Ok(read.newest.log(number, Seq::ZERO, all, 10)?)
        })
    });
    assert_eq!(seqs(&left.await.unwrap()), [3], "nobody needs the others");
}

#[tokio::test]
async fn a_full_room_takes_nobody_more() {
    let factory = SqliteFactory::new(10);
    let store = SqliteStore::open(&factory.path(), &factory.options()).unwrap();
    create(&store, new_room(RoomKind::Open, "o", Some("kim"), &["lee"])).await;
    // As if they had all been added.
    let fill = |writer: &mut Writer| {
        let set = "UPDATE rooms SET member_count = ?1 WHERE id = 'o'";
        writer
            .connection
            .execute(set, [MEMBERS_MAX.cast_signed() - 2])
            .unwrap();
        Ok(())
    };
    store.writer().run(fill).await.unwrap();
    let add = |ids: &[&str]| RoomAction::Add(people(ids), MemberRole::Member);
    let three = act(&store, "o", "kim", add(&["a", "b", "c"])).await;
    assert_eq!(three.unwrap_err(), Code::RoomFull, "all of them or none");
    assert_eq!(members(&store, "o").await.len(), 2);
    act(&store, "o", "kim", add(&["a"])).await.unwrap();
    act(&store, "o", "b", RoomAction::Join).await.unwrap();
    let join = act(&store, "o", "c", RoomAction::Join).await;
    assert_eq!(join.unwrap_err(), Code::RoomFull);
    let nobody_new = act(&store, "o", "kim", add(&["a", "b"])).await;
    assert_eq!(count_of(nobody_new.unwrap()), 0);
    act(&store, "o", "b", RoomAction::Leave).await.unwrap();
    act(&store, "o", "c", RoomAction::Join).await.unwrap();
}

#[tokio::test]
async fn whether_it_can_commit_is_asked_of_the_disk() {
    let factory = SqliteFactory::new(40);
    let store = SqliteStore::open(&factory.path(), &factory.options()).unwrap();
    let log = factory.path().with_extension("db-wal");
    let written = || std::fs::metadata(&log).unwrap().len();
    store.check().await.unwrap();
    until_emptied(&store).await;
    let before = written();
    store.check().await.unwrap();
    assert!(written() > before, "a full disk would have refused it");
}

#[tokio::test]
async fn a_mark_that_cannot_be_kept_fails_no_other() {
    let factory = SqliteFactory::new(10);
    let store = SqliteStore::open(&factory.path(), &factory.options()).unwrap();
    for id in ["g", "h"] {
        group(&store, id, "kim", &["lee"]).await;
        fill_of(&store, id, "lee", 40).await;
    }
    until_emptied(&store).await;
    // As a disk may damage it: the log of one room has a hole.
    let damage = |writer: &mut Writer| {
        let hole = "DELETE FROM messages WHERE seq = 5
                        AND room_no = (SELECT room_no FROM rooms WHERE id = 'g')";
        assert_eq!(writer.connection.execute(hole, []).unwrap(), 1);
        Ok(())
    };
    store.writer().run(damage).await.unwrap();
    let mut epochs = Vec::new();
    for id in ["g", "h"] {
        epochs.push(room(&store, id).await.unwrap().head.epoch);
    }
    let ids = ["g", "h"].map(room_id);
    let who = user("kim");
    let seq = Seq::new(5);
    let read = |at: usize| {
        let epoch = epochs[at];
        store.advance_read(&ids[at], &who, Position { epoch, seq })
    };
    // The writer is busy, so that they are kept together.
    let (go_on, busy) = std::sync::mpsc::channel::<()>();
    let blocked = store.writer().run(move |_| {
        let _ = busy.recv();
        Ok(())
    });
    let release = async {
        tokio::task::yield_now().await;
        drop(go_on);
    };
    let (blocked, bad, good, ()) = tokio::join!(blocked, read(0), read(1), release);
    blocked.unwrap();
    assert!(bad.is_err());
    assert_eq!(good.unwrap().unwrap().now, seq);
}

#[tokio::test]
async fn a_mark_whose_caller_went_away_before_its_turn_leaves_nothing_behind() {
    let factory = SqliteFactory::new(10);
    let store = SqliteStore::open(&factory.path(), &factory.options()).unwrap();
    let found = group(&store, "g", "kim", &["lee"]).await;
    let (id, who) = (room_id("g"), user("kim"));
    let (go_on, busy) = std::sync::mpsc::channel::<()>();
    let mut blocked = Box::pin(store.writer().run(move |_| {
        let _ = busy.recv();
        Ok(())
    }));
    let waker = std::task::Waker::noop();
    let mut context = std::task::Context::from_waker(waker);
    assert!(blocked.as_mut().poll(&mut context).is_pending());
    let seq = Seq::new(1);
    let epoch = found.head.epoch;
    for _ in 0..2_000 {
        let mut mark = store.advance_read(&id, &who, Position { epoch, seq });
        assert!(mark.as_mut().poll(&mut context).is_pending());
    }
    let waiting = store.gathered();
    drop(go_on);
    blocked.await.unwrap();
    assert!(waiting < 1_000, "{waiting} wait for the writer");
}

//! What is taken away is gone: from every table, and from the file.

use std::time::Duration;

use madang_domain::ports::{RetentionRule, Store};
use madang_domain::search::SearchQuery;
use madang_domain::{
    Command, MemberRole, Notification, NotificationAction, Notify, Position, Role, RoomAction,
    RoomKind, Seq, WhichNotifications,
};

use super::{SqliteFactory, until_emptied};
use crate::conformance::*;
use crate::sqlite::writer::Writer;
use crate::sqlite::{SqliteOptions, SqliteStore};

async fn number(store: &SqliteStore, sql: String) -> i64 {
    let count = move |writer: &mut Writer| {
        let count = writer.connection.query_row(&sql, [], |row| row.get(0));
        Ok(count.unwrap())
    };
    store.writer().run(count).await.unwrap()
}

/// Each call of the writer is followed by a piece of its own work.
async fn until_none_are_left(store: &SqliteStore, sql: &str) {
    for _ in 0..2_000 {
        if number(store, sql.to_owned()).await == 0 {
            return;
        }
    }
    panic!("some are left: {sql}");
}

fn opened(factory: &SqliteFactory) -> SqliteStore {
    let options = SqliteOptions {
        emptied_every: Duration::ZERO,
        ..factory.options()
    };
    SqliteStore::open(&factory.path(), &options).unwrap()
}

/// All that is on disk, once the writer had nothing to do: nothing else empties the write-ahead log.
async fn file(store: &SqliteStore, factory: &SqliteFactory) -> Vec<u8> {
    until_emptied(store).await;
    let mut bytes = Vec::new();
    for file in std::fs::read_dir(factory.directory.path()).unwrap() {
        bytes.extend(std::fs::read(file.unwrap().path()).unwrap());
    }
    bytes
}

fn has<T: AsRef<[u8]> + ?Sized>(bytes: &[u8], what: &T) -> bool {
    let what = what.as_ref();
    bytes.windows(what.len()).any(|window| window == what)
}

async fn filters(store: &SqliteStore, room: u64) -> Vec<Vec<u8>> {
    let find = move |writer: &mut Writer| {
        let sql = "SELECT filter FROM filters WHERE place >> 32 = ?1";
        let mut statement = writer.connection.prepare(sql).unwrap();
        let filters = statement
            .query_map([room.cast_signed()], |row| row.get(0))
            .unwrap();
        Ok(filters.map(Result::unwrap).collect())
    };
    store.writer().run(find).await.unwrap()
}

/// Every table that tells of rooms by number, and by which column.
async fn tables(store: &SqliteStore) -> Vec<String> {
    let find = |writer: &mut Writer| {
        let sql = "SELECT m.name FROM sqlite_schema AS m, pragma_table_info(m.name) AS c
                   WHERE m.type = 'table' AND c.name = 'room_no' ORDER BY 1";
        let mut statement = writer.connection.prepare(sql).unwrap();
        let names = statement.query_map([], |row| row.get(0)).unwrap();
        Ok(names.map(Result::unwrap).collect())
    };
    store.writer().run(find).await.unwrap()
}

#[tokio::test]
async fn nothing_of_deleted_rooms_stays_in_any_table() {
    let factory = SqliteFactory::new(200);
    let store = opened(&factory);
    let mut wanted = new_room(RoomKind::Direct, "d", Some("kim"), &["lee"]);
    wanted.profile.context = Some("{}".into());
    let made = [
        create(&store, wanted).await.0,
        group(&store, "g", "kim", &["lee", "park"]).await,
        open(&store, "kim").await,
    ];
    group(&store, "kept", "kim", &["lee"]).await;
    claim(&store, "kim", "ann").await;
    for id in ["d", "g", "kim", "kept"] {
        for round in 0..2 {
            let draft = |n| {
                let client_id = format!("{round}/{n}");
                draft_of(id, "kim", Role::User, "지울글자", Some(&client_id))
            };
            append(&store, (0..300).map(draft).collect()).await;
        }
        let change = content_of(id, "kim", Role::User, edit(7, "고친글자"));
        append_one(&store, change).await.unwrap();
        read_to(&store, id, "kim", 20).await;
        let epoch = room(&store, id).await.unwrap().head.epoch;
        let seq = Seq::new(3);
        let position = Position { epoch, seq };
        store
            .advance_delivered(&room_id(id), &user("x"), position)
            .await
            .unwrap();
    }
    let remove = RoomAction::Remove(user("park"));
    act(&store, "g", "kim", remove).await.unwrap();
    let tables = tables(&store).await;
    assert!(tables.len() >= 10, "{tables:?}");
    for id in ["d", "g", "kim"] {
        let role = if id == "d" { Role::Service } else { Role::User };
        let who = if id == "d" { "shop" } else { "kim" };
        act_as(&store, id, (who, role), RoomAction::Delete)
            .await
            .unwrap();
        fill_of(&store, "kept", "lee", 100).await;
    }
    until_none_are_left(&store, "SELECT count(*) FROM purges").await;
    for room in &made {
        for table in &tables {
            let left = format!(
                "SELECT count(*) FROM {table} WHERE room_no = {}",
                room.number
            );
            assert_eq!(number(&store, left).await, 0, "{table} of {}", room.id);
        }
        let place = format!(
            "SELECT count(*) FROM filters WHERE place >> 32 = {}",
            room.number
        );
        assert_eq!(number(&store, place).await, 0);
    }
    assert_eq!(said(&whole_log(&store, "kept").await).len(), 900);
    act(&store, "kept", "kim", RoomAction::Delete)
        .await
        .unwrap();
    until_none_are_left(&store, "SELECT count(*) FROM purges").await;
    let bytes = file(&store, &factory).await;
    assert!(has(&bytes, "kim"), "the file is read");
    for text in ["지울글자", "고친글자"] {
        assert!(!has(&bytes, text), "{text}");
    }
}

/// Texts, client ids and search filters, of what is merged and of what is not.
#[tokio::test]
async fn a_customer_who_leaves_takes_the_history_along() {
    let factory = SqliteFactory::new(100);
    let store = opened(&factory);
    let room = open(&store, "kim").await;
    open(&store, "lim").await;
    claim(&store, "kim", "ann").await;
    let secret = |n| {
        let text = format!("지울글자 {n} erased words");
        draft_of(
            "kim",
            "kim",
            Role::User,
            &text,
            Some(&format!("지울열쇠{n}")),
        )
    };
    append(&store, (0..400).map(secret).collect()).await;
    fill_of(&store, "lim", "lim", 100).await;
    until_none_are_left(&store, "SELECT count(*) >= 100 FROM journal").await;
    append(&store, (400..440).map(secret).collect()).await;
    let filters = filters(&store, room.number).await;
    assert_eq!(filters.len(), 12);
    let bytes = file(&store, &factory).await;
    for secret in ["지울글자 0", "지울글자 439", "지울열쇠0", "지울열쇠439"] {
        assert!(has(&bytes, secret), "{secret} is there at first");
    }
    assert!(filters.iter().all(|filter| has(&bytes, filter)));
    let left = act(&store, "kim", "kim", RoomAction::Leave).await.unwrap();
    assert_eq!(left.deleted.map(|(room, _)| room), Some(room_id("kim")));
    until_none_are_left(&store, "SELECT count(*) FROM purges").await;
    let bytes = file(&store, &factory).await;
    assert!(has(&bytes, "message 99"), "another's stay");
    for secret in ["지울글자", "erased", "지울열쇠"] {
        assert!(!has(&bytes, secret), "{secret}");
    }
    assert!(!filters.iter().any(|filter| has(&bytes, filter)));
    let query = SearchQuery::parse("지울").unwrap();
    for who in ["kim", "ann"] {
        let found = store.search(&user(who), None, &query, None, 9).await;
        assert!(
            found.unwrap().messages.is_empty(),
            "{who} finds nothing of it"
        );
    }
}

#[tokio::test]
async fn nothing_that_was_superseded_stays_in_the_file() {
    let factory = SqliteFactory::new(100);
    let store = opened(&factory);
    group(&store, "g", "kim", &[]).await;
    let revise = |content| append_one(&store, content_of("g", "kim", Role::User, content));
    // Of the journal, of both when it is merged, and of the log.
    for round in 0..3 {
        let seq = say(&store, "g", "kim", &format!("첫째글{round}")).await;
        let deleted = say(&store, "g", "kim", &format!("둘째글{round}")).await;
        if round > 0 {
            fill_of(&store, "g", "kim", 150).await;
        }
        if round > 1 {
            until_none_are_left(&store, "SELECT count(*) FROM journal WHERE seq < 150").await;
        }
        revise(edit(seq, &format!("셋째글{round}"))).await.unwrap();
        revise(edit(seq, &format!("넷째글{round}"))).await.unwrap();
        revise(edit(deleted, &format!("다섯째글{round}")))
            .await
            .unwrap();
        revise(delete(deleted)).await.unwrap();
    }
    fill_of(&store, "g", "kim", 200).await;
    until_none_are_left(&store, "SELECT count(*) >= 100 FROM journal").await;
    let bytes = file(&store, &factory).await;
    for round in 0..3 {
        assert!(has(&bytes, &format!("넷째글{round}")), "what it says now");
        for gone in ["첫째글", "둘째글", "셋째글", "다섯째글"] {
            assert!(!has(&bytes, &format!("{gone}{round}")), "{gone}{round}");
        }
    }
}

#[tokio::test]
async fn nothing_that_was_swept_stays_in_the_file() {
    let factory = SqliteFactory::new(1_000);
    let store = opened(&factory);
    group(&store, "g", "kim", &[]).await;
    for n in 0..300 {
        say_at(&store, "g", "kim", &format!("낱말{n:03}"), n).await;
    }
    let mut rules = [RetentionRule::default(); RoomKind::ALL.len()];
    rules[2].age = Some(Duration::from_micros(100));
    // Nothing is merged yet but what goes.
    for (now, kept) in [(150, 50), (333, 233)] {
        let mut after = None;
        loop {
            let swept = store.sweep(&rules, after, at(now)).await.unwrap();
            after = swept.next;
            if after.is_none() {
                break;
            }
        }
        let bytes = file(&store, &factory).await;
        for n in 0..300 {
            assert_eq!(
                has(&bytes, &format!("낱말{n:03}")),
                n >= kept,
                "{n} at {now}"
            );
        }
        let rows = "SELECT (SELECT count(*) FROM messages) + (SELECT count(*) FROM sent)";
        assert_eq!(number(&store, rows.into()).await, 0, "at {now}");
    }
    let filters = number(&store, "SELECT count(*) FROM filters".into()).await;
    assert_eq!(filters, 0);
}

#[tokio::test]
async fn nothing_of_deleted_notifications_stays_in_the_file() {
    let factory = SqliteFactory::new(20);
    let store = opened(&factory);
    for n in 0..60 {
        let notify = Notify {
            users: vec![user("kim")],
            notification: Notification {
                kind: "x".into(),
                content: format!("알림{n:02}").into(),
                url: Some(format!("/길{n:02}").into()),
                data: None,
            },
            sender: user("shop"),
            client_id: None,
            at: at(n),
        };
        commit(&store, Command::Notify(Box::new(notify)))
            .await
            .unwrap();
    }
    let delete = Command::Notifications {
        user: user("kim"),
        which: WhichNotifications::UpTo(Seq::new(50)),
        action: NotificationAction::Delete,
        at: at(99),
    };
    assert_eq!(count_of(commit(&store, delete).await.unwrap()), 50);
    group(&store, "g", "kim", &[]).await;
    fill_of(&store, "g", "kim", 30).await;
    until_none_are_left(&store, "SELECT count(*) >= 20 FROM journal").await;
    // SQLite leaves a copy in a page's unused bytes when it moves a row to another page.
    const CLEAR: &str = "VACUUM; PRAGMA wal_checkpoint(TRUNCATE)";
    let vacuum = |writer: &mut Writer| {
        writer.connection.execute_batch(CLEAR).unwrap();
        Ok(())
    };
    store.writer().run(vacuum).await.unwrap();
    let bytes = file(&store, &factory).await;
    for n in 0..60 {
        assert_eq!(has(&bytes, &format!("알림{n:02}")), n >= 50, "{n}");
        assert_eq!(has(&bytes, &format!("/길{n:02}")), n >= 50, "{n}");
    }
    let add = RoomAction::Add(people(&["lee"]), MemberRole::Member);
    act(&store, "g", "kim", add).await.unwrap();
}

#[tokio::test]
async fn the_log_is_emptied_once_a_backup_that_needs_it_is_done_and_senders_do_not_wait_for_it() {
    let factory = SqliteFactory::new(1_000);
    let store = opened(&factory);
    group(&store, "g", "kim", &[]).await;
    let seq = say(&store, "g", "kim", "지울글자").await;
    let backup = rusqlite::Connection::open(factory.path()).unwrap();
    let read = "BEGIN; SELECT count(*) FROM journal;";
    backup.execute_batch(read).unwrap();
    append_one(&store, content_of("g", "kim", Role::User, delete(seq)))
        .await
        .unwrap();
    for _ in 0..20 {
        say(&store, "g", "kim", "text").await;
    }
    let wants = |writer: &mut Writer| Ok(writer.emptying.wants());
    assert!(store.writer().run(wants).await.unwrap());
    backup.execute_batch("COMMIT").unwrap();
    let bytes = file(&store, &factory).await;
    assert!(has(&bytes, "text") && !has(&bytes, "지울글자"));
}

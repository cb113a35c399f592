//! A database of the first schema, with messages everywhere, is brought up to date.

use madang_domain::command::OpenSupport;
use madang_domain::ports::Store;
use madang_domain::search::SearchQuery;
use madang_domain::{
    Command, MemberRole, MessageKind, Position, Role, RoomId, Seq, Standing, SupportState,
};
use rusqlite::{Connection, params};

use super::SqliteFactory;
use crate::conformance::*;
use crate::relational::digest::ClientIdKey;
use crate::relational::memory::user_no;
use crate::sqlite::{SqliteStore, migrations, sent};

/// As the first version wrote it: of `kim`, completed, 150 messages are merged and 10 are not; of
/// `lim`, assigned, and `min`, waiting, none is merged; a fourth room is deleted and half purged.
fn first_version(path: &std::path::Path) {
    let mut connection = Connection::open(path).unwrap();
    migrations::apply_first(&mut connection, 1).unwrap();
    let connection = connection.unchecked_transaction().unwrap();
    let rooms = "INSERT INTO rooms (room_no, id, epoch, created_at, customer, member_id, nickname,
                     state, agent, agent_name, inquired_at, access_version)
                 VALUES (1, 'kim', 71, 1, 'kim', '7', '김', 2, NULL, NULL, 2, 3),
                        (2, 'lim', 72, 3, 'lim', NULL, NULL, 1, 'lee', 'Lee', 4, 1),
                        (5, 'min', 75, 5, 'min', NULL, NULL, 0, NULL, NULL, 6, 0)";
    connection.execute_batch(rooms).unwrap();
    connection
        .execute_batch(
            "INSERT INTO logs VALUES (1, 150, 1), (2, 0, 1), (5, 0, 1);
             INSERT INTO purges VALUES (4, 2, 6);
             INSERT INTO delivered VALUES (1, 'kim', 90), (4, 'x', 1);
             UPDATE sqlite_sequence SET seq = 9 WHERE name = 'rooms'",
        )
        .unwrap();
    let key = ClientIdKey::load(&*connection).unwrap();
    let message = |table: &str, keys: &str, room: i64, seq: i64, sender: &str| {
        let sql =
            format!(
            "INSERT INTO {table} ({keys} room_no, seq, sent_at, sender_kind, sender, sender_name,
                 client_id, text) VALUES ({} ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            if keys.is_empty() { String::new() } else { format!("{},", room * 1_000 + seq) }
        );
        let is_agent = sender == "lee";
        let values = params![
            room,
            seq,
            seq * 10,
            i64::from(is_agent),
            sender,
            is_agent.then_some("Lee"),
            format!("c{seq}"),
            format!("옛말{seq:03}")
        ];
        connection.execute(&sql, values).unwrap();
    };
    for seq in 1..=150 {
        let sender = if seq % 3 == 0 { "lee" } else { "kim" };
        message("messages", "", 1, seq, sender);
        let client_id = client_id(&format!("c{seq}")).unwrap();
        let digest = key.digest(&user(sender), &client_id);
        let insert = "INSERT INTO client_ids VALUES (1, ?1, ?2)";
        connection.execute(insert, [digest, seq]).unwrap();
    }
    // A merge was cut short before the journal was.
    for seq in 140..=160 {
        let sender = if seq % 3 == 0 { "lee" } else { "kim" };
        message("journal", "arrival,", 1, seq, sender);
    }
    for seq in 1..=5 {
        message("journal", "arrival,", 2, seq, "lim");
        message("messages", "", 4, seq + 1, "gone");
    }
    connection.commit().unwrap();
}

async fn open_first_version(factory: &SqliteFactory) -> SqliteStore {
    first_version(&factory.path());
    SqliteStore::open(&factory.path(), &factory.options()).unwrap()
}

#[tokio::test]
async fn everything_of_the_first_schema_is_there_after_an_upgrade() {
    let factory = SqliteFactory::new(1_000);
    let store = open_first_version(&factory).await;
    let log = whole_log(&store, "kim").await;
    assert_eq!(seqs(&log), (1..=160).collect::<Vec<_>>());
    assert!(
        log.iter()
            .all(|message| message.kind == MessageKind::Message)
    );
    assert_eq!(log[2].sender_name.as_deref(), Some("Lee"));
    assert_eq!((&*log[159].text, log[159].sent_at), ("옛말160", at(1_600)));
    let kim = room(&store, "kim").await.unwrap();
    assert_eq!(
        (kim.number, kim.head.epoch.get(), kim.head.access_version),
        (1, 71, 3)
    );
    let support = kim.support().unwrap();
    assert_eq!(support.state, SupportState::Completed);
    assert_eq!(
        (support.nickname.as_deref(), support.member_id.as_deref()),
        (Some("김"), Some("7"))
    );
    for seq in [1, 150, 151] {
        let id = format!("c{seq}");
        let sender = if seq % 3 == 0 {
            ("lee", Role::Agent)
        } else {
            ("kim", Role::User)
        };
        let again = draft_of("kim", sender.0, sender.1, "x", Some(&id));
        assert_eq!(
            repeat(&append_one(&store, again).await).position.seq.get(),
            seq
        );
    }
    let id = room_id("kim");
    assert_eq!(
        store.delivered(&id, &user("kim")).await.unwrap(),
        Seq::new(90)
    );
    let lim = room(&store, "lim").await.unwrap();
    assert!(lim.support().unwrap().is_assigned_to(&user("lee")));
    assert_eq!((lim.head.last.get(), lim.member_count), (5, 2));
    let waiting = store.waiting_rooms(9).await.unwrap();
    assert_eq!(
        waiting.iter().map(|r| r.id.as_str()).collect::<Vec<_>>(),
        ["min"]
    );
}

#[tokio::test]
async fn an_upgraded_room_has_members_marks_counts_and_words() {
    let factory = SqliteFactory::new(1_000);
    let store = open_first_version(&factory).await;
    assert_eq!(
        standing(&store, "kim", "kim").await,
        Standing::Member(MemberRole::Owner)
    );
    assert_eq!(
        standing(&store, "lim", "lee").await,
        Standing::Member(MemberRole::Member)
    );
    for id in ["kim", "lim", "lee"] {
        assert_eq!(
            unread(&store, id).await,
            0,
            "nothing is known: all counts as read"
        );
    }
    assert_eq!(rooms_of(&store, "kim").await[0].read.get(), 160);
    let page = store
        .read_messages(&room_id("kim"), 155, 9)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (page.total, seqs(&page.messages)),
        (160, vec![1, 2, 3, 4, 5])
    );
    for seq in [1, 64, 65, 128, 150, 160] {
        let query = SearchQuery::parse(&format!("옛말{seq:03}")).unwrap();
        let found = store
            .search(&user("kim"), None, &query, None, 9)
            .await
            .unwrap();
        assert_eq!(seqs(&found.messages), [seq]);
    }
    say(&store, "kim", "kim", "new").await;
    claim(&store, "kim", "lee").await;
    assert_eq!(unread(&store, "lee").await, 1);
    let roles = store.users(&["lee", "kim"].map(user)).await.unwrap();
    let roles: Vec<_> = roles.into_iter().map(|user| user.unwrap().role).collect();
    assert_eq!(roles, [Some(Role::Agent), None]);
    let customer = caller("new", Role::User);
    let open = Command::OpenSupport(Box::new(OpenSupport {
        customer,
        at: at(9),
    }));
    let made = room_of(commit(&store, open).await.unwrap()).0;
    assert!(made.number > 9, "numbers go on where they were");
    let desk = store.room(&RoomId::desk()).await.unwrap();
    assert!(desk.is_some());
    let epoch = made.head.epoch;
    let seq = Seq::ZERO;
    let mark = store
        .advance_read(&made.id, &user("new"), Position { epoch, seq })
        .await;
    assert!(mark.unwrap().is_some());
}

/// Of each sender, in each block of places and over its end.
#[tokio::test]
async fn what_each_has_sent_is_counted_after_an_upgrade() {
    let factory = SqliteFactory::new(1_000);
    let store = open_first_version(&factory).await;
    for place in [0, 1, 62, 63, 64, 126, 127, 128, 149, 150] {
        let agents = (place + 1..=150).filter(|seq| seq % 3 == 0).count();
        for (sender, expected) in [("lee", agents), ("kim", 150 - place as usize - agents)] {
            let count = move |writer: &mut crate::sqlite::writer::Writer| {
                let (connection, memory) = (&writer.connection, &mut writer.memory);
                let user_no = user_no(connection, memory, &user(sender))?.unwrap();
                sent::behind(connection, [user_no, 1], Seq::new(place))
            };
            let count = store.writer().run(count).await.unwrap();
            assert_eq!(count, expected as i64, "of {sender} behind {place}");
        }
    }
}

#[tokio::test]
async fn what_was_being_purged_is_purged_after_an_upgrade() {
    let factory = SqliteFactory::new(3);
    let store = open_first_version(&factory).await;
    let left = || async {
        let count = "SELECT (SELECT count(*) FROM purges)
             + (SELECT count(*) FROM messages WHERE room_no = 4)
             + (SELECT count(*) FROM delivered WHERE room_no = 4)
             + (SELECT count(*) FROM journal)";
        let run = |writer: &mut crate::sqlite::writer::Writer| {
            let count = writer
                .connection
                .query_row(count, [], |row| row.get::<_, i64>(0));
            Ok(count.unwrap())
        };
        store.writer().run(run).await.unwrap()
    };
    for _ in 0..100 {
        if left().await == 0 {
            break;
        }
    }
    assert_eq!(left().await, 0);
    assert_eq!(whole_log(&store, "kim").await.len(), 160);
    assert_eq!(whole_log(&store, "lim").await.len(), 5);
}

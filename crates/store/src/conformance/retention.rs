//! Removing what is kept no longer.

use std::time::Duration;

use madang_domain::ports::{LogQuery, RetentionRule, Store};
use madang_domain::search::SearchQuery;
use madang_domain::{
    Code, Command, MessageKind, Notification, NotificationAction, Notify, Position, Role,
    RoomAction, RoomId, RoomKind, Seq, WhichNotifications,
};

use super::*;

type Rules = [RetentionRule; RoomKind::ALL.len()];

/// One rule, for one kind of room.
fn rules(kind: RoomKind, rule: RetentionRule) -> Rules {
    RoomKind::ALL.map(|of| {
        if of == kind {
            rule
        } else {
            RetentionRule::default()
        }
    })
}

fn newest(count: u64) -> RetentionRule {
    RetentionRule {
        count: Some(count),
        ..RetentionRule::default()
    }
}

fn younger(micros: u64) -> RetentionRule {
    RetentionRule {
        age: Some(Duration::from_micros(micros)),
        ..RetentionRule::default()
    }
}

/// A round through all rooms: entries and rooms that went.
async fn sweep(store: &dyn Store, rules: &Rules, now: i64) -> (u64, u64) {
    let (mut after, mut sum) = (None, (0, 0));
    for _ in 0..10_000 {
        let swept = store.sweep(rules, after, at(now)).await.unwrap();
        sum = (sum.0 + swept.entries, sum.1 + swept.rooms);
        after = swept.next;
        if after.is_none() {
            return sum;
        }
    }
    panic!("a round does not end");
}

/// The newest so many, of that kind of room alone; cursors before them are reset.
pub async fn by_count(factory: &dyn Factory) {
    let store = factory.fresh().await;
    for id in ["g", "h"] {
        group(&*store, id, "kim", &["lee"]).await;
    }
    create(&*store, new_room(RoomKind::Open, "o", Some("kim"), &[])).await;
    for (id, count) in [("g", 100), ("h", 10), ("o", 100)] {
        fill_of(&*store, id, "kim", count).await;
    }
    let rules = rules(RoomKind::Group, newest(30));
    assert_eq!(sweep(&*store, &rules, 0).await, (70, 0));
    assert_eq!(sweep(&*store, &rules, 0).await, (0, 0));
    let store = factory.reopen(store).await;
    let log = whole_log(&*store, "g").await;
    assert_eq!(seqs(&log), (71..=100).collect::<Vec<_>>());
    assert_eq!(whole_log(&*store, "h").await.len(), 10);
    assert_eq!(whole_log(&*store, "o").await.len(), 100);
    let head = room(&*store, "g").await.unwrap().head;
    assert_eq!((head.oldest.get(), head.last.get()), (71, 100));
    assert_eq!(store.heads(&[room_id("g")]).await.unwrap(), [Some(head)]);
    for (seq, resumes) in [(0, false), (69, false), (70, true), (100, true)] {
        let since = Position {
            epoch: head.epoch,
            seq: Seq::new(seq),
        };
        assert_eq!(head.can_resume(since), resumes, "{seq}");
    }
    let before = store
        .read_log(&room_id("g"), LogQuery::Before(Seq::new(71)), 5)
        .await;
    assert!(before.unwrap().unwrap().messages.is_empty());
    assert_eq!(
        store.message(&room_id("g"), Seq::new(70)).await.unwrap(),
        None
    );
    let page = store
        .read_messages(&room_id("g"), 25, 20)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (page.total, seqs(&page.messages)),
        (30, (71..=75).collect())
    );
    assert_eq!(unread(&*store, "lee").await, 40, "those that are kept");
    assert_eq!(say(&*store, "g", "kim", "next").await, 101);
}

/// Entries older than that, merged or not; the rest stays.
pub async fn by_age(factory: &dyn Factory) {
    let store = factory.fresh().await;
    group(&*store, "g", "kim", &["lee"]).await;
    for n in 1..=50 {
        say_at(&*store, "g", ["kim", "lee"][n as usize % 2], "x", n * 10).await;
    }
    let rules = rules(RoomKind::Group, younger(100));
    assert_eq!(sweep(&*store, &rules, 100).await, (0, 0));
    assert_eq!(sweep(&*store, &rules, 305).await, (20, 0));
    assert_eq!(
        seqs(&whole_log(&*store, "g").await),
        (21..=50).collect::<Vec<_>>()
    );
    assert_eq!(read_to(&*store, "g", "lee", 24).await, (0, 24));
    assert_eq!(unread(&*store, "lee").await, 13);
    assert_eq!(sweep(&*store, &rules, 455).await, (15, 0));
    assert_eq!(unread(&*store, "lee").await, 8, "of what is kept");
    assert_eq!(unread(&*store, "kim").await, 7);
    assert_eq!(sweep(&*store, &rules, 10_000).await, (15, 0));
    let head = room(&*store, "g").await.unwrap().head;
    assert_eq!(
        (head.oldest.get(), head.last.get(), head.message_count()),
        (51, 50, 0)
    );
    assert!(whole_log(&*store, "g").await.is_empty());
    let of_kim = rooms_of(&*store, "kim").await.remove(0);
    assert_eq!(
        (of_kim.last_message, of_kim.unread, of_kim.active_at),
        (None, 0, at(500))
    );
    let store = factory.reopen(store).await;
    assert_eq!(say(&*store, "g", "kim", "again").await, 51);
    assert_eq!(unread(&*store, "lee").await, 1);
    assert_eq!(unread(&*store, "kim").await, 0);
    assert_eq!(seqs(&whole_log(&*store, "g").await), [51]);
}

/// In pieces, however much there is; what was removed is found by nothing.
pub async fn of_long_logs(factory: &dyn Factory) {
    let store = factory.fresh().await;
    group(&*store, "g", "kim", &["lee"]).await;
    group(&*store, "h", "kim", &["lee"]).await;
    for n in 0..5 {
        for id in ["g", "h"] {
            let drafts = (0..700).map(|k| {
                let text = format!("word{n}x{k}");
                draft_of(id, "kim", Role::User, &text, Some(&format!("{n}/{k}")))
            });
            append(&*store, drafts.collect()).await;
        }
    }
    let rules = rules(RoomKind::Group, newest(90));
    assert_eq!(sweep(&*store, &rules, 0).await, (2 * 3_410, 0));
    for id in ["g", "h"] {
        assert_eq!(
            seqs(&whole_log(&*store, id).await),
            (3_411..=3_500).collect::<Vec<_>>()
        );
        for (words, count) in [
            ("word0", 0),
            ("word4x609", 0),
            ("word4x610", 1),
            ("word4", 90),
        ] {
            let query = SearchQuery::parse(words).unwrap();
            let found = store
                .search(&user("kim"), Some(&room_id(id)), &query, None, 999)
                .await;
            assert_eq!(found.unwrap().len(), count, "{words}");
        }
        let kept = draft_of(id, "kim", Role::User, "x", Some("4/699"));
        repeat(&append_one(&*store, kept).await);
        let forgotten = draft_of(id, "kim", Role::User, "x", Some("0/0"));
        assert_eq!(
            new(&append_one(&*store, forgotten).await)
                .position
                .seq
                .get(),
            3_501
        );
    }
    assert_eq!(unread(&*store, "lee").await, 182);
    let target = content_of("g", "kim", Role::User, edit(3_410, "x"));
    assert_eq!(
        append_one(&*store, target).await,
        Err(Code::MessageNotFound)
    );
}

/// Completed support rooms go whole when their time has come, as if the customer had left.
pub async fn completed_support_rooms(factory: &dyn Factory) {
    let store = factory.fresh().await;
    let mut rule = newest(1_000);
    rule.completed = Some(Duration::from_micros(100));
    let rules = rules(RoomKind::Support, rule);
    for id in ["kim", "lim", "min"] {
        open(&*store, id).await;
        fill(&*store, id, 3).await;
        claim(&*store, id, "lee").await;
        if id != "min" {
            assert!(complete(&*store, id, "lee").await);
        }
    }
    say(&*store, "lim", "lim", "again").await;
    assert_eq!(sweep(&*store, &rules, 100).await, (0, 0));
    assert_eq!(sweep(&*store, &rules, 101).await, (0, 1));
    assert_eq!(room(&*store, "kim").await, None);
    assert!(room_ids(&*store, "kim").await.is_empty());
    for id in ["lim", "min"] {
        assert!(room(&*store, id).await.is_some(), "{id} is not completed");
    }
    let feed = log_of(&*store, &RoomId::desk()).await;
    let gone = feed.last().unwrap();
    assert_eq!(gone.kind, MessageKind::Gone);
    assert_eq!(gone.extra.as_ref().unwrap().of_room, Some(room_id("kim")));
    assert_eq!(gone.sent_at, at(101));
    let (again, made) = open_at(&*store, &caller("kim", Role::User), 200).await;
    assert!(made && again.head.last == Seq::ZERO);
}

/// Inboxes count right through it, and the desk's feed is a log like any other.
pub async fn of_inboxes_and_the_feed(factory: &dyn Factory) {
    let store = factory.fresh().await;
    for n in 0..40 {
        let notify = Notify {
            users: vec![user("kim")],
            notification: Notification {
                kind: "x".into(),
                content: "y".into(),
                url: None,
                data: None,
            },
            sender: user("shop"),
            at: at(n),
        };
        commit(&*store, Command::Notify(Box::new(notify)))
            .await
            .unwrap();
        open(&*store, &format!("kim{n}")).await;
    }
    for seq in [3, 4, 35] {
        let read = Command::Notifications {
            user: user("kim"),
            which: WhichNotifications::One(Seq::new(seq)),
            action: NotificationAction::Read,
            at: at(50),
        };
        commit(&*store, read).await.unwrap();
    }
    let count = || async { store.unread_notifications(&user("kim")).await.unwrap() };
    assert_eq!(count().await, 37);
    assert_eq!(
        sweep(&*store, &rules(RoomKind::Inbox, newest(33)), 0).await,
        (10, 0)
    );
    assert_eq!(count().await, 29, "11 to 40 but 35");
    assert_eq!(
        sweep(&*store, &rules(RoomKind::Inbox, newest(5)), 0).await,
        (28, 0)
    );
    assert_eq!(count().await, 2, "39 and 40");
    assert_eq!(
        sweep(&*store, &rules(RoomKind::Desk, newest(7)), 0).await,
        (33, 0)
    );
    assert_eq!(log_of(&*store, &RoomId::desk()).await.len(), 7);
    assert_eq!(
        sweep(&*store, &rules(RoomKind::Inbox, newest(0)), 0).await,
        (5, 0)
    );
    assert_eq!(count().await, 0);
}

/// What is gone from an inbox is counted neither before nor after it is swept.
pub async fn deleted_notifications_are_not_counted(factory: &dyn Factory) {
    let store = factory.fresh().await;
    for n in 1..=10 {
        let notify = Notify {
            users: vec![user("kim")],
            notification: Notification {
                kind: "k".into(),
                content: "c".into(),
                url: None,
                data: None,
            },
            sender: user("shop"),
            at: at(n),
        };
        let notified = commit(&*store, Command::Notify(Box::new(notify))).await;
        notified.unwrap();
    }
    for seq in [2, 8] {
        let delete = Command::Notifications {
            user: user("kim"),
            which: WhichNotifications::One(Seq::new(seq)),
            action: NotificationAction::Delete,
            at: at(50),
        };
        commit(&*store, delete).await.unwrap();
    }
    let there = || async { store.notification_count(&user("kim")).await.unwrap() };
    assert_eq!(there().await, 8);
    for (kept, removed, left) in [(6, 6, 3), (4, 2, 2), (1, 3, 0)] {
        let rules = rules(RoomKind::Inbox, newest(kept));
        assert_eq!(sweep(&*store, &rules, 0).await, (removed, 0));
        assert_eq!(there().await, left, "of {kept} entries");
    }
}

/// Many rooms: in several calls, each with a place to continue behind.
pub async fn rounds_pass_every_room(factory: &dyn Factory) {
    let store = factory.fresh().await;
    let mut numbers = Vec::new();
    for n in 0..600 {
        let found = group(&*store, &format!("g{n}"), "kim", &[]).await;
        numbers.push(found.number);
    }
    for n in (0..600).step_by(97) {
        fill_of(&*store, &format!("g{n}"), "kim", 4).await;
    }
    act(&*store, "g5", "kim", RoomAction::Delete).await.unwrap();
    let rules = rules(RoomKind::Group, newest(1));
    let (mut after, mut places, mut entries) = (None, Vec::new(), 0);
    loop {
        let swept = store.sweep(&rules, after, at(0)).await.unwrap();
        assert!(swept.next.is_none() || swept.next > after, "it goes on");
        entries += swept.entries;
        after = swept.next;
        let Some(place) = after else { break };
        places.push(place);
    }
    assert_eq!(entries, 7 * 3);
    assert!(places.iter().all(|place| *place <= numbers[599]));
    let nothing = [RetentionRule::default(); RoomKind::ALL.len()];
    assert_eq!(sweep(&*store, &nothing, i64::MAX).await, (0, 0));
}

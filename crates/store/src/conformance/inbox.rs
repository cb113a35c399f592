//! Inboxes: a user's notifications.

use std::sync::Arc;

use madang_domain::ports::{LogQuery, Store};
use madang_domain::{
    Code, Command, Committed, Message, MessageKind, Notification, NotificationAction, Notify,
    Revision, RoomDetail, RoomId, SenderKind, Seq, WhichNotifications,
};

use super::*;

const READ: NotificationAction = NotificationAction::Read;
const DELETE: NotificationAction = NotificationAction::Delete;

fn one(seq: u64) -> WhichNotifications {
    WhichNotifications::One(Seq::new(seq))
}

fn up_to(seq: u64) -> WhichNotifications {
    WhichNotifications::UpTo(Seq::new(seq))
}

async fn notify(store: &dyn Store, users: &[&str], content: &str) -> Committed {
    let notify = Notify {
        users: users.iter().map(|id| user(id)).collect(),
        notification: Notification {
            kind: Arc::from("trade.opened"),
            content: Arc::from(content),
            url: Some(Arc::from("/trades/1")),
            data: Some(Arc::from(r#"{"b":[1], "a":"\u0041"}"#)),
        },
        sender: user("shop"),
        at: at(5),
    };
    commit(store, Command::Notify(Box::new(notify)))
        .await
        .unwrap()
}

async fn handle(
    store: &dyn Store,
    id: &str,
    which: WhichNotifications,
    action: NotificationAction,
) -> Result<Committed, Code> {
    let command = Command::Notifications {
        user: user(id),
        which,
        action,
        at: at(9),
    };
    commit(store, command).await.map_err(|error| error.code())
}

async fn inbox(store: &dyn Store, id: &str) -> Vec<Arc<Message>> {
    log_of(store, &RoomId::inbox(&user(id))).await
}

async fn unread(store: &dyn Store, id: &str) -> u64 {
    store.unread_notifications(&user(id)).await.unwrap()
}

async fn there(store: &dyn Store, id: &str) -> u64 {
    store.notification_count(&user(id)).await.unwrap()
}

/// Made when it is missing; each user once; the host's data as it was given.
pub async fn notifying_makes_inboxes(factory: &dyn Factory) {
    let store = factory.fresh().await;
    assert_eq!(unread(&*store, "kim").await, 0);
    assert_eq!(
        store.room(&RoomId::inbox(&user("kim"))).await.unwrap(),
        None
    );
    let done = notify(&*store, &["kim", "lee", "kim"], "안녕").await;
    assert_eq!(done.entries.len(), 2);
    let gained: Vec<_> = done
        .changes
        .iter()
        .map(|c| (c.user.as_str(), c.since.is_some()))
        .collect();
    assert_eq!(gained, [("kim", true), ("lee", true)]);
    assert_eq!(count_of(done), 2);
    let again = notify(&*store, &["kim"], "또").await;
    assert!(again.changes.is_empty());
    let store = factory.reopen(store).await;
    let log = inbox(&*store, "kim").await;
    assert_eq!(texts(&log), ["안녕", "또"]);
    let first = &log[0];
    assert_eq!(
        (first.kind, first.sent_at),
        (MessageKind::Notification, at(5))
    );
    assert_eq!(
        (first.sender.as_str(), first.sender_kind),
        ("shop", SenderKind::Host)
    );
    let data = r#"{"type":"trade.opened","url":"/trades/1","data":{"b":[1], "a":"\u0041"}}"#;
    assert_eq!(first.data().map(|data| &**data), Some(data));
    let room = store
        .room(&RoomId::inbox(&user("kim")))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(room.detail, RoomDetail::Inbox(user("kim")));
    assert_eq!(unread(&*store, "kim").await, 2);
    assert_eq!(unread(&*store, "lee").await, 1);
    assert!(
        rooms_of(&*store, "kim").await.is_empty(),
        "an inbox is no room of theirs"
    );
    assert_eq!(super::unread(&*store, "kim").await, 0);
    let page = store
        .read_messages(&RoomId::inbox(&user("kim")), 0, 1)
        .await;
    assert_eq!(texts(&page.unwrap().unwrap().messages), ["또"]);
    let wrong = Notification {
        kind: Arc::from(""),
        content: Arc::from("x"),
        url: None,
        data: None,
    };
    let wrong = Notify {
        users: vec![user("kim")],
        notification: wrong,
        sender: user("shop"),
        at: at(1),
    };
    let refused = commit(&*store, Command::Notify(Box::new(wrong))).await;
    assert_eq!(refused.unwrap_err().code(), Code::BodyInvalid);
}

/// One, or all up to one; an entry says so; nothing happens twice.
pub async fn reading_notifications(factory: &dyn Factory) {
    let mut store = factory.fresh().await;
    for n in 1..=5 {
        notify(&*store, &["kim"], &n.to_string()).await;
    }
    for which in [one(9), one(0)] {
        let refused = handle(&*store, "kim", which, READ).await;
        assert_eq!(refused.unwrap_err(), Code::NotificationNotFound);
    }
    let refused = handle(&*store, "nobody", one(1), READ).await;
    assert_eq!(refused.unwrap_err(), Code::NotificationNotFound);
    let done = handle(&*store, "kim", one(2), READ).await.unwrap();
    assert_eq!(kinds(&done.entries), [MessageKind::NotificationRead]);
    assert_eq!(
        (done.entries[0].target(), done.entries[0].data()),
        (Some(Seq::new(2)), None)
    );
    assert_eq!(count_of(done), 1);
    assert_eq!(unread(&*store, "kim").await, 4);
    let again = handle(&*store, "kim", one(2), READ).await.unwrap();
    assert_eq!((again.entries.len(), count_of(again)), (0, 0));
    let refused = handle(&*store, "kim", one(6), READ).await;
    assert_eq!(
        refused.unwrap_err(),
        Code::NotificationNotFound,
        "that is the entry"
    );
    store = factory.reopen(store).await;
    let done = handle(&*store, "kim", up_to(3), READ).await.unwrap();
    assert_eq!(done.entries[0].target(), Some(Seq::new(3)));
    assert_eq!(
        done.entries[0].data().map(|data| &**data),
        Some(r#"{"upTo":true}"#)
    );
    assert_eq!(count_of(done), 2);
    assert_eq!(unread(&*store, "kim").await, 2);
    let revisions: Vec<_> = inbox(&*store, "kim")
        .await
        .iter()
        .map(|m| m.revision())
        .collect();
    let (read, none) = (Revision::Read(at(9)), Revision::None);
    assert_eq!(revisions, [read, read, read, none, none, none, none]);
    notify(&*store, &["kim"], "late").await;
    let done = handle(&*store, "kim", up_to(u64::MAX), READ).await.unwrap();
    assert_eq!(
        done.entries[0].target(),
        Some(Seq::new(8)),
        "no further than there is"
    );
    assert_eq!(count_of(done), 3);
    assert_eq!(unread(&*store, "kim").await, 0);
    for which in [up_to(8), up_to(0)] {
        let nothing = handle(&*store, "kim", which, READ).await.unwrap();
        assert_eq!((nothing.entries.len(), count_of(nothing)), (0, 0));
    }
    let nothing = handle(&*store, "nobody", up_to(8), READ).await.unwrap();
    assert_eq!(count_of(nothing), 0);
}

/// Their content is gone; read ones go, too, and count once.
pub async fn deleting_notifications(factory: &dyn Factory) {
    let mut store = factory.fresh().await;
    for n in 1..=6 {
        notify(&*store, &["kim"], &format!("secret {n}")).await;
    }
    handle(&*store, "kim", one(1), READ).await.unwrap();
    assert_eq!(there(&*store, "kim").await, 6);
    assert_eq!(there(&*store, "nobody").await, 0);
    let done = handle(&*store, "kim", one(1), DELETE).await.unwrap();
    assert_eq!(kinds(&done.entries), [MessageKind::NotificationDeleted]);
    assert_eq!(unread(&*store, "kim").await, 5);
    assert_eq!(there(&*store, "kim").await, 5);
    for action in [READ, DELETE] {
        let refused = handle(&*store, "kim", one(1), action).await;
        assert_eq!(refused.unwrap_err(), Code::NotificationNotFound);
    }
    assert_eq!(
        count_of(handle(&*store, "kim", up_to(3), READ).await.unwrap()),
        2
    );
    store = factory.reopen(store).await;
    let done = handle(&*store, "kim", up_to(4), DELETE).await.unwrap();
    assert_eq!(count_of(done), 3, "2 and 3, which are read, and 4");
    assert_eq!(unread(&*store, "kim").await, 2);
    assert_eq!(there(&*store, "kim").await, 2);
    for m in inbox(&*store, "kim").await.iter().take(4) {
        assert_eq!(
            (&*m.text, m.data(), m.revision()),
            ("", None, Revision::Deleted(at(9)))
        );
    }
    assert_eq!(
        count_of(handle(&*store, "kim", up_to(99), READ).await.unwrap()),
        2
    );
    assert_eq!(
        count_of(handle(&*store, "kim", up_to(99), DELETE).await.unwrap()),
        2
    );
    assert_eq!(unread(&*store, "kim").await, 0);
    assert_eq!(there(&*store, "kim").await, 0);
    notify(&*store, &["kim"], "new").await;
    assert_eq!(unread(&*store, "kim").await, 1);
    assert_eq!(there(&*store, "kim").await, 1);
    let query = LogQuery::Before(Seq::MAX);
    let page = store.read_log(&RoomId::inbox(&user("kim")), query, 1).await;
    assert_eq!(texts(&page.unwrap().unwrap().messages), ["new"]);
}

/// Many, through whatever the adapter does in the background.
pub async fn long_inboxes(factory: &dyn Factory) {
    let store = factory.fresh().await;
    for round in 0..10_u64 {
        for n in 0..20 {
            notify(&*store, &["kim", "lee"], &format!("{round}/{n}")).await;
        }
        assert_eq!(unread(&*store, "kim").await, 20);
        let head = store
            .room(&RoomId::inbox(&user("kim")))
            .await
            .unwrap()
            .unwrap()
            .head;
        let first = head.last.get() - 19;
        for seq in [first, first + 7] {
            handle(&*store, "kim", one(seq), READ).await.unwrap();
        }
        handle(&*store, "kim", one(first + 8), DELETE)
            .await
            .unwrap();
        assert_eq!(unread(&*store, "kim").await, 17);
        let done = handle(&*store, "kim", up_to(u64::MAX), READ).await.unwrap();
        assert_eq!(count_of(done), 17);
        assert_eq!(unread(&*store, "kim").await, 0);
        assert_eq!(unread(&*store, "lee").await, 20 * (round + 1));
        assert_eq!(there(&*store, "kim").await, 19 * (round + 1));
    }
}

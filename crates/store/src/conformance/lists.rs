//! Lists: members, rooms of a user, open rooms, acquaintances; and what is unread.

use madang_domain::ports::{RoomsQuery, Store};
use madang_domain::{
    Body, Code, Content, MemberRole, Role, RoomAction, RoomKind, Standing, UserChange, UserId,
};

use super::*;

/// In the order of their ids, behind a place, with what is known of them.
pub async fn members_are_paged(factory: &dyn Factory) {
    let store = factory.fresh().await;
    let ids = ["b", "é", "a", "A", "z", "가", "ab"];
    group(&*store, "g", "owner", &ids).await;
    let change = UserChange {
        id: user("a"),
        name: Some(Some("에이".into())),
        picture: Some(Some("https://a".into())),
        role: Some(Role::User),
    };
    store.upsert_users(vec![change]).await.unwrap();
    let mut all = Vec::new();
    let mut after: Option<UserId> = None;
    loop {
        let id = room_id("g");
        let page = store
            .members(&id, after.as_ref(), 3)
            .await
            .unwrap()
            .unwrap();
        assert!(page.len() <= 3);
        let Some(last) = page.last() else { break };
        after = Some(last.person.user.clone());
        all.extend(page);
    }
    let found: Vec<_> = all.iter().map(|m| m.person.user.as_str()).collect();
    assert_eq!(found, ["A", "a", "ab", "b", "owner", "z", "é", "가"]);
    assert_eq!(all[1].person.name.as_deref(), Some("에이"));
    assert_eq!(all[1].picture.as_deref(), Some("https://a"));
    assert_eq!(all[4].role, MemberRole::Owner);
    let missing = store.members(&room_id("x"), None, 3).await.unwrap();
    assert_eq!(missing, None);
}

/// The newest made first, behind a number.
pub async fn open_rooms_are_paged(factory: &dyn Factory) {
    let store = factory.fresh().await;
    for n in 0..10 {
        let kind = if n % 3 == 0 {
            RoomKind::Group
        } else {
            RoomKind::Open
        };
        create(&*store, new_room(kind, &format!("r{n}"), Some("kim"), &[])).await;
    }
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store.open_rooms(after, 4).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.number);
        found.extend(page.into_iter().map(|room| room.id.to_string()));
    }
    assert_eq!(found, ["r8", "r7", "r5", "r4", "r2", "r1"]);
}

/// Newest activity first, of one kind or all, page by page; with all that a list shows.
pub async fn a_users_rooms(factory: &dyn Factory) {
    let store = factory.fresh().await;
    for n in 0..9 {
        let kind = [RoomKind::Group, RoomKind::Open, RoomKind::Direct][n % 3];
        let mut wanted = new_room(kind, &format!("r{n}"), Some("kim"), &["lee"]);
        wanted.at = at(n as i64);
        if kind == RoomKind::Direct {
            wanted.profile.context = Some(format!("{n}").into());
        }
        create(&*store, wanted).await;
    }
    open_at(&*store, &caller("kim", Role::User), 9).await;
    group(&*store, "other", "lee", &[]).await;
    let order = ["kim", "r8", "r7", "r6", "r5", "r4", "r3", "r2", "r1", "r0"];
    assert_eq!(room_ids(&*store, "kim").await, order, "when they were made");
    for (n, room) in ["r3", "r0", "r8", "r5"].iter().enumerate() {
        say_at(
            &*store,
            room,
            "lee",
            &format!("hello {n}"),
            20 + n as i64 / 2,
        )
        .await;
    }
    // Of the same moment, the one with the greater number first.
    let order = ["r8", "r5", "r3", "r0", "kim", "r7", "r6", "r4", "r2", "r1"];
    assert_eq!(room_ids(&*store, "kim").await, order);
    for limit in [1, 3, 10, 11] {
        assert_eq!(paged(&*store, None, limit).await, order, "pages of {limit}");
    }
    let groups = paged(&*store, Some(RoomKind::Group), 2).await;
    assert_eq!(groups, ["r3", "r0", "r6"]);
    let support = paged(&*store, Some(RoomKind::Support), 2).await;
    assert_eq!(support, ["kim"]);
    assert!(paged(&*store, Some(RoomKind::Inbox), 2).await.is_empty());
    let of_kim = rooms_of(&*store, "kim").await;
    let first = &of_kim[0];
    assert_eq!(Some(&first.view.room), room(&*store, "r8").await.as_ref());
    assert_eq!(first.view.standing, Standing::Member(MemberRole::Owner));
    assert_eq!(
        (first.active_at, first.read.get(), first.unread),
        (at(21), 0, 1)
    );
    assert_eq!(
        first.last_message.as_ref().map(|m| &*m.text),
        Some("hello 2")
    );
    let made = &of_kim[5];
    assert_eq!((made.active_at, made.unread), (at(7), 0));
    assert_eq!(made.last_message, None);
    assert!(rooms_of(&*store, "nobody").await.is_empty());
}

async fn paged(store: &dyn Store, kind: Option<RoomKind>, limit: usize) -> Vec<String> {
    let mut query = RoomsQuery {
        kind,
        after: None,
        limit,
    };
    let mut found = Vec::new();
    loop {
        let page = store.rooms_of(&user("kim"), &query).await.unwrap();
        assert!(page.len() <= limit);
        let Some(last) = page.last() else { break };
        query.after = Some((last.active_at, last.view.room.number));
        found.extend(page.into_iter().map(|room| room.view.room.id.to_string()));
    }
    found
}

/// The newest message of a person, whatever happened behind it.
pub async fn the_last_message_is_a_persons(factory: &dyn Factory) {
    let store = factory.fresh().await;
    create(&*store, new_room(RoomKind::Open, "o", Some("kim"), &[])).await;
    for round in 0..6 {
        say(&*store, "o", "kim", &format!("text {round}")).await;
        for _ in 0..round * 3 {
            act(&*store, "o", "lee", RoomAction::Join).await.unwrap();
            act(&*store, "o", "lee", RoomAction::Leave).await.unwrap();
        }
        let found = rooms_of(&*store, "kim").await;
        let last = found[0].last_message.as_ref().unwrap();
        assert_eq!(*last.text, format!("text {round}"));
        let page = store
            .read_messages(&room_id("o"), 0, 3)
            .await
            .unwrap()
            .unwrap();
        let newest = (round - 2).max(0)..=round;
        let newest: Vec<_> = newest.map(|n| format!("text {n}")).collect();
        assert_eq!(texts(&page.messages), newest);
    }
}

/// Messages of others behind the mark: no events, no notices, none of one's own.
pub async fn unread_is_exact(factory: &dyn Factory) {
    let store = factory.fresh().await;
    group(&*store, "g", "kim", &["lee", "park"]).await;
    // 1 kim, 2 lee, 3 kim, 4 a notice, 5 an event, 6 lee, 7 kim.
    say(&*store, "g", "kim", "1").await;
    say(&*store, "g", "lee", "2").await;
    say(&*store, "g", "kim", "3").await;
    let notice = Content::Notice(Body::new("4", None).unwrap());
    let notice = content_of("g", "shop", Role::Service, notice);
    append_one(&*store, notice).await.unwrap();
    let raise = RoomAction::SetRole(user("park"), MemberRole::Moderator);
    act(&*store, "g", "kim", raise).await.unwrap();
    say(&*store, "g", "lee", "6").await;
    assert_eq!(say(&*store, "g", "kim", "7").await, 7);
    for (id, count) in [("kim", 2), ("lee", 3), ("park", 5)] {
        assert_eq!(unread(&*store, id).await, count, "{id}");
    }
    fill_of(&*store, "g", "park", 40).await;
    for (id, count) in [("kim", 42), ("lee", 43), ("park", 5)] {
        assert_eq!(unread(&*store, id).await, count, "{id}");
        assert_eq!(read_to(&*store, "g", id, 47).await.1, 47);
        assert_eq!(unread(&*store, id).await, 0);
    }
    let add = RoomAction::Add(people(&["choi"]), MemberRole::Member);
    act(&*store, "g", "kim", add).await.unwrap();
    assert_eq!(rooms_of(&*store, "choi").await[0].read.get(), 47);
    assert_eq!(unread(&*store, "choi").await, 0);
    say(&*store, "g", "kim", "new").await;
    assert_eq!(unread(&*store, "choi").await, 1);
}

/// Every place of a mark, with every kind of entry before and behind it.
pub async fn unread_after_partial_reads(factory: &dyn Factory) {
    let mut store = factory.fresh().await;
    group(&*store, "g", "kim", &["lee"]).await;
    let senders: Vec<&str> = (0..60)
        .map(|n| ["kim", "lee", "kim", "-"][n * n % 4])
        .collect();
    for (n, sender) in senders.iter().enumerate() {
        if *sender == "-" {
            let notice = Content::Notice(Body::new("x", None).unwrap());
            let draft = content_of("g", "shop", Role::Service, notice);
            append_one(&*store, draft).await.unwrap();
        } else {
            say(&*store, "g", sender, &n.to_string()).await;
        }
    }
    for mark in 0..=60 {
        read_to(&*store, "g", "lee", mark).await;
        let behind = senders[mark as usize..].iter();
        let expected = behind.filter(|sender| **sender == "kim").count() as u64;
        assert_eq!(unread(&*store, "lee").await, expected, "read to {mark}");
        assert_eq!(rooms_of(&*store, "lee").await[0].unread, expected);
        if mark == 30 {
            store = factory.reopen(store).await;
        }
    }
}

/// The total counts all rooms; as many are named as asked for.
pub async fn unread_names_rooms(factory: &dyn Factory) {
    let store = factory.fresh().await;
    for n in 0..7 {
        let id = format!("g{n}");
        group(&*store, &id, "kim", &["lee"]).await;
        fill_of(&*store, &id, "kim", n).await;
    }
    let summary = store.unread(&user("lee"), 100).await.unwrap();
    let mut rooms: Vec<_> = summary
        .rooms
        .iter()
        .map(|(id, n)| (id.as_str(), *n))
        .collect();
    rooms.sort_unstable();
    let expected = [
        ("g1", 1),
        ("g2", 2),
        ("g3", 3),
        ("g4", 4),
        ("g5", 5),
        ("g6", 6),
    ];
    assert_eq!((summary.total, rooms), (21, expected.to_vec()));
    let few = store.unread(&user("lee"), 2).await.unwrap();
    assert_eq!((few.total, few.rooms.len()), (21, 2));
    let none = store.unread(&user("lee"), 0).await.unwrap();
    assert_eq!((none.total, none.rooms.len()), (21, 0));
    assert_eq!(unread(&*store, "nobody").await, 0);
}

/// Countable entries alone, newest last, however many are passed over.
pub async fn messages_without_events(factory: &dyn Factory) {
    let store = factory.fresh().await;
    create(&*store, new_room(RoomKind::Open, "o", Some("kim"), &[])).await;
    for n in 0..50 {
        say(&*store, "o", "kim", &n.to_string()).await;
        if n % 7 == 0 {
            act(&*store, "o", "lee", RoomAction::Join).await.unwrap();
            act(&*store, "o", "lee", RoomAction::Leave).await.unwrap();
        }
    }
    for (skip, limit) in [
        (0, 20),
        (20, 20),
        (40, 20),
        (49, 5),
        (50, 5),
        (9_999, 5),
        (0, 999),
        (7, 1),
    ] {
        let page = store
            .read_messages(&room_id("o"), skip, limit)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(page.total, 50);
        let high = 50_u64.saturating_sub(skip);
        let expected: Vec<_> = (high.saturating_sub(limit as u64)..high)
            .map(|n| n.to_string())
            .collect();
        assert_eq!(texts(&page.messages), expected, "{skip} {limit}");
    }
    let missing = store.read_messages(&room_id("x"), 0, 5).await.unwrap();
    assert_eq!(missing, None);
}

/// Who shares a room of people; an inbox and the desk are none.
pub async fn acquaintances(factory: &dyn Factory) {
    let store = factory.fresh().await;
    group(&*store, "g", "kim", &["lee", "park"]).await;
    group(&*store, "h", "choi", &["park"]).await;
    open(&*store, "kim").await;
    claim(&*store, "kim", "jung").await;
    let others = ["lee", "choi", "park", "jung", "nobody", "kim"].map(user);
    let found = store.acquainted(&user("kim"), &others).await.unwrap();
    assert_eq!(found, [true, false, true, true, false, true]);
    let found = store.acquainted(&user("park"), &others).await.unwrap();
    assert_eq!(found, [true, true, true, false, false, true]);
    act(&*store, "g", "lee", RoomAction::Leave).await.unwrap();
    assert!(complete(&*store, "kim", "jung").await);
    let found = store.acquainted(&user("kim"), &others).await.unwrap();
    assert_eq!(found, [false, false, true, false, false, true]);
    assert!(
        store
            .acquainted(&user("kim"), &[])
            .await
            .unwrap()
            .is_empty()
    );
    let refused = act(&*store, "g", "lee", RoomAction::Delete).await;
    assert_eq!(refused.unwrap_err(), Code::NotYourRoom);
}

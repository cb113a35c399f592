//! The support desk: claims, hand-overs, completions, the queue, and the desk's feed.

use std::sync::Arc;

use madang_domain::ports::Store;
use madang_domain::{
    Answer, ClaimOutcome, Code, Command, MemberRole, Message, MessageKind, Role, RoomAction,
    RoomId, SenderKind, Standing, SupportState, UserChange,
};

use super::*;

async fn feed(store: &dyn Store) -> Vec<Arc<Message>> {
    log_of(store, &RoomId::desk()).await
}

async fn inbox(store: &dyn Store, id: &str) -> Vec<Arc<Message>> {
    log_of(store, &RoomId::inbox(&user(id))).await
}

/// Makes users known as agents, the last one last.
async fn come(store: &dyn Store, ids: &[(&str, Role)]) {
    for (id, role) in ids {
        let change = UserChange::seen(&caller(id, *role));
        store.upsert_users(vec![change]).await.unwrap();
    }
}

async fn alert(store: &dyn Store, since: i64, entries: usize) -> usize {
    let command = Command::AlertOverdue {
        since: at(since),
        entries,
        at: at(since + 1),
    };
    count_of(commit(store, command).await.unwrap())
}

async fn queue(store: &dyn Store, id: &str) -> Option<u64> {
    store.queue_position(&room_id(id)).await.unwrap()
}

/// Every change, in order, with whose room it is and whom it is about.
pub async fn the_feed_has_every_change(factory: &dyn Factory) {
    let store = factory.fresh().await;
    let desk = store.room(&RoomId::desk()).await.unwrap();
    assert!(desk.is_some(), "it is always there");
    assert!(feed(&*store).await.is_empty());
    come(&*store, &[("lee", Role::Agent), ("park", Role::Agent)]).await;
    open(&*store, "kim").await;
    open(&*store, "kim").await;
    claim(&*store, "kim", "lee").await;
    claim(&*store, "kim", "park").await;
    serve(&*store, "kim", "lee", RoomAction::HandOver(agent("park")))
        .await
        .unwrap();
    serve(&*store, "kim", "park", RoomAction::Release)
        .await
        .unwrap();
    claim(&*store, "kim", "lee").await;
    assert!(complete(&*store, "kim", "lee").await);
    say(&*store, "kim", "kim", "again").await;
    assert!(leave(&*store, "kim").await);
    let store = factory.reopen(store).await;
    let log = feed(&*store).await;
    use MessageKind::{Assigned, Completed, Gone, HandedOver, Released, Waiting};
    let expected = [
        (Waiting, "kim", None),
        (Assigned, "lee", Some("lee")),
        (HandedOver, "lee", Some("park")),
        (Released, "park", Some("park")),
        (Assigned, "lee", Some("lee")),
        (Completed, "lee", Some("lee")),
        (Waiting, "kim", None),
        (Gone, "kim", None),
    ];
    let found = log.iter().map(|m| {
        let subject = m.subjects().first().map(|person| person.user.as_str());
        (m.kind, m.sender.as_str(), subject)
    });
    assert_eq!(found.collect::<Vec<_>>(), expected);
    for message in &log {
        let extra = message.extra.as_ref().unwrap();
        assert_eq!(extra.of_room, Some(room_id("kim")));
        assert_eq!(extra.revokes, None, "of the room's log, not of the feed");
    }
    let named = log[2].subjects()[0].name.as_deref();
    assert_eq!(named, Some("park the agent"));
    assert!(
        store
            .view_room(&RoomId::desk(), &user("lee"))
            .await
            .unwrap()
            .is_some()
    );
    let heads = store.heads(&[RoomId::desk()]).await.unwrap();
    assert_eq!(heads[0].map(|head| head.last.get()), Some(8));
}

/// The room's own log has them too, its agent loses the right by the entry, and the customer hears.
pub async fn the_room_and_the_customer_hear(factory: &dyn Factory) {
    let store = factory.fresh().await;
    come(&*store, &[("park", Role::Admin)]).await;
    let made = Command::OpenSupport(Box::new(madang_domain::command::OpenSupport {
        customer: caller("kim", Role::User),
        at: at(0),
    }));
    let done = commit(&*store, made).await.unwrap();
    assert_eq!(
        (done.changes[0].user.as_str(), done.changes.len()),
        ("kim", 1)
    );
    assert!(
        whole_log(&*store, "kim").await.is_empty(),
        "a new log is empty"
    );
    let claimed = serve(&*store, "kim", "lee", RoomAction::Claim)
        .await
        .unwrap();
    use MessageKind::{Assigned, Completed, HandedOver, Notification, Released};
    assert_eq!(kinds(&claimed.entries), [Assigned, Assigned, Notification]);
    assert_eq!(claimed.entries[0].sender_kind, SenderKind::Agent);
    let told = claimed.changes.iter().map(|c| {
        (
            c.user.as_str(),
            c.room.is_internal(),
            c.since.map(|position| position.seq.get()),
        )
    });
    let told: Vec<_> = told.collect();
    assert!(told.contains(&("lee", false, Some(0))), "{told:?}");
    assert!(told.contains(&("kim", false, None)), "{told:?}");
    assert!(told.contains(&("kim", true, Some(0))), "{told:?}");
    let over = serve(&*store, "kim", "lee", RoomAction::HandOver(agent("park")))
        .await
        .unwrap();
    assert_eq!(kinds(&over.entries), [HandedOver, HandedOver, Notification]);
    assert_eq!(over.entries[0].revokes(), Some(&(user("lee"), 1)));
    let released = serve(&*store, "kim", "park", RoomAction::Release)
        .await
        .unwrap();
    assert_eq!(kinds(&released.entries), [Released, Released]);
    assert_eq!(released.entries[0].revokes(), Some(&(user("park"), 2)));
    claim(&*store, "kim", "lee").await;
    let completed = serve(&*store, "kim", "lee", RoomAction::Complete)
        .await
        .unwrap();
    assert_eq!(kinds(&completed.entries), [Completed, Completed]);
    assert_eq!(completed.entries[0].revokes(), Some(&(user("lee"), 3)));
    let log = whole_log(&*store, "kim").await;
    assert_eq!(
        kinds(&log),
        [Assigned, HandedOver, Released, Assigned, Completed]
    );
    let news = inbox(&*store, "kim").await;
    assert_eq!(kinds(&news), [Notification; 3]);
    let data = r#"{"type":"desk.assigned","data":{"roomId":"kim"}}"#;
    assert_eq!(news[0].data().map(|data| &**data), Some(data));
    assert_eq!(store.unread_notifications(&user("kim")).await.unwrap(), 3);
    let gone = act(&*store, "kim", "kim", RoomAction::Delete)
        .await
        .unwrap();
    assert_eq!(kinds(&gone.entries), [MessageKind::Gone]);
    assert_eq!(gone.deleted.map(|(room, _)| room), Some(room_id("kim")));
}

/// A released room waits from when it began to, before those that came later.
pub async fn releasing(factory: &dyn Factory) {
    let store = factory.fresh().await;
    for (n, id) in ["kim", "lim", "min"].into_iter().enumerate() {
        open_at(&*store, &caller(id, Role::User), n as i64).await;
    }
    claim(&*store, "lim", "lee").await;
    for who in ["park", "lee"] {
        let released = serve(&*store, "lim", who, RoomAction::Release).await;
        assert_eq!(released.is_ok(), who == "lee");
    }
    let waiting = store.waiting_rooms(9).await.unwrap();
    let ids: Vec<_> = waiting.iter().map(|room| room.id.as_str()).collect();
    assert_eq!(ids, ["kim", "lim", "min"]);
    assert_eq!(waiting[1].support().unwrap().inquired_at, at(1));
    assert_eq!(waiting[1].member_count, 1);
    assert_eq!(standing(&*store, "lim", "lee").await, Standing::Stranger);
    let sent = draft_of("lim", "lee", Role::Agent, "x", None);
    assert_eq!(append_one(&*store, sent).await, Err(Code::NotYourRoom));
    assert_eq!(claim(&*store, "lim", "park").await, ClaimOutcome::Won);
    assert_eq!(queue(&*store, "min").await, Some(1));
}

/// To one who has come as an agent; to oneself is nothing.
pub async fn handing_over(factory: &dyn Factory) {
    let store = factory.fresh().await;
    come(
        &*store,
        &[
            ("park", Role::Agent),
            ("choi", Role::User),
            ("jung", Role::Admin),
        ],
    )
    .await;
    open(&*store, "kim").await;
    claim(&*store, "kim", "lee").await;
    let over = |to: &str| RoomAction::HandOver(agent(to));
    for (who, to, code) in [
        ("lee", "nobody", Code::AgentNotFound),
        ("lee", "choi", Code::AgentNotFound),
        ("park", "jung", Code::NotYourRoom),
    ] {
        let refused = serve(&*store, "kim", who, over(to)).await;
        assert_eq!(refused.unwrap_err(), code, "{who} {to}");
    }
    let before = room(&*store, "kim").await;
    let own = serve(&*store, "kim", "lee", over("lee")).await.unwrap();
    assert_eq!((own.entries.len(), count_of(own)), (0, 0));
    assert_eq!(room(&*store, "kim").await, before);
    serve(&*store, "kim", "lee", over("park")).await.unwrap();
    let found = room(&*store, "kim").await.unwrap();
    assert_eq!(
        found.support().unwrap().state,
        SupportState::Assigned(agent("park"))
    );
    assert_eq!(found.member_count, 2);
    let of_park = store.rooms_of_agent(&user("park"), 5).await.unwrap();
    assert_eq!(of_park, [found]);
    assert!(
        store
            .rooms_of_agent(&user("lee"), 5)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(room_ids(&*store, "park").await, ["kim"]);
    assert!(room_ids(&*store, "lee").await.is_empty());
    serve(&*store, "kim", "park", over("jung")).await.unwrap();
    assert_eq!(
        claim(&*store, "kim", "lee").await,
        ClaimOutcome::TakenBy(agent("jung"))
    );
}

/// Whoever serves: no user, no host; and support rooms alone.
pub async fn who_may_serve(factory: &dyn Factory) {
    let store = factory.fresh().await;
    open(&*store, "kim").await;
    group(&*store, "g", "lee", &[]).await;
    for action in [RoomAction::Claim, RoomAction::Release, RoomAction::Complete] {
        for role in [Role::User, Role::Service] {
            for room in ["kim", "nowhere"] {
                let refused = act_as(&*store, room, ("lee", role), action.clone()).await;
                assert_eq!(refused.unwrap_err(), Code::AgentsOnly);
            }
        }
        for room in ["g", "nowhere"] {
            let refused = serve(&*store, room, "lee", action.clone()).await;
            match refused {
                Ok(done) => assert!(matches!(
                    done.answer,
                    Answer::Claim(ClaimOutcome::NoSuchRoom)
                )),
                Err(code) => assert_eq!(code, Code::RoomNotFound),
            }
        }
    }
    for action in [
        RoomAction::Join,
        RoomAction::Add(people(&["x"]), MemberRole::Member),
    ] {
        let refused = act(&*store, "kim", "lee", action).await;
        assert_eq!(refused.unwrap_err(), Code::NotYourRoom);
    }
    let refused = act(&*store, "kim", "lee", RoomAction::Leave).await;
    assert_eq!(refused.unwrap_err(), Code::NotYourRoom);
}

/// A new agent's mark begins where any agent has read; the customer's at 0.
pub async fn marks_of_agents(factory: &dyn Factory) {
    let store = factory.fresh().await;
    open(&*store, "kim").await;
    fill(&*store, "kim", 5).await;
    claim(&*store, "kim", "lee").await;
    assert_eq!(unread(&*store, "lee").await, 5, "what nobody has read");
    assert_eq!(read_to(&*store, "kim", "lee", 3).await, (0, 3));
    assert_eq!(unread(&*store, "lee").await, 2);
    assert!(complete(&*store, "kim", "lee").await);
    fill(&*store, "kim", 2).await;
    claim(&*store, "kim", "park").await;
    let of_park = rooms_of(&*store, "park").await;
    assert_eq!((of_park[0].read.get(), of_park[0].unread), (3, 4));
    let answer = draft_of("kim", "park", Role::Agent, "hello", None);
    append_one(&*store, answer).await.unwrap();
    assert_eq!(unread(&*store, "kim").await, 1);
    assert_eq!(unread(&*store, "park").await, 4);
    let listed = members(&*store, "kim").await;
    let expected = [("kim", MemberRole::Owner), ("park", MemberRole::Member)];
    let expected: Vec<_> = expected.map(|(id, role)| (id.to_owned(), role)).into();
    assert_eq!(listed, expected);
}

/// An agent may be a customer: of their own room they stay the customer.
pub async fn an_agent_who_is_the_customer(factory: &dyn Factory) {
    let store = factory.fresh().await;
    open(&*store, "lee").await;
    assert_eq!(claim(&*store, "lee", "lee").await, ClaimOutcome::Won);
    let found = room(&*store, "lee").await.unwrap();
    assert_eq!(found.member_count, 1);
    assert!(complete(&*store, "lee", "lee").await);
    let log = whole_log(&*store, "lee").await;
    assert!(
        log.iter().all(|entry| entry.revokes().is_none()),
        "they go on reading"
    );
    assert_eq!(room_ids(&*store, "lee").await, ["lee"]);
    assert_eq!(room(&*store, "lee").await.unwrap().member_count, 1);
}

/// How many are before it; nothing, of what does not wait.
pub async fn queue_positions(factory: &dyn Factory) {
    let store = factory.fresh().await;
    for n in 0..10 {
        let customer = caller(&format!("kim{n}"), Role::User);
        open_at(&*store, &customer, n * 3 % 10 / 2).await;
    }
    let waiting = store.waiting_rooms(100).await.unwrap();
    for (place, found) in waiting.iter().enumerate() {
        let position = queue(&*store, found.id.as_str()).await;
        assert_eq!(position, Some(place as u64));
    }
    claim(&*store, waiting[3].id.as_str(), "lee").await;
    assert_eq!(queue(&*store, waiting[3].id.as_str()).await, None);
    assert_eq!(queue(&*store, waiting[9].id.as_str()).await, Some(8));
    assert_eq!(queue(&*store, "nobody").await, None);
}

/// Each once for each time it waits, the longest first; agents are notified, the last to come too.
pub async fn overdue_rooms_are_noted_once(factory: &dyn Factory) {
    let store = factory.fresh().await;
    assert_eq!(store.longest_waiting().await.unwrap(), None);
    come(
        &*store,
        &[
            ("lee", Role::Agent),
            ("jung", Role::Admin),
            ("choi", Role::User),
        ],
    )
    .await;
    for n in 1..=4 {
        open_at(&*store, &caller(&format!("kim{n}"), Role::User), n * 10).await;
    }
    assert_eq!(store.longest_waiting().await.unwrap(), Some(at(10)));
    let noted = |log: &[Arc<Message>]| {
        let overdue = log.iter().filter(|m| m.kind == MessageKind::Overdue);
        let rooms = overdue.map(|m| m.extra.as_ref().unwrap().of_room.clone().unwrap());
        rooms.map(|room| room.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(alert(&*store, 9, 10).await, 0);
    assert_eq!(alert(&*store, 30, 8).await, 2, "each is three entries");
    assert_eq!(noted(&feed(&*store).await), ["kim1", "kim2"]);
    assert_eq!(store.longest_waiting().await.unwrap(), Some(at(30)));
    assert_eq!(alert(&*store, 30, 0).await, 1, "one all the same");
    assert_eq!(alert(&*store, 30, 9).await, 0);
    for id in ["lee", "jung"] {
        let news = inbox(&*store, id).await;
        assert_eq!(news.len(), 3, "{id}");
        let data = r#"{"type":"desk.overdue","data":{"roomId":"kim1"}}"#;
        assert_eq!(news[0].data().map(|data| &**data), Some(data));
    }
    assert_eq!(store.unread_notifications(&user("choi")).await.unwrap(), 0);
    let store = factory.reopen(store).await;
    claim(&*store, "kim1", "lee").await;
    claim(&*store, "kim2", "lee").await;
    serve(&*store, "kim1", "lee", RoomAction::Release)
        .await
        .unwrap();
    assert_eq!(
        store.longest_waiting().await.unwrap(),
        Some(at(10)),
        "it waits again"
    );
    assert!(complete(&*store, "kim2", "lee").await);
    say_at(&*store, "kim2", "kim2", "again", 100).await;
    assert_eq!(alert(&*store, 50, 30).await, 2, "kim1 again, and kim4");
    assert_eq!(alert(&*store, 200, 30).await, 1, "kim2 again");
    let expected = ["kim1", "kim2", "kim3", "kim1", "kim4", "kim2"];
    assert_eq!(noted(&feed(&*store).await), expected);
}

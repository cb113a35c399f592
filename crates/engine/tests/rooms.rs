//! Making rooms and reading them back: what the engine asks of the store.

#![allow(clippy::unwrap_used, reason = "a test")]

mod fakes;

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use fakes::{FakeBus, FakePresence, FakeRoom, FakeStore};
use madang_domain::{
    Caller, Code, Command, Epoch, MemberRole, Message, MessageKind, NewRoom, Position, Profile,
    Role, RoomAction, RoomId, RoomKind, SenderKind, Seq, Standing, Timestamp, UserId,
};
use madang_engine::{Engine, EngineOptions, FIRST_MEMBERS_MAX, RoomPlan};

fn start() -> (Arc<Engine>, Arc<FakeStore>) {
    let store = Arc::<FakeStore>::default();
    let (presence, bus) = (Arc::<FakePresence>::default(), Arc::<FakeBus>::default());
    let engine = fakes::start(&store, &presence, &bus, fakes::options());
    (engine, store)
}

fn start_with(options: EngineOptions) -> Arc<Engine> {
    let store = Arc::<FakeStore>::default();
    let (presence, bus) = (Arc::<FakePresence>::default(), Arc::<FakeBus>::default());
    fakes::start(&store, &presence, &bus, options)
}

fn user(id: &str) -> UserId {
    UserId::new(id).unwrap()
}

fn caller(id: &str, role: Role) -> Caller {
    Caller::new(user(id), role)
}

fn plan<'a>(kind: RoomKind, members: impl IntoIterator<Item = &'a str>) -> RoomPlan {
    RoomPlan {
        kind,
        profile: Profile::default(),
        members: members.into_iter().map(user).collect(),
        owner: None,
    }
}

/// The room that the store was told to make, and the people of each command that adds.
fn carried_out(store: &FakeStore) -> (NewRoom, Vec<usize>) {
    let commands = std::mem::take(&mut *store.commands.lock());
    let (mut made, mut added) = (None, Vec::new());
    for command in commands {
        match command {
            Command::Create(new) => made = Some(*new),
            Command::Room(command) => match command.action {
                RoomAction::Add(people, _) => added.push(people.len()),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }
    (made.unwrap(), added)
}

#[tokio::test(start_paused = true)]
async fn members_keep_their_order_so_that_the_first_can_own_a_room_of_nobody_else() {
    let (engine, store) = start();
    let host = caller("host", Role::Service);
    let named = plan(RoomKind::Group, ["zoe", "adam", "zoe", "mia"]);
    engine.create_room(&host, named).await.unwrap();
    let (made, _) = carried_out(&store);
    let members = made.members.iter().map(|(person, _)| person.user.as_str());
    assert_eq!(members.collect::<Vec<_>>(), ["zoe", "adam", "mia"]);
    assert_eq!(made.owner, None);
}

#[tokio::test(start_paused = true)]
async fn a_person_owns_what_they_make_and_is_no_member_besides() {
    let (engine, store) = start();
    let kim = caller("kim", Role::User);
    let named = plan(RoomKind::Open, ["lee", "kim"]);
    engine.create_room(&kim, named).await.unwrap();
    let (made, _) = carried_out(&store);
    assert_eq!(made.owner.map(|owner| owner.user), Some(user("kim")));
    let members: Vec<_> = made
        .members
        .iter()
        .map(|(p, role)| (p.user.as_str(), *role))
        .collect();
    assert_eq!(members, [("lee", MemberRole::Member)]);

    let for_another = RoomPlan {
        owner: Some(user("lee")),
        ..plan(RoomKind::Group, ["park"])
    };
    let refused = engine.create_room(&kim, for_another).await;
    assert_eq!(refused.unwrap_err().code(), Code::NotYourRoom);
}

#[tokio::test(start_paused = true)]
async fn a_large_room_is_made_at_once_or_not_at_all() {
    let (engine, store) = start();
    let kim = caller("kim", Role::User);
    let ids: Vec<_> = (0..FIRST_MEMBERS_MAX).map(|n| format!("u{n}")).collect();
    let named = plan(RoomKind::Group, ids.iter().map(String::as_str));
    engine.create_room(&kim, named).await.unwrap();
    let (made, added) = carried_out(&store);
    assert_eq!((made.members.len(), added), (FIRST_MEMBERS_MAX, vec![]));

    let more = ids.iter().map(String::as_str).chain(["one more"]);
    let refused = engine.create_room(&kim, plan(RoomKind::Group, more)).await;
    assert_eq!(refused.unwrap_err().code(), Code::BodyInvalid);
}

#[tokio::test(start_paused = true)]
async fn a_direct_room_is_for_two_different_people() {
    let (engine, store) = start();
    let kim = caller("kim", Role::User);
    for others in [&["kim"][..], &[], &["lee", "park"]] {
        let named = plan(RoomKind::Direct, others.iter().copied());
        let refused = engine.create_room(&kim, named).await;
        assert_eq!(refused.unwrap_err().code(), Code::BodyInvalid);
    }
    let named = plan(RoomKind::Direct, ["lee", "kim", "lee"]);
    engine.create_room(&kim, named).await.unwrap();
    let (made, _) = carried_out(&store);
    assert_eq!(made.members.len(), 1);
    assert_eq!(made.members[0].1, MemberRole::Owner);
}

#[tokio::test(start_paused = true)]
async fn a_page_of_another_life_than_the_caller_was_let_into_is_not_shown() {
    let (engine, store) = start();
    let room = RoomId::new("g").unwrap();
    let mut made = FakeRoom::group(room.clone());
    let member = Standing::Member(MemberRole::Member);
    made.standings.insert(user("kim"), member);
    let message = |epoch| {
        Arc::new(Message {
            room: room.clone(),
            position: Position {
                epoch,
                seq: Seq::new(1),
            },
            kind: MessageKind::Message,
            sender: user("lee"),
            sender_name: None,
            sender_kind: SenderKind::Member,
            client_id: None,
            text: Arc::from("hello"),
            sent_at: Timestamp::from_micros(0),
            extra: None,
        })
    };
    let epoch = made.head.epoch;
    made.messages = vec![message(epoch)];
    *store.room.lock() = Some(made);
    let kim = caller("kim", Role::User);
    let page = engine.read_page(&kim, &room, 1, 20).await.unwrap();
    assert_eq!(page.total, 1);
    let one = engine.message(&kim, &room, Seq::new(1)).await.unwrap();
    assert_eq!(one.position.epoch, epoch);

    // Made again between the question whether kim may read and the reading.
    let others = vec![message(Epoch::new(epoch.get() + 1))];
    store.room.lock().as_mut().unwrap().messages = others;
    let refused = engine.read_page(&kim, &room, 1, 20).await;
    assert_eq!(refused.unwrap_err().code(), Code::RoomNotFound);
    let refused = engine.message(&kim, &room, Seq::new(1)).await;
    assert_eq!(refused.unwrap_err().code(), Code::MessageNotFound);
}

#[tokio::test(start_paused = true)]
async fn whoever_has_brought_as_many_people_in_as_they_may_is_told_when_they_may_again() {
    let engine = start_with(EngineOptions {
        added_per_user_per_day_max: 5,
        ..fakes::options()
    });
    let kim = caller("kim", Role::User);
    let room = RoomId::new("r").unwrap();
    let add = async |who: &Caller, ids: &[&str]| {
        let users = ids.iter().map(|id| user(id)).collect();
        engine
            .add_members(who, &room, users, MemberRole::Member)
            .await
    };
    let group = |ids: &[&'static str]| plan(RoomKind::Group, ids.iter().copied());
    engine.create_room(&kim, group(&["a", "b"])).await.unwrap();
    // Themselves they do not bring in, and whom they name twice once.
    engine.create_room(&kim, group(&["kim"])).await.unwrap();
    assert_eq!(add(&kim, &["c", "d", "d"]).await, Ok(2));
    for refused in [
        add(&kim, &["e", "f"]).await.map(drop),
        engine.create_room(&kim, group(&["e", "f"])).await.map(drop),
    ] {
        let error = refused.unwrap_err();
        assert_eq!(error.code(), Code::TooMany);
        assert_eq!(error.wait(), Some(Duration::from_secs(25 * 60 * 60)));
    }
    assert_eq!(add(&kim, &["e"]).await, Ok(1));
    assert!(add(&kim, &["f"]).await.is_err());
    let [lee, host] = [caller("lee", Role::User), caller("shop", Role::Service)];
    assert_eq!(add(&lee, &["e", "f"]).await, Ok(2), "another's");
    assert_eq!(add(&host, &["a", "b", "c", "d", "e", "f"]).await, Ok(6));
    tokio::time::advance(Duration::from_secs(25 * 60 * 60)).await;
    assert_eq!(add(&kim, &["a", "b", "c", "d", "e"]).await, Ok(5));
}

#[tokio::test(start_paused = true)]
async fn guests_make_no_rooms() {
    let (engine, store) = start();
    let guest = caller("guest", Role::Guest);
    for kind in [RoomKind::Direct, RoomKind::Group, RoomKind::Open] {
        let refused = engine.create_room(&guest, plan(kind, ["lee"])).await;
        assert_eq!(refused.unwrap_err().code(), Code::NotForGuests, "{kind:?}");
    }
    assert!(store.commands.lock().is_empty());
}

#[tokio::test(start_paused = true)]
async fn whoever_goes_away_before_the_answer_has_brought_people_in_all_the_same() {
    let store = Arc::<FakeStore>::default();
    let (presence, bus) = (Arc::<FakePresence>::default(), Arc::<FakeBus>::default());
    let options = EngineOptions {
        added_per_user_per_day_max: 2,
        ..fakes::options()
    };
    let engine = fakes::start(&store, &presence, &bus, options);
    let (kim, room) = (caller("kim", Role::User), RoomId::new("r").unwrap());
    let add = |id: &str| engine.add_members(&kim, &room, vec![user(id)], MemberRole::Member);
    let mut adding = Box::pin(add("a"));
    while store.commands.lock().is_empty() {
        let waits = poll_fn(|cx| Poll::Ready(adding.as_mut().poll(cx).is_pending()));
        assert!(waits.await);
        tokio::task::yield_now().await;
    }
    drop(adding);
    assert_eq!(add("b").await, Ok(1));
    assert_eq!(add("c").await.unwrap_err().code(), Code::TooMany);
}

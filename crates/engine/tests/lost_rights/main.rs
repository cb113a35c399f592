//! What becomes of a room's subscribers when an entry takes somebody's right to read it.

#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "../fakes/mod.rs"]
mod fakes;
mod rig;

use std::collections::BTreeMap;
use std::sync::Arc;

use fakes::FakeRoom;
use madang_domain::{
    Extra, MemberRole, Message, MessageKind, Person, Position, Role, RoomDetail, Seq, Standing,
};
use madang_engine::{CatchUp, Ended, Outlet};
use rig::*;

#[tokio::test]
async fn what_comes_behind_a_revoking_entry_reaches_nobody_who_lost_the_right_and_everybody_else_live()
 {
    let rig = Rig::new();
    let [kim, kims_other, lee] = ["kim", "kim", "lee"].map(|id| rig.live(id, Role::User));
    rig.publish([rig.message(5), rig.removal(6, "kim", 2)]);
    rig.publish([rig.message(7)]);
    rig.signal();
    for lost in [kim, kims_other] {
        let seen = lost.session.take();
        assert_eq!(seen.live, [5, 6], "the entry that says so is the last");
        assert_eq!((seen.ended, seen.signals), (vec![Ended::AccessLost], 0));
        assert_eq!(lost.catch_up(&rig.store).await, CatchUp::Live, "it is over");
        assert!(lost.session.take().from_log.is_empty());
    }
    let seen = lee.session.take();
    assert_eq!(
        (seen.live, seen.lagging, seen.signals),
        (vec![5, 6, 7], 0, 1)
    );
}

#[test]
fn an_admin_who_looks_on_keeps_it_and_stays_live() {
    let rig = Rig::new();
    let admin = rig.live("kim", Role::Admin);
    rig.publish([rig.removal(5, "kim", 2)]);
    rig.publish([rig.removal(6, "lee", 3)]);
    rig.publish([rig.message(7)]);
    let seen = admin.session.take();
    assert_eq!((seen.live, seen.lagging), (vec![5, 6, 7], 0));
    assert!(seen.ended.is_empty());
}

#[tokio::test]
async fn a_subscriber_who_missed_an_earlier_loss_asks_again() {
    let rig = Rig::new();
    let [kim, lee] = ["kim", "lee"].map(|id| rig.live(id, Role::User));
    let entries = [rig.removal(5, "kim", 2), rig.removal(6, "park", 3)];
    rig.stored(&entries);
    // The bus lost what took kim's right; both read, and kim finds out.
    rig.publish([Arc::clone(&entries[1])]);
    rig.publish([rig.message(7)]);
    rig.signal();
    for reader in [&kim, &lee] {
        let seen = reader.session.take();
        assert_eq!((seen.live, seen.lagging), (vec![], 1));
        assert_eq!(seen.signals, 0, "nobody has asked yet");
    }
    rig.stored(&[rig.message(7)]);
    let lost = CatchUp::Ended(Ended::AccessLost);
    assert_eq!(kim.catch_up(&rig.store).await, lost);
    assert!(kim.session.take().from_log.is_empty());
    assert_eq!(lee.catch_up(&rig.store).await, CatchUp::Live);
    assert_eq!(lee.session.take().from_log, [5, 6, 7]);
    rig.publish([rig.message(8)]);
    assert_eq!(lee.session.take().live, [8]);
}

#[tokio::test]
async fn a_loss_that_the_head_check_finds_makes_everybody_ask_wherever_the_cursor_stands() {
    let rig = Rig::new();
    let kim = rig.live("kim", Role::User);
    rig.stored(&[rig.removal(5, "kim", 2)]);
    let at_the_head = head(LIFE, 4, 2);
    rig.hub.rooms().head_seen(&rig.room, Some(&at_the_head));
    assert_eq!(kim.session.take().lagging, 1);
    rig.hub.rooms().head_seen(&rig.room, Some(&at_the_head));
    assert_eq!(kim.session.take().lagging, 0, "told once");
    let lost = CatchUp::Ended(Ended::AccessLost);
    assert_eq!(kim.catch_up(&rig.store).await, lost);
}

#[tokio::test]
async fn who_was_registered_before_a_loss_and_started_after_it_is_not_live_without_asking() {
    let rig = Rig::new();
    let lee = rig.live("lee", Role::User);
    let session = Arc::new(Session::default());
    let outlet = Arc::clone(&session) as Arc<dyn Outlet>;
    let rooms = rig.hub.rooms();
    let registration = rooms.register(&rig.room, outlet, 0, user("kim"), Role::User);
    let before = head(LIFE, 4, 1);
    let removal = rig.removal(5, "kim", 2);
    rig.stored(&[Arc::clone(&removal)]);
    rig.publish([removal]);
    let (subscription, live) = registration
        .start(before.position(), &member_of(&before))
        .unwrap();
    assert!(!live);
    rig.publish([rig.message(6)]);
    rig.signal();
    let kim = Reader {
        session,
        subscription,
    };
    let lost = CatchUp::Ended(Ended::AccessLost);
    assert_eq!(kim.catch_up(&rig.store).await, lost);
    let seen = kim.session.take();
    assert!(seen.live.is_empty() && seen.from_log.is_empty());
    assert_eq!(seen.signals, 0);
    assert_eq!(lee.session.take().live, [5, 6]);
}

#[test]
fn nobody_becomes_live_on_a_decision_from_before_a_loss_wherever_the_cursor_stands() {
    let rig = Rig::new();
    let lee = rig.live("lee", Role::User);
    rig.publish([rig.removal(5, "park", 2)]);
    // A cursor at the head, and an answer of the store that is older than the loss.
    let (kim, live) = rig.subscribe_at("kim", Role::User, &head(LIFE, 5, 1));
    assert!(!live);
    rig.publish([rig.message(6)]);
    assert!(kim.session.take().live.is_empty());
    assert_eq!(lee.session.take().live, [5, 6]);
}

#[test]
fn who_was_let_in_again_is_not_ended_by_a_late_or_repeated_removal() {
    let rig = Rig::new();
    let lee = rig.live("lee", Role::User);
    let removal = rig.removal(5, "kim", 2);
    rig.publish([Arc::clone(&removal)]);
    rig.publish([rig.message(6)]);
    let (kim, live) = rig.subscribe_at("kim", Role::User, &head(LIFE, 6, 2));
    assert!(live, "decided behind the loss");
    rig.publish([removal]);
    rig.publish([rig.message(7)]);
    let seen = kim.session.take();
    assert_eq!((seen.live, seen.ended), (vec![7], vec![]));
    assert_eq!(lee.session.take().live, [5, 6, 7]);
}

#[tokio::test]
async fn a_removal_of_an_earlier_life_takes_nothing_in_the_next() {
    let rig = Rig::new();
    let [kim, lee] = ["kim", "lee"].map(|id| rig.live(id, Role::User));
    // Made again, which nobody here has heard of; kim falls behind by a hole and finds out.
    rig.publish([rig.message(9)]);
    *rig.store.room.lock() = Some(FakeRoom {
        head: head(NEXT_LIFE, 0, 1),
        messages: Vec::new(),
        id: rig.room.clone(),
        standings: BTreeMap::from([(user("kim"), Standing::Member(MemberRole::Owner))]),
    });
    let reset = CatchUp::Reset(head(NEXT_LIFE, 0, 1));
    let caught_up = kim.catch_up(&rig.store);
    assert_eq!(caught_up.await, reset);
    rig.publish([rig.removal(5, "kim", 2)]);
    assert!(kim.session.take().ended.is_empty());
    assert_eq!(kim.catch_up(&rig.store).await, CatchUp::Live);
    rig.publish([rig.entry(NEXT_LIFE, 1, None)]);
    assert_eq!(kim.session.take().live, [1]);
    let lost = CatchUp::Ended(Ended::AccessLost);
    assert_eq!(
        lee.catch_up(&rig.store).await,
        lost,
        "lee is in the old life only"
    );
}

#[tokio::test]
async fn a_deletion_ends_who_is_in_that_life_and_nobody_who_asked_for_the_next() {
    let rig = Rig::new();
    let [kim, lee] = ["kim", "lee"].map(|id| rig.live(id, Role::User));
    // Comes back with a position of the old life, to a room that was made again.
    let session = Arc::new(Session::default());
    let outlet = Arc::clone(&session) as Arc<dyn Outlet>;
    let rooms = rig.hub.rooms();
    let back = rooms.register(&rig.room, outlet, 0, user("park"), Role::User);
    let old = head(LIFE, 4, 1).position();
    let (subscription, live) = back.start(old, &member_of(&head(NEXT_LIFE, 0, 1))).unwrap();
    assert!(!live);
    rooms.deleted(&rig.room, LIFE);
    for gone in [kim, lee] {
        assert_eq!(gone.session.take().ended, [Ended::RoomGone]);
    }
    assert!(session.take().ended.is_empty());
    drop(subscription);
}

#[tokio::test]
async fn who_was_registered_before_a_deletion_and_started_after_it_is_not_live_in_a_dead_room() {
    let rig = Rig::new();
    let lee = rig.live("lee", Role::User);
    let session = Arc::new(Session::default());
    let outlet = Arc::clone(&session) as Arc<dyn Outlet>;
    let rooms = rig.hub.rooms();
    let registration = rooms.register(&rig.room, outlet, 0, user("kim"), Role::User);
    let before = head(LIFE, 4, 1);
    *rig.store.room.lock() = None;
    rooms.deleted(&rig.room, LIFE);
    let (subscription, live) = registration
        .start(before.position(), &member_of(&before))
        .unwrap();
    assert!(!live);
    let kim = Reader {
        session,
        subscription,
    };
    let gone = CatchUp::Ended(Ended::RoomGone);
    assert_eq!(kim.catch_up(&rig.store).await, gone);
    assert_eq!(lee.session.take().ended, [Ended::RoomGone]);
}

#[tokio::test]
async fn an_entry_of_another_life_makes_everybody_find_out_which_life_the_room_has() {
    let rig = Rig::new();
    let [kim, lee] = ["kim", "lee"].map(|id| rig.live(id, Role::User));
    let member = Standing::Member(MemberRole::Member);
    *rig.store.room.lock() = Some(FakeRoom {
        head: head(NEXT_LIFE, 1, 1),
        messages: vec![rig.entry(NEXT_LIFE, 1, None)],
        id: rig.room.clone(),
        standings: BTreeMap::from([(user("kim"), member)]),
    });
    rig.publish([rig.entry(NEXT_LIFE, 1, None)]);
    for reader in [&kim, &lee] {
        let seen = reader.session.take();
        assert_eq!((seen.live, seen.lagging), (vec![], 1));
    }
    let reset = CatchUp::Reset(head(NEXT_LIFE, 1, 1));
    assert_eq!(kim.catch_up(&rig.store).await, reset);
    assert_eq!(kim.catch_up(&rig.store).await, CatchUp::Live);
    assert_eq!(kim.session.take().from_log, [1]);
    let lost = CatchUp::Ended(Ended::AccessLost);
    assert_eq!(lee.catch_up(&rig.store).await, lost);
    assert!(lee.session.take().from_log.is_empty());
}

/// Kim joins, leaves.
fn comes_or_goes(rig: &Rig, seq: u64, kind: MessageKind) -> Arc<Message> {
    let mut entry = Message::clone(&rig.message(seq));
    entry.kind = kind;
    let kim = Person {
        user: user("kim"),
        name: None,
    };
    entry.extra = Some(Box::new(Extra {
        subjects: vec![kim],
        ..Extra::default()
    }));
    Arc::new(entry)
}

#[tokio::test]
async fn what_members_do_is_told_by_where_one_stands_now_and_not_by_old_entries() {
    let rig = Rig::new();
    {
        let mut room = rig.store.room.lock();
        let log = &mut room.as_mut().unwrap().messages;
        log[1] = comes_or_goes(&rig, 2, MessageKind::Joined);
    }
    let session = Arc::new(Session::default());
    let outlet = Arc::clone(&session) as Arc<dyn Outlet>;
    let rooms = rig.hub.rooms();
    let registration = rooms.register(&rig.room, outlet, 0, user("kim"), Role::User);
    // They left with entry 4, which is not read yet, and read the open room from its beginning on.
    let now = head(LIFE, 4, 1);
    let mut view = member_of(&now);
    view.room.detail = RoomDetail::Open;
    view.standing = Standing::Stranger;
    let beginning = Position {
        seq: Seq::ZERO,
        ..now.position()
    };
    let (subscription, _) = registration.start(beginning, &view).unwrap();
    let kim = Reader {
        session,
        subscription,
    };
    assert_eq!(kim.catch_up(&rig.store).await, CatchUp::Live);
    rig.signal();
    assert_eq!(kim.session.take().signals, 0, "they joined long ago");
    for (seq, kind, heard) in [(5, MessageKind::Joined, 1), (6, MessageKind::Left, 0)] {
        let entry = comes_or_goes(&rig, seq, kind);
        rig.stored(&[Arc::clone(&entry)]);
        rig.publish([entry]);
        rig.signal();
        assert_eq!(kim.session.take().signals, heard, "{kind:?}");
    }
}

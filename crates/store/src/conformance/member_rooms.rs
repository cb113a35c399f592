//! Rooms of members themselves: making, changing and deleting them.

use std::sync::Arc;

use madang_domain::{
    Code, Command, MemberRole, MessageKind, Position, Profile, ProfileChange, Role, RoomAction,
    RoomKind, Seq, Standing,
};

use super::*;

const MEMBER: MemberRole = MemberRole::Member;
const MODERATOR: MemberRole = MemberRole::Moderator;
const OWNER: MemberRole = MemberRole::Owner;
const HOST: (&str, Role) = ("shop", Role::Service);

/// Its owner and members, with an empty log and everybody told.
pub async fn a_new_room_has_its_owner_and_members(factory: &dyn Factory) {
    let store = factory.fresh().await;
    for kind in [RoomKind::Group, RoomKind::Open] {
        let id = format!("{kind:?}");
        let mut wanted = new_room(kind, &id, Some("kim"), &["lee", "park", "kim", "lee"]);
        wanted.members[0].1 = MODERATOR;
        wanted.members[1].1 = OWNER;
        wanted.profile = Profile {
            title: Some(Arc::from("제목")),
            description: Some(Arc::from("설명\n")),
            picture: Some(Arc::from("https://x/y")),
            context: Some(Arc::from(r#"{"a":1}"#)),
        };
        wanted.at = at(7);
        let profile = wanted.profile.clone();
        let done = commit(&*store, Command::Create(Box::new(wanted.clone()))).await;
        let done = done.unwrap();
        assert!(done.entries.is_empty());
        let told: Vec<_> = done.changes.iter().map(|c| c.user.to_string()).collect();
        assert_eq!(told, ["kim", "lee", "park"]);
        assert!(done.changes.iter().all(|change| since(change) == Some(0)));
        let (made, is_new) = room_of(done);
        assert!(is_new);
        assert_eq!(Some(&made), room(&*store, &id).await.as_ref());
        let by_number = store.room_by_number(made.number).await.unwrap();
        assert_eq!(by_number.as_ref(), Some(&made));
        assert_eq!((made.kind(), made.created_at), (kind, at(7)));
        assert_eq!((&made.profile, made.member_count), (&profile, 3));
        assert_eq!(made.owner, Some(person("kim")));
        assert_eq!((made.head.last.get(), made.head.oldest.get()), (0, 1));
        // One room has one owner.
        let expected = [("kim", OWNER), ("lee", MODERATOR), ("park", MODERATOR)];
        assert_eq!(members(&*store, &id).await, named(&expected));
        for (id, _) in expected {
            assert!(
                rooms_of(&*store, id)
                    .await
                    .iter()
                    .any(|r| r.view.room == made)
            );
        }
        let again = commit(&*store, Command::Create(Box::new(wanted))).await;
        assert_eq!(
            again.unwrap_err().code(),
            Code::BodyInvalid,
            "the id is taken"
        );
    }
    assert_eq!(store.room_by_number(999_999).await.unwrap(), None);
    assert_eq!(store.room_by_number(u64::MAX).await.unwrap(), None);
}

/// For members alone, and for nobody in particular.
pub async fn a_host_makes_rooms(factory: &dyn Factory) {
    let store = factory.fresh().await;
    let (made, _) = create(
        &*store,
        new_room(RoomKind::Group, "g", None, &["lee", "kim"]),
    )
    .await;
    assert_eq!(made.owner, Some(person("lee")));
    assert_eq!(
        members(&*store, "g").await,
        named(&[("kim", MEMBER), ("lee", OWNER)])
    );
    let (made, _) = create(&*store, new_room(RoomKind::Open, "o", None, &[])).await;
    assert_eq!((made.owner, made.member_count), (None, 0));
    act(&*store, "o", "kim", RoomAction::Join).await.unwrap();
    let left = act(&*store, "o", "kim", RoomAction::Leave).await.unwrap();
    assert_eq!(left.deleted, None, "the host's room is not its visitors'");
    assert_eq!(room(&*store, "o").await.unwrap().member_count, 0);
    for kind in [RoomKind::Support, RoomKind::Desk, RoomKind::Inbox] {
        let wanted = new_room(kind, "x", Some("kim"), &[]);
        let refused = commit(&*store, Command::Create(Box::new(wanted))).await;
        assert_eq!(refused.unwrap_err().code(), Code::BodyInvalid);
    }
}

/// One room for each pair and context, whoever asks; who left is brought back.
pub async fn a_direct_room_is_found_again(factory: &dyn Factory) {
    let store = factory.fresh().await;
    let direct = |id: &str, owner, other: &str, context: Option<&str>| {
        let mut wanted = new_room(RoomKind::Direct, id, owner, &[other]);
        wanted.profile.context = context.map(Arc::from);
        wanted
    };
    let (first, made) = create(&*store, direct("d1", Some("kim"), "lee", None)).await;
    assert!(made);
    assert_eq!(
        members(&*store, "d1").await,
        named(&[("kim", OWNER), ("lee", OWNER)])
    );
    let (found, made) = create(&*store, direct("d2", Some("lee"), "kim", None)).await;
    assert_eq!((found, made), (first, false));
    assert_eq!(room(&*store, "d2").await, None);
    for (id, owner, other, context) in [
        ("d3", "kim", "lee", Some(r#"{"item":1}"#)),
        ("d4", "kim", "lee", Some(r#"{"item":2}"#)),
        ("d5", "kim", "park", None),
        ("d6", "ki", "mlee", None),
    ] {
        let (other, made) = create(&*store, direct(id, Some(owner), other, context)).await;
        assert!(made && other.id.as_str() == id, "{id}");
    }
    say(&*store, "d1", "lee", "hello").await;
    act(&*store, "d1", "lee", RoomAction::Leave).await.unwrap();
    assert_eq!(standing(&*store, "d1", "lee").await, Standing::Stranger);
    say(&*store, "d1", "kim", "are you there").await;
    let mut by_host = new_room(RoomKind::Direct, "d7", None, &["kim", "lee"]);
    by_host.at = at(9);
    let done = commit(&*store, Command::Create(Box::new(by_host)))
        .await
        .unwrap();
    assert_eq!(kinds(&done.entries), [MessageKind::Added]);
    assert_eq!(done.entries[0].subjects(), [person("lee")]);
    assert_eq!(done.changes.len(), 1);
    assert_eq!(
        (done.changes[0].user.as_str(), since(&done.changes[0])),
        ("lee", Some(3))
    );
    assert_eq!(room_of(done).0.member_count, 2);
    assert_eq!(
        unread(&*store, "lee").await,
        0,
        "their mark begins at the head"
    );
    for id in ["kim", "lee"] {
        let left = act(&*store, "d1", id, RoomAction::Leave).await.unwrap();
        assert_eq!(
            left.deleted.is_some(),
            id == "lee",
            "with the last of the two"
        );
    }
    assert_eq!(room(&*store, "d1").await, None);
    let (again, made) = create(&*store, direct("d8", Some("kim"), "lee", None)).await;
    assert!(made && again.id.as_str() == "d8");
    for wrong in [
        direct("x", Some("kim"), "kim", None),
        new_room(RoomKind::Direct, "x", None, &["a"]),
    ] {
        let refused = commit(&*store, Command::Create(Box::new(wrong))).await;
        assert_eq!(refused.unwrap_err().code(), Code::BodyInvalid);
    }
}

/// An entry for each change of a profile.
pub async fn editing_a_room(factory: &dyn Factory) {
    let store = factory.fresh().await;
    group(&*store, "g", "kim", &["lee"]).await;
    let change = ProfileChange {
        title: Some(Some(Arc::from("새 제목"))),
        picture: Some(Some(Arc::from("/pictures/1.png"))),
        context: Some(Some(Arc::from("{}"))),
        ..ProfileChange::default()
    };
    let edit = || RoomAction::Edit(change.clone());
    let refused = act(&*store, "g", "lee", edit()).await;
    assert_eq!(refused.unwrap_err(), Code::RoleRequired);
    let done = act(&*store, "g", "kim", edit()).await.unwrap();
    assert_eq!(kinds(&done.entries), [MessageKind::RoomChanged]);
    assert_eq!(done.released, None, "it had no picture");
    let (edited, changed) = room_of(done);
    assert_eq!((room(&*store, "g").await, changed), (Some(edited), true));
    let same = act_as(&*store, "g", HOST, edit()).await.unwrap();
    assert!(same.entries.is_empty() && same.released.is_none());
    assert!(!room_of(same).1);
    let profile = room(&*store, "g").await.unwrap().profile;
    assert_eq!(profile, change.apply(&Profile::default()));
    let long = ProfileChange {
        title: Some(Some("x".repeat(1_000).into())),
        ..ProfileChange::default()
    };
    let refused = act(&*store, "g", "kim", RoomAction::Edit(long)).await;
    assert_eq!(refused.unwrap_err(), Code::BodyInvalid);
    create(
        &*store,
        new_room(RoomKind::Direct, "d", Some("kim"), &["lee"]),
    )
    .await;
    let refused = act_as(&*store, "d", HOST, edit()).await;
    assert_eq!(
        refused.unwrap_err(),
        Code::BodyInvalid,
        "whose room it is depends on it"
    );
    assert_eq!(room(&*store, "g").await.unwrap().profile, profile);
}

/// Nothing of it is found by any call.
pub async fn deleting_a_room_of_members(factory: &dyn Factory) {
    let store = factory.fresh().await;
    let before = group(&*store, "g", "kim", &["lee", "park"]).await;
    let remove = RoomAction::Remove(user("park"));
    act(&*store, "g", "kim", remove).await.unwrap();
    fill_of(&*store, "g", "lee", 500).await;
    let refused = act(&*store, "g", "lee", RoomAction::Delete).await;
    assert_eq!(refused.unwrap_err(), Code::RoleRequired);
    let deleted = act(&*store, "g", "kim", RoomAction::Delete).await.unwrap();
    assert_eq!(deleted.deleted.map(|(room, _)| room), Some(room_id("g")));
    let store = factory.reopen(store).await;
    assert_eq!(store.room_by_number(before.number).await.unwrap(), None);
    assert_eq!(store.members(&room_id("g"), None, 5).await.unwrap(), None);
    for id in ["kim", "lee"] {
        assert!(room_ids(&*store, id).await.is_empty());
        assert_eq!(unread(&*store, id).await, 0);
    }
    let acquainted = store.acquainted(&user("kim"), &[user("lee")]).await;
    assert_eq!(acquainted.unwrap(), [false]);
    let again = group(&*store, "g", "lee", &[]).await;
    assert_ne!(
        again.number, before.number,
        "a number is never given out twice"
    );
    assert_eq!(standing(&*store, "g", "park").await, Standing::Stranger);
    let mark = Position {
        epoch: before.head.epoch,
        seq: Seq::new(3),
    };
    let (id, lee) = (room_id("g"), user("lee"));
    assert_eq!(store.advance_read(&id, &lee, mark).await.unwrap(), None);
}

/// A room names the picture that it lets go of, and no other.
pub async fn letting_go_of_a_picture(factory: &dyn Factory) {
    let store = factory.fresh().await;
    group(&*store, "g", "kim", &["lee"]).await;
    let show = |picture: Option<&str>| {
        RoomAction::Edit(ProfileChange {
            picture: Some(picture.map(Arc::from)),
            ..ProfileChange::default()
        })
    };
    let released = async |action| {
        let done = act(&*store, "g", "kim", action).await.unwrap();
        done.released.as_deref().map(str::to_owned)
    };
    assert_eq!(released(show(Some("one"))).await, None);
    assert_eq!(released(show(Some("two"))).await.as_deref(), Some("one"));
    let title = RoomAction::Edit(ProfileChange {
        title: Some(None),
        ..ProfileChange::default()
    });
    assert_eq!(released(title).await, None, "it has the picture still");
    assert_eq!(released(show(None)).await.as_deref(), Some("two"));
    assert_eq!(released(show(Some("three"))).await, None);
    assert_eq!(
        released(RoomAction::Leave).await,
        None,
        "another has it now"
    );
    let ended = act(&*store, "g", "lee", RoomAction::Leave).await.unwrap();
    assert_eq!(ended.released.as_deref(), Some("three"));
    group(&*store, "g", "kim", &[]).await;
    assert_eq!(released(show(Some("four"))).await, None);
    assert_eq!(released(RoomAction::Delete).await.as_deref(), Some("four"));
}

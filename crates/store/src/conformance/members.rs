//! Rooms of members: making them, and who belongs to them.

use std::sync::Arc;

use madang_domain::membership::ADDED_AT_ONCE_MAX;
use madang_domain::{
    Code, Command, MemberRole, MessageKind, Position, Profile, ProfileChange, Role, RoomAction,
    RoomKind, RoomsChange, Seq, Standing,
};

use super::*;

const MEMBER: MemberRole = MemberRole::Member;
const MODERATOR: MemberRole = MemberRole::Moderator;
const OWNER: MemberRole = MemberRole::Owner;
const HOST: (&str, Role) = ("shop", Role::Service);

fn named(list: &[(&str, MemberRole)]) -> Vec<(String, MemberRole)> {
    let list = list.iter().map(|(id, role)| ((*id).to_owned(), *role));
    list.collect()
}

fn since(change: &RoomsChange) -> Option<u64> {
    change.since.map(|position| position.seq.get())
}

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

/// An open room: an entry for each, once; who leaves may still read.
pub async fn joining_and_leaving(factory: &dyn Factory) {
    let store = factory.fresh().await;
    create(&*store, new_room(RoomKind::Open, "o", Some("kim"), &[])).await;
    say(&*store, "o", "kim", "first").await;
    let joined = act(&*store, "o", "lee", RoomAction::Join).await.unwrap();
    assert_eq!(kinds(&joined.entries), [MessageKind::Joined]);
    assert_eq!(joined.entries[0].subjects(), [person("lee")]);
    assert_eq!(joined.changes.len(), 1);
    assert_eq!(since(&joined.changes[0]), Some(1));
    let (found, is_new) = room_of(joined);
    assert_eq!(
        (is_new, found.member_count, found.head.last.get()),
        (true, 2, 2)
    );
    assert_eq!(
        standing(&*store, "o", "lee").await,
        Standing::Member(MEMBER)
    );
    let again = act(&*store, "o", "lee", RoomAction::Join).await.unwrap();
    assert!(again.entries.is_empty() && again.changes.is_empty());
    assert_eq!(room_of(again), (found, false));
    say(&*store, "o", "lee", "second").await;
    let left = act(&*store, "o", "lee", RoomAction::Leave).await.unwrap();
    assert_eq!(kinds(&left.entries), [MessageKind::Left]);
    assert_eq!(left.entries[0].revokes(), None);
    assert_eq!((left.changes.len(), since(&left.changes[0])), (1, None));
    assert_eq!(standing(&*store, "o", "lee").await, Standing::Stranger);
    assert!(room_ids(&*store, "lee").await.is_empty());
    let found = room(&*store, "o").await.unwrap();
    assert_eq!((found.member_count, found.head.access_version), (1, 0));
    for (room, who, code) in [
        ("o", "lee", Code::NotYourRoom),
        ("nowhere", "lee", Code::RoomNotFound),
    ] {
        let refused = act(&*store, room, who, RoomAction::Leave).await;
        assert_eq!(refused.unwrap_err(), code);
    }
    let last = act(&*store, "o", "kim", RoomAction::Leave).await.unwrap();
    assert_eq!(last.deleted.map(|(room, _)| room), Some(room_id("o")));
    assert_eq!(room(&*store, "o").await, None);
}

/// New ones only, in one entry; nobody new, no entry.
pub async fn adding(factory: &dyn Factory) {
    let store = factory.fresh().await;
    group(&*store, "g", "kim", &["lee"]).await;
    let add = |ids: &[&str]| RoomAction::Add(people(ids), MEMBER);
    let added = act(&*store, "g", "lee", add(&["park", "kim", "choi", "park"]))
        .await
        .unwrap();
    assert_eq!(kinds(&added.entries), [MessageKind::Added]);
    assert_eq!(added.entries[0].subjects(), people(&["park", "choi"]));
    assert_eq!(added.entries[0].extra.as_ref().unwrap().role, Some(MEMBER));
    let told: Vec<_> = added
        .changes
        .iter()
        .map(|c| (c.user.as_str(), since(c)))
        .collect();
    assert_eq!(told, [("park", Some(0)), ("choi", Some(0))]);
    assert_eq!(count_of(added), 2);
    assert_eq!(room(&*store, "g").await.unwrap().member_count, 4);
    for nobody in [&["kim", "park"][..], &[]] {
        let done = act(&*store, "g", "kim", add(nobody)).await.unwrap();
        assert!(done.entries.is_empty() && done.changes.is_empty());
        assert_eq!(count_of(done), 0);
    }
    let names: Vec<String> = (0..=ADDED_AT_ONCE_MAX).map(|n| format!("u{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let refused = act(&*store, "g", "kim", add(&names)).await;
    assert_eq!(refused.unwrap_err(), Code::BodyInvalid);
    let all = act(&*store, "g", "kim", add(&names[1..])).await.unwrap();
    assert_eq!(count_of(all), ADDED_AT_ONCE_MAX);
    let as_owner = RoomAction::Add(people(&["x"]), OWNER);
    let refused = act(&*store, "g", "kim", as_owner).await;
    assert_eq!(refused.unwrap_err(), Code::RoleRequired);
    let as_moderator = RoomAction::Add(people(&["x"]), MODERATOR);
    let refused = act(&*store, "g", "lee", as_moderator.clone()).await;
    assert_eq!(refused.unwrap_err(), Code::RoleRequired);
    act_as(&*store, "g", HOST, as_moderator).await.unwrap();
    assert_eq!(
        standing(&*store, "g", "x").await,
        Standing::Member(MODERATOR)
    );
    let refused = act(&*store, "g", "stranger", add(&["y"])).await;
    assert_eq!(refused.unwrap_err(), Code::NotYourRoom);
}

/// They lose the right to read, and come back only by being added.
pub async fn removing_shuts_out(factory: &dyn Factory) {
    let store = factory.fresh().await;
    create(
        &*store,
        new_room(RoomKind::Open, "o", Some("kim"), &["lee", "park"]),
    )
    .await;
    let remove = |id: &str| RoomAction::Remove(user(id));
    for (who, whom, code) in [
        ("lee", "park", Code::RoleRequired),
        ("kim", "choi", Code::MemberNotFound),
        ("kim", "kim", Code::RoleRequired),
    ] {
        let refused = act(&*store, "o", who, remove(whom)).await;
        assert_eq!(refused.unwrap_err(), code);
    }
    let removed = act(&*store, "o", "kim", remove("lee")).await.unwrap();
    assert_eq!(kinds(&removed.entries), [MessageKind::Removed]);
    assert_eq!(removed.entries[0].subjects(), [person("lee")]);
    assert_eq!(removed.entries[0].revokes(), Some(&(user("lee"), 1)));
    assert_eq!(
        (removed.changes[0].user.as_str(), since(&removed.changes[0])),
        ("lee", None)
    );
    let found = room(&*store, "o").await.unwrap();
    assert_eq!((found.member_count, found.head.access_version), (2, 1));
    let store = factory.reopen(store).await;
    assert_eq!(standing(&*store, "o", "lee").await, Standing::Removed);
    assert!(room_ids(&*store, "lee").await.is_empty());
    let join = act(&*store, "o", "lee", RoomAction::Join).await;
    assert_eq!(join.unwrap_err(), Code::NotYourRoom);
    let add = || RoomAction::Add(people(&["choi", "lee"]), MEMBER);
    let refused = act(&*store, "o", "park", add()).await;
    assert_eq!(refused.unwrap_err(), Code::RoleRequired);
    assert_eq!(
        standing(&*store, "o", "choi").await,
        Standing::Stranger,
        "nobody of them"
    );
    assert_eq!(count_of(act(&*store, "o", "kim", add()).await.unwrap()), 2);
    assert_eq!(
        standing(&*store, "o", "lee").await,
        Standing::Member(MEMBER)
    );
    act(&*store, "o", "lee", RoomAction::Leave).await.unwrap();
    act(&*store, "o", "lee", RoomAction::Join).await.unwrap();
}

/// The owner gives them; there is always exactly one owner.
pub async fn roles(factory: &dyn Factory) {
    let store = factory.fresh().await;
    group(&*store, "g", "kim", &["lee", "park"]).await;
    let give = |id: &str, role| RoomAction::SetRole(user(id), role);
    let done = act(&*store, "g", "kim", give("lee", MODERATOR))
        .await
        .unwrap();
    assert_eq!(kinds(&done.entries), [MessageKind::RoleChanged]);
    assert_eq!(done.entries[0].subjects(), [person("lee")]);
    assert_eq!(
        done.entries[0].extra.as_ref().unwrap().role,
        Some(MODERATOR)
    );
    let same = act(&*store, "g", "kim", give("lee", MODERATOR))
        .await
        .unwrap();
    assert!(same.entries.is_empty());
    assert_eq!(count_of(same), 0);
    for (who, whom, role, code) in [
        ("lee", "park", MODERATOR, Code::RoleRequired),
        ("kim", "choi", MODERATOR, Code::MemberNotFound),
        ("kim", "kim", MEMBER, Code::RoleRequired),
        ("choi", "lee", MEMBER, Code::NotYourRoom),
    ] {
        let refused = act(&*store, "g", who, give(whom, role)).await;
        assert_eq!(refused.unwrap_err(), code, "{who} {whom}");
    }
    let refused = act_as(&*store, "g", HOST, give("kim", MEMBER)).await;
    assert_eq!(refused.unwrap_err(), Code::RoleRequired);
    let given = act(&*store, "g", "kim", give("park", OWNER)).await.unwrap();
    let roles = given.entries.iter().map(|entry| {
        let role = entry.extra.as_ref().unwrap().role.unwrap();
        (entry.subjects()[0].user.as_str(), role)
    });
    assert_eq!(
        roles.collect::<Vec<_>>(),
        [("park", OWNER), ("kim", MODERATOR)]
    );
    assert_eq!(
        room(&*store, "g").await.unwrap().owner,
        Some(person("park"))
    );
    let expected = [("kim", MODERATOR), ("lee", MODERATOR), ("park", OWNER)];
    assert_eq!(members(&*store, "g").await, named(&expected));
    let gone = act_as(&*store, "g", HOST, RoomAction::Remove(user("park"))).await;
    assert_eq!(gone.unwrap().entries.len(), 2, "somebody follows the owner");
    assert_eq!(
        members(&*store, "g").await,
        named(&[("kim", OWNER), ("lee", MODERATOR)])
    );
}

/// By the longest-standing moderator, else member; the last one ends the room.
pub async fn an_owner_who_leaves_is_followed(factory: &dyn Factory) {
    let store = factory.fresh().await;
    group(&*store, "g", "kim", &["z", "m"]).await;
    for id in ["a", "b"] {
        let add = RoomAction::Add(people(&[id]), MEMBER);
        act(&*store, "g", "kim", add).await.unwrap();
    }
    let raise = RoomAction::SetRole(user("b"), MODERATOR);
    act(&*store, "g", "kim", raise).await.unwrap();
    let mut owner = "kim".to_owned();
    for next in ["b", "m", "z", "a"] {
        let left = act(&*store, "g", &owner, RoomAction::Leave).await.unwrap();
        let expected = [MessageKind::RoleChanged, MessageKind::Left];
        assert_eq!(kinds(&left.entries), expected);
        assert_eq!(left.entries[0].subjects(), [person(next)]);
        let version = room(&*store, "g").await.unwrap().head.access_version;
        let revokes = (user(&owner), version);
        assert_eq!(left.entries[1].revokes(), Some(&revokes));
        let found = room(&*store, "g").await.unwrap();
        assert_eq!(found.owner, Some(person(next)));
        assert_eq!(standing(&*store, "g", next).await, Standing::Member(OWNER));
        next.clone_into(&mut owner);
    }
    let last = act(&*store, "g", "a", RoomAction::Leave).await.unwrap();
    let gone = last.deleted.map(|(room, _)| room);
    assert_eq!((gone, last.entries.len()), (Some(room_id("g")), 0));
    assert!(room_ids(&*store, "a").await.is_empty());
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

//! Who belongs to a room of members: who comes, goes, and may do what.

use madang_domain::membership::ADDED_AT_ONCE_MAX;
use madang_domain::{Code, MemberRole, MessageKind, Role, RoomAction, RoomKind, Standing};

use super::*;

const MEMBER: MemberRole = MemberRole::Member;
const MODERATOR: MemberRole = MemberRole::Moderator;
const OWNER: MemberRole = MemberRole::Owner;
const HOST: (&str, Role) = ("shop", Role::Service);

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

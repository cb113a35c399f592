//! What is known of users.

use std::sync::Arc;

use madang_domain::{Role, RoomAction, User, UserChange};

use super::*;

fn change(id: &str) -> UserChange {
    UserChange {
        id: user(id),
        name: None,
        picture: None,
        role: None,
    }
}

fn known(id: &str) -> User {
    User {
        id: user(id),
        name: None,
        picture: None,
        role: None,
        revoked_at: None,
    }
}

/// Each part replaces the one before it, or leaves it.
pub async fn parts_are_kept(factory: &dyn Factory) {
    let mut store = factory.fresh().await;
    let text = |text: &str| Some(Some(Arc::from(text)));
    let mut expected = known("kim");
    for (name, picture, role) in [
        (None, None, None),
        (text("김"), None, None),
        (None, text("https://x"), Some(Role::User)),
        (text("Kim 😀"), None, Some(Role::Agent)),
        (None, None, None),
        (Some(None), None, Some(Role::Admin)),
        (None, Some(None), None),
    ] {
        let mut change = change("kim");
        (change.name, change.picture, change.role) = (name, picture, role);
        if let Some(name) = &change.name {
            expected.name.clone_from(name);
        }
        if let Some(picture) = &change.picture {
            expected.picture.clone_from(picture);
        }
        expected.role = change.role.or(expected.role);
        for _ in 0..2 {
            store.upsert_users(vec![change.clone()]).await.unwrap();
            let found = store.users(&[user("kim")]).await.unwrap();
            assert_eq!(found, [Some(expected.clone())]);
        }
        store = factory.reopen(store).await;
    }
}

/// Many in one call and many calls at once; found in the order asked.
pub async fn many_at_once(factory: &dyn Factory) {
    let store = factory.fresh().await;
    let named = |n: usize, round: &str| UserChange {
        name: Some(Some(format!("{round} {n}").into())),
        ..change(&format!("u{n}"))
    };
    let all = (0..200).map(|n| named(n, "first")).collect();
    store.upsert_users(all).await.unwrap();
    let calls: Vec<_> = (0..100)
        .map(|n| store.upsert_users(vec![named(n, "then")]))
        .collect();
    for call in calls {
        call.await.unwrap();
    }
    let ids: Vec<_> = (0..210).rev().map(|n| user(&format!("u{n}"))).collect();
    let found = store.users(&ids).await.unwrap();
    for (n, found) in (0..210).rev().zip(found) {
        let name = found.and_then(|user| user.name);
        let expected = match n {
            0..100 => Some(format!("then {n}")),
            100..200 => Some(format!("first {n}")),
            _ => None,
        };
        assert_eq!(name.as_deref(), expected.as_deref());
    }
    store.upsert_users(Vec::new()).await.unwrap();
    assert!(store.users(&[]).await.unwrap().is_empty());
}

/// Whom a command names is known, by the name it gives until there is a better one.
pub async fn members_are_known(factory: &dyn Factory) {
    let store = factory.fresh().await;
    let mut wanted = new_room(
        madang_domain::RoomKind::Group,
        "g",
        Some("kim"),
        &["lee", "park"],
    );
    wanted.members[0].0.name = Some(Arc::from("이름"));
    create(&*store, wanted).await;
    let found = store
        .users(&["kim", "lee", "nobody"].map(user))
        .await
        .unwrap();
    let lee = User {
        name: Some(Arc::from("이름")),
        ..known("lee")
    };
    assert_eq!(found, [Some(known("kim")), Some(lee), None]);
    let better = UserChange {
        name: Some(Some(Arc::from("더 나은 이름"))),
        ..change("lee")
    };
    store.upsert_users(vec![better]).await.unwrap();
    act(&*store, "g", "lee", RoomAction::Leave).await.unwrap();
    let mut back = person("lee");
    back.name = Some(Arc::from("다른 이름"));
    let add = RoomAction::Add(vec![back], madang_domain::MemberRole::Member);
    act(&*store, "g", "kim", add).await.unwrap();
    let listed = store
        .members(&room_id("g"), None, 9)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(listed[1].person.name.as_deref(), Some("더 나은 이름"));
    let owner = UserChange {
        name: Some(Some(Arc::from("주인"))),
        ..change("kim")
    };
    store.upsert_users(vec![owner]).await.unwrap();
    let owner = room(&*store, "g").await.unwrap().owner.unwrap();
    assert_eq!(owner.name.as_deref(), Some("주인"));
}

/// The latest moment counts; they are listed by it.
pub async fn revoking_tokens(factory: &dyn Factory) {
    let mut store = factory.fresh().await;
    assert!(store.revocations(at(i64::MIN), 9).await.unwrap().is_empty());
    for (id, micros) in [
        ("kim", 30),
        ("lee", 10),
        ("kim", 20),
        ("park", 20),
        ("lee", 40),
    ] {
        store.revoke_tokens(&user(id), at(micros)).await.unwrap();
    }
    store
        .upsert_users(vec![UserChange::seen(&caller("kim", Role::User))])
        .await
        .unwrap();
    for _ in 0..2 {
        for (since, limit, expected) in [
            (0, 9, &["park", "kim", "lee"][..]),
            (20, 9, &["park", "kim", "lee"]),
            (21, 9, &["kim", "lee"]),
            (40, 9, &["lee"]),
            (41, 9, &[]),
            (0, 2, &["park", "kim"]),
        ] {
            let found = store.revocations(at(since), limit).await.unwrap();
            let ids: Vec<_> = found.iter().map(|(id, _)| id.as_str()).collect();
            assert_eq!(ids, expected, "since {since}");
        }
        let found = store
            .users(&[user("kim")])
            .await
            .unwrap()
            .remove(0)
            .unwrap();
        assert_eq!(
            (found.revoked_at, found.role),
            (Some(at(30)), Some(Role::User))
        );
        store = factory.reopen(store).await;
    }
}

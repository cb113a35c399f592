//! Sending again.

use std::sync::Arc;

use madang_domain::{Appended, Body, Code, Content, Draft, DraftGroup, Role, SupportState};

use super::*;

/// Twice in one group: one message.
pub async fn in_one_group(factory: &dyn Factory) {
    let store = factory.fresh().await;
    open(&*store, "kim").await;
    let drafts = vec![
        draft("kim", "a", Some("1")),
        draft("kim", "b", None),
        draft("kim", "changed", Some("1")),
    ];
    let outcome = send(&*store, vec![DraftGroup { drafts }])
        .await
        .remove(0)
        .unwrap();
    assert_eq!(outcome.len(), 3);
    assert!(matches!(outcome[2], Appended::Repeat(_)));
    assert_eq!(outcome[2].message(), outcome[0].message());
    assert_eq!(seqs(&whole_log(&*store, "kim").await), [1, 2]);
}

/// Twice in one batch: one message.
pub async fn in_one_batch(factory: &dyn Factory) {
    let store = factory.fresh().await;
    open(&*store, "kim").await;
    let drafts = (0..3)
        .map(|n| draft("kim", &n.to_string(), Some("same")))
        .collect();
    let outcomes = append(&*store, drafts).await;
    assert_eq!(repeat(&outcomes[1]), new(&outcomes[0]));
    assert_eq!(repeat(&outcomes[2]), new(&outcomes[0]));
    assert_eq!(whole_log(&*store, "kim").await.len(), 1);
}

/// In a later batch the first message is answered, also when long ago.
pub async fn in_a_later_batch(factory: &dyn Factory) {
    let store = factory.fresh().await;
    open(&*store, "kim").await;
    let first = append_one(&*store, draft("kim", "a", Some("1"))).await;
    for _ in 0..5 {
        fill(&*store, "kim", 50).await;
        let again = append_one(&*store, draft("kim", "other text", Some("1"))).await;
        assert_eq!(repeat(&again), new(&first));
    }
    assert_eq!(whole_log(&*store, "kim").await.len(), 251);
}

/// The server's restart forgets nothing.
pub async fn after_reopening(factory: &dyn Factory) {
    let mut store = factory.fresh().await;
    open(&*store, "kim").await;
    let first = append_one(&*store, draft("kim", "a", Some("1"))).await;
    for _ in 0..3 {
        store = factory.reopen(store).await;
        let again = append_one(&*store, draft("kim", "a", Some("1"))).await;
        assert_eq!(repeat(&again), new(&first));
        fill(&*store, "kim", 100).await;
    }
}

/// A client id is its sender's and its room's own, and compares byte by byte.
pub async fn of_another_sender_or_room_are_none(factory: &dyn Factory) {
    let store = factory.fresh().await;
    for id in ["kim", "lee"] {
        open(&*store, id).await;
        claim(&*store, id, "park").await;
    }
    let drafts = vec![
        draft("kim", "x", Some("é")),
        draft_of("kim", "park", Role::Agent, "x", Some("é")),
        draft_of("lee", "park", Role::Agent, "x", Some("é")),
        draft("kim", "x", Some("e\u{301}")),
        draft("kim", "x", Some("é ")),
        draft("kim", "x", Some("É")),
    ];
    for round in 0..2 {
        for outcome in append(&*store, drafts.clone()).await {
            match round {
                0 => new(&outcome),
                _ => repeat(&outcome),
            };
        }
    }
}

/// A client id that named something else is refused: nobody is told that a message is deleted when
/// it is not.
pub async fn of_another_kind_are_refused(factory: &dyn Factory) {
    let mut store = factory.fresh().await;
    group(&*store, "g", "kim", &[]).await;
    let of_kim = |content, id: &str| Draft {
        client_id: client_id(id),
        ..content_of("g", "kim", Role::User, content)
    };
    let text = || Content::Message(Body::new("text", None).unwrap());
    for (content, id) in [
        (text(), "m"),
        (text(), "n"),
        (edit(1, "changed"), "e"),
        (delete(2), "d"),
    ] {
        new(&append_one(&*store, of_kim(content, id)).await);
    }
    let before = whole_log(&*store, "g").await;
    for _ in 0..2 {
        for (content, id) in [
            (delete(1), "m"),
            (edit(1, "changed"), "m"),
            (text(), "e"),
            (delete(1), "e"),
            (edit(2, "changed"), "e"),
            (text(), "d"),
            (edit(2, "changed"), "d"),
            (delete(1), "d"),
        ] {
            let refused = append_one(&*store, of_kim(content.clone(), id)).await;
            assert_eq!(refused, Err(Code::ParameterInvalid), "{id} {content:?}");
        }
        assert_eq!(whole_log(&*store, "g").await, before);
        store = factory.reopen(store).await;
    }
}

/// Each attempt is a message of its own.
pub async fn without_a_client_id_are_none(factory: &dyn Factory) {
    let store = factory.fresh().await;
    open(&*store, "kim").await;
    for outcome in append(&*store, vec![draft("kim", "x", None); 5]).await {
        new(&outcome);
    }
}

/// Nothing is remembered of a refused group.
pub async fn of_a_refused_group_are_none(factory: &dyn Factory) {
    let store = factory.fresh().await;
    open(&*store, "kim").await;
    let drafts = vec![
        draft("kim", "a", Some("1")),
        draft("nobody", "b", Some("1")),
    ];
    let outcome = send(&*store, vec![DraftGroup { drafts }]).await.remove(0);
    assert_eq!(outcome, Err(Code::RoomNotFound));
    let outcome = append_one(&*store, draft("kim", "a", Some("1"))).await;
    assert_eq!(new(&outcome).position.seq.get(), 1);
}

/// Of many attempts at once exactly one is new.
pub async fn at_the_same_time(factory: &dyn Factory) {
    let store = factory.fresh().await;
    let other = factory.another(&store).await;
    open(&*store, "kim").await;
    for round in 0..20 {
        let id = round.to_string();
        let tasks: Vec<_> = (0..8)
            .map(|n| {
                let store = other
                    .clone()
                    .filter(|_| n % 2 == 1)
                    .unwrap_or(Arc::clone(&store));
                let draft = draft("kim", "x", Some(&id));
                tokio::spawn(async move { append_one(&*store, draft).await.unwrap() })
            })
            .collect();
        let mut fresh = 0;
        for task in tasks {
            let outcome = task.await.unwrap();
            assert_eq!(outcome.message().position.seq.get(), round + 1);
            fresh += u32::from(matches!(outcome, Appended::New(_)));
        }
        assert_eq!(fresh, 1);
    }
}

/// A message that was accepted is answered as accepted, though its sender may write no more.
pub async fn after_losing_the_right(factory: &dyn Factory) {
    let store = factory.fresh().await;
    open(&*store, "kim").await;
    claim(&*store, "kim", "lee").await;
    let answer = || draft_of("kim", "lee", Role::Agent, "bye", Some("1"));
    let first = append_one(&*store, answer()).await;
    assert!(complete(&*store, "kim", "lee").await);
    let again = append_one(&*store, answer()).await;
    assert_eq!(repeat(&again), new(&first));
}

/// A repeat neither reopens the room nor takes a number.
pub async fn change_nothing(factory: &dyn Factory) {
    let store = factory.fresh().await;
    open(&*store, "kim").await;
    append_one(&*store, draft("kim", "x", Some("1")))
        .await
        .unwrap();
    claim(&*store, "kim", "lee").await;
    assert!(complete(&*store, "kim", "lee").await);
    let before = room(&*store, "kim").await.unwrap();
    repeat(&append_one(&*store, draft("kim", "x", Some("1"))).await);
    let after = room(&*store, "kim").await.unwrap();
    assert_eq!(after, before);
    assert_eq!(after.support().unwrap().state, SupportState::Completed);
}

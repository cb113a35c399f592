//! Rooms and the support desk.

use std::sync::Arc;

use madang_domain::ports::LogQuery;
use madang_domain::{ClaimOutcome, Code, Position, Role, Room, Seq, SupportState};

use super::*;

/// One room per customer, waiting; opening it again changes nothing.
pub async fn opening_is_idempotent(factory: &dyn Factory) {
    let store = factory.fresh().await;
    let kim = caller("kim", Role::User);
    let first = open_at(&*store, &kim, 5).await.0;
    assert_eq!(first.id.as_str(), "kim");
    assert_eq!(first.support().unwrap().customer, user("kim"));
    assert_eq!(first.support().unwrap().state, SupportState::Waiting);
    assert_eq!(
        (first.created_at, first.support().unwrap().inquired_at),
        (at(5), at(5))
    );
    assert_eq!((first.head.last.get(), first.head.oldest.get()), (0, 1));
    assert_eq!(open_at(&*store, &kim, 9).await.0, first);
    assert_eq!(room(&*store, "kim").await, Some(first.clone()));
    claim(&*store, "kim", "lee").await;
    fill(&*store, "kim", 3).await;
    let now = open_at(&*store, &kim, 9).await.0;
    assert!(now.support().unwrap().is_assigned_to(&user("lee")));
    assert_eq!(said(&whole_log(&*store, "kim").await).len(), 3);
    assert_eq!(now.head.epoch, first.head.epoch);
}

/// A name or number that the token has replaces the one before; one that it lacks does not.
pub async fn opening_refreshes_what_the_caller_has(factory: &dyn Factory) {
    let store = factory.fresh().await;
    let mut kim = caller("kim", Role::User);
    for (name, member, expected) in [
        (None, None, (None, None)),
        (Some("Kim"), None, (Some("Kim"), None)),
        (None, Some("7"), (Some("Kim"), Some("7"))),
        (Some("Minji 민지"), None, (Some("Minji 민지"), Some("7"))),
        (None, None, (Some("Minji 민지"), Some("7"))),
    ] {
        kim.name = name.map(Arc::from);
        kim.member_id = member.map(Arc::from);
        let opened = open_at(&*store, &kim, 1).await.0;
        let found = room(&*store, "kim").await.unwrap();
        assert_eq!(found, opened);
        let support = found.support().unwrap().clone();
        assert_eq!(
            (support.nickname.as_deref(), support.member_id.as_deref()),
            expected
        );
    }
}

/// Ids that a collation might take for the same are different rooms.
pub async fn ids_compare_byte_by_byte(factory: &dyn Factory) {
    let store = factory.fresh().await;
    let longest = "x".repeat(255);
    let ids = [
        "kim",
        "Kim",
        "kim ",
        " kim",
        "é",
        "e\u{301}",
        "ｋｉｍ",
        "ß",
        "ss",
        "😀",
        "😁",
        &longest,
    ];
    for id in ids {
        open(&*store, id).await;
        fill(&*store, id, 1).await;
    }
    for id in ids {
        let found = room(&*store, id).await.unwrap();
        assert_eq!((found.id.as_str(), found.head.last.get()), (id, 1));
    }
    claim(&*store, "kim", "Lee").await;
    assert!(!complete(&*store, "kim", "lee").await);
    assert!(!complete(&*store, "kim", "Lee ").await);
    assert!(
        store
            .rooms_of_agent(&user("lee"), 10)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(store.waiting_rooms(100).await.unwrap().len(), ids.len() - 1);
}

/// Of 2 to 32 claims at once exactly one wins, and all others learn who.
pub async fn exactly_one_claim_wins(factory: &dyn Factory) {
    let store = factory.fresh().await;
    let other = factory.another(&store).await;
    for round in 0..200 {
        let id = format!("kim{round}");
        open(&*store, &id).await;
        let tasks: Vec<_> = (0..2 + round % 31)
            .map(|n| {
                let store = other
                    .clone()
                    .filter(|_| n % 2 == 1)
                    .unwrap_or(Arc::clone(&store));
                let id = id.clone();
                tokio::spawn(async move { claim(&*store, &id, &format!("agent{n}")).await })
            })
            .collect();
        let (mut winners, mut holders) = (Vec::new(), Vec::new());
        for (n, task) in tasks.into_iter().enumerate() {
            match task.await.unwrap() {
                ClaimOutcome::Won => winners.push(agent(&format!("agent{n}"))),
                ClaimOutcome::TakenBy(holder) => holders.push(holder),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(winners.len(), 1, "round {round}");
        assert!(holders.iter().all(|holder| *holder == winners[0]));
        let found = room(&*store, &id).await.unwrap();
        assert_eq!(found.support().unwrap().assignee(), Some(&winners[0]));
    }
}

/// Each outcome of a claim.
pub async fn claims_say_how_they_ended(factory: &dyn Factory) {
    let store = factory.fresh().await;
    assert_eq!(claim(&*store, "kim", "lee").await, ClaimOutcome::NoSuchRoom);
    open(&*store, "kim").await;
    assert_eq!(claim(&*store, "kim", "lee").await, ClaimOutcome::Won);
    let before = room(&*store, "kim").await;
    assert_eq!(
        claim(&*store, "kim", "lee").await,
        ClaimOutcome::AlreadyYours
    );
    assert_eq!(
        claim(&*store, "kim", "park").await,
        ClaimOutcome::TakenBy(agent("lee"))
    );
    assert_eq!(room(&*store, "kim").await, before, "nothing changed");
    assert!(complete(&*store, "kim", "lee").await);
    assert_eq!(
        claim(&*store, "kim", "park").await,
        ClaimOutcome::NotWaiting
    );
}

/// Only the agent who has the room completes it, once; history stays.
pub async fn completing_needs_the_assignee(factory: &dyn Factory) {
    let store = factory.fresh().await;
    assert!(!complete(&*store, "kim", "lee").await);
    open(&*store, "kim").await;
    fill(&*store, "kim", 2).await;
    assert!(!complete(&*store, "kim", "lee").await);
    claim(&*store, "kim", "lee").await;
    assert!(!complete(&*store, "kim", "park").await);
    assert!(complete(&*store, "kim", "lee").await);
    assert!(!complete(&*store, "kim", "lee").await);
    let found = room(&*store, "kim").await.unwrap();
    assert_eq!(found.support().unwrap().state, SupportState::Completed);
    assert_eq!(said(&whole_log(&*store, "kim").await).len(), 2);
}

/// When somebody loses the right to read; not with messages, nor when somebody gains it.
pub async fn access_version_rises(factory: &dyn Factory) {
    let store = factory.fresh().await;
    open(&*store, "kim").await;
    for round in 0..3 {
        fill(&*store, "kim", 1).await;
        assert_eq!(claim(&*store, "kim", "lee").await, ClaimOutcome::Won);
        fill(&*store, "kim", 3).await;
        let found = room(&*store, "kim").await.unwrap();
        assert_eq!(found.head.access_version, round);
        assert!(complete(&*store, "kim", "lee").await);
        let found = room(&*store, "kim").await.unwrap();
        assert_eq!(found.head.access_version, round + 1);
        let heads = store.heads(&[room_id("kim")]).await.unwrap();
        assert_eq!(heads[0], Some(found.head));
        let log = whole_log(&*store, "kim").await;
        let by = log.last().and_then(|message| message.revokes().cloned());
        assert_eq!(by, Some((user("lee"), round + 1)));
    }
}

/// Nothing of a deleted room is found by any call, at once and after reopening.
pub async fn deleting_takes_everything(factory: &dyn Factory) {
    let mut store = factory.fresh().await;
    let id = room_id("kim");
    assert!(!leave(&*store, "kim").await);
    let epoch = open(&*store, "kim").await.head.epoch;
    for n in 0..10 {
        fill(&*store, "kim", 300).await;
        append_one(&*store, draft("kim", "x", Some(&n.to_string())))
            .await
            .unwrap();
    }
    claim(&*store, "kim", "lee").await;
    let mark = Position {
        epoch,
        seq: Seq::new(3),
    };
    store
        .advance_delivered(&id, &user("kim"), mark)
        .await
        .unwrap();
    assert!(leave(&*store, "kim").await);
    for _ in 0..2 {
        assert!(!leave(&*store, "kim").await);
        assert_eq!(room(&*store, "kim").await, None);
        assert_eq!(
            store.heads(std::slice::from_ref(&id)).await.unwrap(),
            [None]
        );
        assert_eq!(
            store
                .read_log(&id, LogQuery::Before(Seq::MAX), 5)
                .await
                .unwrap(),
            None
        );
        assert!(
            store
                .rooms_of_agent(&user("lee"), 5)
                .await
                .unwrap()
                .is_empty()
        );
        assert!(store.waiting_rooms(5).await.unwrap().is_empty());
        let outcome = append_one(&*store, draft("kim", "x", Some("1"))).await;
        assert_eq!(outcome, Err(Code::RoomNotFound));
        store = factory.reopen(store).await;
    }
    open(&*store, "kim").await;
    assert!(whole_log(&*store, "kim").await.is_empty());
    let outcome = append_one(&*store, draft("kim", "x", Some("1"))).await;
    assert_eq!(
        new(&outcome).position.seq.get(),
        1,
        "client ids are forgotten, numbers begin anew"
    );
}

/// A position of an earlier life cannot be resumed.
pub async fn another_life_has_another_epoch(factory: &dyn Factory) {
    let store = factory.fresh().await;
    let mut lives = std::collections::HashSet::new();
    for _ in 0..50 {
        let head = open(&*store, "kim").await.head;
        fill(&*store, "kim", 2).await;
        let head =
            store.heads(&[room_id("kim")]).await.unwrap()[0].filter(|now| now.epoch == head.epoch);
        let position = head.unwrap().position();
        assert!(lives.insert(position.epoch), "an epoch came again");
        assert!(leave(&*store, "kim").await);
        let next = open(&*store, "kim").await;
        fill(&*store, "kim", 2).await;
        let next = room(&*store, next.id.as_str()).await.unwrap().head;
        assert!(!next.can_resume(position));
        assert!(leave(&*store, "kim").await);
    }
}

/// A thousand heads, missing ones and repeated ones among them.
pub async fn heads_in_the_order_asked(factory: &dyn Factory) {
    let store = factory.fresh().await;
    let mut drafts = Vec::new();
    for n in (0..1_000).step_by(2) {
        let id = format!("kim{n}");
        open(&*store, &id).await;
        drafts.extend((0..n % 7).map(|_| draft(&id, "x", None)));
    }
    append(&*store, drafts).await;
    let order: Vec<usize> = (0..1_000).map(|n| n * 7 % 1_000).collect();
    let mut ids: Vec<_> = order.iter().map(|n| room_id(&format!("kim{n}"))).collect();
    ids.push(ids[0].clone());
    let heads = store.heads(&ids).await.unwrap();
    assert_eq!(heads.len(), ids.len());
    for (n, head) in order.iter().zip(&heads) {
        let expected = (n % 2 == 0).then_some(*n as u64 % 7);
        assert_eq!(head.map(|head| head.last.get()), expected, "kim{n}");
    }
    assert_eq!(heads[1_000], heads[0]);
    assert!(store.heads(&[]).await.unwrap().is_empty());
}

/// Longest waiting first, at most the limit; each desk sees its own.
pub async fn lists_are_ordered_and_limited(factory: &dyn Factory) {
    let store = factory.fresh().await;
    for n in 0..12_i64 {
        let customer = caller(&format!("kim{n}"), Role::User);
        open_at(&*store, &customer, n * 5 % 12).await;
        fill(&*store, &format!("kim{n}"), n as usize).await;
    }
    let times = |rooms: &[Room]| -> Vec<i64> {
        rooms
            .iter()
            .map(|room| room.support().unwrap().inquired_at.as_micros())
            .collect()
    };
    let waiting = store.waiting_rooms(100).await.unwrap();
    assert_eq!(times(&waiting), (0..12).collect::<Vec<_>>());
    for found in &waiting {
        assert_eq!(Some(found), room(&*store, found.id.as_str()).await.as_ref());
    }
    assert_eq!(
        times(&store.waiting_rooms(5).await.unwrap()),
        [0, 1, 2, 3, 4]
    );
    for found in &waiting {
        let id = if found.support().unwrap().inquired_at.as_micros() % 2 == 0 {
            "lee"
        } else {
            "park"
        };
        claim(&*store, found.id.as_str(), id).await;
    }
    assert!(store.waiting_rooms(5).await.unwrap().is_empty());
    let of_lee = store.rooms_of_agent(&user("lee"), 100).await.unwrap();
    assert_eq!(times(&of_lee), [0, 2, 4, 6, 8, 10]);
    assert_eq!(
        times(&store.rooms_of_agent(&user("park"), 2).await.unwrap()),
        [1, 3]
    );
    let first = of_lee[0].id.as_str();
    assert!(complete(&*store, first, "lee").await);
    assert_eq!(
        store.rooms_of_agent(&user("lee"), 100).await.unwrap().len(),
        5
    );
    let mut again = draft(first, "again", None);
    again.sent_at = at(50);
    append_one(&*store, again).await.unwrap();
    assert_eq!(times(&store.waiting_rooms(5).await.unwrap()), [50]);
    for id in ["z", "a", "m"] {
        let customer = caller(id, Role::User);
        open_at(&*store, &customer, 60).await;
    }
    let waiting = store.waiting_rooms(5).await.unwrap();
    let ids: Vec<_> = waiting
        .iter()
        .skip(1)
        .map(|room| room.id.as_str())
        .collect();
    assert_eq!(
        ids,
        ["z", "a", "m"],
        "of the same moment in the order they were made"
    );
}

/// Deleting while others append, claim, complete, read and open: never a half room.
pub async fn deletes_race_with_everything(factory: &dyn Factory) {
    let store = factory.fresh().await;
    let tasks: Vec<_> = (0..4)
        .map(|task| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                for n in 0..60 {
                    match task {
                        0 => drop(open(&*store, "kim").await),
                        1 => {
                            drop(append_one(&*store, draft("kim", "x", Some(&n.to_string()))).await)
                        }
                        2 if n % 4 == 0 => drop(leave(&*store, "kim").await),
                        2 => drop(claim(&*store, "kim", "lee").await),
                        _ => {
                            let query = LogQuery::Before(Seq::MAX);
                            let log = store.read_log(&room_id("kim"), query, 1_000).await.unwrap();
                            let Some(log) = log else { continue };
                            assert_eq!(log.messages.len() as u64, log.head.last.get());
                            assert!(
                                log.messages
                                    .iter()
                                    .all(|m| m.position.epoch == log.head.epoch)
                            );
                            complete(&*store, "kim", "lee").await;
                        }
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    open(&*store, "kim").await;
    let log = whole_log(&*store, "kim").await;
    assert_eq!(seqs(&log), (1..=log.len() as u64).collect::<Vec<_>>());
}

/// What one node did the other sees at once; nothing where one process has the data.
pub async fn two_nodes_agree(factory: &dyn Factory) {
    let store = factory.fresh().await;
    let Some(other) = factory.another(&store).await else {
        return;
    };
    open(&*store, "kim").await;
    fill(&*other, "kim", 2).await;
    assert_eq!(claim(&*store, "kim", "lee").await, ClaimOutcome::Won);
    let sent = append_one(&*other, draft_of("kim", "lee", Role::Agent, "x", Some("1"))).await;
    assert_eq!(
        repeat(&append_one(&*store, draft_of("kim", "lee", Role::Agent, "x", Some("1"))).await),
        new(&sent)
    );
    assert!(complete(&*other, "kim", "lee").await);
    let refused = append_one(&*store, draft_of("kim", "lee", Role::Agent, "x", None)).await;
    assert_eq!(refused, Err(Code::NotYourRoom));
    assert_eq!(room(&*store, "kim").await, room(&*other, "kim").await);
    assert!(leave(&*store, "kim").await);
    assert_eq!(
        append_one(&*other, draft("kim", "x", None)).await,
        Err(Code::RoomNotFound)
    );
}

/// Many first subscribers of one customer: one room, one life.
pub async fn opened_at_once(factory: &dyn Factory) {
    let store = factory.fresh().await;
    let other = factory.another(&store).await.unwrap_or(Arc::clone(&store));
    for round in 0..20 {
        let tasks: Vec<_> = (0..8)
            .map(|n| {
                let store = if n % 2 == 0 {
                    Arc::clone(&store)
                } else {
                    Arc::clone(&other)
                };
                tokio::spawn(async move { open(&*store, &format!("kim{round}")).await })
            })
            .collect();
        let mut rooms = Vec::new();
        for task in tasks {
            rooms.push(task.await.unwrap());
        }
        assert!(rooms.iter().all(|found| *found == rooms[0]));
    }
    store.check().await.unwrap();
}

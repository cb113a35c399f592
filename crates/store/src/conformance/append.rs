//! Accepting messages.

use std::collections::HashSet;
use std::sync::Arc;

use madang_domain::{
    ClaimOutcome, Code, Command, DraftGroup, MessageKind, Role, SenderKind, SupportState,
};

use super::*;

/// 1, 2, 3 …, in the order given, per room; what comes back is what was sent.
pub async fn numbers_without_gaps(factory: &dyn Factory) {
    let store = factory.fresh().await;
    for id in ["kim", "lee"] {
        open(&*store, id).await;
    }
    let drafts = (0..40).map(|n| draft(["kim", "lee"][n % 2], &n.to_string(), None));
    let outcomes = append(&*store, drafts.collect()).await;
    for (n, outcome) in outcomes.iter().enumerate() {
        let message = new(outcome);
        assert_eq!(message.position.seq.get(), n as u64 / 2 + 1);
        assert_eq!(&*message.text, n.to_string());
    }
    let log = whole_log(&*store, "kim").await;
    assert_eq!(seqs(&log), (1..=20).collect::<Vec<_>>());
    let accepted: Vec<_> = outcomes.iter().step_by(2).map(new).cloned().collect();
    assert_eq!(log, accepted, "the log has what the append answered");
}

/// A group with one bad draft leaves nothing, wherever the bad one stands.
pub async fn groups_are_all_or_none(factory: &dyn Factory) {
    let store = factory.fresh().await;
    open(&*store, "kim").await;
    open(&*store, "lee").await;
    for bad in 0..3 {
        let mut drafts: Vec<_> = (0..3)
            .map(|n| draft("kim", "x", Some(&format!("{n}"))))
            .collect();
        drafts[bad] = draft_of("lee", "kim", Role::User, "not mine", None);
        let outcomes = send(&*store, vec![DraftGroup { drafts }]).await;
        assert_eq!(outcomes[0], Err(Code::NotYourRoom));
    }
    assert!(whole_log(&*store, "kim").await.is_empty());
    let drafts = vec![draft("kim", "a", None), draft("kim", "b", None)];
    let outcomes = send(&*store, vec![DraftGroup { drafts }]).await;
    assert_eq!(outcomes[0].as_ref().unwrap().len(), 2);
    assert_eq!(seqs(&whole_log(&*store, "kim").await), [1, 2]);
}

/// Neighbours of a refused group in the same batch are accepted, without a gap.
pub async fn a_refused_group_leaves_its_neighbours(factory: &dyn Factory) {
    let store = factory.fresh().await;
    open(&*store, "kim").await;
    let outcomes = append(
        &*store,
        vec![
            draft("kim", "first", None),
            draft_of("kim", "park", Role::Admin, "no right", None),
            draft("nobody", "no room", None),
            draft("kim", "second", None),
        ],
    )
    .await;
    assert_eq!(new(&outcomes[0]).position.seq.get(), 1);
    assert_eq!(outcomes[1], Err(Code::NotYourRoom));
    assert_eq!(outcomes[2], Err(Code::RoomNotFound));
    assert_eq!(new(&outcomes[3]).position.seq.get(), 2);
}

/// An append makes no rooms.
pub async fn unknown_rooms_are_refused(factory: &dyn Factory) {
    let store = factory.fresh().await;
    let outcome = append_one(&*store, draft("kim", "x", Some("a"))).await;
    assert_eq!(outcome, Err(Code::RoomNotFound));
    assert_eq!(room(&*store, "kim").await, None);
    assert!(store.commit(Vec::new()).await.unwrap().is_empty());
}

/// Queued at the call: futures polled in the opposite order do not change it.
pub async fn calls_take_effect_in_order(factory: &dyn Factory) {
    let store = factory.fresh().await;
    open(&*store, "kim").await;
    let mut calls: Vec<_> = (0..20)
        .map(|n| {
            let group = DraftGroup::single(draft("kim", &n.to_string(), None));
            store.commit(vec![Command::Send(group)])
        })
        .collect();
    while let Some(call) = calls.pop() {
        call.await.unwrap();
    }
    let log = whole_log(&*store, "kim").await;
    for (n, message) in log.iter().enumerate() {
        assert_eq!(&*message.text, n.to_string());
    }
    assert_eq!(log.len(), 20);
}

/// Many senders at once: consecutive numbers, every accepted message once.
pub async fn concurrent_appends_lose_and_repeat_nothing(factory: &dyn Factory) {
    let store = factory.fresh().await;
    open(&*store, "kim").await;
    open(&*store, "lee").await;
    let other = factory.another(&store).await;
    let tasks: Vec<_> = (0..8)
        .map(|task| {
            let store = other
                .clone()
                .filter(|_| task % 2 == 1)
                .unwrap_or(Arc::clone(&store));
            tokio::spawn(async move {
                for n in 0..50 {
                    let text = format!("{task}/{n}");
                    let ours = draft("kim", &text, Some(&text));
                    let theirs = draft("lee", &text, None);
                    for outcome in append(&*store, vec![ours, theirs]).await {
                        new(&outcome);
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    for id in ["kim", "lee"] {
        let log = whole_log(&*store, id).await;
        assert_eq!(seqs(&log), (1..=400).collect::<Vec<_>>());
        let texts: HashSet<_> = log.iter().map(|m| m.text.to_string()).collect();
        assert_eq!(texts.len(), 400);
        for task in 0..8 {
            let of_task = log
                .iter()
                .filter(|m| m.text.starts_with(&format!("{task}/")));
            let order: Vec<_> = of_task.map(|m| m.text.to_string()).collect();
            let sent: Vec<_> = (0..50).map(|n| format!("{task}/{n}")).collect();
            assert_eq!(order, sent, "each sender's order is kept");
        }
    }
}

/// A group may write into several rooms; refused in one means refused in all.
pub async fn a_group_spans_rooms(factory: &dyn Factory) {
    let store = factory.fresh().await;
    for id in ["kim", "lee"] {
        open(&*store, id).await;
        assert_eq!(claim(&*store, id, "park").await, ClaimOutcome::Won);
    }
    let group = || DraftGroup {
        drafts: vec![
            draft_of("kim", "park", Role::Agent, "to kim", None),
            draft_of("lee", "park", Role::Agent, "to lee", None),
            draft_of("kim", "park", Role::Agent, "again", None),
        ],
    };
    assert!(send(&*store, vec![group()]).await[0].is_ok());
    assert!(complete(&*store, "lee", "park").await);
    let refused = send(&*store, vec![group()]).await.remove(0);
    assert_eq!(refused, Err(Code::NotYourRoom));
    let (of_kim, of_lee) = (
        whole_log(&*store, "kim").await,
        whole_log(&*store, "lee").await,
    );
    assert_eq!(texts(&said(&of_kim)), ["to kim", "again"]);
    assert_eq!(texts(&said(&of_lee)), ["to lee"]);
}

/// Every text, name and time that the domain lets through.
pub async fn every_text_comes_back(factory: &dyn Factory) {
    let store = factory.fresh().await;
    let id = "고객+'\"%_;--\\@예.한국";
    open(&*store, id).await;
    let longest = "가".repeat(madang_domain::message::TEXT_BYTES_MAX / 3);
    let texts = [
        "안녕하세요",
        "😀👨‍👩‍👧‍👦𝄞\u{10ffff}",
        " leading and trailing ",
        "\n\r\t\u{1}\u{7f}",
        "'; DROP TABLE messages; --",
        "e\u{301} é",
        "\u{feff}bom\u{fffe}",
        &longest,
    ];
    let times = [i64::MIN, -1, 0, 1, i64::MAX, 1_700_000_000_123_456, 5, 6];
    let drafts = texts.iter().zip(times).map(|(text, time)| {
        let mut draft = draft(id, text, Some(&format!("😀{time}")));
        draft.sender_name = Some(Arc::from("김 \u{1f431}"));
        draft.sent_at = at(time);
        draft
    });
    let accepted = append(&*store, drafts.collect()).await;
    let store = factory.reopen(store).await;
    let log = whole_log(&*store, id).await;
    for (((message, outcome), text), time) in log.iter().zip(&accepted).zip(texts).zip(times) {
        assert_eq!(&*message.text, text);
        assert_eq!(message.sent_at, at(time));
        assert_eq!(message, new(outcome));
    }
    assert_eq!(log.len(), texts.len());
}

/// The policy is asked: the customer and the assigned agent, nobody else.
pub async fn only_those_with_the_right_write(factory: &dyn Factory) {
    let store = factory.fresh().await;
    open(&*store, "kim").await;
    let as_agent = |id: &str| draft_of("kim", id, Role::Agent, "hello", None);
    assert_eq!(
        append_one(&*store, as_agent("lee")).await,
        Err(Code::NotYourRoom)
    );
    claim(&*store, "kim", "lee").await;
    let outcomes = append(
        &*store,
        vec![
            as_agent("lee"),
            as_agent("park"),
            draft_of("kim", "lee", Role::User, "no agent", None),
            draft_of("kim", "kim", Role::Service, "no person", None),
            draft("kim", "thanks", None),
        ],
    )
    .await;
    assert_eq!(new(&outcomes[0]).sender_kind, SenderKind::Agent);
    for refused in &outcomes[1..4] {
        assert_eq!(refused, &Err(Code::NotYourRoom));
    }
    assert_eq!(new(&outcomes[4]).sender_kind, SenderKind::Customer);
    assert!(complete(&*store, "kim", "lee").await);
    assert_eq!(
        append_one(&*store, as_agent("lee")).await,
        Err(Code::NotYourRoom)
    );
}

/// The customer's message makes a completed room wait again, from that message's time; an
/// agent's cannot, not even in the same batch.
pub async fn a_customers_message_reopens(factory: &dyn Factory) {
    let store = factory.fresh().await;
    open(&*store, "kim").await;
    claim(&*store, "kim", "lee").await;
    assert!(complete(&*store, "kim", "lee").await);
    let mut again = draft("kim", "again", None);
    again.sent_at = at(77);
    let drafts = vec![
        draft_of("kim", "lee", Role::Agent, "late", None),
        again,
        draft("kim", "and again", None),
        draft_of("kim", "lee", Role::Agent, "still not mine", None),
    ];
    let outcomes = append(&*store, drafts).await;
    assert_eq!(outcomes[0], Err(Code::NotYourRoom));
    assert_eq!(outcomes[3], Err(Code::NotYourRoom));
    let found = room(&*store, "kim").await.unwrap();
    assert_eq!(found.support().unwrap().state, SupportState::Waiting);
    assert_eq!(found.support().unwrap().inquired_at, at(77));
    let log = whole_log(&*store, "kim").await;
    let events = [MessageKind::Assigned, MessageKind::Completed];
    let again = [
        MessageKind::Message,
        MessageKind::Waiting,
        MessageKind::Message,
    ];
    assert_eq!(kinds(&log), [&events[..], &again[..]].concat());
    assert_eq!(claim(&*store, "kim", "park").await, ClaimOutcome::Won);
}

/// No message of an agent is accepted after the room was completed.
pub async fn completing_and_sending_race(factory: &dyn Factory) {
    let store = factory.fresh().await;
    for round in 0..50 {
        let id = format!("kim{round}");
        open(&*store, &id).await;
        claim(&*store, &id, "lee").await;
        let sender = tokio::spawn({
            let (store, id) = (Arc::clone(&store), id.clone());
            async move {
                let mut accepted = 0_u64;
                while append_one(&*store, draft_of(&id, "lee", Role::Agent, "x", None))
                    .await
                    .is_ok()
                {
                    accepted += 1;
                }
                accepted
            }
        });
        tokio::task::yield_now().await;
        assert!(complete(&*store, &id, "lee").await);
        let accepted = sender.await.unwrap();
        let log = whole_log(&*store, &id).await;
        assert_eq!(said(&log).len() as u64, accepted);
        let newest = log.last().map(|message| message.kind);
        assert_eq!(
            newest,
            Some(MessageKind::Completed),
            "nothing was accepted after it"
        );
    }
}

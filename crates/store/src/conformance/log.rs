//! Reading a room's log.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use madang_domain::ports::{LogPage, LogQuery, Store};
use madang_domain::{Body, Content, Position, Role, Seq};

use super::*;

async fn page(store: &dyn Store, query: LogQuery, limit: usize) -> LogPage {
    store
        .read_log(&room_id("kim"), query, limit)
        .await
        .unwrap()
        .expect("the room")
}

/// Texts and data count, the first entry comes however large it is; merged, unmerged, on both sides.
pub async fn pages_of_so_many_bytes(factory: &dyn Factory) {
    let store = factory.fresh().await;
    open(&*store, "kim").await;
    for _ in 0..3 {
        for size in [100, 50, 7_000, 1] {
            say(&*store, "kim", "kim", &"x".repeat(size)).await;
        }
        let body = Body::new("", Some(&format!("\"{}\"", "y".repeat(98)))).unwrap();
        let data = content_of("kim", "kim", Role::User, Content::Message(body));
        append_one(&*store, data).await.unwrap();
    }
    for (after, bytes, limit, expected) in [
        (0, 100, 9, 1..=1),
        (0, 101, 9, 1..=2),
        (0, 151, 9, 1..=3),
        (0, 151, 2, 1..=2),
        (2, 1, 9, 3..=3),
        (2, 7_001, 9, 3..=4),
        (2, 7_002, 9, 3..=5),
        (2, 7_101, 9, 3..=5),
        (2, 7_102, 9, 3..=6),
        (4, 7_251, 9, 5..=9),
        (0, usize::MAX, 99, 1..=15),
        (12, 0, 99, 13..=13),
    ] {
        let query = LogQuery::Within(Seq::new(after), bytes);
        let found = page(&*store, query, limit).await;
        let expected: Vec<_> = expected.collect();
        assert_eq!(seqs(&found.messages), expected, "{query:?} {limit}");
        assert_eq!(found.head.last.get(), 15);
    }
    let end = page(&*store, LogQuery::Within(Seq::new(15), 9), 9).await;
    assert!(end.messages.is_empty());
}

/// After, Before, their ends, and limits.
pub async fn pages_in_both_directions(factory: &dyn Factory) {
    let store = factory.fresh().await;
    open(&*store, "kim").await;
    let empty = page(&*store, LogQuery::After(Seq::ZERO), 10).await;
    assert_eq!((empty.head.last.get(), empty.head.oldest.get()), (0, 1));
    assert!(empty.messages.is_empty());
    for _ in 0..4 {
        fill(&*store, "kim", 25).await;
    }
    let after = LogQuery::After;
    let before = LogQuery::Before;
    let s = Seq::new;
    for (query, limit, expected) in [
        (after(s(0)), 10, 1..=10),
        (after(s(0)), 1, 1..=1),
        (after(s(0)), usize::MAX, 1..=100),
        (after(s(45)), 10, 46..=55),
        (after(s(95)), 10, 96..=100),
        (after(s(99)), 1, 100..=100),
        (before(Seq::MAX), 20, 81..=100),
        (before(Seq::MAX), usize::MAX, 1..=100),
        (before(s(101)), 1, 100..=100),
        (before(s(100)), 1, 99..=99),
        (before(s(56)), 10, 46..=55),
        (before(s(5)), 10, 1..=4),
        (before(s(2)), 10, 1..=1),
    ] {
        let found = page(&*store, query, limit).await;
        assert_eq!(
            seqs(&found.messages),
            expected.collect::<Vec<_>>(),
            "{query:?} {limit}"
        );
        assert_eq!((found.head.last.get(), found.head.oldest.get()), (100, 1));
    }
    for query in [after(s(100)), after(Seq::MAX), before(s(1)), before(s(0))] {
        assert!(
            page(&*store, query, 10).await.messages.is_empty(),
            "{query:?}"
        );
    }
}

/// Head and messages belong together while others append.
pub async fn bounds_at_one_moment(factory: &dyn Factory) {
    let store = factory.fresh().await;
    open(&*store, "kim").await;
    let accepted = Arc::new(AtomicU64::new(0));
    let appender = tokio::spawn({
        let (store, accepted) = (Arc::clone(&store), Arc::clone(&accepted));
        async move {
            for _ in 0..150 {
                fill(&*store, "kim", 7).await;
                accepted.fetch_add(7, Ordering::SeqCst);
            }
        }
    });
    while !appender.is_finished() {
        let known = accepted.load(Ordering::SeqCst);
        let newest = page(&*store, LogQuery::Before(Seq::MAX), 30).await;
        let last = newest.head.last.get();
        assert!(last >= known, "what was accepted before the call is there");
        assert_eq!(last % 7, 0, "a batch is seen whole or not at all");
        let first = last.saturating_sub(29).max(1);
        assert_eq!(seqs(&newest.messages), (first..=last).collect::<Vec<_>>());
        let since = Seq::new(last.saturating_sub(100));
        let after = page(&*store, LogQuery::After(since), usize::MAX).await;
        let expected: Vec<_> = (since.get() + 1..=after.head.last.get()).collect();
        assert_eq!(seqs(&after.messages), expected);
        let head = store.heads(&[room_id("kim")]).await.unwrap()[0].unwrap();
        assert!(head.last >= after.head.last, "time does not go back");
    }
    appender.await.unwrap();
    assert_eq!(whole_log(&*store, "kim").await.len(), 1_050);
}

/// No room, no page.
pub async fn of_a_missing_room(factory: &dyn Factory) {
    let store = factory.fresh().await;
    let id = room_id("kim");
    assert_eq!(
        store
            .read_log(&id, LogQuery::After(Seq::ZERO), 1)
            .await
            .unwrap(),
        None
    );
}

/// An answered append is seen by the next call of anybody, on every node.
pub async fn everything_accepted_is_there(factory: &dyn Factory) {
    let store = factory.fresh().await;
    let other = factory.another(&store).await.unwrap_or(Arc::clone(&store));
    open(&*store, "kim").await;
    for n in 1..=300 {
        fill(&*store, "kim", 1).await;
        let found = page(&*other, LogQuery::Before(Seq::MAX), 1).await;
        assert_eq!(seqs(&found.messages), [n]);
        let head = other.heads(&[room_id("kim")]).await.unwrap()[0].unwrap();
        assert_eq!(head.last.get(), n);
        assert_eq!(room(&*other, "kim").await.unwrap().head, head);
    }
}

/// Accepted means durable; numbers go on where they were.
pub async fn survives_reopening(factory: &dyn Factory) {
    let mut store = factory.fresh().await;
    open(&*store, "kim").await;
    for round in 0..4 {
        fill(&*store, "kim", 60).await;
        let before = whole_log(&*store, "kim").await;
        assert_eq!(before.len(), 60 * (round + 1));
        let was = room(&*store, "kim").await;
        store = factory.reopen(store).await;
        assert_eq!(whole_log(&*store, "kim").await, before);
        assert_eq!(room(&*store, "kim").await, was);
    }
}

/// Several rooms grow at different speeds through whatever the adapter does in the background.
pub async fn long_log_after_many_merges(factory: &dyn Factory) {
    let store = factory.fresh().await;
    let ids: Vec<String> = (0..12).map(|n| format!("kim{n}")).collect();
    for id in &ids {
        open(&*store, id).await;
    }
    for round in 0..60 {
        let drafts = ids.iter().enumerate().flat_map(|(n, id)| {
            let id = id.clone();
            (0..=n).map(move |k| draft(&id, &format!("{round}/{k}"), Some(&format!("{round}/{k}"))))
        });
        for outcome in append(&*store, drafts.collect()).await {
            new(&outcome);
        }
    }
    for (n, id) in ids.iter().enumerate() {
        let log = whole_log(&*store, id).await;
        assert_eq!(seqs(&log), (1..=60 * (n as u64 + 1)).collect::<Vec<_>>());
        let head = room(&*store, id).await.unwrap().head;
        let since = Position {
            epoch: head.epoch,
            seq: Seq::new(1),
        };
        assert!(head.can_resume(since));
        let again = append_one(&*store, draft(id, "again", Some("0/0"))).await;
        assert_eq!(repeat(&again).position.seq.get(), 1);
    }
}

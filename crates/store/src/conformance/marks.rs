//! Delivered marks.

use madang_domain::{Position, Seq};

use super::*;

/// The greatest wins, whatever the order; each user has their own.
pub async fn merge_by_maximum(factory: &dyn Factory) {
    let store = factory.fresh().await;
    let epoch = open(&*store, "kim").await.head.epoch;
    let id = room_id("kim");
    fill(&*store, "kim", 10).await;
    assert_eq!(store.delivered(&id, &user("kim")).await.unwrap(), Seq::ZERO);
    for (seq, expected) in [(0, 0), (3, 3), (9, 9), (2, 9), (9, 9), (10, 10)] {
        let seq = Seq::new(seq);
        let position = Position { epoch, seq };
        store
            .advance_delivered(&id, &user("kim"), position)
            .await
            .unwrap();
        assert_eq!(
            store.delivered(&id, &user("kim")).await.unwrap(),
            Seq::new(expected)
        );
    }
    for other in ["Kim", "kim ", "lee"] {
        assert_eq!(store.delivered(&id, &user(other)).await.unwrap(), Seq::ZERO);
    }
    let lee = user("lee");
    let marks = [5, 1, 8, 3, Seq::MAX.get(), 7].map(Seq::new);
    let advance = marks.map(|seq| store.advance_delivered(&id, &lee, Position { epoch, seq }));
    for call in advance {
        call.await.unwrap();
    }
    let store = {
        drop(lee);
        factory.reopen(store).await
    };
    assert_eq!(store.delivered(&id, &user("lee")).await.unwrap(), Seq::MAX);
    assert_eq!(
        store.delivered(&id, &user("kim")).await.unwrap(),
        Seq::new(10)
    );
}

/// A mark of a missing room or of an earlier life is no error and leaves nothing.
pub async fn ignore_what_is_gone(factory: &dyn Factory) {
    let store = factory.fresh().await;
    let epoch = open(&*store, "kim").await.head.epoch;
    let (id, kim) = (room_id("kim"), user("kim"));
    let position = Position {
        epoch,
        seq: Seq::new(4),
    };
    store.advance_delivered(&id, &kim, position).await.unwrap();
    assert!(leave(&*store, "kim").await);
    assert_eq!(store.delivered(&id, &kim).await.unwrap(), Seq::ZERO);
    store.advance_delivered(&id, &kim, position).await.unwrap();
    assert_eq!(store.delivered(&id, &kim).await.unwrap(), Seq::ZERO);
    let epoch = open(&*store, "kim").await.head.epoch;
    store.advance_delivered(&id, &kim, position).await.unwrap();
    assert_eq!(store.delivered(&id, &kim).await.unwrap(), Seq::ZERO);
    let position = Position {
        epoch,
        seq: Seq::new(1),
    };
    store.advance_delivered(&id, &kim, position).await.unwrap();
    assert_eq!(store.delivered(&id, &kim).await.unwrap(), Seq::new(1));
}

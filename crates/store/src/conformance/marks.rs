//! Delivered marks.

use madang_domain::{Epoch, Position, RoomAction, Seq};

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

/// Read marks: the greatest wins, no further than the log; each raises the delivered mark.
pub async fn read_marks(factory: &dyn Factory) {
    let store = factory.fresh().await;
    group(&*store, "g", "kim", &["lee"]).await;
    fill_of(&*store, "g", "kim", 10).await;
    let id = room_id("g");
    let delivered = || async { store.delivered(&id, &user("lee")).await.unwrap().get() };
    for (to, before, now) in [
        (3, 0, 3),
        (2, 3, 3),
        (0, 3, 3),
        (7, 3, 7),
        (99, 7, 10),
        (10, 10, 10),
    ] {
        assert_eq!(read_to(&*store, "g", "lee", to).await, (before, now));
        assert_eq!(delivered().await, now, "raised too");
    }
    fill_of(&*store, "g", "kim", 5).await;
    let epoch = room(&*store, "g").await.unwrap().head.epoch;
    let ahead = Position {
        epoch,
        seq: Seq::new(14),
    };
    store
        .advance_delivered(&id, &user("lee"), ahead)
        .await
        .unwrap();
    assert_eq!(read_to(&*store, "g", "lee", 12).await, (10, 12));
    assert_eq!(delivered().await, 14, "never falls");
    let store = factory.reopen(store).await;
    let found = store.members(&id, None, 9).await.unwrap().unwrap();
    let marks: Vec<_> = found
        .iter()
        .map(|m| (m.read.get(), m.delivered.get()))
        .collect();
    assert_eq!(marks, [(0, 0), (12, 14)]);
    let marks = store.marks(&id, 9).await.unwrap().unwrap();
    let marks: Vec<_> = marks
        .iter()
        .map(|m| (m.user.as_str(), m.read.get(), m.delivered.get()))
        .collect();
    assert_eq!(marks, [("lee", 12, 14), ("kim", 0, 0)]);
    assert_eq!(store.marks(&id, 1).await.unwrap().unwrap().len(), 1);
    assert_eq!(store.marks(&room_id("x"), 1).await.unwrap(), None);
}

/// Many at once, in any order: none gets lost.
pub async fn read_marks_at_once(factory: &dyn Factory) {
    let store = factory.fresh().await;
    group(&*store, "g", "kim", &["lee", "park"]).await;
    fill_of(&*store, "g", "kim", 100).await;
    let id = room_id("g");
    let epoch = room(&*store, "g").await.unwrap().head.epoch;
    let users = [user("lee"), user("park")];
    let calls = (1..=100).map(|n: u64| {
        let position = Position {
            epoch,
            seq: Seq::new(n * 37 % 101),
        };
        store.advance_read(&id, &users[n as usize % 2], position)
    });
    let calls: Vec<_> = calls.collect();
    for call in calls {
        let mark = call.await.unwrap().unwrap();
        assert!(mark.now >= mark.before);
    }
    for (index, who) in ["lee", "park"].into_iter().enumerate() {
        let own = (1..=100).filter(|n| *n as usize % 2 == index);
        let greatest = own.map(|n| n * 37 % 101).max();
        let summary = rooms_of(&*store, who).await.remove(0);
        assert_eq!(Some(summary.read.get()), greatest);
        assert_eq!(summary.unread, 100 - summary.read.get());
    }
}

/// Who is no member has none, and a room or life that is gone neither.
pub async fn read_marks_of_strangers(factory: &dyn Factory) {
    let store = factory.fresh().await;
    let first = group(&*store, "g", "kim", &["lee"]).await;
    fill_of(&*store, "g", "kim", 3).await;
    let id = room_id("g");
    let at = |epoch| Position {
        epoch,
        seq: Seq::new(2),
    };
    let epoch = first.head.epoch;
    for (who, epoch) in [("park", epoch), ("lee", Epoch::new(epoch.get() ^ 1))] {
        let mark = store
            .advance_read(&id, &user(who), at(epoch))
            .await
            .unwrap();
        assert_eq!(mark, None, "{who}");
    }
    act(&*store, "g", "lee", RoomAction::Leave).await.unwrap();
    let mark = store
        .advance_read(&id, &user("lee"), at(epoch))
        .await
        .unwrap();
    assert_eq!(mark, None);
    let mark = store
        .advance_read(&room_id("x"), &user("kim"), at(epoch))
        .await
        .unwrap();
    assert_eq!(mark, None);
}

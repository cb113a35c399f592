//! Finding messages by their words.

use madang_domain::ports::Store;
use madang_domain::search::SearchQuery;
use madang_domain::{Body, Content, MemberRole, Role, RoomAction};

use super::*;

/// Room and number of what is found, newest first.
async fn find(
    store: &dyn Store,
    who: &str,
    room: Option<&str>,
    words: &str,
    (before, limit): (Option<i64>, usize),
) -> Vec<(String, u64)> {
    let query = SearchQuery::parse(words).unwrap();
    let (who, room) = (user(who), room.map(room_id));
    let found = store
        .search(&who, room.as_ref(), &query, before.map(at), limit)
        .await;
    let found = found.unwrap();
    for message in &found {
        assert!(query.is_in(&message.text));
    }
    let place = |m: &madang_domain::Message| (m.room.to_string(), m.position.seq.get());
    found.iter().map(|m| place(m)).collect()
}

const ALL: (Option<i64>, usize) = (None, 1_000);

async fn seqs_of(store: &dyn Store, room: &str, words: &str) -> Vec<u64> {
    let found = find(store, "kim", Some(room), words, ALL).await;
    found.into_iter().map(|(_, seq)| seq).collect()
}

/// By any part of a Korean word, by the beginning of another; merged, unmerged, on both sides.
pub async fn in_a_room(factory: &dyn Factory) {
    let store = factory.fresh().await;
    group(&*store, "g", "kim", &[]).await;
    for text in [
        "결제가 안 돼요",
        "환불해 주세요",
        "Order 1024 SHIPPED",
        "환불 order",
    ] {
        say(&*store, "g", "kim", text).await;
    }
    for _ in 0..3 {
        for (words, found) in [
            ("환불", &[4, 2][..]),
            ("불해", &[2]),
            ("환", &[4, 2]),
            ("order", &[4, 3]),
            ("ORD", &[4, 3]),
            ("order 환불", &[4]),
            ("1024 ship", &[3]),
            ("hipped", &[]),
            ("배송", &[]),
        ] {
            assert_eq!(seqs_of(&*store, "g", words).await, found, "{words}");
        }
        fill_of(&*store, "g", "kim", 100).await;
    }
    let store = factory.reopen(store).await;
    assert_eq!(seqs_of(&*store, "g", "환불 order").await, [4]);
    assert!(
        find(&*store, "kim", Some("x"), "환불", ALL)
            .await
            .is_empty()
    );
}

/// Every message of a long log is found by a word of its own, and by those it shares.
pub async fn in_a_long_log(factory: &dyn Factory) {
    let store = factory.fresh().await;
    group(&*store, "g", "kim", &[]).await;
    let text = |n: u64| format!("번호{n:03}번 tag{} 공통", n % 10);
    for from in (1..=500).step_by(50) {
        let drafts = (from..from + 50).map(|n| draft_of("g", "kim", Role::User, &text(n), None));
        for outcome in append(&*store, drafts.collect()).await {
            new(&outcome);
        }
    }
    for n in (1..=500).step_by(13) {
        assert_eq!(seqs_of(&*store, "g", &format!("번호 {n:03} 번")).await, [n]);
    }
    let sevens: Vec<u64> = (1..=500).rev().filter(|n| n % 10 == 7).collect();
    assert_eq!(seqs_of(&*store, "g", "tag7").await, sevens);
    let common = find(&*store, "kim", Some("g"), "공통", (None, 5)).await;
    let newest: Vec<_> = (496..=500).rev().map(|n| ("g".to_owned(), n)).collect();
    assert_eq!(common, newest);
}

/// In all rooms that are the user's, by when it was sent; page by page.
pub async fn in_all_rooms(factory: &dyn Factory) {
    let store = factory.fresh().await;
    for n in 0..5 {
        group(&*store, &format!("g{n}"), "kim", &["lee"]).await;
    }
    group(&*store, "other", "park", &[]).await;
    say_at(&*store, "other", "park", "사과", 1_000).await;
    open(&*store, "kim").await;
    let mut expected = Vec::new();
    let mut next = [0_u64; 6];
    for n in 0..120 {
        let index = (n * n + n / 3) % 6;
        let room = if index == 5 {
            "kim".to_owned()
        } else {
            format!("g{index}")
        };
        let text = if n % 4 == 0 {
            "맛있는 사과"
        } else {
            "배"
        };
        say_at(&*store, &room, "kim", text, n as i64).await;
        next[index] += 1;
        if n % 4 == 0 {
            expected.push((room, next[index], n as i64));
        }
    }
    expected.reverse();
    let places: Vec<_> = expected
        .iter()
        .map(|(room, seq, _)| (room.clone(), *seq))
        .collect();
    assert_eq!(find(&*store, "kim", None, "사과", ALL).await, places);
    let (mut found, mut before) = (Vec::new(), None);
    loop {
        let page = find(&*store, "kim", None, "사과", (before, 7)).await;
        if page.is_empty() {
            break;
        }
        found.extend(page);
        before = expected
            .get(found.len() - 1)
            .map(|(_, _, sent_at)| *sent_at);
    }
    assert_eq!(found, places);
    let of_lee = find(&*store, "lee", None, "사과", ALL).await;
    let shared: Vec<_> = places
        .iter()
        .filter(|(room, _)| room != "kim")
        .cloned()
        .collect();
    assert_eq!(of_lee, shared);
    act(&*store, "g0", "lee", RoomAction::Leave).await.unwrap();
    let of_lee = find(&*store, "lee", None, "사과", ALL).await;
    assert!(of_lee.iter().all(|(room, _)| room != "g0"));
    assert!(find(&*store, "nobody", None, "사과", ALL).await.is_empty());
}

/// A clock may be set back, and senders overtake each other: what is old does not hide what is
/// said before it.
pub async fn in_rooms_where_time_went_back(factory: &dyn Factory) {
    let store = factory.fresh().await;
    for id in ["a", "b"] {
        group(&*store, id, "kim", &[]).await;
    }
    for (room, text, at) in [
        ("a", "사과", 120),
        ("a", "사과", 90),
        ("a", "배", 110),
        ("b", "사과", 100),
        ("b", "사과", 150),
    ] {
        say_at(&*store, room, "kim", text, at).await;
    }
    let place = |room: &str, seq| (room.to_owned(), seq);
    for _ in 0..2 {
        assert_eq!(
            find(&*store, "kim", None, "사과", (None, 2)).await,
            [place("b", 2), place("a", 1)]
        );
        assert_eq!(
            find(&*store, "kim", None, "사과", (Some(120), 9)).await,
            [place("b", 1), place("a", 2)]
        );
        for room in ["b", "a"] {
            for at in 0..5 {
                say_at(&*store, room, "kim", "배", 200 + at).await;
            }
        }
    }
}

/// As the message reads now; notices too, but no events.
pub async fn of_what_is_said_now(factory: &dyn Factory) {
    let store = factory.fresh().await;
    group(&*store, "g", "kim", &[]).await;
    let notice = Content::Notice(Body::new("점검 안내", None).unwrap());
    append_one(&*store, content_of("g", "shop", Role::Service, notice))
        .await
        .unwrap();
    fill_of(&*store, "g", "kim", 69).await;
    assert_eq!(seqs_of(&*store, "g", "점검").await, [1]);
    for (target, text) in [(2, "처음"), (64, "가운데"), (70, "마지막")] {
        let draft = content_of("g", "kim", Role::User, edit(target, text));
        append_one(&*store, draft).await.unwrap();
        assert_eq!(
            seqs_of(&*store, "g", text).await,
            [target],
            "not the entry that says so"
        );
        let n = target - 2;
        assert!(
            !seqs_of(&*store, "g", &format!("message {n}"))
                .await
                .contains(&target)
        );
        append_one(&*store, content_of("g", "kim", Role::User, delete(target)))
            .await
            .unwrap();
        assert!(seqs_of(&*store, "g", text).await.is_empty());
    }
    let add = RoomAction::Add(people(&["message"]), MemberRole::Member);
    act(&*store, "g", "kim", add).await.unwrap();
    assert_eq!(seqs_of(&*store, "g", "message").await.len(), 66);
}

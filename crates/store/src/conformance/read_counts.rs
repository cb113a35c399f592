//! Who has read what.

use madang_domain::ports::Store;
use madang_domain::receipt::ReadCount;
use madang_domain::{MemberRole, Role, RoomAction, RoomKind, Seq};

use super::*;

async fn counts(store: &dyn Store, room: &str, asked: &[u64]) -> Vec<(u64, u64)> {
    let asked: Vec<_> = asked.iter().copied().map(Seq::new).collect();
    let found = store.read_counts(&room_id(room), &asked).await.unwrap();
    let pair = |count: ReadCount| (count.read_by, count.not_read_by);
    found.expect("the room").into_iter().map(pair).collect()
}

/// Neither the sender nor who came later is counted.
pub async fn of_messages(factory: &dyn Factory) {
    let store = factory.fresh().await;
    group(&*store, "g", "kim", &["lee", "park", "choi"]).await;
    say(&*store, "g", "kim", "1").await;
    say(&*store, "g", "lee", "2").await;
    assert_eq!(counts(&*store, "g", &[1, 2]).await, [(0, 3), (0, 3)]);
    read_to(&*store, "g", "lee", 1).await;
    read_to(&*store, "g", "park", 2).await;
    read_to(&*store, "g", "kim", 2).await;
    assert_eq!(counts(&*store, "g", &[1, 2]).await, [(2, 1), (2, 1)]);
    read_to(&*store, "g", "lee", 2).await;
    assert_eq!(
        counts(&*store, "g", &[2, 1, 2]).await,
        [(2, 1), (2, 1), (2, 1)]
    );
    let add = RoomAction::Add(people(&["late"]), MemberRole::Member);
    act(&*store, "g", "kim", add).await.unwrap();
    assert_eq!(
        counts(&*store, "g", &[1, 2]).await,
        [(2, 1), (2, 1)],
        "who came later"
    );
    assert_eq!(say(&*store, "g", "late", "4").await, 4);
    assert_eq!(counts(&*store, "g", &[4]).await, [(0, 4)]);
    act(&*store, "g", "park", RoomAction::Leave).await.unwrap();
    assert_eq!(
        counts(&*store, "g", &[1, 2]).await,
        [(1, 1), (1, 1)],
        "members alone"
    );
    assert_eq!(counts(&*store, "g", &[0, 99, 1_000_000]).await, [(0, 0); 3]);
    assert!(counts(&*store, "g", &[]).await.is_empty());
    let missing = store
        .read_counts(&room_id("x"), &[Seq::new(1)])
        .await
        .unwrap();
    assert_eq!(missing, None);
    let store = factory.reopen(store).await;
    assert_eq!(counts(&*store, "g", &[1, 2]).await, [(1, 1), (1, 1)]);
}

/// The customer sees that an agent has read what they wrote before anybody had the room.
pub async fn in_support_rooms(factory: &dyn Factory) {
    let store = factory.fresh().await;
    open(&*store, "kim").await;
    say(&*store, "kim", "kim", "help").await;
    assert_eq!(counts(&*store, "kim", &[1]).await, [(0, 0)]);
    claim(&*store, "kim", "lee").await;
    assert_eq!(counts(&*store, "kim", &[1]).await, [(0, 1)]);
    read_to(&*store, "kim", "lee", 1).await;
    assert_eq!(counts(&*store, "kim", &[1]).await, [(1, 0)]);
    let answer = draft_of("kim", "lee", Role::Agent, "hello", None);
    append_one(&*store, answer).await.unwrap();
    assert_eq!(counts(&*store, "kim", &[1, 3]).await, [(1, 0), (0, 1)]);
}

/// Many members whose marks lie everywhere, against counting one by one.
pub async fn of_many_members(factory: &dyn Factory) {
    let store = factory.fresh().await;
    create(&*store, new_room(RoomKind::Open, "o", Some("kim"), &[])).await;
    let mut marks: Vec<(u64, u64)> = Vec::new();
    for wave in 0..6_u64 {
        fill_of(&*store, "o", "kim", 20).await;
        let names: Vec<String> = (0..30).map(|n| format!("u{wave}/{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let since = room(&*store, "o").await.unwrap().head.last.get();
        let add = RoomAction::Add(people(&names), MemberRole::Member);
        act(&*store, "o", "kim", add).await.unwrap();
        for (n, name) in names.iter().enumerate() {
            let to = since + (n as u64 * 7 + wave) % 29;
            let now = if n % 3 == 0 {
                since
            } else {
                read_to(&*store, "o", name, to).await.1
            };
            marks.push((since, now));
        }
    }
    fill_of(&*store, "o", "kim", 20).await;
    let last = room(&*store, "o").await.unwrap().head.last.get();
    for asked in [
        (1..=last).collect::<Vec<_>>(),
        vec![1],
        vec![last],
        (40..60).rev().collect(),
    ] {
        let expected = asked.iter().map(|seq| {
            let there = marks.iter().filter(|(since, _)| since < seq);
            let read = there.clone().filter(|(_, mark)| mark >= seq).count() as u64;
            (read, there.count() as u64 - read)
        });
        let expected: Vec<_> = expected.collect();
        assert_eq!(counts(&*store, "o", &asked).await, expected);
    }
}

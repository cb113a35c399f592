//! What is kept of a log, and for how long; and how often it is read.

use std::sync::Arc;

use madang_domain::ports::{LogPage, LogQuery, StoreError};
use madang_domain::{
    Epoch, Extra, Message, MessageKind, Position, RoomHead, RoomId, SenderKind, Seq, Timestamp,
    UserId,
};
use tokio::sync::Notify;

use super::round::{Asked, Rounds};
use super::tail::{Tail, weight};

const LIFE: Epoch = Epoch::new(7);
const PLENTY: usize = 1024 * 1024;

fn head(oldest: u64, last: u64) -> RoomHead {
    RoomHead {
        epoch: LIFE,
        last: Seq::new(last),
        oldest: Seq::new(oldest),
        access_version: 1,
    }
}

fn entry(seq: u64) -> Arc<Message> {
    Arc::new(Message {
        room: RoomId::new("g").unwrap(),
        position: Position {
            epoch: LIFE,
            seq: Seq::new(seq),
        },
        kind: MessageKind::Message,
        sender: UserId::new("kim").unwrap(),
        sender_name: None,
        sender_kind: SenderKind::Member,
        client_id: None,
        text: Arc::from(format!("text {seq}")),
        sent_at: Timestamp::from_micros(0),
        extra: None,
    })
}

fn edit_of(target: u64, seq: u64) -> Arc<Message> {
    let mut message = Message::clone(&entry(seq));
    message.kind = MessageKind::Edited;
    message.extra = Some(Box::new(Extra {
        target: Some(Seq::new(target)),
        ..Extra::default()
    }));
    Arc::new(message)
}

fn page(oldest: u64, from: u64, last: u64) -> LogPage {
    LogPage {
        head: head(oldest, last),
        messages: (from..=last).map(entry).collect(),
    }
}

fn tail_of(page: &LogPage) -> Tail {
    let mut tail = Tail::new(&page.head, PLENTY);
    tail.fill(page);
    tail
}

/// The numbers of an answer, if there is one.
fn answer(tail: &Tail, head: &RoomHead, query: LogQuery, limit: usize) -> Option<Vec<u64>> {
    let page = tail.page(head, query, limit)?;
    assert_eq!(page.head, *head, "as of that moment");
    let numbers = page.messages.iter();
    Some(numbers.map(|entry| entry.position.seq.get()).collect())
}

fn newest(tail: &Tail, head: &RoomHead, limit: usize) -> Option<Vec<u64>> {
    answer(tail, head, LogQuery::Before(Seq::MAX), limit)
}

#[test]
fn a_page_is_answered_as_of_the_head_that_is_asked_for_and_only_if_all_of_it_is_there() {
    let tail = tail_of(&page(1, 5, 9));
    let now = head(1, 9);
    assert_eq!(newest(&tail, &now, 3), Some(vec![7, 8, 9]));
    assert_eq!(newest(&tail, &now, 5), Some(vec![5, 6, 7, 8, 9]));
    assert_eq!(newest(&tail, &now, 6), None, "4 is not here");
    assert_eq!(newest(&tail, &head(1, 7), 2), Some(vec![6, 7]), "earlier");
    assert_eq!(newest(&tail, &head(1, 10), 1), None, "10 is not here");
    let after = |seq, limit| answer(&tail, &now, LogQuery::After(Seq::new(seq)), limit);
    assert_eq!(after(6, 2), Some(vec![7, 8]));
    assert_eq!(after(4, 99), Some(vec![5, 6, 7, 8, 9]));
    assert_eq!(after(9, 1), Some(vec![]));
    assert_eq!(after(3, 1), None, "4 is not here");
    let within = |seq, bytes| answer(&tail, &now, LogQuery::Within(Seq::new(seq), bytes), 99);
    assert_eq!(within(5, 1), Some(vec![6]), "one, however large");
    assert_eq!(within(5, 2 * "text 6".len()), Some(vec![6, 7]));
    let other_life = RoomHead {
        epoch: Epoch::new(8),
        ..now
    };
    assert_eq!(newest(&tail, &other_life, 1), None);
}

#[test]
fn what_retention_removed_is_not_answered() {
    let mut tail = tail_of(&page(1, 1, 9));
    let now = head(6, 9);
    assert_eq!(newest(&tail, &now, 99), Some(vec![6, 7, 8, 9]));
    let after = LogQuery::After(Seq::ZERO);
    assert_eq!(answer(&tail, &now, after, 2), Some(vec![6, 7]));
    tail.forget_removed(&now);
    assert_eq!(newest(&tail, &now, 99), Some(vec![6, 7, 8, 9]));
    assert_eq!(newest(&tail, &head(5, 9), 99), None, "dropped");
}

#[test]
fn a_gap_drops_what_is_before_it_and_what_comes_late_is_passed_over() {
    let mut tail = tail_of(&page(1, 1, 3));
    tail.append(&[entry(4), entry(5)]);
    assert_eq!(newest(&tail, &head(1, 5), 9), Some(vec![1, 2, 3, 4, 5]));
    tail.append(&[entry(3), entry(5)]);
    assert_eq!(newest(&tail, &head(1, 5), 9), Some(vec![1, 2, 3, 4, 5]));
    tail.append(&[entry(7)]);
    tail.append(&[entry(6)]);
    assert_eq!(newest(&tail, &head(1, 7), 1), Some(vec![7]));
    assert_eq!(newest(&tail, &head(1, 7), 2), None, "6 is not known");
    assert_eq!(newest(&tail, &head(1, 5), 1), None);
}

#[test]
fn an_entry_that_changes_earlier_ones_drops_them() {
    let mut tail = tail_of(&page(1, 1, 3));
    tail.append(&[edit_of(2, 4)]);
    assert_eq!(newest(&tail, &head(1, 4), 1), Some(vec![4]));
    assert_eq!(newest(&tail, &head(1, 4), 2), None);
    assert_eq!(newest(&tail, &head(1, 3), 1), None);
}

#[test]
fn a_page_goes_before_what_followed_it_unless_that_changed_it() {
    let mut tail = Tail::new(&head(1, 3), PLENTY);
    tail.append(&[entry(4), entry(5)]);
    tail.fill(&page(1, 1, 3));
    assert_eq!(newest(&tail, &head(1, 5), 9), Some(vec![1, 2, 3, 4, 5]));

    let mut tail = Tail::new(&head(1, 3), PLENTY);
    tail.append(&[edit_of(2, 4), entry(5)]);
    tail.fill(&page(1, 1, 3));
    assert_eq!(newest(&tail, &head(1, 5), 2), Some(vec![4, 5]));
    assert_eq!(newest(&tail, &head(1, 5), 3), None, "read before the edit");
    tail.fill(&page(1, 1, 5));
    assert_eq!(newest(&tail, &head(1, 5), 9), Some(vec![1, 2, 3, 4, 5]));

    let mut tail = tail_of(&page(1, 7, 9));
    tail.fill(&page(1, 1, 5));
    assert_eq!(newest(&tail, &head(1, 9), 4), None, "6 is missing");
    tail.fill(&page(1, 20, 22));
    assert_eq!(newest(&tail, &head(1, 22), 3), Some(vec![20, 21, 22]));
}

#[test]
fn a_tail_stays_within_its_bytes_and_keeps_the_newest() {
    let mut tail = Tail::new(&head(1, 4), 3 * weight(&entry(4)));
    tail.fill(&page(1, 1, 4));
    assert_eq!(newest(&tail, &head(1, 4), 3), Some(vec![2, 3, 4]));
    assert_eq!(newest(&tail, &head(1, 4), 4), None);
    tail.append(&[entry(5), entry(6)]);
    assert_eq!(newest(&tail, &head(1, 6), 3), Some(vec![4, 5, 6]));
    assert_eq!(newest(&tail, &head(1, 6), 4), None);
}

type Pages = Rounds<&'static str, u64, Result<Vec<u64>, StoreError>>;

#[tokio::test]
async fn those_who_come_while_a_question_is_asked_get_the_next_answer_together() {
    let down = || StoreError::Unavailable("down".to_owned());
    for fails in [false, true] {
        let (rounds, go_on) = (Pages::default(), Notify::new());
        let answer_of = |wanted: Vec<u64>| if fails { Err(down()) } else { Ok(wanted) };
        let mut first = Box::pin(rounds.answer("g", 1, |wanted| async {
            go_on.notified().await;
            answer_of(wanted)
        }));
        assert!(waits(&mut first).await);
        let second = rounds.answer("g", 2, |wanted| async { answer_of(wanted) });
        let third = rounds.answer("g", 3, |_| async { unreachable!("the second asks") });
        let (mut second, mut third) = (Box::pin(second), Box::pin(third));
        assert!(waits(&mut second).await && waits(&mut third).await);
        let other = rounds.answer("h", 9, |wanted| async { Ok(wanted) });
        assert_eq!(
            other.await.0.unwrap(),
            [9],
            "of another topic: asked at once"
        );
        go_on.notify_one();
        let ((first, one), (second, two), (third, three)) = tokio::join!(first, second, third);
        assert_eq!(
            [one, two, three],
            [Asked::Here, Asked::Here, Asked::ByAnother]
        );
        assert_eq!(
            [first.is_err(), second.is_err(), third.is_err()],
            [fails; 3]
        );
        if !fails {
            assert_eq!(first.unwrap(), [1], "not with what came later");
            assert_eq!(second.unwrap(), [2, 3]);
            assert_eq!(third.unwrap(), [2, 3]);
        }
        assert!(rounds.is_empty());
    }
}

#[tokio::test]
async fn when_the_one_who_asks_goes_away_the_next_of_the_round_asks() {
    let rounds = Pages::default();
    let mut running = Box::pin(rounds.answer("g", 1, |_| std::future::pending()));
    assert!(waits(&mut running).await);
    let mut first = Box::pin(rounds.answer("g", 2, |_| std::future::pending()));
    assert!(waits(&mut first).await);
    let second = rounds.answer("g", 3, |wanted| async { Ok(wanted) });
    let mut second = Box::pin(second);
    assert!(waits(&mut second).await);
    drop(running);
    assert!(waits(&mut first).await, "asked, with the second's");
    drop(first);
    let (answer, asked) = second.await;
    assert_eq!((answer.unwrap(), asked), (vec![2, 3], Asked::Here));
    assert!(rounds.is_empty());
}

/// Polls once; whether it waits.
async fn waits<F: Future + Unpin>(future: &mut F) -> bool {
    std::future::poll_fn(|cx| {
        let polled = std::pin::Pin::new(&mut *future).poll(cx);
        std::task::Poll::Ready(polled.is_pending())
    })
    .await
}

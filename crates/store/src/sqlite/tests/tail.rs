//! What readers of different ages find in the tail.

use std::sync::Arc;

use madang_domain::ports::LogQuery;
use madang_domain::{
    Epoch, Message, MessageKind, Position, RoomId, SenderKind, Seq, Timestamp, UserId,
};

use crate::sqlite::tail::{Reading, Tail, Unmerged};

fn message(seq: u64, text: &str) -> Arc<Message> {
    Arc::new(Message {
        room: RoomId::new("g").unwrap(),
        position: Position {
            epoch: Epoch::new(1),
            seq: Seq::new(seq),
        },
        kind: MessageKind::Message,
        sender: UserId::new("kim").unwrap(),
        sender_name: None,
        sender_kind: SenderKind::Member,
        client_id: None,
        text: Arc::from(text),
        sent_at: Timestamp::from_micros(0),
        extra: None,
    })
}

/// Entries 1 to `count` of room 7, each with ten times its number as arrival.
fn tail(count: u64) -> Tail {
    let tail = Tail::default();
    for seq in 1..=count {
        tail.push(&Unmerged {
            room_no: 7,
            arrival: seq.cast_signed() * 10,
            n: seq,
            message: message(seq, "first"),
        });
    }
    tail
}

fn texts(reading: &Reading<'_>, arrival: i64) -> Vec<String> {
    let view = reading.view(arrival).unwrap();
    let log = view.log(7, Seq::ZERO, LogQuery::After(Seq::ZERO), 100);
    log.iter().map(|message| message.text.to_string()).collect()
}

#[test]
fn a_version_counts_from_the_entry_on_that_says_so() {
    let tail = tail(2);
    let before = tail.begin();
    tail.revise(7, 30, message(1, "second"));
    assert_eq!(texts(&before, 20), ["first", "first"]);
    assert_eq!(texts(&before, 30), ["second", "first"]);
    tail.unrevise(7, Seq::new(1));
    assert_eq!(texts(&before, 30), ["first", "first"], "it did not commit");
    tail.revise(7, 30, message(1, "second"));
    tail.settle(&[(7, Seq::new(1))]);
    tail.revise(7, 40, message(1, "third"));
    tail.settle(&[(7, Seq::new(1))]);
    assert_eq!(texts(&before, 20), ["first", "first"], "an older reader");
    drop(before);
    let after = tail.begin();
    assert_eq!(texts(&after, 40), ["third", "first"]);
    let entry = tail.one_of_writer(7, Seq::new(1)).unwrap();
    assert_eq!(*entry.2.text, *"third");
}

#[test]
fn what_is_merged_stays_for_older_readers_alone() {
    let tail = tail(4);
    let older = tail.begin();
    tail.remove_to(7, Seq::new(3));
    assert_eq!(tail.size(), (1, "first".len()));
    assert_eq!(tail.oldest(7, 9).len(), 1);
    assert!(tail.one_of_writer(7, Seq::new(3)).is_none());
    let newer = tail.begin();
    assert_eq!(texts(&older, 40).len(), 4);
    let kim = UserId::new("kim").unwrap();
    let own = |reading: &Reading<'_>, merged, after| {
        let view = reading.view(40).unwrap();
        view.own_after(7, Seq::new(merged), &kim, Seq::new(after))
    };
    assert_eq!(
        (own(&older, 0, 0), own(&older, 0, 2), own(&newer, 3, 0)),
        (4, 2, 1)
    );
    drop(newer);
    assert_eq!(texts(&older, 40).len(), 4, "as long as one is left");
    drop(older);
    assert_eq!(texts(&tail.begin(), 40).len(), 1);
    tail.remove_to(7, Seq::MAX);
    assert!(tail.rooms().is_empty());
    assert_eq!(tail.size(), (0, 0));
}

#[test]
fn bytes_are_those_of_the_newest_versions() {
    let tail = tail(1);
    tail.revise(7, 20, message(1, "longer text"));
    assert_eq!(tail.size().1, "longer text".len());
    tail.revise(7, 30, message(1, ""));
    assert_eq!(tail.size().1, 0);
    tail.unrevise(7, Seq::new(1));
    assert_eq!(tail.size().1, "longer text".len());
    tail.settle(&[(7, Seq::new(1))]);
    tail.remove_to(7, Seq::new(1));
    assert_eq!(tail.size(), (0, 0));
}

#[test]
fn a_reader_of_a_tail_that_was_made_anew_begins_again() {
    let tail = tail(1);
    let before = tail.begin();
    tail.replace(&[]);
    assert!(before.view(10).is_err());
    assert!(tail.begin().view(10).is_ok());
}

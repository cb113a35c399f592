//! A user's inbox: the list, and the events of the stream that shows it.
//!
//! The inbox is a log, and an event's id says where in it the event stands: `<user>_<time>`, whose
//! digits are the time in microseconds and behind it the log's epoch and number, so that a stream is
//! resumed exactly, whatever came within one microsecond.

use jiff::tz::TimeZone;
use madang_domain::{Epoch, Message, MessageKind, Position, Revision, Seq, Timestamp, UserId};
use madang_wire::sse;
use serde::Serialize;
use utoipa::ToSchema;

use crate::contracts::inbox::NotificationBody;
use crate::contracts::plain::local_date_time;

/// How every event is called that the clients of this contract know.
pub const EVENT: &str = "sse";
/// How the event is called that says that a part of what was asked for is gone.
pub const RESET: &str = "reset";
/// How the event is called that says why the stream ends.
pub const ERROR: &str = "error";
/// What the first event says.
pub const CONNECTED: &str = "connected";

/// A notification, in the list and as the data of an event.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CommunityNotification)]
#[serde(rename_all = "camelCase")]
pub struct ListedNotification<'a> {
    /// Its number in the user's inbox.
    #[schema(example = 7)]
    pub id: u64,
    /// What a person reads.
    #[schema(example = "초코맘님이 거래 채팅을 시작했습니다.")]
    pub content: &'a str,
    /// What it is about: `trade.opened`, or the host's own.
    #[serde(rename = "type")]
    #[schema(example = "trade.opened")]
    pub kind: String,
    /// Where it leads; null for nowhere.
    #[schema(example = "/tradechat/0193f1c2-7b1e-7a60-9d51-1d2c3b4a5968")]
    pub url: Option<String>,
    /// Whether it was read.
    #[schema(example = false)]
    pub is_read: bool,
    /// When: ISO local date-time with six digits of fraction, without an offset.
    #[schema(example = "2023-10-05T01:21:30.123456")]
    pub created_at: String,
}

impl<'a> ListedNotification<'a> {
    /// How an entry of an inbox looks; `None` for one that is no notification, or deleted.
    #[must_use]
    pub fn new(message: &'a Message, zone: &TimeZone) -> Option<Self> {
        if message.kind != MessageKind::Notification {
            return None;
        }
        let NotificationBody {
            id,
            kind,
            content,
            url,
            read_at,
            ..
        } = NotificationBody::new(message)?;
        Some(Self {
            id,
            content,
            kind,
            url,
            is_read: read_at.is_some(),
            created_at: local_date_time(message.sent_at, zone),
        })
    }
}

/// That older notifications than this are gone which the client has not seen.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CommunityGap)]
pub struct Gap {
    /// The number of the oldest that is kept.
    #[schema(example = 40)]
    pub oldest: u64,
}

/// Whether the stream shows such an entry of the inbox.
#[must_use]
pub fn shows(message: &Message) -> bool {
    message.kind == MessageKind::Notification && !matches!(message.revision(), Revision::Deleted(_))
}

/// Up to where a client has seen an inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// There was none yet.
    Nothing,
    /// Up to here.
    UpTo(Position),
}

/// Digits of the time: microseconds since 1970 until the year 2286.
const TIME_DIGITS: usize = 16;
/// Digits of an epoch, which has 48 bits.
const EPOCH_DIGITS: usize = 15;

/// The id of an event after which `user` has seen so much.
#[must_use]
pub fn event_id(user: &UserId, at: Timestamp, seen: Seen) -> String {
    let micros = at.as_micros().max(0);
    let (epoch, seq) = match seen {
        Seen::Nothing => (0, 0),
        Seen::UpTo(position) => (position.epoch.get(), position.seq.get()),
    };
    format!("{user}_{micros:0TIME_DIGITS$}{epoch:0EPOCH_DIGITS$}{seq}")
}

/// What an id says that [`event_id`] gave to `user`; `None` for any other text, another user's ids
/// among them.
#[must_use]
pub fn parse_event_id(text: &str, user: &UserId) -> Option<Seen> {
    let (whose, digits) = text.rsplit_once('_')?;
    if whose != user.as_str() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let place = digits.get(TIME_DIGITS..)?;
    let epoch = place.get(..EPOCH_DIGITS)?.parse().ok()?;
    let seq = place.get(EPOCH_DIGITS..)?.parse().ok()?;
    if epoch == 0 {
        return (seq == 0).then_some(Seen::Nothing);
    }
    let position = Position {
        epoch: Epoch::new(epoch),
        seq: Seq::new(seq),
    };
    let is_plain = position.epoch.get() == epoch && position.seq.get() == seq;
    is_plain.then_some(Seen::UpTo(position))
}

/// Appends an event, and its id if it has one.
pub fn append(id: Option<&str>, name: &str, data: &str, out: &mut Vec<u8>) {
    // User ids have no control characters: always a line.
    if let Some(Ok(id)) = id.map(sse::Line::new) {
        sse::append_id(id, out);
    }
    sse::append_event(sse::Line::new(name).ok(), data, out);
}

/// Appends the event of a notification of `user`; nothing for what [`shows`] does not.
pub fn append_notification(message: &Message, user: &UserId, zone: &TimeZone, out: &mut Vec<u8>) {
    let Some(shown) = ListedNotification::new(message, zone) else {
        return;
    };
    // Text only: nothing that serialization could refuse.
    let data = serde_json::to_string(&shown).unwrap_or_default();
    let id = event_id(user, message.sent_at, Seen::UpTo(message.position));
    append(Some(&id), EVENT, &data, out);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use madang_domain::{Extra, RoomId, SenderKind};
    use proptest::prelude::*;

    use super::*;

    fn user(id: &str) -> UserId {
        UserId::new(id).unwrap()
    }

    fn position(epoch: u64, seq: u64) -> Position {
        Position {
            epoch: Epoch::new(epoch),
            seq: Seq::new(seq),
        }
    }

    fn notification(revision: Revision) -> Message {
        Message {
            room: RoomId::inbox(&user("kim_1")),
            position: position(9, 7),
            kind: MessageKind::Notification,
            sender: user("lee"),
            sender_name: None,
            sender_kind: SenderKind::Host,
            client_id: None,
            text: Arc::from("첫 줄\n둘째 줄"),
            sent_at: Timestamp::from_micros(1_696_436_490_123_456),
            extra: Some(Box::new(Extra {
                data: Some(Arc::from(r#"{"type":"trade.opened","url":"/tradechat/r"}"#)),
                revision,
                ..Extra::default()
            })),
        }
    }

    proptest! {
        #[test]
        fn an_id_says_exactly_how_far_its_user_has_seen(epoch: u64, seq: u64, micros: i64, name in "[a-z_@.0-9가-힣]{1,20}") {
            let (user, position) = (user(&name), position(epoch, seq));
            for seen in [Seen::Nothing, Seen::UpTo(position)] {
                let id = event_id(&user, Timestamp::from_micros(micros % 10_000_000_000_000_000), seen);
                prop_assert_eq!(parse_event_id(&id, &user), Some(seen));
            }
        }

        #[test]
        fn any_other_text_is_passed_over_without_a_panic(text in "(kim_)?\\PC{0,50}|kim_[0-9]{0,60}") {
            let kim = user("kim");
            if let Some(Seen::UpTo(position)) = parse_event_id(&text, &kim) {
                let micros = text["kim_".len()..][..TIME_DIGITS].parse().unwrap();
                let again = event_id(&kim, Timestamp::from_micros(micros), Seen::UpTo(position));
                // Leading zeros of the number are no other place.
                prop_assert_eq!(parse_event_id(&again, &kim), Some(Seen::UpTo(position)));
            }
        }
    }

    #[test]
    fn two_notifications_of_one_microsecond_have_two_ids_and_another_user_has_neither() {
        let (kim, at) = (user("kim"), Timestamp::from_micros(1_696_436_490_123_456));
        let ids: Vec<_> = [1, 2]
            .into_iter()
            .map(|seq| event_id(&kim, at, Seen::UpTo(position(9, seq))))
            .collect();
        assert_ne!(ids[0], ids[1]);
        assert!(ids[0].starts_with("kim_1696436490123456"), "{}", ids[0]);
        for id in &ids {
            for other in ["lee", "ki", "kim_1"] {
                assert_eq!(parse_event_id(id, &user(other)), None);
            }
        }
        // What the replaced system gave out.
        assert_eq!(parse_event_id("kim_1696436490123", &kim), None);
    }

    #[test]
    fn an_event_is_the_notification_as_the_list_has_it() {
        let zone = TimeZone::fixed(jiff::tz::offset(9));
        let mut out = Vec::new();
        append_notification(
            &notification(Revision::None),
            &user("kim_1"),
            &zone,
            &mut out,
        );
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "id: kim_1_16964364901234560000000000000097\nevent: sse\ndata: \
             {\"id\":7,\"content\":\"첫 줄\\n둘째 줄\",\"type\":\"trade.opened\",\"url\":\"/tradechat/r\",\
             \"isRead\":false,\"createdAt\":\"2023-10-05T01:21:30.123456\"}\n\n"
        );
    }

    #[test]
    fn what_is_deleted_is_not_shown_and_what_is_read_says_so() {
        let at = Timestamp::from_micros(1);
        let read = notification(Revision::Read(at));
        assert!(
            ListedNotification::new(&read, &TimeZone::UTC)
                .unwrap()
                .is_read
        );
        let deleted = notification(Revision::Deleted(at));
        assert!(!shows(&deleted));
        assert!(ListedNotification::new(&deleted, &TimeZone::UTC).is_none());
        let event = Message {
            kind: MessageKind::NotificationRead,
            ..notification(Revision::None)
        };
        assert!(!shows(&event));
        assert!(ListedNotification::new(&event, &TimeZone::UTC).is_none());
    }
}

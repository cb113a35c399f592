//! What is said over STOMP: destinations, what clients send, what subscribers get.

use std::sync::Arc;

use madang_domain::{Code, Error, Message, MessageKind, RoomId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::parse_number;
use crate::contracts::native::parse_json;
use crate::contracts::plain::text;

/// Messages of an open room; its number follows.
pub const CHAT: &str = "/sub/chat/";
/// Who comes into an open room; its number follows.
pub const ENTRANCES: &str = "/sub/enter/";
/// Messages of a trade room; what names it follows.
pub const TRADE: &str = "/sub/tradechat/";

const SEND_ENTER: &str = "/pub/chat/enter/";
const SEND_CHAT: &str = "/pub/chat/message/";
const SEND_TRADE: &str = "/pub/tradechat/message/";

/// A destination of a SUBSCRIBE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Messages of the open room with this number.
    Chat(u64),
    /// Who comes into the open room with this number.
    Entrances(u64),
    /// Messages of a trade room, as [`super::trade::find`] takes its name.
    Trade(Box<str>),
}

/// A destination of a SEND.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The sender comes into the open room with this number.
    Enter(u64),
    /// A message for the open room with this number.
    Chat(u64),
    /// A message for a trade room, as [`super::trade::find`] takes its name.
    Trade(Box<str>),
}

impl Source {
    /// What `destination` means here; `None` when it is none of this contract's.
    ///
    /// # Errors
    /// [`Code::ParameterInvalid`]: an open room is named by what is no number. The client's fault.
    pub fn parse(destination: &str) -> Result<Option<Self>, Error> {
        let behind = |prefix| destination.strip_prefix(prefix);
        Ok(if let Some(number) = behind(CHAT) {
            Some(Self::Chat(parse_number(number)?))
        } else if let Some(number) = behind(ENTRANCES) {
            Some(Self::Entrances(parse_number(number)?))
        } else {
            behind(TRADE).map(|name| Self::Trade(Box::from(name)))
        })
    }
}

impl Target {
    /// As [`Source::parse`].
    ///
    /// # Errors
    /// As [`Source::parse`].
    pub fn parse(destination: &str) -> Result<Option<Self>, Error> {
        let behind = |prefix| destination.strip_prefix(prefix);
        Ok(if let Some(number) = behind(SEND_ENTER) {
            Some(Self::Enter(parse_number(number)?))
        } else if let Some(number) = behind(SEND_CHAT) {
            Some(Self::Chat(parse_number(number)?))
        } else {
            behind(SEND_TRADE).map(|name| Self::Trade(Box::from(name)))
        })
    }

    /// Where what is sent here is delivered, as the same client subscribes to it.
    #[must_use]
    pub fn delivered_on(&self) -> String {
        match self {
            Self::Enter(number) => format!("{ENTRANCES}{number}"),
            Self::Chat(number) => format!("{CHAT}{number}"),
            Self::Trade(name) => format!("{TRADE}{name}"),
        }
    }
}

/// What a subscription shows of its room, and how its client names that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// What it shows.
    pub shown: Shown,
    /// How the client names the room. Clients that see the same `shown` of a room name it alike.
    pub named: Arc<str>,
}

/// What of a room a subscription shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Messages of an open room, named by its number.
    Chat,
    /// Who comes into an open room, named by its number.
    Entrances,
    /// Messages of a trade room, named by its item.
    TradeByItem,
    /// Messages of a trade room, named by its own id.
    TradeById,
}

impl Shown {
    /// Every kind.
    pub const ALL: [Self; 4] = [
        Self::Chat,
        Self::Entrances,
        Self::TradeByItem,
        Self::TradeById,
    ];
}

impl View {
    /// The view of an open room.
    #[must_use]
    pub fn open(shown: Shown, number: u64) -> Self {
        Self {
            shown,
            named: Arc::from(number.to_string()),
        }
    }

    /// The view of a trade room by `named`, its own id or its item.
    #[must_use]
    pub fn trade(room: &RoomId, named: &str) -> Self {
        let shown = match room.as_str() == named {
            true => Shown::TradeById,
            false => Shown::TradeByItem,
        };
        Self {
            shown,
            named: Arc::from(named),
        }
    }

    /// Where its messages come from, as the client subscribed.
    #[must_use]
    pub fn destination(&self) -> String {
        let prefix = match self.shown {
            Shown::Chat => CHAT,
            Shown::Entrances => ENTRANCES,
            Shown::TradeByItem | Shown::TradeById => TRADE,
        };
        format!("{prefix}{}", self.named)
    }

    /// Whether it shows such entries of the room's log.
    #[must_use]
    pub const fn shows(&self, kind: MessageKind) -> bool {
        match self.shown {
            Shown::Entrances => matches!(kind, MessageKind::Joined | MessageKind::Added),
            Shown::Chat | Shown::TradeByItem | Shown::TradeById => {
                matches!(kind, MessageKind::Message)
            }
        }
    }

    /// What subscribers get of an entry that is shown.
    #[must_use]
    pub fn render(&self, message: &Message) -> Vec<u8> {
        if self.shown != Shown::Entrances {
            return self.line(message.sender_display_name(), text(message));
        }
        let names: Vec<_> = message
            .subjects()
            .iter()
            .map(|person| person.display_name())
            .collect();
        self.render_entrance(&names.join(", "))
    }

    /// What subscribers get when somebody came in.
    #[must_use]
    pub fn render_entrance(&self, name: &str) -> Vec<u8> {
        self.line(name, &format!("{name}{CAME_IN}"))
    }

    fn line(&self, sender: &str, message: &str) -> Vec<u8> {
        let line = ChatLine {
            room_id: &self.named,
            sender,
            message,
        };
        // Text only: nothing that serialization could refuse.
        serde_json::to_vec(&line).unwrap_or_default()
    }
}

const CAME_IN: &str = "님이 채팅방에 참여하였습니다.";

/// The body of a MESSAGE of this contract.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CommunityMessage)]
#[serde(rename_all = "camelCase")]
pub struct ChatLine<'a> {
    /// The room, as its subscriber named it.
    #[schema(example = "17")]
    pub room_id: &'a str,
    /// The sender's own name, whatever the sender claimed.
    #[schema(example = "초코맘")]
    pub sender: &'a str,
    /// The text.
    #[schema(example = "산책 가실 분 계신가요?")]
    pub message: &'a str,
}

/// The body of a SEND with a message.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = CommunitySend)]
pub(crate) struct MessageBody {
    /// 1 to 16384 bytes of UTF-8.
    #[schema(example = "산책 가실 분 계신가요?")]
    message: String,
    /// Who the client says that it is. Not looked at: shown is the sender's own name.
    #[serde(default, rename = "sender")]
    #[schema(value_type = Option<String>, example = "초코맘")]
    _sender: serde::de::IgnoredAny,
}

/// The body of a SEND with which somebody comes into a room.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = CommunityEnter)]
pub(crate) struct EnterBody {
    /// As of a message.
    #[serde(default, rename = "sender")]
    #[schema(value_type = Option<String>, example = "초코맘")]
    _sender: serde::de::IgnoredAny,
}

/// Reads the text of a message: `{"message","sender"}`; other members are ignored.
///
/// # Errors
/// [`Code::BodyInvalid`]: it is no such JSON. The sender's fault; not retryable.
pub fn parse_message(body: &[u8]) -> Result<String, Error> {
    Ok(parse_json::<MessageBody>(body)?.message)
}

/// Checks the body of who comes into a room: `{"sender"}`, or nothing.
///
/// # Errors
/// As [`parse_message`].
pub fn check_enter(body: &[u8]) -> Result<(), Error> {
    if body.is_empty() {
        return Ok(());
    }
    parse_json::<EnterBody>(body).map(drop)
}

/// What a frame is told that is part of a transaction: entering and joining take effect at once.
#[must_use]
pub fn no_transaction() -> Error {
    let detail = "SEND to this destination takes no part in transactions";
    Error::with_detail(Code::FrameInvalid, detail)
}

#[cfg(test)]
mod tests {
    use madang_domain::{Epoch, Extra, Person, Position, SenderKind, Seq, Timestamp, UserId};

    use super::*;

    fn entry(kind: MessageKind, text: &str, subjects: &[(&str, Option<&str>)]) -> Message {
        let subjects = subjects.iter().map(|(user, name)| Person {
            user: UserId::new(user).unwrap(),
            name: name.map(Arc::from),
        });
        Message {
            room: RoomId::new("0193f1c2").unwrap(),
            position: Position {
                epoch: Epoch::new(1),
                seq: Seq::new(1),
            },
            kind,
            sender: UserId::new("kim@example.com").unwrap(),
            sender_name: Some(Arc::from("초코맘")),
            sender_kind: SenderKind::Member,
            client_id: None,
            text: Arc::from(text),
            sent_at: Timestamp::from_micros(0),
            extra: Some(Box::new(Extra {
                subjects: subjects.collect(),
                ..Extra::default()
            })),
        }
    }

    fn rendered(view: &View, message: &Message) -> String {
        String::from_utf8(view.render(message)).unwrap()
    }

    #[test]
    fn a_destination_names_an_open_room_by_number_and_a_trade_room_by_any_text() {
        let source = |text| Source::parse(text).unwrap();
        assert_eq!(source("/sub/chat/17"), Some(Source::Chat(17)));
        assert_eq!(source("/sub/enter/17"), Some(Source::Entrances(17)));
        assert_eq!(
            source("/sub/tradechat/a b"),
            Some(Source::Trade("a b".into()))
        );
        assert_eq!(source("/sub/other/17"), None);
        let target = |text| Target::parse(text).unwrap();
        assert_eq!(target("/pub/chat/enter/17"), Some(Target::Enter(17)));
        assert_eq!(target("/pub/chat/message/17"), Some(Target::Chat(17)));
        let trade = target("/pub/tradechat/message/77").unwrap();
        assert_eq!(trade.delivered_on(), "/sub/tradechat/77");
        assert_eq!(target("/pub/message"), None);
        for wrong in [
            "/sub/chat/",
            "/sub/chat/x",
            "/sub/enter/1/2",
            "/sub/chat/room/kim",
        ] {
            let code = Source::parse(wrong).unwrap_err().code();
            assert_eq!(code, Code::ParameterInvalid, "{wrong}");
        }
        assert!(Target::parse("/pub/chat/message/x").is_err());
    }

    #[test]
    fn a_message_is_shown_under_its_senders_own_name_and_as_its_subscriber_named_the_room() {
        let message = entry(MessageKind::Message, "네", &[]);
        let view = View::open(Shown::Chat, 17);
        assert_eq!(
            rendered(&view, &message),
            r#"{"roomId":"17","sender":"초코맘","message":"네"}"#
        );
        let by_id = View::trade(&message.room, "0193f1c2");
        assert_eq!(
            (by_id.shown, by_id.destination()),
            (Shown::TradeById, "/sub/tradechat/0193f1c2".to_owned())
        );
        let by_item = View::trade(&message.room, "77");
        assert_eq!(by_item.shown, Shown::TradeByItem);
        assert_eq!(
            rendered(&by_item, &message),
            r#"{"roomId":"77","sender":"초코맘","message":"네"}"#
        );
    }

    #[test]
    fn entrances_show_who_joined_or_was_added_and_nothing_else() {
        let view = View::open(Shown::Entrances, 17);
        let shown: Vec<_> = MessageKind::ALL
            .into_iter()
            .filter(|kind| view.shows(*kind))
            .collect();
        assert_eq!(shown, [MessageKind::Joined, MessageKind::Added]);
        let joined = entry(MessageKind::Joined, "", &[("lee", None)]);
        assert_eq!(
            rendered(&view, &joined),
            r#"{"roomId":"17","sender":"lee","message":"lee님이 채팅방에 참여하였습니다."}"#
        );
        let added = entry(
            MessageKind::Added,
            "",
            &[("lee", Some("콩이")), ("park", None)],
        );
        let shown = rendered(&view, &added);
        assert!(
            shown.contains("콩이, park님이 채팅방에 참여하였습니다."),
            "{shown}"
        );
        let chat = View::open(Shown::Chat, 17);
        let shown: Vec<_> = MessageKind::ALL
            .into_iter()
            .filter(|kind| chat.shows(*kind))
            .collect();
        assert_eq!(shown, [MessageKind::Message]);
    }

    #[test]
    fn what_is_sent_is_json_and_the_claimed_sender_is_not_looked_at() {
        let parse = |body: &str| parse_message(body.as_bytes());
        assert_eq!(
            parse(r#"{"message":"네","sender":"남의 이름"}"#).unwrap(),
            "네"
        );
        assert_eq!(
            parse(r#"{"message":"네","sender":7,"x":[]}"#).unwrap(),
            "네"
        );
        for wrong in ["", "네", "[]", r#"{"sender":"kim"}"#, r#"{"message":7}"#] {
            assert_eq!(
                parse(wrong).unwrap_err().code(),
                Code::BodyInvalid,
                "{wrong}"
            );
        }
        for entering in ["", "{}", r#"{"sender":"kim"}"#] {
            check_enter(entering.as_bytes()).unwrap();
        }
        assert_eq!(check_enter(b"kim").unwrap_err().code(), Code::BodyInvalid);
    }
}

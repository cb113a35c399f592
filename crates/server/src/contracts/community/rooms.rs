//! Rooms and their histories in lists.

use jiff::tz::TimeZone;
use madang_domain::{Message, Room};
use serde::Serialize;
use utoipa::ToSchema;

use super::trade::TradeRoom;
use crate::contracts::plain::{NumberOrText, local_date_time, text};

/// An open room.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CommunityRoom)]
pub struct OpenRoom<'a> {
    /// Its number, which names it in paths and destinations.
    #[schema(example = 17)]
    pub id: u64,
    /// Its title; empty when it has none.
    #[schema(example = "한강 산책 모임")]
    pub title: &'a str,
    /// What it is about; empty when nobody said.
    #[schema(example = "매일 저녁 7시")]
    pub content: &'a str,
    /// Its owner's name; empty for a room that is nobody's.
    #[schema(example = "초코맘")]
    pub username: &'a str,
}

impl<'a> From<&'a Room> for OpenRoom<'a> {
    fn from(room: &'a Room) -> Self {
        let owner = room.owner.as_ref();
        Self {
            id: room.number,
            title: room.profile.title.as_deref().unwrap_or_default(),
            content: room.profile.description.as_deref().unwrap_or_default(),
            username: owner.map(|owner| owner.display_name()).unwrap_or_default(),
        }
    }
}

/// Open rooms.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CommunityRooms)]
#[serde(rename_all = "camelCase")]
pub struct OpenRooms<'a> {
    /// The newest made first, at most 1000.
    pub chat_room_list: Vec<OpenRoom<'a>>,
}

/// A trade room.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CommunityTradeRoom)]
#[serde(rename_all = "camelCase")]
pub struct ListedTradeRoom<'a> {
    /// The item. A text when it is no number.
    #[schema(value_type = i64, example = 77)]
    pub trade_id: NumberOrText,
    /// The buyer's user id.
    #[schema(example = "kim@example.com")]
    pub buyer_id: &'a str,
    /// The seller's user id.
    #[schema(example = "lee@example.com")]
    pub seller_id: &'a str,
    /// The room's own id, which names it where the item has several rooms.
    #[schema(example = "0193f1c2-7b1e-7a60-9d51-1d2c3b4a5968")]
    pub room_id: &'a str,
}

impl<'a> From<&'a TradeRoom> for ListedTradeRoom<'a> {
    fn from(TradeRoom { room, trade }: &'a TradeRoom) -> Self {
        Self {
            trade_id: NumberOrText::new(&trade.item),
            buyer_id: &trade.buyer,
            seller_id: &trade.seller,
            room_id: room.id.as_str(),
        }
    }
}

/// The caller's trade rooms.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CommunityTradeRooms)]
#[serde(rename_all = "camelCase")]
pub struct TradeRooms<'a> {
    /// Newest activity first, at most 1000.
    pub trade_chat_room_list: Vec<ListedTradeRoom<'a>>,
}

/// A message in a room's history.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CommunityListedMessage)]
#[serde(rename_all = "camelCase")]
pub struct ListedMessage<'a> {
    /// The room, as the caller named it.
    #[schema(example = "17")]
    pub room_id: &'a str,
    /// The sender's name.
    #[schema(example = "초코맘")]
    pub sender: &'a str,
    /// The text.
    #[schema(example = "산책 가실 분 계신가요?")]
    pub message: &'a str,
    /// When: ISO local date-time with six digits of fraction, without an offset.
    #[schema(example = "2023-10-05T01:21:30.123456")]
    pub created_at: String,
}

impl<'a> ListedMessage<'a> {
    /// How `message` looks to a caller who named its room so.
    #[must_use]
    pub fn new(message: &'a Message, named: &'a str, zone: &TimeZone) -> Self {
        Self {
            room_id: named,
            sender: message.sender_display_name(),
            message: text(message),
            created_at: local_date_time(message.sent_at, zone),
        }
    }
}

/// A room's history.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CommunityHistory)]
#[serde(rename_all = "camelCase")]
pub struct History<'a> {
    /// The newest 1000 messages, oldest first.
    pub chat_list: Vec<ListedMessage<'a>>,
}

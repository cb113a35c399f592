//! A user's inbox in the native JSON: notifications over REST and live.

use madang_domain::{Message, MessageKind, Revision};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::native::rfc3339;

/// A notification.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Notification)]
#[serde(rename_all = "camelCase")]
pub struct NotificationBody<'a> {
    /// Its number in the user's inbox.
    #[schema(example = 7)]
    pub id: u64,
    /// What it is about: `desk.assigned`, `desk.overdue`, `trade.opened`, or the host's own.
    #[serde(rename = "type")]
    #[schema(example = "order.shipped")]
    pub kind: String,
    /// What a person reads.
    #[schema(example = "주문하신 상품이 발송되었습니다.")]
    pub content: &'a str,
    /// Where it leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "/orders/1024")]
    pub url: Option<String>,
    /// The sender's own JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub data: Option<Box<RawValue>>,
    /// When: RFC 3339, UTC.
    #[schema(example = "2026-11-21T01:21:30.123456Z", format = DateTime)]
    pub created_at: String,
    /// When it was read; absent while it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-21T01:22:00.000000Z", format = DateTime)]
    pub read_at: Option<String>,
}

/// What is stored as the structured body of a notification's entry.
#[derive(Debug, Default, Deserialize)]
struct Stored {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    data: Option<Box<RawValue>>,
}

impl<'a> NotificationBody<'a> {
    /// How an entry of kind [`MessageKind::Notification`] looks; `None` for one that is deleted.
    #[must_use]
    pub fn new(message: &'a Message) -> Option<Self> {
        let read_at = match message.revision() {
            Revision::Deleted(_) => return None,
            Revision::Read(at) => Some(rfc3339(at)),
            Revision::None | Revision::Edited(_) => None,
        };
        let stored = message.data().map(|data| serde_json::from_str(data));
        let Stored { kind, url, data } = stored.and_then(Result::ok).unwrap_or_default();
        Some(Self {
            id: message.position.seq.get(),
            kind,
            content: &message.text,
            url,
            data,
            created_at: rfc3339(message.sent_at),
            read_at,
        })
    }
}

/// Something that happened in an inbox.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "position": "5e9f3c1a2b4d-7", "change": "added",
    "notification": {"id": 7, "type": "order.shipped", "content": "주문하신 상품이 발송되었습니다.",
        "url": "/orders/1024", "data": {}, "createdAt": "2026-11-21T01:21:30.123456Z",
        "readAt": "2026-11-21T01:22:00.000000Z"},
}))]
#[serde(rename_all = "camelCase")]
pub struct InboxEntry<'a> {
    /// Its place, opaque: `resume` takes it as `inbox`.
    #[schema(example = "5e9f3c1a2b4d-7")]
    pub position: String,
    /// What happened.
    pub change: InboxChange,
    /// Of `added`: the notification; absent when it was deleted since.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notification: Option<NotificationBody<'a>>,
    /// Of `read` and `deleted`: the `id` of the notification, or of the newest of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 7)]
    pub target: Option<u64>,
    /// Of `read` and `deleted`: whether all notifications up to the target are meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub up_to: Option<bool>,
}

/// What happened in an inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum InboxChange {
    /// There is a new notification.
    Added,
    /// Notifications are read.
    Read,
    /// Notifications are gone.
    Deleted,
}

impl<'a> InboxEntry<'a> {
    /// How an entry of an inbox looks.
    #[must_use]
    pub fn new(message: &'a Message) -> Self {
        let change = match message.kind {
            MessageKind::NotificationRead => InboxChange::Read,
            MessageKind::NotificationDeleted => InboxChange::Deleted,
            _ => InboxChange::Added,
        };
        let is_new = change == InboxChange::Added;
        Self {
            position: message.position.to_string(),
            change,
            notification: is_new.then(|| NotificationBody::new(message)).flatten(),
            target: message.target().map(madang_domain::Seq::get),
            // The store says so by leaving data that is `true`.
            up_to: (!is_new).then(|| message.data().is_some()),
        }
    }
}

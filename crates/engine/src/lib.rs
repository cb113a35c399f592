//! What the server does: one file per use case, the commit pipeline, and the hub.
//!
//! The one idea: every subscription is a cursor over its room's log. The store holds the log;
//! live fan-out is only the fast path that usually makes the next read unnecessary.
//!
//! Nothing here knows a wire protocol, HTTP or SQL. Reading order: [`engine`], then the use cases
//! as needed, [`commit`] for the way in, [`hub`] for the way out.

pub mod commit;
pub mod engine;
pub mod event;
pub mod hub;
pub mod telemetry;
pub mod vital;

mod acknowledge;
mod advance_receipt;
mod allowance;
mod attend;
mod bus_message;
mod change_room;
mod claim_room;
mod create_room;
mod dispatch;
mod enter_room;
mod gateways;
mod known_users;
mod list_rooms;
mod notify;
mod open_room;
mod overdue;
mod oversee_room;
mod presence;
mod publish_topic;
mod read_history;
mod recent;
mod released_pictures;
mod retention;
mod revocation;
mod search_messages;
mod send_message;
mod serve_room;
mod signal_gate;
mod signal_room;
mod subscribe_room;
mod tell_presence;
mod watch_heads;

pub use allowance::Allowance;
pub use create_room::{FIRST_MEMBERS_MAX, RoomPlan};
pub use engine::{Engine, EngineOptions, Ports};
pub use event::{
    EventBatch, Rendering, Renderings, RoomEvent, RoomSignal, SignalEvent, SignalKind, TopicEvent,
};
pub use gateways::GatewayMail;
pub use hub::{
    CatchUp, DestinationPattern, Destinations, Ended, Hub, InvalidPattern, Outlet,
    PATTERN_BYTES_MAX, RoomSubscription, SubscriptionKey, TopicSource, TopicSubscription,
    UserSubscription,
};
pub use notify::NOTIFIED_AT_ONCE_MAX;
pub use presence::{PresenceOptions, WATCHED_MAX};
pub use publish_topic::{TopicDraft, TopicMessageId, TopicTarget};
pub use read_history::Conversation;
pub use revocation::Revocation;
pub use signal_gate::MEMBERS_TOLD_MAX;
pub use subscribe_room::{Start, Subscribed};
pub use telemetry::{HistoryRead, Telemetry};

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
mod attend;
mod bus_message;
mod claim_room;
mod complete_room;
mod dispatch;
mod leave_room;
mod list_rooms;
mod open_room;
mod publish_topic;
mod read_history;
mod send_message;
mod signal_room;
mod subscribe_room;
mod watch_heads;

pub use engine::{Engine, EngineOptions};
pub use event::{
    EventBatch, Rendering, Renderings, RoomEvent, RoomSignal, SignalEvent, SignalKind, TopicEvent,
};
pub use hub::{
    CatchUp, DestinationPattern, Destinations, Ended, Hub, InvalidPattern, Outlet,
    PATTERN_BYTES_MAX, RoomSubscription, SubscriptionKey, TopicSource, TopicSubscription,
    UserSubscription,
};
pub use publish_topic::{TopicDraft, TopicMessageId, TopicTarget};
pub use read_history::HistoryPage;
pub use subscribe_room::{Start, Subscribed};
pub use telemetry::Telemetry;

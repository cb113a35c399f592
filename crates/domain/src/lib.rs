//! What a chat is: ids, rooms, messages, positions, policy, errors, and the
//! ports through which the engine reaches the world.
//!
//! Nothing here knows tokio, HTTP, SQL, JSON or a wire protocol, and nothing
//! here waits: every function is a pure decision over its arguments.

pub mod assignment;
pub mod caller;
pub mod error;
pub mod ids;
pub mod message;
pub mod policy;
pub mod ports;
pub mod position;
pub mod room;
pub mod time;

pub use assignment::{Agent, ClaimOutcome, Support, SupportState};
pub use caller::{Caller, Role, Scope, Scopes};
pub use error::{Code, Error};
pub use ids::{ClientId, InvalidId, RoomId, UserId};
pub use message::{Appended, Draft, DraftGroup, Message, SenderKind};
pub use position::{Epoch, Position, Seq};
pub use room::{Room, RoomHead};
pub use time::Timestamp;

//! What a chat is: ids, rooms, messages, positions, policy, errors, and the
//! ports through which the engine reaches the world.
//!
//! Nothing here knows tokio, HTTP, SQL, JSON or a wire protocol, and nothing
//! here waits: every function is a pure decision over its arguments.

pub mod assignment;
pub mod caller;
pub mod command;
pub mod error;
pub mod ids;
pub mod membership;
pub mod message;
pub mod notification;
pub mod policy;
pub mod ports;
pub mod position;
pub mod receipt;
pub mod room;
pub mod search;
pub mod time;
pub mod user;

pub use assignment::{Agent, ClaimOutcome, Support, SupportState};
pub use caller::{Caller, Role, Scope, Scopes};
pub use command::{
    Answer, Command, Committed, Making, Outcome, RoomAction, RoomCommand, RoomsChange, lane_of,
};
pub use error::{Code, Error};
pub use ids::{ClientId, InvalidId, RoomId, UserId};
pub use membership::{Actor, Member, MemberRole, Person, Standing};
pub use message::{
    Appended, Body, Content, Draft, DraftGroup, Extra, Message, MessageKind, Revision, SenderKind,
};
pub use notification::{Notification, NotificationAction, Notify, WhichNotifications};
pub use position::{Epoch, Position, Seq};
pub use receipt::{Marks, ReadCount, ReadMark, UnreadSummary};
pub use room::{NewRoom, Profile, ProfileChange, Room, RoomDetail, RoomHead, RoomKind};
pub use time::Timestamp;
pub use user::{User, UserChange};

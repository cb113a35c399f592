//! STOMP 1.0, 1.1 and 1.2: the codec, without sockets or sessions.
//!
//! [`Decoder`] turns bytes, however they were cut into pieces, into [`Item`]s;
//! [`Frame::encode`] and [`message`] turn frames into bytes. What a frame means
//! (subscriptions, transactions, receipts) is the session's matter.
//!
//! The versions differ in what a line and a header are:
//!
//! | | before the CONNECT is answered | 1.0 | 1.1 | 1.2 |
//! |---|---|---|---|---|
//! | line end | LF or CR LF | LF | LF | LF or CR LF |
//! | escapes | none | none | `\n \c \\` | `\r \n \c \\` |
//! | spaces around a value | trimmed if the frame asks for 1.0 | trimmed | kept | kept |
//! | body on a frame that has none | ignored if it asks for 1.0, else refused | ignored | refused | refused |
//!
//! CONNECT, STOMP and CONNECTED are never escaped. A raw colon in a header
//! value is accepted in every version: the name ends at the first one, and
//! clients do send `host:example.org:443`.

mod command;
mod decoder;
mod error;
mod escape;
mod frame;
mod headers;
mod heart_beat;
mod limits;
pub mod message;
mod partial;
mod version;

pub use command::{Command, Peer};
pub use decoder::{Decoder, Item};
pub use error::DecodeError;
pub use escape::{BadEscape, escape_into, unescape};
pub use frame::Frame;
pub use headers::Headers;
pub use heart_beat::{BadHeartBeat, HeartBeat};
pub use limits::Limits;
pub use version::{SUPPORTED, Version};

//! SockJS, server side: the frames, the URLs and the HTTP details of
//! sockjs-protocol, without sockets, sessions, clock or randomness.
//!
//! | module | what it is |
//! |---|---|
//! | [`Endpoint`], [`Transport`] | what a path below the base URL asks for |
//! | [`frame`], [`append_escaped`] | what the server sends: `o`, `h`, `a[…]`, `c[…]` |
//! | [`decode_body`], [`decode_form`], [`decode_frame`] | what clients send: JSON arrays of texts |
//! | [`Receiver`] | how one frame is written into the response of a transport |
//! | [`Answer`], [`header`], [`Info`], [`IframePage`] | the other responses |
//!
//! When a session opens, times out and ends, and which connection may receive
//! its frames, is the gateway's.

mod answer;
mod callback;
mod decode;
mod escape;
mod form;
pub mod frame;
pub mod header;
mod iframe;
mod info;
mod path;
mod receiver;
mod revision;
mod transport;

pub use answer::Answer;
pub use callback::{CALLBACK_BYTES_MAX, Callback, CallbackError};
pub use decode::{DecodeError, Limits, decode_body, decode_form, decode_frame};
pub use escape::{append_escaped, append_quoted};
pub use frame::Close;
pub use iframe::IframePage;
pub use info::Info;
pub use path::{Endpoint, PATH_PART_BYTES_MAX};
pub use receiver::{Receiver, STREAM_BYTES_DEFAULT};
pub use revision::Revision;
pub use transport::Transport;

/// The `Sec-WebSocket-Version`s that SockJS clients speak: their framing is
/// that of 13 as long as no extension is agreed on. For
/// [`check_request_of_versions`](crate::websocket::handshake::check_request_of_versions).
pub const WEBSOCKET_VERSIONS: &[&str] = &["13", "8", "7"];

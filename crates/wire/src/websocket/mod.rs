//! RFC 6455 WebSocket: the opening handshake, the frame codec, the close codes.
//!
//! [`Decoder`] turns the bytes of one direction into [`Event`]s; the
//! functions of [`encode`] append frames to a buffer of the caller's;
//! [`handshake`] checks and writes what comes before the first frame.
//!
//! No extension is spoken: a frame with a reserved bit is refused.
//!
//! ```
//! use madang_wire::websocket::{self, Decoder, Event, Kind, Limits, Role};
//!
//! let mut received = Vec::new();
//! websocket::encode_masked(
//!     websocket::Opcode::Text, true, b"hello", [1, 2, 3, 4], &mut received);
//!
//! let mut decoder = Decoder::new(Role::Server, Limits::default());
//! let mut input = received.as_mut_slice();
//! let mut answer = Vec::new();
//! while let Some(event) = decoder.decode(&mut input)? {
//!     if let Event::Message { kind, payload } = event {
//!         websocket::encode_message(kind, payload, &mut answer);
//!     }
//! }
//! assert_eq!(answer, b"\x81\x05hello");
//! # Ok::<(), websocket::ProtocolError>(())
//! ```

mod close;
mod decode;
pub mod encode;
mod error;
mod event;
mod frame;
pub mod handshake;
mod mask;
mod utf8;

pub use close::CloseCode;
pub use decode::Decoder;
pub use encode::{
    HEAD_LEN_MAX, encode_close, encode_head, encode_masked, encode_message, encode_ping,
    encode_pong,
};
pub use error::ProtocolError;
pub use event::{Event, Kind, Limits, Role};
pub use frame::{CONTROL_PAYLOAD_MAX, Opcode};
pub use handshake::{HandshakeError, accept_key};

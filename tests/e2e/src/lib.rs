//! Runs the real `madang` binary and talks to it over real sockets.
//!
//! Everything here blocks and gives up after [`PATIENCE`]: a test reads from top to bottom, and
//! one that hangs says what it was waiting for. The codecs of the product are used for WebSocket
//! frames only; STOMP frames are taken apart by [`stomp`]'s own few lines, which keep every octet
//! as it came, so that a misreading in the product's codec cannot hide itself.

pub mod binary;
pub mod browser;
pub mod dice;
pub mod doors;
pub mod events;
pub mod http;
pub mod issuer;
pub mod json;
pub mod node;
pub mod program;
pub mod python;
pub mod round_robin;
pub mod s3;
pub mod server;
pub mod sockjs;
pub mod stomp;
pub mod websocket;

use std::time::Duration;

/// How long anything may take before a test fails. Far above what is ever needed, so that a busy
/// machine fails no test; no promise about speed is made with it.
pub const PATIENCE: Duration = Duration::from_secs(30);

//! Sans-IO protocol codecs: bytes in, frames and actions out.
//!
//! Nothing here reads a clock, opens a socket or knows what a chat is. Every
//! decoder answers one of three things: needs more bytes, here is an item, or
//! the peer broke the protocol.

pub mod http1;
pub mod sockjs;
pub mod sse;
pub mod stomp;
pub mod websocket;

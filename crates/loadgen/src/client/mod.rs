//! One STOMP connection over WebSocket, for tests and tools.
//!
//! [`Client::connect`] opens a session; [`Client::open`] stops behind the
//! WebSocket handshake and leaves CONNECT to the caller. A client needs no
//! task: bytes are read when the caller waits for something.
//!
//! ```no_run
//! # async fn example() -> Result<(), madang_loadgen::client::ClientError> {
//! use std::time::Duration;
//! use madang_loadgen::client::{Client, ConnectOptions, Confirm};
//!
//! let second = Duration::from_secs(1);
//! let options = ConnectOptions::default().bearer("…");
//! let mut client = Client::connect("ws://127.0.0.1:8080/ws", options).await?;
//! client.subscribe("a", "/rooms/1", &[], Confirm::Within(second)).await?;
//! client.send("/rooms/1", &[], r#"{"text":"hello"}"#, Confirm::No).await?;
//! let message = client.next_frame(second).await?;
//! assert_eq!(message.get("subscription"), Some("a"));
//! # Ok(()) }
//! ```

mod commands;
mod connection;
mod error;
mod handshake;
mod options;

pub use commands::Confirm;
pub use connection::{Client, WsEvent};
pub use error::ClientError;
pub(crate) use handshake::parse_headers;
pub use options::ConnectOptions;

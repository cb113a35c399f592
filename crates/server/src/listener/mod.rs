//! Accepting connections: how many there may be, TLS, and HTTP until a connection is taken over
//! or closed.
//!
//! [`gate`] decides who comes in; [`accept`] accepts, for any protocol; [`http`] serves HTTP.

mod accept;
mod gate;
mod half_open;
mod http;
mod io;
mod open_files;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub(crate) use accept::accept;
pub(crate) use gate::{Gate, GateLimits, Origin, Place};
pub(crate) use http::serve;
pub(crate) use open_files::raise_open_files;

/// How long a client may take for its TLS handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a client may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

//! Connections that show what happens. After each step a connection has to have shown all of it.

mod events;
mod json;
mod stomp;

use std::collections::BTreeSet;

use madang_e2e::http::Response;
use serde_json::Value;

use super::truth::Model;

pub(super) use events::Streaming;
pub(super) use json::Talking;
pub(super) use stomp::{DESK, Following};

/// What says so.
pub(super) const EXPIRED: &str = "TOKEN_EXPIRED";

/// The token has run out, and the connection with it.
#[derive(Debug)]
pub(super) struct Expired;

/// Whether this is what a connection ends with whose token has run out.
fn is_expiry(event: &Value) -> bool {
    event["type"] == "error" && event["error"]["code"] == EXPIRED
}

/// A connection that was refused: for nothing else than that.
fn expired(refused: &Response) -> Expired {
    assert_eq!(refused.status, 401, "{}", refused.text());
    assert_eq!(refused.json()["code"], EXPIRED, "{}", refused.text());
    Expired
}

/// Rooms that are theirs now and were not shown before.
fn new_since(model: &Model, before: &super::shown::Shown) -> BTreeSet<String> {
    let own = model.rooms_of(before.who);
    let new = own
        .iter()
        .filter(|room| !before.rooms.contains_key(&room.id));
    new.map(|room| room.id.clone()).collect()
}

//! The AsyncAPI document: what is said on the live doors (STOMP, JSON over WebSocket, contract 3's
//! bare WebSocket, event streams), collected from the code.
//!
//! STOMP's channels come from [`crate::authorization::ROWS`], so that no destination can exist
//! without one; commands, events and payloads from the types that the doors read and write; error
//! codes from their registry.

mod community;
mod document;
mod events;
mod frames;
mod headers;
mod json;
mod schemas;
mod servers;
mod stomp;

#[cfg(test)]
mod tests;

use serde_json::Value;

use document::Document;

/// Which optional doors there are.
#[derive(Debug, Clone, Copy)]
pub struct DoorSet {
    /// Contract 1's destinations.
    pub support_desk: bool,
    /// Contract 2's destinations, WebSocket and event stream.
    pub community: bool,
    /// Contract 3's WebSocket.
    pub direct_websocket: bool,
}

impl DoorSet {
    /// Everything: what documents describe.
    pub const ALL: Self = Self {
        support_desk: true,
        community: true,
        direct_websocket: true,
    };
}

/// The AsyncAPI 3.0 document of the live doors, with these optional parts.
#[must_use]
pub fn document(set: DoorSet) -> Value {
    let mut document = Document::new(schemas::collect());
    stomp::describe(set, &mut document);
    json::describe(set, &mut document);
    events::describe(&mut document);
    if set.community {
        community::describe(&mut document);
    }
    document.finish(set)
}

//! What people do.

use serde_json::Value;

use super::truth::{Body, Role, User, Wanted};

/// Through which door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    Rest,
    Json,
    Stomp,
}

/// What somebody does.
#[derive(Debug, Clone)]
pub(super) enum Op {
    Send {
        room: String,
        body: Body,
        client_id: Option<String>,
    },
    /// Several at once, on one connection.
    Burst {
        room: String,
        texts: Vec<String>,
    },
    /// Hangs up before the answer, and sends it again over REST.
    Cut {
        room: String,
        body: Body,
        client_id: String,
    },
    /// Another body for a message, or none.
    Revise {
        room: String,
        seq: u64,
        body: Option<Body>,
        client_id: Option<String>,
    },
    Read {
        room: String,
        seq: u64,
    },
    Join {
        room: String,
    },
    Leave {
        room: String,
    },
    Create {
        wanted: Wanted,
    },
    /// One's own support room.
    OpenSupport,
    Rename {
        room: String,
        title: String,
    },
    DeleteRoom {
        room: String,
    },
    Add {
        room: String,
        users: Vec<User>,
        role: Role,
    },
    Remove {
        room: String,
        user: User,
    },
    SetRole {
        room: String,
        user: User,
        role: Role,
    },
    Claim {
        room: String,
    },
    Release {
        room: String,
    },
    Complete {
        room: String,
    },
    HandOver {
        room: String,
        to: User,
    },
    Notice {
        room: String,
        body: Body,
    },
    Notify {
        users: Vec<User>,
        content: String,
        data: Value,
    },
    ReadNotification {
        seq: u64,
    },
    DeleteNotification {
        seq: u64,
    },
    ReadNotifications {
        up_to: u64,
    },
    /// Reads a room's newest messages.
    Look {
        room: String,
    },
    /// Comes, or comes back, on this kind of connection; `brief`: with a token that runs out soon.
    Connect {
        live: Live,
        brief: bool,
    },
    /// Vanishes from it.
    Vanish {
        live: Live,
    },
    /// Subscribes to a room over STOMP, or, without one, to the desk's feed.
    Follow {
        room: Option<String>,
    },
    Unfollow,
    /// Comes with what proves nothing.
    Intrude {
        expired: bool,
    },
}

/// A kind of connection on which things are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Live {
    Json,
    Stomp,
    Events,
}

/// One thing that one user does.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) who: User,
    pub(super) door: Door,
    pub(super) op: Op,
}

//! The rows of the table.

use super::{Door, Grant, Row, grants};
use crate::roles::NodeRole;

const OWN_ROOMS: &str =
    "the kind of caller; only rooms that are theirs are shown, each by policy::may_read";
const OWN_LISTED: &str = "the kind of caller; only rooms that are theirs are listed";
const OWN_INBOX: &str = "the kind of caller; the inbox is their own, whoever it is";
const SHOWN_OWN: &str = "policy::takes_part; policy::reads again when somebody lost a right";
const SHOWN_ONE: &str = "policy::reads, again when somebody lost a right";
const UNASKED: &str = "nothing: a stream has no command to ask for it";
const OF_ONE_LOG: &str = "nothing: the stream shows one log";
const OWN_TOPICS: &str = "the kind of caller; only what is published to themselves is shown";
const PERSON: &str = "the kind of caller";
const MAY_MAKE: &str = "the kind of caller, and policy::may_make_rooms";
const MAY_READ: &str = "policy::may_read";
const MAY_READ_OWN: &str = "policy::may_read, of rooms that are the caller's";
const MAY_SEE_MEMBERS: &str = "policy::may_see_members";
const MAY_SEND: &str = "policy::may_send, inside the transaction that stores the message";
const MAY_OPEN_OR_SEND: &str = "policy::may_open for the customer, who makes the room; policy::may_send, inside the transaction that stores the message";
const MAY_REVISE: &str =
    "policy::may_revise, inside the transaction; a sender has `messages.revise_seconds`";
const MAY_ACT: &str = "policy::may_act, inside the transaction that changes the room";
const ADDING: &str = "policy::may_act, inside the transaction; to add as moderator takes the owner";
const MAY_SERVE: &str = "policy::may_serve";
const CLAIM: &str = "policy::may_serve; one conditional update decides who wins";
const OF_ASSIGNEE: &str = "policy::may_serve; one conditional update of the caller's room";
const OPEN_TO_ALL: &str = "nothing: open to everybody";
const CONFIGURATION: &str = "the configuration";
const PUBLISHING: &str = "the configuration, and an API key's scope `publish`";
const SCOPE: &str = "the API key's scope";
const MAY_OVERSEE: &str = "policy::may_oversee";
const SCOPE_AND_ACT: &str = "the API key's scope; policy::may_act, inside the transaction";
const SCOPE_AND_NOTICE: &str = "the API key's scope; policy::may_notice, inside the transaction";

const fn row(door: Door, grants: &'static [Grant], decided_by: &'static str) -> Row {
    let served_by: &[NodeRole] = match door {
        Door::Http(..) => &[NodeRole::Api],
        _ => &[NodeRole::Gateway],
    };
    Row {
        door,
        grants,
        decided_by,
        served_by,
    }
}

/// An event stream.
const fn stream(path: &'static str, grants: &'static [Grant], decided_by: &'static str) -> Row {
    Row {
        served_by: &[NodeRole::Gateway],
        ..get(path, grants, decided_by)
    }
}

/// What every node has.
const fn of_all(path: &'static str, grants: &'static [Grant], decided_by: &'static str) -> Row {
    Row {
        served_by: &NodeRole::ALL,
        ..get(path, grants, decided_by)
    }
}

const fn get(path: &'static str, grants: &'static [Grant], decided_by: &'static str) -> Row {
    row(Door::Http("GET", path), grants, decided_by)
}

const fn post(path: &'static str, grants: &'static [Grant], decided_by: &'static str) -> Row {
    row(Door::Http("POST", path), grants, decided_by)
}

const fn put(path: &'static str, grants: &'static [Grant], decided_by: &'static str) -> Row {
    row(Door::Http("PUT", path), grants, decided_by)
}

const fn patch(path: &'static str, grants: &'static [Grant], decided_by: &'static str) -> Row {
    row(Door::Http("PATCH", path), grants, decided_by)
}

const fn delete(path: &'static str, grants: &'static [Grant], decided_by: &'static str) -> Row {
    row(Door::Http("DELETE", path), grants, decided_by)
}

const fn subscribe(to: &'static str, grants: &'static [Grant], decided_by: &'static str) -> Row {
    row(Door::Stomp("SUBSCRIBE", to), grants, decided_by)
}

const fn send(to: &'static str, grants: &'static [Grant], decided_by: &'static str) -> Row {
    row(Door::Stomp("SEND", to), grants, decided_by)
}

const fn revise(to: &'static str, header: &'static str) -> Row {
    row(Door::StompRevision(to, header), grants::REVISES, MAY_REVISE)
}

const fn json(command: &'static str, grants: &'static [Grant], decided_by: &'static str) -> Row {
    row(Door::Json(command), grants, decided_by)
}

const fn websocket(path: &'static str) -> Row {
    row(Door::WebSocket(path), grants::ANY_PERSON, OWN_ROOMS)
}

const fn event(
    on: &'static str,
    name: &'static str,
    told: &'static [Grant],
    why: &'static str,
) -> Row {
    row(Door::Event(on, name), told, why)
}

const JSON: &str = "/ws/v1";
const ROOMS: &str = "/api/v1/events";
const ROOM: &str = "/api/v1/rooms/{id}/events";
const DESK: &str = "/api/v1/desk/events";

/// Every door.
#[rustfmt::skip] // A row is a line.
pub const ROWS: &[Row] = &[
    // Native REST, for people.
    get("/api/v1/rooms", grants::ANY_PERSON, OWN_LISTED),
    post("/api/v1/rooms", grants::ANY_PERSON, "the kind of caller; policy::may_open for one's own support room, policy::may_make_rooms for the others, which guests do not make"),
    get("/api/v1/open-rooms", grants::ANY_PERSON, PERSON),
    get("/api/v1/rooms/{id}", grants::READS, MAY_READ),
    patch("/api/v1/rooms/{id}", grants::EDITS, MAY_ACT),
    delete("/api/v1/rooms/{id}", grants::DELETES, MAY_ACT),
    post("/api/v1/rooms/{id}/join", grants::JOINS, MAY_ACT),
    post("/api/v1/rooms/{id}/leave", grants::LEAVES, MAY_ACT),
    get("/api/v1/rooms/{id}/members", grants::SEES_MEMBERS, MAY_SEE_MEMBERS),
    post("/api/v1/rooms/{id}/members", grants::ADDS, ADDING),
    put("/api/v1/rooms/{id}/members/{user}", grants::GIVES_ROLES, MAY_ACT),
    delete("/api/v1/rooms/{id}/members/{user}", grants::REMOVES, MAY_ACT),
    get("/api/v1/rooms/{id}/messages", grants::READS, MAY_READ),
    post("/api/v1/rooms/{id}/messages", grants::WRITES_OR_OPENS, MAY_OPEN_OR_SEND),
    get("/api/v1/rooms/{id}/messages/{seq}", grants::READS, MAY_READ),
    patch("/api/v1/rooms/{id}/messages/{seq}", grants::REVISES, MAY_REVISE),
    delete("/api/v1/rooms/{id}/messages/{seq}", grants::REVISES, MAY_REVISE),
    put("/api/v1/rooms/{id}/read", grants::SEES_MEMBERS, MAY_SEE_MEMBERS),
    get("/api/v1/rooms/{id}/receipts", grants::SEES_MEMBERS, MAY_SEE_MEMBERS),
    get("/api/v1/rooms/{id}/queue", grants::READS, MAY_READ),
    stream("/api/v1/rooms/{id}/events", grants::READS, MAY_READ),
    stream("/api/v1/events", grants::ANY_PERSON, OWN_ROOMS),
    get("/api/v1/unread", grants::ANY_PERSON, OWN_LISTED),
    get("/api/v1/search", grants::ANY_PERSON, "the kind of caller; only rooms that are theirs are searched, one that is named by policy::may_read"),
    get("/api/v1/presence", grants::ANY_PERSON, "the kind of caller; only people with whom they share a room are shown, to agents everybody"),
    get("/api/v1/notifications", grants::ANY_PERSON, OWN_INBOX),
    post("/api/v1/notifications/read", grants::ANY_PERSON, OWN_INBOX),
    patch("/api/v1/notifications/{id}", grants::ANY_PERSON, OWN_INBOX),
    delete("/api/v1/notifications/{id}", grants::ANY_PERSON, OWN_INBOX),
    // Native REST, for agents.
    get("/api/v1/desk/waiting", grants::ANY_AGENT, MAY_SERVE),
    get("/api/v1/desk/mine", grants::ANY_AGENT, MAY_SERVE),
    get("/api/v1/desk/feed", grants::ANY_AGENT, MAY_READ),
    stream("/api/v1/desk/events", grants::ANY_AGENT, MAY_READ),
    post("/api/v1/desk/rooms/{id}/claim", grants::CLAIMS, CLAIM),
    post("/api/v1/desk/rooms/{id}/release", grants::ASSIGNEE, OF_ASSIGNEE),
    post("/api/v1/desk/rooms/{id}/hand-over", grants::ASSIGNEE, OF_ASSIGNEE),
    post("/api/v1/desk/rooms/{id}/complete", grants::ASSIGNEE, OF_ASSIGNEE),
    // Native REST, for the host's back end.
    post("/api/v1/publish", grants::PUBLISHES, "the kind of caller, an API key's scope `publish`, and `topics.publish`"),
    post("/api/v1/host/users", grants::HOST_USERS, SCOPE),
    get("/api/v1/host/users/{id}", grants::HOST_USERS, SCOPE),
    put("/api/v1/host/users/{id}", grants::HOST_USERS, SCOPE),
    post("/api/v1/host/users/{id}/revoke", grants::HOST_USERS, SCOPE),
    post("/api/v1/host/rooms", grants::HOST_MAKES_ROOMS, SCOPE),
    get("/api/v1/host/rooms/{id}", grants::HOST_SEES_ROOMS, MAY_OVERSEE),
    patch("/api/v1/host/rooms/{id}", grants::HOST_CHANGES_ROOMS, SCOPE_AND_ACT),
    delete("/api/v1/host/rooms/{id}", grants::HOST_CHANGES_ROOMS, SCOPE_AND_ACT),
    get("/api/v1/host/rooms/{id}/members", grants::HOST_SEES_ROOMS, MAY_OVERSEE),
    post("/api/v1/host/rooms/{id}/members", grants::HOST_ADDS, SCOPE_AND_ACT),
    post("/api/v1/host/rooms/{id}/members/remove", grants::HOST_CHANGES_ROOMS, SCOPE_AND_ACT),
    put("/api/v1/host/rooms/{id}/members/{user}", grants::HOST_GIVES_ROLES, SCOPE_AND_ACT),
    get("/api/v1/host/rooms/{id}/messages", grants::HOST_MESSAGES, MAY_OVERSEE),
    delete("/api/v1/host/rooms/{id}/messages/{seq}", grants::HOST_MESSAGES, SCOPE_AND_NOTICE),
    post("/api/v1/host/rooms/{id}/notices", grants::HOST_MESSAGES, SCOPE_AND_NOTICE),
    post("/api/v1/host/notifications", grants::HOST_NOTIFIES, SCOPE),
    // Pictures.
    post("/api/v1/pictures", grants::UPLOADS, "policy::may_upload; absent without `pictures.upload`"),
    get("/pictures/{key}", grants::EVERYBODY, "nothing: open to everybody who has the link, which cannot be guessed"),
    // Visitors.
    post("/api/v1/guests", grants::VISITORS, "`auth.guests`, and how many an address has had; for the host's back end the API key's scope"),
    // Contract 1, REST.
    get("/user/chats/my-rooms", grants::CUSTOMER, MAY_READ),
    delete("/user/chats", grants::CUSTOMER, MAY_ACT),
    get("/admin/chats", grants::ANY_AGENT, MAY_SERVE),
    get("/admin/chats/my-rooms", grants::ANY_AGENT, MAY_SERVE),
    get("/admin/chats/{room-id}", grants::ASSIGNEE, "policy::may_serve, then Support::is_assigned_to"),
    patch("/admin/chats/{room-id}", grants::ASSIGNEE, OF_ASSIGNEE),
    // Contract 3, REST.
    post("/send/message", grants::WRITES, MAY_SEND),
    // Contract 2, REST.
    get("/api/openchat", grants::ANY_PERSON, PERSON),
    post("/api/openchat", grants::ANY_USER, MAY_MAKE),
    get("/api/openchat/{id}", grants::READS_OPEN, MAY_READ),
    put("/api/openchat/{id}", grants::OWNS_OPEN, MAY_ACT),
    delete("/api/openchat/{id}", grants::OWNS_OPEN, MAY_ACT),
    get("/api/openchat/room/{id}", grants::READS_OPEN, MAY_READ),
    get("/api/tradechat", grants::ANY_PERSON, OWN_LISTED),
    post("/api/tradechat/{id}", grants::ANY_USER, MAY_MAKE),
    delete("/api/tradechat/{id}", grants::TRADES, MAY_ACT),
    get("/api/tradechat/room/{id}", grants::TRADES, MAY_READ_OWN),
    get("/api/notifications", grants::ANY_PERSON, OWN_INBOX),
    patch("/api/notifications/{id}", grants::ANY_PERSON, OWN_INBOX),
    delete("/api/notifications/{id}", grants::ANY_PERSON, OWN_INBOX),
    stream("/api/notifications/connect", grants::ANY_PERSON, OWN_INBOX),
    // Operations.
    of_all("/healthz", grants::EVERYBODY, OPEN_TO_ALL),
    of_all("/readyz", grants::EVERYBODY, OPEN_TO_ALL),
    get("/openapi.json", grants::EVERYBODY, OPEN_TO_ALL),
    get("/asyncapi.json", grants::EVERYBODY, OPEN_TO_ALL),
    of_all("/metrics", grants::OPERATORS, "kind of caller, or the connection's address"),
    post("/demo/token", grants::ON_THIS_MACHINE, "the connection's address and the page's origin; absent without development tokens"),
    // WebSockets with all of the caller's rooms.
    websocket("/ws/v1"),
    websocket("/ws/chat"),
    // The JSON door.
    json("auth", grants::ANY_PERSON, "the authenticator"),
    json("send", grants::WRITES_OR_OPENS, MAY_OPEN_OR_SEND),
    json("edit", grants::REVISES, MAY_REVISE),
    json("delete", grants::REVISES, MAY_REVISE),
    json("join", grants::JOINS, MAY_ACT),
    json("leave", grants::LEAVES, MAY_ACT),
    json("watch", grants::ANY_PERSON, "the kind of caller; only people with whom they share a room are shown, to agents everybody"),
    json("read", grants::SEES_MEMBERS, MAY_SEE_MEMBERS),
    json("typing", grants::WRITES, "policy::may_send"),
    json("resume", grants::WRITES, "only rooms that are theirs are shown, each by policy::may_read; others are answered as unknown"),
    json("ping", grants::ANY_PERSON, "nothing: answers whoever is connected"),
    // STOMP, for all destinations.
    row(Door::Stomp("CONNECT", ""), grants::TOKEN_HOLDERS, "the authenticator"),
    // STOMP, native destinations.
    subscribe("/rooms/{id}", grants::READS_OR_OPENS, "policy::may_open for the customer, who makes the room; policy::may_read"),
    send("/rooms/{id}", grants::WRITES, MAY_SEND),
    revise("/rooms/{id}", "edit-seq"),
    revise("/rooms/{id}", "delete-seq"),
    subscribe("/sub/desk", grants::ANY_AGENT, MAY_READ),
    // STOMP, contract 1.
    subscribe("/sub/chat/room/{roomId}", grants::OPENS_OR_CLAIMS, "policy::may_open for the customer, who makes the room; for agents policy::may_serve and the claim"),
    send("/pub/message", grants::WRITES, MAY_SEND),
    // STOMP, contract 2.
    subscribe("/sub/chat/{roomId}", grants::READS_OPEN, MAY_READ),
    subscribe("/sub/enter/{roomId}", grants::READS_OPEN, MAY_READ),
    subscribe("/sub/tradechat/{id}", grants::TRADES, MAY_READ_OWN),
    send("/pub/chat/enter/{roomId}", grants::JOINS_OPEN, MAY_ACT),
    send("/pub/chat/message/{roomId}", grants::JOINS_OPEN, "policy::may_act of who joins by it; policy::may_send, inside the transaction that stores the message"),
    send("/pub/tradechat/message/{id}", grants::TRADES, MAY_SEND),
    // STOMP, application topics.
    subscribe("/topic/**", grants::AS_CONFIGURED, CONFIGURATION),
    send("/topic/**", grants::PUBLISHES_AS_CONFIGURED, PUBLISHING),
    subscribe("/queue/**", grants::AS_CONFIGURED, CONFIGURATION),
    send("/queue/**", grants::PUBLISHES_AS_CONFIGURED, PUBLISHING),
    subscribe("/user/queue/**", grants::TOKEN_HOLDERS, "nothing: the destination is the subscriber's own, whoever it is"),
    send("/user/{id}/queue/**", grants::PUBLISHES_AS_CONFIGURED, PUBLISHING),
    // What a connection with all of the caller's rooms shows.
    event(JSON, "hello", grants::ANY_PERSON, OWN_ROOMS),
    event(JSON, "message", grants::TAKES_PART, SHOWN_OWN),
    event(JSON, "room", grants::TAKES_PART, SHOWN_OWN),
    event(JSON, "reset", grants::TAKES_PART, SHOWN_OWN),
    event(JSON, "read", grants::TAKES_PART, SHOWN_OWN),
    event(JSON, "receipts", grants::TAKES_PART, SHOWN_OWN),
    event(JSON, "typing", grants::TAKES_PART, SHOWN_OWN),
    event(JSON, "presence", grants::WATCHES, "asked for with the command `watch`; only people with whom they share a room are shown, to agents everybody"),
    event(JSON, "inbox", grants::ANY_PERSON, OWN_INBOX),
    event(JSON, "notification", grants::ANY_PERSON, OWN_TOPICS),
    event(JSON, "ack", grants::ANY_PERSON, "nothing: answers a command"),
    event(JSON, "pong", grants::ANY_PERSON, "nothing: answers a command"),
    event(JSON, "error", grants::EVERYBODY, "nothing: whoever is refused is told why"),
    event(ROOMS, "hello", grants::ANY_PERSON, OWN_ROOMS),
    event(ROOMS, "message", grants::TAKES_PART, SHOWN_OWN),
    event(ROOMS, "room", grants::TAKES_PART, SHOWN_OWN),
    event(ROOMS, "reset", grants::TAKES_PART, SHOWN_OWN),
    event(ROOMS, "read", grants::TAKES_PART, SHOWN_OWN),
    event(ROOMS, "receipts", grants::TAKES_PART, SHOWN_OWN),
    event(ROOMS, "typing", grants::TAKES_PART, SHOWN_OWN),
    event(ROOMS, "presence", grants::NOBODY, UNASKED),
    event(ROOMS, "inbox", grants::ANY_PERSON, OWN_INBOX),
    event(ROOMS, "notification", grants::ANY_PERSON, OWN_TOPICS),
    event(ROOMS, "error", grants::ANY_PERSON, "nothing: says why the stream ends"),
    // What the event stream of one room shows.
    event(ROOM, "hello", grants::READS, SHOWN_ONE),
    event(ROOM, "message", grants::READS, SHOWN_ONE),
    event(ROOM, "room", grants::TAKES_PART, SHOWN_OWN),
    event(ROOM, "reset", grants::READS, SHOWN_ONE),
    event(ROOM, "read", grants::SEES_MEMBERS, SHOWN_ONE),
    event(ROOM, "receipts", grants::SEES_MEMBERS, SHOWN_ONE),
    event(ROOM, "typing", grants::SEES_MEMBERS, SHOWN_ONE),
    event(ROOM, "presence", grants::NOBODY, OF_ONE_LOG),
    event(ROOM, "inbox", grants::NOBODY, OF_ONE_LOG),
    event(ROOM, "notification", grants::NOBODY, OF_ONE_LOG),
    event(ROOM, "error", grants::READS, "nothing: says why the stream ends"),
    // What the desk's event stream shows.
    event(DESK, "hello", grants::ANY_AGENT, SHOWN_ONE),
    event(DESK, "message", grants::ANY_AGENT, SHOWN_ONE),
    event(DESK, "reset", grants::ANY_AGENT, SHOWN_ONE),
    event(DESK, "room", grants::NOBODY, OF_ONE_LOG),
    event(DESK, "read", grants::NOBODY, OF_ONE_LOG),
    event(DESK, "receipts", grants::NOBODY, OF_ONE_LOG),
    event(DESK, "typing", grants::NOBODY, OF_ONE_LOG),
    event(DESK, "presence", grants::NOBODY, OF_ONE_LOG),
    event(DESK, "inbox", grants::NOBODY, OF_ONE_LOG),
    event(DESK, "notification", grants::NOBODY, OF_ONE_LOG),
    event(DESK, "error", grants::ANY_AGENT, "nothing: says why the stream ends"),
    // What the connections of contracts 2 and 3 show.
    event("/ws/chat", "message", grants::TAKES_PART, SHOWN_OWN),
    event("/api/notifications/connect", "sse", grants::ANY_PERSON, OWN_INBOX),
];

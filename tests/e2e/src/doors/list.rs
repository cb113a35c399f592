//! The doors that there are.

use super::line::{Line, Raw};
use super::socket::Socket;
use super::sockjs::{OverHttp, OverSocket, Receiver};
use super::{Door, Endpoint, Farewell, Identity, Peer, Refusal};
use super::{json, sse, stomp};

/// Every door.
pub static DOORS: &[Door] = &[
    Door {
        connect: stomp_over_websocket,
        ..stomp_door("stomp_over_websocket", "STOMP over WebSocket")
    },
    Door {
        connect: |endpoint, identity| stomp_at("/stomp/chat", endpoint, identity),
        ..stomp_door(
            "stomp_where_contract_2_has_it",
            "STOMP over WebSocket, `/stomp/chat`",
        )
    },
    Door {
        connect: |endpoint, identity| stomp_on(OverSocket::open(endpoint)?, identity),
        ..stomp_door(
            "stomp_over_sockjs_websocket",
            "STOMP over SockJS, websocket",
        )
    },
    Door {
        expires: true,
        connect: |endpoint, identity| over_http(endpoint, identity, Receiver::XhrStreaming),
        ..stomp_door(
            "stomp_over_sockjs_xhr_streaming",
            "STOMP over SockJS, xhr-streaming",
        )
    },
    Door {
        expires: true,
        connect: |endpoint, identity| over_http(endpoint, identity, Receiver::Xhr),
        ..stomp_door(
            "stomp_over_sockjs_xhr_polling",
            "STOMP over SockJS, xhr-polling",
        )
    },
    Door {
        expires: true,
        connect: |endpoint, identity| over_http(endpoint, identity, Receiver::EventSource),
        ..stomp_door(
            "stomp_over_sockjs_eventsource",
            "STOMP over SockJS, eventsource",
        )
    },
    Door {
        expires: true,
        connect: |endpoint, identity| over_http(endpoint, identity, Receiver::HtmlFile),
        ..stomp_door("stomp_over_sockjs_htmlfile", "STOMP over SockJS, htmlfile")
    },
    Door {
        expires: true,
        connect: |endpoint, identity| over_http(endpoint, identity, Receiver::Jsonp),
        ..stomp_door(
            "stomp_over_sockjs_jsonp",
            "STOMP over SockJS, jsonp-polling",
        )
    },
    Door {
        connect: |endpoint, identity| stomp_on(Raw(endpoint.open_tcp()), identity),
        farewell: Farewell::End,
        ..stomp_door("stomp_over_tcp", "STOMP over TCP")
    },
    Door {
        tls: true,
        connect: stomp_over_websocket,
        ..stomp_door("stomp_over_websocket_tls", "STOMP over WebSocket, TLS")
    },
    Door {
        tls: true,
        connect: |endpoint, identity| stomp_on(Raw(endpoint.open_tcp()), identity),
        farewell: Farewell::End,
        ..stomp_door("stomp_over_tcp_tls", "STOMP over TCP, TLS")
    },
    Door {
        connect: json::by_message,
        ..json_door("json_over_websocket", "JSON over WebSocket")
    },
    Door {
        tls: true,
        connect: json::by_handshake,
        ..json_door("json_over_websocket_tls", "JSON over WebSocket, TLS")
    },
    Door {
        connect: |endpoint, identity| sse::connect(endpoint, identity, sse::Scope::AllRooms),
        ..sse_door("sse_of_all_rooms", "SSE of all rooms, with REST")
    },
    Door {
        connect: |endpoint, identity| sse::connect(endpoint, identity, sse::Scope::OneRoom),
        ..sse_door("sse_of_one_room", "SSE of one room, with REST")
    },
    Door {
        tls: true,
        connect: |endpoint, identity| sse::connect(endpoint, identity, sse::Scope::AllRooms),
        ..sse_door("sse_over_tls", "SSE of all rooms, with REST, TLS")
    },
];

/// The door of that name.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn named(name: &str) -> &'static Door {
    let found = DOORS.iter().find(|door| door.name == name);
    found.unwrap_or_else(|| panic!("no door is named {name}"))
}

const fn stomp_door(name: &'static str, title: &'static str) -> Door {
    Door {
        name,
        title,
        tls: false,
        subscribes: true,
        expires: false,
        farewell: Farewell::CloseCode,
        connect: stomp_over_websocket,
    }
}

const fn json_door(name: &'static str, title: &'static str) -> Door {
    Door {
        name,
        title,
        tls: false,
        subscribes: false,
        expires: false,
        farewell: Farewell::CloseCode,
        connect: json::by_message,
    }
}

const fn sse_door(name: &'static str, title: &'static str) -> Door {
    Door {
        farewell: Farewell::End,
        ..json_door(name, title)
    }
}

fn stomp_over_websocket(
    endpoint: &Endpoint,
    identity: Identity<'_>,
) -> Result<Box<dyn Peer>, Refusal> {
    stomp_at("/ws", endpoint, identity)
}

fn stomp_at(
    path: &str,
    endpoint: &Endpoint,
    identity: Identity<'_>,
) -> Result<Box<dyn Peer>, Refusal> {
    let socket = Socket::open(endpoint, path, &["v12.stomp"], &[])?;
    stomp_on(socket, identity)
}

fn over_http(
    endpoint: &Endpoint,
    identity: Identity<'_>,
    receiver: Receiver,
) -> Result<Box<dyn Peer>, Refusal> {
    stomp_on(OverHttp::open(endpoint, receiver)?, identity)
}

fn stomp_on(line: impl Line + 'static, identity: Identity<'_>) -> Result<Box<dyn Peer>, Refusal> {
    Ok(Box::new(stomp::StompPeer::connect(
        Box::new(line),
        identity,
    )?))
}

//! Where the doors are, and how one says who one is.

use serde_json::{Map, Value, json};

use super::DoorSet;
use super::document::reference;
use crate::gateway::doors::{DIRECT_PATH, JSON_PATH};
use crate::gateway::routes::{COMMUNITY_PATH, STOMP_PATH};

const STOMP: [&str; 4] = [
    "stompWebSocket",
    "stompSockJs",
    "stompTcp",
    "stompCommunity",
];
pub(super) const JSON: &[&str] = &["json"];
pub(super) const DIRECT: &[&str] = &["direct"];
pub(super) const EVENTS: &[&str] = &["events"];

/// Where STOMP is spoken; the last one is contract 2's.
pub(super) fn stomp(set: DoorSet) -> &'static [&'static str] {
    match set.community {
        true => &STOMP,
        false => &STOMP[..STOMP.len() - 1],
    }
}

struct Server {
    name: &'static str,
    protocol: &'static str,
    version: &'static str,
    path: Option<&'static str>,
    title: &'static str,
    description: String,
    security: &'static [&'static str],
}

/// The doors of one node. TLS makes `ws` into `wss`, `http` into `https` and `stomp` into `stomps`.
pub(super) fn servers(set: DoorSet) -> Value {
    let all = stomp_servers().into_iter().chain(other_servers());
    let all = all.filter(|server| set.direct_websocket || !DIRECT.contains(&server.name));
    let all = all.filter(|server| set.community || server.name != STOMP[3]);
    let all = all.map(|server| (server.name.to_owned(), describe(&server)));
    Value::Object(all.collect::<Map<_, _>>())
}

fn stomp_servers() -> [Server; 4] {
    const WHO: &[&str] = &["token", "tokenCookie", "apiKey", "account"];
    [
        Server {
            name: STOMP[0],
            protocol: "ws",
            version: "13",
            path: Some(STOMP_PATH),
            title: "STOMP over WebSocket",
            description: format!(
                "STOMP 1.0, 1.1, 1.2; also at `{STOMP_PATH}/websocket`. Subprotocols `v12.stomp`, `v11.stomp`, \
                 `v10.stomp`, or none."
            ),
            security: WHO,
        },
        Server {
            name: STOMP[1],
            protocol: "http",
            version: "1.1",
            path: Some(STOMP_PATH),
            title: "STOMP over SockJS",
            description: "The base of SockJS: websocket, xhr-streaming, xhr-polling, eventsource, htmlfile, jsonp."
                .to_owned(),
            security: WHO,
        },
        Server {
            name: STOMP[2],
            protocol: "stomp",
            version: "1.2",
            path: None,
            title: "STOMP over TCP",
            description: "Bare TCP, on a port of its own, where the operator opens one.".to_owned(),
            security: &["token", "account"],
        },
        Server {
            name: STOMP[3],
            protocol: "ws",
            version: "13",
            path: Some(COMMUNITY_PATH),
            title: "STOMP over WebSocket, where contract 2's clients look for it",
            description: format!("As at `{STOMP_PATH}`, without SockJS."),
            security: WHO,
        },
    ]
}

fn other_servers() -> [Server; 3] {
    [
        Server {
            name: JSON[0],
            protocol: "ws",
            version: "13",
            path: None,
            title: "JSON over WebSocket",
            description: format!(
                "At `{JSON_PATH}`. Without a token in the handshake the first message must be `auth`. The server pings \
                 every 25 seconds."
            ),
            security: &["token", "tokenCookie", "tokenQuery"],
        },
        Server {
            name: DIRECT[0],
            protocol: "ws",
            version: "13",
            path: None,
            title: "Contract 3's WebSocket",
            description: format!("At `{DIRECT_PATH}`. A token in the handshake is needed."),
            security: &["token", "tokenCookie", "tokenQuery"],
        },
        Server {
            name: EVENTS[0],
            protocol: "http",
            version: "1.1",
            path: None,
            title: "Event streams",
            description: "Server-sent events (`text/event-stream`), over HTTP/1.1 and HTTP/2."
                .to_owned(),
            security: &["token", "tokenCookie", "accessTokenQuery"],
        },
    ]
}

fn describe(server: &Server) -> Value {
    let security = server.security.iter();
    let security = security.map(|name| reference(&["components", "securitySchemes", name]));
    let port = if server.protocol == "stomp" {
        "61613"
    } else {
        "8080"
    };
    let mut described = json!({
        "host": "{host}",
        "protocol": server.protocol,
        "protocolVersion": server.version,
        "title": server.title,
        "description": server.description,
        "variables": {
            "host": { "default": format!("localhost:{port}"), "description": "Name and port of a node" },
        },
        "security": security.collect::<Value>(),
    });
    if let Some(path) = server.path {
        described["pathname"] = path.into();
    }
    described
}

pub(super) fn security_schemes() -> Value {
    json!({
        "token": {
            "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
            "description": "The host application's token: header `Authorization` of the handshake or request, or of STOMP's CONNECT.",
        },
        "tokenCookie": {
            "type": "httpApiKey", "in": "cookie", "name": "Authorization",
            "description": "The same token in a cookie; `auth.cookie` names it.",
        },
        "tokenQuery": {
            "type": "httpApiKey", "in": "query", "name": "token",
            "description": "The same token in the address, only where `websocket.query_token` is on.",
        },
        "accessTokenQuery": {
            "type": "httpApiKey", "in": "query", "name": "access_token",
            "description": "The same token in the address, only where `http.query_token` is on.",
        },
        "apiKey": {
            "type": "httpApiKey", "in": "header", "name": "X-API-Key",
            "description": "A key of the host's back end. It has no part in rooms.",
        },
        "account": {
            "type": "userPassword",
            "description": "A service account: headers `login` and `passcode` of CONNECT. It has no part in rooms.",
        },
    })
}

use std::net::SocketAddr;

use madang_wire::stomp::Version;

use super::inbound::{Inbound, Upgrade};
use super::outbound::{Outbound, PostTarget};
use super::session::Session;
use super::transport::{Carrier, Content, Transport};
use crate::client::ConnectOptions;
use crate::url::Url;

/// Where the JSON door is, behind the path of the WebSocket door.
const JSON_PATH: &str = "/v1";

/// Where the events of all rooms of a user are.
const SSE_PATH: &str = "/api/v1/events";

/// How a connection is opened.
#[derive(Clone, Debug)]
pub enum Opening {
    /// WebSocket frames from the first byte, without handshake or CONNECT.
    Bare,
    /// A session of a chat server.
    Session {
        /// By which door.
        transport: Transport,
        /// The WebSocket door; the paths of the others follow from its path.
        url: Url,
        /// Headers and limits. Heart-beats are not kept up. Who a session
        /// without CONNECT is stands in its HTTP headers.
        options: Box<ConnectOptions>,
    },
}

/// What a new connection starts from.
pub(super) struct Prepared {
    pub(super) inbound: Inbound,
    pub(super) session: Session,
    /// What is written first, and again whenever a response has ended.
    pub(super) request: Vec<u8>,
    pub(super) outbound: Outbound,
}

impl Opening {
    pub(super) fn prepare(&self, address: SocketAddr) -> Prepared {
        match self {
            Opening::Bare => Prepared {
                inbound: Inbound::bare(),
                session: Session::open(Content::Opaque),
                request: Vec::new(),
                outbound: Outbound::WebSocket,
            },
            Opening::Session {
                transport,
                url,
                options,
            } => prepare(*transport, url, options, address),
        }
    }
}

fn prepare(
    transport: Transport,
    url: &Url,
    options: &ConnectOptions,
    address: SocketAddr,
) -> Prepared {
    let mut connect = Vec::new();
    if transport.is_stomp() {
        let frame = options.connect_frame(&url.host);
        frame.encode(Version::V1_2, &mut connect);
    }
    let host = url.authority();
    let base = url.path.trim_end_matches('/');
    let (path, post_path) = match transport {
        Transport::StompWebSocket | Transport::StompTcp => (url.path.clone(), None),
        Transport::SockJsWebSocket => (sockjs(base) + "/websocket", None),
        Transport::SockJsXhrStreaming => {
            let session = sockjs(base);
            let post = format!("{session}/xhr_send");
            (session + "/xhr_streaming", Some(post))
        }
        Transport::SockJsEventSource => {
            let session = sockjs(base);
            let post = format!("{session}/xhr_send");
            (session + "/eventsource", Some(post))
        }
        Transport::Json => (base.to_owned() + JSON_PATH, None),
        Transport::Sse => (SSE_PATH.to_owned(), None),
    };
    let headers = http_headers(options);
    let mut request = Vec::new();
    let inbound = match transport.carrier() {
        Carrier::WebSocket => {
            let mut options = options.clone();
            if transport != Transport::StompWebSocket {
                options.subprotocols.clear();
            }
            let key = options.encode_request(&host, &path, &mut request);
            let upgrade = Upgrade::new(key, options.subprotocols);
            Inbound::websocket(upgrade, options.websocket_limits)
        }
        Carrier::Tcp => {
            request = std::mem::take(&mut connect);
            Inbound::tcp()
        }
        Carrier::HttpLines => {
            request = format!(
                "POST {path} HTTP/1.1\r\nHost: {host}\r\n{headers}Content-Length: 0\r\n\r\n"
            )
            .into_bytes();
            Inbound::http_lines()
        }
        Carrier::HttpEvents => {
            let accept = "Accept: text/event-stream\r\n";
            request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{headers}{accept}\r\n")
                .into_bytes();
            Inbound::http_events()
        }
    };
    let outbound = match (transport, post_path) {
        (_, Some(path)) => Outbound::Post(Box::new(PostTarget {
            address,
            head: format!("POST {path} HTTP/1.1\r\nHost: {host}\r\n{headers}"),
        })),
        (Transport::StompTcp, None) => Outbound::Tcp,
        (Transport::SockJsWebSocket, None) => Outbound::SockJsWebSocket,
        (Transport::Sse, None) => Outbound::None,
        _ => Outbound::WebSocket,
    };
    Prepared {
        inbound,
        session: Session::connecting(transport.content(), connect),
        request,
        outbound,
    }
}

/// The path of a new SockJS session (SockJS 0.3.3, "Base URL": a server of
/// three digits, which names nobody here, and a session of the client's choice).
fn sockjs(base: &str) -> String {
    let server = rand::random::<u16>() % 1000;
    format!("{base}/{server:03}/{:016x}", rand::random::<u64>())
}

fn http_headers(options: &ConnectOptions) -> String {
    let origin = options
        .origin
        .iter()
        .map(|origin| ("Origin", origin.as_str()));
    let others = options.http_headers.iter();
    origin
        .chain(others.map(|(name, value)| (name.as_str(), value.as_str())))
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(transport: Transport) -> (String, Option<String>) {
        let opening = Opening::Session {
            transport,
            url: "ws://h:81/ws".parse().unwrap(),
            options: Box::new(ConnectOptions::default().http_header("A", "b")),
        };
        let prepared = opening.prepare(([127, 0, 0, 1], 81).into());
        let text = String::from_utf8(prepared.request).unwrap();
        let head = match prepared.outbound {
            Outbound::Post(post) => Some(post.head),
            _ => None,
        };
        (text, head)
    }

    #[test]
    fn every_transport_asks_at_its_own_door() {
        for (transport, start, end) in [
            (Transport::StompWebSocket, "GET /ws HTTP/1.1\r\n", ""),
            (Transport::StompTcp, "CONNECT\n", "\0"),
            (Transport::SockJsWebSocket, "GET /ws/", ""),
            (
                Transport::SockJsXhrStreaming,
                "POST /ws/",
                "A: b\r\nContent-Length: 0\r\n\r\n",
            ),
            (
                Transport::SockJsEventSource,
                "GET /ws/",
                "A: b\r\nAccept: text/event-stream\r\n\r\n",
            ),
            (Transport::Json, "GET /ws/v1 HTTP/1.1\r\n", ""),
            (
                Transport::Sse,
                "GET /api/v1/events HTTP/1.1\r\n",
                "\r\n\r\n",
            ),
        ] {
            let (text, _) = request(transport);
            assert!(text.starts_with(start) && text.ends_with(end), "{text}");
        }
    }

    #[test]
    fn what_a_sockjs_session_sends_goes_to_the_session_it_receives() {
        let (text, post) = request(Transport::SockJsXhrStreaming);
        let (session, _) = text.split_once("/xhr_streaming HTTP").unwrap();
        assert!(
            post.unwrap()
                .starts_with(&format!("{session}/xhr_send HTTP/1.1\r\nHost: h:81\r\n"))
        );
        let parts: Vec<_> = session.split('/').collect();
        assert_eq!((parts[2].len(), parts[3].len()), (3, 16));
    }
}

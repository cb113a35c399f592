//! The clients themselves, against a few lines of server that answer as the protocols say.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver as Queue, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use rcgen::CertifiedKey;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::json;

use super::line::Raw;
use super::sockjs::{OverHttp, Receiver};
use super::stomp::StompPeer;
use super::{Arrival, Endpoint, Identity, Message, Peer, Start, pipe, sse};
use crate::PATIENCE;

const BODY: &str = r#"{"roomId":"kim","text":"한글","type":"message","seq":7,"position":"e-7"}"#;

fn message() -> Message {
    Message {
        room: "kim".to_owned(),
        text: "한글".to_owned(),
        seq: 7,
        position: "e-7".to_owned(),
    }
}

fn endpoint(address: SocketAddr) -> Endpoint {
    Endpoint {
        http: address,
        stomp_tcp: Some(address),
        tls: None,
    }
}

/// Serves each connection on a thread of its own.
fn listen(serve: impl Fn(std::net::TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let serve = Arc::clone(&serve);
            thread::spawn(move || serve(stream));
        }
    });
    address
}

/// Reads up to what ends in `end`.
fn read_until(stream: &mut impl Read, end: &[u8]) -> Option<String> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(end) {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        bytes.push(byte[0]);
    }
    Some(String::from_utf8(bytes).unwrap())
}

/// A request's first line and body.
fn request(stream: &mut impl Read) -> (String, String) {
    let head = read_until(stream, b"\r\n\r\n").unwrap();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("Content-Length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).unwrap();
    let first = head.lines().next().unwrap().to_owned();
    (first, String::from_utf8(body).unwrap())
}

/// What a server says to a STOMP frame.
fn answers(frame: &str) -> Vec<String> {
    let header = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name));
    let receipt = header("receipt:").map(|id| format!("RECEIPT\nreceipt-id:{id}\n\n\0"));
    match frame.trim_start().split('\n').next().unwrap() {
        "CONNECT" => vec!["CONNECTED\nversion:1.2\n\n\0".to_owned()],
        "SEND" if frame.len() > 60_000 => vec![
            "ERROR\ncode:TOO_LARGE\nmessage:m\n\n{\"error\":{\"code\":\"TOO_LARGE\"}}\0".to_owned(),
        ],
        "SEND" => vec![
            receipt.unwrap(),
            format!("MESSAGE\nposition:e-7\n\n{BODY}\0"),
        ],
        _ => receipt.into_iter().collect(),
    }
}

fn converse(peer: &mut dyn Peer) {
    peer.follow("kim", Start::Now).unwrap();
    peer.send("kim", "x").unwrap();
    assert_eq!(
        peer.next_within(PATIENCE),
        Some(Arrival::Message(message()))
    );
}

fn stomp_server(mut stream: impl Read + Write) {
    while let Some(frame) = read_until(&mut stream, b"\0") {
        for answer in answers(&frame) {
            // In two pieces, as TCP may.
            let (first, second) = answer.as_bytes().split_at(answer.len() / 2);
            stream.write_all(first).unwrap();
            stream.flush().unwrap();
            stream.write_all(second).unwrap();
            stream.flush().unwrap();
            if answer.starts_with("ERROR") {
                return;
            }
        }
    }
}

#[test]
fn stomp_over_bytes_is_understood() {
    let endpoint = endpoint(listen(stomp_server));
    let identity = Identity { token: Some("t") };
    let connect = || StompPeer::connect(Box::new(Raw(endpoint.open_tcp())), identity).unwrap();
    converse(&mut connect());
    let refused = connect().send_too_much("kim");
    assert_eq!((refused.code.as_str(), refused.ended), ("TOO_LARGE", true));
}

#[test]
fn a_pipe_speaks_tls_with_the_certificate_it_trusts() {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let CertifiedKey { cert, signing_key } = made;
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let address = listen(move |stream| {
        let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
        stomp_server(StreamOwned::new(connection, stream));
    });
    let endpoint = Endpoint {
        tls: Some(pipe::trusting(cert.der().clone(), &[])),
        ..endpoint(address)
    };
    let line = Raw(endpoint.open_tcp());
    let identity = Identity { token: Some("t") };
    converse(&mut StompPeer::connect(Box::new(line), identity).unwrap());
}

/// A SockJS session's frames on their way to the client.
struct Session {
    push: Mutex<Sender<String>>,
    frames: Mutex<Queue<String>>,
}

impl Session {
    fn serve(&self, mut stream: impl Read + Write) {
        let (first, body) = request(&mut stream);
        let path = first.split(' ').nth(1).unwrap();
        if path.ends_with("_send") {
            let text = body.strip_prefix("d=").map_or(body.clone(), unescape);
            let texts: Vec<String> = serde_json::from_str(&text).unwrap();
            for answer in texts.iter().flat_map(|frame| answers(frame)) {
                let frame = format!("a{}", json!([answer]));
                self.push.lock().unwrap().send(frame).unwrap();
            }
            write!(stream, "HTTP/1.1 204 No Content\r\n\r\n").unwrap();
            return;
        }
        let frame = self.frames.lock().unwrap().recv().unwrap();
        let text = match path.rsplit('/').next().unwrap().split('?').next().unwrap() {
            "xhr" => frame + "\n",
            "xhr_streaming" => "h".repeat(2048) + "\n" + &frame + "\n",
            "eventsource" => format!("\r\ndata: {frame}\r\n\r\n"),
            "htmlfile" => format!(
                "<html>\r\n\r\n<script>\np({});\n</script>\r\n",
                json!(frame)
            ),
            _ => format!("/**/_jp.a1({});\r\n", json!(frame)),
        };
        let chunk = format!("{:x}\r\n{text}\r\n0\r\n\r\n", text.len());
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}"
        )
        .unwrap();
    }
}

fn unescape(form: &str) -> String {
    let mut pieces = form.split('%');
    let mut bytes = pieces.next().unwrap().as_bytes().to_vec();
    for piece in pieces {
        bytes.push(u8::from_str_radix(&piece[..2], 16).unwrap());
        bytes.extend_from_slice(&piece.as_bytes()[2..]);
    }
    String::from_utf8(bytes).unwrap()
}

#[test]
fn every_sockjs_transport_by_requests_carries_stomp() {
    for receiver in [
        Receiver::Xhr,
        Receiver::XhrStreaming,
        Receiver::EventSource,
        Receiver::HtmlFile,
        Receiver::Jsonp,
    ] {
        let (push, frames) = channel();
        push.send("o".to_owned()).unwrap();
        let session = Session {
            push: Mutex::new(push.clone()),
            frames: Mutex::new(frames),
        };
        let endpoint = endpoint(listen(move |stream| session.serve(stream)));
        let line = OverHttp::open(&endpoint, receiver).unwrap();
        let identity = Identity { token: Some("t") };
        let mut peer = StompPeer::connect(Box::new(line), identity).unwrap();
        push.send("h".to_owned()).unwrap();
        converse(&mut peer);
        push.send("c[1012,\"restart\"]".to_owned()).unwrap();
        let end = peer.next_within(PATIENCE);
        assert_eq!(end, Some(Arrival::Ended(None, Some(1012))), "{receiver:?}");
    }
}

#[test]
fn events_are_read_with_the_id_to_resume_behind() {
    let address = listen(|mut stream| {
        let (first, _) = request(&mut stream);
        assert!(first.starts_with("GET /api/v1/"), "{first}");
        if !first.contains("/events") {
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{{}}").unwrap();
            return;
        }
        let events = format!(
            "retry: 3000\n\nevent: hello\ndata: {{}}\n\n: alive\n\n\
             event: message\nid: opaque\ndata: {{\"type\":\"message\",\"message\":{BODY}}}\n\n"
        );
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
        )
        .unwrap();
        for byte in events.as_bytes() {
            stream.write_all(&[*byte]).unwrap();
        }
    });
    for scope in [sse::Scope::AllRooms, sse::Scope::OneRoom] {
        let identity = Identity { token: Some("t") };
        let mut peer = sse::connect(&endpoint(address), identity, scope).unwrap();
        peer.follow("kim", Start::Now).unwrap();
        let position = "opaque".to_owned();
        let wanted = Message {
            position,
            ..message()
        };
        assert_eq!(peer.next_within(PATIENCE), Some(Arrival::Message(wanted)));
        assert_eq!(peer.next_within(PATIENCE), Some(Arrival::Ended(None, None)));
    }
}

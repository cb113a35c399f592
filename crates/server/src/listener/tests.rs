//! The listener with real sockets, real TLS and real clients.

use std::future::poll_fn;
use std::net::{Shutdown, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use bytes::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use madang_domain::Timestamp;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::*;
use crate::gateway::stream::Stream;
use crate::gateway::takeover::Takeover;
use crate::telemetry::metrics::Metrics;
use crate::tls::tests::{Pair, connect};
use crate::tls::{ALPN_HTTP, ALPN_HTTP2};

const DEADLINE: Duration = Duration::from_secs(20);

struct Server {
    address: SocketAddr,
    gate: Arc<Gate>,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

fn limits() -> GateLimits {
    GateLimits {
        connections_max: 10_000,
        per_address_max: 0,
        half_open_max: 1000,
        trusted: Vec::new(),
    }
}

fn metrics() -> Arc<Metrics> {
    Arc::new(Metrics::new(Timestamp::from_micros(0)))
}

async fn start(limits: GateLimits, pair: Option<&Pair>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let gate = Gate::new(limits, metrics());
    let (stop, stopped) = oneshot::channel::<()>();
    let tls = pair.map(|pair| pair.tls().server_config(&ALPN_HTTP).unwrap());
    let stopped = async move { drop(stopped.await) };
    let router = Router::new()
        .route("/", get(async || "hello"))
        .route("/take", post(take));
    let serving = tokio::spawn(serve(
        listener,
        Arc::clone(&gate),
        tls,
        router,
        stopped,
        async {},
    ));
    Server {
        address,
        gate,
        stop,
        serving,
    }
}

/// Reads the body, takes the connection over, says both and what came behind, and echoes.
async fn take(mut request: Request) -> impl IntoResponse {
    let takeover = request.extensions_mut().remove::<Takeover>();
    let body = to_bytes(request.into_body(), 1024).await.unwrap();
    let Some(takeover) = takeover else {
        return StatusCode::NOT_IMPLEMENTED;
    };
    let taking = takeover.take(move |stream, read_ahead| {
        tokio::spawn(async move {
            write_all(&stream, &[&body[..], b"|", &read_ahead[..], b"|"].concat()).await;
            echo(stream).await;
        });
    });
    match taking.await {}
}

async fn echo(stream: Stream) {
    let mut buffer = [0; 1000];
    loop {
        poll_fn(|cx| stream.poll_read_ready(cx)).await;
        match stream.try_read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => write_all(&stream, &buffer[..count]).await,
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
        }
    }
    stream.shut_down(Shutdown::Write);
    while stream.has_unsent() {
        poll_fn(|cx| stream.poll_write_ready(cx)).await;
        drop(stream.try_write(&[]));
    }
}

async fn write_all(stream: &Stream, mut rest: &[u8]) {
    while !rest.is_empty() || stream.has_unsent() {
        poll_fn(|cx| stream.poll_write_ready(cx)).await;
        match stream.try_write(rest) {
            Ok(taken) => rest = &rest[taken..],
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
        }
    }
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future).await.unwrap()
}

/// A request with a body, and bytes right behind it in the same write; then much more.
async fn take_over<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(stream: S, gate: &Gate) {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let request = b"POST /take HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nbodyahead";
    writer.write_all(request).await.unwrap();
    let mut said = [0; 11];
    within(reader.read_exact(&mut said)).await.unwrap();
    assert_eq!(said.as_slice(), b"body|ahead|");
    assert_eq!(gate.metrics.connections.open.get(), 1, "it keeps its place");

    let sent: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    let expected = sent.clone();
    let writing = tokio::spawn(async move {
        writer.write_all(&sent).await.unwrap();
        writer.shutdown().await.unwrap();
    });
    let mut echoed = Vec::new();
    within(reader.read_to_end(&mut echoed)).await.unwrap();
    writing.await.unwrap();
    assert!(echoed == expected, "{} bytes came back", echoed.len());
}

async fn nothing_is_open(gate: &Gate) {
    within(async {
        while gate.metrics.connections.open.get() != 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_taken_connection_carries_on_where_the_request_ended() {
    let server = start(limits(), None).await;
    let socket = TcpStream::connect(server.address).await.unwrap();
    take_over(socket, &server.gate).await;
    nothing_is_open(&server.gate).await;
}

#[tokio::test]
async fn a_taken_tls_connection_carries_on_where_the_request_ended() {
    let pair = Pair::new();
    let server = start(limits(), Some(&pair)).await;
    for alpn in [&[b"http/1.1".as_slice()][..], &[]] {
        let stream = connect(server.address, &pair.certificate, alpn)
            .await
            .unwrap();
        take_over(stream, &server.gate).await;
        nothing_is_open(&server.gate).await;
    }
}

#[tokio::test]
async fn http2_is_spoken_where_tls_agreed_on_it_and_ends_gracefully() {
    let pair = Pair::new();
    let server = start(limits(), Some(&pair)).await;
    let stream = connect(server.address, &pair.certificate, &ALPN_HTTP)
        .await
        .unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(ALPN_HTTP2));
    let io = TokioIo::new(stream);
    let (mut client, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    for (method, path, status) in [("GET", "/", 200), ("POST", "/take", 501)] {
        let request = axum::http::Request::builder()
            .method(method)
            .uri(format!("https://localhost{path}"))
            .body(axum::body::Body::from(Bytes::new()))
            .unwrap();
        let response = within(client.send_request(request)).await.unwrap();
        assert_eq!(response.status().as_u16(), status);
        drop(
            to_bytes(axum::body::Body::new(response.into_body()), 100)
                .await
                .unwrap(),
        );
    }
    drop(server.stop);
    // GOAWAY ends the client's connection without an error, and the server waits for that.
    within(connection).await.unwrap().unwrap();
    within(server.serving).await.unwrap();
}

#[tokio::test]
async fn who_connected_before_the_stop_and_asks_behind_it_is_answered() {
    let server = start(limits(), None).await;
    let mut taken = TcpStream::connect(server.address).await.unwrap();
    let mut answer = Vec::new();
    // Whoever comes later is accepted later.
    let request = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let last = TcpStream::connect(server.address).await.unwrap();
    ask(last, request, &mut answer).await;
    // As the test has one thread, this one still waits to be accepted when the server stops.
    let waiting = TcpStream::connect(server.address).await.unwrap();
    drop(server.stop);
    tokio::task::yield_now().await;
    taken.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    for (socket, rest) in [
        (taken, &b"Host: localhost\r\n\r\n"[..]),
        (waiting, &request[..]),
    ] {
        let mut answer = Vec::new();
        ask(socket, rest, &mut answer).await;
        assert!(answer.ends_with(b"hello"), "{answer:?}");
    }
    within(server.serving).await.unwrap();
}

#[tokio::test]
async fn silent_connections_cannot_keep_others_out() {
    let pair = Pair::new();
    for pair in [None, Some(&pair)] {
        let most = GateLimits {
            half_open_max: 20,
            ..limits()
        };
        let server = start(most, pair).await;
        let mut silent = Vec::new();
        for _ in 0..300 {
            let mut socket = TcpStream::connect(server.address).await.unwrap();
            // The beginning of a head, or of a TLS record (a handshake's type is 22).
            let first: &[u8] = if pair.is_some() { &[22] } else { b"G" };
            drop(socket.write_all(first).await);
            silent.push(socket);
        }
        let evicted = || server.gate.metrics.connections.evicted.get();
        within(async {
            while evicted() < 280 {
                tokio::task::yield_now().await;
            }
        })
        .await;
        let request = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        let mut answer = Vec::new();
        let socket = TcpStream::connect(server.address).await.unwrap();
        match pair {
            None => ask(socket, request, &mut answer).await,
            Some(pair) => {
                drop(socket);
                let stream = connect(server.address, &pair.certificate, &[])
                    .await
                    .unwrap();
                ask(stream, request, &mut answer).await;
            }
        }
        assert!(answer.starts_with(b"HTTP/1.1 200"), "{answer:?}");
        // The oldest went: the first is closed.
        let mut end = Vec::new();
        drop(within(silent[0].read_to_end(&mut end)).await);
    }
}

async fn ask(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    request: &[u8],
    answer: &mut Vec<u8>,
) {
    stream.write_all(request).await.unwrap();
    within(stream.read_to_end(answer)).await.unwrap();
}

#[tokio::test]
async fn an_address_gets_no_more_than_its_share() {
    let few = GateLimits {
        per_address_max: 3,
        ..limits()
    };
    let server = start(few, None).await;
    let mut kept = Vec::new();
    for _ in 0..3 {
        kept.push(TcpStream::connect(server.address).await.unwrap());
    }
    let mut fourth = TcpStream::connect(server.address).await.unwrap();
    let mut end = Vec::new();
    drop(within(fourth.read_to_end(&mut end)).await);
    assert_eq!(server.gate.metrics.connections.refused_address.get(), 1);
    kept.clear();
    nothing_is_open(&server.gate).await;
    let socket = TcpStream::connect(server.address).await.unwrap();
    let mut answer = Vec::new();
    let request = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    ask(socket, request, &mut answer).await;
    assert!(answer.ends_with(b"hello"));
}

#[tokio::test]
async fn another_protocol_gets_its_connections_after_the_handshake() {
    let pair = Pair::new();
    for pair in [None, Some(&pair)] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let gate = Gate::new(limits(), metrics());
        let tls = pair.map(|pair| pair.tls().server_config(&[]).unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async move { drop(stopped.await) };
        let echoing = |stream, peer: SocketAddr| {
            assert!(peer.ip().is_loopback());
            tokio::spawn(echo(stream));
        };
        let accepting = tokio::spawn(accept(listener, Arc::clone(&gate), tls, stopped, echoing));
        let mut answer = Vec::new();
        match pair {
            None => say(TcpStream::connect(address).await.unwrap(), &mut answer).await,
            Some(pair) => {
                let stream = connect(address, &pair.certificate, &[]).await.unwrap();
                say(stream, &mut answer).await;
            }
        }
        assert_eq!(answer, b"CONNECT");
        nothing_is_open(&gate).await;
        drop(stop);
        within(accepting).await.unwrap();
    }
}

async fn say(mut stream: impl AsyncRead + AsyncWrite + Unpin, answer: &mut Vec<u8>) {
    stream.write_all(b"CONNECT").await.unwrap();
    stream.shutdown().await.unwrap();
    within(stream.read_to_end(answer)).await.unwrap();
}

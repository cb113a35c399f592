//! HTTP on the connections that were let in: HTTP/1.1, and HTTP/2 where TLS agreed on it.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream as HandshakenStream;
use tower::ServiceExt;

use super::HEAD_TIMEOUT;
use super::accept::{handshake, sockets};
use super::gate::{Gate, Place};
use super::half_open::{Eviction, Overdue};
use super::io::{HttpIo, State, Tracked};
use crate::gateway::takeover::Takeover;
use crate::http::Peer;
use crate::tls::ALPN_HTTP2;

/// The largest head of a request: a bearer token and some cookies.
const HEAD_BYTES_MAX: u32 = 32 * 1024;

/// Requests of one HTTP/2 connection at a time.
const STREAMS_MAX: u32 = 128;

/// Streams that a client may open and reset before they are accepted (CVE-2023-44487).
const RESET_STREAMS_MAX: usize = 20;

/// What a client may send ahead of what is read, of one request and of all (RFC 9113, section
/// 6.9), and what waits to be sent to it of one answer.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 256 * 1024;
const STREAM_SEND_BYTES_MAX: usize = 64 * 1024;

/// An HTTP/2 peer that says nothing for so long is asked whether it is there, and has so long to
/// answer.
const PING_INTERVAL: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// How long requests under way may take once the server stops and the sessions are drained.
const REQUESTS_DEADLINE: Duration = Duration::from_secs(5);

/// How long a connection that is there when the server stops has for its first request: who connects sends it at once,
/// and takes it for lost when the connection ends without an answer.
const FIRST_REQUEST_PATIENCE: Duration = Duration::from_secs(1);

/// What every connection is served with.
struct Http {
    gate: Arc<Gate>,
    acceptor: Option<TlsAcceptor>,
    router: Router,
    http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
}

/// One connection before HTTP is spoken on it.
struct Arrival {
    peer: SocketAddr,
    place: Place,
    state: Arc<State>,
    eviction: Eviction,
    stopping: watch::Receiver<()>,
}

/// Accepts on `listener` and serves `router`, over TLS if there is `tls`, until `stop` is done;
/// then takes no new connection, and waits for the requests under way: at least until `drained` is
/// done, for some are answered by sessions that end meanwhile. Connections that were taken over are
/// not waited for: the gateway drains them.
pub(crate) async fn serve(
    listener: TcpListener,
    gate: Arc<Gate>,
    tls: Option<Arc<ServerConfig>>,
    router: Router,
    stop: impl Future<Output = ()>,
    drained: impl Future<Output = ()>,
) {
    // Each connection holds a receiver, so that the last one's end closes the channel.
    let (stopping, _) = watch::channel(());
    let http = Arc::new(Http {
        gate: Arc::clone(&gate),
        acceptor: tls.map(TlsAcceptor::from),
        router,
        http1: http1_builder(),
        http2: http2_builder(),
    });
    sockets(listener, &gate, stop, |socket, peer, place| {
        let http = Arc::clone(&http);
        let stopping = stopping.subscribe();
        tokio::spawn(async move { http.serve(socket, peer, place, stopping).await });
    })
    .await;
    if !end_requests(stopping, drained).await {
        tracing::warn!("requests were still under way at the deadline");
    }
}

/// Ends when the server stops and a connection is not waited for any more that has asked for nothing.
async fn out_of_patience(mut stopping: watch::Receiver<()>) {
    // The sender stays until all connections have ended.
    drop(stopping.changed().await);
    tokio::time::sleep(FIRST_REQUEST_PATIENCE).await;
}

/// Tells every connection to take no further request. Answers whether all have ended in time.
async fn end_requests(stopping: watch::Sender<()>, drained: impl Future<Output = ()>) -> bool {
    stopping.send_replace(());
    drained.await;
    let ended = tokio::time::timeout(REQUESTS_DEADLINE, stopping.closed());
    ended.await.is_ok()
}

fn http1_builder() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES_MAX as usize);
    builder
}

fn http2_builder() -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_pending_accept_reset_streams(RESET_STREAMS_MAX)
        .max_header_list_size(HEAD_BYTES_MAX)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(STREAM_SEND_BYTES_MAX)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT);
    builder
}

impl Http {
    async fn serve(
        &self,
        socket: TcpStream,
        peer: SocketAddr,
        place: Place,
        stopping: watch::Receiver<()>,
    ) {
        let (entry, eviction) = self.gate.half_open.enter();
        let mut arrival = Arrival {
            peer,
            place,
            state: State::half_open(entry),
            eviction,
            stopping,
        };
        let Some(acceptor) = &self.acceptor else {
            let io = Tracked::new(socket, Arc::clone(&arrival.state));
            return self.serve_http1(io, arrival).await;
        };
        let shaken = tokio::select! {
            shaken = handshake(acceptor, socket, &self.gate, &mut arrival.eviction) => shaken,
            () = out_of_patience(arrival.stopping.clone()) => None,
        };
        let Some(stream) = shaken else {
            return;
        };
        if stream.get_ref().1.alpn_protocol() == Some(ALPN_HTTP2) {
            // A future of its own: either would be as large as both.
            return Box::pin(self.serve_http2(stream, arrival)).await;
        }
        let io = Tracked::new(stream, Arc::clone(&arrival.state));
        Box::pin(self.serve_http1(io, arrival)).await;
    }

    async fn serve_http1<I: HttpIo>(&self, io: I, mut arrival: Arrival) {
        let takeover = Some(arrival.state.takeover.clone());
        let service = self.service(&arrival, takeover);
        let mut connection = self.http1.serve_connection(io, service).with_upgrades();
        let graceful_shutdown = |connection: Pin<&mut _>| {
            http1::UpgradeableConnection::graceful_shutdown(connection);
        };
        self.drive(Pin::new(&mut connection), graceful_shutdown, &mut arrival)
            .await;
        let Some(serve) = arrival.state.takeover.wanted() else {
            return;
        };
        if let Some(parts) = connection.into_parts() {
            serve(parts.io.into_stream(arrival.place), parts.read_buf);
        }
    }

    async fn serve_http2(&self, stream: HandshakenStream<TcpStream>, mut arrival: Arrival) {
        let service = self.service(&arrival, None);
        let mut connection = pin!(self.http2.serve_connection(TokioIo::new(stream), service));
        let graceful_shutdown = |connection: Pin<&mut _>| {
            http2::Connection::graceful_shutdown(connection);
        };
        self.drive(connection.as_mut(), graceful_shutdown, &mut arrival)
            .await;
    }

    /// Polls a connection until it ends, is wanted by a handler, or must go.
    async fn drive<C>(
        &self,
        mut connection: Pin<&mut C>,
        graceful_shutdown: impl Fn(Pin<&mut C>),
        arrival: &mut Arrival,
    ) where
        C: Future<Output = hyper::Result<()>>,
    {
        let Arrival {
            peer,
            state,
            eviction,
            stopping,
            ..
        } = arrival;
        let mut overdue = pin!(eviction.overdue(HEAD_TIMEOUT));
        let mut unasked = pin!(out_of_patience(stopping.clone()));
        let mut stopping = pin!(stopping.changed());
        let (mut is_told, mut is_ending) = (false, false);
        let overdue = poll_fn(|cx| {
            loop {
                if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
                    if let Err(error) = ended {
                        tracing::debug!(%peer, %error, "a connection ended badly");
                    }
                    return Poll::Ready(None);
                }
                if state.may_be_taken() {
                    return Poll::Ready(None);
                }
                is_told = is_told || stopping.as_mut().poll(cx).is_ready();
                let mut may_end = || !state.is_half_open() || unasked.as_mut().poll(cx).is_ready();
                if !is_told || is_ending || !may_end() {
                    return overdue.as_mut().poll(cx).map(Some);
                }
                is_ending = true;
                graceful_shutdown(connection.as_mut());
            }
        });
        if overdue.await == Some(Overdue::Evicted) {
            self.gate.metrics.connections.evicted.inc();
        }
    }

    /// Tells the router who is at the other end, and handlers how to take the connection over.
    fn service(
        &self,
        arrival: &Arrival,
        takeover: Option<Takeover>,
    ) -> impl Service<
        Request<Incoming>,
        Response = Response<Body>,
        Error = Infallible,
        Future: Send + 'static,
    > + use<> {
        let router = self.router.clone();
        let peer = arrival.peer;
        let state = Arc::clone(&arrival.state);
        service_fn(move |request: Request<Incoming>| {
            state.has_request();
            let mut request = request.map(Body::new);
            let extensions = request.extensions_mut();
            extensions.insert(Peer(peer));
            if let Some(takeover) = &takeover {
                extensions.insert(takeover.clone());
            }
            router.clone().oneshot(request)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn requests_are_answered_by_sessions_until_these_are_drained_and_a_moment_longer() {
        let drain = Duration::from_secs(60);
        for (needs, in_time) in [
            (drain, true),
            (drain + REQUESTS_DEADLINE / 2, true),
            (drain + REQUESTS_DEADLINE * 2, false),
        ] {
            let (stopping, connection) = watch::channel(());
            tokio::spawn(async move {
                tokio::time::sleep(needs).await;
                drop(connection);
            });
            let ended = end_requests(stopping, tokio::time::sleep(drain)).await;
            assert_eq!(ended, in_time, "{needs:?}");
        }
    }
}

//! Accepting connections and serving HTTP on them until they are upgraded or closed.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tower::ServiceExt;

use crate::gateway::Takeover;
use crate::http::Peer;

/// How long a client may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// The largest head of a request: a bearer token and some cookies.
const HEAD_BYTES_MAX: usize = 32 * 1024;

/// After so long without a segment the kernel asks whether the peer is still there, so often, and
/// then gives it up.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(60);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_RETRIES: u32 = 5;

/// Pause after an accept that failed for want of a resource, which only the end of another
/// connection gives back.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long requests under way may take once the server stops.
const REQUESTS_DEADLINE: Duration = Duration::from_secs(5);

/// Accepts on `listener` and serves `router` until `stop` is done; then takes no new connection
/// and waits for the requests under way. Upgraded connections are not waited for: the gateway
/// drains them.
pub(crate) async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()>) {
    // Each connection holds a receiver, so that the last one's end closes the channel.
    let (stopping, _) = watch::channel(());
    let mut builder = Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES_MAX);
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_IDLE)
        .with_interval(KEEPALIVE_INTERVAL)
        .with_retries(KEEPALIVE_RETRIES);
    tokio::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                // Messages are small and go out as soon as they can.
                drop(stream.set_nodelay(true));
                // A peer whose network is gone says nothing; without this it would stay for ever.
                drop(SockRef::from(&stream).set_tcp_keepalive(&keepalive));
                let takeover = Takeover::default();
                let service = service(router.clone(), peer, takeover.clone());
                let mut connection = builder.serve_connection(TokioIo::new(stream), service);
                let mut stopping = stopping.subscribe();
                tokio::spawn(async move {
                    let mut is_stopping = false;
                    loop {
                        let ended = tokio::select! {
                            ended = std::future::poll_fn(|cx| {
                                let polled = connection.poll_without_shutdown(cx);
                                if takeover.is_wanted() { return std::task::Poll::Ready(Ok(true)); }
                                polled.map_ok(|()| false)
                            }) => ended,
                            _ = stopping.changed(), if !is_stopping => {
                                is_stopping = true;
                                std::pin::Pin::new(&mut connection).graceful_shutdown();
                                continue;
                            }
                        };
                        match ended {
                            Ok(true) => {
                                if let Some(serve) = takeover.wanted() {
                                    let parts = connection.into_parts();
                                    serve(
                                        crate::gateway::Stream::Plain(parts.io.into_inner()),
                                        parts.read_buf,
                                    );
                                }
                            }
                            Ok(false) => {}
                            Err(error) => {
                                tracing::debug!(%peer, %error, "a connection ended badly")
                            }
                        }
                        return;
                    }
                });
            }
            Err(error) if is_about_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "no connection can be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    stopping.send_replace(());
    let ended = tokio::time::timeout(REQUESTS_DEADLINE, stopping.closed());
    if ended.await.is_err() {
        tracing::warn!("requests were still under way at the deadline");
    }
}

/// Tells the router who is at the other end.
fn service(
    router: Router,
    peer: SocketAddr,
    takeover: Takeover,
) -> impl hyper::service::Service<
    Request<Incoming>,
    Response = Response<Body>,
    Error = Infallible,
    Future: Send + Unpin + 'static,
> {
    service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Peer(peer));
        request.extensions_mut().insert(takeover.clone());
        Box::pin(router.clone().oneshot(request))
    })
}

/// Whether an accept failed because of the connection that it would have accepted.
fn is_about_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}

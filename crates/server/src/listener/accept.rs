//! Accepting connections of any protocol.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream as HandshakenStream;

use super::HANDSHAKE_TIMEOUT;
use super::gate::{Gate, Place};
use super::half_open::{Eviction, Overdue};
use crate::gateway::stream::{Stream, TlsStream};

/// After so long without a segment the kernel asks whether the peer is still there, so often, and
/// then gives it up.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(60);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_RETRIES: u32 = 5;

/// Pause after an accept that failed for want of a resource, which only the end of another
/// connection gives back.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Accepts on `listener` until `stop` is done, and gives `serve` each connection once its TLS
/// handshake is done, if there is `tls`. `serve` must not block: it spawns what lives on the
/// connection. Handshakes under way at the end are given up.
pub(crate) async fn accept<S>(
    listener: TcpListener,
    gate: Arc<Gate>,
    tls: Option<Arc<ServerConfig>>,
    stop: impl Future<Output = ()>,
    serve: S,
) where
    S: Fn(Stream, SocketAddr) + Clone + Send + 'static,
{
    let acceptor = tls.map(TlsAcceptor::from);
    let mut handshakes = tokio::task::JoinSet::new();
    let door = Arc::clone(&gate);
    sockets(listener, &gate, stop, |socket, peer, place| {
        // Those that are done.
        while handshakes.try_join_next().is_some() {}
        let Some(acceptor) = acceptor.clone() else {
            return serve(Stream::Plain(socket, place), peer);
        };
        let serve = serve.clone();
        let gate = Arc::clone(&door);
        handshakes.spawn(async move {
            let (entry, mut eviction) = gate.half_open.enter();
            let stream = handshake(&acceptor, socket, &gate, &mut eviction).await;
            drop(entry);
            if let Some(stream) = stream {
                let (socket, tls) = stream.into_inner();
                let stream = TlsStream::new(socket, tls, place);
                serve(Stream::Tls(Box::new(stream)), peer);
            }
        });
    })
    .await;
}

/// The TLS handshake of a half-open connection. `None`: it failed, and the socket is closed.
pub(super) async fn handshake(
    acceptor: &TlsAcceptor,
    socket: TcpStream,
    gate: &Gate,
    eviction: &mut Eviction,
) -> Option<HandshakenStream<TcpStream>> {
    let metrics = &gate.metrics.connections;
    let overdue = tokio::select! {
        stream = acceptor.accept(socket) => {
            return stream
                .inspect_err(|error| {
                    tracing::debug!(%error, "a TLS handshake failed");
                    metrics.handshakes_failed.inc();
                })
                .ok();
        }
        overdue = eviction.overdue(HANDSHAKE_TIMEOUT) => overdue,
    };
    match overdue {
        Overdue::Evicted => metrics.evicted.inc(),
        Overdue::TooSlow => metrics.handshakes_failed.inc(),
    };
    None
}

/// Accepts until `stop` is done, and gives `serve` the connections that the gate lets in.
pub(super) async fn sockets(
    listener: TcpListener,
    gate: &Arc<Gate>,
    stop: impl Future<Output = ()>,
    mut serve: impl FnMut(TcpStream, SocketAddr, Place),
) {
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_IDLE)
        .with_interval(KEEPALIVE_INTERVAL)
        .with_retries(KEEPALIVE_RETRIES);
    tokio::pin!(stop);
    loop {
        let accepted = tokio::select! {
            // Whoever waits already is served: the kernel resets what is left when the listener closes. More than
            // the task's budget at once do not keep it open.
            biased;
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        match accepted {
            Ok((socket, peer)) => {
                let Ok(place) = gate.admit(peer.ip()) else {
                    // Dropped, and with it closed.
                    continue;
                };
                // Messages are small and go out as soon as they can.
                drop(socket.set_nodelay(true));
                // A peer whose network is gone says nothing; without this it would stay for ever.
                drop(SockRef::from(&socket).set_tcp_keepalive(&keepalive));
                serve(socket, peer, place);
            }
            Err(error) if is_about_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "no connection can be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Whether an accept failed because of the connection that it would have accepted.
fn is_about_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}

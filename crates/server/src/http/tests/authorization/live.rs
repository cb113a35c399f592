//! The server with its live doors open on this machine.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use madang_domain::Timestamp;
use tokio::net::TcpListener;

use super::super::fixture::Server;
use crate::auth::Authenticator;
use crate::config::assemble;
use crate::gateway::doors::{self, DoorOptions};
use crate::gateway::stream::Stream;
use crate::http::AllowedOrigins;
use crate::listener::{Gate, GateLimits, serve};
use crate::telemetry::metrics::Metrics;

pub(super) struct Live {
    pub(super) server: Server,
    /// Where STOMP is spoken.
    pub(super) stomp: SocketAddr,
    /// Where WebSockets are opened.
    pub(super) web: SocketAddr,
}

impl Live {
    pub(super) async fn start() -> Self {
        let server = Server::start();
        super::scene::set_up(&server).await;
        Self {
            stomp: serve_stomp(&server).await,
            web: serve_web(&server).await,
            server,
        }
    }
}

/// Finds the tokens in handshakes; whose they are, the fixture says.
fn authenticator(server: &Server) -> Authenticator {
    let data = server.directory().to_str().unwrap().to_owned();
    let variables = [("MADANG_SERVER__DATA".to_owned(), data)];
    let config = assemble(None, &variables, &[]).unwrap().config;
    Authenticator::from_config(&config).unwrap()
}

async fn bind() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

async fn serve_stomp(server: &Server) -> SocketAddr {
    let (listener, address) = bind().await;
    let gateway = server.gateway.clone();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            socket.set_nodelay(true).unwrap();
            gateway.serve_tcp(Stream::from(socket));
        }
    });
    address
}

async fn serve_web(server: &Server) -> SocketAddr {
    let (listener, address) = bind().await;
    let limits = GateLimits {
        connections_max: 10_000,
        per_address_max: 0,
        half_open_max: 1_000,
        trusted: Vec::new(),
    };
    let metrics = Arc::new(Metrics::new(Timestamp::from_micros(0)));
    let gate = Gate::new(limits, metrics);
    let options = DoorOptions {
        query_token: false,
        direct_websocket: true,
    };
    let origins = AllowedOrigins::new(Vec::new());
    let authenticator = authenticator(server);
    let router = doors::routes(server.gateway.clone(), authenticator, origins, options);
    let stop = std::future::pending();
    tokio::spawn(serve(listener, gate, None, router, stop, async {}));
    address
}

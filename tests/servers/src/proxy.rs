//! A proxy of TCP between a client and what it depends on, which can be told to misbehave; over several upstreams
//! it is a plain balancer.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime;
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};

use crate::PATIENCE;
use crate::ports::free_port;

/// What one direction of a connection holds at most, in bytes.
const PIECE_BYTES_MAX: usize = 64 * 1024;

/// Connections at a time; more wait to be accepted.
const CONNECTIONS_MAX: usize = 1024;

/// How long an upstream may take to accept, before the next one is tried.
const CONNECT_PATIENCE: Duration = Duration::from_secs(2);

/// How the network is at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Weather {
    /// Connections from before this number was raised are cut.
    cuts: u64,
    /// New connections are refused by the kernel.
    refuses: bool,
    /// Nothing passes either way.
    stalls: bool,
    /// How long each piece is held back.
    delay: Duration,
    /// The proxy is dropped.
    over: bool,
}

/// A proxy on a thread of its own, on a port that stays. Ends with all its connections when dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    weather: watch::Sender<Weather>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Starts one in front of a server.
    ///
    /// # Panics
    /// When no port is free.
    #[must_use]
    pub fn to(upstream: SocketAddr) -> Self {
        Self::over(vec![upstream])
    }

    /// Starts one in front of several servers. Each connection goes to the next of them; one that refuses is passed
    /// over.
    ///
    /// # Panics
    /// When no port is free.
    #[must_use]
    pub fn over(upstreams: Vec<SocketAddr>) -> Self {
        assert!(!upstreams.is_empty(), "a proxy of nothing");
        let (weather, watched) = watch::channel(Weather::default());
        let (told, address) = channel();
        let thread = thread::spawn(move || serve(upstreams, watched, &told));
        let address = address
            .recv_timeout(PATIENCE)
            .expect("the proxy finds a port");
        Self {
            address,
            weather,
            thread: Some(thread),
        }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Resets all connections, both ways. New ones are taken.
    pub fn cut(&self) {
        self.weather.send_modify(|weather| weather.cuts += 1);
    }

    /// Resets all connections and refuses new ones until [`Self::heal`].
    pub fn refuse(&self) {
        self.weather.send_modify(|weather| {
            weather.cuts += 1;
            weather.refuses = true;
        });
    }

    /// Accepts, and lets nothing pass in either direction until [`Self::heal`]: not even that an end has closed.
    /// What was sent meanwhile arrives then.
    pub fn stall(&self) {
        self.weather.send_modify(|weather| weather.stalls = true);
    }

    /// Holds each piece of 64 KiB at most back for so long, in each direction, until [`Self::heal`].
    pub fn delay(&self, by: Duration) {
        self.weather.send_modify(|weather| weather.delay = by);
    }

    /// Lets everything pass at once again.
    pub fn heal(&self) {
        self.weather.send_modify(|weather| {
            *weather = Weather {
                cuts: weather.cuts,
                ..Weather::default()
            };
        });
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.weather.send_modify(|weather| weather.over = true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(upstreams: Vec<SocketAddr>, weather: watch::Receiver<Weather>, told: &Sender<SocketAddr>) {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be made");
    runtime.block_on(async {
        let listener = bind_anywhere().await;
        let address = listener.local_addr().expect("it is bound");
        let _ = told.send(address);
        listen(listener, address, upstreams, weather).await;
    });
    // Dropping the runtime drops the connections with it.
}

async fn bind_anywhere() -> TcpListener {
    loop {
        // Somebody else may have it by now; then there is another.
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", free_port())).await {
            return listener;
        }
    }
}

/// Accepts until the proxy is over; without a listener while it refuses.
async fn listen(
    listener: TcpListener,
    address: SocketAddr,
    upstreams: Vec<SocketAddr>,
    mut weather: watch::Receiver<Weather>,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut listener = Some(listener);
    let mut next = 0;
    loop {
        let now = *weather.borrow_and_update();
        if now.over {
            return;
        }
        if now.refuses {
            listener = None;
            let _ = weather.changed().await;
            continue;
        }
        let listening = match &listener {
            Some(listening) => listening,
            None => listener.insert(bind_again(address).await),
        };
        let accepted = async {
            let place = Arc::clone(&places).acquire_owned().await;
            let (stream, _) = listening.accept().await.ok()?;
            Some((stream, place.ok()?))
        };
        tokio::select! {
            _ = weather.changed() => {}
            Some((stream, place)) = accepted => {
                let first = next;
                next = (next + 1) % upstreams.len();
                let upstreams = upstreams.clone();
                let weather = weather.clone();
                tokio::spawn(async move {
                    carry(stream, &upstreams, first, weather).await;
                    drop(place);
                });
            }
        }
    }
}

/// The port is below those of outgoing connections, so it was only given up for a moment.
async fn bind_again(address: SocketAddr) -> TcpListener {
    TcpListener::bind(address)
        .await
        .unwrap_or_else(|error| panic!("{address} was taken: {error}"))
}

async fn carry(
    mut client: TcpStream,
    upstreams: &[SocketAddr],
    first: usize,
    mut weather: watch::Receiver<Weather>,
) {
    let cuts = weather.borrow_and_update().cuts;
    let mut cut = weather.clone();
    let mut server = None;
    let carried = async {
        let server = server.insert(connect(upstreams, first).await?);
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        // Halves that are only borrowed: the others would say a proper end when the connection is cut.
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        tokio::try_join!(
            copy(from_client, to_server, weather.clone()),
            copy(from_server, to_client, weather),
        )
    };
    let ended_by_itself = tokio::select! {
        _ = cut.wait_for(|weather| weather.cuts > cuts || weather.over) => false,
        carried = carried => carried.is_ok(),
    };
    if ended_by_itself {
        return;
    }
    for stream in [Some(&client), server.as_ref()].into_iter().flatten() {
        let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
    }
}

async fn connect(upstreams: &[SocketAddr], first: usize) -> io::Result<TcpStream> {
    let mut refused = io::Error::from(io::ErrorKind::ConnectionRefused);
    for at in 0..upstreams.len() {
        let upstream = upstreams[(first + at) % upstreams.len()];
        match timeout(CONNECT_PATIENCE, TcpStream::connect(upstream)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => refused = error,
            Err(_) => refused = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(refused)
}

async fn copy(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    mut weather: watch::Receiver<Weather>,
) -> io::Result<()> {
    let mut piece = vec![0; PIECE_BYTES_MAX];
    loop {
        let length = from.read(&mut piece).await?;
        let delay = weather.borrow_and_update().delay;
        if !delay.is_zero() {
            sleep(delay).await;
        }
        let passes = weather.wait_for(|weather| !weather.stalls).await;
        passes.map_err(|_| io::ErrorKind::BrokenPipe)?;
        if length == 0 {
            return to.shutdown().await;
        }
        to.write_all(&piece[..length]).await?;
    }
}

//! Thousands of clients that never finish what they began to say keep nobody else out.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use madang_e2e::PATIENCE;
use madang_e2e::doors::{Endpoint, Start, list};
use madang_e2e::server::TestServer;

use super::fixture::{Room, listeners, next};
use super::wrong_way::rss_kib;

const COUNT: &str = "MADANG_E2E_HALF_OPEN";
const COUNT_DEFAULT: usize = 2_000;
/// Within which a new client has to be in session, asked many times while the others dribble.
const CONNECT_MAX: Duration = Duration::from_secs(1);
const CONNECTS: usize = 20;
/// What a half-open connection may cost, with what the allocator keeps besides.
const CONNECTION_KIB_MAX: usize = 32;
const FIXED_KIB_MAX: usize = 48 << 10;
/// Files that the server and this process need besides the connections.
const OTHER_FILES: u64 = 500;

/// A listener, the beginning of what its clients say, and the door that stands behind it.
struct Listener {
    name: &'static str,
    door: &'static str,
    address: fn(&Endpoint) -> SocketAddr,
    beginning: &'static [u8],
    /// What goes on without ever being enough.
    dribble: u8,
}

const HTTP: Listener = Listener {
    name: "HTTP",
    door: "stomp_over_websocket",
    address: |endpoint| endpoint.http,
    beginning: b"GET /ws HTTP/1.1\r\nHost: x\r\nX-Slow: ",
    dribble: b'a',
};

const TLS: Listener = Listener {
    name: "TLS",
    door: "stomp_over_websocket_tls",
    address: |endpoint| endpoint.http,
    // A record that announces a ClientHello of 512 bytes (RFC 8446, section 5.1).
    beginning: b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    dribble: 0,
};

const STOMP_TCP: Listener = Listener {
    name: "STOMP over TCP",
    door: "stomp_over_tcp",
    address: |endpoint| endpoint.stomp_tcp.expect("STOMP over TCP is on"),
    beginning: b"CONNECT\naccept-version:1.2\nhost:",
    dribble: b'a',
};

#[test]
fn half_open_requests_keep_nobody_out() {
    keeps_nobody_out(&HTTP);
}

#[test]
fn half_open_tls_handshakes_keep_nobody_out() {
    keeps_nobody_out(&TLS);
}

#[test]
fn half_open_stomp_connects_keep_nobody_out() {
    keeps_nobody_out(&STOMP_TCP);
}

fn keeps_nobody_out(listener: &Listener) {
    let count = count();
    let door = list::named(listener.door);
    let server = listeners(TestServer::builder(), door.tls).start();
    let room = Room::open(door, &server);
    let endpoint = server.endpoint();
    // What the first client makes the server load is not the others' cost.
    come_in(&room, &endpoint);
    let (rss, files) = (rss_kib(&server), open_files(&server));

    let begun = Instant::now();
    let mut crowd = Crowd::come((listener.address)(&endpoint), listener, count);
    let come = begun.elapsed();
    let mut slowest = Duration::ZERO;
    for _ in 0..CONNECTS {
        crowd.dribble(listener.dribble);
        let begun = Instant::now();
        come_in(&room, &endpoint);
        slowest = slowest.max(begun.elapsed());
    }
    let grown = rss_kib(&server).saturating_sub(rss);
    let open = crowd.open();
    println!(
        "{}: {count} half open in {come:.1?}, {open} of them still after the last client; \
         slowest client in after {slowest:.0?}; the server grew by {grown} KiB",
        listener.name
    );
    assert!(slowest < CONNECT_MAX, "a client waited {slowest:?}");
    assert!(
        grown < FIXED_KIB_MAX + count * CONNECTION_KIB_MAX,
        "{grown} KiB"
    );
    drop(crowd);
    assert_freed(&server, files);
    come_in(&room, &endpoint);
}

/// How many connections: what is asked for, as far as the limit on open files lets.
fn count() -> usize {
    let wanted = env::var(COUNT).map_or(COUNT_DEFAULT, |text| text.parse().expect("a number"));
    let limits = fs::read_to_string("/proc/self/limits").expect("Linux tells limits");
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().nth(3)?.parse().ok());
    let most = soft.unwrap_or(u64::MAX).saturating_sub(OTHER_FILES);
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    if wanted > most {
        println!("{wanted} connections need a higher limit on open files: {most} are made");
    }
    wanted.min(most)
}

/// A whole client: connected, following, its own message back. Panics if it is kept out.
fn come_in(room: &Room<'_>, endpoint: &Endpoint) {
    let mut peer = room.enter(endpoint, Start::Now);
    peer.send(&room.id, "here")
        .expect("one's own room takes it");
    assert_eq!(next(&mut *peer).text, "here");
}

/// The connections that say little.
struct Crowd {
    sockets: Vec<TcpStream>,
}

impl Crowd {
    fn come(address: SocketAddr, listener: &Listener, count: usize) -> Self {
        let come = |_| {
            let mut socket = TcpStream::connect(address).expect("the server accepts connections");
            socket.set_nonblocking(true).expect("sockets can be");
            socket
                .write_all(listener.beginning)
                .expect("a few bytes fit");
            socket
        };
        Self {
            sockets: (0..count).map(come).collect(),
        }
    }

    /// Says a byte more on each; one that the server has closed by now says nothing.
    fn dribble(&mut self, byte: u8) {
        for socket in &mut self.sockets {
            let _ = socket.write(&[byte]);
        }
    }

    /// How many the server has not closed.
    fn open(&mut self) -> usize {
        let mut bytes = [0; 512];
        let is_open = |socket: &mut TcpStream| {
            let read = socket.read(&mut bytes);
            read.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
        };
        let sockets = self.sockets.iter_mut();
        sockets.map(is_open).filter(|open| *open).count()
    }
}

fn open_files(server: &TestServer) -> usize {
    let folder = fs::read_dir(format!("/proc/{}/fd", server.pid()));
    folder.expect("the server runs").count()
}

/// Waits until the server holds about as many files as before; it is not told when the kernel
/// has passed on the end of each connection, so it is looked at until it is so.
fn assert_freed(server: &TestServer, before: usize) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let open = open_files(server);
        if open <= before + 8 {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "{open} files are open, {before} were"
        );
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_crowd_counts_what_the_server_closed() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut crowd = Crowd::come(address, &HTTP, 2);
    let (mut first, _) = listener.accept().unwrap();
    let _second = listener.accept().unwrap();
    let mut beginning = vec![0; HTTP.beginning.len()];
    first.read_exact(&mut beginning).unwrap();
    assert_eq!(crowd.open(), 2);
    drop(first);
    let deadline = Instant::now() + PATIENCE;
    while crowd.open() != 1 {
        assert!(Instant::now() < deadline, "an end is seen");
        thread::yield_now();
    }
}

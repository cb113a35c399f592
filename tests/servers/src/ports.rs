//! Free ports of the loopback address.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

/// Below what the kernel gives to outgoing connections: none of them takes a server's port while
/// the server is down, and no client that connects again and again meets itself there.
const PORTS: std::ops::Range<u16> = 12_000..32_000;

/// A port of 127.0.0.1 that nobody has now. Whoever binds it may come too late, and asks again.
///
/// # Panics
/// When no port is free.
#[must_use]
pub fn free_port() -> u16 {
    static ASKED: AtomicU16 = AtomicU16::new(0);
    let count = PORTS.end - PORTS.start;
    // Processes begin at different places, so that they seldom want the same port.
    let begin = std::process::id().wrapping_mul(977) % u32::from(count);
    let begin = u16::try_from(begin).expect("a remainder of a u16");
    (0..count)
        .map(|_| {
            let asked = ASKED.fetch_add(1, Ordering::Relaxed) % count;
            PORTS.start + (begin + asked) % count
        })
        .find(|&port| TcpListener::bind(("127.0.0.1", port)).is_ok())
        .expect("a port is free")
}

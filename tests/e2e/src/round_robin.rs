//! A balancer that knows nothing of what it passes on: each connection goes to the next server.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Balances until it is dropped; connections that it passed on go on.
#[derive(Debug)]
pub struct RoundRobin {
    address: SocketAddr,
    is_over: Arc<AtomicBool>,
}

impl RoundRobin {
    /// Begins to accept for these servers.
    ///
    /// # Panics
    /// When it cannot listen.
    #[must_use]
    pub fn start(servers: Vec<SocketAddr>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let is_over = Arc::<AtomicBool>::default();
        let ends = Arc::clone(&is_over);
        thread::spawn(move || {
            for (client, server) in listener.incoming().zip(servers.iter().cycle()) {
                if ends.load(Ordering::Relaxed) {
                    return;
                }
                // A server that is away refuses, as a balancer does in its place.
                if let (Ok(client), Ok(server)) = (client, TcpStream::connect(server)) {
                    pass_on(&client, &server);
                }
            }
        });
        Self { address, is_over }
    }

    /// Where it accepts.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for RoundRobin {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        // Wakes it to see that.
        drop(TcpStream::connect(self.address));
    }
}

fn pass_on(client: &TcpStream, server: &TcpStream) {
    for (from, to) in [(client, server), (server, client)] {
        let (Ok(mut from), Ok(mut to)) = (from.try_clone(), to.try_clone()) else {
            return;
        };
        thread::spawn(move || {
            // However it ends, the other side learns of it.
            drop(io::copy(&mut from, &mut to));
            drop(to.shutdown(Shutdown::Write));
        });
    }
}

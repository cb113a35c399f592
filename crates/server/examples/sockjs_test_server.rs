//! The server that the public SockJS test suites expect under test: sockjs-protocol's and those of
//! sockjs-client.
//!
//! ```text
//! cargo run --release --example sockjs_test_server -- --listen 127.0.0.1:8081
//! ```

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use madang_domain::Timestamp;
use madang_server::gateway::SessionLimits;
use madang_server::gateway::sockjs::{
    Application, Client, Reaction, Revision, SockJsOptions, SockJsServer,
};
use madang_server::telemetry::metrics::Metrics;
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::broadcast;

/// The suites send it back and forth to fill a response.
const RESPONSE_BYTES_MAX: usize = 4_096;

/// `/amplify` answers with at most two to this power characters.
const AMPLIFICATION_MAX: u32 = 19;

/// Messages of `/broadcast` that wait for a session; it misses the oldest beyond.
const BROADCASTS_MAX: usize = 256;

/// Serves the endpoints of the SockJS test suites.
#[derive(Parser)]
struct Options {
    /// Address and port.
    #[arg(long, default_value = "127.0.0.1:8081")]
    listen: SocketAddr,
    /// Which edition of the protocol's HTTP details is followed: the suites contradict each other.
    #[arg(long, value_enum, default_value = "1.0")]
    revision: Edition,
}

#[derive(Clone, Copy, ValueEnum)]
enum Edition {
    /// sockjs-protocol 0.3.3.
    #[value(name = "0.3.3")]
    V0_3_3,
    /// The protocol of sockjs-client 1.x and sockjs-node.
    #[value(name = "1.0")]
    V1_0,
}

fn main() -> std::io::Result<()> {
    let options = Options::parse();
    let runtime = match options.revision {
        // Its suite asks twice at once, on two connections, and expects that the first is first.
        // That of 1.0 waits between.
        Edition::V0_3_3 => Builder::new_current_thread().enable_all().build()?,
        Edition::V1_0 => Builder::new_multi_thread().enable_all().build()?,
    };
    runtime.block_on(serve(options))
}

async fn serve(options: Options) -> std::io::Result<()> {
    let listener = TcpListener::bind(options.listen).await?;
    announce(listener.local_addr()?)?;
    let endpoint = SockJsOptions {
        response_bytes_max: RESPONSE_BYTES_MAX,
        revision: match options.revision {
            Edition::V0_3_3 => Revision::V0_3_3,
            Edition::V1_0 => Revision::V1_0,
        },
        ..SockJsOptions::default()
    };
    let without_websocket = SockJsOptions {
        websocket: false,
        ..endpoint.clone()
    };
    let with_cookie = SockJsOptions {
        cookie_needed: true,
        ..endpoint.clone()
    };
    let channel = broadcast::Sender::new(BROADCASTS_MAX);
    let metrics = Arc::new(Metrics::new(Timestamp::from_micros(0)));
    SockJsServer::start(metrics, SessionLimits::default())
        .mount("/echo", endpoint.clone(), || Echo)
        .mount("/disabled_websocket_echo", without_websocket, || Echo)
        .mount("/cookie_needed_echo", with_cookie, || Echo)
        .mount("/close", endpoint.clone(), || Close)
        .mount("/ticker", endpoint.clone(), || Ticker)
        .mount("/amplify", endpoint.clone(), || Amplify)
        .mount("/broadcast", endpoint, move || Broadcast(channel.clone()))
        .serve(listener, async {
            // Without signals it runs until it is killed.
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        })
        .await;
    Ok(())
}

fn announce(address: SocketAddr) -> std::io::Result<()> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    writeln!(out, "listening on http://{address}")?;
    out.flush()
}

/// Says back what it hears.
struct Echo;

impl Application for Echo {
    fn opened(&mut self, _: &Client) -> Reaction {
        Reaction::Continue
    }

    fn received(&mut self, text: &str, client: &Client) -> Reaction {
        client.send(text);
        Reaction::Continue
    }
}

/// Closes at once.
struct Close;

impl Application for Close {
    fn opened(&mut self, _: &Client) -> Reaction {
        Reaction::Close(3000, "Go away!")
    }

    fn received(&mut self, _: &str, _: &Client) -> Reaction {
        Reaction::Continue
    }
}

/// Says `tick!` every second.
struct Ticker;

impl Application for Ticker {
    fn opened(&mut self, client: &Client) -> Reaction {
        let client = client.clone();
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_secs(1));
            ticks.tick().await;
            while !client.is_gone() {
                ticks.tick().await;
                client.send("tick!");
            }
        });
        Reaction::Continue
    }

    fn received(&mut self, _: &str, _: &Client) -> Reaction {
        Reaction::Continue
    }
}

/// Answers a number with two to its power characters.
struct Amplify;

impl Application for Amplify {
    fn opened(&mut self, _: &Client) -> Reaction {
        Reaction::Continue
    }

    fn received(&mut self, text: &str, client: &Client) -> Reaction {
        let number: f64 = text.trim().parse().unwrap_or(1.0);
        let power = if number > 0.0 && number <= f64::from(AMPLIFICATION_MAX) {
            number as u32
        } else {
            1
        };
        client.send(&"x".repeat(1 << power));
        Reaction::Continue
    }
}

/// Says what it hears to everybody.
struct Broadcast(broadcast::Sender<Arc<str>>);

impl Application for Broadcast {
    fn opened(&mut self, client: &Client) -> Reaction {
        let (client, mut heard) = (client.clone(), self.0.subscribe());
        tokio::spawn(async move {
            loop {
                match heard.recv().await {
                    Ok(_) if client.is_gone() => return,
                    Ok(text) => client.send(&text),
                    Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => return,
                }
            }
        });
        Reaction::Continue
    }

    fn received(&mut self, text: &str, _: &Client) -> Reaction {
        // Nobody else listens: that is no fault.
        drop(self.0.send(Arc::from(text)));
        Reaction::Continue
    }
}

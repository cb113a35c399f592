//! Servers that say back what they hear, and a client of theirs.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use madang_bus::LocalNetwork;
use madang_domain::Timestamp;
use madang_domain::ports::{BoxFuture, Bus, BusEvent, BusState, Topic};
use parking_lot::Mutex;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::super::message::{Content, Message, Present};
use super::PATIENCE;
use crate::gateway::SessionLimits;
use crate::gateway::sockjs::{Application, Client, Reaction, SockJsOptions, SockJsServer};
use crate::telemetry::metrics::Metrics;

#[derive(Debug, Clone, Copy)]
pub(super) struct Options {
    pub(super) find_within: Duration,
    pub(super) response_bytes_max: usize,
    pub(super) losses: Losses,
}

/// What a bus does with what it should carry, in percent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Losses {
    pub(super) seed: u64,
    pub(super) dropped: u32,
    pub(super) repeated: u32,
    pub(super) delayed: u32,
}

pub(super) const OPTIONS: Options = Options {
    find_within: Duration::from_millis(500),
    response_bytes_max: super::OPTIONS_BYTES,
    losses: Losses {
        seed: 0,
        dropped: 0,
        repeated: 0,
        delayed: 0,
    },
};

pub(super) struct Cluster {
    nodes: Mutex<Vec<Node>>,
    addresses: Vec<SocketAddr>,
    buses: Vec<Arc<TestBus>>,
    client: reqwest::Client,
}

struct Node {
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
}

/// Carries as its losses say, or not at all.
pub(super) struct TestBus {
    bus: Arc<dyn Bus>,
    losses: Losses,
    chance: Mutex<SmallRng>,
    delayed: Mutex<Vec<(Topic, Bytes)>>,
    said: AtomicUsize,
    is_cut: AtomicBool,
    /// Whether its node said to all that it is no new one any more.
    is_settled: watch::Sender<bool>,
}

impl Cluster {
    pub(super) async fn of(count: usize, options: Options) -> Self {
        let network = LocalNetwork::default();
        let mut cluster = Self {
            nodes: Mutex::default(),
            addresses: Vec::new(),
            buses: Vec::new(),
            client: reqwest::Client::new(),
        };
        for number in 0..count {
            let bus = Arc::new(TestBus {
                bus: network.join(),
                losses: options.losses,
                chance: Mutex::new(SmallRng::seed_from_u64(options.losses.seed + number as u64)),
                delayed: Mutex::default(),
                said: AtomicUsize::new(0),
                is_cut: AtomicBool::new(false),
                is_settled: watch::Sender::new(false),
            });
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            cluster.addresses.push(listener.local_addr().unwrap());
            cluster.buses.push(Arc::clone(&bus));
            let node = Node::start(listener, bus, options);
            cluster.nodes.lock().push(node);
        }
        cluster
    }

    pub(super) fn session(&self) -> Session {
        Session {
            client: self.client.clone(),
            addresses: self.addresses.clone(),
            id: format!("{:016x}", rand::random::<u64>()),
        }
    }

    /// What was said over the bus so far.
    pub(super) fn said(&self) -> usize {
        let said = self
            .buses
            .iter()
            .map(|bus| bus.said.load(Ordering::Relaxed));
        said.sum()
    }

    /// Waits until every node takes those for all that it has heard of.
    pub(super) async fn settled(&self) {
        for bus in &self.buses {
            let mut is_settled = bus.is_settled.subscribe();
            let settles = is_settled.wait_for(|is_settled| *is_settled);
            timeout(PATIENCE, settles).await.unwrap().unwrap();
        }
    }

    /// Cuts a node off, as if its process were killed: it says nothing more.
    pub(super) async fn kill(&self, number: usize) {
        self.buses[number].is_cut.store(true, Ordering::Relaxed);
        self.end(number).await;
    }

    /// Stops a node, which says that it leaves.
    pub(super) async fn stop(&self, number: usize) {
        self.end(number).await;
    }

    async fn end(&self, number: usize) {
        let serving = {
            let node = &mut self.nodes.lock()[number];
            drop(node.stop.take());
            std::mem::replace(&mut node.serving, tokio::spawn(async {}))
        };
        serving.abort();
        drop(serving.await);
    }
}

impl Node {
    fn start(listener: TcpListener, bus: Arc<TestBus>, options: Options) -> Self {
        let sockjs = SockJsOptions {
            response_bytes_max: options.response_bytes_max,
            find_within: options.find_within,
            disconnect_delay: Duration::from_secs(60),
            ..SockJsOptions::default()
        };
        let metrics = Arc::new(Metrics::new(Timestamp::from_micros(0)));
        let (stop, stopped) = oneshot::channel::<()>();
        let server = SockJsServer::start(metrics, SessionLimits::default()).mount_on(
            bus,
            "/echo",
            sockjs,
            || Echo,
        );
        let serving = tokio::spawn(async move {
            server.serve(listener, async { drop(stopped.await) }).await;
        });
        Self {
            stop: Some(stop),
            serving,
        }
    }
}

/// Says back what it hears; closes when it hears "close".
struct Echo;

impl Application for Echo {
    fn opened(&mut self, _: &Client) -> Reaction {
        Reaction::Continue
    }

    fn received(&mut self, text: &str, client: &Client) -> Reaction {
        if text == "close" {
            return Reaction::Close(3000, "Go away!");
        }
        client.send(text);
        Reaction::Continue
    }
}

impl TestBus {
    fn happens(&self, percent: u32) -> bool {
        percent > 0 && self.chance.lock().random_range(0..100) < percent
    }
}

impl Bus for TestBus {
    fn publish(&self, topic: &Topic, payload: Bytes) {
        self.said.fetch_add(1, Ordering::Relaxed);
        if *topic == Topic::AllGateways
            && let Some(message) = Message::decode(&payload)
            && let Content::Beat { present, .. } = message.content
        {
            self.is_settled.send_replace(present == Present::Still);
        }
        if self.is_cut.load(Ordering::Relaxed) || self.happens(self.losses.dropped) {
            return;
        }
        if self.happens(self.losses.delayed) {
            // Until something else was said.
            return self.delayed.lock().push((topic.clone(), payload));
        }
        self.bus.publish(topic, payload.clone());
        if self.happens(self.losses.repeated) {
            self.bus.publish(topic, payload);
        }
        let delayed = std::mem::take(&mut *self.delayed.lock());
        for (topic, payload) in delayed {
            self.bus.publish(&topic, payload);
        }
    }

    fn reaches_others(&self, topic: &Topic) -> bool {
        self.bus.reaches_others(topic)
    }

    fn state(&self) -> BusState {
        self.bus.state()
    }

    fn subscribe(&self, topic: Topic) {
        self.bus.subscribe(topic);
    }

    fn unsubscribe(&self, topic: &Topic) {
        self.bus.unsubscribe(topic);
    }

    fn next_event(&self) -> BoxFuture<'_, Option<BusEvent>> {
        Box::pin(async {
            loop {
                let event = self.bus.next_event().await;
                if !self.is_cut.load(Ordering::Relaxed) {
                    return event;
                }
            }
        })
    }
}

pub(super) struct Session {
    client: reqwest::Client,
    addresses: Vec<SocketAddr>,
    id: String,
}

/// A session that its first node has.
pub(super) async fn opened(cluster: &Cluster) -> Session {
    let session = cluster.session();
    assert_eq!(session.poll(0).await, "o\n");
    session
}

impl Session {
    fn url(&self, node: usize, transport: &str) -> String {
        format!(
            "http://{}/echo/000/{}/{transport}",
            self.addresses[node], self.id
        )
    }

    fn request(&self, node: usize, transport: &str) -> reqwest::RequestBuilder {
        let url = self.url(node, transport);
        match transport {
            "xhr" | "xhr_streaming" => self.client.post(url),
            _ => self.client.get(url),
        }
    }

    /// The response of a request that waits for a frame.
    pub(super) async fn poll(&self, node: usize) -> String {
        self.get(node, "xhr").await
    }

    pub(super) async fn get(&self, node: usize, transport: &str) -> String {
        self.start(node, transport).body().await
    }

    /// What polls are told once the session is closed.
    pub(super) async fn closed(&self, node: usize) -> String {
        let closed = async {
            loop {
                let frame = self.poll(node).await;
                if !frame.contains("2010") {
                    return frame;
                }
            }
        };
        timeout(PATIENCE, closed).await.expect("it is closed")
    }

    /// The status that texts are answered with.
    pub(super) async fn send(&self, node: usize, texts: &[&str]) -> u16 {
        let body = serde_json::to_string(texts).unwrap();
        let request = self.client.post(self.url(node, "xhr_send")).body(body);
        let response = timeout(PATIENCE, request.send()).await;
        response.expect("an answer").unwrap().status().as_u16()
    }

    pub(super) async fn jsonp_send(&self, node: usize, text: &str) -> (StatusCode, String) {
        let request = self
            .client
            .post(self.url(node, "jsonp_send"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(format!("d=%5B%22{text}%22%5D"));
        let response = timeout(PATIENCE, request.send()).await;
        let response = response.expect("an answer").unwrap();
        (response.status(), response.text().await.unwrap())
    }

    /// Begins a request.
    pub(super) fn start(&self, node: usize, transport: &str) -> Begun {
        let request = self.request(node, transport);
        Begun(tokio::spawn(async move {
            let response = request.send().await?;
            response.text().await
        }))
    }

    pub(super) async fn stream(&self, node: usize, transport: &str, line: Line) -> Streaming {
        let response = timeout(PATIENCE, self.request(node, transport).send()).await;
        let response = response.expect("a response").unwrap();
        assert_eq!(response.status(), 200);
        Streaming {
            response,
            line,
            got: String::new(),
        }
    }

    /// Makes a request the receiver, and ends its connection. Answers whether it was the receiver:
    /// the one that asks whether it is may have come first.
    pub(super) async fn break_off(&self, node: usize, transport: &str) -> bool {
        // A client of its own: its connection ends with it.
        let client = reqwest::Client::new();
        // It has to be faster than the one that asks after it.
        let greeting = format!("http://{}/echo", self.addresses[node]);
        client.get(greeting).send().await.unwrap();
        let request = client.post(self.url(node, transport));
        let mut sent = tokio::spawn(async move { request.send().await?.text().await });
        // Takes the same way.
        assert_eq!(self.send(node, &[]).await, 204);
        let other = (node + 1) % self.addresses.len();
        let was_receiver = tokio::select! {
            second = self.start(other, "xhr").body() => second.contains("2010"),
            _ = &mut sent => false,
        };
        sent.abort();
        was_receiver
    }
}

/// A request under way.
pub(super) struct Begun(JoinHandle<reqwest::Result<String>>);

/// A response, and the request that has none yet.
pub(super) struct First {
    pub(super) body: String,
    pub(super) other: Begun,
}

impl Begun {
    pub(super) async fn body(self) -> String {
        let body = timeout(PATIENCE, self.0).await;
        body.expect("a response").unwrap().unwrap()
    }

    pub(super) async fn first_of(mut self, mut other: Self) -> First {
        let (body, other) = tokio::select! {
            body = &mut self.0 => (body, other),
            body = &mut other.0 => (body, self),
        };
        let body = body.unwrap().unwrap();
        First { body, other }
    }

    /// Whether the response does not come to its end.
    pub(super) async fn breaks_off(self) -> bool {
        let body = timeout(PATIENCE, self.0).await;
        body.expect("an end").unwrap().is_err()
    }
}

/// How a transport writes a frame.
#[derive(Debug, Clone, Copy)]
pub(super) enum Line {
    Plain,
    Event,
    Script,
}

/// A streaming response.
pub(super) struct Streaming {
    response: reqwest::Response,
    line: Line,
    got: String,
}

impl Streaming {
    /// The next so many texts.
    pub(super) async fn texts(&mut self, count: usize) -> Vec<String> {
        let mut texts = Vec::new();
        while texts.len() < count {
            while let Some(end) = self.got.find('\n') {
                let line: String = self.got.drain(..=end).collect();
                texts.extend(self.line.texts(line.trim_end()));
            }
            if texts.len() < count {
                let chunk = timeout(PATIENCE, self.response.chunk()).await;
                let chunk = chunk.expect("more").unwrap().expect("no end");
                self.got.push_str(&String::from_utf8_lossy(&chunk));
            }
        }
        texts
    }

    /// Whether the response comes to its end.
    pub(super) async fn ends(mut self) -> bool {
        loop {
            match timeout(PATIENCE, self.response.chunk()).await {
                Ok(Ok(Some(_))) => {}
                Ok(Ok(None)) => return true,
                Ok(Err(_)) | Err(_) => return false,
            }
        }
    }
}

impl Line {
    fn texts(self, line: &str) -> Vec<String> {
        let frame = match self {
            Self::Plain => Some(line.to_owned()),
            Self::Event => line.strip_prefix("data: ").map(str::to_owned),
            Self::Script => line
                .strip_prefix("p(")
                .and_then(|rest| rest.strip_suffix(");"))
                .map(|string| serde_json::from_str(string).unwrap()),
        };
        let texts = frame.as_deref().and_then(|frame| frame.strip_prefix('a'));
        texts.map_or_else(Vec::new, |texts| serde_json::from_str(texts).unwrap())
    }
}

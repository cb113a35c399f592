//! A bus behind a broker: what all brokers have in common. An adapter is a [`Connector`].
//!
//! One task owns the connection. It is replaced as a whole whenever there is a doubt about it; then everything is
//! subscribed anew, this node checks its heads, and so do the others, because what this one published meanwhile was
//! lost.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use madang_domain::ports::{BoxFuture, Bus, BusEvent, BusState, Topic};
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, interval, sleep, timeout};

use crate::channel::{Channel, Channels};
use crate::envelope::{self, Content, NodeId};
use crate::inbox::Inbox;
use crate::interests::Interests;
use crate::queue::Queue;

/// Why a connection is of no use any more: for the log.
pub(crate) type LinkError = Box<dyn std::error::Error + Send + Sync>;

/// What to send, and where.
pub(crate) type Outgoing = (Channel, Bytes);

/// Makes connections to one broker.
pub(crate) trait Connector: Send + Sync + 'static {
    type Connection: Connection;

    /// What arrives goes to `arrivals`, for as long as the connection lives.
    fn connect(
        &self,
        arrivals: Arrivals,
    ) -> impl Future<Output = Result<Self::Connection, LinkError>> + Send;
}

/// A connection, subscribed to nothing at first. After an error, or when it is lost, it is dropped.
pub(crate) trait Connection: Send + 'static {
    /// Returns once the broker has done so. Subscribing again changes nothing.
    fn subscribe(
        &mut self,
        channels: &[Channel],
    ) -> impl Future<Output = Result<(), LinkError>> + Send;

    /// Returns once the broker has been asked to.
    fn unsubscribe(
        &mut self,
        channels: &[Channel],
    ) -> impl Future<Output = Result<(), LinkError>> + Send;

    /// Returns once the broker has it, or the client library has. In this order.
    fn publish(
        &mut self,
        messages: &[Outgoing],
    ) -> impl Future<Output = Result<(), LinkError>> + Send;

    /// Returns once the broker has answered.
    fn ping(&mut self) -> impl Future<Output = Result<(), LinkError>> + Send;
}

/// Where a connection leaves what it hears.
#[derive(Clone)]
pub(crate) struct Arrivals {
    node: Arc<Node>,
    lost: Arc<Notify>,
}

/// Messages of one batch, and channels of one command.
const BATCH_MAX: usize = 512;

/// How long a connection, or an answer, may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How often a broker is asked whether it is there.
const PING_EVERY: Duration = Duration::from_secs(5);

/// Between two attempts to connect: doubled after each that failed, and drawn at random below it.
const DELAY_MIN: Duration = Duration::from_millis(100);
const DELAY_MAX: Duration = Duration::from_secs(5);

/// How long a connection has to last for the next one to be tried without delay: above what connecting takes.
const STEADY: Duration = Duration::from_secs(10);

struct Node {
    id: NodeId,
    inbox: Inbox,
    interests: Interests,
    /// A broker that is slower than what is published loses some of it.
    outgoing: Queue<Channel>,
    connected: AtomicBool,
    was_connected: AtomicBool,
    flushes: Flushes,
}

/// Whoever waits until what was published has left; each is told, or dropped with the connection.
#[derive(Default)]
struct Flushes {
    waiting: Mutex<Vec<oneshot::Sender<()>>>,
    wanted: Notify,
}

struct LinkedBus {
    node: Arc<Node>,
    link: JoinHandle<()>,
}

/// Starts a node's bus. It connects in the background and tries for ever.
pub(crate) fn start(connector: impl Connector, prefix: &str) -> Arc<dyn Bus> {
    let node = Arc::new(Node {
        id: rand::random(),
        inbox: Inbox::new(),
        interests: Interests::new(Channels::new(prefix)),
        outgoing: Queue::new(),
        connected: AtomicBool::new(false),
        was_connected: AtomicBool::new(false),
        flushes: Flushes::default(),
    });
    let link = tokio::spawn(keep_connected(connector, Arc::clone(&node)));
    Arc::new(LinkedBus { node, link })
}

impl Bus for LinkedBus {
    fn publish(&self, topic: &Topic, payload: Bytes) {
        if !self.node.connected.load(Ordering::Acquire) {
            return;
        }
        let envelope = envelope::published(self.node.id, topic, &payload);
        let channel = self.node.interests.channels().carrier(topic);
        if let (Some(channel), Some(envelope)) = (channel, envelope) {
            self.node.outgoing.push(channel, envelope);
        }
    }

    fn flush(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            let (told, left) = oneshot::channel();
            self.node.flushes.waiting.lock().push(told);
            // Asked for after it waits: whoever loses the connection later lets it go.
            if !self.node.connected.load(Ordering::Acquire) {
                return;
            }
            self.node.flushes.wanted.notify_one();
            drop(left.await);
        })
    }

    fn reaches_others(&self, _topic: &Topic) -> bool {
        self.node.connected.load(Ordering::Acquire)
    }

    fn state(&self) -> BusState {
        if self.node.connected.load(Ordering::Acquire) {
            BusState::Connected
        } else if self.node.was_connected.load(Ordering::Relaxed) {
            BusState::Lost
        } else {
            BusState::Starting
        }
    }

    fn subscribe(&self, topic: Topic) {
        self.node.interests.add(topic);
    }

    fn unsubscribe(&self, topic: &Topic) {
        self.node.interests.remove(topic);
    }

    fn next_event(&self) -> BoxFuture<'_, Option<BusEvent>> {
        Box::pin(async { Some(self.node.inbox.next().await) })
    }
}

impl Drop for LinkedBus {
    fn drop(&mut self) {
        self.link.abort();
    }
}

impl Arrivals {
    /// Never waits.
    pub(crate) fn accept(&self, envelope: Bytes) {
        match envelope::open(envelope) {
            Some((node, _)) if node == self.node.id => {}
            Some((_, Content::Connected)) => self.node.inbox.tell_loss(),
            Some((_, Content::Published { topic, payload })) => {
                if self.node.interests.wants(&topic) {
                    self.node.inbox.push(topic, payload);
                }
            }
            None => tracing::debug!("dropped what no node of this version wrote"),
        }
    }

    /// The connection goes on, but has dropped something.
    pub(crate) fn miss(&self) {
        self.node.inbox.tell_loss();
    }

    /// The broker delivers this channel no more, asked to or not: it is subscribed to again if it is
    /// needed. What came in between the next head check finds.
    pub(crate) fn ended(&self, channel: &str) {
        self.node.interests.ended(channel);
    }

    /// The connection is of no use any more.
    pub(crate) fn lose(&self) {
        self.lost.notify_one();
    }
}

async fn keep_connected(connector: impl Connector, node: Arc<Node>) {
    let mut delay = DELAY_MIN;
    loop {
        let began = Instant::now();
        let Err(error) = stay(&connector, &node).await;
        let was_connected = node.connected.swap(false, Ordering::AcqRel);
        node.flushes.waiting.lock().clear();
        if was_connected {
            tracing::warn!(%error, "the bus is lost; messages reach other nodes by their head checks until it is back");
        } else {
            tracing::warn!(%error, "the bus cannot be reached");
        }
        // A broker that lets in and refuses all the rest is not asked any faster than one that is away.
        if began.elapsed() > STEADY {
            delay = DELAY_MIN;
        }
        sleep(delay.mul_f64(rand::random())).await;
        delay = (delay * 2).min(DELAY_MAX);
    }
}

/// Connects and goes on until the connection is lost.
async fn stay(
    connector: &impl Connector,
    node: &Arc<Node>,
) -> Result<std::convert::Infallible, LinkError> {
    let lost = Arc::new(Notify::new());
    let arrivals = Arrivals {
        node: Arc::clone(node),
        lost: Arc::clone(&lost),
    };
    let mut connection = timeout(TIMEOUT, connector.connect(arrivals)).await??;
    let all_nodes = node.interests.channels().all_nodes();
    let mut wanted = node.interests.all();
    wanted.push(all_nodes.clone());
    subscribe(&mut connection, &wanted).await?;
    node.outgoing.clear().await;
    node.connected.store(true, Ordering::Release);
    node.was_connected.store(true, Ordering::Relaxed);
    node.inbox.tell_loss();
    tracing::info!("the bus is connected");
    if let Some(envelope) = envelope::connected(node.id) {
        let news = [(all_nodes.clone(), envelope)];
        timeout(TIMEOUT, connection.publish(&news)).await??;
    }
    let mut ping = interval(PING_EVERY);
    let mut batch = Vec::with_capacity(BATCH_MAX);
    loop {
        tokio::select! {
            () = lost.notified() => return Err("the connection was closed".into()),
            mut changes = node.interests.changes() => {
                subscribe(&mut connection, &changes.subscribe).await?;
                // Where it is told that another node was away: never left.
                changes.unsubscribe.retain(|channel| *channel != all_nodes);
                for some in changes.unsubscribe.chunks(BATCH_MAX) {
                    timeout(TIMEOUT, connection.unsubscribe(some)).await??;
                }
            }
            () = node.outgoing.take(&mut batch, BATCH_MAX) => {
                timeout(TIMEOUT, connection.publish(&batch)).await??;
                batch.clear();
            }
            () = node.flushes.wanted.notified() => {
                let waiting = std::mem::take(&mut *node.flushes.waiting.lock());
                while node.outgoing.take_now(&mut batch, BATCH_MAX).await {
                    timeout(TIMEOUT, connection.publish(&batch)).await??;
                    batch.clear();
                }
                // What the client library has is with the broker once that answers.
                timeout(TIMEOUT, connection.ping()).await??;
                for waiting in waiting {
                    // Whoever does not wait any more is not to be told.
                    let _ = waiting.send(());
                }
            }
            _ = ping.tick() => timeout(TIMEOUT, connection.ping()).await??,
        }
    }
}

async fn subscribe(
    connection: &mut impl Connection,
    channels: &[Channel],
) -> Result<(), LinkError> {
    for some in channels.chunks(BATCH_MAX) {
        timeout(TIMEOUT, connection.subscribe(some)).await??;
    }
    Ok(())
}

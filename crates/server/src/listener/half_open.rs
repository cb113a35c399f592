//! Connections that have not said yet what they want: in their TLS handshake, or before their
//! first request. Clients that say nothing on purpose must not keep others out, so one too many
//! costs the oldest its place, not the newest.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// The half-open connections of all listeners, by age.
#[derive(Debug)]
pub(super) struct HalfOpen {
    most: usize,
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    next: u64,
    entries: BTreeMap<u64, oneshot::Sender<()>>,
}

/// A connection is half open as long as this lives.
#[derive(Debug)]
pub(super) struct Entry {
    set: Arc<HalfOpen>,
    number: u64,
}

/// Learns that a half-open connection must go.
#[derive(Debug)]
pub(super) struct Eviction(oneshot::Receiver<()>);

/// Why a half-open connection must go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overdue {
    Evicted,
    TooSlow,
}

impl HalfOpen {
    /// At most `most` at a time.
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            queue: Mutex::default(),
        })
    }

    /// Takes in one more; the oldest has to go if that makes too many.
    pub(super) fn enter(self: &Arc<Self>) -> (Entry, Eviction) {
        let (evict, eviction) = oneshot::channel();
        let mut queue = self.queue.lock();
        let number = queue.next;
        queue.next += 1;
        queue.entries.insert(number, evict);
        let oldest = match queue.entries.len() > self.most {
            true => queue.entries.pop_first(),
            false => None,
        };
        drop(queue);
        if let Some((_, evict)) = oldest {
            // It has just ended by itself if nobody listens.
            let _ = evict.send(());
        }
        let set = Arc::clone(self);
        (Entry { set, number }, Eviction(eviction))
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.set.queue.lock().entries.remove(&self.number);
    }
}

impl Eviction {
    /// Ends when the connection is still half open and must go: others came, or `within` is over.
    pub(super) async fn overdue(&mut self, within: Duration) -> Overdue {
        match timeout(within, &mut self.0).await {
            Err(_) => Overdue::TooSlow,
            Ok(Ok(())) => Overdue::Evicted,
            // Its entry is gone: it is open.
            Ok(Err(_)) => std::future::pending().await,
        }
    }
}

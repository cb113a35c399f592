//! What waits for a reader: bounded in number and in bytes.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use tokio::sync::{Mutex, mpsc};

/// Messages that may wait.
const MESSAGES_MAX: usize = 10_000;

/// Bytes of payloads that may wait, and one message more.
const BYTES_MAX: usize = 64 * 1024 * 1024;

/// Payloads with what `T` says of them. Writing never waits. Read by one task.
pub(crate) struct Queue<T> {
    sender: mpsc::Sender<(T, Bytes)>,
    receiver: Mutex<mpsc::Receiver<(T, Bytes)>>,
    bytes: AtomicUsize,
}

impl<T> Queue<T> {
    pub(crate) fn new() -> Self {
        let (sender, receiver) = mpsc::channel(MESSAGES_MAX);
        Self {
            sender,
            receiver: Mutex::new(receiver),
            bytes: AtomicUsize::new(0),
        }
    }

    /// `false` when there is no place: the message is lost.
    pub(crate) fn push(&self, what: T, payload: Bytes) -> bool {
        let size = payload.len();
        let waiting = self.bytes.fetch_add(size, Ordering::Relaxed);
        if waiting <= BYTES_MAX && self.sender.try_send((what, payload)).is_ok() {
            return true;
        }
        self.bytes.fetch_sub(size, Ordering::Relaxed);
        false
    }

    /// Cancel safe.
    pub(crate) async fn next(&self) -> (T, Bytes) {
        let Some(message) = self.receiver.lock().await.recv().await else {
            unreachable!("the queue has its own sender");
        };
        self.bytes.fetch_sub(message.1.len(), Ordering::Relaxed);
        message
    }

    /// Waits for one and takes what else is there, `max` at most. Cancel safe.
    pub(crate) async fn take(&self, batch: &mut Vec<(T, Bytes)>, max: usize) {
        self.receiver.lock().await.recv_many(batch, max).await;
        let size = batch.iter().map(|(_, payload)| payload.len()).sum();
        self.bytes.fetch_sub(size, Ordering::Relaxed);
    }

    /// Takes what is there, `max` at most; whether that is anything.
    pub(crate) async fn take_now(&self, batch: &mut Vec<(T, Bytes)>, max: usize) -> bool {
        let mut receiver = self.receiver.lock().await;
        while batch.len() < max
            && let Ok((what, payload)) = receiver.try_recv()
        {
            self.bytes.fetch_sub(payload.len(), Ordering::Relaxed);
            batch.push((what, payload));
        }
        !batch.is_empty()
    }

    /// Forgets what waits.
    pub(crate) async fn clear(&self) {
        let mut receiver = self.receiver.lock().await;
        while let Ok((_, payload)) = receiver.try_recv() {
            self.bytes.fetch_sub(payload.len(), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_has_no_place_is_refused_and_takes_none() {
        let queue = Queue::new();
        let large = Bytes::from(vec![0; BYTES_MAX]);
        assert!(queue.push(1, large.clone()));
        assert!(queue.push(2, Bytes::from_static(b"one more")));
        assert!(!queue.push(3, Bytes::from_static(b"too many bytes")));
        assert_eq!(queue.next().await.0, 1);
        for number in 0..MESSAGES_MAX - 1 {
            assert!(queue.push(number, Bytes::new()));
        }
        assert!(!queue.push(4, Bytes::new()), "too many messages");
        queue.clear().await;
        assert!(queue.push(5, large));
        let mut batch = Vec::new();
        queue.take(&mut batch, 10).await;
        assert_eq!(batch.len(), 1);
        assert_eq!(queue.bytes.load(Ordering::Relaxed), 0);
    }
}

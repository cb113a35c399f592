//! Questions that are asked once for all who ask them: whoever comes while one is being answered waits
//! for the next answer, with all others who came meanwhile. So each answer is of a moment behind the
//! call, and many callers cost two questions. No timer: alone, a question is asked at once.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::OnceCell;

/// Rounds of questions by topic, one of each topic at a time. As many as callers wait for.
#[derive(Debug)]
pub(super) struct Rounds<T, W, A>(Mutex<HashMap<T, Topic<W, A>>>);

#[derive(Debug)]
struct Topic<W, A> {
    /// Held while it is asked.
    turn: Arc<tokio::sync::Mutex<()>>,
    /// The round that is not asked yet; `None` while nobody came since the last was.
    next: Option<Arc<Round<W, A>>>,
    /// Callers of any round.
    waiting: usize,
}

/// Callers who get one answer.
#[derive(Debug)]
struct Round<W, A> {
    /// What each of them wants to know of the topic. Nothing is added once it is asked.
    wanted: Mutex<Vec<W>>,
    answer: OnceCell<A>,
}

/// Who asked for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    Here,
    ByAnother,
}

impl<T, W, A> Default for Rounds<T, W, A> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone + Eq + Hash, W: Clone, A: Clone> Rounds<T, W, A> {
    /// Has what all callers of a round want asked by one of them, later than now, and tells who it
    /// was. When that caller goes away, the next one asks. An answer that is a failure is everybody's.
    pub(super) async fn answer<F>(
        &self,
        topic: T,
        wanted: W,
        ask: impl FnOnce(Vec<W>) -> F,
    ) -> (A, Asked)
    where
        F: Future<Output = A>,
    {
        let caller = self.join(topic, wanted);
        let mut asked = Asked::ByAnother;
        let answer = caller.round.answer.get_or_init(|| async {
            asked = Asked::Here;
            let _turn = caller.turn.lock().await;
            ask(caller.begin()).await
        });
        let answer = answer.await.clone();
        (answer, asked)
    }

    fn join(&self, topic: T, wanted: W) -> Caller<'_, T, W, A> {
        let mut topics = self.0.lock();
        let entry = topics.entry(topic.clone()).or_insert_with(|| Topic {
            turn: Arc::default(),
            next: None,
            waiting: 0,
        });
        entry.waiting += 1;
        let round = entry.next.get_or_insert_with(|| {
            Arc::new(Round {
                wanted: Mutex::default(),
                answer: OnceCell::new(),
            })
        });
        round.wanted.lock().push(wanted);
        Caller {
            round: Arc::clone(round),
            turn: Arc::clone(&entry.turn),
            rounds: self,
            topic,
        }
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.0.lock().is_empty()
    }
}

struct Caller<'a, T: Eq + Hash, W, A> {
    rounds: &'a Rounds<T, W, A>,
    topic: T,
    turn: Arc<tokio::sync::Mutex<()>>,
    round: Arc<Round<W, A>>,
}

impl<T: Eq + Hash, W: Clone, A> Caller<'_, T, W, A> {
    /// Whoever comes from now on is in the next round. Answers what is wanted in this one.
    fn begin(&self) -> Vec<W> {
        let mut topics = self.rounds.0.lock();
        if let Some(topic) = topics.get_mut(&self.topic) {
            let is_this = |next: &mut Arc<_>| Arc::ptr_eq(next, &self.round);
            topic.next.take_if(is_this);
        }
        self.round.wanted.lock().clone()
    }
}

impl<T: Eq + Hash, W, A> Drop for Caller<'_, T, W, A> {
    fn drop(&mut self) {
        let mut topics = self.rounds.0.lock();
        let Some(topic) = topics.get_mut(&self.topic) else {
            return;
        };
        topic.waiting -= 1;
        if topic.waiting == 0 {
            topics.remove(&self.topic);
        }
    }
}

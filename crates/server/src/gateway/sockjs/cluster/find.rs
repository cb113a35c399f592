//! Which gateway has a session.
//!
//! All others are asked at once. Where all of them are known and say that they do not have it, the
//! answer is there after one round trip; somebody who says nothing is waited for, for a bounded time.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use madang_domain::Code;
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, timeout_at};

use super::key::SessionKey;
use super::members::Others;

/// Questions that wait for their answers; one more is refused with [`Code::Overloaded`].
const QUESTIONS_MAX: usize = 16_384;

/// How often a question is asked before it is given up.
const TRIES: u32 = 3;

/// The questions of this gateway.
#[derive(Default)]
pub(super) struct Questions {
    state: Mutex<State>,
    /// A claim was given up.
    unclaimed: Notify,
}

#[derive(Default)]
struct State {
    open: HashMap<u64, Question>,
    /// How many requests are about to open each session here.
    claims: HashMap<SessionKey, usize>,
}

struct Question {
    /// Who has not answered.
    unanswered: HashSet<u64>,
    is_complete: bool,
    answer: Option<oneshot::Sender<Option<u64>>>,
}

/// The session is about to be opened here, if nobody else has it: held until it is.
pub(in super::super) struct Claim {
    questions: Arc<Questions>,
    key: SessionKey,
}

struct Open<'a> {
    questions: &'a Questions,
    request: u64,
}

impl Questions {
    /// From now on another gateway that is about to open the session as well is told that it is
    /// here, if its number is the higher one: of two that ask at a time one gives way.
    pub(super) fn claim(self: &Arc<Self>, key: SessionKey) -> Claim {
        *self.state.lock().claims.entry(key).or_default() += 1;
        Claim {
            questions: Arc::clone(self),
            key,
        }
    }

    /// Waits while a session is about to be opened here. Cancel safe.
    pub(super) async fn unclaimed(&self, key: &SessionKey) {
        loop {
            let unclaimed = self.unclaimed.notified();
            tokio::pin!(unclaimed);
            // On the list before the look, so that the last one is not missed.
            unclaimed.as_mut().enable();
            if !self.has_claim(key) {
                return;
            }
            unclaimed.await;
        }
    }

    pub(super) fn has_claim(&self, key: &SessionKey) -> bool {
        self.state.lock().claims.contains_key(key)
    }

    /// Has `others` asked by `ask`, again while somebody has not answered, and answers who has the
    /// session. `None`: nobody has, or nobody said so before `deadline`.
    ///
    /// # Errors
    /// [`Code::Overloaded`]: too many questions wait.
    pub(super) async fn ask(
        &self,
        request: u64,
        others: Others,
        deadline: Instant,
        ask: impl Fn(),
    ) -> Result<Option<u64>, Code> {
        let (sender, mut answer) = oneshot::channel();
        {
            let mut state = self.state.lock();
            if state.open.len() >= QUESTIONS_MAX {
                return Err(Code::Overloaded);
            }
            let question = Question {
                unanswered: others.known,
                is_complete: others.is_complete,
                answer: Some(sender),
            };
            state.open.insert(request, question);
        }
        let _open = Open {
            questions: self,
            request,
        };
        let pause = deadline.saturating_duration_since(Instant::now()) / TRIES;
        for tries_left in (0..TRIES).rev() {
            ask();
            let until = deadline - pause * tries_left;
            if let Ok(answer) = timeout_at(until, &mut answer).await {
                return Ok(answer.unwrap_or(None));
            }
        }
        Ok(None)
    }

    /// Gateway `from` answers.
    pub(super) fn answered(&self, request: u64, from: u64, has_it: bool) {
        let mut state = self.state.lock();
        let Some(question) = state.open.get_mut(&request) else {
            return;
        };
        question.unanswered.remove(&from);
        let nobody_has = question.is_complete && question.unanswered.is_empty();
        if (has_it || nobody_has)
            && let Some(answer) = question.answer.take()
        {
            // Whoever stopped waiting needs no answer.
            let _ = answer.send(has_it.then_some(from));
        }
    }

    /// These are gone, and will not answer.
    pub(super) fn left(&self, gateway: u64) {
        let requests: Vec<_> = self.state.lock().open.keys().copied().collect();
        for request in requests {
            self.answered(request, gateway, false);
        }
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.questions.state.lock().open.remove(&self.request);
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let claims = &mut self.questions.state.lock().claims;
        let Some(count) = claims.get_mut(&self.key) else {
            return;
        };
        *count -= 1;
        if *count == 0 {
            claims.remove(&self.key);
            self.questions.unclaimed.notify_waiters();
        }
    }
}

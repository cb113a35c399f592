//! What this gateway asks of others, until it knows that it was heard.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::message::Refused;

/// The requests of this gateway that it may have to ask again.
pub(super) struct Asked(Mutex<State>);

struct State {
    next: u64,
    open: BTreeSet<u64>,
    /// Those that bring texts.
    sends: HashMap<u64, Waiting>,
}

struct Waiting {
    is_accepted: bool,
    outcome: Option<oneshot::Sender<Result<(), Refused>>>,
}

/// A request that may be asked again until this is dropped.
pub(super) struct Asking {
    asked: Arc<Asked>,
    pub(super) request: u64,
}

impl Default for Asked {
    fn default() -> Self {
        Self(Mutex::new(State {
            // 0 is no request.
            next: 1,
            open: BTreeSet::new(),
            sends: HashMap::new(),
        }))
    }
}

impl Asked {
    pub(super) fn begin(self: &Arc<Self>) -> Asking {
        // Numbered and listed in one step: in between it would be taken for settled.
        let mut state = self.0.lock();
        let request = state.next;
        state.next += 1;
        state.open.insert(request);
        Asking {
            asked: Arc::clone(self),
            request,
        }
    }

    /// Lower requests are asked no more.
    pub(super) fn settled(&self) -> u64 {
        let state = self.0.lock();
        state.open.first().copied().unwrap_or(state.next)
    }

    /// The outcome of a request that brings texts, once it is known.
    pub(super) fn outcome_of(&self, asking: &Asking) -> oneshot::Receiver<Result<(), Refused>> {
        let (sender, outcome) = oneshot::channel();
        let waiting = Waiting {
            is_accepted: false,
            outcome: Some(sender),
        };
        self.0.lock().sends.insert(asking.request, waiting);
        outcome
    }

    pub(super) fn is_accepted(&self, asking: &Asking) -> bool {
        let state = self.0.lock();
        let waiting = state.sends.get(&asking.request);
        waiting.is_some_and(|waiting| waiting.is_accepted)
    }

    pub(super) fn accepted(&self, request: u64) {
        if let Some(waiting) = self.0.lock().sends.get_mut(&request) {
            waiting.is_accepted = true;
        }
    }

    pub(super) fn settle(&self, request: u64, outcome: Result<(), Refused>) {
        let mut state = self.0.lock();
        let waiting = state.sends.get_mut(&request);
        if let Some(sender) = waiting.and_then(|waiting| waiting.outcome.take()) {
            // Whoever stopped waiting needs no answer.
            let _ = sender.send(outcome);
        }
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        let mut state = self.asked.0.lock();
        state.open.remove(&self.request);
        state.sends.remove(&self.request);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_still_asked_and_all_after_it_is_not_settled() {
        let asked = Arc::<Asked>::default();
        let (first, second, third) = (asked.begin(), asked.begin(), asked.begin());
        drop(second);
        assert_eq!(asked.settled(), first.request);
        drop(first);
        assert_eq!(asked.settled(), third.request);
        drop(third);
        assert_eq!(asked.settled(), asked.begin().request);
    }
}

//! The answer to who holds a token: mostly there at once.

use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll};

use madang_domain::ports::BoxFuture;
use madang_domain::{Caller, Error};

/// Who holds a token, or that a key must be fetched first. A future, for those who can wait; nothing
/// is allocated for an answer that is there.
pub enum TokenCheck {
    /// The answer.
    Done(Ready<Result<Caller, Error>>),
    /// The answer comes with a key of the host, within seconds.
    Waiting(BoxFuture<'static, Result<Caller, Error>>),
}

impl TokenCheck {
    /// An answer that is there.
    #[must_use]
    pub fn done(answer: Result<Caller, Error>) -> Self {
        Self::Done(ready(answer))
    }
}

impl Future for TokenCheck {
    type Output = Result<Caller, Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Done(answer) => Pin::new(answer).poll(context),
            Self::Waiting(answer) => answer.as_mut().poll(context),
        }
    }
}

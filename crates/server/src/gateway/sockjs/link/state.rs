//! What a link knows, under one lock.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::task::{Context, Waker};

use madang_wire::sockjs::{Close, Receiver, Revision, frame};
use tokio::sync::oneshot;

use super::super::response::Response;
use super::LinkOptions;
use super::units::next_frame;

#[derive(Default)]
pub(super) struct State {
    pub(super) receiver: Option<Attached>,
    /// The open frame is written.
    pub(super) is_open: bool,
    pub(super) inbox: VecDeque<Vec<u8>>,
    pub(super) inbox_bytes: usize,
    /// Requests that wait for space in the inbox.
    pub(super) waiting: usize,
    /// The session carries out nothing more.
    pub(super) refuses_input: bool,
    /// Messages that ever came, were taken by the session, and were carried out by it.
    pub(super) came: u64,
    pub(super) taken: u64,
    pub(super) carried_out: u64,
    /// The close frame, for everybody who asks from now on.
    pub(super) closed: Option<Vec<u8>>,
    /// The session is gone.
    pub(super) is_over: bool,
    pub(super) reader: Option<Waker>,
    pub(super) writer: Option<Waker>,
}

/// The request that receives frames now.
pub(in super::super) enum Attached {
    /// Takes frames until it has had enough.
    Streaming(Response),
    /// Takes one frame.
    Polling {
        receiver: Receiver,
        answer: oneshot::Sender<Vec<u8>>,
    },
}

/// Why a request cannot receive frames; it is told by this frame.
#[derive(Debug)]
pub(in super::super) struct Unattached(pub(in super::super) Vec<u8>);

/// What became of the receiver during a write.
#[derive(PartialEq, Eq)]
pub(super) enum Left {
    Stays,
    /// Its response is complete.
    Served,
    /// It broke off, so that frames may be lost.
    Interrupted,
}

impl State {
    pub(super) fn is_done(&self) -> bool {
        self.is_over || self.closed.is_some()
    }

    pub(super) fn takes_no_input(&self) -> bool {
        self.refuses_input || self.is_done()
    }

    pub(super) fn clear_inbox(&mut self) {
        self.inbox = VecDeque::new();
        self.inbox_bytes = 0;
    }

    pub(super) fn has_unsent(&self) -> bool {
        match &self.receiver {
            Some(Attached::Streaming(response)) => response.has_unsent(),
            Some(Attached::Polling { .. }) | None => false,
        }
    }

    pub(super) fn refusal(&self) -> Option<Unattached> {
        if let Some(close) = &self.closed {
            return Some(Unattached(close.clone()));
        }
        self.receiver.as_ref().map(|_| {
            let mut frame = Vec::new();
            Close::ANOTHER_CONNECTION.append_frame(&mut frame);
            Unattached(frame)
        })
    }

    /// sockjs-protocol, "test_abort_xhr_streaming": frames may be lost, so the session cannot go
    /// on.
    pub(super) fn interrupt(&mut self) {
        self.receiver = None;
        if self.closed.is_none() {
            let mut frame = Vec::new();
            Close::INTERRUPTED.append_frame(&mut frame);
            self.closed = Some(frame);
        }
    }

    /// A poll is answered with a heart-beat, a stream ends.
    pub(super) fn release(&mut self, options: &LinkOptions) -> Left {
        match self.receiver.take() {
            None => Left::Stays,
            Some(polling @ Attached::Polling { .. }) => {
                if polling.answer(frame::HEART_BEAT, options.revision) {
                    return Left::Served;
                }
                self.interrupt();
                Left::Interrupted
            }
            Some(Attached::Streaming(mut response)) => {
                response.end();
                self.receiver = Some(Attached::Streaming(response));
                self.push_receiver()
            }
        }
    }

    pub(super) fn receiver_is_gone(&self, cx: &mut Context<'_>) -> bool {
        match &self.receiver {
            Some(Attached::Streaming(response)) => response.peer_is_gone(cx),
            Some(Attached::Polling { answer, .. }) => answer.is_closed(),
            None => false,
        }
    }

    pub(super) fn write(
        &mut self,
        units: &[u8],
        options: &LinkOptions,
    ) -> (io::Result<usize>, Left) {
        let is_done = self.is_done();
        match &mut self.receiver {
            None if is_done => (Err(ErrorKind::BrokenPipe.into()), Left::Stays),
            None => (Err(ErrorKind::WouldBlock.into()), Left::Stays),
            Some(Attached::Streaming(response)) => {
                let mut taken = 0;
                if !response.has_unsent() {
                    while let Some((frame, len)) = next_frame(&units[taken..]) {
                        if response.is_ending() {
                            break;
                        }
                        taken += len;
                        response.append(&frame);
                        if frame.starts_with(b"c") {
                            self.closed = Some(frame.into_owned());
                            response.end();
                        } else if response.sent() >= options.response_bytes_max {
                            response.end();
                        }
                    }
                }
                let left = self.push_receiver();
                let written = match left {
                    Left::Interrupted => Err(ErrorKind::BrokenPipe.into()),
                    // Nothing was taken, and what was taken earlier is not through.
                    Left::Stays if taken == 0 => Err(ErrorKind::WouldBlock.into()),
                    Left::Served if taken == 0 && !units.is_empty() => {
                        Err(ErrorKind::WouldBlock.into())
                    }
                    Left::Stays | Left::Served => Ok(taken),
                };
                (written, left)
            }
            Some(Attached::Polling { .. }) => self.answer_poll(units, options),
        }
    }

    fn answer_poll(&mut self, units: &[u8], options: &LinkOptions) -> (io::Result<usize>, Left) {
        let Some((frame, len)) = next_frame(units) else {
            return (Ok(0), Left::Stays);
        };
        let Some(attached) = self.receiver.take() else {
            return (Err(ErrorKind::WouldBlock.into()), Left::Stays);
        };
        if !attached.answer(&frame, options.revision) {
            self.interrupt();
            return (Err(ErrorKind::BrokenPipe.into()), Left::Interrupted);
        }
        if frame.starts_with(b"c") {
            self.closed = Some(frame.into_owned());
        }
        (Ok(len), Left::Served)
    }

    /// Gives the streaming receiver's connection what it takes.
    pub(super) fn push_receiver(&mut self) -> Left {
        let Some(Attached::Streaming(response)) = &mut self.receiver else {
            return Left::Stays;
        };
        match response.push() {
            Ok(true) => {
                self.receiver = None;
                Left::Served
            }
            Ok(false) => Left::Stays,
            Err(_) => {
                self.interrupt();
                Left::Interrupted
            }
        }
    }
}

impl Attached {
    /// Answers a polling request; `false` when nobody waits for it any more.
    pub(super) fn answer(self, frame: &[u8], revision: Revision) -> bool {
        match self {
            Self::Polling { receiver, answer } => {
                let mut body = Vec::with_capacity(frame.len() + 64);
                receiver.append_prelude(&mut body);
                receiver.append_frame(frame, revision, &mut body);
                answer.send(body).is_ok()
            }
            Self::Streaming(_) => false,
        }
    }
}

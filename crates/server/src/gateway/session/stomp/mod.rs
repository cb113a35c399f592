//! STOMP 1.0, 1.1 and 1.2 on a session.

pub(super) mod acks;
mod commands;
mod community;
mod connect;
pub(in crate::gateway) mod destination;
mod entry;
pub(super) mod frames;
mod send;
mod subscribe;
mod transactions;

use std::sync::Arc;

use madang_domain::RoomHead;
use madang_engine::{Ended, Engine, SubscriptionKey};
use madang_wire::stomp::{self, Item, Peer};

use super::super::Chat;
use super::super::framing::Framing;
use super::dialect::{Dialect, Failure, Flow};
use super::driver::Core;
use super::feeds::Feed;
pub(in super::super) use connect::Handshake;
use connect::Open;

/// The state of a STOMP session.
pub(in super::super) struct Stomp {
    chat: Arc<Chat>,
    decoder: stomp::Decoder,
    stage: Stage,
}

/// How far the client has come.
enum Stage {
    /// Waits for CONNECT.
    Handshaken(Box<Handshake>),
    Open(Box<Open>),
}

impl Stomp {
    pub(in super::super) fn new(chat: &Arc<Chat>, handshake: Handshake) -> Self {
        Self {
            chat: Arc::clone(chat),
            decoder: stomp::Decoder::new(Peer::Client, chat.shared.limits.stomp),
            stage: Stage::Handshaken(Box::new(handshake)),
        }
    }
}

impl Dialect for Stomp {
    fn receive(core: &mut Core<Self>, input: &mut &[u8]) -> Flow {
        loop {
            let frame = match core.dialect.decoder.decode(input) {
                Ok(Some(Item::Frame(frame))) => frame,
                Ok(Some(Item::HeartBeat)) => continue,
                Ok(None) => return Flow::On,
                Err(error) => {
                    core.fail(frames::decode_failure(&error));
                    return Flow::Stop;
                }
            };
            core.charge_frame();
            if let Err(failure) = core.handle_frame(frame) {
                core.fail(failure);
            }
            if !core.is_open() {
                return Flow::Stop;
            }
            if !core.may_read() {
                return Flow::Suspend;
            }
        }
    }

    fn feed(&mut self, key: SubscriptionKey) -> Option<&mut Feed> {
        let Stage::Open(open) = &mut self.stage else {
            return None;
        };
        open.subscriptions
            .iter_mut()
            .find(|subscription| subscription.key == key)
            .map(|subscription| &mut subscription.feed)
    }

    fn engine(&self) -> Option<&Arc<Engine>> {
        Some(&self.chat.engine)
    }

    fn tell_reset(core: &mut Core<Self>, key: SubscriptionKey, head: &RoomHead) {
        core.tell_reset(key, head);
    }

    fn tell_ended(core: &mut Core<Self>, key: SubscriptionKey, cause: Ended) {
        core.tell_ended(key, cause);
    }

    fn append_failure(&self, framing: Framing, failure: &Failure, out: &mut Vec<u8>) {
        let version = match &self.stage {
            Stage::Handshaken(_) => stomp::Version::V1_2,
            Stage::Open(open) => open.version,
        };
        frames::encode_error(framing, version, failure, out);
    }
}

//! After the commit, in this order: answer the sender, publish on the bus, offer to the hub.

use std::sync::Arc;

use madang_domain::ports::{Bus, Topic};
use madang_domain::{Answer, Committed, Epoch, Message, MessageKind, Outcome, RoomId, RoomsChange};
use tokio::sync::{Notify, mpsc};

use crate::bus_message::BusMessage;
use crate::commit::{CommittedBatch, Reply, count};
use crate::hub::Hub;
use crate::released_pictures::ReleasedPictures;
use crate::telemetry::Telemetry;

/// Hands on what was committed, batch by batch, until the pipeline ends.
pub(crate) struct Dispatcher {
    pub(crate) hub: Arc<Hub>,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) telemetry: Arc<dyn Telemetry>,
    /// Told when a support room begins to wait.
    pub(crate) waiting: Arc<Notify>,
    pub(crate) released: ReleasedPictures,
}

/// What a batch leaves to be told.
#[derive(Default)]
struct News {
    entries: Vec<Arc<Message>>,
    changes: Vec<RoomsChange>,
    deleted: Vec<(RoomId, Epoch)>,
    released: Vec<Arc<str>>,
}

impl Dispatcher {
    pub(crate) async fn run(self, mut committed: mpsc::Receiver<CommittedBatch>) {
        while let Some(batch) = committed.recv().await {
            let CommittedBatch {
                outcomes,
                rooms_unknown,
            } = batch;
            let News {
                entries,
                changes,
                deleted,
                released,
            } = self.answer(outcomes);
            for (room, messages) in consecutive_runs(entries) {
                self.publish(&room, messages);
            }
            for (room, epoch) in deleted {
                self.tell_deleted(&room, epoch);
            }
            self.tell_changes(&changes);
            for link in released {
                self.release(link);
            }
            if rooms_unknown {
                self.bus
                    .publish(&Topic::AllNodes, BusMessage::RoomsUnknown.encode());
                self.hub.users().rooms_unknown();
            }
            // A large batch must not keep sessions on this worker from reading.
            tokio::task::yield_now().await;
        }
    }

    /// Answers everybody and gathers what is new, in the order accepted.
    fn answer(&self, batch: Vec<(Reply, Outcome)>) -> News {
        let mut news = News::default();
        news.entries.reserve(batch.len());
        for (reply, outcome) in batch {
            let outcome = outcome.map(|committed| {
                let Committed {
                    answer,
                    entries,
                    changes,
                    deleted,
                    released,
                } = committed;
                if let Answer::Sent(appended) = &answer {
                    let (accepted, repeated) = count(appended);
                    self.telemetry.drafts(accepted, repeated, 0);
                }
                news.entries.extend(entries);
                news.changes.extend(changes);
                news.deleted.extend(deleted);
                news.released.extend(released);
                answer
            });
            if outcome.is_err() {
                self.telemetry.drafts(0, 0, 1);
            }
            reply(outcome);
        }
        news
    }

    fn publish(&self, room: &RoomId, messages: Vec<Arc<Message>>) {
        if messages.iter().any(|message| begins_to_wait(message.kind)) {
            self.waiting.notify_one();
        }
        let topic = Topic::Room(room.clone());
        if self.bus.reaches_others(&topic) {
            for message in &messages {
                self.bus
                    .publish(&topic, BusMessage::message(message).encode());
            }
        }
        self.hub.rooms().publish(room, messages);
    }

    fn tell_deleted(&self, room: &RoomId, epoch: Epoch) {
        let payload = BusMessage::deleted(epoch).encode();
        self.bus.publish(&Topic::Room(room.clone()), payload);
        self.hub.rooms().deleted(room, epoch);
    }

    /// Whoever keeps pictures may be on another node.
    fn release(&self, link: Arc<str>) {
        if !self.released.tell(Arc::clone(&link)) {
            let message = BusMessage::PictureReleased { link };
            self.bus.publish(&Topic::AllNodes, message.encode());
        }
    }

    /// Tells the sessions of users, on every node, that a room may have become, ceased to be, or
    /// changed as one of theirs. After the change is stored.
    fn tell_changes(&self, changes: &[RoomsChange]) {
        for RoomsChange { user, room, since } in changes {
            let topic = Topic::User(user.clone());
            if self.bus.reaches_others(&topic) {
                let message = BusMessage::rooms_changed(room, *since);
                self.bus.publish(&topic, message.encode());
            }
            self.hub.users().rooms_changed(user, room, *since);
        }
    }
}

pub(crate) const fn begins_to_wait(kind: MessageKind) -> bool {
    matches!(kind, MessageKind::Waiting | MessageKind::Released)
}

/// Groups messages by room, into runs of consecutive numbers; a stable sort keeps each room's
/// order. Groups that were committed one by one may have those of other nodes between them, or
/// even be in another life of the room.
fn consecutive_runs(mut messages: Vec<Arc<Message>>) -> Vec<(RoomId, Vec<Arc<Message>>)> {
    messages.sort_by(|a, b| a.room.cmp(&b.room));
    let mut runs: Vec<(RoomId, Vec<Arc<Message>>)> = Vec::new();
    for message in messages {
        let run = runs.last_mut().map(|(_, run)| run);
        match run.filter(|run| run.last().is_some_and(|last| follows(last, &message))) {
            Some(run) => run.push(message),
            None => runs.push((message.room.clone(), vec![message])),
        }
    }
    runs
}

/// Whether `next` is offered together with `last`: a run ends with an entry by which somebody loses
/// the right to read.
fn follows(last: &Message, next: &Message) -> bool {
    last.room == next.room
        && last.position.epoch == next.position.epoch
        && last.position.seq.next() == next.position.seq
        && last.revokes().is_none()
}

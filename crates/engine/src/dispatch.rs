//! After the commit, in this order: answer the sender, publish on the bus, offer to the hub.

use std::sync::Arc;

use madang_domain::ports::{Bus, Topic};
use madang_domain::{Appended, Message, RoomId};
use tokio::sync::mpsc;

use crate::bus_message::BusMessage;
use crate::commit::{CommittedBatch, count};
use crate::hub::Hub;
use crate::telemetry::Telemetry;

/// Hands on what was committed, batch by batch, until the pipeline ends.
pub(crate) struct Dispatcher {
    pub(crate) hub: Arc<Hub>,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) telemetry: Arc<dyn Telemetry>,
}

impl Dispatcher {
    pub(crate) async fn run(self, mut committed: mpsc::Receiver<CommittedBatch>) {
        while let Some(batch) = committed.recv().await {
            let runs = self.answer(batch);
            for (room, messages) in runs {
                self.publish(&room, messages);
            }
            // A large batch must not keep sessions on this worker from reading.
            tokio::task::yield_now().await;
        }
    }

    /// Answers every sender and gathers what is new, by room, in the order accepted, in
    /// runs without a hole.
    fn answer(&self, batch: CommittedBatch) -> Vec<(RoomId, Vec<Arc<Message>>)> {
        let mut fresh: Vec<Arc<Message>> = Vec::with_capacity(batch.len());
        for (reply, outcome) in batch {
            match &outcome {
                Ok(appended) => {
                    let (accepted, repeated) = count(appended);
                    self.telemetry.drafts(accepted, repeated, 0);
                    fresh.extend(appended.iter().filter_map(|one| match one {
                        Appended::New(message) => Some(Arc::clone(message)),
                        Appended::Repeat(_) => None,
                    }));
                }
                Err(_) => self.telemetry.drafts(0, 0, 1),
            }
            reply(outcome);
        }
        consecutive_runs(fresh)
    }

    fn publish(&self, room: &RoomId, messages: Vec<Arc<Message>>) {
        let topic = Topic::Room(room.clone());
        if self.bus.reaches_others(&topic) {
            for message in &messages {
                self.bus
                    .publish(&topic, BusMessage::message(message).encode());
            }
        }
        self.hub.rooms().publish(room, messages);
    }
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

fn follows(last: &Message, next: &Message) -> bool {
    last.room == next.room
        && last.position.epoch == next.position.epoch
        && last.position.seq.next() == next.position.seq
}

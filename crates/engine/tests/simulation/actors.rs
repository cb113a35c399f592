//! Who writes, serves, leaves, prunes and breaks things.

use std::sync::Arc;
use std::time::Duration;

use madang_domain::{
    Appended, Caller, ClaimOutcome, ClientId, Code, DraftGroup, Error, Role, RoomId, UserId,
};
use madang_engine::commit::Submission;
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::cluster::Cluster;
use crate::world::{Phase, World, sleep_ms};

/// Tries of one thing before an actor goes on with the next.
const TRIES_MAX: u64 = 60;

pub(crate) fn caller(id: &str, role: Role) -> Caller {
    Caller::new(UserId::new(id).expect("a user id"), role)
}

/// What senders were told is accepted.
pub(crate) type Accepted = Mutex<Vec<Appended>>;

pub(crate) struct Writer {
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) caller: Caller,
    pub(crate) accepted: Arc<Accepted>,
    pub(crate) sent: u64,
}

impl Writer {
    /// Sends one group until it is answered for good, as a client with client ids does.
    pub(crate) async fn send(&mut self, room: &RoomId) {
        let world = Arc::clone(&self.cluster.world);
        let size = if world.one_in(4) {
            world.within(2, 5)
        } else {
            1
        };
        self.sent += 1;
        let ids: Vec<_> = (0..size)
            .map(|n| format!("{}-{}.{n}", self.caller.user, self.sent))
            .collect();
        for _ in 0..TRIES_MAX {
            match self.try_send(room, &ids).await {
                Ok(appended) => {
                    world.note(|| format!("{ids:?} accepted"));
                    if appended.len() != ids.len() {
                        world.violated(format!("{ids:?}: {} answers", appended.len()));
                    }
                    return self.accepted.lock().extend(appended);
                }
                Err(error) if error.code().spec().retryable => {
                    world.note(|| format!("{ids:?}: {error}"));
                    sleep_ms(world.within(1, 10)).await;
                }
                Err(error) => return world.note(|| format!("{ids:?} refused: {error}")),
            }
        }
    }

    async fn try_send(&self, room: &RoomId, ids: &[String]) -> Result<Vec<Appended>, Error> {
        let node = self.cluster.any_node();
        let drafts = ids.iter().map(|id| {
            let client_id = ClientId::new(id).expect("a client id");
            node.engine
                .draft(&self.caller, room.clone(), id, Some(client_id))
        });
        let group = DraftGroup {
            drafts: drafts.collect::<Result<_, _>>()?,
        };
        let (sender, outcome) = oneshot::channel();
        let reply = Box::new(move |outcome| drop(sender.send(outcome)));
        node.engine.submit(Submission { group, reply }).await;
        outcome.await.unwrap_or_else(|_| {
            self.cluster
                .world
                .violated(format!("{ids:?} was never answered"));
            Err(Code::Internal.into())
        })
    }

    async fn open(&self, room: &RoomId) {
        for _ in 0..TRIES_MAX {
            let node = self.cluster.any_node();
            if node
                .engine
                .open_support_room(&self.caller, room)
                .await
                .is_ok()
            {
                return;
            }
        }
    }

    async fn leave(&self, room: &RoomId) {
        let node = self.cluster.any_node();
        let leaving = node.engine.leave_room(&self.caller, room);
        drop(given_up_sometimes(&self.cluster.world, leaving).await);
    }
}

/// As when a client goes away while it is served.
async fn given_up_sometimes<T>(world: &World, work: impl Future<Output = T>) -> Option<T> {
    let patience = if world.one_in(8) {
        world.below(20)
    } else {
        u64::MAX / 2_000
    };
    timeout(Duration::from_millis(patience), work).await.ok()
}

pub(crate) async fn customer(mut writer: Writer, room: RoomId) {
    let world = Arc::clone(&writer.cluster.world);
    writer.open(&room).await;
    for _ in 0..world.plan.messages {
        writer.send(&room).await;
        if world.percent(world.plan.leave_percent) {
            writer.leave(&room).await;
            if world.one_in(2) {
                sleep_ms(world.below(300)).await;
            }
            writer.open(&room).await;
        }
        if world.one_in(3) {
            sleep_ms(world.below(60)).await;
        }
    }
}

pub(crate) async fn agent(mut writer: Writer, rooms: Vec<RoomId>) {
    let world = Arc::clone(&writer.cluster.world);
    for _ in 0..world.plan.messages {
        let room = world.pick(&rooms).clone();
        let node = writer.cluster.any_node();
        let claiming = node.engine.claim_room(&writer.caller, &room);
        let claimed = given_up_sometimes(&world, claiming).await;
        if let Some(Ok(ClaimOutcome::Won | ClaimOutcome::AlreadyYours)) = claimed {
            for _ in 0..world.below(4) {
                drop(node.engine.set_typing(&writer.caller, &room, true).await);
                writer.send(&room).await;
            }
            sleep_ms(world.below(200)).await;
            let node = writer.cluster.any_node();
            let completing = node.engine.complete_room(&writer.caller, &room);
            drop(given_up_sometimes(&world, completing).await);
        }
        sleep_ms(world.below(80)).await;
    }
}

/// Prunes, cuts the bus, shuts a node down, until the faults end.
pub(crate) async fn fate(cluster: Arc<Cluster>, rooms: Vec<RoomId>) {
    let world = &cluster.world;
    while world.phase() == Phase::Chaos {
        sleep_ms(world.within(10, 80)).await;
        if world.fault(world.plan.prune_percent) {
            cluster.store.prune(world.pick(&rooms));
        }
        if world.fault(5) {
            world.pick(&cluster.nodes).bus.reconnect();
        }
        let last = cluster
            .nodes
            .last()
            .filter(|node| node.index > 0 && !node.is_down());
        if let Some(node) = last.filter(|_| world.plan.node_leaves && world.fault(5)) {
            world.note(|| format!("node {} shuts down", node.index));
            node.shut_down().await;
        }
    }
}

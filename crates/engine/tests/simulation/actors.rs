//! What all who act have in common, and what breaks things.

use std::sync::Arc;
use std::time::Duration;

use madang_domain::{
    Appended, Body, Caller, ClientId, Code, Content, DraftGroup, Error, Position, Role, RoomId,
    Seq, UserId,
};
use madang_engine::commit::Submission;
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::cluster::{Cluster, Node};
use crate::world::{Phase, World, sleep_ms};

/// Tries of one thing before an actor goes on with the next.
pub(crate) const TRIES_MAX: u64 = 60;

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
        let contents = (0..size).map(|n| Content::Message(self.body(n)));
        self.write(room, contents.collect()).await;
    }

    /// Edits or deletes one of the newest entries, whoever's it is.
    pub(crate) async fn revise(&mut self, room: &RoomId) {
        let Some(head) = self.cluster.store.head(room) else {
            return;
        };
        let world = &self.cluster.world;
        let last = head.last.get();
        let target = Seq::new(world.within(last.saturating_sub(5), last + 1));
        let engine = &self.cluster.nodes[0].engine;
        let content = if world.one_in(3) {
            engine.deletion(target)
        } else {
            engine.edit(target, self.body(0))
        };
        self.write(room, vec![content]).await;
    }

    fn body(&self, n: u64) -> Body {
        let text = format!("{}-{}.{n}", self.caller.user, self.sent + 1);
        Body::new(&text, None).expect("a body")
    }

    async fn write(&mut self, room: &RoomId, contents: Vec<Content>) {
        let world = Arc::clone(&self.cluster.world);
        self.sent += 1;
        let name = format!("{}-{}", self.caller.user, self.sent);
        for _ in 0..TRIES_MAX {
            match self.try_write(room, &name, &contents).await {
                Ok(appended) => {
                    world.note(|| format!("{name} accepted"));
                    if appended.len() != contents.len() {
                        world.violated(format!("{name}: {} answers", appended.len()));
                    }
                    return self.accepted.lock().extend(appended);
                }
                Err(error) if error.code().spec().retryable => {
                    world.note(|| format!("{name}: {error}"));
                    sleep_ms(world.within(1, 10)).await;
                }
                Err(error) => return world.note(|| format!("{name} refused: {error}")),
            }
        }
    }

    async fn try_write(
        &self,
        room: &RoomId,
        name: &str,
        contents: &[Content],
    ) -> Result<Vec<Appended>, Error> {
        let node = self.cluster.any_node();
        let draft = |(n, content): (usize, &Content)| {
            let client_id = ClientId::new(&format!("{name}.{n}")).ok();
            let room = room.clone();
            node.engine
                .draft(&self.caller, room, content.clone(), client_id)
        };
        let group = DraftGroup {
            drafts: contents.iter().enumerate().map(draft).collect(),
        };
        let (sender, outcome) = oneshot::channel();
        let reply = |outcome| drop(sender.send(outcome));
        node.engine.submit(Submission::send(group, reply)).await;
        outcome.await.unwrap_or_else(|_| {
            let world = &self.cluster.world;
            world.violated(format!("{name} was never answered"));
            Err(Code::Internal.into())
        })
    }

    /// Shows that it writes, and marks what it may have read: each user's marks by one node, so that
    /// they are told in their order.
    pub(crate) async fn signal(&self, room: &RoomId, marked: &mut Option<Position>) {
        let (world, node) = (&self.cluster.world, self.home());
        if world.one_in(3) {
            drop(node.engine.set_typing(&self.caller, room, true).await);
        }
        let Some(head) = self.cluster.store.head(room) else {
            return;
        };
        let wanted = Position {
            seq: Seq::new(world.below(head.last.get() + 3)),
            ..head.position()
        };
        let (store, user) = (&self.cluster.store, &self.caller.user);
        let moment = store.moment();
        let Ok(at) = node.engine.mark_read(&self.caller, room, wanted).await else {
            return;
        };
        // Who looks on has no mark, and is answered with what they asked for.
        let took_part = store.rooms_of(user, self.caller.role).contains(room);
        if !took_part || store.moment() != moment {
            return;
        }
        let mark = store.read_mark(room, at, user);
        let fell = marked.is_some_and(|before| before.epoch == at.epoch && before.seq > at.seq);
        if fell || at.seq != mark {
            let before = *marked;
            world.violated(format!("{user}: marked {at} after {before:?}, kept {mark}"));
        }
        *marked = Some(at);
    }

    fn home(&self) -> &Arc<Node> {
        let letters = self.caller.user.as_str().bytes().map(usize::from);
        let nodes = &self.cluster.nodes;
        let node = &nodes[letters.sum::<usize>() % nodes.len()];
        if node.is_down() { &nodes[0] } else { node }
    }
}

/// As when a client goes away while it is served.
pub(crate) async fn given_up_sometimes<T>(
    world: &World,
    work: impl Future<Output = T>,
) -> Option<T> {
    let patience = if world.one_in(8) {
        world.below(20)
    } else {
        u64::MAX / 2_000
    };
    timeout(Duration::from_millis(patience), work).await.ok()
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

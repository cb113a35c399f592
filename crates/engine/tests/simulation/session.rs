//! A client that subscribes, reads at its own pace, stalls, goes, and resumes elsewhere.

use std::sync::Arc;
use std::time::Duration;

use madang_domain::{Caller, Epoch, Position, RoomId, Seq};
use madang_engine::{CatchUp, RoomSubscription, Start};
use parking_lot::Mutex;
use tokio::time::timeout;

use crate::cluster::{Cluster, Node};
use crate::outlet::{KEY, SimOutlet};
use crate::world::{Phase, World, sleep_ms};

pub(crate) struct Session {
    name: String,
    caller: Caller,
    room: RoomId,
    cluster: Arc<Cluster>,
    /// The last message that the client has read.
    seen: Option<Position>,
    view: Arc<View>,
}

/// What the final checks see of a session.
pub(crate) struct View {
    pub(crate) name: String,
    pub(crate) caller: Caller,
    pub(crate) room: RoomId,
    pub(crate) outlet: Mutex<Option<Arc<SimOutlet>>>,
}

struct Attached {
    subscription: RoomSubscription,
    outlet: Arc<SimOutlet>,
    node: Arc<Node>,
}

impl Session {
    pub(crate) fn new(
        name: String,
        caller: Caller,
        room: RoomId,
        cluster: Arc<Cluster>,
    ) -> (Self, Arc<View>) {
        let view = Arc::new(View {
            name: name.clone(),
            caller: caller.clone(),
            room: room.clone(),
            outlet: Mutex::default(),
        });
        let session = Self {
            name,
            caller,
            room,
            cluster,
            seen: None,
            view: Arc::clone(&view),
        };
        (session, view)
    }

    fn world(&self) -> &World {
        &self.cluster.world
    }

    pub(crate) async fn run(mut self) {
        while self.world().phase() != Phase::Over {
            if let Some(attached) = self.attach().await {
                *self.view.outlet.lock() = Some(Arc::clone(&attached.outlet));
                self.serve(&attached).await;
                *self.view.outlet.lock() = None;
                drop(attached.subscription);
                attached.outlet.close();
            }
            sleep_ms(self.world().within(5, 60)).await;
        }
    }

    fn choose_start(&self) -> Start {
        let world = self.world();
        let foreign = Position {
            epoch: Epoch::new(world.within(1, 99)),
            seq: Seq::new(world.below(9)),
        };
        match (world.below(8), self.seen) {
            (0, _) => Start::Now,
            (1, _) => Start::Delivered,
            (2, _) if world.one_in(3) => Start::After(foreign),
            // From the right life, but never given out.
            (3, Some(seen)) if world.one_in(3) => Start::After(Position {
                seq: Seq::new(seen.seq.get() + 50),
                ..seen
            }),
            (_, Some(seen)) => Start::After(seen),
            (_, None) => Start::Delivered,
        }
    }

    async fn attach(&self) -> Option<Attached> {
        let node = self.cluster.any_node();
        let (world, store) = (
            Arc::clone(&self.cluster.world),
            Arc::clone(&self.cluster.store),
        );
        let name = format!("{}@{}", self.name, node.index);
        let outlet = SimOutlet::new(name, self.caller.clone(), self.room.clone(), world, store);
        let start = self.choose_start();
        let delivered = self.cluster.store.delivered(&self.room, &self.caller.user);
        let shared = Arc::clone(&outlet);
        let subscribing = node
            .engine
            .subscribe_room(&self.caller, &self.room, start, shared, KEY);
        let subscribed = if self.world().phase() < Phase::Healed && self.world().one_in(10) {
            let patience = Duration::from_millis(self.world().below(10));
            timeout(patience, subscribing).await.ok()?.ok()?
        } else {
            subscribing.await.ok()?
        };
        let cursor = match start {
            Start::Now => subscribed.head.position(),
            Start::After(position) => position,
            Start::Delivered => {
                let now = self.cluster.store.delivered(&self.room, &self.caller.user);
                let known = delivered.filter(|delivered| Some(*delivered) == now);
                // The mark rose meanwhile: from where it begins cannot be told from here.
                known.filter(|known| known.epoch == subscribed.head.epoch)?
            }
        };
        outlet.started(cursor, subscribed.live);
        Some(Attached {
            subscription: subscribed.subscription,
            outlet,
            node,
        })
    }

    async fn serve(&mut self, at: &Attached) {
        loop {
            let phase = self.world().phase();
            let chaos = phase < Phase::Healed;
            let greed = if chaos {
                self.world().below(5)
            } else {
                u64::MAX
            };
            let mut idle = true;
            if let Some(seen) = at.outlet.drain(greed) {
                idle = false;
                self.seen = Some(seen);
                self.acknowledge(at, seen).await;
            }
            if at.outlet.is_over() || at.node.is_down() || phase == Phase::Over {
                return;
            }
            if at.outlet.begin_reading() {
                idle = false;
                self.read(at).await;
            }
            if chaos && self.world().one_in(40) {
                return;
            }
            self.pause(chaos, idle).await;
        }
    }

    async fn pause(&self, chaos: bool, idle: bool) {
        let world = self.world();
        match world.below(24) {
            _ if !chaos && idle => sleep_ms(30).await,
            0 if chaos => sleep_ms(world.within(30, 400)).await,
            1..=8 if chaos => sleep_ms(world.within(1, 9)).await,
            _ => world.wander().await,
        }
    }

    async fn read(&self, at: &Attached) {
        let (store, outlet) = (&*self.cluster.store, &*at.outlet);
        let catching_up = at.subscription.catch_up(store, outlet, KEY);
        let answer = if self.world().phase() < Phase::Healed && self.world().one_in(20) {
            let patience = Duration::from_millis(self.world().below(10));
            timeout(patience, catching_up)
                .await
                .ok()
                .and_then(Result::ok)
        } else {
            catching_up.await.ok()
        };
        // No answer: given up, or the store failed. The cursor stands and wants to read on.
        outlet.end_reading(!matches!(answer, Some(CatchUp::Live | CatchUp::Ended(_))));
        match answer {
            Some(CatchUp::Reset(head)) => outlet.reset(&head),
            Some(CatchUp::Ended(cause)) => outlet.end(cause),
            Some(CatchUp::Live | CatchUp::Full) | None => {}
        }
    }

    async fn acknowledge(&self, at: &Attached, seen: Position) {
        if !self.world().one_in(3) {
            return;
        }
        let done = at
            .node
            .engine
            .acknowledge(&self.caller, &self.room, seen)
            .await;
        let mark = self.cluster.store.delivered(&self.room, &self.caller.user);
        let kept = mark.is_none_or(|mark| mark.epoch != seen.epoch || mark.seq >= seen.seq);
        if done.is_ok() && !kept {
            let name = &self.name;
            self.world()
                .violated(format!("{name}: acknowledged {seen}, kept {mark:?}"));
        }
    }
}

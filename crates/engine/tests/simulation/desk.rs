//! Customers and the agents who serve them.

use std::sync::Arc;

use madang_domain::{Caller, ClaimOutcome, RoomAction, RoomId};

use crate::actors::{TRIES_MAX, Writer, given_up_sometimes};
use crate::world::sleep_ms;

impl Writer {
    async fn open(&self, room: &RoomId) {
        for _ in 0..TRIES_MAX {
            let engine = &self.cluster.any_node().engine;
            if engine.open_support_room(&self.caller, room).await.is_ok() {
                return;
            }
        }
    }

    /// Once, on any node; the client may not wait for the answer.
    pub(crate) async fn act(&self, room: &RoomId, action: RoomAction) {
        let node = self.cluster.any_node();
        let acting = node.engine.change_room(&self.caller, room, action);
        drop(given_up_sometimes(&self.cluster.world, acting).await);
    }
}

pub(crate) async fn customer(mut writer: Writer, room: RoomId) {
    let world = Arc::clone(&writer.cluster.world);
    // One device of each user marks what is read.
    let (marks, mut marked) = (writer.sent == 0, None);
    writer.open(&room).await;
    for _ in 0..world.plan.messages {
        writer.send(&room).await;
        if world.one_in(4) {
            writer.revise(&room).await;
        }
        if marks {
            writer.signal(&room, &mut marked).await;
        }
        if world.percent(world.plan.leave_percent) {
            writer.act(&room, RoomAction::Leave).await;
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

pub(crate) async fn agent(mut writer: Writer, rooms: Vec<RoomId>, colleagues: Vec<Caller>) {
    let world = Arc::clone(&writer.cluster.world);
    for _ in 0..world.plan.messages {
        let room = world.pick(&rooms).clone();
        let node = writer.cluster.any_node();
        let claiming = node.engine.claim_room(&writer.caller, &room);
        let claimed = given_up_sometimes(&world, claiming).await;
        if let Some(Ok(ClaimOutcome::Won | ClaimOutcome::AlreadyYours)) = claimed {
            for _ in 0..world.below(4) {
                writer.signal(&room, &mut None).await;
                writer.send(&room).await;
            }
            sleep_ms(world.below(200)).await;
            move_on(&writer, &room, &colleagues).await;
        }
        sleep_ms(world.below(80)).await;
    }
}

async fn move_on(writer: &Writer, room: &RoomId, colleagues: &[Caller]) {
    let world = &writer.cluster.world;
    let (node, caller) = (writer.cluster.any_node(), &writer.caller);
    match world.below(4) {
        0 => {
            let releasing = node.engine.release_room(caller, room);
            drop(given_up_sometimes(world, releasing).await);
        }
        1 => {
            let to = world.pick(colleagues).user.clone();
            let handing = node.engine.hand_over_room(caller, room, to);
            drop(given_up_sometimes(world, handing).await);
        }
        _ => {
            let completing = node.engine.complete_room(caller, room);
            drop(given_up_sometimes(world, completing).await);
        }
    }
}

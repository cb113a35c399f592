//! How somebody who listens becomes something else to the room.

use madang_domain::{Actor, Command, MemberRole, RoomAction, RoomCommand, RoomKind, Standing};

use super::super::super::fixture::{caller, user};
use super::super::live::Live;
use super::super::scene::Scene;
use crate::authorization::{Attempt, Place, RoomState};

/// What they were before; `None` where nothing leads there.
pub(super) fn before(attempt: Attempt) -> Option<Attempt> {
    let place = match attempt.place {
        Place::Members { kind, caller } => Place::Members {
            kind,
            caller: before_in(kind, caller)?,
        },
        Place::Support { owns: true, .. } => return None,
        Place::Support { owns, state } => Place::Support {
            owns,
            state: match state {
                RoomState::Missing => return None,
                RoomState::AssignedToCaller => RoomState::Waiting,
                RoomState::Waiting | RoomState::AssignedToOther | RoomState::Completed => {
                    RoomState::AssignedToCaller
                }
            },
        },
    };
    Some(Attempt { place, ..attempt })
}

fn before_in(kind: RoomKind, standing: Standing) -> Option<Standing> {
    match standing {
        Standing::Stranger if kind == RoomKind::Direct => Some(Standing::Member(MemberRole::Owner)),
        Standing::Stranger | Standing::Removed => Some(Standing::Member(MemberRole::Member)),
        Standing::Member(MemberRole::Owner) => None,
        Standing::Member(_) => Some(Standing::Stranger),
    }
}

/// Whether they lose something by it.
pub(super) fn is_loss(attempt: Attempt) -> bool {
    match attempt.place {
        Place::Members { caller, .. } => !caller.is_member(),
        Place::Support { state, .. } => state != RoomState::AssignedToCaller,
    }
}

/// Makes them what the attempt says, by a node whose word of it was lost: here it is found when the
/// room's next message comes.
pub(super) async fn change_elsewhere(live: &Live, scene: &Scene, attempt: Attempt) {
    let (room, me) = (&scene.room, format!("agent/{}", scene.caller));
    let removed = RoomAction::Remove(user(&scene.caller));
    let changes = match attempt.place {
        Place::Members { caller, .. } => match caller {
            Standing::Removed => vec![("service:rooms/host", removed)],
            _ => vec![(&*me, RoomAction::Leave)],
        },
        Place::Support { state, .. } => match state {
            RoomState::Completed => vec![(&*me, RoomAction::Complete)],
            RoomState::AssignedToOther => vec![
                (&*me, RoomAction::Release),
                ("agent/another", RoomAction::Claim),
            ],
            _ => vec![(&*me, RoomAction::Release)],
        },
    };
    for (token, action) in changes {
        let command = RoomCommand {
            room: room.clone(),
            actor: Actor::from(&caller(token)),
            action,
            at: live.server.engine.now(),
        };
        let command = Command::Room(Box::new(command));
        live.server.commit(command).await;
    }
    live.server.send(&scene.speaker(), room, "x").await;
}

/// Makes them what the attempt says.
pub(super) async fn change(live: &Live, scene: &Scene, attempt: Attempt) {
    let engine = &live.server.engine;
    let (room, host) = (&scene.room, caller("service:rooms/host"));
    let (person, agent) = (
        caller(&format!("user/{}", scene.caller)),
        caller(&format!("agent/{}", scene.caller)),
    );
    let people = vec![user(&scene.caller)];
    match attempt.place {
        Place::Members { caller, .. } => match caller {
            Standing::Stranger => {
                let left = engine.change_room(&person, room, RoomAction::Leave);
                left.await.map(drop).unwrap();
            }
            Standing::Removed => {
                let removed = engine.remove_members(&host, room, people);
                assert_eq!(removed.await.unwrap(), 1);
            }
            Standing::Member(role) => {
                let added = engine.add_members(&host, room, people, role);
                added.await.map(drop).unwrap();
            }
        },
        Place::Support { state, .. } => match state {
            RoomState::Missing => unreachable!("nothing leads there"),
            RoomState::AssignedToCaller => {
                engine.claim_room(&agent, room).await.map(drop).unwrap();
            }
            RoomState::Waiting => engine.release_room(&agent, room).await.unwrap(),
            RoomState::Completed => engine.complete_room(&agent, room).await.unwrap(),
            RoomState::AssignedToOther => {
                engine.release_room(&agent, room).await.unwrap();
                let another = caller("agent/another");
                engine.claim_room(&another, room).await.map(drop).unwrap();
            }
        },
    }
}

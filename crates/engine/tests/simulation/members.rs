//! Members of group, open and direct rooms: everybody tries everything, and the policy decides.

use std::sync::Arc;

use madang_domain::{
    Caller, MemberRole, NewRoom, Person, Profile, ProfileChange, Role, RoomAction, RoomId,
    RoomKind, Timestamp, UserId,
};
use madang_engine::RoomPlan;

use crate::actors::{Writer, given_up_sometimes};
use crate::cluster::Cluster;
use crate::world::{World, sleep_ms};

/// A room of members, and who may come to belong to it: the first makes it.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) room: RoomId,
    pub(crate) kind: RoomKind,
    pub(crate) people: Vec<Caller>,
}

impl Place {
    pub(crate) fn new(kind: RoomKind, number: usize, people: &[Caller]) -> Self {
        let people = match kind {
            RoomKind::Direct => &people[..2],
            _ => people,
        };
        Self {
            room: RoomId::new(&format!("{kind:?}{number}")).expect("a room id"),
            kind,
            people: people.to_vec(),
        }
    }

    fn profile(&self) -> Profile {
        Profile {
            title: Some(self.room.as_str().into()),
            ..Profile::default()
        }
    }

    fn other_people(&self, world: &World) -> Vec<UserId> {
        let is_direct = self.kind == RoomKind::Direct;
        let others = self.people[1..].iter().map(|person| person.user.clone());
        others.filter(|_| is_direct || world.one_in(2)).collect()
    }

    /// As if it had been used for a while.
    pub(crate) fn prefill(&self, cluster: &Cluster, count: u64) {
        let person = |user| Person { user, name: None };
        let role = match self.kind {
            RoomKind::Direct => MemberRole::Owner,
            _ => MemberRole::Member,
        };
        let members = self.other_people(&cluster.world).into_iter();
        let creator = &self.people[0];
        let new = NewRoom {
            id: self.room.clone(),
            kind: self.kind,
            profile: self.profile(),
            actor: creator.into(),
            brings: true,
            owner: Some(person(creator.user.clone())),
            members: members.map(|user| (person(user), role)).collect(),
            at: Timestamp::from_micros(-1),
        };
        cluster.store.make(creator, new, count);
    }

    /// Somebody who is a member now.
    pub(crate) fn any_member(&self, cluster: &Cluster) -> Option<Caller> {
        let members = cluster.store.members(&self.room);
        let (user, _) = members.first()?;
        Some(crate::actors::caller(user.as_str(), Role::User))
    }

    /// The owner removes somebody, if there are two to do that.
    pub(crate) async fn remove_somebody(&self, cluster: &Cluster) {
        let members = cluster.store.members(&self.room);
        let owner = members.iter().find(|(_, role)| *role == MemberRole::Owner);
        let other = members.iter().find(|(_, role)| *role != MemberRole::Owner);
        if let Some(((owner, _), (other, _))) = owner.zip(other) {
            let owner = crate::actors::caller(owner.as_str(), Role::User);
            let engine = &cluster.any_node().engine;
            let action = RoomAction::Remove(other.clone());
            drop(engine.change_room(&owner, &self.room, action).await);
        }
    }
}

pub(crate) async fn member(mut writer: Writer, place: Place) {
    let world = Arc::clone(&writer.cluster.world);
    let mut marked = None;
    for _ in 0..2 * world.plan.messages {
        match world.below(14) {
            0..=4 => writer.send(&place.room).await,
            5..=6 => writer.revise(&place.room).await,
            7 => come(&writer, &place).await,
            8..=9 => manage(&writer, &place).await,
            10 if world.percent(2 * world.plan.leave_percent) => {
                writer.act(&place.room, RoomAction::Leave).await;
            }
            11 if world.percent(world.plan.leave_percent) => {
                writer.act(&place.room, RoomAction::Delete).await;
            }
            12 => writer.signal(&place.room, &mut marked).await,
            _ => sleep_ms(world.below(90)).await,
        }
    }
    come(&writer, &place).await;
}

/// Whoever can makes the room, comes back to it, or joins.
pub(crate) async fn come(writer: &Writer, place: &Place) {
    let world = &writer.cluster.world;
    let (node, caller) = (writer.cluster.any_node(), &writer.caller);
    let makes = caller.user == place.people[0].user || place.kind == RoomKind::Direct;
    if makes {
        let plan = RoomPlan {
            kind: place.kind,
            profile: place.profile(),
            members: match place.kind {
                RoomKind::Direct => place.people.iter().map(|p| p.user.clone()).collect(),
                _ => place.other_people(world),
            },
            owner: None,
        };
        let making = node.engine.create_room(caller, plan);
        drop(given_up_sometimes(world, making).await);
    } else if place.kind == RoomKind::Open {
        let joining = node.engine.join_room(caller, &place.room);
        drop(given_up_sometimes(world, joining).await);
    }
}

async fn manage(writer: &Writer, place: &Place) {
    let world = &writer.cluster.world;
    let whom = world.pick(&place.people).user.clone();
    let action = match world.below(8) {
        0..=2 => RoomAction::Remove(whom),
        3..=4 => {
            let (engine, caller) = (&writer.cluster.any_node().engine, &writer.caller);
            let (room, role) = (&place.room, MemberRole::Member);
            let adding = engine.add_members(caller, room, vec![whom], role);
            return drop(given_up_sometimes(world, adding).await);
        }
        5 => RoomAction::SetRole(whom, *world.pick(&MemberRole::ALL)),
        6 => {
            let description = format!("by {}", writer.caller.user);
            RoomAction::Edit(ProfileChange {
                description: Some(Some(description.as_str().into())),
                ..ProfileChange::default()
            })
        }
        _ => {
            let unread = writer.cluster.any_node();
            let unread = unread.engine.unread(&writer.caller, 9).await;
            return world.note(|| format!("{}: {unread:?}", writer.caller.user));
        }
    };
    writer.act(&place.room, action).await;
}

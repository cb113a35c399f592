//! Support rooms: waiting, assigned, completed, waiting again.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::rights::serves;
use super::{Entry, Kind, Made, Member, Model, Moment, Role, Room, Told, User};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum State {
    Waiting,
    Assigned(User),
    Completed,
}

#[derive(Debug, Clone)]
pub(in super::super) struct Support {
    pub(in super::super) customer: User,
    pub(in super::super) state: State,
    /// Since when the customer has been asking.
    pub(in super::super) inquired: Moment,
    /// Up to where any agent has read.
    pub(in super::super) desk_read: u64,
}

impl Room {
    fn of_customer(who: User, made: &Made, now: Moment) -> Self {
        let owner = Member {
            role: Role::Owner,
            joined: now,
            since: 0,
            read: 0,
            came: 0,
        };
        Self {
            id: made.id.clone(),
            epoch: made.epoch.clone(),
            kind: Kind::Support,
            made: now,
            active: now,
            title: None,
            context: None,
            owner: Some(who),
            pair: Vec::new(),
            members: BTreeMap::from([(who, owner)]),
            removed: BTreeSet::new(),
            log: Vec::new(),
            named: BTreeMap::new(),
            support: Some(Support {
                customer: who,
                state: State::Waiting,
                inquired: now,
                desk_read: 0,
            }),
        }
    }

    fn support_mut(&mut self) -> Told<&mut Support> {
        self.support.as_mut().ok_or("ROOM_NOT_FOUND")
    }

    /// Gives the room to an agent.
    fn assign(&mut self, agent: User) -> Told<()> {
        let came = self.last();
        let support = self.support_mut()?;
        support.state = State::Assigned(agent);
        let read = support.desk_read;
        if support.customer != agent {
            let member = Member {
                role: Role::Member,
                joined: Moment::default(),
                since: read,
                read,
                came,
            };
            self.members.insert(agent, member);
        }
        Ok(())
    }

    /// The agent goes.
    fn part(&mut self, agent: User, state: State) -> Told<()> {
        let support = self.support_mut()?;
        support.state = state;
        if support.customer != agent {
            self.members.remove(agent);
        }
        Ok(())
    }
}

impl Model {
    /// Opens somebody's own room, if it is not open.
    pub(in super::super) fn open_support(&mut self, who: User, made: &Made) -> bool {
        if self.rooms.contains_key(&made.id) {
            return false;
        }
        let now = self.tick();
        let room = Room::of_customer(who, made, now);
        self.gone.retain(|id| *id != made.id);
        self.rooms.insert(made.id.clone(), room);
        self.tell_desk(Entry::new("waiting", who, "customer"), &made.id);
        true
    }

    pub(super) fn reopen(&mut self, id: &str) {
        let now = self.tick();
        let Ok(room) = self.room_mut(id) else { return };
        let Some(support) = &mut room.support else {
            return;
        };
        support.state = State::Waiting;
        support.inquired = now;
        let entry = Entry::new("waiting", support.customer, "customer");
        room.append(now, entry.clone());
        self.tell_desk(entry, id);
    }

    /// The customer takes room and history away.
    pub(super) fn end_support(&mut self, who: User, id: &str) -> Told<()> {
        let support = self.room(id)?.support.as_ref();
        if support.is_none_or(|support| support.customer != who) {
            return Err("NOT_YOUR_ROOM");
        }
        self.tell_desk(Entry::new("gone", who, "customer"), id);
        self.end(id);
        Ok(())
    }

    /// A room of the desk, for whoever serves there.
    fn case(&self, who: User, id: &str) -> Told<&Support> {
        if !serves(who) {
            return Err("AGENTS_ONLY");
        }
        self.room(id)?.support.as_ref().ok_or("ROOM_NOT_FOUND")
    }

    fn own_case(&self, who: User, id: &str) -> Told<&Support> {
        let support = self.case(who, id)?;
        match support.state == State::Assigned(who) {
            true => Ok(support),
            false => Err("NOT_YOUR_ROOM"),
        }
    }

    pub(in super::super) fn claim(&mut self, who: User, id: &str) -> Told<()> {
        let support = self.case(who, id)?;
        let customer = support.customer;
        match support.state {
            State::Assigned(agent) if agent == who => return Ok(()),
            State::Assigned(_) => return Err("ROOM_TAKEN"),
            State::Completed => return Err("ROOM_NOT_WAITING"),
            State::Waiting => {}
        }
        self.room_mut(id)?.assign(who)?;
        self.tell(who, id, "assigned", who)?;
        self.tell_customer(who, id, customer);
        Ok(())
    }

    pub(in super::super) fn release(&mut self, who: User, id: &str) -> Told<()> {
        self.own_case(who, id)?;
        self.room_mut(id)?.part(who, State::Waiting)?;
        self.tell(who, id, "released", who)
    }

    pub(in super::super) fn complete(&mut self, who: User, id: &str) -> Told<()> {
        self.own_case(who, id)?;
        self.room_mut(id)?.part(who, State::Completed)?;
        self.tell(who, id, "completed", who)
    }

    pub(in super::super) fn hand_over(&mut self, who: User, id: &str, to: User) -> Told<()> {
        let customer = self.own_case(who, id)?.customer;
        if who == to {
            return Ok(());
        }
        if !serves(to) {
            return Err("AGENT_NOT_FOUND");
        }
        let room = self.room_mut(id)?;
        room.part(who, State::Waiting)?;
        room.assign(to)?;
        self.tell(who, id, "handedOver", to)?;
        self.tell_customer(who, id, customer);
        Ok(())
    }

    /// What an agent did, in the room and at the desk.
    fn tell(&mut self, who: User, id: &str, kind: &'static str, about: User) -> Told<()> {
        let now = self.tick();
        let entry = Entry::new(kind, who, "agent").about(&[about]);
        self.room_mut(id)?.append(now, entry.clone());
        self.tell_desk(entry, id);
        Ok(())
    }

    fn tell_desk(&mut self, mut entry: Entry, id: &str) {
        entry.of_room = Some(id.to_owned());
        self.desk.push(entry);
    }

    fn tell_customer(&mut self, who: User, id: &str, customer: User) {
        let data = json!({"type": "desk.assigned", "data": {"roomId": id}});
        self.notify_one(customer, who, "상담원이 배정되었습니다.", data);
    }
}

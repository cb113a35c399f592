//! The support desk of the model.

use madang_domain::command::OpenSupport;
use madang_domain::{
    Agent, ClaimOutcome, Code, Extra, MemberRole, Message, MessageKind, Person, Role, RoomCommand,
    RoomDetail, RoomId, SenderKind, Support, SupportState, Timestamp, UserId, policy,
};

use super::super::at;
use super::apply::{Answered, Done, NewEntry, about};
use super::world::{ModelRoom, World};
use crate::notification;

impl World {
    fn support_mut(&mut self, id: &RoomId) -> &mut Support {
        match self.rooms.get_mut(id).map(|room| &mut room.detail) {
            Some(RoomDetail::Support(support)) => support,
            _ => panic!("no support room: {id}"),
        }
    }

    fn tell_desk(
        &mut self,
        id: &RoomId,
        kind: MessageKind,
        (sender, sender_kind): (&Person, SenderKind),
        at: Timestamp,
        (extra, done): (Extra, &mut Done),
    ) {
        let extra = Extra {
            of_room: Some(id.clone()),
            ..extra
        };
        let entry = NewEntry {
            kind,
            sender,
            sender_kind,
            at,
            extra,
        };
        self.append(&RoomId::desk(), entry, done);
    }

    pub(super) fn tell_gone(
        &mut self,
        id: &RoomId,
        customer: &Person,
        sender_kind: SenderKind,
        micros: i64,
    ) -> Vec<Message> {
        let mut done = Done::default();
        let sender = (customer, sender_kind);
        let told = (Extra::default(), &mut done);
        self.tell_desk(id, MessageKind::Gone, sender, at(micros), told);
        done.entries
    }

    pub(super) fn open_support(
        &mut self,
        open: &OpenSupport,
        done: &mut Done,
    ) -> Result<Answered, Code> {
        let customer = &open.customer;
        policy::may_open(customer, &customer.user)?;
        let id = RoomId::new(customer.user.as_str()).expect("an id");
        let person = Person {
            user: customer.user.clone(),
            name: customer.name.clone(),
        };
        let made = !self.rooms.contains_key(&id);
        if made {
            let support = Support {
                customer: customer.user.clone(),
                member_id: None,
                nickname: None,
                state: SupportState::Waiting,
                inquired_at: open.at,
            };
            let detail = RoomDetail::Support(support);
            let owner = Some(customer.user.clone());
            let room = ModelRoom::new(detail, owner, open.at.as_micros());
            self.rooms.insert(id.clone(), room);
            self.seat(&id, &person, MemberRole::Owner, (0, open.at));
            let sender = (&person, SenderKind::Customer);
            let told = (Extra::default(), &mut *done);
            self.tell_desk(&id, MessageKind::Waiting, sender, open.at, told);
            done.changes
                .push((person.user.clone(), id.clone(), Some(0)));
        }
        let support = self.support_mut(&id);
        support.nickname = customer.name.clone().or(support.nickname.take());
        support.member_id = customer.member_id.clone().or(support.member_id.take());
        Ok(self.answer_room(&id, made))
    }

    fn case(&self, command: &RoomCommand) -> Result<Support, Code> {
        if !command.actor.role.serves_customers() {
            return Err(Code::AgentsOnly);
        }
        self.may(command, None)?;
        let room = &self.rooms[&command.room];
        room.detail.support().cloned().ok_or(Code::RoomNotFound)
    }

    fn own_case(&self, command: &RoomCommand) -> Result<Support, Code> {
        let support = self.case(command)?;
        if support.is_assigned_to(&command.actor.person.user) {
            return Ok(support);
        }
        Err(Code::NotYourRoom)
    }

    pub(super) fn claim(
        &mut self,
        command: &RoomCommand,
        done: &mut Done,
    ) -> Result<Answered, Code> {
        let support = match self.case(command) {
            Err(Code::RoomNotFound) => return Ok(Answered::Claim(ClaimOutcome::NoSuchRoom)),
            support => support?,
        };
        let person = &command.actor.person;
        let outcome = match support.state {
            SupportState::Assigned(agent) if agent.user == person.user => {
                ClaimOutcome::AlreadyYours
            }
            SupportState::Assigned(agent) => ClaimOutcome::TakenBy(agent),
            SupportState::Completed => ClaimOutcome::NotWaiting,
            SupportState::Waiting => {
                let head = self.rooms[&command.room].last();
                self.assign(command, person);
                self.tell(command, MessageKind::Assigned, about([person]), done);
                self.tell_customer(command, &support.customer, done);
                done.changes
                    .push((person.user.clone(), command.room.clone(), Some(head)));
                ClaimOutcome::Won
            }
        };
        Ok(Answered::Claim(outcome))
    }

    fn assign(&mut self, command: &RoomCommand, person: &Person) {
        self.support_mut(&command.room).state = SupportState::Assigned(Agent {
            user: person.user.clone(),
            name: person.display_name().into(),
        });
        let room = &self.rooms[&command.room];
        if room.owner.as_ref() != Some(&person.user) {
            let since = (room.desk_read, command.at);
            self.seat(&command.room, person, MemberRole::Member, since);
        }
    }

    /// Takes the agent's place away; who loses the right to read by it, if they do.
    fn unseat(&mut self, command: &RoomCommand) -> Option<(UserId, u64)> {
        let agent = &command.actor.person.user;
        let room = self.rooms.get_mut(&command.room).expect("the room");
        if room.owner.as_ref() == Some(agent) {
            return None;
        }
        room.members.remove(agent);
        room.access_version += 1;
        Some((agent.clone(), room.access_version))
    }

    fn part_with(
        &mut self,
        command: &RoomCommand,
        (kind, state): (MessageKind, SupportState),
        done: &mut Done,
    ) -> Result<Answered, Code> {
        let support = self.own_case(command)?;
        self.support_mut(&command.room).state = state;
        let agent = &command.actor.person;
        let extra = Extra {
            revokes: self.unseat(command),
            ..about([agent])
        };
        self.tell(command, kind, extra, done);
        done.changes
            .push((agent.user.clone(), command.room.clone(), None));
        if support.customer != agent.user {
            done.changes
                .push((support.customer, command.room.clone(), None));
        }
        Ok(Answered::Done(1))
    }

    pub(super) fn release(
        &mut self,
        command: &RoomCommand,
        done: &mut Done,
    ) -> Result<Answered, Code> {
        let after = (MessageKind::Released, SupportState::Waiting);
        let answer = self.part_with(command, after, done)?;
        self.rooms.get_mut(&command.room).expect("the room").overdue = false;
        Ok(answer)
    }

    pub(super) fn complete(
        &mut self,
        command: &RoomCommand,
        done: &mut Done,
    ) -> Result<Answered, Code> {
        let after = (MessageKind::Completed, SupportState::Completed);
        let answer = self.part_with(command, after, done)?;
        let room = self.rooms.get_mut(&command.room).expect("the room");
        room.completed_at = Some(command.at.as_micros());
        Ok(answer)
    }

    pub(super) fn hand_over(
        &mut self,
        command: &RoomCommand,
        agent: &Agent,
        done: &mut Done,
    ) -> Result<Answered, Code> {
        let support = self.own_case(command)?;
        let before = &command.actor.person.user;
        if agent.user == *before {
            return Ok(Answered::Done(0));
        }
        let role = self.users.get(&agent.user).and_then(|user| user.role);
        if !role.is_some_and(Role::serves_customers) {
            return Err(Code::AgentNotFound);
        }
        let next = Person {
            user: agent.user.clone(),
            name: Some(agent.name.clone()).filter(|name| **name != *agent.user.as_str()),
        };
        let head = self.rooms[&command.room].last();
        let revokes = self.unseat(command);
        self.assign(command, &next);
        let extra = Extra {
            revokes,
            ..about([&next])
        };
        self.tell(command, MessageKind::HandedOver, extra, done);
        self.tell_customer(command, &support.customer, done);
        done.changes
            .push((before.clone(), command.room.clone(), None));
        done.changes
            .push((next.user, command.room.clone(), Some(head)));
        Ok(Answered::Done(1))
    }

    fn tell(&mut self, command: &RoomCommand, kind: MessageKind, extra: Extra, done: &mut Done) {
        let sender = &command.actor.person;
        let of_desk = about(&extra.subjects);
        let entry = NewEntry {
            kind,
            sender,
            sender_kind: SenderKind::Agent,
            at: command.at,
            extra,
        };
        self.append(&command.room, entry, done);
        let sender = (sender, SenderKind::Agent);
        self.tell_desk(&command.room, kind, sender, command.at, (of_desk, done));
    }

    fn tell_customer(&mut self, command: &RoomCommand, customer: &UserId, done: &mut Done) {
        let news = notification::assigned(&command.room);
        self.notify_one(
            customer,
            (&news, None),
            &command.actor.person,
            command.at,
            done,
        );
        done.changes
            .push((customer.clone(), command.room.clone(), None));
    }

    /// The customer's message made a completed room wait again.
    pub(super) fn reopen(&mut self, id: &RoomId, person: &Person, at: Timestamp, done: &mut Done) {
        let support = self.support_mut(id);
        support.state = SupportState::Waiting;
        support.inquired_at = at;
        let room = self.rooms.get_mut(id).expect("the room");
        (room.overdue, room.completed_at) = (false, None);
        let entry = NewEntry {
            kind: MessageKind::Waiting,
            sender: person,
            sender_kind: SenderKind::Customer,
            at,
            extra: Extra::default(),
        };
        self.append(id, entry, done);
        let sender = (person, SenderKind::Customer);
        let told = (Extra::default(), &mut *done);
        self.tell_desk(id, MessageKind::Waiting, sender, at, told);
        done.changes.push((person.user.clone(), id.clone(), None));
    }

    /// Support rooms in a state, those first that have been asking longest.
    pub(super) fn desk_rooms(&self, fits: impl Fn(&ModelRoom, &Support) -> bool) -> Vec<RoomId> {
        let mut found: Vec<_> = self
            .rooms
            .iter()
            .filter_map(|(id, room)| {
                let support = room
                    .detail
                    .support()
                    .filter(|support| fits(room, support))?;
                Some((support.inquired_at, room.number, id.clone()))
            })
            .collect();
        found.sort_unstable();
        found.into_iter().map(|(_, _, id)| id).collect()
    }

    pub(super) fn alert_overdue(
        &mut self,
        since: Timestamp,
        entries: usize,
        at: Timestamp,
        done: &mut Done,
    ) -> Result<Answered, Code> {
        let mut waiting = self.desk_rooms(|room, support| {
            support.state == SupportState::Waiting && !room.overdue && support.inquired_at <= since
        });
        let agents = self.agents();
        waiting.truncate((entries / (1 + agents.len())).max(1));
        for id in &waiting {
            let room = self.rooms.get_mut(id).expect("the room");
            room.overdue = true;
            let support = self.support_mut(id).clone();
            let customer = Person {
                user: support.customer,
                name: support.nickname,
            };
            let sender = (&customer, SenderKind::Host);
            let told = (Extra::default(), &mut *done);
            self.tell_desk(id, MessageKind::Overdue, sender, at, told);
            for agent in &agents {
                self.notify_one(
                    agent,
                    (&notification::overdue(id), None),
                    &customer,
                    at,
                    done,
                );
            }
        }
        Ok(Answered::Done(waiting.len()))
    }
}

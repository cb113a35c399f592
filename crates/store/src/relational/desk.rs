//! The support desk: rooms that wait, are assigned, completed, and wait again.

use madang_domain::ports::StoreError;
use madang_domain::{
    Agent, Answer, ClaimOutcome, Code, Committed, Draft, Error, Extra, MemberRole, MessageKind,
    Person, RoomCommand, RoomHead, RoomId, RoomKind, SenderKind, Seq, Support, SupportState,
    Timestamp, UserId, command::OpenSupport, policy,
};

use super::change::Change;
use super::commit::{Carried, Refused, changed};
use super::create::Beginning;
use super::database::{all, execute, first, number, seq, sql_limit, user_id, values};
use super::entries::NewEntry;
use super::members::Place;
use super::membership::{about, gained};
use super::rooms;
use crate::notification;

/// Agents that hear of a room that waits for long, at most: those who came last.
const AGENTS_ALERTED_MAX: usize = 200;

pub(crate) const AGENTS: &str = "SELECT id FROM users INDEXED BY users_agents
     WHERE role IN (1, 2) ORDER BY seen DESC LIMIT ?1";
pub(crate) const NOT_NOTED: &str = "SELECT r.room_no, r.id, r.owner, r.nickname
     FROM rooms AS r INDEXED BY rooms_not_noted
     WHERE r.state = 0 AND r.overdue = 0 AND r.inquired_at <= ?1
     ORDER BY r.inquired_at, r.room_no LIMIT ?2";

/// A support room that somebody who may serve wants to change.
struct Case {
    room_no: i64,
    head: RoomHead,
    support: Support,
}

impl Change<'_> {
    pub(crate) fn open_support(&mut self, open: &OpenSupport, done: &mut Committed) -> Carried {
        let customer = &open.customer;
        policy::may_open(customer, &customer.user)?;
        // A user id is a text by the same rules as a room id.
        let id = RoomId::new(customer.user.as_str()).map_err(|_| Code::NotYourRoom)?;
        let person = Person {
            user: customer.user.clone(),
            name: customer.name.clone(),
        };
        if let Some(room) = self.load_room(&id)? {
            let room_no = room.room_no;
            if room
                .detail
                .support()
                .is_none_or(|s| s.customer != customer.user)
            {
                return Err(Code::NotYourRoom.into());
            }
            self.refresh_customer(&id, room_no, open)?;
            return self.as_answer(&id, false);
        }
        let (room_no, head) = self.insert_room(&Beginning {
            id: &id,
            kind: RoomKind::Support,
            owner: Some(&customer.user),
            at: open.at,
        })?;
        self.refresh_customer(&id, room_no, open)?;
        let place = Place {
            room_no,
            kind: RoomKind::Support,
            since: (Seq::ZERO, 0),
        };
        self.insert_member(place, &person, MemberRole::Owner, open.at)?;
        self.count_members(room_no, 1)?;
        let sender = (&person, SenderKind::Customer);
        self.tell_desk(
            MessageKind::Waiting,
            &id,
            sender,
            open.at,
            Extra::default(),
            done,
        )?;
        done.changes.push(gained(&person.user, &id, &head));
        // Most rooms are opened long before they are written to, if ever: not remembered.
        self.as_answer(&id, true)
    }

    /// Keeps what the customer's token says; what it lacks stays.
    fn refresh_customer(
        &mut self,
        id: &RoomId,
        room_no: i64,
        open: &OpenSupport,
    ) -> Result<(), StoreError> {
        let name = open.customer.name.as_deref();
        let member = open.customer.member_id.as_deref();
        let updated = execute(
            self.database,
            "UPDATE rooms SET member_id = coalesce(?2, member_id), nickname = coalesce(?3, nickname)
             WHERE room_no = ?1 AND (coalesce(member_id, '') <> coalesce(?2, member_id, '')
                                     OR coalesce(nickname, '') <> coalesce(?3, nickname, ''))",
            values![room_no, member, name],
        )?;
        if updated > 0 {
            self.memory.forget_room(id);
        }
        Ok(())
    }

    /// Asks the policy, and finds the room.
    fn case(&mut self, command: &RoomCommand) -> Result<Case, Refused> {
        if !command.actor.role.serves_customers() {
            return Err(Code::AgentsOnly.into());
        }
        let head = self.allowed(command, None)?.head;
        let room = self.memory.room(&command.room);
        let room = room.ok_or(Code::RoomNotFound)?;
        let support = room.detail.support().ok_or(Code::RoomNotFound)?;
        Ok(Case {
            room_no: room.room_no,
            head,
            support: support.clone(),
        })
    }

    /// As [`Writer::case`], of a room that the actor has.
    fn own_case(&mut self, command: &RoomCommand) -> Result<Case, Refused> {
        let case = self.case(command)?;
        if case.support.is_assigned_to(&command.actor.person.user) {
            return Ok(case);
        }
        Err(Code::NotYourRoom.into())
    }

    pub(crate) fn claim(&mut self, command: &RoomCommand, done: &mut Committed) -> Carried {
        let case = match self.case(command) {
            Err(Refused::Command(error)) if error.code() == Code::RoomNotFound => {
                return Ok(Answer::Claim(ClaimOutcome::NoSuchRoom));
            }
            case => case?,
        };
        let person = &command.actor.person;
        Ok(Answer::Claim(match case.support.state.clone() {
            SupportState::Assigned(holder) if holder.user == person.user => {
                ClaimOutcome::AlreadyYours
            }
            SupportState::Assigned(holder) => ClaimOutcome::TakenBy(holder),
            SupportState::Completed => ClaimOutcome::NotWaiting,
            SupportState::Waiting => {
                self.assign(command, &case, person)?;
                self.tell(command, MessageKind::Assigned, about([person]), done)?;
                self.tell_customer(command, &case, done)?;
                done.changes
                    .push(gained(&person.user, &command.room, &case.head));
                ClaimOutcome::Won
            }
        }))
    }

    pub(crate) fn release(&mut self, command: &RoomCommand, done: &mut Committed) -> Carried {
        let case = self.own_case(command)?;
        execute(
            self.database,
            "UPDATE rooms SET state = 0, agent = NULL, agent_name = NULL, overdue = 0
             WHERE room_no = ?1",
            values![case.room_no],
        )?;
        self.note_state(&command.room, SupportState::Waiting);
        self.part_with(command, &case, MessageKind::Released, done)
    }

    pub(crate) fn complete(&mut self, command: &RoomCommand, done: &mut Committed) -> Carried {
        let case = self.own_case(command)?;
        execute(
            self.database,
            "UPDATE rooms SET state = 2, agent = NULL, agent_name = NULL, completed_at = ?2
             WHERE room_no = ?1",
            values![case.room_no, command.at.as_micros()],
        )?;
        self.note_state(&command.room, SupportState::Completed);
        self.part_with(command, &case, MessageKind::Completed, done)
    }

    pub(crate) fn hand_over(
        &mut self,
        command: &RoomCommand,
        agent: &Agent,
        done: &mut Committed,
    ) -> Carried {
        let case = self.own_case(command)?;
        let before = &command.actor.person;
        if agent.user == before.user {
            return Ok(Answer::Done(0));
        }
        let serves = "SELECT 1 FROM users WHERE id = ?1 AND role IN (1, 2)";
        let serves = first(self.database, serves, values![agent.user.as_str()], |_| {
            Ok(())
        })?;
        if serves.is_none() {
            let detail = "no agent of that id has signed in";
            return Err(Error::with_detail(Code::AgentNotFound, detail).into());
        }
        let next = Person {
            user: agent.user.clone(),
            // The id stands for a name that nobody has told.
            name: Some(agent.name.clone()).filter(|name| **name != *agent.user.as_str()),
        };
        self.unseat(&case, &before.user)?;
        self.assign(command, &case, &next)?;
        let extra = Extra {
            revokes: self.revoke_agent(command, &case)?,
            ..about([&next])
        };
        self.tell(command, MessageKind::HandedOver, extra, done)?;
        self.tell_customer(command, &case, done)?;
        done.changes.push(changed(&before.user, &command.room));
        done.changes
            .push(gained(&next.user, &command.room, &case.head));
        Ok(Answer::Done(1))
    }

    /// Gives the room to an agent, whose mark begins where any agent has read.
    fn assign(
        &mut self,
        command: &RoomCommand,
        case: &Case,
        person: &Person,
    ) -> Result<(), StoreError> {
        let agent = Agent {
            user: person.user.clone(),
            name: std::sync::Arc::from(person.display_name()),
        };
        execute(
            self.database,
            "UPDATE rooms SET state = 1, agent = ?2, agent_name = ?3 WHERE room_no = ?1",
            values![case.room_no, agent.user.as_str(), &*agent.name],
        )?;
        self.note_state(&command.room, SupportState::Assigned(agent));
        if person.user == case.support.customer {
            return Ok(());
        }
        let find = "SELECT desk_read, desk_read_n FROM rooms WHERE room_no = ?1";
        let since = first(self.database, find, values![case.room_no], |row| {
            Ok((seq(row, 0)?, number(row, 1)?))
        })?;
        let place = Place {
            room_no: case.room_no,
            kind: RoomKind::Support,
            since: since.unwrap_or((Seq::ZERO, 0)),
        };
        self.insert_member(place, person, MemberRole::Member, command.at)?;
        self.count_members(case.room_no, 1).map(drop)
    }

    /// The agent goes; what the room is then is noted already.
    fn part_with(
        &mut self,
        command: &RoomCommand,
        case: &Case,
        kind: MessageKind,
        done: &mut Committed,
    ) -> Carried {
        let agent = &command.actor.person;
        self.unseat(case, &agent.user)?;
        let extra = Extra {
            revokes: self.revoke_agent(command, case)?,
            ..about([agent])
        };
        self.tell(command, kind, extra, done)?;
        done.changes.push(changed(&agent.user, &command.room));
        if agent.user != case.support.customer {
            done.changes
                .push(changed(&case.support.customer, &command.room));
        }
        Ok(Answer::Done(1))
    }

    fn unseat(&mut self, case: &Case, agent: &UserId) -> Result<(), StoreError> {
        if *agent == case.support.customer {
            return Ok(());
        }
        self.delete_member(case.room_no, agent)?;
        self.count_members(case.room_no, -1).map(drop)
    }

    /// An agent who is the customer, too, goes on reading.
    fn revoke_agent(
        &mut self,
        command: &RoomCommand,
        case: &Case,
    ) -> Result<Option<(UserId, u64)>, StoreError> {
        let agent = &command.actor.person.user;
        if *agent == case.support.customer {
            return Ok(None);
        }
        self.revoke(&command.room, agent)
    }

    fn note_state(&mut self, id: &RoomId, state: SupportState) {
        if let Some(room) = self.memory.room_mut(id)
            && let madang_domain::RoomDetail::Support(support) = &mut room.detail
        {
            support.state = state;
        }
    }

    /// The customer's message makes the completed room wait again.
    pub(crate) fn reopen(&mut self, draft: &Draft, done: &mut Committed) -> Result<(), StoreError> {
        execute(
            self.database,
            "UPDATE rooms SET state = 0, inquired_at = ?2, completed_at = NULL, overdue = 0
             WHERE id = ?1",
            values![draft.room.as_str(), draft.sent_at.as_micros()],
        )?;
        self.memory.forget_room(&draft.room);
        let person = Person {
            user: draft.sender.clone(),
            name: draft.sender_name.clone(),
        };
        let sender = (&person, SenderKind::Customer);
        let event = NewEntry::event(
            MessageKind::Waiting,
            sender,
            draft.sent_at,
            Extra::default(),
        );
        self.append(&draft.room, event, done)?;
        let (room, at) = (&draft.room, draft.sent_at);
        self.tell_desk(
            MessageKind::Waiting,
            room,
            sender,
            at,
            Extra::default(),
            done,
        )?;
        done.changes.push(changed(&draft.sender, &draft.room));
        Ok(())
    }

    /// The customer takes the room and its history away.
    pub(crate) fn end_support(&mut self, command: &RoomCommand, done: &mut Committed) -> Carried {
        let customer = (&command.actor.person, SenderKind::Customer);
        self.take_away(&command.room, customer, command.at, done)?;
        Ok(Answer::Done(1))
    }

    pub(crate) fn take_away(
        &mut self,
        id: &RoomId,
        customer: (&Person, SenderKind),
        at: Timestamp,
        done: &mut Committed,
    ) -> Result<(), StoreError> {
        if let Some((room, _)) = rooms::find_log(self.database, id)? {
            self.name_members(room.room_no, id, done)?;
        }
        self.tell_desk(MessageKind::Gone, id, customer, at, Extra::default(), done)?;
        self.delete_room(id, at, done)
    }

    pub(crate) fn alert_overdue(
        &mut self,
        since: Timestamp,
        entries: usize,
        at: Timestamp,
        done: &mut Committed,
    ) -> Carried {
        let most = values![sql_limit(AGENTS_ALERTED_MAX)];
        let agents = all(self.database, AGENTS, most, |row| user_id(row, 0))?;
        let rooms = (entries / (1 + agents.len())).max(1);
        let values = values![since.as_micros(), sql_limit(rooms)];
        let waiting = all(self.database, NOT_NOTED, values, |row| {
            let customer = Person {
                user: user_id(row, 2)?,
                name: super::database::text(row, 3)?,
            };
            Ok((row.int(0)?, rooms::room_id(row, 1)?, customer))
        })?;
        // In the order in which everybody locks rooms, and before the desk.
        let mut ids: Vec<&RoomId> = waiting.iter().map(|(_, id, _)| id).collect();
        ids.sort_unstable();
        self.database.lock_rooms(&ids)?;
        let mut noted = 0;
        for (room_no, id, customer) in &waiting {
            // Others may have noted it meanwhile, or an agent claimed it.
            let note = "UPDATE rooms SET overdue = 1
                 WHERE room_no = ?1 AND state = 0 AND overdue = 0";
            if execute(self.database, note, values![*room_no])? == 0 {
                continue;
            }
            noted += 1;
            let sender = (customer, SenderKind::Host);
            self.tell_desk(MessageKind::Overdue, id, sender, at, Extra::default(), done)?;
            let alert = notification::overdue(id);
            for agent in &agents {
                self.notify_one(agent, (&alert, None), customer, at, done)?;
            }
        }
        Ok(Answer::Done(noted))
    }

    /// Appends to the room what its agent did, and to the desk's feed.
    fn tell(
        &mut self,
        command: &RoomCommand,
        kind: MessageKind,
        extra: Extra,
        done: &mut Committed,
    ) -> Result<(), StoreError> {
        let sender = (&command.actor.person, SenderKind::Agent);
        let of_desk = about(&extra.subjects);
        let event = NewEntry::event(kind, sender, command.at, extra);
        self.append(&command.room, event, done)?;
        self.tell_desk(kind, &command.room, sender, command.at, of_desk, done)
    }

    fn tell_desk(
        &mut self,
        kind: MessageKind,
        room: &RoomId,
        sender: (&Person, SenderKind),
        at: Timestamp,
        extra: Extra,
        done: &mut Committed,
    ) -> Result<(), StoreError> {
        let extra = Extra {
            of_room: Some(room.clone()),
            ..extra
        };
        let event = NewEntry::event(kind, sender, at, extra);
        self.append(&RoomId::desk(), event, done).map(drop)
    }

    fn tell_customer(
        &mut self,
        command: &RoomCommand,
        case: &Case,
        done: &mut Committed,
    ) -> Result<(), Refused> {
        let customer = &case.support.customer;
        let news = notification::assigned(&command.room);
        self.notify_one(
            customer,
            (&news, None),
            &command.actor.person,
            command.at,
            done,
        )?;
        done.changes.push(changed(customer, &command.room));
        Ok(())
    }
}

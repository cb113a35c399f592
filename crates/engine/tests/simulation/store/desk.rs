//! What is done to support rooms.

use std::sync::Arc;

use madang_domain::command::OpenSupport;
use madang_domain::{
    Actor, Agent, Answer, ClaimOutcome, Code, MessageKind, Outcome, Person, Position, RoomAction,
    RoomCommand, RoomDetail, RoomId, SenderKind, Seq, Support, SupportState, Timestamp,
};

use super::log::{NewEntry, RoomLog};
use super::state::{Done, State};
use crate::world::World;

/// Agents that have come are called so.
const AGENTS: &str = "lee";

impl State {
    pub(super) fn open_support(&mut self, world: &World, open: &OpenSupport) -> Outcome {
        let OpenSupport { customer, at } = open;
        let id = RoomId::new(customer.user.as_str()).expect("a room id");
        let mut done = Done::default();
        let made = !self.rooms.contains_key(&id);
        if made {
            let detail = RoomDetail::Support(Support {
                customer: customer.user.clone(),
                member_id: None,
                nickname: None,
                state: SupportState::Waiting,
                inquired_at: *at,
            });
            let epoch = world.new_epoch();
            self.make(id.clone(), epoch, detail, *at);
            world.note(|| format!("{id} opened, life {:x}", epoch.get()));
            let person = Actor::from(customer).person;
            let kind = MessageKind::Waiting;
            let entry = NewEntry::event(kind, &person, SenderKind::Customer, Vec::new(), *at);
            self.append(&id, entry, &mut done);
            self.tell_desk(kind, &id, &person, Vec::new(), *at, &mut done);
            let seq = Seq::ZERO;
            done.gained(&id, Position { epoch, seq }, &[person]);
        }
        let room = self.log(&id)?.room();
        done.answer(Answer::Room(Box::new(room), made))
    }

    pub(super) fn claim(&mut self, command: &RoomCommand) -> Outcome {
        let RoomCommand {
            room, actor, at, ..
        } = command;
        let log = self.log(room)?;
        let since = log.head().position();
        let support = log.support().ok_or(Code::RoomNotFound)?;
        let mut done = Done::default();
        let outcome = match &support.state {
            SupportState::Completed => ClaimOutcome::NotWaiting,
            SupportState::Assigned(held) if held.user == actor.person.user => {
                ClaimOutcome::AlreadyYours
            }
            SupportState::Assigned(held) => ClaimOutcome::TakenBy(held.clone()),
            SupportState::Waiting => {
                let agent = agent(&actor.person);
                let state = SupportState::Assigned(agent);
                let kind = MessageKind::Assigned;
                let subjects = vec![actor.person.clone()];
                self.move_on(room, (kind, state), &actor.person, subjects, *at, &mut done);
                done.gained(room, since, std::slice::from_ref(&actor.person));
                ClaimOutcome::Won
            }
        };
        done.answer(Answer::Claim(outcome))
    }

    /// Release, hand over, complete: by the agent who has the room.
    pub(super) fn serve(&mut self, command: &RoomCommand) -> Outcome {
        let RoomCommand {
            room,
            actor,
            at,
            action,
        } = command;
        let log = self.log(room)?;
        let since = log.head().position();
        let support = log.support().ok_or(Code::RoomNotFound)?;
        if !support.is_assigned_to(&actor.person.user) {
            return Err(Code::NotYourRoom.into());
        }
        let mut done = Done::default();
        let (next, subjects) = match action {
            RoomAction::Release => {
                let next = (MessageKind::Released, SupportState::Waiting);
                (next, vec![actor.person.clone()])
            }
            RoomAction::HandOver(to) if !to.user.as_str().starts_with(AGENTS) => {
                return Err(Code::AgentNotFound.into());
            }
            RoomAction::HandOver(to) if to.user == actor.person.user => {
                return done.answer(Answer::Done(0));
            }
            RoomAction::HandOver(to) => {
                let next = (MessageKind::HandedOver, SupportState::Assigned(to.clone()));
                (next, vec![person(to)])
            }
            _ => (
                (MessageKind::Completed, SupportState::Completed),
                Vec::new(),
            ),
        };
        self.move_on(room, next, &actor.person, subjects, *at, &mut done);
        done.changed(room, [actor.person.user.clone()]);
        if let RoomAction::HandOver(to) = action {
            done.gained(room, since, &[person(to)]);
        }
        done.answer(Answer::Done(1))
    }

    /// The customer goes and takes the room along.
    pub(super) fn leave_support(&mut self, command: &RoomCommand) -> Outcome {
        let RoomCommand {
            room, actor, at, ..
        } = command;
        let mut done = Done::default();
        self.remove(room, &mut done);
        let kind = MessageKind::Gone;
        self.tell_desk(kind, room, &actor.person, Vec::new(), *at, &mut done);
        done.answer(Answer::Done(1))
    }

    fn move_on(
        &mut self,
        room: &RoomId,
        (kind, state): (MessageKind, SupportState),
        by: &Person,
        subjects: Vec<Person>,
        at: Timestamp,
        done: &mut Done,
    ) {
        let support = self.rooms.get(room).and_then(|log| log.support());
        let customer = support.map(|support| support.customer.clone());
        let had_it = support.and_then(|support| Some(support.assignee()?.user.clone()));
        let entry = NewEntry::event(kind, by, SenderKind::Agent, subjects.clone(), at);
        let assign = |log: &mut RoomLog| {
            if let Some(support) = log.support_mut() {
                support.state = state;
            }
        };
        self.change(room, had_it.as_ref(), assign, entry, done);
        self.tell_desk(kind, room, by, subjects, at, done);
        done.changed(room, customer);
    }
}

fn agent(person: &Person) -> Agent {
    Agent {
        user: person.user.clone(),
        name: Arc::from(person.display_name()),
    }
}

fn person(agent: &Agent) -> Person {
    Person {
        user: agent.user.clone(),
        name: Some(Arc::clone(&agent.name)),
    }
}

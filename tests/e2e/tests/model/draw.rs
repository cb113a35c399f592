//! Steps drawn by chance: mostly what makes sense, sometimes what does not.

use serde_json::{Value, json};

use super::step::{Door, Live, Op, Step};
use super::truth::{Body, Entry, HOST, Kind, Model, PEOPLE, Role, Room, State, User, Wanted};
use crate::dice::Dice;

/// Rooms of members that there are at most: more are not made, so that something happens in each.
const ROOMS_MAX: usize = 12;

/// Steps after which a message is new still.
pub(super) const NEW: usize = 12;

/// Steps after which a message is old, or waited for until it is.
pub(super) const OLD: usize = 400;

const WORDS: &[&str] = &[
    "order",
    "orders",
    "shipped",
    "refund",
    "hello",
    "Payment",
    "환불",
    "결제",
    "배송문의",
    "a-17",
    "오늘",
];

/// What may be looked for.
pub(super) const LOOKED_FOR: &[&[&str]] = &[
    &["order"],
    &["환불"],
    &["문의"],
    &["ship", "hello"],
    &["pay"],
    &["결제", "오늘"],
    &["17"],
    &["nothing"],
];

/// Draws steps.
pub(super) struct Drawer<'a> {
    pub(super) dice: &'a mut Dice,
    pub(super) model: &'a Model,
    /// The number of the step: makes client ids and texts unlike.
    pub(super) number: usize,
}

type Draw = fn(&mut Drawer<'_>, User) -> Op;

/// What is done how often.
const DRAWS: &[(usize, Draw)] = &[
    (26, |d, who| Op::Send {
        room: d.room(who),
        body: d.body(),
        client_id: d.client_id(),
    }),
    (4, |d, who| d.burst(who)),
    (6, |d, who| d.again(who)),
    (4, |d, who| Op::Cut {
        room: d.room(who),
        body: d.sound_body(),
        client_id: d.fresh_id(),
    }),
    (7, |d, who| d.revise(who, true)),
    (4, |d, who| d.revise(who, false)),
    (12, |d, who| d.read(who)),
    (6, |d, who| Op::Join {
        room: d.open_room(who),
    }),
    (3, |d, who| Op::Leave { room: d.room(who) }),
    (5, |d, who| d.create(who)),
    (3, |_, _| Op::OpenSupport),
    (2, |d, who| Op::Rename {
        room: d.room(who),
        title: d.text(),
    }),
    (1, |d, who| Op::DeleteRoom { room: d.room(who) }),
    (5, |d, who| Op::Add {
        room: d.room(who),
        users: d.users(),
        role: d.role(),
    }),
    (3, |d, who| Op::Remove {
        room: d.room(who),
        user: d.user(),
    }),
    (4, |d, who| Op::SetRole {
        room: d.room(who),
        user: d.user(),
        role: d.role(),
    }),
    (7, |d, who| Op::Claim {
        room: d.case(who, true),
    }),
    (2, |d, who| Op::Release {
        room: d.case(who, false),
    }),
    (3, |d, who| Op::Complete {
        room: d.case(who, false),
    }),
    (3, |d, who| Op::HandOver {
        room: d.case(who, false),
        to: d.user(),
    }),
    (3, |d, _| Op::Notice {
        room: d.any_room(),
        body: d.sound_body(),
    }),
    (3, |d, _| Op::Notify {
        users: d.users(),
        content: d.text(),
        data: d.news(),
    }),
    (3, |d, who| Op::ReadNotification {
        seq: d.inbox_seq(who),
    }),
    (2, |d, who| Op::DeleteNotification {
        seq: d.inbox_seq(who),
    }),
    (2, |d, who| Op::ReadNotifications {
        up_to: d.inbox_seq(who),
    }),
    (4, |d, who| Op::Look { room: d.room(who) }),
    (6, |d, _| Op::Connect {
        live: d.live(),
        brief: d.dice.once_in(6),
    }),
    (3, |d, _| Op::Vanish { live: d.live() }),
    (6, |d, who| Op::Follow {
        room: Some(d.room(who)),
    }),
    (1, |_, _| Op::Follow { room: None }),
    (1, |_, _| Op::Unfollow),
    (1, |d, _| Op::Intrude {
        expired: d.dice.once_in(2),
    }),
];

impl Drawer<'_> {
    pub(super) fn step(&mut self) -> Step {
        let who = self.user();
        let total: usize = DRAWS.iter().map(|(weight, _)| weight).sum();
        let mut at = self.dice.below(total);
        let draw = DRAWS.iter().find(|(weight, _)| {
            let is_it = at < *weight;
            at = at.wrapping_sub(*weight);
            is_it
        });
        let op = draw.map_or(Op::OpenSupport, |(_, draw)| draw(self, who));
        let door = [Door::Rest, Door::Json, Door::Json, Door::Stomp][self.dice.below(4)];
        let who = self.whoever_may(&op).unwrap_or(who);
        Step { who, door, op }
    }

    /// Mostly somebody whose thing it is.
    fn whoever_may(&mut self, op: &Op) -> Option<User> {
        let by_chance = self.dice.once_in(3);
        match op {
            Op::Notice { .. } | Op::Notify { .. } => Some(HOST),
            Op::Create { wanted } if wanted.kind == Kind::Direct => None,
            Op::Add { .. }
            | Op::Remove { .. }
            | Op::SetRole { .. }
            | Op::Rename { .. }
            | Op::DeleteRoom { .. }
            | Op::Create { .. }
                if self.dice.once_in(4) =>
            {
                Some(HOST)
            }
            _ if by_chance => None,
            Op::Claim { .. } => Some(self.agent()),
            Op::Release { room } | Op::Complete { room } | Op::HandOver { room, .. } => {
                let support = self.model.room(room).ok()?.support.as_ref()?;
                match support.state {
                    State::Assigned(agent) => Some(agent),
                    State::Waiting | State::Completed => Some(self.agent()),
                }
            }
            Op::Remove { room, .. } | Op::SetRole { room, .. } | Op::Rename { room, .. } => {
                self.model.room(room).ok()?.owner
            }
            _ => None,
        }
    }

    fn agent(&mut self) -> User {
        let agents: Vec<_> = PEOPLE
            .iter()
            .filter(|(who, _)| self.model.sees_desk(who))
            .collect();
        agents[self.dice.below(agents.len())].0
    }

    fn user(&mut self) -> User {
        PEOPLE[self.dice.below(PEOPLE.len())].0
    }

    fn users(&mut self) -> Vec<User> {
        (0..=self.dice.below(3)).map(|_| self.user()).collect()
    }

    fn role(&mut self) -> Role {
        match self.dice.below(6) {
            0 | 1 => Role::Moderator,
            2 => Role::Owner,
            _ => Role::Member,
        }
    }

    fn live(&mut self) -> Live {
        [Live::Json, Live::Stomp, Live::Events][self.dice.below(3)]
    }

    fn one_of<'a>(&mut self, ids: impl Iterator<Item = &'a String>) -> Option<String> {
        let ids: Vec<_> = ids.collect();
        (!ids.is_empty()).then(|| ids[self.dice.below(ids.len())].clone())
    }

    /// Mostly one of theirs, and then often the liveliest: some logs become long.
    fn room(&mut self, who: User) -> String {
        match self.dice.below(20) {
            0 => self.no_room(),
            1..=4 => self.any_room(),
            _ => {
                let mut own = self.model.rooms_of(who);
                if self.dice.once_in(3) {
                    own.truncate(1);
                }
                let own = self.one_of(own.iter().map(|room| &room.id));
                own.unwrap_or_else(|| self.any_room())
            }
        }
    }

    fn any_room(&mut self) -> String {
        let any = self.one_of(self.model.rooms.keys());
        any.unwrap_or_else(|| self.no_room())
    }

    fn no_room(&mut self) -> String {
        let gone = self.one_of(self.model.gone.iter());
        gone.unwrap_or_else(|| "there-is-none".to_owned())
    }

    fn open_room(&mut self, who: User) -> String {
        if self.dice.once_in(5) {
            return self.room(who);
        }
        let open = self.model.open_rooms();
        let open = self.one_of(open.iter().map(|room| &room.id));
        open.unwrap_or_else(|| self.no_room())
    }

    fn case(&mut self, who: User, waits: bool) -> String {
        if self.dice.once_in(6) {
            return self.room(who);
        }
        let mut cases = self.model.at_desk(State::Waiting);
        if !waits || self.dice.once_in(8) {
            let taken = PEOPLE.iter();
            cases = taken
                .flat_map(|(agent, _)| self.model.at_desk(State::Assigned(agent)))
                .collect();
        }
        let case = self.one_of(cases.iter().map(|room| &room.id));
        case.unwrap_or_else(|| self.room(who))
    }

    fn text(&mut self) -> String {
        let words = (0..=self.dice.below(3)).map(|_| self.dice.pick(WORDS));
        let words: Vec<_> = words.collect();
        format!("{} {}", words.join(" "), self.number)
    }

    fn sound_body(&mut self) -> Body {
        let data = json!({"n": self.number, "tags": ["a", null]});
        match self.dice.below(8) {
            0 => Body {
                text: String::new(),
                data: Some(data),
            },
            1 => Body {
                text: self.text(),
                data: Some(data),
            },
            _ => Body::text(self.text()),
        }
    }

    fn body(&mut self) -> Body {
        match self.dice.below(40) {
            0 => Body::text(""),
            1 => Body::text("x".repeat(16_385)),
            _ => self.sound_body(),
        }
    }

    fn fresh_id(&self) -> String {
        format!("c-{}", self.number)
    }

    fn client_id(&mut self) -> Option<String> {
        self.dice.once_in(2).then(|| self.fresh_id())
    }

    fn burst(&mut self, who: User) -> Op {
        let room = self.room(who);
        let texts = (0..=self.dice.below(6)).map(|_| self.text()).collect();
        Op::Burst { room, texts }
    }

    /// Something that was sent before, with the same words or others.
    fn again(&mut self, who: User) -> Op {
        let rooms = self.model.rooms.values();
        let named = rooms.flat_map(|room| room.named.keys().map(move |key| (room, key)));
        let own: Vec<_> = named.filter(|(_, (sender, _))| *sender == who).collect();
        if own.is_empty() {
            return Op::Look {
                room: self.room(who),
            };
        }
        let (room, (_, id)) = own[self.dice.below(own.len())];
        Op::Send {
            room: room.id.clone(),
            body: self.sound_body(),
            client_id: Some(id.clone()),
        }
    }

    /// A message that is certainly new enough to be changed, or certainly not: whatever is between the two
    /// depends on how fast the machine is. Or none.
    fn revise(&mut self, who: User, edits: bool) -> Op {
        let room = self.room(who);
        let log = self.model.room(&room).map_or(&[][..], |room| &room.log);
        let is_old = self.dice.once_in(2);
        let fits = |entry: &Entry| {
            let steps = self.number - entry.step;
            if is_old { steps >= OLD } else { steps <= NEW }
        };
        let seqs = (1..).zip(log).filter(|(_, entry)| fits(entry));
        let seqs: Vec<u64> = seqs.map(|(seq, _)| seq).collect();
        let none = [0, log.len() as u64 + 1][self.dice.below(2)];
        let seq = match seqs.is_empty() || self.dice.once_in(10) {
            true => none,
            false => seqs[self.dice.below(seqs.len())],
        };
        let body = edits.then(|| self.body());
        Op::Revise {
            room,
            seq,
            body,
            client_id: self.client_id(),
        }
    }

    fn read(&mut self, who: User) -> Op {
        let room = self.room(who);
        let last = self.model.room(&room).map_or(0, Room::last);
        let seq = match self.dice.below(4) {
            0 => self.dice.below(usize::try_from(last).unwrap() + 3) as u64,
            _ => last.saturating_sub(self.dice.below(4) as u64),
        };
        Op::Read { room, seq }
    }

    fn create(&mut self, who: User) -> Op {
        let kind = [Kind::Direct, Kind::Direct, Kind::Group, Kind::Open][self.dice.below(4)];
        let rooms = self.model.rooms.values();
        let rooms = rooms.filter(|room| room.kind != Kind::Support).count();
        if rooms >= ROOMS_MAX {
            return self.find_or_delete(who);
        }
        let context = self
            .dice
            .once_in(3)
            .then(|| json!({"item": self.dice.below(2), "a": {"b": []}}));
        let title = (kind != Kind::Direct).then(|| self.text());
        Op::Create {
            wanted: Wanted {
                kind,
                title,
                context,
                members: self.users(),
            },
        }
    }

    /// A direct room that there is or was, or, without one, an end to some room.
    fn find_or_delete(&mut self, who: User) -> Op {
        let rooms = self.model.rooms.values();
        let direct: Vec<_> = rooms.filter(|room| room.pair.contains(&who)).collect();
        if direct.is_empty() || self.dice.once_in(6) {
            return Op::DeleteRoom {
                room: self.room(who),
            };
        }
        let room = direct[self.dice.below(direct.len())];
        let (context, members) = (room.context.clone(), room.pair.clone());
        Op::Create {
            wanted: Wanted {
                kind: Kind::Direct,
                title: None,
                context,
                members,
            },
        }
    }

    fn news(&mut self) -> Value {
        match self.dice.below(3) {
            0 => json!({"type": "order.shipped", "url": "/orders/1"}),
            1 => json!({"type": "order.shipped", "data": {"n": self.number}}),
            _ => json!({"type": "news"}),
        }
    }

    fn inbox_seq(&mut self, who: User) -> u64 {
        let last = self.model.inboxes.get(who).map_or(0, Vec::len);
        self.dice.below(last + 2) as u64
    }
}

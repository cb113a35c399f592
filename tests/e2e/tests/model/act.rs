//! Carrying a step out on the server and on the model: both have to say the same.

use madang_e2e::http;
use serde_json::{Value, json};

use super::draft::Draft;
use super::json_shape as shape;
use super::live::{DESK, EXPIRED};
use super::run::{Answer, Run};
use super::step::{Door, Live, Op, Step};
use super::truth::{Body, Code, HOST, Handling, Made, Told, User, Wanted};

impl Run {
    pub(super) fn carry_out(&mut self, step: &Step) {
        let (who, door) = (step.who, step.door);
        let draft =
            |room: &String, target, body: Option<&Body>, client_id: Option<&String>| Draft {
                who,
                room: room.clone(),
                target,
                body: body.cloned(),
                client_id: client_id.cloned(),
            };
        match &step.op {
            Op::Send {
                room,
                body,
                client_id,
            } => {
                self.put(door, draft(room, None, Some(body), client_id.as_ref()));
            }
            Op::Revise {
                room,
                seq,
                body,
                client_id,
            } => {
                self.put(
                    door,
                    draft(room, Some(*seq), body.as_ref(), client_id.as_ref()),
                );
            }
            Op::Burst { room, texts } => self.burst(who, room, texts),
            Op::Cut {
                room,
                body,
                client_id,
            } => {
                self.cut(door, &draft(room, None, Some(body), Some(client_id)));
            }
            Op::Notice { room, body } => self.notice(room, body),
            Op::Read { room, seq } => self.read(door, who, room, *seq),
            Op::Look { room } => self.look(who, room),
            Op::Create { wanted } => self.create(who, wanted),
            Op::OpenSupport => self.open_support(who),
            Op::Connect { live, brief } => self.connect(who, *live, *brief),
            Op::Vanish { live } => self.vanish(who, *live),
            Op::Follow { room } => self.follow(who, room.as_deref().unwrap_or(DESK)),
            Op::Unfollow => self.unfollow(who),
            Op::Intrude { expired } => self.intrude(who, *expired),
            other => self.manage(door, who, other),
        }
    }

    fn notice(&mut self, room: &str, body: &Body) {
        let mut said = json!({"text": body.text});
        if let Some(data) = &body.data {
            said["data"] = data.clone();
        }
        let answer = self.rest(
            HOST,
            "POST",
            &format!("/api/v1/host/rooms/{room}/notices"),
            &said,
        );
        let expected = self.model.notice(room, body);
        answer.check(expected.map(drop));
    }

    fn read(&mut self, door: Door, who: User, room: &str, seq: u64) {
        let epoch = self
            .model
            .room(room)
            .map_or("abc", |room| room.epoch.as_str());
        let position = format!("{epoch}-{seq}");
        let command = json!({"type": "read", "room": room, "position": position});
        let said = match door {
            Door::Json => self.say(who, &command),
            Door::Rest | Door::Stomp => None,
        };
        let answer = said.unwrap_or_else(|| {
            let path = format!("/api/v1/rooms/{room}/read");
            self.rest(who, "PUT", &path, &json!({"seq": seq}))
        });
        answer.check(self.model.read(who, room, seq));
        let mark = self
            .model
            .rooms
            .get(room)
            .and_then(|room| room.members.get(who));
        if let (Some(mark), Some(told)) = (mark, answer.body.get("seq")) {
            assert_eq!(*told, json!(mark.read), "{answer:?}");
        }
    }

    fn look(&mut self, who: User, room: &str) {
        let answer = self.rest(
            who,
            "GET",
            &format!("/api/v1/rooms/{room}/messages"),
            &Value::Null,
        );
        answer.check(self.model.readable(room, who).map(drop));
        let answer = self.rest(who, "GET", &format!("/api/v1/rooms/{room}"), &Value::Null);
        let expected = self.model.readable(room, who);
        answer.check(expected.map(drop));
        if let Ok(room) = expected {
            assert_eq!(shape::room(&answer.body), shape::of_room(room));
        }
    }

    fn create(&mut self, who: User, wanted: &Wanted) {
        let mut body = json!({"kind": wanted.kind.name(), "members": wanted.members});
        if let Some(title) = &wanted.title {
            body["title"] = json!(title);
        }
        if let Some(context) = &wanted.context {
            body["context"] = context.clone();
        }
        let found = self.model.direct(who, wanted);
        let path = format!("{}/rooms", super::paths::api(who));
        let answer = self.rest(who, "POST", &path, &body);
        let expected = self.model.may_create(who, wanted);
        answer.check(expected);
        if expected.is_err() {
            return;
        }
        assert_eq!(
            answer.status,
            Some(if found.is_some() { 200 } else { 201 }),
            "{answer:?}"
        );
        let made = made(&answer);
        match &found {
            Some(found) => {
                assert_eq!(made.id, *found);
                self.model.bring_back(who, wanted, found);
            }
            None => self.model.create(who, wanted, &made),
        }
        assert_eq!(
            shape::room(&answer.body),
            shape::of_room(&self.model.rooms[&made.id])
        );
    }

    fn open_support(&mut self, who: User) {
        let answer = self.rest(who, "POST", "/api/v1/rooms", &json!({"kind": "support"}));
        answer.check(Ok(()));
        let made = made(&answer);
        assert_eq!(made.id, who, "it is named for its customer");
        let is_new = self.model.open_support(who, &made);
        assert_eq!(
            answer.status,
            Some(if is_new { 201 } else { 200 }),
            "{answer:?}"
        );
        assert_eq!(
            shape::room(&answer.body),
            shape::of_room(&self.model.rooms[who])
        );
    }

    fn connect(&mut self, who: User, live: Live, brief: bool) {
        let person = self.people.get_mut(who).expect("everybody is there");
        match live {
            Live::Json => {
                person.talks_briefly = brief;
                person.talk(&self.server, &self.model, brief);
            }
            Live::Stomp => {
                person.follows_briefly = brief;
                person.follow(&self.server, &self.model, brief);
            }
            Live::Events => person.stream(&self.server, &self.model, brief),
        }
    }

    fn vanish(&mut self, who: User, live: Live) {
        let person = self.person(who);
        match live {
            Live::Json => person.hang_up(),
            Live::Stomp => person.end_following(),
            Live::Events => person.streaming = None,
        }
    }

    fn follow(&mut self, who: User, room: &str) {
        if room == who && self.model.room(room).is_err() {
            // SUBSCRIBE would open it, and not say where it stands.
            self.open_support(who);
            self.catch_up();
        }
        let expected: Result<(), Code> = match room {
            DESK if self.model.sees_desk(who) => Ok(()),
            DESK => Err("NOT_YOUR_ROOM"),
            _ => self.model.readable(room, who).map(drop),
        };
        loop {
            let person = self.people.get_mut(who).expect("everybody is there");
            let following = person.following(&self.server, &self.model);
            if following.cursors.contains_key(room) {
                return;
            }
            let answered = following.follow(&self.model, room, None);
            if answered.is_err() {
                person.end_following();
            }
            if answered != Err(EXPIRED.to_owned()) {
                return Answer::framed(answered).check(expected);
            }
        }
    }

    fn unfollow(&mut self, who: User) {
        let person = self.people.get_mut(who).expect("everybody is there");
        let following = person.following(&self.server, &self.model);
        let Some(room) = following.cursors.keys().next().cloned() else {
            return;
        };
        if following.unfollow(&room).is_err() {
            person.end_following();
        }
    }

    fn intrude(&mut self, who: User, expired: bool) {
        let (token, code) = match expired {
            true => (self.expired.as_str(), EXPIRED),
            false => ("not.a.token", "TOKEN_INVALID"),
        };
        let bearer = format!("Bearer {token}");
        let path = format!("/api/v1/rooms/{who}");
        let headers = [("Authorization", bearer.as_str())];
        Answer::of(&http::get(self.server.address(), &path, &headers)).check(Err(code));
    }

    /// What is done to a room or an inbox, and has no answer but that it is done.
    fn manage(&mut self, door: Door, who: User, op: &Op) {
        let said = match (door, op) {
            (Door::Json, Op::Join { room }) => {
                self.say(who, &json!({"type": "join", "room": room}))
            }
            // Asked twice it would not be the same.
            (Door::Json, Op::Leave { room }) if !self.is_brief(who, door) => {
                self.say(who, &json!({"type": "leave", "room": room}))
            }
            _ => None,
        };
        let answer = said.unwrap_or_else(|| {
            let (method, path, body) = super::paths::of(who, op);
            self.rest(who, method, &path, &body)
        });
        let expected = self.manage_in_model(who, op, &answer);
        answer.check(expected);
    }

    fn manage_in_model(&mut self, who: User, op: &Op, answer: &Answer) -> Told<()> {
        let model = &mut self.model;
        match op {
            Op::ReadNotification { seq: 0 } | Op::DeleteNotification { seq: 0 } => {
                Err("PARAMETER_INVALID")
            }
            Op::Join { room } => model.join(who, room),
            Op::Leave { room } => model.leave(who, room),
            Op::Rename { room, title } => model.rename(who, room, title),
            Op::DeleteRoom { room } => model.delete_room(who, room),
            Op::Add { room, users, role } => {
                let added = model.add(who, room, users, *role)?;
                assert_eq!(answer.body["added"], json!(added), "{answer:?}");
                Ok(())
            }
            // The host passes over who does not belong to it.
            Op::Remove { room, user } => match model.remove(who, room, user) {
                Err("MEMBER_NOT_FOUND") if who == HOST => Ok(()),
                told => told,
            },
            Op::SetRole { room, user, role } => model.set_role(who, room, user, *role),
            Op::Claim { room } => model.claim(who, room),
            Op::Release { room } => model.release(who, room),
            Op::Complete { room } => model.complete(who, room),
            Op::HandOver { room, to } => model.hand_over(who, room, to),
            Op::Notify {
                users,
                content,
                data,
            } => {
                model.notify(users, content, data);
                Ok(())
            }
            Op::ReadNotification { seq } => model.handle(who, *seq, false, Handling::Read),
            Op::DeleteNotification { seq } => model.handle(who, *seq, false, Handling::Delete),
            Op::ReadNotifications { up_to } => model.handle(who, *up_to, true, Handling::Read),
            other => panic!("{other:?} is not managed"),
        }
    }
}

fn made(answer: &Answer) -> Made {
    let (epoch, _) = shape::position(&answer.body["head"]["position"]);
    let id = answer.body["id"].as_str().expect("an id").to_owned();
    Made { id, epoch }
}

//! Sending, editing and deleting through every door, on the server and on the model.

use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::draw::OLD;
use super::json_shape as shape;
use super::live::EXPIRED;
use super::paths::encoded;
use super::run::{Answer, REVISE_SECONDS, Run};
use super::step::Door;
use super::truth::{Age, Body, Made, Sent, Told, User};

const REVISE_MICROS: i64 = REVISE_SECONDS * 1_000_000;

/// Longest text, in bytes.
const TEXT_BYTES_MAX: usize = 16_384;

/// Something that goes into a room's log.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub(super) who: User,
    pub(super) room: String,
    /// Which message it changes.
    pub(super) target: Option<u64>,
    /// What is said; of a deletion nothing.
    pub(super) body: Option<Body>,
    pub(super) client_id: Option<String>,
}

impl Draft {
    fn check(&self, door: Door) -> Told<()> {
        if door == Door::Rest && self.target == Some(0) {
            return Err("PARAMETER_INVALID");
        }
        let is_sound = self.body.as_ref().is_none_or(|body| {
            let says_something = !body.text.is_empty() || body.data.is_some();
            says_something && body.text.len() <= TEXT_BYTES_MAX
        });
        is_sound.then_some(()).ok_or("MESSAGE_INVALID")
    }

    /// The members that every door's JSON has.
    fn said(&self) -> Value {
        let mut said = json!({});
        if let Some(body) = &self.body {
            said["text"] = json!(body.text);
            if let Some(data) = &body.data {
                said["data"] = data.clone();
            }
        }
        said
    }

    fn json(&self) -> Value {
        let mut command = self.said();
        command["room"] = json!(self.room);
        command["type"] = json!(match (self.target, &self.body) {
            (None, _) => "send",
            (Some(_), Some(_)) => "edit",
            (Some(_), None) => "delete",
        });
        if let Some(target) = self.target {
            command["seq"] = json!(target);
        }
        if let Some(id) = &self.client_id {
            command["clientId"] = json!(id);
        }
        command
    }

    fn rest(&self) -> (&'static str, String, Value) {
        let path = format!("/api/v1/rooms/{}/messages", self.room);
        let mut body = self.said();
        if let Some(id) = &self.client_id {
            body["clientId"] = json!(id);
        }
        match (self.target, &self.body) {
            (None, _) => ("POST", path, body),
            (Some(target), Some(_)) => ("PATCH", format!("{path}/{target}"), body),
            (Some(target), None) => {
                let id = self.client_id.as_deref().map(encoded);
                let named = id.map(|id| format!("?clientId={id}")).unwrap_or_default();
                ("DELETE", format!("{path}/{target}{named}"), Value::Null)
            }
        }
    }

    fn frame(&self) -> (String, String) {
        let mut head = format!("SEND\ndestination:/rooms/{}", self.room);
        if let Some(target) = self.target {
            let name = if self.body.is_some() {
                "edit-seq"
            } else {
                "delete-seq"
            };
            head.push_str(&format!("\n{name}:{target}"));
        }
        if let Some(id) = &self.client_id {
            head.push_str(&format!("\nclient-id:{id}"));
        }
        (head, self.said().to_string())
    }
}

impl Run {
    /// Sends, edits or deletes.
    pub(super) fn put(&mut self, door: Door, mut draft: Draft) {
        if draft.client_id.is_none() && self.is_brief(draft.who, door) {
            // The connection may end before the answer: then it is asked again.
            draft.client_id = Some(format!("brief-{}", self.number));
        }
        let at = self.sent_at(&draft);
        self.await_age(&draft, at);
        let before = now();
        let answer = self.ask(door, &draft);
        let age = age(at, before, now(), &answer);
        let expected = draft.check(door);
        let expected = expected.and_then(|()| self.put_in_model(door, &draft, age, &answer));
        answer.check(expected.map(drop));
        if let Ok(sent) = expected {
            self.check_sent(&draft, sent, &answer);
        }
    }

    fn put_in_model(&mut self, door: Door, draft: &Draft, age: Age, answer: &Answer) -> Told<Sent> {
        let (who, room) = (draft.who, draft.room.as_str());
        let opens = door == Door::Json && room == who && draft.target.is_none();
        if opens && self.model.room(room).is_err() {
            let (epoch, _) = shape::position(&answer.body["position"]);
            let id = room.to_owned();
            self.model.open_support(who, &Made { id, epoch });
        }
        let client_id = draft.client_id.as_deref();
        match (draft.target, &draft.body) {
            (None, Some(body)) => self.model.send(who, room, body, client_id),
            (None, None) => Err("BODY_INVALID"),
            (Some(target), body) => {
                self.model
                    .revise(who, room, target, body.as_ref(), (client_id, age))
            }
        }
    }

    fn ask(&mut self, door: Door, draft: &Draft) -> Answer {
        let answer = match door {
            Door::Rest => Some(self.post(draft)),
            Door::Json => self.say(draft.who, &draft.json()),
            Door::Stomp => {
                let (head, body) = draft.frame();
                self.frame(draft.who, &head, &body)
            }
        };
        answer.unwrap_or_else(|| self.post_again(draft))
    }

    fn post(&self, draft: &Draft) -> Answer {
        let (method, path, body) = draft.rest();
        self.rest(draft.who, method, &path, &body)
    }

    /// As the connection ended before the answer; which of both was the first is not known.
    fn post_again(&mut self, draft: &Draft) -> Answer {
        let opens = draft.room == draft.who && draft.target.is_none();
        if opens && self.model.room(&draft.room).is_err() && draft.check(Door::Json).is_ok() {
            // As the JSON door does.
            let opened = self.rest(
                draft.who,
                "POST",
                "/api/v1/rooms",
                &json!({"kind": "support"}),
            );
            opened.check(Ok(()));
        }
        let mut draft = draft.clone();
        // No path names the message 0, which is not there either.
        draft.target = draft
            .target
            .map(|seq| if seq == 0 { u64::from(u32::MAX) } else { seq });
        Answer {
            status: None,
            ..self.post(&draft)
        }
    }

    fn check_sent(&self, draft: &Draft, sent: Sent, answer: &Answer) {
        let room = &self.model.rooms[&draft.room];
        let body = &answer.body;
        if let (Some(status), None) = (answer.status, draft.target) {
            assert_eq!(status == 200, sent.repeat, "{answer:?}");
        }
        let shown = if body["type"] == "ack" {
            sent.seq
        } else if body.get("roomId").is_some() {
            // Of an edit the message as it reads now.
            let shown = draft.target.unwrap_or(sent.seq);
            let entry = room.entry(shown).expect("it is there");
            assert_eq!(shape::entry(body), entry.shown(shown));
            shown
        } else {
            // Receipts and deletions name nothing.
            return;
        };
        assert_eq!(body["seq"], json!(shown), "{answer:?}");
        assert_eq!(
            body["position"],
            json!(format!("{}-{shown}", room.epoch)),
            "{answer:?}"
        );
    }

    /// When the message that is to change was sent, in microseconds.
    fn sent_at(&self, draft: &Draft) -> Option<i64> {
        let room = self.model.rooms.get(&draft.room)?;
        let target = draft.target.filter(|seq| room.entry(*seq).is_some())?;
        let path = format!("/api/v1/rooms/{}/messages/{target}", room.id);
        let message = self.people["root"].rest.get(&path);
        Some(shape::micros(&message["sentAt"]))
    }

    /// Nothing but time makes a message old: a step that is about an old one waits until it is.
    fn await_age(&self, draft: &Draft, at: Option<i64>) {
        let Some(at) = at else { return };
        let room = self.model.rooms.get(&draft.room);
        let entry = room.and_then(|room| room.entry(draft.target?));
        if entry.is_some_and(|entry| self.number - entry.step >= OLD) {
            let left = at + REVISE_MICROS + 1 - now();
            thread::sleep(Duration::from_micros(left.max(0).unsigned_abs()));
        }
    }

    /// Several at once through the JSON door.
    pub(super) fn burst(&mut self, who: User, room: &str, texts: &[String]) {
        let draft = |(at, text): (usize, &String)| Draft {
            who,
            room: room.to_owned(),
            target: None,
            body: Some(Body::text(text)),
            client_id: Some(format!("burst-{}-{at}", self.number)),
        };
        let drafts: Vec<_> = texts.iter().enumerate().map(draft).collect();
        let answers = self.say_all(who, drafts.iter().map(Draft::json).collect());
        let answers = answers.unwrap_or_else(|| {
            let answers = drafts.iter().map(|draft| self.post_again(draft));
            answers.collect()
        });
        for (draft, answer) in drafts.iter().zip(answers) {
            let expected = self.put_in_model(Door::Json, draft, Age::Fresh, &answer);
            answer.check(expected.map(drop));
            if let Ok(sent) = expected {
                self.check_sent(draft, sent, &answer);
            }
        }
    }

    /// Hangs up before the answer, and asks again: it is there once.
    pub(super) fn cut(&mut self, door: Door, draft: &Draft) {
        let room = self.model.room(&draft.room);
        if room.is_ok_and(|room| room.support.is_none()) {
            self.abandon(door, draft);
        }
        // A support room may be made anew under its name: what was on its way would be new there.
        let answer = Answer {
            status: None,
            ..self.post(draft)
        };
        self.put_at_last(draft, &answer);
    }

    /// The process is killed while something is on its way; it is asked again and is there once.
    pub(super) fn crash_while(&mut self, draft: &Draft) {
        self.abandon(Door::Json, draft);
        self.server.kill9();
        self.server.restart();
        let answer = Answer {
            status: None,
            ..self.post(draft)
        };
        self.put_at_last(draft, &answer);
    }

    fn put_at_last(&mut self, draft: &Draft, answer: &Answer) {
        let expected = self.put_in_model(Door::Rest, draft, Age::Fresh, answer);
        answer.check(expected.map(drop));
        if let Ok(sent) = expected {
            self.check_sent(draft, sent, answer);
        }
    }

    fn abandon(&mut self, door: Door, draft: &Draft) {
        let person = self.people.get_mut(draft.who).expect("everybody is there");
        match door {
            Door::Rest => {
                let (method, path, body) = draft.rest();
                person.rest.abandon(method, &path, &body);
            }
            Door::Json => {
                person.talking(&self.server, &self.model).say(&draft.json());
                person.hang_up();
            }
            Door::Stomp => {
                let (head, body) = draft.frame();
                person
                    .following(&self.server, &self.model)
                    .say(&head, &body);
                person.end_following();
            }
        }
    }

    /// Through the JSON door. `None` when the token has run out before the answer.
    pub(super) fn say(&mut self, who: User, command: &Value) -> Option<Answer> {
        self.say_all(who, vec![command.clone()])?.pop()
    }

    fn say_all(&mut self, who: User, commands: Vec<Value>) -> Option<Vec<Answer>> {
        let person = self.people.get_mut(who).expect("everybody is there");
        let talking = person.talking(&self.server, &self.model);
        let Ok(answers) = talking.ask(commands) else {
            person.hang_up();
            return None;
        };
        Some(answers.into_iter().map(Answer::said).collect())
    }

    /// Over STOMP. `None` when the token has run out before the answer.
    fn frame(&mut self, who: User, head: &str, body: &str) -> Option<Answer> {
        let person = self.people.get_mut(who).expect("everybody is there");
        let answered = person.following(&self.server, &self.model).ask(head, body);
        if answered.is_err() {
            person.end_following();
        }
        (answered != Err(EXPIRED.to_owned())).then(|| Answer::framed(answered))
    }

    /// Whether the connection may end at any time.
    pub(super) fn is_brief(&self, who: User, door: Door) -> bool {
        let person = &self.people[who];
        match door {
            Door::Rest => false,
            Door::Json => person.talks_briefly,
            Door::Stomp => person.follows_briefly,
        }
    }
}

/// Now, in microseconds.
fn now() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970");
    i64::try_from(since.as_micros()).expect("before 292277")
}

/// Whether a message was too old when the server was asked. Where that fell between asking and being
/// answered, only the server knows.
fn age(at: Option<i64>, asked: i64, answered: i64, answer: &Answer) -> Age {
    let Some(at) = at else { return Age::Fresh };
    let is_late = match (asked - at > REVISE_MICROS, answered - at > REVISE_MICROS) {
        (false, true) => answer.code.as_deref() == Some("TOO_LATE"),
        (late, _) => late,
    };
    if is_late { Age::Late } else { Age::Fresh }
}

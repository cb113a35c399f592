//! A run: steps against the real server and the model, one after the other.

use std::collections::{BTreeMap, VecDeque};
use std::thread;
use std::time::Instant;

use madang_e2e::PATIENCE;
use madang_e2e::http::{Response, Rest};
use madang_e2e::json::Json;
use madang_e2e::server::TestServer;
use serde_json::{Value, json};

use super::compare;
use super::draft::Draft;
use super::draw::{Drawer, NEW};
use super::filler::Filler;
use super::live::EXPIRED;
use super::person::{Person, token};
use super::step::Step;
use super::truth::{Body, HOST, Model, PEOPLE, User};
use crate::dice::Dice;

/// Steps that a failure tells.
const TOLD: usize = 40;
/// Characters of a step that are told.
const LINE: usize = 300;

/// For how long a sender may change a message.
pub(super) const REVISE_SECONDS: i64 = 3;

/// The last steps, printed when the run fails.
#[derive(Default)]
struct Diary(VecDeque<String>);

impl Diary {
    fn note(&mut self, mut line: String) {
        if let Some((at, _)) = line.char_indices().nth(LINE) {
            line.truncate(at);
        }
        if self.0.len() == TOLD {
            self.0.pop_front();
        }
        self.0.push_back(line);
    }
}

impl Drop for Diary {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("--- the last steps");
            self.0.iter().for_each(|line| eprintln!("{line}"));
        }
    }
}

pub(super) struct Run {
    pub(super) server: TestServer,
    pub(super) model: Model,
    pub(super) dice: Dice,
    pub(super) people: BTreeMap<User, Person>,
    pub(super) host: Rest,
    /// A token that has run out.
    pub(super) expired: String,
    filler: Filler,
    pub(super) number: usize,
    diary: Diary,
}

impl Run {
    pub(super) fn new(seed: u64) -> Self {
        let server = TestServer::builder()
            .env("MADANG_MESSAGES__REVISE_SECONDS", REVISE_SECONDS)
            .env("MADANG_DESK__OVERDUE_SECONDS", 0)
            .start();
        let key = server.run(&["api-key", "add", HOST, "--scope", "all"]);
        let host = Rest::host(server.address(), key.trim());
        let people = PEOPLE
            .iter()
            .map(|(who, _)| (*who, Person::new(&server, who)));
        let mut run = Self {
            people: people.collect(),
            host,
            expired: token(&server, "kim", "1s"),
            filler: Filler::new(&server),
            model: Model::default(),
            dice: Dice::new(seed, 0, 0),
            number: 0,
            diary: Diary::default(),
            server,
        };
        run.introduce();
        run
    }

    /// Everybody is known by name, and as what they come, before anything happens: that is kept soon, not
    /// at once.
    fn introduce(&mut self) {
        let mut intruder = Json::open(self.server.address());
        intruder.say(&json!({"type": "auth", "token": self.expired}));
        let ended = intruder.next_of("error");
        assert_eq!(ended["error"]["code"], EXPIRED, "{ended}");
        for (who, _) in PEOPLE {
            drop(self.people[who].rest.get("/api/v1/rooms"));
        }
        let deadline = Instant::now() + PATIENCE;
        for (who, _) in PEOPLE {
            while !compare::is_known(self, who) {
                assert!(Instant::now() < deadline, "{who} is not known");
            }
        }
    }

    /// One step, and everything that follows of it.
    pub(super) fn step(&mut self) {
        let step = self.draw();
        self.diary.note(format!("{}: {step:?}", self.number));
        self.carry_out(&step);
        self.catch_up();
    }

    fn draw(&mut self) -> Step {
        self.number += 1;
        self.model.begin(self.number);
        let mut drawer = Drawer {
            dice: &mut self.dice,
            model: &self.model,
            number: self.number,
        };
        drawer.step()
    }

    /// Everybody has been shown all that there is.
    pub(super) fn catch_up(&mut self) {
        for person in self.people.values_mut() {
            person.catch_up(&self.server, &self.model);
        }
    }

    /// Nothing else was shown to anybody.
    pub(super) fn fence(&mut self) {
        for person in self.people.values_mut() {
            person.fence(&self.server, &self.model);
        }
    }

    /// The process is killed while somebody sends, and started again; everybody comes back.
    pub(super) fn crash(&mut self) {
        self.diary.note(format!("{}: SIGKILL", self.number));
        let sender = PEOPLE[self.dice.below(PEOPLE.len())].0;
        let own = self.model.rooms_of(sender);
        let room = own.get(self.dice.below(own.len().max(1)));
        let room = room.map_or("none".to_owned(), |room| room.id.clone());
        self.crash_while(&Draft {
            who: sender,
            room,
            target: None,
            body: Some(Body::text(format!("on its way {}", self.number))),
            client_id: Some(format!("crash-{}", self.number)),
        });
        self.let_time_pass();
        for person in self.people.values_mut() {
            person.come_back(&self.server, &self.model);
        }
        self.catch_up();
    }

    /// What was written so far is old from now on.
    pub(super) fn age(&mut self) {
        self.diary
            .note(format!("{}: what was written is old now", self.number));
        self.filler.fill(&self.server);
        self.let_time_pass();
    }

    /// Somebody.
    pub(super) fn person(&mut self, who: User) -> &mut Person {
        self.people.get_mut(who).expect("everybody is there")
    }

    /// What was written a step ago may not be new any more.
    fn let_time_pass(&mut self) {
        self.number += NEW;
    }

    /// What there was in the end.
    pub(super) fn summary(&self) -> String {
        let entries: usize = self.model.rooms.values().map(|room| room.log.len()).sum();
        let (rooms, gone) = (self.model.rooms.len(), self.model.gone.len());
        let desk = self.model.desk.len();
        format!("{rooms} rooms with {entries} entries, {gone} gone; {desk} entries of the desk")
    }

    /// A REST call by a person or by the host.
    pub(super) fn rest(&self, who: User, method: &str, path: &str, body: &Value) -> Answer {
        let rest = match who {
            HOST => &self.host,
            _ => &self.people[who].rest,
        };
        Answer::of(&rest.call(method, path, body))
    }
}

/// What the server answers.
#[derive(Debug)]
pub(super) struct Answer {
    /// Of REST.
    pub(super) status: Option<u16>,
    /// Why not.
    pub(super) code: Option<String>,
    pub(super) body: Value,
}

impl Answer {
    pub(super) fn of(response: &Response) -> Self {
        let body = match response.body.is_empty() {
            true => Value::Null,
            false => response.json(),
        };
        let code = body["code"].as_str().filter(|_| response.status >= 400);
        Self {
            status: Some(response.status),
            code: code.map(str::to_owned),
            body,
        }
    }

    /// Of the JSON door.
    pub(super) fn said(event: Value) -> Self {
        let code = event["error"]["code"].as_str().map(str::to_owned);
        assert_eq!(event["type"] == "error", code.is_some(), "{event}");
        Self {
            status: None,
            code,
            body: event,
        }
    }

    /// Of STOMP.
    pub(super) fn framed(answered: Result<(), String>) -> Self {
        Self {
            status: None,
            code: answered.err(),
            body: json!({}),
        }
    }

    /// Checks that it is refused with this code, or done when there is none.
    pub(super) fn check(&self, expected: Result<(), &str>) {
        assert_eq!(self.code.as_deref(), expected.err(), "{self:?}");
        if let Some(status) = self.status {
            let fits = match self.code.as_deref() {
                None => (200..300).contains(&status),
                Some(code) => status == status_of(code),
            };
            assert!(fits, "{self:?}");
        }
    }
}

/// As the registry has it.
fn status_of(code: &str) -> u16 {
    match code {
        "TOKEN_EXPIRED" | "TOKEN_INVALID" | "AUTHENTICATION_REQUIRED" => 401,
        "ROOM_NOT_FOUND"
        | "MESSAGE_NOT_FOUND"
        | "MEMBER_NOT_FOUND"
        | "AGENT_NOT_FOUND"
        | "NOTIFICATION_NOT_FOUND" => 404,
        "ROOM_TAKEN" | "ROOM_NOT_WAITING" => 409,
        "MESSAGE_INVALID" | "BODY_INVALID" | "PARAMETER_INVALID" => 400,
        "NOT_YOUR_ROOM" | "ROLE_REQUIRED" | "TOO_LATE" | "AGENTS_ONLY" => 403,
        other => panic!("{other} is not expected here"),
    }
}

//! SIGKILL between uploading a picture, a room's taking it, and its letting go of it.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::net::SocketAddr;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use madang_e2e::PATIENCE;
use madang_e2e::http::{self, Response, Rest};
use madang_e2e::server::TestServer;
use serde_json::{Value, json};

use super::{PICTURES, PNG, link};
use crate::dice::{Dice, count, seed};

const ROOMS: &str = "/api/v1/rooms";
const PEOPLE: usize = 4;
/// What all people together do between two kills; drawn anew each time.
const DONE: std::ops::Range<usize> = 20..150;
/// Rooms that a person has at most, less than a page.
const ROOMS_MAX: usize = 40;

/// Somebody who uploads, and makes, changes and ends rooms, until the server is gone.
struct Person {
    address: SocketAddr,
    token: String,
    dice: Dice,
    /// Uploads that no room has taken as far as is known.
    links: Vec<String>,
    rooms: Vec<String>,
}

impl Person {
    fn new(server: &TestServer, seed: u64, number: usize) -> Self {
        Self {
            address: server.address(),
            token: server.token(&format!("user{number}"), "user"),
            dice: Dice::new(seed, 0, number),
            links: Vec::new(),
            rooms: Vec::new(),
        }
    }

    fn act_until_the_server_is_gone(&mut self, done: &Sender<()>) {
        while self.act().is_ok() {
            // Once enough is done, nobody counts any more.
            let _ = done.send(());
        }
    }

    fn act(&mut self) -> io::Result<()> {
        match self.dice.below(9) {
            0..=3 => self.upload()?,
            4 | 5 if self.rooms.len() < ROOMS_MAX => self.make_room()?,
            6 | 7 if !self.rooms.is_empty() => {
                let room = self.dice.below(self.rooms.len());
                let path = format!("{ROOMS}/{}", self.rooms[room]);
                let body = json!({"picture": self.any_link()});
                let changed = self.call("PATCH", &path, &body)?;
                self.was_done(&changed);
            }
            _ if !self.rooms.is_empty() => {
                let room = self.dice.below(self.rooms.len());
                let path = format!("{ROOMS}/{}", self.rooms.swap_remove(room));
                let ended = self.call("DELETE", &path, &Value::Null)?;
                assert_eq!(ended.status, 204, "{}", ended.text());
            }
            _ => {}
        }
        Ok(())
    }

    fn upload(&mut self) -> io::Result<()> {
        let uploaded = self.send("POST", PICTURES, "image/png", PNG)?;
        self.links.push(link(&uploaded));
        Ok(())
    }

    fn make_room(&mut self) -> io::Result<()> {
        let body = json!({"kind": "group", "picture": self.any_link()});
        let made = self.call("POST", ROOMS, &body)?;
        if self.was_done(&made) {
            let id = made.json()["id"].as_str().unwrap().to_owned();
            self.rooms.push(id);
        }
        Ok(())
    }

    /// One of those uploaded, or none.
    fn any_link(&mut self) -> Option<String> {
        if self.links.is_empty() {
            return None;
        }
        let any = self.dice.below(self.links.len());
        Some(self.links.swap_remove(any))
    }

    /// An upload of before a kill may have been taken, or be too old.
    fn was_done(&self, answer: &Response) -> bool {
        if answer.status == 400 {
            assert_eq!(answer.json()["code"], "BODY_INVALID");
            return false;
        }
        assert!(answer.status < 300, "{}", answer.text());
        true
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> io::Result<Response> {
        let body = match body {
            Value::Null => Vec::new(),
            body => body.to_string().into_bytes(),
        };
        self.send(method, path, "application/json", &body)
    }

    fn send(&self, method: &str, path: &str, kind: &str, body: &[u8]) -> io::Result<Response> {
        let token = format!("Bearer {}", self.token);
        let headers = [("Authorization", token.as_str()), ("Content-Type", kind)];
        http::try_send(self.address, method, path, &headers, body)
    }

    /// Learns which rooms there are; answers the pictures that they show.
    fn look(&mut self) -> Vec<String> {
        let rest = Rest::of(self.address, &self.token);
        let list = rest.get(&format!("{ROOMS}?limit=200"));
        assert_eq!(list["next"], Value::Null, "all of them");
        let rooms = list["rooms"].as_array().unwrap();
        let text = |room: &Value, name| room[name].as_str().map(str::to_owned);
        self.rooms = rooms.iter().filter_map(|room| text(room, "id")).collect();
        let pictures = rooms.iter().filter_map(|room| text(room, "picture"));
        pictures.collect()
    }
}

/// The names of all files where uploads are kept.
fn files(server: &TestServer) -> BTreeSet<String> {
    let folder = server.data().join("pictures/uploads");
    let files = fs::read_dir(folder).unwrap();
    let name = |file: io::Result<fs::DirEntry>| file.unwrap().file_name().into_string().unwrap();
    files.map(name).collect()
}

/// Makes them so old that no room may take them, and the sweep looks at them.
fn age(server: &TestServer) {
    let then = SystemTime::now() - Duration::from_secs(25 * 60 * 60);
    for name in files(server) {
        let path = server.data().join("pictures/uploads").join(name);
        let file = File::options().write(true).open(path).unwrap();
        file.set_modified(then).unwrap();
    }
}

/// What rooms show, all of which is there.
fn shown(server: &TestServer, people: &mut [Person]) -> BTreeSet<String> {
    let links: Vec<_> = people.iter_mut().flat_map(Person::look).collect();
    for link in &links {
        let picture = http::get(server.address(), link, &[]);
        assert_eq!(picture.status, 200, "{link}");
        assert_eq!(picture.body, PNG);
    }
    let keys = links
        .iter()
        .map(|link| link["/pictures/".len()..].to_owned());
    let distinct: BTreeSet<_> = keys.collect();
    assert_eq!(distinct.len(), links.len(), "each has its own");
    distinct
}

#[test]
fn kill_9_leaves_no_room_without_its_picture_and_the_sweep_leaves_only_theirs() {
    let seed = seed();
    let mut dice = Dice::new(seed, 1, 0);
    let mut server = TestServer::builder()
        .flag("--pictures-per-user-per-day-max", 0)
        .start();
    let mut people: Vec<_> = (0..PEOPLE)
        .map(|number| Person::new(&server, seed, number))
        .collect();
    for round in 1..=count("MADANG_E2E_ROUNDS", 6) {
        let until = DONE.start + dice.below(DONE.len());
        thread::scope(|scope| {
            let (done, acts) = channel();
            for person in &mut people {
                let done = done.clone();
                scope.spawn(move || person.act_until_the_server_is_gone(&done));
            }
            for _ in 0..until {
                acts.recv_timeout(PATIENCE).expect("something is done");
            }
            server.kill9();
        });
        // What is there by now the sweep at the start meets, while rooms want to take it.
        if dice.once_in(2) {
            age(&server);
        }
        server.restart();
        let shown = shown(&server, &mut people).len();
        eprintln!("round {round}: killed after {until} acts; {shown} rooms with pictures");
    }
    // One at least that is used, and one that is not.
    people[0].links.clear();
    people[0].upload().unwrap();
    people[0].make_room().unwrap();
    people[0].upload().unwrap();
    server.kill9();
    age(&server);
    server.restart();
    let used = shown(&server, &mut people);
    let deadline = Instant::now() + PATIENCE;
    while files(&server) != used {
        assert!(Instant::now() < deadline, "{used:?}, {:?}", files(&server));
        thread::sleep(Duration::from_millis(20));
    }
    assert!(!used.is_empty(), "some rooms have pictures");
    assert_eq!(shown(&server, &mut people), used);
}

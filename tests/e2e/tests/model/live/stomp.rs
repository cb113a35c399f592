//! STOMP over WebSocket: subscriptions to rooms and to the desk's feed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;

use madang_e2e::PATIENCE;
use madang_e2e::stomp::{Arrival, Frame, Stomp};

use super::super::json_shape as shape;
use super::super::shown::{Cursor, check_entry};
use super::super::truth::{Model, User, entry_in};

/// The desk's feed, among the rooms of [`Following::cursors`].
pub(in super::super) const DESK: &str = "/sub/desk";

/// A session, and how far its subscriptions have come: by room, which is the subscription's id.
pub(in super::super) struct Following {
    who: User,
    peer: Stomp,
    pub(in super::super) cursors: BTreeMap<String, Option<Cursor>>,
    resets: Vec<String>,
    /// Subscriptions that the server has ended: their ids are free once they are unsubscribed.
    over: BTreeSet<String>,
    waiting: VecDeque<Frame>,
    receipts: u32,
}

/// What a frame was answered with: nothing, or the code of the ERROR that ended the session.
pub(in super::super) type Answered = Result<(), String>;

impl Following {
    pub(in super::super) fn open(
        address: SocketAddr,
        token: &str,
        who: User,
    ) -> Result<Self, String> {
        let mut session = Self {
            who,
            peer: Stomp::open(address),
            cursors: BTreeMap::new(),
            resets: Vec::new(),
            over: BTreeSet::new(),
            waiting: VecDeque::new(),
            receipts: 0,
        };
        let connect = "CONNECT\naccept-version:1.2\nhost:x";
        session
            .peer
            .send(format!("{connect}\nAuthorization:Bearer {token}\n\n\0"));
        let connected = session.next()?;
        assert_eq!(connected.command, "CONNECTED", "{connected:?}");
        Ok(session)
    }

    /// Sends a frame without its receipt header and waits for its answer.
    pub(in super::super) fn ask(&mut self, head: &str, body: &str) -> Answered {
        let id = self.say(head, body);
        loop {
            match self.next() {
                Ok(frame) if frame.get("receipt-id") == Some(&id) => return Ok(()),
                Ok(frame) => self.waiting.push_back(frame),
                Err(code) => return Err(code),
            }
        }
    }

    /// Sends a frame whose answer is not waited for.
    pub(in super::super) fn say(&mut self, head: &str, body: &str) -> String {
        self.receipts += 1;
        let id = format!("r{}", self.receipts);
        self.peer.send(format!("{head}\nreceipt:{id}\n\n{body}\0"));
        id
    }

    /// Subscribes to a room, or to the desk: from now on, or behind a place.
    pub(in super::super) fn follow(
        &mut self,
        model: &Model,
        room: &str,
        since: Option<&Cursor>,
    ) -> Answered {
        if self.over.remove(room) {
            self.ask(&format!("UNSUBSCRIBE\nid:{room}"), "")?;
        }
        let destination = match room {
            DESK => DESK.to_owned(),
            _ => format!("/rooms/{room}"),
        };
        let since_header = since.map(|at| format!("\nsince:{}", at.text()));
        let since_header = since_header.unwrap_or_default();
        let head = format!("SUBSCRIBE\nid:{room}\ndestination:{destination}{since_header}");
        self.ask(&head, "")?;
        let begun = match (since, model.rooms.get(room)) {
            // In which life it is shows with the first entry.
            (None, None) if room == DESK => Some(Cursor {
                epoch: String::new(),
                seq: model.desk.len() as u64,
            }),
            (Some(at), Some(now)) if at.epoch != now.epoch => {
                self.resets.push(room.to_owned());
                None
            }
            (Some(at), _) => Some(at.clone()),
            (None, Some(now)) => Some(Cursor {
                epoch: now.epoch.clone(),
                seq: now.last(),
            }),
            (None, None) => None,
        };
        self.cursors.insert(room.to_owned(), begun);
        Ok(())
    }

    pub(in super::super) fn unfollow(&mut self, room: &str) -> Answered {
        self.cursors.remove(room);
        self.ask(&format!("UNSUBSCRIBE\nid:{room}"), "")
    }

    /// Whether everything was shown, and nothing besides.
    pub(in super::super) fn fence(&mut self, model: &Model) -> Answered {
        self.ask("SUBSCRIBE\nid:fence\ndestination:/topic/fence", "")?;
        self.ask("UNSUBSCRIBE\nid:fence", "")?;
        self.catch_up(model)
    }

    fn next(&mut self) -> Result<Frame, String> {
        loop {
            match self.peer.arrival_within(PATIENCE) {
                Some(Arrival::Frame(frame)) if frame.command == "ERROR" => {
                    let code = frame.need("code").to_owned();
                    self.peer.until_closed();
                    return Err(code);
                }
                Some(Arrival::Frame(frame)) => return Ok(frame),
                Some(Arrival::Beat) => {}
                Some(Arrival::Closed(code)) => panic!("{} is cut off with {code:?}", self.who),
                None => panic!("nothing comes to {}: {:?}", self.who, self.cursors),
            }
        }
    }

    /// Takes all that has to come. The error is the code of an ERROR that ended the session.
    pub(in super::super) fn catch_up(&mut self, model: &Model) -> Answered {
        loop {
            let frame = match self.waiting.pop_front() {
                Some(frame) => frame,
                None if self.is_complete(model) => return Ok(()),
                None => self.next()?,
            };
            self.take(model, &frame);
        }
    }

    fn take(&mut self, model: &Model, frame: &Frame) {
        assert_eq!(frame.command, "MESSAGE", "{frame:?}");
        let room = frame.need("subscription").to_owned();
        match frame.get("event") {
            Some("ended") => {
                assert!(model.readable(&room, self.who).is_err() || self.is_of_old(model, &room));
                self.cursors.remove(&room);
                self.over.insert(room);
            }
            Some("reset") => {
                let at = self.resets.iter().position(|one| *one == room);
                self.resets.swap_remove(at.expect("something is gone"));
                let mut begun = Cursor::at(&frame.json()["oldest"]);
                begun.seq -= 1;
                self.cursors.insert(room, Some(begun));
            }
            _ if room == DESK => self.desk_entry(model, frame),
            _ => self.message(model, &room, frame),
        }
    }

    fn is_of_old(&self, model: &Model, room: &str) -> bool {
        let cursor = self.cursors.get(room).and_then(Option::as_ref);
        let now = model.rooms.get(room);
        cursor.is_none_or(|at| now.is_none_or(|now| now.epoch != at.epoch))
    }

    fn message(&mut self, model: &Model, room: &str, frame: &Frame) {
        // After UNSUBSCRIBE was said, before it was heard: nothing was sent then.
        let cursor = self.cursors.get_mut(room);
        let cursor = cursor.unwrap_or_else(|| panic!("{} has no right to {frame:?}", self.who));
        let message = frame.json();
        let begun = cursor.as_mut().expect("a reset comes first");
        begun.take(&message["position"]);
        check_entry(model, &message);
        assert_eq!(message["position"], frame.need("position"));
    }

    fn desk_entry(&mut self, model: &Model, frame: &Frame) {
        let message = frame.json();
        let (epoch, seq) = shape::position(&message["position"]);
        let cursor = self.cursors.get_mut(DESK).and_then(Option::as_mut);
        let cursor = cursor.expect("the desk is followed");
        if cursor.epoch.is_empty() {
            cursor.epoch = epoch;
        }
        cursor.take(&message["position"]);
        let entry = entry_in(&model.desk, seq).expect("it is the desk's");
        assert_eq!(
            shape::entry(&message),
            entry.shown(seq),
            "in the desk's feed"
        );
    }

    fn is_complete(&self, model: &Model) -> bool {
        self.cursors.iter().all(|(room, cursor)| {
            if room == DESK {
                let seq = model.desk.len() as u64;
                return cursor.as_ref().is_some_and(|at| at.seq == seq);
            }
            let now = model.readable(room, self.who).ok();
            let there = now.zip(cursor.as_ref());
            there.is_some_and(|(now, at)| at.epoch == now.epoch && at.seq == now.last())
        })
    }
}

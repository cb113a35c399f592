//! What every door does.

use std::time::{Duration, Instant};

use madang_e2e::PATIENCE;
use madang_e2e::doors::{Arrival, Door, Endpoint, Farewell, Message, Peer, Start};

use super::fixture::{Room, builder, expect_texts, next, shared};

/// Messages of a crowd's talk.
const MANY: usize = 200;
/// Enough in all that neither the session's queue nor the sockets' buffers hold it.
const SLOW_MESSAGES: usize = 450;
const SLOW_TEXT_BYTES: usize = 15_000;
/// How far the sender is ahead of the reader beside the slow one.
const SLOW_STEP: usize = 25;
const DRAIN_SECONDS: u64 = 1;
/// Long enough for a request to be on its way.
const QUIET: Duration = Duration::from_millis(100);
/// What a busy machine may add to the drain window.
const DRAIN_GRACE: Duration = Duration::from_secs(6);

/// Numbered texts with all that an encoding could get wrong.
fn talk(from: usize, count: usize) -> Vec<String> {
    let odd = [
        "안녕하세요, 마당입니다",
        "\"quoted\" \\ and \\n is no line end",
        "two\nlines\r\nand a\ttab",
        "a:b\\c <script>&amp;</script> %0A",
        "\u{2028}\u{feff} 👩‍👩‍👧 한글",
        "data: x\n\nid: 1",
        "a[\"b\"] c[3000,\"x\"]",
    ];
    let numbers = from..from + count;
    numbers
        .map(|number| format!("{number} {}", odd[number % odd.len()]))
        .collect()
}

/// Connects, follows, sends, and sees one's own message come back.
pub(super) fn connects(door: &Door) {
    let server = shared(door);
    let room = Room::open(door, &server);
    let mut peer = room.enter(&server.endpoint(), Start::Now);
    peer.send(&room.id, "hello 마당")
        .expect("one's own room takes it");
    let message = next(&mut *peer);
    assert_eq!(message.text, "hello 마당");
}

/// A token that is none, no token, and a room of somebody else's.
pub(super) fn refuses(door: &Door) {
    let server = shared(door);
    let endpoint = server.endpoint();
    let room = Room::open(door, &server);
    assert_eq!(
        room.intrude(&endpoint, Some("not.a.token")).code,
        "TOKEN_INVALID"
    );
    assert_eq!(
        room.intrude(&endpoint, None).code,
        "AUTHENTICATION_REQUIRED"
    );
    let stranger = Room::open(door, &server);
    let refused = room.intrude(&endpoint, Some(&stranger.token));
    assert_eq!(refused.code, "NOT_YOUR_ROOM");
    let mut peer = stranger.connect(&endpoint);
    let refused = peer
        .send(&room.id, "let me in")
        .expect_err("no right to send");
    assert_eq!(refused.code, "NOT_YOUR_ROOM");
    assert!(room.kept(&endpoint).is_empty(), "nothing was stored");
}

/// SIGKILL right after the answers: what was answered is there.
pub(super) fn accepts_durably(door: &Door) {
    let mut server = builder(door).start();
    let room = Room::open(door, &server);
    let mut peer = room.connect(&server.endpoint());
    let texts = talk(0, 10);
    for text in &texts {
        peer.send(&room.id, text).expect("one's own room takes it");
    }
    server.kill9();
    server.restart();
    assert_eq!(room.kept(&server.endpoint()), texts);
}

/// Somebody else talks much; all of it comes, once, in order, as it was said.
pub(super) fn receives_in_order(door: &Door) {
    let server = shared(door);
    let room = Room::open(door, &server);
    let endpoint = server.endpoint();
    let mut peer = room.enter(&endpoint, Start::Now);
    let texts = talk(0, MANY);
    let sent = room.agent(&endpoint).send_all(&room.id, &texts);
    sent.expect("the agent may send");
    expect_texts(&mut *peer, &room.id, &texts);
    assert_nothing_more(&room, &server.endpoint(), &mut *peer);
}

/// Cut off, away, back: exactly what was missed, then the live stream.
pub(super) fn resumes(door: &Door) {
    let server = shared(door);
    let room = Room::open(door, &server);
    let endpoint = server.endpoint();
    let mut agent = room.agent(&endpoint);
    let mut peer = room.enter(&endpoint, Start::Now);
    agent.send_all(&room.id, &talk(0, 5)).expect("sent");
    let mut position = expect_texts(&mut *peer, &room.id, &talk(0, 5));
    for round in 1..3 {
        drop(peer);
        let missed = talk(round * 1000, 60);
        agent.send_all(&room.id, &missed).expect("sent");
        peer = room.enter(&endpoint, Start::After(&position));
        expect_texts(&mut *peer, &room.id, &missed);
        let live = talk(round * 1000 + 500, 5);
        agent.send_all(&room.id, &live).expect("sent");
        position = expect_texts(&mut *peer, &room.id, &live);
    }
    drop(peer);
    peer = room.enter(&endpoint, Start::After(&position));
    assert_nothing_more(&room, &endpoint, &mut *peer);
}

/// One who does not read delays nobody, and misses nothing once it reads.
pub(super) fn slow_reader(door: &Door) {
    let server = shared(door);
    let room = Room::open(door, &server);
    let endpoint = server.endpoint();
    let mut agent = room.agent(&endpoint);
    let mut quick = Follower::enter(door, &room, &endpoint);
    let mut slow = Follower::enter(door, &room, &endpoint);
    agent
        .send_all(&room.id, &["first".to_owned()])
        .expect("sent");
    quick.expect("first");
    slow.expect("first");
    let long = "가".repeat(SLOW_TEXT_BYTES / 3);
    let text = |number: usize| format!("{number} {long}");
    for step in 0..SLOW_MESSAGES / SLOW_STEP {
        let texts: Vec<_> = (0..SLOW_STEP)
            .map(|one| text(step * SLOW_STEP + one))
            .collect();
        agent.send_all(&room.id, &texts).expect("sent");
        texts.iter().for_each(|text| quick.expect(text));
    }
    for number in 0..SLOW_MESSAGES {
        slow.expect(&text(number));
    }
}

/// A reader who resumes: a client by requests that asks for nothing has no session after some
/// seconds.
struct Follower<'a> {
    door: &'a Door,
    room: &'a Room<'a>,
    endpoint: &'a Endpoint,
    peer: Box<dyn Peer>,
    last: Option<Message>,
}

impl<'a> Follower<'a> {
    fn enter(door: &'a Door, room: &'a Room<'a>, endpoint: &'a Endpoint) -> Self {
        Self {
            door,
            room,
            endpoint,
            peer: room.enter(endpoint, Start::Now),
            last: None,
        }
    }

    /// Checks that this comes next, numbered without a gap.
    fn expect(&mut self, text: &str) {
        loop {
            match (self.peer.next_within(PATIENCE), &self.last) {
                (Some(Arrival::Message(message)), last) => {
                    assert!(message.text == text, "not {} comes next", message.seq);
                    if let Some(last) = last {
                        assert_eq!(message.seq, last.seq + 1, "numbers have no gap");
                    }
                    self.last = Some(message);
                    return;
                }
                (Some(Arrival::Ended(_, _)), Some(last)) if self.door.expires => {
                    let start = Start::After(&last.position);
                    self.peer = self.room.enter(self.endpoint, start);
                }
                (other, _) => panic!("a message comes, not {other:?}"),
            }
        }
    }
}

/// Too much is refused with the documented code and harms nobody else.
pub(super) fn keeps_limits(door: &Door) {
    let server = shared(door);
    let room = Room::open(door, &server);
    let endpoint = server.endpoint();
    let mut beside = room.enter(&endpoint, Start::Now);
    let refused = room.connect(&endpoint).send_too_much(&room.id);
    assert_eq!(refused.code, "TOO_LARGE", "{refused:?}");
    assert!(refused.ended, "{refused:?}");
    if door.farewell == Farewell::CloseCode {
        assert_eq!(refused.close_code, Some(1009));
    }
    let refused = room.connect(&endpoint).subscribe_too_often();
    assert_eq!(refused.is_some(), door.subscribes);
    if let Some(refused) = refused {
        assert_eq!(refused.code, "TOO_MANY", "{refused:?}");
        if door.farewell == Farewell::CloseCode {
            assert_eq!(refused.close_code, Some(1008));
        }
    }
    assert_nothing_more(&room, &endpoint, &mut *beside);
}

/// SIGTERM: told to come back, within the window; back, nothing is missing.
pub(super) fn drains(door: &Door) {
    let builder = builder(door).env("MADANG_SERVER__DRAIN_SECONDS", DRAIN_SECONDS);
    let mut server = builder.start();
    let room = Room::open(door, &server);
    let mut agent = room.agent(&server.endpoint());
    let mut peer = room.enter(&server.endpoint(), Start::Now);
    agent.send_all(&room.id, &talk(0, 3)).expect("sent");
    let position = expect_texts(&mut *peer, &room.id, &talk(0, 3));
    // A client that receives by requests always has one waiting.
    assert_eq!(peer.next_within(QUIET), None);
    let begun = Instant::now();
    server.terminate();
    let end = peer.next_within(PATIENCE).expect("the client is told");
    let Arrival::Ended(code, close_code) = end else {
        panic!("nothing more comes, not {end:?}");
    };
    match door.farewell {
        Farewell::CloseCode => assert_eq!(close_code, Some(1012), "{code:?}"),
        Farewell::End => assert_eq!((code, close_code), (None, None)),
    }
    let window = Duration::from_secs(DRAIN_SECONDS) + DRAIN_GRACE;
    assert!(begun.elapsed() < window, "told after {:?}", begun.elapsed());
    drop((peer, agent));
    assert!(
        server.wait_exit().success(),
        "a drained server exits with success"
    );

    server.restart();
    let endpoint = server.endpoint();
    let mut agent = room.agent(&endpoint);
    agent.send_all(&room.id, &talk(10, 4)).expect("sent");
    let mut back = room.enter(&endpoint, Start::After(&position));
    expect_texts(&mut *back, &room.id, &talk(10, 4));
}

/// Checks that nothing more came: what the agent says now is the next.
fn assert_nothing_more(
    room: &Room<'_>,
    endpoint: &madang_e2e::doors::Endpoint,
    peer: &mut dyn Peer,
) {
    let fence = ["fence".to_owned()];
    let sent = room.agent(endpoint).send_all(&room.id, &fence);
    sent.expect("the agent may send");
    expect_texts(peer, &room.id, &fence);
}

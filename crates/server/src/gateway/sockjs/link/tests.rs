//! The state machine of a link, without a session: whatever the order in which requests come and
//! go, frames are neither lost nor repeated nor turned round while no receiver breaks off.

use std::future::{Future as _, poll_fn};
use std::pin::{Pin, pin};
use std::task::Context;

use axum::body::Body;
use hyper::body::Body as _;
use madang_wire::sockjs::{Receiver, append_quoted};
use proptest::collection::vec;
use proptest::prelude::*;
use tokio::sync::oneshot;

use super::super::super::stream::{BodyStream, Stream};
use super::super::response::{Coding, Response};
use super::*;

const OPTIONS: LinkOptions = LinkOptions {
    response_bytes_max: 60,
    inbox_bytes_max: 10 + 2 * MESSAGE_OVERHEAD,
    disconnect_delay: Duration::from_secs(5),
    revision: Revision::V1_0,
};

fn link() -> Link {
    Link::new(OPTIONS)
}

fn unit(text: &str) -> Vec<u8> {
    let mut unit = Vec::new();
    append_quoted(text.as_bytes(), &mut unit);
    unit.push(b'\n');
    unit
}

fn polling() -> (Attached, oneshot::Receiver<Vec<u8>>) {
    let (answer, body) = oneshot::channel();
    let receiver = Receiver::Xhr;
    (Attached::Polling { receiver, answer }, body)
}

fn streaming() -> (Attached, Body) {
    let (stream, body) = BodyStream::new();
    let stream = Stream::Body(stream);
    let coding = Coding::Bare;
    let response = Response::new(
        stream,
        Receiver::EventSource,
        OPTIONS.revision,
        coding,
        Vec::new(),
    );
    (Attached::Streaming(response), Body::new(body))
}

fn answered(mut body: oneshot::Receiver<Vec<u8>>) -> String {
    String::from_utf8(body.try_recv().expect("an answer")).unwrap()
}

fn opened() -> Link {
    let link = link();
    let (first, body) = polling();
    assert!(link.attach(first).is_ok());
    assert_eq!(answered(body), "o\n");
    link
}

fn refused(result: Result<(), Box<(Unattached, Attached)>>) -> String {
    let Err(refused) = result else {
        panic!("it is not refused");
    };
    String::from_utf8(refused.0.0).unwrap()
}

fn would_block(result: io::Result<usize>) -> bool {
    result.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

#[test]
fn a_second_receiver_is_told_of_the_first_and_changes_nothing() {
    let link = opened();
    let (first, body) = polling();
    assert!(link.attach(first).is_ok());
    let (second, _) = polling();
    let told = refused(link.attach(second));
    assert_eq!(told, r#"c[2010,"Another connection still open"]"#);
    assert_eq!(link.try_write(&unit("a")).unwrap(), 4);
    assert_eq!(answered(body), "a[\"a\"]\n");
}

#[test]
fn nothing_is_taken_while_nobody_receives() {
    let link = opened();
    assert!(would_block(link.try_write(&unit("a"))));
    let (poll, body) = polling();
    assert!(link.attach(poll).is_ok());
    assert_eq!(link.try_write(&unit("a")).unwrap(), 4);
    assert_eq!(answered(body), "a[\"a\"]\n");
    assert!(would_block(link.try_write(&unit("b"))));
}

#[test]
fn a_receiver_that_breaks_off_closes_the_session_for_whoever_asks_next() {
    let link = opened();
    let (poll, _) = polling();
    assert!(link.attach(poll).is_ok());
    link.interrupt();
    for _ in 0..2 {
        let (next, _) = polling();
        let told = refused(link.attach(next));
        assert_eq!(told, r#"c[1002,"Connection interrupted"]"#);
    }
    assert_eq!(link.try_read().unwrap(), 0);
    let error = link.try_write(&unit("a")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
}

#[test]
fn an_answer_that_nobody_waits_for_is_an_interruption() {
    let link = opened();
    let (poll, body) = polling();
    assert!(link.attach(poll).is_ok());
    drop(body);
    assert!(link.try_write(&unit("a")).is_err());
    let (next, _) = polling();
    assert!(refused(link.attach(next)).starts_with("c[1002,"));
}

#[test]
fn the_close_frame_is_told_again_to_everybody_who_asks() {
    let link = opened();
    let (poll, body) = polling();
    assert!(link.attach(poll).is_ok());
    let close = b"c[3000,\"Go away!\"]\n";
    assert_eq!(link.try_write(close).unwrap(), close.len());
    assert_eq!(answered(body).as_bytes(), close);
    for _ in 0..2 {
        let (next, _) = polling();
        assert_eq!(refused(link.attach(next)), r#"c[3000,"Go away!"]"#);
    }
}

#[test]
fn a_receiver_that_is_released_has_what_it_was_given_and_the_next_gets_what_follows() {
    let link = opened();
    let (poll, body) = polling();
    assert!(link.attach(poll).is_ok());
    link.release_receiver();
    assert_eq!(answered(body), "h\n");
    let (stream, mut body) = streaming();
    assert!(link.attach(stream).is_ok());
    assert_eq!(link.try_write(&unit("a")).unwrap(), 4);
    link.release_receiver();
    assert!(would_block(link.try_write(&unit("b"))));
    let mut context = Context::from_waker(Waker::noop());
    let Poll::Ready(Some(Ok(frame))) = Pin::new(&mut body).poll_frame(&mut context) else {
        panic!("nothing came");
    };
    assert_eq!(
        &frame.into_data().unwrap()[..],
        b"\r\ndata: a[\"a\"]\r\n\r\n"
    );
    let end = Pin::new(&mut body).poll_frame(&mut context);
    assert!(matches!(end, Poll::Ready(None)));
    let (poll, body) = polling();
    assert!(link.attach(poll).is_ok());
    assert_eq!(link.try_write(&unit("b")).unwrap(), 4);
    assert_eq!(answered(body), "a[\"b\"]\n");
    link.release_receiver();
    assert!(link.refusal().is_none(), "nobody receives");
}

#[tokio::test]
async fn messages_wait_at_their_request_until_the_session_has_space() {
    let link = opened();
    link.deliver(vec!["123456".into()]).await.unwrap();
    let mut second = pin!(link.deliver(vec!["7890a".into(), "bcd".into()]));
    let mut context = Context::from_waker(Waker::noop());
    assert!(second.as_mut().poll(&mut context).is_pending());
    assert_eq!(link.take_messages().unwrap(), [b"123456"]);
    second.await.unwrap();
    assert_eq!(link.take_messages().unwrap(), ["7890a".as_bytes(), b"bcd"]);
    // More than all the space, but nothing else is there.
    link.deliver(vec!["x".repeat(200)]).await.unwrap();
    let mut waiting = pin!(link.deliver(vec!["y".into()]));
    assert!(waiting.as_mut().poll(&mut context).is_pending());
    link.shut_down(Shutdown::Both);
    assert_eq!(waiting.await, Err(Undelivered::SessionOver));
}

#[tokio::test]
async fn a_session_that_is_ending_takes_nothing_and_forgets_what_it_had_not_taken() {
    let link = opened();
    link.deliver(vec!["earlier".into()]).await.unwrap();
    let mut settling = pin!(link.settle());
    let mut waiting = pin!(link.deliver(vec!["x".repeat(200)]));
    let mut context = Context::from_waker(Waker::noop());
    assert!(settling.as_mut().poll(&mut context).is_pending());
    assert!(waiting.as_mut().poll(&mut context).is_pending());
    link.refuse_input();
    assert!(link.take_messages().is_none());
    assert!(settling.as_mut().poll(&mut context).is_ready());
    assert_eq!(waiting.await, Err(Undelivered::SessionOver));
    let late = link.deliver(vec!["late".into()]).await;
    assert_eq!(late, Err(Undelivered::SessionOver));
    // It still says its last words.
    let (poll, body) = polling();
    assert!(link.attach(poll).is_ok());
    assert_eq!(link.try_write(&unit("bye")).unwrap(), 6);
    assert_eq!(answered(body), "a[\"bye\"]\n");
}

#[tokio::test]
async fn empty_texts_take_space_in_the_inbox() {
    let link = opened();
    link.deliver(vec![String::new(); 1_000]).await.unwrap();
    let mut more = pin!(link.deliver(vec![String::new()]));
    let mut context = Context::from_waker(Waker::noop());
    assert!(more.as_mut().poll(&mut context).is_pending());
}

#[tokio::test]
async fn few_requests_of_a_session_wait_and_one_more_is_refused_at_once() {
    let link = opened();
    let message = || vec!["x".repeat(200)];
    link.deliver(message()).await.unwrap();
    let mut context = Context::from_waker(Waker::noop());
    let mut waiting: Vec<_> = (0..WAITING_MAX)
        .map(|_| Box::pin(link.deliver(message())))
        .collect();
    for request in &mut waiting {
        assert!(request.as_mut().poll(&mut context).is_pending());
    }
    assert_eq!(link.deliver(message()).await, Err(Undelivered::TooMany));
    // One whose client gives up makes place for another.
    waiting.pop();
    let mut next = pin!(link.deliver(message()));
    assert!(next.as_mut().poll(&mut context).is_pending());
}

#[tokio::test]
async fn a_sender_waits_until_the_session_asks_for_more() {
    let link = opened();
    link.deliver(vec!["a".into()]).await.unwrap();
    let mut settling = pin!(link.settle());
    let mut context = Context::from_waker(Waker::noop());
    assert!(settling.as_mut().poll(&mut context).is_pending());
    assert!(link.take_messages().is_some());
    assert!(
        settling.as_mut().poll(&mut context).is_pending(),
        "taken only"
    );
    assert!(link.poll_read_ready(&mut context).is_pending());
    assert!(settling.as_mut().poll(&mut context).is_ready());
}

/// What happens to a link.
#[derive(Debug, Clone, Copy)]
enum Step {
    Poll,
    Stream,
    /// The session writes all that it has.
    Write,
    /// The session has more texts.
    Say(u8),
    /// The streaming client reads.
    Read,
    /// A client sends so many texts.
    Deliver(u8),
    Take,
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => Just(Step::Poll),
        1 => Just(Step::Stream),
        3 => Just(Step::Write),
        3 => (1_u8..9).prop_map(Step::Say),
        2 => Just(Step::Read),
        1 => (0_u8..3).prop_map(Step::Deliver),
        1 => Just(Step::Take),
    ]
}

/// A link between a model of its session and a model of its client.
struct World {
    link: Link,
    /// What the session has not written yet, and how many texts it has said.
    unwritten: Vec<u8>,
    said: usize,
    /// What the client has got of texts, in order.
    got: Vec<usize>,
    poll: Option<oneshot::Receiver<Vec<u8>>>,
    stream: Option<Body>,
    frames: String,
    delivered: usize,
    taken: usize,
}

impl World {
    fn step(&mut self, step: Step) {
        match step {
            Step::Poll => self.ask(false),
            Step::Stream => self.ask(true),
            Step::Write => self.write(),
            Step::Say(count) => {
                for _ in 0..count {
                    self.unwritten.extend(unit(&self.said.to_string()));
                    self.said += 1;
                }
            }
            Step::Read => self.read(),
            Step::Deliver(count) => self.deliver(count),
            Step::Take => self.take(),
        }
    }

    fn ask(&mut self, is_streaming: bool) {
        let is_taken = self.link.state.lock().receiver.is_some();
        let result = if is_streaming {
            let (attached, body) = streaming();
            let result = self.link.attach(attached);
            if result.is_ok() {
                self.read();
                self.stream = Some(body);
            }
            result
        } else {
            let (attached, body) = polling();
            let result = self.link.attach(attached);
            if result.is_ok() {
                self.read();
                self.poll = Some(body);
            }
            result
        };
        assert_eq!(result.is_err(), is_taken, "one receiver at a time");
    }

    fn write(&mut self) {
        match self.link.try_write(&self.unwritten) {
            Ok(taken) => drop(self.unwritten.drain(..taken)),
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
    }

    /// Reads what there is, of a poll's answer and of the stream.
    fn read(&mut self) {
        let mut context = Context::from_waker(Waker::noop());
        if let Some(answer) = self.poll.as_mut().and_then(|poll| poll.try_recv().ok()) {
            self.poll = None;
            let frame = String::from_utf8(answer).unwrap();
            self.frames.push_str(&format!("data: {frame}\r\n"));
        }
        while let Some(stream) = &mut self.stream {
            match Pin::new(stream).poll_frame(&mut context) {
                Poll::Pending => break,
                Poll::Ready(None) => self.stream = None,
                Poll::Ready(Some(frame)) => {
                    let data = frame.unwrap().into_data().unwrap();
                    self.frames.push_str(str::from_utf8(&data).unwrap());
                }
            }
        }
        for line in std::mem::take(&mut self.frames).lines() {
            let frame = line.strip_prefix("data: ").unwrap_or_default();
            if let Some(texts) = frame.strip_prefix('a') {
                let texts: Vec<String> = serde_json::from_str(texts).unwrap();
                self.got
                    .extend(texts.iter().map(|text| text.parse::<usize>().unwrap()));
            }
        }
    }

    fn deliver(&mut self, count: u8) {
        let texts: Vec<_> = (self.delivered..).take(count.into()).collect();
        let messages = texts.iter().map(|n| format!("{n:05}")).collect();
        let deliver = pin!(self.link.deliver(messages));
        let mut context = Context::from_waker(Waker::noop());
        match deliver.poll(&mut context) {
            Poll::Ready(result) => {
                result.unwrap();
                self.delivered += texts.len();
            }
            // Its client gave up: none was taken.
            Poll::Pending => assert!(self.taken < self.delivered),
        }
    }

    fn take(&mut self) {
        for message in self.link.take_messages().into_iter().flatten() {
            assert_eq!(message, format!("{:05}", self.taken).into_bytes());
            self.taken += 1;
        }
    }
}

proptest! {
    #[test]
    fn texts_are_neither_lost_nor_repeated_nor_turned_round(steps in vec(any_step(), 0..200)) {
        let mut world = World {
            link: opened(),
            unwritten: Vec::new(),
            said: 0,
            got: Vec::new(),
            poll: None,
            stream: None,
            frames: String::new(),
            delivered: 0,
            taken: 0,
        };
        for step in steps {
            world.step(step);
        }
        // The client goes on asking until it has everything.
        for _ in 0..4 * world.said + 8 {
            world.read();
            world.write();
            if world.link.state.lock().receiver.is_none() {
                world.step(Step::Poll);
            }
        }
        world.read();
        world.take();
        prop_assert_eq!(&world.got, &(0..world.said).collect::<Vec<_>>());
        prop_assert_eq!(world.taken, world.delivered);
    }
}

#[tokio::test]
async fn a_stream_ends_once_enough_was_sent_and_the_rest_waits_for_the_next() {
    let link = opened();
    let (stream, mut body) = streaming();
    assert!(link.attach(stream).is_ok());
    let long = unit(&"x".repeat(50));
    let both = [long.clone(), unit("late")].concat();
    // Texts that follow each other are one frame, however long.
    assert_eq!(link.try_write(&both).unwrap(), both.len());
    assert!(would_block(link.try_write(&unit("next"))));
    let mut all = Vec::new();
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        all.extend_from_slice(&frame.ok().unwrap().into_data().unwrap());
    }
    let all = String::from_utf8(all).unwrap();
    assert!(all.ends_with("\"late\"]\r\n\r\n"), "{all}");
    let (poll, answer) = polling();
    assert!(link.attach(poll).is_ok());
    assert_eq!(link.try_write(&unit("next")).unwrap(), 7);
    assert_eq!(answered(answer), "a[\"next\"]\n");
}

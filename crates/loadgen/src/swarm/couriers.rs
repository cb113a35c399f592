use std::collections::VecDeque;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::os::fd::OwnedFd;

use rustix::event::epoll;

use super::inbound::Head;
use super::outbound::Post;
use crate::client::ClientError;

/// Requests that are under way at a time. Others wait in line: at most those
/// of all sessions of the swarm, which set up or end.
const COURIERS_MAX: usize = 8;

/// Sockets that bring the frames of sessions whose own socket only receives.
/// None is kept when nothing is to be brought, so that an idle session costs
/// the server one socket.
#[derive(Debug, Default)]
pub(super) struct Couriers {
    slots: [Option<Courier>; COURIERS_MAX],
    waiting: VecDeque<Post>,
    failed: Vec<(usize, ClientError)>,
}

/// A socket with one request under way.
#[derive(Debug)]
struct Courier {
    stream: TcpStream,
    index: usize,
    answer: Vec<u8>,
}

impl Couriers {
    /// Brings it as soon as a socket is free. `data` is what epoll is to say
    /// of a socket.
    pub(super) fn post(&mut self, post: Post, epoll: &OwnedFd, data: impl Fn(usize) -> u64) {
        self.waiting.push_back(post);
        self.fill(epoll, data);
    }

    /// Reads what arrived on a socket, and goes on with what waits.
    pub(super) fn read(&mut self, slot: usize, epoll: &OwnedFd, data: impl Fn(usize) -> u64) {
        let Some(mut courier) = self.slots[slot].take() else {
            return;
        };
        match courier.read() {
            Ok(Answer::Incomplete) => return self.slots[slot] = Some(courier),
            Ok(Answer::Complete { socket_stays: true }) => {
                if let Some(post) = self.waiting.pop_front() {
                    match courier.begin(&post) {
                        Ok(()) => return self.slots[slot] = Some(courier),
                        Err(error) => self.failed.push((post.index, error.into())),
                    }
                }
            }
            Ok(Answer::Complete { .. }) => {}
            Err(error) => self.failed.push((courier.index, error)),
        }
        self.fill(epoll, data);
    }

    /// Sessions whose frame was not taken, and why.
    pub(super) fn take_failed(&mut self) -> Vec<(usize, ClientError)> {
        std::mem::take(&mut self.failed)
    }

    fn fill(&mut self, epoll: &OwnedFd, data: impl Fn(usize) -> u64) {
        while let Some(slot) = self.slots.iter().position(Option::is_none)
            && let Some(post) = self.waiting.pop_front()
        {
            match Courier::open(&post, epoll, data(slot)) {
                Ok(courier) => self.slots[slot] = Some(courier),
                Err(error) => self.failed.push((post.index, error.into())),
            }
        }
    }
}

/// How far an answer is.
enum Answer {
    Incomplete,
    Complete { socket_stays: bool },
}

impl Courier {
    fn open(post: &Post, epoll: &OwnedFd, data: u64) -> io::Result<Courier> {
        let stream = TcpStream::connect(post.address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let data = epoll::EventData::new_u64(data);
        epoll::add(epoll, &stream, data, epoll::EventFlags::IN)?;
        let mut courier = Courier {
            stream,
            index: post.index,
            answer: Vec::new(),
        };
        courier.begin(post)?;
        Ok(courier)
    }

    /// Nothing else is on its way, so that the socket takes a request, which
    /// is far smaller than its buffer, at once.
    fn begin(&mut self, post: &Post) -> io::Result<()> {
        self.index = post.index;
        self.answer.clear();
        self.stream.write_all(&post.request)
    }

    fn read(&mut self) -> Result<Answer, ClientError> {
        let mut buffer = [0; 4096];
        match self.stream.read(&mut buffer) {
            Ok(0) => return Err(ClientError::Disconnected),
            Ok(len) => self.answer.extend_from_slice(&buffer[..len]),
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => {}
                _ => return Err(error.into()),
            },
        }
        let Some(head) = Head::parse(&self.answer)? else {
            return Ok(Answer::Incomplete);
        };
        let body = &self.answer[head.len..];
        if !(200..300).contains(&head.status) {
            return Err(ClientError::Refused {
                status: head.status,
                headers: Vec::new(),
                body: body.to_vec(),
            });
        }
        Ok(match body.len() < head.content_length.unwrap_or(0) {
            true => Answer::Incomplete,
            false => Answer::Complete {
                socket_stays: head.socket_stays,
            },
        })
    }
}

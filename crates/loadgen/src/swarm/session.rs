use madang_wire::stomp::{Command, Frame, Version};

use super::content::{Item, Object};
use super::transport::Content;
use super::{Notice, Outbox};
use crate::client::ClientError;

/// What is said over a connection: how far a session is, and what its content
/// means.
#[derive(Debug)]
pub(super) struct Session {
    content: Content,
    is_open: bool,
    /// CONNECT, until it is sent.
    connect: Vec<u8>,
}

/// Where a session's notices go, and what it sends.
pub(super) struct Exchange<'a, F> {
    pub(super) index: usize,
    pub(super) at_ns: u64,
    pub(super) outbox: &'a mut Outbox,
    pub(super) each: F,
}

impl<F: FnMut(Notice<'_>, &mut Outbox)> Exchange<'_, F> {
    pub(super) fn notice(&mut self, notice: Notice<'_>) {
        (self.each)(notice, self.outbox);
    }
}

impl Session {
    /// One that needs no opening.
    pub(super) fn open(content: Content) -> Session {
        Session {
            content,
            is_open: true,
            connect: Vec::new(),
        }
    }

    /// One that says `connect`, if there is such, as soon as it can.
    pub(super) fn connecting(content: Content, connect: Vec<u8>) -> Session {
        Session {
            content,
            is_open: false,
            connect,
        }
    }

    /// The connection can take content.
    pub(super) fn ready<F>(&mut self, exchange: &mut Exchange<'_, F>) {
        // A SockJS session begins with its own frame.
        if self.content == Content::Stomp {
            self.connect(exchange);
        }
    }

    /// Takes one piece of content.
    ///
    /// # Errors
    ///
    /// The server broke a protocol, or ended the session.
    pub(super) fn take<F: FnMut(Notice<'_>, &mut Outbox)>(
        &mut self,
        piece: &[u8],
        exchange: &mut Exchange<'_, F>,
    ) -> Result<(), ClientError> {
        self.content.read(piece, |item| match item {
            Item::Message(payload) if self.is_open => {
                let at_ns = exchange.at_ns;
                exchange.notice(Notice::Message { payload, at_ns });
                Ok(())
            }
            Item::Message(_) => Err(ClientError::Protocol(
                "a message before the session is open",
            )),
            Item::Answer(answer) if self.content == Content::Json => self.object(answer, exchange),
            Item::Answer(payload) if self.is_open => {
                exchange.notice(Notice::Answer { payload });
                Ok(())
            }
            Item::Answer(payload) => {
                if is_connected(payload)? {
                    self.opened(exchange);
                }
                Ok(())
            }
            Item::Began if self.is_open => Err(ClientError::Protocol("the session began anew")),
            Item::Began => {
                self.connect(exchange);
                Ok(())
            }
        })
    }

    /// The frame that makes the server end the session, if there is one.
    pub(super) fn farewell(&self) -> Option<Vec<u8>> {
        if !self.is_open || !matches!(self.content, Content::Stomp | Content::SockJs) {
            return None;
        }
        let mut frame = Vec::new();
        Frame::new(Command::Disconnect).encode(Version::V1_2, &mut frame);
        Some(frame)
    }

    fn connect<F>(&mut self, exchange: &mut Exchange<'_, F>) {
        let connect = std::mem::take(&mut self.connect);
        if !connect.is_empty() {
            exchange.outbox.send(exchange.index, &connect);
        }
    }

    fn opened<F: FnMut(Notice<'_>, &mut Outbox)>(&mut self, exchange: &mut Exchange<'_, F>) {
        self.is_open = true;
        exchange.notice(Notice::Open);
    }

    /// Takes what is no message of the JSON door.
    fn object<F: FnMut(Notice<'_>, &mut Outbox)>(
        &mut self,
        answer: &[u8],
        exchange: &mut Exchange<'_, F>,
    ) -> Result<(), ClientError> {
        let object = Object::parse(answer)?;
        match (object.kind.as_str(), object.error) {
            ("hello", _) if !self.is_open => self.opened(exchange),
            ("error", Some(error)) if !self.is_open => {
                return Err(ClientError::Json(error.to_string()));
            }
            ("error", Some(error)) => exchange.notice(Notice::Error(error.to_string())),
            (kind, _) if self.is_open => exchange.notice(Notice::Event { kind }),
            _ => {}
        }
        Ok(())
    }
}

/// Looks for CONNECTED in what came before the session was open.
fn is_connected(payload: &[u8]) -> Result<bool, ClientError> {
    match super::frames(payload)?.into_iter().next() {
        None => Ok(false),
        Some(frame) => match (frame.command, frame.get("version")) {
            (Command::Connected, Some("1.2")) => Ok(true),
            (Command::Connected, version) => Err(ClientError::Version(version.map(str::to_owned))),
            (Command::Error, _) => Err(ClientError::Stomp(Box::new(frame))),
            _ => Err(ClientError::Unexpected(Box::new(frame))),
        },
    }
}

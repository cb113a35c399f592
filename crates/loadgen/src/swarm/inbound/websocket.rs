use madang_wire::websocket::handshake::{self, ResponseError};
use madang_wire::websocket::{Decoder, Event, Limits, Role};

use super::Piece;
use crate::client::ClientError;

/// WebSocket frames, at first behind an HTTP response.
#[derive(Debug)]
pub(in crate::swarm) struct WebSocket {
    /// Until the head of the response is complete.
    upgrade: Option<Box<Upgrade>>,
    decoder: Decoder,
}

/// A handshake whose answer has not come.
#[derive(Debug)]
pub(in crate::swarm) struct Upgrade {
    key: String,
    offered: Vec<String>,
    head: Vec<u8>,
}

impl WebSocket {
    pub(super) fn new(upgrade: Option<Upgrade>, limits: Limits) -> WebSocket {
        WebSocket {
            upgrade: upgrade.map(Box::new),
            decoder: Decoder::new(Role::Client, limits),
        }
    }

    pub(super) fn take(
        &mut self,
        input: &mut [u8],
        mut each: impl FnMut(Piece<'_>) -> Result<(), ClientError>,
    ) -> Result<(), ClientError> {
        let mut rest;
        let mut input = &mut input[..];
        if let Some(upgrade) = &mut self.upgrade {
            let Some(behind) = upgrade.take(input)? else {
                return Ok(());
            };
            self.upgrade = None;
            each(Piece::Ready)?;
            rest = behind;
            input = &mut rest;
        }
        while let Some(event) = self.decoder.decode(&mut input)? {
            match event {
                Event::Message { payload, .. } => each(Piece::Content(payload))?,
                Event::Ping(payload) => each(Piece::Ping(payload))?,
                Event::Pong(_) => {}
                Event::Close { code, reason } => {
                    return Err(ClientError::Closed {
                        code,
                        reason: reason.to_owned(),
                    });
                }
            }
        }
        Ok(())
    }
}

impl Upgrade {
    pub(in crate::swarm) fn new(key: String, offered: Vec<String>) -> Upgrade {
        Upgrade {
            key,
            offered,
            head: Vec::new(),
        }
    }

    /// Takes the response; once it is complete, what came behind its head.
    fn take(&mut self, input: &[u8]) -> Result<Option<Vec<u8>>, ClientError> {
        self.head.extend_from_slice(input);
        let offered: Vec<&str> = self.offered.iter().map(String::as_str).collect();
        match handshake::check_response(&self.head, &self.key, &offered) {
            Ok(None) => Ok(None),
            Ok(Some(response)) => Ok(Some(self.head[response.consumed..].to_vec())),
            // The rest of the body is not waited for: it matters to nobody here.
            Err(ResponseError::Status(status)) => {
                let end = memchr::memmem::find(&self.head, b"\r\n\r\n").unwrap_or(0);
                Err(ClientError::Refused {
                    status,
                    headers: Vec::new(),
                    body: self.head[end..].trim_ascii().to_vec(),
                })
            }
            Err(error) => Err(ClientError::Handshake(error)),
        }
    }
}

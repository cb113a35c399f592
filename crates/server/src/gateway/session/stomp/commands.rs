//! What each client frame does.

use madang_domain::{Code, Error};
use madang_wire::stomp::{Command, Frame};

use super::super::dialect::{Done, Failure, Voice};
use super::super::driver::{Core, Ending};
use super::super::outbox::Outbox;
use super::connect::Open;
use super::{Stage, Stomp, destination};
use crate::auth::TokenCheck;

impl Core<Stomp> {
    /// # Errors
    /// The session ends with an ERROR for this frame.
    pub(super) fn handle_frame(&mut self, frame: Frame) -> Result<(), Failure> {
        if matches!(self.dialect.stage, Stage::Handshaken(_)) {
            return self.handle_connect(&frame);
        }
        let is_checked = matches!(frame.command, Command::Send | Command::Subscribe);
        match is_checked
            .then(|| self.check_repeated_token(&frame))
            .flatten()
        {
            None => self.carry_out(frame, Ok(())),
            Some(TokenCheck::Done(checked)) => {
                self.carry_out(frame, checked.into_inner().map(drop))
            }
            Some(TokenCheck::Waiting(check)) => {
                self.command = Some(Box::pin(async move {
                    let checked = check.await.map(drop);
                    let done: Done<Stomp> = Box::new(move |core| core.carry_out(frame, checked));
                    done
                }));
                Ok(())
            }
        }
    }

    /// `checked` is what the token says that the frame repeats, if it repeats one.
    fn carry_out(&mut self, frame: Frame, checked: Result<(), Error>) -> Result<(), Failure> {
        let receipt = frame.get("receipt").map(Box::<str>::from);
        let voice = voice_of(&frame);
        let blame = |error: Error| Failure::new(error, receipt.as_deref()).in_voice(voice);
        checked.map_err(blame)?;
        match frame.command {
            Command::Connect | Command::Stomp => Err(blame(Error::with_detail(
                Code::FrameInvalid,
                "the session is connected already",
            ))),
            Command::Send => self.handle_send(frame, voice).map_err(blame),
            Command::Subscribe => self.handle_subscribe(&frame, voice).map_err(blame),
            Command::Unsubscribe => self.handle_unsubscribe(&frame).map_err(blame),
            Command::Ack | Command::Nack => self.handle_ack(&frame).map_err(blame),
            Command::Begin => self.handle_begin(&frame).map_err(blame),
            Command::Commit => self.handle_commit(&frame).map_err(blame),
            Command::Abort => self.handle_abort(&frame).map_err(blame),
            Command::Disconnect => {
                self.answer_receipt(receipt.as_deref());
                self.end(Ending::Asked(Some(
                    madang_wire::websocket::CloseCode::NORMAL,
                )));
                Ok(())
            }
            // The decoder refuses what only servers send.
            Command::Connected | Command::Message | Command::Receipt | Command::Error => {
                Err(blame(Code::FrameInvalid.into()))
            }
        }
    }

    /// The session after CONNECT.
    ///
    /// # Errors
    /// Never after [`Core::handle_connect`] succeeded; an internal error says that a defect was
    /// found.
    pub(super) fn open_session(&mut self) -> Result<&mut Open, Error> {
        match &mut self.dialect.stage {
            Stage::Open(open) => Ok(open),
            Stage::Handshaken(_) => Err(Code::Internal.into()),
        }
    }

    /// Answers a frame that asked for it, in the order of the frames.
    pub(super) fn answer_receipt(&self, receipt: Option<&str>) {
        let Some(receipt) = receipt else { return };
        let framing = self.session.framing;
        let outbox = &mut *self.session.outbox();
        let Outbox { queue, replies, .. } = outbox;
        queue.append(|buffer| replies.receipt(receipt, framing, buffer));
    }
}

/// A header that the frame must have.
///
/// # Errors
/// [`Code::FrameInvalid`]: it is missing.
pub(super) fn required<'a>(frame: &'a Frame, name: &str) -> Result<&'a str, Error> {
    frame.get(name).ok_or_else(|| {
        let detail = format!("{} needs the header {name}", frame.command);
        Error::with_detail(Code::FrameInvalid, detail)
    })
}

fn voice_of(frame: &Frame) -> Voice {
    let of_contract = frame.get("destination").is_some_and(|destination| {
        destination == destination::SUPPORT_DESK_SEND
            || destination.starts_with(destination::SUPPORT_DESK_SUBSCRIBE)
    });
    if of_contract {
        Voice::SupportDesk
    } else {
        Voice::Native
    }
}

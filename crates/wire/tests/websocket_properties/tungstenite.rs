//! Both directions against tungstenite, without a socket in between.

use std::io::{self, Read, Write};

use madang_wire::websocket::{Kind, Opcode, ProtocolError, Role};
use proptest::prelude::*;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{Frame as TheirFrame, FrameHeader};
use tokio_tungstenite::tungstenite::protocol::{Role as TheirRole, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Message, WebSocket};

use crate::script::{
    LIMIT, Seen, chunk_lens, chunks, decode, mutate, mutations, other, role, script,
};

/// Reads the chunks one by one, and then the end of the stream.
#[derive(Default)]
struct Pipe {
    unread: Vec<Vec<u8>>,
    written: Vec<u8>,
}

impl Read for Pipe {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let Some(chunk) = self.unread.last_mut() else {
            return Ok(0);
        };
        let len = chunk.len().min(buf.len());
        buf[..len].copy_from_slice(&chunk[..len]);
        chunk.drain(..len);
        if chunk.is_empty() {
            self.unread.pop();
        }
        Ok(len)
    }
}

impl Write for Pipe {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.written.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn socket(role: Role, unread: &[&[u8]]) -> WebSocket<Pipe> {
    let role = match role {
        Role::Server => TheirRole::Server,
        Role::Client => TheirRole::Client,
    };
    let config = WebSocketConfig::default()
        .max_message_size(Some(LIMIT))
        .max_frame_size(Some(LIMIT));
    let unread = unread.iter().rev().map(|chunk| chunk.to_vec()).collect();
    WebSocket::from_raw_socket(
        Pipe {
            unread,
            written: Vec::new(),
        },
        role,
        Some(config),
    )
}

#[derive(Debug, PartialEq)]
enum Outcome {
    /// A Close, or the end of the stream where more could have followed.
    Fine,
    Refused,
}

/// What tungstenite makes of `chunks`.
fn judge(role: Role, chunks: &[&[u8]]) -> (Vec<Seen>, Outcome) {
    let mut socket = socket(role, chunks);
    let mut seen = Vec::new();
    loop {
        seen.push(match socket.read() {
            Ok(Message::Text(text)) => Seen::Message(Kind::Text, text.as_bytes().to_vec()),
            Ok(Message::Binary(payload)) => Seen::Message(Kind::Binary, payload.to_vec()),
            Ok(Message::Ping(payload)) => Seen::Ping(payload.to_vec()),
            Ok(Message::Pong(payload)) => Seen::Pong(payload.to_vec()),
            // Its way to refuse a code that must not be sent.
            Ok(Message::Close(Some(frame))) if frame.reason == "Protocol violation" => {
                return (seen, Outcome::Refused);
            }
            Ok(Message::Close(frame)) => {
                let (code, reason) = match frame {
                    Some(frame) => (Some(frame.code.into()), frame.reason.to_string()),
                    None => (None, String::new()),
                };
                seen.push(Seen::Close(code, reason));
                return (seen, Outcome::Fine);
            }
            Ok(Message::Frame(_)) => unreachable!("frames are never read"),
            Err(tungstenite::Error::Protocol(
                tungstenite::error::ProtocolError::ResetWithoutClosingHandshake,
            )) => return (seen, Outcome::Fine),
            Err(tungstenite::Error::Io(error)) => panic!("{error}"),
            Err(_) => return (seen, Outcome::Refused),
        });
    }
}

fn their_opcode(opcode: Opcode) -> OpCode {
    match opcode {
        Opcode::Continuation => OpCode::Data(Data::Continue),
        Opcode::Text => OpCode::Data(Data::Text),
        Opcode::Binary => OpCode::Data(Data::Binary),
        Opcode::Close => OpCode::Control(Control::Close),
        Opcode::Ping => OpCode::Control(Control::Ping),
        Opcode::Pong => OpCode::Control(Control::Pong),
    }
}

proptest! {
    #[test]
    fn what_tungstenite_sends_we_decode(
        script in script(),
        lens in chunk_lens(),
        receiver in role(),
    ) {
        let mut sender = socket(other(receiver), &[]);
        for frame in &script.frames {
            let payload = frame.payload.clone();
            let header = FrameHeader {
                is_final: frame.fin,
                opcode: their_opcode(frame.opcode),
                ..FrameHeader::default()
            };
            let frame = TheirFrame::from_payload(header, payload.into());
            sender.send(Message::Frame(frame)).unwrap();
        }
        let (seen, outcome) = decode(receiver, chunks(&sender.get_ref().written, &lens));
        prop_assert_eq!(outcome, Ok(()));
        prop_assert!(seen == script.events);
    }

    #[test]
    fn what_we_encode_tungstenite_decodes(
        script in script(),
        lens in chunk_lens(),
        receiver in role(),
    ) {
        let bytes = script.encode(other(receiver));
        let (seen, outcome) = judge(receiver, &chunks(&bytes, &lens));
        prop_assert_eq!(outcome, Outcome::Fine);
        prop_assert!(seen == script.events);
    }

    #[test]
    fn tungstenite_agrees_on_a_stream_with_damaged_bytes(
        script in script(),
        mutations in mutations(),
        role in role(),
    ) {
        let mut bytes = script.encode(other(role));
        mutate(&mut bytes, &mutations);
        agree(role, &bytes, Frames::MayBeIncomplete)?;
    }

    #[test]
    fn tungstenite_agrees_on_a_frame_with_a_damaged_first_byte(
        script in script(),
        toggled in 1..=255_u8,
        at in any::<prop::sample::Index>(),
        role in role(),
    ) {
        let mut bytes = Vec::new();
        let damaged = at.index(script.frames.len() + 1);
        for (index, frame) in script.frames.iter().enumerate() {
            let start = bytes.len();
            frame.encode(other(role), &mut bytes);
            if index == damaged {
                bytes[start] ^= toggled;
            }
        }
        agree(role, &bytes, Frames::Whole)?;
    }

    #[test]
    fn tungstenite_agrees_on_damaged_payloads(
        mut script in script(),
        mutations in mutations(),
        at in any::<prop::sample::Index>(),
        role in role(),
    ) {
        let damaged = at.index(script.frames.len() + 1);
        if let Some(frame) = script.frames.get_mut(damaged) {
            mutate(&mut frame.payload, &mutations);
        }
        agree(role, &script.encode(other(role)), Frames::Whole)?;
    }
}

#[derive(PartialEq)]
enum Frames {
    Whole,
    MayBeIncomplete,
}

/// Both give the same events up to where one refuses, and both refuse.
///
/// Where we are known to differ: we refuse a frame before its last byte has
/// come, and a length that is not in its shortest form; tungstenite does not
/// know close code 1014.
fn agree(role: Role, bytes: &[u8], frames: Frames) -> Result<(), TestCaseError> {
    let (ours, outcome) = decode(role, [bytes]);
    let (theirs, their_outcome) = judge(role, &[bytes]);
    let known = outcome == Err(ProtocolError::LengthNotMinimal)
        || matches!(ours.last(), Some(Seen::Close(Some(1014), _)));
    if known {
        prop_assert!(theirs.starts_with(&ours) || ours.starts_with(&theirs));
        return Ok(());
    }
    prop_assert!(ours == theirs, "{:?}, {:?}", outcome, their_outcome);
    if outcome.is_ok() || frames == Frames::Whole {
        let expected = if outcome.is_ok() {
            Outcome::Fine
        } else {
            Outcome::Refused
        };
        prop_assert!(
            their_outcome == expected,
            "{:?}, {:?}",
            outcome,
            their_outcome
        );
    }
    Ok(())
}

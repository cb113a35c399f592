use std::mem;

use super::close;
use super::error::ProtocolError;
use super::event::{Event, Kind, Limits, Role};
use super::frame::{self, CONTROL_PAYLOAD_MAX, Head, Opcode};
use super::{encode::HEAD_LEN_MAX, mask, utf8};

/// Turns the bytes that one peer sends into [`Event`]s.
///
/// Holds at most [`Limits::message_bytes_max`] + 125 bytes on the heap, grown
/// with the bytes that arrive and not with the length a frame announces, and
/// nothing between messages. An unfragmented frame that arrives whole never
/// takes heap memory.
///
/// The life of a decoder ends with [`Event::Close`] or an error: see
/// [`decode`](Self::decode).
#[derive(Debug)]
pub struct Decoder {
    /// The message in progress as far as it arrived, unmasked, then the
    /// control frame in progress. After an event that borrows from it: that
    /// event's payload, until the next call.
    buffer: Vec<u8>,
    state: State,
    message_bytes_max: u32,
    /// How much of `buffer` belongs to the message in progress.
    message_len: u32,
    /// How many bytes at the end of the text in progress are an incomplete
    /// UTF-8 sequence; all before them are valid. 0 to 3.
    unchecked: u8,
    message: Option<Kind>,
    role: Role,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Head {
        len: u8,
        bytes: [u8; HEAD_LEN_MAX - 1],
    },
    Payload(Frame),
    Closed,
    Failed(ProtocolError),
}

impl State {
    const BETWEEN_FRAMES: Self = Self::Head {
        len: 0,
        bytes: [0; HEAD_LEN_MAX - 1],
    };
}

/// The frame whose payload is being read.
#[derive(Clone, Copy, Debug)]
struct Frame {
    remaining: u32,
    /// As it applies to the next byte.
    mask: [u8; 4],
    item: Item,
    fin: bool,
}

/// What a frame belongs to; a continuation is of its message's kind.
#[derive(Clone, Copy, Debug)]
enum Item {
    Message(Kind),
    Close,
    Ping,
    Pong,
}

impl Item {
    fn is_message(self) -> bool {
        matches!(self, Self::Message(_))
    }
}

/// What is complete, and where its payload lies.
enum Complete<'i> {
    InInput(Item, &'i [u8]),
    InBuffer(Item),
}

impl Decoder {
    /// A decoder at the first byte after the opening handshake.
    ///
    /// `role` is our own: [`Role::Server`] reads what a client sends.
    pub fn new(role: Role, limits: Limits) -> Self {
        let largest = u32::MAX - CONTROL_PAYLOAD_MAX as u32;
        Self {
            buffer: Vec::new(),
            state: State::BETWEEN_FRAMES,
            message_bytes_max: u32::try_from(limits.message_bytes_max)
                .map_or(largest, |max| max.min(largest)),
            message_len: 0,
            unchecked: 0,
            message: None,
            role,
        }
    }

    /// Takes the next event from the front of `input`, and moves `input` past
    /// what was consumed.
    ///
    /// Unmasks in place: an unfragmented frame that lies whole in `input` is
    /// borrowed from it, not copied. Text is checked as it arrives, so
    /// that invalid UTF-8 is refused before its frame is complete.
    ///
    /// `None` means that more bytes are needed; all of `input` was consumed
    /// then, and what belongs to an unfinished frame is kept inside. Call
    /// until `None`: that also releases the memory of the last event.
    ///
    /// After [`Event::Close`] everything that follows is discarded unread and
    /// the answer is `None` (RFC 6455, section 5.5.1).
    ///
    /// # Errors
    ///
    /// The peer is to blame, and the connection is to be failed with
    /// [`ProtocolError::close_code`]. All events before the offending
    /// bytes have been given. From then on every call discards its input and
    /// returns the same error (RFC 6455, section 7.1.7).
    pub fn decode<'a, 'i: 'a>(
        &'a mut self,
        input: &mut &'i mut [u8],
    ) -> Result<Option<Event<'a>>, ProtocolError> {
        let event = match self.next(input) {
            Ok(None) => return Ok(None),
            Ok(Some(Complete::InInput(item, payload))) => event(item, payload),
            Ok(Some(Complete::InBuffer(item))) => {
                let start = if item.is_message() {
                    0
                } else {
                    self.message_len as usize
                };
                event(item, &self.buffer[start..])
            }
            Err(error) => Err(error),
        };
        match event {
            Ok(Event::Close { .. }) => self.state = State::Closed,
            Err(error) => {
                self.state = State::Failed(error);
                *input = &mut [];
            }
            Ok(_) => {}
        }
        event.map(Some)
    }

    /// Whether the last event or an error was given, so that nothing the peer
    /// sends matters any more.
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed | State::Failed(_))
    }

    /// How many bytes of heap memory are held now; zero between messages.
    pub fn heap_bytes(&self) -> usize {
        self.buffer.capacity()
    }

    fn next<'i>(
        &mut self,
        input: &mut &'i mut [u8],
    ) -> Result<Option<Complete<'i>>, ProtocolError> {
        loop {
            match self.state {
                State::Head { len, bytes } => {
                    self.release();
                    let Some(head) = self.take_head(usize::from(len), bytes, input)? else {
                        return Ok(None);
                    };
                    self.state = State::Payload(self.begin(head)?);
                }
                State::Payload(frame) => {
                    if let Some(complete) = self.take_payload(frame, input)? {
                        return Ok(Some(complete));
                    }
                    if matches!(self.state, State::Payload(_)) {
                        return Ok(None);
                    }
                }
                State::Closed => {
                    self.buffer = Vec::new();
                    *input = &mut [];
                    return Ok(None);
                }
                State::Failed(error) => {
                    self.buffer = Vec::new();
                    return Err(error);
                }
            }
        }
    }

    /// Forgets what the event before borrowed from `buffer`.
    fn release(&mut self) {
        if self.message_len == 0 {
            self.buffer = Vec::new();
        } else {
            self.buffer.truncate(self.message_len as usize);
        }
    }

    /// Takes a head from `input`, of which the first `len` bytes came before.
    fn take_head(
        &mut self,
        len: usize,
        bytes: [u8; HEAD_LEN_MAX - 1],
        input: &mut &mut [u8],
    ) -> Result<Option<Head>, ProtocolError> {
        if len == 0
            && let Some((head, head_len)) = frame::parse(input, self.role)?
        {
            take(input, head_len);
            return Ok(Some(head));
        }
        let mut joined = [0; HEAD_LEN_MAX];
        joined[..len].copy_from_slice(&bytes[..len]);
        let joined_len = HEAD_LEN_MAX.min(len + input.len());
        joined[len..joined_len].copy_from_slice(&input[..joined_len - len]);
        if let Some((head, head_len)) = frame::parse(&joined[..joined_len], self.role)? {
            take(input, head_len - len);
            return Ok(Some(head));
        }
        take(input, joined_len - len);
        let mut bytes = bytes;
        bytes[len..joined_len].copy_from_slice(&joined[len..joined_len]);
        self.state = State::Head {
            len: joined_len as u8,
            bytes,
        };
        Ok(None)
    }

    /// Checks that a frame may stand here, and that its message is not too big.
    fn begin(&mut self, head: Head) -> Result<Frame, ProtocolError> {
        let item = match (head.opcode, self.message) {
            (Opcode::Text, None) => Item::Message(Kind::Text),
            (Opcode::Binary, None) => Item::Message(Kind::Binary),
            (Opcode::Continuation, Some(kind)) => Item::Message(kind),
            (Opcode::Text | Opcode::Binary, Some(_)) => {
                return Err(ProtocolError::ExpectedContinuation);
            }
            (Opcode::Continuation, None) => return Err(ProtocolError::UnexpectedContinuation),
            (Opcode::Close, _) => Item::Close,
            (Opcode::Ping, _) => Item::Ping,
            (Opcode::Pong, _) => Item::Pong,
        };
        let room = if let Item::Message(kind) = item {
            self.message = Some(kind);
            self.message_bytes_max - self.message_len
        } else {
            CONTROL_PAYLOAD_MAX as u32
        };
        match u32::try_from(head.payload_len) {
            Ok(remaining) if remaining <= room => Ok(Frame {
                remaining,
                mask: head.mask,
                item,
                fin: head.fin,
            }),
            _ => Err(ProtocolError::MessageTooBig),
        }
    }

    /// Takes what `input` has of the payload of `frame`. `None` if that does
    /// not complete an event: `state` tells whether it completes the frame.
    fn take_payload<'i>(
        &mut self,
        mut frame: Frame,
        input: &mut &'i mut [u8],
    ) -> Result<Option<Complete<'i>>, ProtocolError> {
        let len = input.len().min(frame.remaining as usize);
        let chunk = take(input, len);
        if self.role == Role::Server {
            mask::apply(chunk, frame.mask);
        }

        let message_len = self.message_len as usize;
        let buffered = if frame.item.is_message() {
            message_len
        } else {
            self.buffer.len() - message_len
        };
        if buffered == 0 && frame.fin && len == frame.remaining as usize {
            self.state = State::BETWEEN_FRAMES;
            if let Item::Message(kind) = frame.item {
                self.message = None;
                if kind == Kind::Text {
                    utf8::check(chunk)?;
                }
            }
            return Ok(Some(Complete::InInput(frame.item, chunk)));
        }

        self.append(chunk, frame);
        frame.remaining -= len as u32;
        if let Item::Message(kind) = frame.item {
            self.message_len += len as u32;
            if kind == Kind::Text {
                self.check_text(len)?;
            }
        }
        if frame.remaining > 0 {
            frame.mask = mask::advance(frame.mask, len);
            self.state = State::Payload(frame);
            return Ok(None);
        }
        self.state = State::BETWEEN_FRAMES;
        if !frame.fin {
            return Ok(None);
        }
        if frame.item.is_message() {
            self.end_message()?;
        }
        Ok(Some(Complete::InBuffer(frame.item)))
    }

    /// Leaves the message in `buffer`, no longer in progress.
    fn end_message(&mut self) -> Result<(), ProtocolError> {
        self.message = None;
        self.message_len = 0;
        match mem::take(&mut self.unchecked) {
            0 => Ok(()),
            _ => Err(ProtocolError::InvalidUtf8),
        }
    }

    /// Copies `chunk` into `buffer`, which doubles when it has to grow, but not
    /// beyond what the last frame of a message or the limits allow to follow.
    fn append(&mut self, chunk: &[u8], frame: Frame) {
        let len = self.buffer.len();
        let needed = len + chunk.len();
        if needed > self.buffer.capacity() {
            let most = if frame.fin && frame.item.is_message() {
                len + frame.remaining as usize
            } else {
                self.message_bytes_max as usize + CONTROL_PAYLOAD_MAX
            };
            let capacity = self
                .buffer
                .capacity()
                .saturating_mul(2)
                .min(most)
                .max(needed);
            self.buffer.reserve_exact(capacity - len);
        }
        self.buffer.extend_from_slice(chunk);
    }

    /// Checks the last `len` bytes of the text in progress, and the incomplete
    /// sequence before them.
    fn check_text(&mut self, len: usize) -> Result<(), ProtocolError> {
        let start = self.buffer.len() - len - usize::from(self.unchecked);
        self.unchecked = utf8::check_prefix(&self.buffer[start..])? as u8;
        Ok(())
    }
}

/// Splits `len` bytes off the front of `input`.
fn take<'i>(input: &mut &'i mut [u8], len: usize) -> &'i mut [u8] {
    let (front, rest) = mem::take(input).split_at_mut(len);
    *input = rest;
    front
}

fn event(item: Item, payload: &[u8]) -> Result<Event<'_>, ProtocolError> {
    Ok(match item {
        Item::Message(kind) => Event::Message { kind, payload },
        Item::Ping => Event::Ping(payload),
        Item::Pong => Event::Pong(payload),
        Item::Close => {
            let (code, reason) = close::parse(payload)?;
            Event::Close {
                code: code.map(u16::from),
                reason,
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decoder_is_small_and_keeps_nothing_between_messages() {
        assert!(size_of::<Decoder>() <= 56, "{} bytes", size_of::<Decoder>());
        let mut decoder = Decoder::new(Role::Client, Limits::default());
        let mut bytes = *b"\x01\x02he\x89\x02hi\x80\x03llo";
        let mut events = 0;
        for byte in bytes.chunks_mut(1) {
            let mut input = byte;
            while decoder.decode(&mut input).unwrap().is_some() {
                events += 1;
            }
        }
        assert_eq!((events, decoder.heap_bytes()), (2, 0));
    }

    #[test]
    fn a_whole_unfragmented_frame_is_borrowed_from_the_input() {
        let mut decoder = Decoder::new(Role::Client, Limits::default());
        let mut bytes = *b"\x81\x05hello\x88\x02\x03\xe8";
        let range = bytes.as_ptr_range();
        let mut input = bytes.as_mut_slice();
        let Ok(Some(Event::Message { payload, .. })) = decoder.decode(&mut input) else {
            panic!("no message");
        };
        assert!(range.contains(&payload.as_ptr()));
        assert_eq!(decoder.heap_bytes(), 0);
        assert_eq!(input, b"\x88\x02\x03\xe8");
    }

    #[test]
    fn an_announced_length_takes_no_memory_before_its_bytes_arrive() {
        let limits = Limits {
            message_bytes_max: 1 << 20,
        };
        let mut decoder = Decoder::new(Role::Client, limits);
        let mut bytes = *b"\x82\x7f\0\0\0\0\0\x10\0\0abc";
        assert_eq!(decoder.decode(&mut bytes.as_mut_slice()), Ok(None));
        assert!(decoder.heap_bytes() <= 8);
        let mut most = 0;
        for _ in 0..1000 {
            let mut chunk = [b'x'; 1000];
            assert_eq!(decoder.decode(&mut chunk.as_mut_slice()), Ok(None));
            most = most.max(decoder.heap_bytes());
        }
        assert!(most <= 1 << 20, "{most} bytes");
    }

    #[test]
    fn fragments_and_pings_never_hold_more_than_the_limit_and_a_control_frame() {
        let limits = Limits {
            message_bytes_max: 10_000,
        };
        let mut decoder = Decoder::new(Role::Client, limits);
        let mut first = true;
        for _ in 0..2000 {
            let mut bytes = *b"\0\x05abcde\x89\x03xyz";
            bytes[0] = if mem::take(&mut first) { 2 } else { 0 };
            for part in bytes.chunks_mut(5) {
                let mut input = part;
                while decoder.decode(&mut input).unwrap().is_some() {}
            }
            assert!(decoder.heap_bytes() <= 10_000 + CONTROL_PAYLOAD_MAX);
        }
        let mut over = *b"\0\x01a";
        assert_eq!(
            decoder.decode(&mut over.as_mut_slice()),
            Err(ProtocolError::MessageTooBig)
        );
    }
}

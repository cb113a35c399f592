use super::command::Peer;
use super::error::DecodeError;
use super::frame::Frame;
use super::limits::Limits;
use super::partial::{Partial, Rules};
use super::version::Version;

/// What a peer's bytes amount to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// One or more EOLs between frames: heart-beats, or what some clients send
    /// behind every frame.
    HeartBeat,
    /// A whole frame.
    Frame(Frame),
}

/// Decodes what one peer sends.
///
/// Owned by the session of the connection and fed with every chunk that
/// arrives. The items do not depend on where the chunks were cut, but for the
/// number of [`Item::HeartBeat`]s: one for each run of EOLs in a chunk. Holds
/// no heap memory between frames, and within a frame no more than
/// [`Limits`] allow and the peer has really sent.
///
/// After an error the stream has no known frame borders any more, so the
/// decoder discards whatever still arrives and never returns an item again.
///
/// ```
/// use madang_wire::stomp::{Command, Decoder, Item, Limits, Peer, Version};
///
/// let mut decoder = Decoder::new(Peer::Client, Limits::default());
/// let mut input: &[u8] = b"CONNECT\naccept-version:1.2\n\n\0\nBEGIN\ntransaction:a\\cb\n\n\0";
/// let Some(Item::Frame(connect)) = decoder.decode(&mut input)? else { unreachable!() };
/// let version = Version::negotiate(connect.get("accept-version")).unwrap();
/// decoder.set_version(version);
/// assert_eq!(decoder.decode(&mut input)?, Some(Item::HeartBeat));
/// let Some(Item::Frame(begin)) = decoder.decode(&mut input)? else { unreachable!() };
/// assert_eq!((begin.command, begin.get("transaction")), (Command::Begin, Some("a:b")));
/// assert_eq!(decoder.decode(&mut input)?, None);
/// # Ok::<(), madang_wire::stomp::DecodeError>(())
/// ```
#[derive(Debug)]
pub struct Decoder {
    limits: Limits,
    version: Option<Version>,
    peer: Peer,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Between frames.
    Idle,
    /// Between frames, behind a CR that only a LF may follow.
    AfterCr,
    /// In a frame. Boxed so that idle connections do not pay for it.
    Frame(Box<Partial>),
    /// Behind an error.
    Failed,
}

impl Decoder {
    /// A decoder for the bytes that `peer` sends from the beginning of a
    /// connection: a server decodes [`Peer::Client`]. Allocates nothing.
    pub fn new(peer: Peer, limits: Limits) -> Decoder {
        Decoder {
            limits: usable(limits),
            version: None,
            peer,
            state: State::Idle,
        }
    }

    /// Fixes the version for all that follows.
    ///
    /// Until then frames are decoded as a CONNECT or CONNECTED must be, whose
    /// version is not known yet. To be called as soon as [`decode`](Self::decode)
    /// has returned that frame and before it is called again, so that frames
    /// sent along with it are decoded by their version.
    pub fn set_version(&mut self, version: Version) {
        self.version = Some(version);
    }

    /// The limits in force.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Changes the limits for all that arrives from now on, as after a login.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = usable(limits);
    }

    /// Octets of heap held for a frame that has not arrived completely; zero between frames.
    pub fn heap_bytes(&self) -> usize {
        match &self.state {
            State::Frame(partial) => size_of::<Partial>() + partial.heap_bytes(),
            State::Idle | State::AfterCr | State::Failed => 0,
        }
    }

    /// Takes the next item from the front of `input`, advancing it past what
    /// was used. `None`: all of `input` was used, more has to arrive. To be
    /// called until then.
    ///
    /// # Errors
    ///
    /// The peer broke the protocol or passed a limit; see [`DecodeError`]. The
    /// connection has to be closed. The rest of `input` is discarded.
    pub fn decode(&mut self, input: &mut &[u8]) -> Result<Option<Item>, DecodeError> {
        let result = self.step(input);
        if result.is_err() {
            self.state = State::Failed;
            *input = &[];
        }
        result
    }

    fn step(&mut self, input: &mut &[u8]) -> Result<Option<Item>, DecodeError> {
        if matches!(self.state, State::Idle | State::AfterCr) {
            if self.skip_eols(input)? {
                return Ok(Some(Item::HeartBeat));
            }
            if input.is_empty() {
                return Ok(None);
            }
        }
        let rules = Rules {
            limits: &self.limits,
            version: self.version,
            peer: self.peer,
        };
        match &mut self.state {
            State::Failed => {
                *input = &[];
                Ok(None)
            }
            State::Frame(partial) => {
                let frame = partial.advance(rules, input)?;
                if frame.is_some() {
                    self.state = State::Idle;
                }
                Ok(frame.map(Item::Frame))
            }
            State::Idle | State::AfterCr => {
                let mut partial = Partial::new(input.len());
                let frame = partial.advance(rules, input)?;
                if frame.is_none() {
                    self.state = State::Frame(Box::new(partial));
                }
                Ok(frame.map(Item::Frame))
            }
        }
    }

    /// Skips the EOLs that may stand before a frame (STOMP 1.2, "Augmented
    /// BNF", frame-stream) and says whether there were any.
    fn skip_eols(&mut self, input: &mut &[u8]) -> Result<bool, DecodeError> {
        let mut skipped = false;
        let mut after_cr = matches!(self.state, State::AfterCr);
        loop {
            match input.first() {
                Some(b'\n') => {
                    skipped = true;
                    after_cr = false;
                }
                Some(b'\r') if !after_cr && accepts_cr_lf(self.version) => after_cr = true,
                Some(_) if after_cr => return Err(DecodeError::UnknownCommand),
                _ => break,
            }
            *input = &input[1..];
        }
        self.state = if after_cr {
            State::AfterCr
        } else {
            State::Idle
        };
        Ok(skipped)
    }
}

/// Whether a line may end with CR LF: in 1.2, and in a CONNECT that may turn
/// out to ask for 1.2 (STOMP 1.2, "STOMP Frames"). Elsewhere the CR is part of the line.
pub(super) fn accepts_cr_lf(version: Option<Version>) -> bool {
    matches!(version, None | Some(Version::V1_2))
}

/// [`Headers`](super::Headers) index their text by 32 bits.
fn usable(limits: Limits) -> Limits {
    Limits {
        head_bytes_max: limits.head_bytes_max.min(u32::MAX as usize),
        ..limits
    }
}

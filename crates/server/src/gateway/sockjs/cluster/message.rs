//! What gateways say to each other, as bytes.
//!
//! One octet for the version, eight for the gateway that says it, eight for the request that it is
//! about, one for the kind; then what the kind has. Numbers are big-endian. What is not understood, as
//! of another version, is dropped: whoever waits for an answer asks again, and then gives up.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use madang_wire::sockjs::{Callback, Receiver};

use super::key::{KEY_BYTES, SessionKey};

const VERSION: u8 = 1;

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    /// The gateway that says it.
    pub(super) from: u64,
    /// Numbered by the gateway that asks; with its number unique in the cluster. 0 for what belongs
    /// to none.
    pub(super) request: u64,
    pub(super) content: Content,
}

/// What is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content {
    /// It is there, at this time of its clock: seconds since 1970. `Present::New` wants to hear who
    /// else is.
    Beat { present: Present, at: u64 },
    /// It goes.
    Leave,
    /// Who has this session?
    Find(SessionKey),
    /// The session is here, or is being opened here.
    Here,
    /// It is not.
    NotHere,
    /// Let this request be the session's receiver. Requests below `settled` are asked no more.
    Receive {
        key: SessionKey,
        settled: u64,
        receiver: Receiver,
    },
    /// A part of the texts that a request brings for the session.
    Send {
        key: SessionKey,
        settled: u64,
        part: Part,
    },
    /// The request is being carried out.
    Accepted,
    /// The session has the texts.
    Sent,
    /// It was not carried out.
    Refused(Refused),
    /// A piece of the response to [`Content::Receive`], numbered from 0.
    Piece {
        number: u32,
        bytes: Bytes,
        next: Next,
    },
    /// How many pieces, from the first, have arrived, and how many of them the client's connection
    /// has taken: `taken <= arrived`.
    Progress { arrived: u32, taken: u32 },
    /// The client of [`Content::Receive`] went away.
    Gone,
    /// Let the response end here: its client asks anew, another gateway. This one stops.
    Release(SessionKey),
}

/// How a gateway is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Present {
    Still,
    New,
}

/// What comes behind a piece of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Another one.
    More,
    /// Nothing: the response is complete.
    End,
    /// Nothing: it breaks off.
    Break,
}

/// Why a request was not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Refused {
    /// The session is not there, or is over.
    NotFound,
    /// Too much waits.
    Overloaded,
    /// It took too long. Whether it was carried out is not known.
    Unavailable,
}

/// The texts of one request may be more than a message of the bus can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// From 0.
    pub(super) index: u16,
    /// Above `index`.
    pub(super) count: u16,
    pub(super) bytes: Bytes,
}

mod kind {
    pub(super) const BEAT: u8 = 1;
    pub(super) const NEW: u8 = 2;
    pub(super) const LEAVE: u8 = 3;
    pub(super) const FIND: u8 = 4;
    pub(super) const HERE: u8 = 5;
    pub(super) const NOT_HERE: u8 = 6;
    pub(super) const RECEIVE: u8 = 7;
    pub(super) const SEND: u8 = 8;
    pub(super) const ACCEPTED: u8 = 9;
    pub(super) const SENT: u8 = 10;
    pub(super) const NOT_FOUND: u8 = 11;
    pub(super) const OVERLOADED: u8 = 12;
    pub(super) const UNAVAILABLE: u8 = 13;
    pub(super) const PIECE: u8 = 14;
    pub(super) const LAST_PIECE: u8 = 15;
    pub(super) const BREAK: u8 = 16;
    pub(super) const PROGRESS: u8 = 17;
    pub(super) const GONE: u8 = 18;
    pub(super) const RELEASE: u8 = 19;
}

mod receiver {
    pub(super) const XHR: u8 = 1;
    pub(super) const XHR_STREAMING: u8 = 2;
    pub(super) const EVENT_SOURCE: u8 = 3;
    pub(super) const HTML_FILE: u8 = 4;
    pub(super) const JSONP: u8 = 5;
}

impl Message {
    pub(super) fn encode(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(64 + self.content.len());
        out.put_u8(VERSION);
        out.put_u64(self.from);
        out.put_u64(self.request);
        self.content.append(&mut out);
        out.freeze()
    }

    /// `None` for what no gateway of this version says.
    pub(super) fn decode(payload: &Bytes) -> Option<Self> {
        let mut rest = payload.clone();
        if rest.try_get_u8().ok()? != VERSION {
            return None;
        }
        Some(Self {
            from: rest.try_get_u64().ok()?,
            request: rest.try_get_u64().ok()?,
            content: Content::take(&mut rest)?,
        })
    }
}

impl Content {
    /// About how many bytes it takes.
    fn len(&self) -> usize {
        match self {
            Self::Piece { bytes, .. } => bytes.len(),
            Self::Send { part, .. } => part.bytes.len(),
            _ => 0,
        }
    }

    fn append(&self, out: &mut BytesMut) {
        match self {
            Self::Beat { present, at } => {
                out.put_u8(match present {
                    Present::Still => kind::BEAT,
                    Present::New => kind::NEW,
                });
                out.put_u64(*at);
            }
            Self::Leave => out.put_u8(kind::LEAVE),
            Self::Find(key) => {
                out.put_u8(kind::FIND);
                out.put_slice(key.as_bytes());
            }
            Self::Here => out.put_u8(kind::HERE),
            Self::NotHere => out.put_u8(kind::NOT_HERE),
            Self::Receive {
                key,
                settled,
                receiver,
            } => {
                out.put_u8(kind::RECEIVE);
                out.put_slice(key.as_bytes());
                out.put_u64(*settled);
                append_receiver(receiver, out);
            }
            Self::Send { key, settled, part } => {
                out.put_u8(kind::SEND);
                out.put_slice(key.as_bytes());
                out.put_u64(*settled);
                out.put_u16(part.index);
                out.put_u16(part.count);
                out.put_slice(&part.bytes);
            }
            Self::Accepted => out.put_u8(kind::ACCEPTED),
            Self::Sent => out.put_u8(kind::SENT),
            Self::Refused(refused) => out.put_u8(match refused {
                Refused::NotFound => kind::NOT_FOUND,
                Refused::Overloaded => kind::OVERLOADED,
                Refused::Unavailable => kind::UNAVAILABLE,
            }),
            Self::Piece {
                number,
                bytes,
                next,
            } => {
                out.put_u8(match next {
                    Next::More => kind::PIECE,
                    Next::End => kind::LAST_PIECE,
                    Next::Break => kind::BREAK,
                });
                out.put_u32(*number);
                out.put_slice(bytes);
            }
            Self::Progress { arrived, taken } => {
                out.put_u8(kind::PROGRESS);
                out.put_u32(*arrived);
                out.put_u32(*taken);
            }
            Self::Gone => out.put_u8(kind::GONE),
            Self::Release(key) => {
                out.put_u8(kind::RELEASE);
                out.put_slice(key.as_bytes());
            }
        }
    }

    fn take(rest: &mut Bytes) -> Option<Self> {
        Some(match rest.try_get_u8().ok()? {
            kind::BEAT => Self::Beat {
                present: Present::Still,
                at: rest.try_get_u64().ok()?,
            },
            kind::NEW => Self::Beat {
                present: Present::New,
                at: rest.try_get_u64().ok()?,
            },
            kind::LEAVE => Self::Leave,
            kind::FIND => Self::Find(take_key(rest)?),
            kind::HERE => Self::Here,
            kind::NOT_HERE => Self::NotHere,
            kind::RECEIVE => Self::Receive {
                key: take_key(rest)?,
                settled: rest.try_get_u64().ok()?,
                receiver: take_receiver(rest)?,
            },
            kind::SEND => Self::Send {
                key: take_key(rest)?,
                settled: rest.try_get_u64().ok()?,
                part: take_part(rest)?,
            },
            kind::ACCEPTED => Self::Accepted,
            kind::SENT => Self::Sent,
            kind::NOT_FOUND => Self::Refused(Refused::NotFound),
            kind::OVERLOADED => Self::Refused(Refused::Overloaded),
            kind::UNAVAILABLE => Self::Refused(Refused::Unavailable),
            kind::PIECE => take_piece(rest, Next::More)?,
            kind::LAST_PIECE => take_piece(rest, Next::End)?,
            kind::BREAK => take_piece(rest, Next::Break)?,
            kind::PROGRESS => Self::Progress {
                arrived: rest.try_get_u32().ok()?,
                taken: rest.try_get_u32().ok()?,
            },
            kind::GONE => Self::Gone,
            kind::RELEASE => Self::Release(take_key(rest)?),
            _ => return None,
        })
    }
}

fn append_receiver(receiver: &Receiver, out: &mut BytesMut) {
    match receiver {
        Receiver::Xhr => out.put_u8(receiver::XHR),
        Receiver::XhrStreaming => out.put_u8(receiver::XHR_STREAMING),
        Receiver::EventSource => out.put_u8(receiver::EVENT_SOURCE),
        Receiver::HtmlFile(callback) => {
            out.put_u8(receiver::HTML_FILE);
            out.put_slice(callback.as_str().as_bytes());
        }
        Receiver::Jsonp(callback) => {
            out.put_u8(receiver::JSONP);
            out.put_slice(callback.as_str().as_bytes());
        }
    }
}

fn take_receiver(rest: &mut Bytes) -> Option<Receiver> {
    let kind = rest.try_get_u8().ok()?;
    let callback = || Callback::new(std::str::from_utf8(rest).ok()?).ok();
    Some(match kind {
        receiver::XHR => Receiver::Xhr,
        receiver::XHR_STREAMING => Receiver::XhrStreaming,
        receiver::EVENT_SOURCE => Receiver::EventSource,
        receiver::HTML_FILE => Receiver::HtmlFile(callback()?),
        receiver::JSONP => Receiver::Jsonp(callback()?),
        _ => return None,
    })
}

fn take_key(rest: &mut Bytes) -> Option<SessionKey> {
    let mut key = [0; KEY_BYTES];
    rest.try_copy_to_slice(&mut key).ok()?;
    Some(SessionKey::from_bytes(key))
}

fn take_part(rest: &mut Bytes) -> Option<Part> {
    let (index, count) = (rest.try_get_u16().ok()?, rest.try_get_u16().ok()?);
    let bytes = std::mem::take(rest);
    (index < count).then_some(Part {
        index,
        count,
        bytes,
    })
}

fn take_piece(rest: &mut Bytes, next: Next) -> Option<Content> {
    Some(Content::Piece {
        number: rest.try_get_u32().ok()?,
        bytes: std::mem::take(rest),
        next,
    })
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn contents() -> Vec<Content> {
        let key = SessionKey::of("a secret");
        let callback = || Callback::new("c._0").unwrap();
        let mut all = vec![
            Content::Leave,
            Content::Release(key),
            Content::Find(key),
            Content::Here,
            Content::NotHere,
            Content::Accepted,
            Content::Sent,
            Content::Progress {
                arrived: 7,
                taken: u32::MAX,
            },
            Content::Gone,
            Content::Send {
                key,
                settled: 3,
                part: Part {
                    index: 1,
                    count: 2,
                    bytes: Bytes::from_static(b"texts"),
                },
            },
        ];
        all.extend([Present::Still, Present::New].map(|present| Content::Beat {
            present,
            at: 1_800_000_000,
        }));
        let refused = [Refused::NotFound, Refused::Overloaded, Refused::Unavailable];
        all.extend(refused.map(Content::Refused));
        all.extend(
            [Next::More, Next::End, Next::Break].map(|next| Content::Piece {
                number: 9,
                bytes: Bytes::from_static("고객".as_bytes()),
                next,
            }),
        );
        let receivers = [
            Receiver::Xhr,
            Receiver::XhrStreaming,
            Receiver::EventSource,
            Receiver::HtmlFile(callback()),
            Receiver::Jsonp(callback()),
        ];
        all.extend(receivers.map(|receiver| Content::Receive {
            key,
            settled: u64::MAX,
            receiver,
        }));
        all
    }

    fn message(content: Content) -> Message {
        Message {
            from: u64::MAX - 1,
            request: 5,
            content,
        }
    }

    #[test]
    fn every_message_survives_the_bus() {
        for content in contents() {
            let message = message(content);
            assert_eq!(Message::decode(&message.encode()), Some(message));
        }
    }

    #[test]
    fn what_another_version_says_is_nothing() {
        let mut bytes = message(Content::Here).encode().to_vec();
        bytes[0] = VERSION + 1;
        assert_eq!(Message::decode(&bytes.into()), None);
    }

    #[test]
    fn a_session_is_not_named_in_clear() {
        let bytes = message(Content::Find(SessionKey::of("a secret"))).encode();
        assert_eq!(memchr::memmem::find(&bytes, b"secret"), None);
    }

    proptest! {
        #[test]
        fn whatever_comes_is_a_message_or_nothing(bytes in vec(any::<u8>(), 0..64), kind: u8) {
            let mut head = vec![VERSION];
            head.extend([0; 16]);
            head.push(kind);
            head.extend(&bytes);
            drop(Message::decode(&head.into()));
            drop(Message::decode(&bytes.into()));
        }
    }
}

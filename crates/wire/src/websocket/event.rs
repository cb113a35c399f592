/// Which end of the connection this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Takes masked frames only (RFC 6455, section 5.1).
    Server,
    /// Takes unmasked frames only (RFC 6455, section 5.1).
    Client,
}

/// How much a peer may make the decoder keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes of one message, all its fragments together. A frame
    /// that exceeds it is refused when its head has been read. More than
    /// 4 GiB less 126 bytes is taken as that.
    pub message_bytes_max: usize,
}

impl Default for Limits {
    /// 128 KiB: a message of 64 KiB with its headers and its escaping.
    fn default() -> Self {
        Self {
            message_bytes_max: 128 * 1024,
        }
    }
}

/// What a data message says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// UTF-8 text.
    Text,
    /// Any bytes.
    Binary,
}

/// What the peer sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A whole data message, reassembled and unmasked.
    Message {
        /// Text or binary, as the first frame said.
        kind: Kind,
        /// The message; valid UTF-8 if `kind` is [`Kind::Text`].
        payload: &'a [u8],
    },
    /// To be answered with a pong of the same payload, at most 125 bytes,
    /// unless a Close was sent or received (RFC 6455, section 5.5.2).
    Ping(&'a [u8]),
    /// A heart-beat, or the answer to a ping; at most 125 bytes.
    Pong(&'a [u8]),
    /// The last event. To be answered with a Close of the same code, unless
    /// one was sent before (RFC 6455, section 5.5.1).
    Close {
        /// A code that [`CloseCode::new`](super::CloseCode::new) takes, or `None` if the
        /// peer gave none.
        code: Option<u16>,
        /// Why, for a log; empty if the peer gave no reason.
        reason: &'a str,
    },
}

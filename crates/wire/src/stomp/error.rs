use super::BadEscape;
use super::command::Command;
use super::headers::Headers;

/// How the peer broke the protocol or passed a limit. The peer is at fault in
/// every case, repeating the frame cannot help, and the connection has to be
/// closed, after an ERROR frame if the server is the one that decodes (STOMP
/// 1.2, "ERROR"). The texts can be shown to the peer: they contain nothing of
/// what it sent.
///
/// `receipt` is the frame's `receipt` header if it was read before the fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The peer began a frame with something that is no command of the
    /// version in use: another protocol, wrong letter case, a stray NUL, or a
    /// CR before the LF in a version without CR LF.
    #[error("unknown command")]
    UnknownCommand,
    /// The peer sent a command that only the other side may send.
    #[error("command not allowed in this direction")]
    WrongDirection,
    /// The peer sent a header line without colon or with an empty name, a NUL
    /// before the end of the headers, or in 1.2 a CR that ends no line.
    #[error("malformed header")]
    MalformedHeader {
        /// See [`DecodeError::receipt`].
        receipt: Option<Box<str>>,
    },
    /// The peer sent a backslash sequence the version does not define, which
    /// is fatal (STOMP 1.2, "Value Encoding").
    #[error("undefined escape sequence in a header")]
    BadEscape {
        /// See [`DecodeError::receipt`].
        receipt: Option<Box<str>>,
    },
    /// The peer sent a header that is not UTF-8.
    #[error("header is not UTF-8")]
    NotUtf8 {
        /// See [`DecodeError::receipt`].
        receipt: Option<Box<str>>,
    },
    /// The peer sent a `content-length` that is not a number of octets.
    #[error("content-length is not a number of octets")]
    BadContentLength {
        /// See [`DecodeError::receipt`].
        receipt: Option<Box<str>>,
    },
    /// The peer sent another octet than NUL behind as many octets of body as
    /// its `content-length` says.
    #[error("no NUL behind a body of content-length octets")]
    MissingNul {
        /// See [`DecodeError::receipt`].
        receipt: Option<Box<str>>,
    },
    /// The peer gave a body to a frame that may not have one (STOMP 1.2,
    /// "Body"). In 1.0 such a body is ignored instead.
    #[error("this frame may not have a body")]
    BodyNotAllowed {
        /// See [`DecodeError::receipt`].
        receipt: Option<Box<str>>,
    },
    /// The peer sent more headers than `header_count_max`.
    #[error("too many headers")]
    TooManyHeaders {
        /// See [`DecodeError::receipt`].
        receipt: Option<Box<str>>,
    },
    /// The peer sent a header line longer than `header_line_bytes_max`.
    #[error("header line too long")]
    HeaderTooLong {
        /// See [`DecodeError::receipt`].
        receipt: Option<Box<str>>,
    },
    /// The peer sent headers longer than `head_bytes_max` together.
    #[error("headers too long")]
    HeadTooLarge {
        /// See [`DecodeError::receipt`].
        receipt: Option<Box<str>>,
    },
    /// The peer sent or announced a body longer than `body_bytes_max`.
    #[error("body too long")]
    BodyTooLarge {
        /// See [`DecodeError::receipt`].
        receipt: Option<Box<str>>,
    },
}

impl DecodeError {
    /// The `receipt` header of the frame at fault, for the `receipt-id` of the
    /// ERROR that answers it (STOMP 1.2, "ERROR"). `None` if the frame has
    /// none, if the fault came before that header, or if the frame is a
    /// CONNECT, whose receipts do not count.
    pub fn receipt(&self) -> Option<&str> {
        match self {
            Self::UnknownCommand | Self::WrongDirection => None,
            Self::MalformedHeader { receipt }
            | Self::BadEscape { receipt }
            | Self::NotUtf8 { receipt }
            | Self::BadContentLength { receipt }
            | Self::MissingNul { receipt }
            | Self::BodyNotAllowed { receipt }
            | Self::TooManyHeaders { receipt }
            | Self::HeaderTooLong { receipt }
            | Self::HeadTooLarge { receipt }
            | Self::BodyTooLarge { receipt } => receipt.as_deref(),
        }
    }

    /// Whether a limit was passed, rather than the protocol broken.
    pub fn is_limit(&self) -> bool {
        matches!(
            self,
            Self::TooManyHeaders { .. }
                | Self::HeaderTooLong { .. }
                | Self::HeadTooLarge { .. }
                | Self::BodyTooLarge { .. }
        )
    }

    /// Adds what is known of the frame at fault.
    pub(super) fn of_frame(mut self, command: Option<Command>, headers: &Headers) -> DecodeError {
        // STOMP 1.2, "Standard Headers", receipt: any client frame other than CONNECT.
        if matches!(command, None | Some(Command::Connect | Command::Stomp)) {
            return self;
        }
        match &mut self {
            Self::UnknownCommand | Self::WrongDirection => {}
            Self::MalformedHeader { receipt }
            | Self::BadEscape { receipt }
            | Self::NotUtf8 { receipt }
            | Self::BadContentLength { receipt }
            | Self::MissingNul { receipt }
            | Self::BodyNotAllowed { receipt }
            | Self::TooManyHeaders { receipt }
            | Self::HeaderTooLong { receipt }
            | Self::HeadTooLarge { receipt }
            | Self::BodyTooLarge { receipt } => *receipt = headers.get("receipt").map(Box::from),
        }
        self
    }
}

impl From<BadEscape> for DecodeError {
    fn from(_: BadEscape) -> DecodeError {
        DecodeError::BadEscape { receipt: None }
    }
}

use super::close::CloseCode;

/// How the peer broke RFC 6455, or what it sent that is larger than we take.
///
/// The peer is to blame for every variant, none is retryable on the same
/// connection: send a Close frame with [`close_code`](Self::close_code) and
/// close the connection (RFC 6455, section 7.1.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// A reserved bit is set, and no extension gives it a meaning (section 5.2).
    #[error("reserved bit set, but no extension was agreed")]
    ReservedBits,
    /// An opcode without a meaning (section 5.2).
    #[error("reserved opcode {0:#x}")]
    ReservedOpcode(u8),
    /// A control frame without FIN (section 5.4).
    #[error("fragmented control frame")]
    FragmentedControl,
    /// A control frame of more than 125 bytes (section 5.5).
    #[error("control frame longer than 125 bytes")]
    ControlTooLong,
    /// A client's frame without a mask (section 5.1).
    #[error("frame from the client is not masked")]
    Unmasked,
    /// A server's frame with a mask (section 5.1).
    #[error("frame from the server is masked")]
    Masked,
    /// A payload length in more bytes than it needs (section 5.2).
    #[error("payload length is not in its shortest form")]
    LengthNotMinimal,
    /// A 64-bit payload length with the top bit set (section 5.2).
    #[error("payload length has its most significant bit set")]
    LengthTopBit,
    /// A continuation frame with nothing to continue (section 5.4).
    #[error("continuation frame outside a fragmented message")]
    UnexpectedContinuation,
    /// A new message before the fragmented one has ended (section 5.4).
    #[error("new message inside a fragmented message")]
    ExpectedContinuation,
    /// A Close frame with half a code (section 5.5.1).
    #[error("close frame with a payload of one byte")]
    ClosePayload,
    /// A close code that must not be sent (section 7.4).
    #[error("close code {0} must not be sent")]
    CloseCode(u16),
    /// A text message or close reason that is not UTF-8 (section 8.1).
    #[error("text is not UTF-8")]
    InvalidUtf8,
    /// A message larger than [`Limits`](super::Limits) allows.
    #[error("message is too big")]
    MessageTooBig,
}

impl ProtocolError {
    /// The code of the Close frame that answers this error: 1002, 1007 or 1009.
    pub fn close_code(&self) -> CloseCode {
        match self {
            Self::InvalidUtf8 => CloseCode::INVALID_PAYLOAD,
            Self::MessageTooBig => CloseCode::TOO_BIG,
            _ => CloseCode::PROTOCOL,
        }
    }
}

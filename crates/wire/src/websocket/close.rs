use super::error::ProtocolError;
use super::utf8;

/// A status code that may stand in a Close frame (RFC 6455, section 7.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CloseCode(u16);

impl CloseCode {
    /// 1000: the purpose of the connection is fulfilled.
    pub const NORMAL: Self = Self(1000);
    /// 1001: the server shuts down, or the user leaves the page.
    pub const GOING_AWAY: Self = Self(1001);
    /// 1002: the peer broke the protocol.
    pub const PROTOCOL: Self = Self(1002);
    /// 1007: the payload contradicts its type, such as text that is not UTF-8.
    pub const INVALID_PAYLOAD: Self = Self(1007);
    /// 1008: the message is against a policy of the server.
    pub const POLICY: Self = Self(1008);
    /// 1009: the message is too big to be processed.
    pub const TOO_BIG: Self = Self(1009);
    /// 1011: the server met a condition it did not expect.
    pub const INTERNAL: Self = Self(1011);
    /// 1012: the server restarts; reconnect after a random delay.
    pub const SERVICE_RESTART: Self = Self(1012);
    /// 1013: the server is overloaded; try again later.
    pub const TRY_AGAIN: Self = Self(1013);

    /// Takes a code that an endpoint may send: 1000 to 1003 and 1007 to 1014
    /// (section 7.4.1 and the IANA registry), 3000 to 4999 (section 7.4.2).
    ///
    /// `None` for every other number, among them 1005, 1006 and 1015, which
    /// stand for what was *not* received.
    pub const fn new(code: u16) -> Option<Self> {
        match code {
            1000..=1003 | 1007..=1014 | 3000..=4999 => Some(Self(code)),
            _ => None,
        }
    }

    /// The number on the wire.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl From<CloseCode> for u16 {
    fn from(code: CloseCode) -> u16 {
        code.0
    }
}

impl std::fmt::Display for CloseCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Reads the payload of a Close frame: nothing, or a code and a reason
/// (section 5.5.1).
pub(super) fn parse(payload: &[u8]) -> Result<(Option<CloseCode>, &str), ProtocolError> {
    let Some((code, reason)) = payload.split_first_chunk() else {
        return match payload {
            [] => Ok((None, "")),
            _ => Err(ProtocolError::ClosePayload),
        };
    };
    let code = u16::from_be_bytes(*code);
    let code = CloseCode::new(code).ok_or(ProtocolError::CloseCode(code))?;
    Ok((Some(code), utf8::check(reason)?))
}

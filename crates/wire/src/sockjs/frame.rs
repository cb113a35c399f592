//! What the server sends: sockjs-protocol, "Framing accepted by the client".
//!
//! A frame of texts of which parts are kept escaped is put together from
//! [`MESSAGES_START`], what [`append_escaped`] made,
//! [`MESSAGES_SEPARATOR`] between two texts, and [`MESSAGES_END`].

use super::escape::{append_escaped, append_quoted};

/// The open frame: first of all in a session.
pub const OPEN: &[u8] = b"o";

/// The heart-beat frame.
pub const HEART_BEAT: &[u8] = b"h";

/// What a frame of texts begins with, the first one's quotation mark included.
pub const MESSAGES_START: &[u8] = b"a[\"";

/// What stands between two escaped texts.
pub const MESSAGES_SEPARATOR: &[u8] = b"\",\"";

/// What a frame of texts ends with.
pub const MESSAGES_END: &[u8] = b"\"]";

/// Appends a frame of texts, `a["…","…"]`. Without texts it is `a[]`, which
/// says nothing.
pub fn append_messages<'a>(texts: impl IntoIterator<Item = &'a [u8]>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"a[");
    for (index, text) in texts.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        append_quoted(text, out);
    }
    out.push(b']');
}

/// Why a session ended, as the client's `CloseEvent` tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Close<'a> {
    /// As in RFC 6455, section 7.4; 2000 to 2999 are SockJS's.
    pub code: u16,
    /// For people.
    pub reason: &'a str,
}

impl Close<'static> {
    /// The session ended as intended.
    pub const NORMAL: Self = Self::new(1000, "Normal closure");
    /// A receiving request broke off, so that frames may be lost.
    pub const INTERRUPTED: Self = Self::new(1002, "Connection interrupted");
    /// Another request is receiving the session's frames. Only the later
    /// request is told; the session goes on.
    pub const ANOTHER_CONNECTION: Self = Self::new(2010, "Another connection still open");
    /// The server ends the session.
    pub const GO_AWAY: Self = Self::new(3000, "Go away!");
    /// What came over a WebSocket is no JSON.
    pub const BROKEN_FRAMING: Self = Self::new(3000, "Broken framing.");
}

impl<'a> Close<'a> {
    /// Puts the two together.
    pub const fn new(code: u16, reason: &'a str) -> Self {
        Self { code, reason }
    }

    /// Appends the close frame, `c[3000,"Go away!"]`.
    pub fn append_frame(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"c[");
        out.extend_from_slice(self.code.to_string().as_bytes());
        out.extend_from_slice(b",\"");
        append_escaped(self.reason.as_bytes(), out);
        out.extend_from_slice(b"\"]");
    }
}

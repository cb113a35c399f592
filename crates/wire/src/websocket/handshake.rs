//! The opening handshake (RFC 6455, section 4), as far as it is WebSocket's:
//! HTTP itself, such as the method and the version, is the HTTP server's.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use sha1::{Digest as _, Sha1};

/// The only version there is (section 4.1), and what an answer of 426 says in
/// its `Sec-WebSocket-Version` (section 4.4).
pub const VERSION: &str = "13";

/// The most bytes of the head of a server's response.
pub const RESPONSE_HEAD_BYTES_MAX: usize = 16 * 1024;

const KEY_SUFFIX: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const KEY_BYTES: usize = 16;

/// Takes the unused bits of the last character as they come: some clients make
/// their key of random characters, and nothing depends on those bits.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// Why a request is no opening handshake that we take. The client is to blame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// `Upgrade` does not name `websocket`.
    #[error("header Upgrade does not name websocket")]
    Upgrade,
    /// `Connection` does not name `upgrade`.
    #[error("header Connection does not name upgrade")]
    Connection,
    /// There is no `Sec-WebSocket-Version`.
    #[error("header Sec-WebSocket-Version is missing")]
    VersionMissing,
    /// `Sec-WebSocket-Version` is none that is spoken here.
    #[error("header Sec-WebSocket-Version is not supported")]
    VersionUnsupported,
    /// `Sec-WebSocket-Key` is missing or not 16 bytes in base64.
    #[error("header Sec-WebSocket-Key is not 16 bytes in base64")]
    Key,
}

impl HandshakeError {
    /// The HTTP status of the refusal: 426 for another version, and the
    /// response then has to list those that are spoken, such as
    /// `Sec-WebSocket-Version: 13` (section 4.4);
    /// else 400.
    pub fn status(&self) -> u16 {
        match self {
            Self::VersionUnsupported => 426,
            _ => 400,
        }
    }
}

/// The headers of a request that make it an opening handshake.
///
/// A header that stands on several lines is given as one, joined by commas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestHeaders<'a> {
    /// `Upgrade`
    pub upgrade: Option<&'a str>,
    /// `Connection`
    pub connection: Option<&'a str>,
    /// `Sec-WebSocket-Version`
    pub version: Option<&'a str>,
    /// `Sec-WebSocket-Key`
    pub key: Option<&'a str>,
}

/// Checks a request against section 4.2.1; answers what the response says in
/// `Sec-WebSocket-Accept`.
///
/// That the method is GET and the version at least HTTP/1.1 is the caller's to
/// check, as are `Origin` and who may connect.
///
/// # Errors
///
/// The client is to blame, and can retry with another request: answer with
/// [`HandshakeError::status`].
pub fn check_request(headers: &RequestHeaders<'_>) -> Result<String, HandshakeError> {
    check_request_of_versions(headers, &[VERSION])
}

/// As [`check_request`], of any of these versions.
///
/// Version 8 is what the drafts of the protocol from the eighth on call
/// themselves, and 7 the seventh; without extensions their frames are those of
/// 13.
///
/// # Errors
///
/// As [`check_request`]; the response to a status of 426 has to list
/// `versions`.
pub fn check_request_of_versions(
    headers: &RequestHeaders<'_>,
    versions: &[&str],
) -> Result<String, HandshakeError> {
    if !headers
        .upgrade
        .is_some_and(|value| has_token(value, "websocket"))
    {
        return Err(HandshakeError::Upgrade);
    }
    if !headers
        .connection
        .is_some_and(|value| has_token(value, "upgrade"))
    {
        return Err(HandshakeError::Connection);
    }
    match headers.version.map(str::trim) {
        Some(version) if versions.contains(&version) => {}
        Some(_) => return Err(HandshakeError::VersionUnsupported),
        None => return Err(HandshakeError::VersionMissing),
    }
    accept_key(headers.key.ok_or(HandshakeError::Key)?)
}

/// The `Sec-WebSocket-Accept` that answers a `Sec-WebSocket-Key` (section
/// 4.2.2).
///
/// # Errors
///
/// [`HandshakeError::Key`] if the key does not decode to 16 bytes (section
/// 4.2.1).
pub fn accept_key(sec_websocket_key: &str) -> Result<String, HandshakeError> {
    let key = sec_websocket_key.trim_ascii();
    let mut nonce = [0; KEY_BYTES.div_ceil(3) * 3];
    if LENIENT.decode_slice(key, &mut nonce) != Ok(KEY_BYTES) {
        return Err(HandshakeError::Key);
    }
    let digest = Sha1::new()
        .chain_update(key)
        .chain_update(KEY_SUFFIX)
        .finalize();
    Ok(STANDARD.encode(digest))
}

/// The subprotocol to speak: the first of `supported` that the client offers
/// in its `Sec-WebSocket-Protocol`, or `None` (section 4.2.2, 5).
///
/// The client's order is a preference only; `supported` is ours, best first.
/// Names are compared byte by byte.
pub fn choose_subprotocol(offered: &str, supported: &[&'static str]) -> Option<&'static str> {
    supported
        .iter()
        .copied()
        .find(|ours| tokens(offered).any(|theirs| theirs == *ours))
}

/// The `Sec-WebSocket-Key` of 16 bytes, which a client takes at random for
/// each connection (section 4.1).
pub fn encode_key(nonce: [u8; KEY_BYTES]) -> String {
    STANDARD.encode(nonce)
}

/// Appends a client's opening handshake (section 4.1).
///
/// `path` begins with a slash and may have a query; `host` has the port if it
/// is not the default one; `headers` are further ones, such as `Origin`. None
/// of them may hold a line break: that is the caller's to keep.
pub fn encode_request(
    host: &str,
    path: &str,
    key: &str,
    subprotocols: &[&str],
    headers: &[(&str, &str)],
    out: &mut Vec<u8>,
) {
    for part in ["GET ", path, " HTTP/1.1\r\nHost: ", host] {
        out.extend_from_slice(part.as_bytes());
    }
    out.extend_from_slice(b"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n");
    let subprotocols = subprotocols.join(", ");
    let ours = [
        ("Sec-WebSocket-Version", VERSION),
        ("Sec-WebSocket-Key", key),
        ("Sec-WebSocket-Protocol", subprotocols.as_str()),
    ];
    let ours = if subprotocols.is_empty() {
        &ours[..2]
    } else {
        &ours[..]
    };
    for (name, value) in ours.iter().chain(headers) {
        for part in [*name, ": ", *value, "\r\n"] {
            out.extend_from_slice(part.as_bytes());
        }
    }
    out.extend_from_slice(b"\r\n");
}

/// What a server agreed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Response<'a> {
    /// The length of the head: the first frame begins there.
    pub consumed: usize,
    /// The subprotocol the server chose, one of those offered.
    pub subprotocol: Option<&'a str>,
}

/// Why a response does not open the connection. The server is to blame, or
/// refuses; the connection is to be closed (section 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResponseError {
    /// The head is no HTTP/1.1 response.
    #[error("malformed HTTP response")]
    Malformed,
    /// The head is longer than [`RESPONSE_HEAD_BYTES_MAX`].
    #[error("HTTP response head is too long")]
    TooLong,
    /// The status is not 101.
    #[error("HTTP status {0} instead of 101")]
    Status(u16),
    /// `Upgrade` is not `websocket`.
    #[error("header Upgrade is not websocket")]
    Upgrade,
    /// `Connection` does not name `upgrade`.
    #[error("header Connection does not name upgrade")]
    Connection,
    /// `Sec-WebSocket-Accept` does not answer our key.
    #[error("header Sec-WebSocket-Accept does not answer the key")]
    Accept,
    /// The server names an extension; none was offered.
    #[error("the server uses an extension that was not offered")]
    Extension,
    /// The server names a subprotocol that was not offered.
    #[error("the server uses a subprotocol that was not offered")]
    Subprotocol,
}

/// Checks a server's response (section 4.1), of which `input` is all that
/// arrived so far. `None` if its head is incomplete: call again with more.
///
/// `key` and `offered` are what [`encode_request`] sent.
///
/// # Errors
///
/// One [`ResponseError`] for each check; none of them goes away with more
/// bytes.
pub fn check_response<'a>(
    input: &'a [u8],
    key: &str,
    offered: &[&str],
) -> Result<Option<Response<'a>>, ResponseError> {
    let within = &input[..input.len().min(RESPONSE_HEAD_BYTES_MAX)];
    let Some(end) = memchr::memmem::find(within, b"\r\n\r\n") else {
        return match within.len() {
            RESPONSE_HEAD_BYTES_MAX => Err(ResponseError::TooLong),
            _ => Ok(None),
        };
    };
    let head = str::from_utf8(&input[..end]).map_err(|_| ResponseError::Malformed)?;
    let mut lines = head.split("\r\n");
    let status = lines
        .next()
        .and_then(parse_status)
        .ok_or(ResponseError::Malformed)?;
    if status != 101 {
        return Err(ResponseError::Status(status));
    }

    let mut upgrade = false;
    let mut connection = false;
    let mut accept = None;
    let mut subprotocol = None;
    for line in lines {
        let (name, value) = line.split_once(':').ok_or(ResponseError::Malformed)?;
        let value = value.trim_ascii();
        if name.eq_ignore_ascii_case("Upgrade") {
            upgrade = value.eq_ignore_ascii_case("websocket");
        } else if name.eq_ignore_ascii_case("Connection") {
            connection |= has_token(value, "upgrade");
        } else if name.eq_ignore_ascii_case("Sec-WebSocket-Accept") {
            // Section 11.3.3: not more than once.
            if accept.replace(value).is_some() {
                return Err(ResponseError::Accept);
            }
        } else if name.eq_ignore_ascii_case("Sec-WebSocket-Extensions") {
            return Err(ResponseError::Extension);
        } else if name.eq_ignore_ascii_case("Sec-WebSocket-Protocol") {
            // Section 11.3.4: not more than once.
            if subprotocol.replace(value).is_some() || !offered.contains(&value) {
                return Err(ResponseError::Subprotocol);
            }
        }
    }
    if !upgrade {
        return Err(ResponseError::Upgrade);
    }
    if !connection {
        return Err(ResponseError::Connection);
    }
    if accept.is_none_or(|accept| accept_key(key).as_deref() != Ok(accept)) {
        return Err(ResponseError::Accept);
    }
    Ok(Some(Response {
        consumed: end + 4,
        subprotocol,
    }))
}

fn parse_status(line: &str) -> Option<u16> {
    let status = line.strip_prefix("HTTP/1.1 ")?.get(..3)?;
    status
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| status.parse().ok())?
}

fn tokens(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim_ascii)
}

fn has_token(list: &str, token: &str) -> bool {
    tokens(list).any(|candidate| candidate.eq_ignore_ascii_case(token))
}

use super::form;

/// The most bytes of a callback's name. What a client puts at the beginning of
/// a response must not be long enough to be a program of another kind.
pub const CALLBACK_BYTES_MAX: usize = 32;

/// The name of a client's function that the HTML file and JSONP transports
/// call: letters, digits, `-`, `_` and `.` only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback(Box<str>);

/// Why a request names no callback. The client is to blame: status 500.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallbackError {
    /// There is neither `c` nor `callback`, or it is empty.
    #[error("\"callback\" parameter required")]
    Missing,
    /// It has another character than a name has, or is longer than
    /// [`CALLBACK_BYTES_MAX`].
    #[error("invalid \"callback\" parameter")]
    Invalid,
}

impl Callback {
    /// Takes the callback of a request's query, without the question mark and
    /// not decoded: its `c`, else its `callback`.
    ///
    /// # Errors
    ///
    /// Those of [`CallbackError`].
    pub fn from_query(query: &str) -> Result<Self, CallbackError> {
        let name = form::value(query.as_bytes(), b"c")
            .or_else(|| form::value(query.as_bytes(), b"callback"))
            .ok_or(CallbackError::Missing)?;
        let name = String::from_utf8(name).map_err(|_| CallbackError::Invalid)?;
        Self::new(&name)
    }

    /// Takes a name.
    ///
    /// # Errors
    ///
    /// Those of [`CallbackError`].
    pub fn new(name: &str) -> Result<Self, CallbackError> {
        if name.is_empty() {
            return Err(CallbackError::Missing);
        }
        let is_allowed =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if name.len() > CALLBACK_BYTES_MAX || !name.bytes().all(is_allowed) {
            return Err(CallbackError::Invalid);
        }
        Ok(Self(name.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

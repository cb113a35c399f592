use super::error::ProtocolError;

/// Checks a whole text.
pub(super) fn check(text: &[u8]) -> Result<&str, ProtocolError> {
    simdutf8::basic::from_utf8(text).map_err(|_| ProtocolError::InvalidUtf8)
}

/// Checks the beginning of a text, of which more may follow.
///
/// Answers how many bytes at the end (0 to 3) begin a sequence that is still
/// incomplete and could become valid: they have to be checked again with what
/// follows.
///
/// # Errors
///
/// [`ProtocolError::InvalidUtf8`] as soon as nothing that follows could make
/// the text valid (RFC 6455, section 8.1).
pub(super) fn check_prefix(text: &[u8]) -> Result<usize, ProtocolError> {
    match simdutf8::compat::from_utf8(text) {
        Ok(_) => Ok(0),
        Err(error) if error.error_len().is_none() => Ok(text.len() - error.valid_up_to()),
        Err(_) => Err(ProtocolError::InvalidUtf8),
    }
}

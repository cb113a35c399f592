/// What one frame may cost. Each limit is enforced while the bytes arrive, so
/// that a decoder never holds more than about twice what they allow, whatever
/// the peer announces (STOMP 1.2, "Size Limits").
///
/// Zero allows nothing of the kind; there is no value for "unlimited".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Header lines in a frame, repeated ones included. Default 64.
    pub header_count_max: usize,
    /// Octets of one header line without its LF, escapes not yet undone.
    /// Default 8192, enough for a bearer token.
    pub header_line_bytes_max: usize,
    /// Octets of command line, header lines and blank line together, line ends
    /// included. Default 32,768. Values over 4 GiB count as 4 GiB.
    pub head_bytes_max: usize,
    /// Octets of a body, without the NUL behind it. Default 65,536.
    pub body_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            header_count_max: 64,
            header_line_bytes_max: 8 * 1024,
            head_bytes_max: 32 * 1024,
            body_bytes_max: 64 * 1024,
        }
    }
}

//! HTTP/1.1 (RFC 9112) for connections that have left the HTTP library to
//! stream their response: its head, its chunks, and the date.

mod chunk;
mod date;
mod head;

pub use chunk::{LAST_CHUNK, append_chunk};
pub use date::append_date;
pub use head::{BadHead, append_response_head};

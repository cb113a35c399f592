use crate::client::ClientError;

/// Longest piece in bytes; the limit of the WebSocket side too.
const PIECE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Cuts a stream at each delimiter. Copies only what two reads share.
#[derive(Debug)]
pub(in crate::swarm) struct Cutter {
    delimiter: u8,
    /// The front of a piece of which the rest has not arrived.
    partial: Vec<u8>,
}

impl Cutter {
    pub(super) fn new(delimiter: u8) -> Cutter {
        Cutter {
            delimiter,
            partial: Vec::new(),
        }
    }

    /// Calls `each` with every piece that `input` completes, its
    /// delimiter included.
    ///
    /// # Errors
    ///
    /// A piece is too long, or `each` says so.
    pub(super) fn take(
        &mut self,
        mut input: &[u8],
        mut each: impl FnMut(&[u8]) -> Result<(), ClientError>,
    ) -> Result<(), ClientError> {
        while let Some(at) = memchr::memchr(self.delimiter, input) {
            let (piece, rest) = input.split_at(at + 1);
            input = rest;
            if self.partial.is_empty() {
                each(piece)?;
                continue;
            }
            self.partial.extend_from_slice(piece);
            let result = each(&self.partial);
            self.partial.clear();
            result?;
        }
        if self.partial.len() + input.len() > PIECE_BYTES_MAX {
            return Err(ClientError::Protocol("a piece of content has no end"));
        }
        self.partial.extend_from_slice(input);
        Ok(())
    }
}

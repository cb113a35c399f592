//! By what a session is known: to the directory, and to other gateways.

use aws_lc_rs::digest::{SHA256, digest};

pub(in super::super) const KEY_BYTES: usize = 16;

/// The first half of the SHA-256 of a session's id. The id is its client's secret: who knows it can
/// read and write. It stays out of what nodes say to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in super::super) struct SessionKey([u8; KEY_BYTES]);

impl SessionKey {
    pub(in super::super) fn of(id: &str) -> Self {
        let hash = digest(&SHA256, id.as_bytes());
        let mut key = [0; KEY_BYTES];
        // A SHA-256 is longer.
        key.copy_from_slice(&hash.as_ref()[..KEY_BYTES]);
        Self(key)
    }

    pub(super) const fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        Self(bytes)
    }

    pub(super) const fn as_bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }
}

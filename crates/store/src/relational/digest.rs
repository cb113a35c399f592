//! Short keys for long client ids.

// SipHash-2-4, deprecated only as a map's hasher: it is documented, so what is stored keeps its
// meaning; `DefaultHasher` may change with the toolchain.
use std::hash::Hasher;
#[expect(deprecated, reason = "the stored digests need a fixed function")]
use std::hash::SipHasher;

use madang_domain::ports::StoreError;
use madang_domain::{ClientId, UserId};

use super::database::{Database, first, values};

/// The database's secret for `client_ids.digest`.
#[derive(Clone, Copy)]
pub(crate) struct ClientIdKey(u64, u64);

impl std::fmt::Debug for ClientIdKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClientIdKey(secret)")
    }
}

impl ClientIdKey {
    pub(crate) fn load(database: &dyn Database) -> Result<Self, StoreError> {
        let find = "SELECT value FROM settings WHERE name = 'client_id_key'";
        let bytes = first(database, find, values![], |row| Ok(row.bytes(0)?.to_vec()))?;
        let bytes = bytes.unwrap_or_default();
        let bytes: [u8; 16] = bytes
            .try_into()
            .map_err(|_| StoreError::Corrupt("the client id key is damaged".to_owned()))?;
        let number = u128::from_le_bytes(bytes);
        Ok(Self(number as u64, (number >> 64) as u64))
    }

    #[expect(deprecated, reason = "see the import")]
    pub(crate) fn digest(self, sender: &UserId, client_id: &ClientId) -> i64 {
        let mut hasher = SipHasher::new_with_keys(self.0, self.1);
        hasher.write(sender.as_str().as_bytes());
        // Ids hold no control characters.
        hasher.write(&[0]);
        hasher.write(client_id.as_str().as_bytes());
        hasher.finish().cast_signed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_never_changes() {
        let user = |text| UserId::new(text).unwrap();
        let id = |text| ClientId::new(text).unwrap();
        let key = ClientIdKey(1, 2);
        let digest = key.digest(&user("kim"), &id("a"));
        assert_eq!(digest, key.digest(&user("kim"), &id("a")));
        assert_ne!(digest, key.digest(&user("ki"), &id("ma")));
        assert_ne!(digest, ClientIdKey(1, 3).digest(&user("kim"), &id("a")));
        assert_eq!(digest, DIGEST_OF_KIM_A);
    }

    const DIGEST_OF_KIM_A: i64 = 2_678_032_816_980_308_717;
}

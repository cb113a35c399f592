//! Logins that were right, remembered so that they are cheap the next time.

use std::collections::HashMap;

use aws_lc_rs::hmac;
use parking_lot::Mutex;

use crate::config::PasscodeHash;

/// Logins that were right, so that a reconnect storm does not cost an argon2 each. Holds a keyed
/// hash of login, passcode and the account's hash: nothing to read back, and worthless once the
/// account's hash changes. One entry for each account at most.
pub(super) struct VerifiedLogins {
    key: Option<hmac::Key>,
    tags: Mutex<HashMap<String, hmac::Tag>>,
}

impl VerifiedLogins {
    pub(super) fn new() -> Self {
        let random = aws_lc_rs::rand::SystemRandom::new();
        Self {
            // Without randomness nothing is remembered, which is slow but safe.
            key: hmac::Key::generate(hmac::HMAC_SHA256, &random).ok(),
            tags: Mutex::new(HashMap::new()),
        }
    }

    pub(super) fn contains(&self, login: &str, hash: &PasscodeHash, passcode: &str) -> bool {
        let tag = self.tags.lock().get(login).copied();
        let (Some(key), Some(tag)) = (&self.key, tag) else {
            return false;
        };
        hmac::verify(key, &message(login, hash, passcode), tag.as_ref()).is_ok()
    }

    pub(super) fn insert(&self, login: &str, hash: &PasscodeHash, passcode: &str) {
        if let Some(key) = &self.key {
            let tag = hmac::sign(key, &message(login, hash, passcode));
            self.tags.lock().insert(login.to_owned(), tag);
        }
    }
}

/// The parts with their lengths, so that no two triples make the same message.
fn message(login: &str, hash: &PasscodeHash, passcode: &str) -> Vec<u8> {
    let mut message = Vec::new();
    for part in [login, hash.as_str(), passcode] {
        message.extend_from_slice(&part.len().to_le_bytes());
        message.extend_from_slice(part.as_bytes());
    }
    message
}

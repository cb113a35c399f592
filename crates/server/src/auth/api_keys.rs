//! API keys of the host's back end: those of the configuration and those of `DIR/api-keys.toml`.
//!
//! A key is `mdk_<name>_<secret>`. Only its SHA-256 is kept. A passcode, which people choose, needs
//! a slow hash (argon2) because it can be guessed; a key holds 256 bits of randomness, which no
//! speed of guessing finds, so that a fast hash tells a thief of the file as little and does not
//! cost every request a tenth of a second.

use std::path::Path;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use madang_domain::{Caller, Role, Scopes, UserId};
use thiserror::Error;

use super::credential_file::{self, CredentialFile, CredentialFileError, Kept, Table};
use crate::config::{ApiKey, ApiKeyHash};

/// What every key begins with, and no JWT, which is base64url of `{"`.
pub(super) const KEY_PREFIX: &str = "mdk_";

/// The randomness of a key, in bytes.
const SECRET_BYTES: usize = 32;
/// The same as base64url without padding.
const SECRET_TEXT_BYTES: usize = 43;

/// Why an API key cannot be made, listed or removed. The operator's fault.
#[derive(Debug, Error)]
pub enum ApiKeyError {
    /// The file cannot be read or written, or holds something else.
    #[error(transparent)]
    File(#[from] CredentialFileError),
    /// The name is none.
    #[error("the name {0:?} is not {what}", what = ApiKeyHash::NAME_RULE)]
    Name(String),
    /// There is a key of this name: it stays valid.
    #[error("there is an API key {0} already; remove it first, or take another name")]
    Taken(String),
    /// There is no key of this name in the data directory.
    #[error("there is no API key {0} in the data directory")]
    Missing(String),
}

type Keys = Table<ApiKey>;

impl Kept for ApiKey {
    const FILE: &'static str = "api-keys.toml";
    const LOCK: &'static str = "api-keys.lock";
    const HEAD: &'static str =
        "# API keys, as SHA-256. Written by `madang api-key`, which drops comments.";
    const SECTION: &'static str = "api_keys";
    const WHAT: &'static str = Self::WHAT;

    fn read(value: &toml::Value) -> Option<Self> {
        Self::read(value)
    }

    fn written(&self) -> toml::Value {
        self.to_value()
    }

    fn check_name(name: &str) -> Result<(), String> {
        if ApiKeyHash::is_name(name) {
            return Ok(());
        }
        let rule = ApiKeyHash::NAME_RULE;
        Err(format!("the name {name:?} is not {rule}"))
    }
}

/// The keys as they are now.
pub(super) struct ApiKeys {
    configured: Keys,
    file: CredentialFile<ApiKey>,
}

impl ApiKeys {
    /// Reads the file; a missing one holds no keys.
    pub(super) fn open(configured: Keys, data: &Path) -> Result<Self, ApiKeyError> {
        let file = CredentialFile::open(data)?;
        Ok(Self { configured, file })
    }

    /// Whose key this is: a [`Role::Service`] with the key's name as its user id, and its scopes.
    /// `None` when it opens nothing.
    ///
    /// Takes as long as [`CredentialFile::look`]. The hash is compared in constant time; that a
    /// name exists is no secret.
    pub(super) fn holder(&self, key: &str) -> Option<Caller> {
        let name = name_of(key)?;
        let configured = self.configured.get(name).copied();
        let kept = configured.or_else(|| self.file.look(|table| table.get(name).copied()))?;
        verify_slices_are_equal(hash(key).bytes(), kept.hash.bytes()).ok()?;
        Some(Caller {
            scopes: kept.scopes,
            ..Caller::new(UserId::new(name).ok()?, Role::Service)
        })
    }
}

/// The name inside a key. It may hold `_` as the secret may, which has one length only.
fn name_of(key: &str) -> Option<&str> {
    let rest = key.strip_prefix(KEY_PREFIX)?;
    let (name, secret) = rest.split_at_checked(rest.len().checked_sub(SECRET_TEXT_BYTES + 1)?)?;
    let is_key = secret.starts_with('_') && ApiKeyHash::is_name(name);
    is_key.then_some(name)
}

fn hash(key: &str) -> ApiKeyHash {
    let mut bytes = [0; ApiKeyHash::BYTES];
    bytes.copy_from_slice(digest(&SHA256, key.as_bytes()).as_ref());
    ApiKeyHash::new(bytes)
}

/// Makes a key and keeps its hash in `DIR/api-keys.toml` (mode 0600). A running server takes it at
/// the next request. The returned text is the only copy of the key.
///
/// # Errors
/// [`ApiKeyError`]: nothing was changed.
pub fn add(data: &Path, name: &str, scopes: Scopes) -> Result<String, ApiKeyError> {
    if !ApiKeyHash::is_name(name) {
        return Err(ApiKeyError::Name(name.to_owned()));
    }
    let secret: [u8; SECRET_BYTES] = rand::random();
    let key = format!("{KEY_PREFIX}{name}_{}", URL_SAFE_NO_PAD.encode(secret));
    credential_file::change(data, |table: &mut Keys| {
        if table.contains_key(name) {
            return Err(ApiKeyError::Taken(name.to_owned()));
        }
        let hash = hash(&key);
        table.insert(name.to_owned(), ApiKey { hash, scopes });
        Ok(())
    })?;
    Ok(key)
}

/// The names and scopes of the keys in `DIR/api-keys.toml`, sorted.
///
/// # Errors
/// [`ApiKeyError::File`].
pub fn list(data: &Path) -> Result<Vec<(String, Scopes)>, ApiKeyError> {
    let table: Keys = credential_file::read(&data.join(ApiKey::FILE))?;
    let scopes = |(name, key): (String, ApiKey)| (name, key.scopes);
    Ok(table.into_iter().map(scopes).collect())
}

/// Removes a key from `DIR/api-keys.toml`. A running server refuses it from the next request or
/// CONNECT on; a STOMP session that it opened stays until it ends.
///
/// # Errors
/// [`ApiKeyError`]: nothing was changed.
pub fn remove(data: &Path, name: &str) -> Result<(), ApiKeyError> {
    let missing = || ApiKeyError::Missing(name.to_owned());
    if list(data)?.iter().all(|(known, _)| known != name) {
        // Without a change nothing is written, not even the directory.
        return Err(missing());
    }
    credential_file::change(data, |table: &mut Keys| {
        table.remove(name).map(drop).ok_or_else(missing)
    })
}

#[cfg(test)]
mod tests {
    use madang_domain::Scope;

    use super::*;

    fn holder(keys: &ApiKeys, key: &str) -> Option<String> {
        keys.holder(key).map(|caller| caller.user.to_string())
    }

    fn add(data: &Path, name: &str) -> Result<String, ApiKeyError> {
        super::add(data, name, Scopes::PUBLISH)
    }

    fn names(data: &Path) -> Vec<String> {
        let keys = list(data).unwrap().into_iter();
        keys.map(|(name, _)| name).collect()
    }

    #[test]
    fn a_key_opens_a_running_server_from_when_it_is_added_until_it_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let keys = ApiKeys::open(Keys::new(), &data).unwrap();
        assert!(names(&data).is_empty() && !data.exists());
        let key = add(&data, "shop_1").unwrap();
        let other = add(&data, "shop").unwrap();
        assert_eq!(holder(&keys, &key).as_deref(), Some("shop_1"));
        assert_eq!(holder(&keys, &other).as_deref(), Some("shop"));
        assert_eq!(names(&data), ["shop", "shop_1"]);
        remove(&data, "shop_1").unwrap();
        assert_eq!(holder(&keys, &key), None);
        assert_eq!(holder(&keys, &other).as_deref(), Some("shop"));
    }

    #[test]
    fn a_key_has_its_form_and_is_not_in_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let key = add(dir.path(), "shop").unwrap();
        let secret = key.strip_prefix("mdk_shop_").unwrap();
        assert_eq!(secret.len(), SECRET_TEXT_BYTES);
        let text = std::fs::read_to_string(dir.path().join(ApiKey::FILE)).unwrap();
        assert!(!text.contains(secret), "{text}");
        assert!(text.contains(&hash(&key).to_hex()), "{text}");
    }

    #[test]
    fn whatever_differs_from_a_key_in_one_letter_opens_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let key = add(dir.path(), "shop").unwrap();
        add(dir.path(), "ship").unwrap();
        let keys = ApiKeys::open(Keys::new(), dir.path()).unwrap();
        for place in 0..key.len() {
            for replacement in ["i", "_", "é", ""] {
                let mut changed = key.clone();
                changed.replace_range(place..=place, replacement);
                if changed != key {
                    assert_eq!(holder(&keys, &changed), None, "{place} {replacement}");
                }
            }
        }
        for text in ["mdk_", "mdk_shop", "mdk_shop_", &format!("{key}x")] {
            assert_eq!(holder(&keys, text), None, "{text}");
        }
    }

    #[test]
    fn a_key_has_the_scopes_that_it_was_given_and_an_old_file_means_publish() {
        let dir = tempfile::tempdir().unwrap();
        let rooms = Scopes::NONE.with(Scope::Rooms).with(Scope::Users);
        let key = super::add(dir.path(), "shop", rooms).unwrap();
        super::add(dir.path(), "boss", Scopes::ALL).unwrap();
        let old = add(dir.path(), "old").unwrap();
        let keys = ApiKeys::open(Keys::new(), dir.path()).unwrap();
        assert_eq!(keys.holder(&key).unwrap().scopes, rooms);
        let wanted = [
            ("boss", Scopes::ALL),
            ("old", Scopes::PUBLISH),
            ("shop", rooms),
        ];
        let wanted = wanted.map(|(name, scopes)| (name.to_owned(), scopes));
        assert_eq!(list(dir.path()).unwrap(), wanted);

        let text = format!("[api_keys]\nold = \"{}\"\n", hash(&old).to_hex());
        std::fs::write(dir.path().join(ApiKey::FILE), text).unwrap();
        assert_eq!(keys.holder(&old).unwrap().scopes, Scopes::PUBLISH);
        assert!(keys.holder(&key).is_none());
    }

    #[test]
    fn a_name_is_taken_once_and_a_bad_one_never() {
        let dir = tempfile::tempdir().unwrap();
        let key = add(dir.path(), "shop").unwrap();
        assert!(matches!(
            add(dir.path(), "shop"),
            Err(ApiKeyError::Taken(_))
        ));
        let keys = ApiKeys::open(Keys::new(), dir.path()).unwrap();
        assert!(keys.holder(&key).is_some(), "the first stays valid");
        for bad in ["", "a b", "é", "a%2e", "a\n", &"x".repeat(65)] {
            assert!(matches!(add(dir.path(), bad), Err(ApiKeyError::Name(_))));
        }
        assert!(matches!(
            remove(dir.path(), "nobody"),
            Err(ApiKeyError::Missing(_))
        ));
    }

    #[test]
    fn keys_added_at_once_are_all_kept() {
        let dir = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for n in 0..6 {
                let data = dir.path();
                scope.spawn(move || add(data, &format!("a{n}")).unwrap());
            }
        });
        assert_eq!(names(dir.path()).len(), 6);
    }

    #[test]
    fn a_key_of_the_configuration_wins_over_the_files() {
        let dir = tempfile::tempdir().unwrap();
        let of_the_file = add(dir.path(), "shop").unwrap();
        let configured = format!("mdk_shop_{}", "c".repeat(SECRET_TEXT_BYTES));
        let key = ApiKey {
            hash: hash(&configured),
            scopes: Scopes::ALL,
        };
        let table = Keys::from([("shop".to_owned(), key)]);
        let keys = ApiKeys::open(table, dir.path()).unwrap();
        let caller = keys.holder(&configured).unwrap();
        assert_eq!((caller.user.as_str(), caller.scopes), ("shop", Scopes::ALL));
        assert_eq!(holder(&keys, &of_the_file), None);
    }

    #[test]
    fn a_broken_file_stops_a_start_but_not_a_running_server() {
        let dir = tempfile::tempdir().unwrap();
        let key = add(dir.path(), "shop").unwrap();
        let keys = ApiKeys::open(Keys::new(), dir.path()).unwrap();
        for text in ["[api_keys", "a = 1", "[api_keys]\nb = \"plain\""] {
            std::fs::write(dir.path().join(ApiKey::FILE), text).unwrap();
            assert!(keys.holder(&key).is_some(), "{text}");
            assert!(ApiKeys::open(Keys::new(), dir.path()).is_err(), "{text}");
        }
    }
}

//! What is kept of an API key, in the configuration and in `DIR/api-keys.toml`.

use std::fmt;

use madang_domain::Scopes;

use super::value::{MASK, Value};
use crate::hex;

/// The members of a key that is written as a table.
const HASH: &str = "hash";
const SCOPES: &str = "scopes";

/// What is kept of an API key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApiKey {
    /// What tells the key from others.
    pub hash: ApiKeyHash,
    /// What its holder may do; at least one.
    pub scopes: Scopes,
}

impl ApiKey {
    /// What a key is written as, in words that fit after "is not".
    pub const WHAT: &'static str = "a SHA-256 (64 hexadecimal digits), alone or as \
        { hash = \"…\", scopes = [\"publish\", …] }";

    /// Reads a hash alone, which stands for a key with the scope `publish`, or a table of a hash and
    /// scopes. `None` for anything else.
    #[must_use]
    pub fn read(value: &Value) -> Option<Self> {
        let (hash, scopes) = match value {
            Value::String(hash) => (hash.as_str(), Scopes::PUBLISH),
            Value::Table(table) if table.len() == 2 => {
                let names = table.get(SCOPES)?.as_array()?.iter();
                let names: Option<Vec<&str>> = names.map(Value::as_str).collect();
                (table.get(HASH)?.as_str()?, Scopes::parse(names?)?)
            }
            _ => return None,
        };
        let hash = ApiKeyHash::parse(hash)?;
        Some(Self { hash, scopes })
    }

    /// As [`ApiKey::read`] reads it.
    #[must_use]
    pub fn to_value(&self) -> Value {
        self.written(self.hash.to_hex())
    }

    /// The same without what is secret.
    #[must_use]
    pub fn masked(&self) -> Value {
        self.written(MASK.to_owned())
    }

    fn written(&self, hash: String) -> Value {
        if self.scopes == Scopes::PUBLISH {
            return Value::String(hash);
        }
        let names = self.scopes.names().into_iter().map(Value::from);
        let mut table = toml::Table::new();
        table.insert(HASH.to_owned(), hash.into());
        table.insert(SCOPES.to_owned(), Value::Array(names.collect()));
        Value::Table(table)
    }
}

/// The SHA-256 of an API key. It is not shown by `Debug`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ApiKeyHash([u8; Self::BYTES]);

impl ApiKeyHash {
    /// Its length.
    pub const BYTES: usize = 32;

    /// What a key may be called, in words that fit after "is not".
    pub const NAME_RULE: &'static str = "1 to 64 letters, digits, '-', '_' or '.', in ASCII";

    /// Takes a digest.
    #[must_use]
    pub const fn new(digest: [u8; Self::BYTES]) -> Self {
        Self(digest)
    }

    /// Reads 64 hexadecimal digits. `None` for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        hex::decode(text)?.try_into().ok().map(Self)
    }

    /// The digest.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }

    /// The digest as 64 hexadecimal digits.
    #[must_use]
    pub fn to_hex(&self) -> String {
        hex::encode(&self.0)
    }

    /// Whether a key may be called so: what a header and a file can hold as it is.
    #[must_use]
    pub fn is_name(text: &str) -> bool {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        (1..=64).contains(&text.len()) && text.bytes().all(plain)
    }
}

impl fmt::Debug for ApiKeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

#[cfg(test)]
mod tests {
    use madang_domain::Scope;

    use super::*;

    const DIGITS: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn read(toml: &str) -> Option<ApiKey> {
        let table: toml::Table = toml::from_str(&format!("key = {toml}")).unwrap();
        ApiKey::read(&table["key"])
    }

    #[test]
    fn a_key_is_read_back_from_what_it_is_written_as() {
        for scopes in [
            Scopes::PUBLISH,
            Scopes::ALL,
            Scopes::NONE.with(Scope::Rooms).with(Scope::Notify),
        ] {
            let hash = ApiKeyHash::parse(DIGITS).unwrap();
            let key = ApiKey { hash, scopes };
            assert_eq!(ApiKey::read(&key.to_value()), Some(key));
            assert!(!key.masked().to_string().contains(DIGITS));
        }
    }

    #[test]
    fn a_hash_alone_publishes_and_a_table_says_what_its_key_may() {
        assert_eq!(
            read(&format!("\"{DIGITS}\"")).unwrap().scopes,
            Scopes::PUBLISH
        );
        let all = read(&format!("{{ hash = \"{DIGITS}\", scopes = [\"all\"] }}"));
        assert_eq!(all.unwrap().scopes, Scopes::ALL);
        for bad in [
            "7".to_owned(),
            "\"mdk_shop_x\"".to_owned(),
            format!("{{ hash = \"{DIGITS}\" }}"),
            format!("{{ hash = \"{DIGITS}\", scopes = [] }}"),
            format!("{{ hash = \"{DIGITS}\", scopes = [\"everything\"] }}"),
            format!("{{ hash = \"{DIGITS}\", scopes = [7] }}"),
            format!("{{ hash = \"{DIGITS}\", scopes = \"all\" }}"),
            format!("{{ hash = \"{DIGITS}\", scopes = [\"all\"], name = \"x\" }}"),
            "{ hash = 7, scopes = [\"all\"] }".to_owned(),
            "{ scopes = [\"all\"] }".to_owned(),
        ] {
            assert_eq!(read(&bad), None, "{bad}");
        }
    }
}

//! The types that options have, and how each is read from a TOML value.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use argon2::{Params, PasswordHash};
use jiff::tz::TimeZone;
use madang_domain::Role;

use super::address::AddressRange;
use super::picture_place::PicturePlace;
use super::spec::{Allowed, Kind};
use crate::roles::{NodeRole, NodeRoles};

/// A value as the file, the environment or a flag gave it.
pub type Value = toml::Value;

/// What stands in place of a secret, whatever its length.
pub const MASK: &str = "********";

/// A type that an option may have. Reading is pure: it touches no file and no clock.
pub(super) trait OptionValue: Sized {
    const KIND: Kind;
    const SECRET: bool = false;

    /// `None` when the value is of another kind or not allowed.
    fn read(value: &Value, allowed: &Allowed) -> Option<Self>;
}

/// A key or password from the configuration. It is not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The secret itself: for the one place that uses it, never for a log or an answer.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// Most memory that checking one passcode may take, in KiB: more lets a login exhaust the machine.
const HASH_MEMORY_KIB_MAX: u32 = 1024 * 1024;

/// An argon2 hash of a passcode as a PHC string (`$argon2id$v=19$…`). It is not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct PasscodeHash(String);

impl PasscodeHash {
    /// Checks that `text` is a complete argon2 hash with at most 1 GiB of memory cost.
    /// `None` when it is not.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let hash = PasswordHash::new(text).ok()?;
        let params = Params::try_from(&hash).ok()?;
        let complete = hash.salt.is_some() && hash.hash.is_some();
        let argon2 = hash.algorithm.as_str().starts_with("argon2");
        (argon2 && complete && params.m_cost() <= HASH_MEMORY_KIB_MAX)
            .then(|| Self(text.to_owned()))
    }

    /// The PHC string.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasscodeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// An option whose value is one of a few words.
macro_rules! choices {
    ($(
        $(#[doc = $doc:literal])+
        $Name:ident { $($(#[doc = $word_doc:literal])+ $Word:ident = $text:literal,)+ }
    )+) => {$(
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $Name {
            $($(#[doc = $word_doc])+ $Word,)+
        }

        impl $Name {
            pub(super) const NAMES: &'static [&'static str] = &[$($text),+];
        }

        impl OptionValue for $Name {
            const KIND: Kind = Kind::Text;

            fn read(value: &Value, _: &Allowed) -> Option<Self> {
                match value.as_str()? {
                    $($text => Some(Self::$Word),)+
                    _ => None,
                }
            }
        }
    )+};
}

choices! {
    /// How log lines look.
    LogFormat {
        /// For people.
        Text = "text",
        /// One JSON object a line, for collectors.
        Json = "json",
    }

    /// The signature algorithm of the host application's tokens.
    JwtAlgorithm {
        /// HMAC with SHA-256.
        Hs256 = "HS256",
        /// HMAC with SHA-384.
        Hs384 = "HS384",
        /// HMAC with SHA-512.
        Hs512 = "HS512",
        /// RSASSA-PKCS1-v1_5 with SHA-256.
        Rs256 = "RS256",
        /// RSASSA-PKCS1-v1_5 with SHA-384.
        Rs384 = "RS384",
        /// RSASSA-PKCS1-v1_5 with SHA-512.
        Rs512 = "RS512",
        /// RSASSA-PSS with SHA-256.
        Ps256 = "PS256",
        /// RSASSA-PSS with SHA-384.
        Ps384 = "PS384",
        /// RSASSA-PSS with SHA-512.
        Ps512 = "PS512",
        /// ECDSA on P-256 with SHA-256.
        Es256 = "ES256",
        /// ECDSA on P-384 with SHA-384.
        Es384 = "ES384",
        /// Ed25519.
        EdDsa = "EdDSA",
    }

    /// How the bytes of a shared secret are written down.
    KeyEncoding {
        /// The bytes of the text itself.
        Text = "text",
        /// Base64, standard or URL-safe alphabet, with or without padding.
        Base64 = "base64",
        /// Two hexadecimal digits a byte.
        Hex = "hex",
    }

    /// When a commit counts as durable.
    Synchronous {
        /// The disk has it: it survives a power cut.
        Full = "full",
        /// The operating system has it: it survives a crash of the process.
        Normal = "normal",
    }
}

impl OptionValue for bool {
    const KIND: Kind = Kind::Boolean;

    fn read(value: &Value, _: &Allowed) -> Option<Self> {
        value.as_bool()
    }
}

macro_rules! integers {
    ($($Type:ty)+) => {$(
        impl OptionValue for $Type {
            const KIND: Kind = Kind::Integer;

            fn read(value: &Value, allowed: &Allowed) -> Option<Self> {
                let number = u64::try_from(value.as_integer()?).ok()?;
                let number = allowed.accepts_number(number).then_some(number)?;
                Self::try_from(number).ok()
            }
        }
    )+};
}
integers! { u32 u64 usize }

fn text<'v>(value: &'v Value, allowed: &Allowed) -> Option<&'v str> {
    value.as_str().filter(|text| allowed.accepts_text(text))
}

/// An empty text means that the option is not set.
fn set_text<'v>(value: &'v Value, allowed: &Allowed) -> Option<Option<&'v str>> {
    match value.as_str()? {
        "" => Some(None),
        text => allowed.accepts_text(text).then_some(Some(text)),
    }
}

impl OptionValue for String {
    const KIND: Kind = Kind::Text;

    fn read(value: &Value, allowed: &Allowed) -> Option<Self> {
        text(value, allowed).map(str::to_owned)
    }
}

impl OptionValue for Option<String> {
    const KIND: Kind = Kind::Text;

    fn read(value: &Value, allowed: &Allowed) -> Option<Self> {
        Some(set_text(value, allowed)?.map(str::to_owned))
    }
}

impl OptionValue for Option<Secret> {
    const KIND: Kind = Kind::Text;
    const SECRET: bool = true;

    fn read(value: &Value, allowed: &Allowed) -> Option<Self> {
        Some(set_text(value, allowed)?.map(|text| Secret(text.to_owned())))
    }
}

impl OptionValue for PathBuf {
    const KIND: Kind = Kind::Text;

    fn read(value: &Value, allowed: &Allowed) -> Option<Self> {
        text(value, allowed).map(Self::from)
    }
}

impl OptionValue for Option<PathBuf> {
    const KIND: Kind = Kind::Text;

    fn read(value: &Value, allowed: &Allowed) -> Option<Self> {
        Some(set_text(value, allowed)?.map(PathBuf::from))
    }
}

impl OptionValue for SocketAddr {
    const KIND: Kind = Kind::Text;

    fn read(value: &Value, _: &Allowed) -> Option<Self> {
        value.as_str()?.parse().ok()
    }
}

impl OptionValue for Option<SocketAddr> {
    const KIND: Kind = Kind::Text;

    fn read(value: &Value, allowed: &Allowed) -> Option<Self> {
        match set_text(value, allowed)? {
            None => Some(None),
            Some(address) => address.parse().ok().map(Some),
        }
    }
}

impl OptionValue for Vec<AddressRange> {
    const KIND: Kind = Kind::List;

    fn read(value: &Value, _: &Allowed) -> Option<Self> {
        let ranges = value.as_array()?.iter();
        ranges.map(|range| range.as_str()?.parse().ok()).collect()
    }
}

impl OptionValue for PicturePlace {
    const KIND: Kind = Kind::Text;

    fn read(value: &Value, _: &Allowed) -> Option<Self> {
        value.as_str()?.parse().ok()
    }
}

impl OptionValue for Option<TimeZone> {
    const KIND: Kind = Kind::Text;

    fn read(value: &Value, allowed: &Allowed) -> Option<Self> {
        match set_text(value, allowed)? {
            None => Some(None),
            Some(name) => TimeZone::get(name).ok().map(Some),
        }
    }
}

impl OptionValue for Vec<String> {
    const KIND: Kind = Kind::List;

    fn read(value: &Value, allowed: &Allowed) -> Option<Self> {
        let items = value.as_array()?.iter();
        items
            .map(|item| text(item, allowed).map(str::to_owned))
            .collect()
    }
}

impl OptionValue for NodeRoles {
    const KIND: Kind = Kind::List;

    fn read(value: &Value, _: &Allowed) -> Option<Self> {
        let names = value.as_array()?.iter();
        names.map(|name| NodeRole::named(name.as_str()?)).collect()
    }
}

pub(super) const ROLES: &[&str] = &["guest", "user", "agent", "admin", "service"];

impl OptionValue for Vec<Role> {
    const KIND: Kind = Kind::List;

    fn read(value: &Value, _: &Allowed) -> Option<Self> {
        let role = |item: &Value| match item.as_str()? {
            "guest" => Some(Role::Guest),
            "user" => Some(Role::User),
            "agent" => Some(Role::Agent),
            "admin" => Some(Role::Admin),
            "service" => Some(Role::Service),
            _ => None,
        };
        value.as_array()?.iter().map(role).collect()
    }
}

//! Tokens for visitors whom the host does not know: signed with a key of this server's own.
//!
//! The head of such a token names the key [`GUEST_KID`]: it is checked with the guests' key and with
//! no other, and no other token is checked with that. So neither kind can pass for the other.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use madang_domain::{Caller, Code, Error, Role, Timestamp, UserId};
use parking_lot::Mutex;
use serde::Serialize;

use super::claims::ClaimRules;
use super::jwt::VerifyingKey;
use super::keys::{self, GUEST_FILE, KeyError};
use crate::config::Config;
use crate::hex;

/// How the head of a guest's token names its key; its issuer, too.
pub(super) const GUEST_KID: &str = "madang-guest";

/// What every guest's id begins with.
const ID_PREFIX: &str = "guest-";
/// The randomness of an id, in bytes: nobody meets another by chance, or finds one.
const ID_BYTES: usize = 16;

/// Longest name of a guest, in bytes.
pub const GUEST_NAME_BYTES_MAX: usize = 128;
/// Bounds of a guest's token's life, in seconds.
pub const GUEST_TTL_SECONDS: std::ops::RangeInclusive<u64> = 60..=30 * 24 * 60 * 60;

/// A token for a visitor.
#[derive(Clone)]
pub struct GuestToken {
    /// The token, which is the visitor's only proof of being this user.
    pub token: String,
    /// The user that was made for it: `guest-` and 32 hexadecimal digits.
    pub user: UserId,
    /// What others see, as it was asked for.
    pub name: Option<Arc<str>>,
    /// When it ends, a whole second.
    pub expires_at: Timestamp,
}

impl std::fmt::Debug for GuestToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GuestToken")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    iat: i64,
    exp: i64,
}

/// Makes guests' tokens and checks them.
pub(super) struct Guests {
    data: PathBuf,
    ttl: Duration,
    rules: ClaimRules,
    key: OnceLock<GuestKey>,
    /// Held while the key is made.
    making: Mutex<()>,
}

struct GuestKey {
    signing: EncodingKey,
    verifying: VerifyingKey,
}

impl GuestKey {
    fn of(secret: &[u8]) -> Self {
        let verifying = DecodingKey::from_secret(secret);
        Self {
            signing: EncodingKey::from_secret(secret),
            verifying: VerifyingKey::new(verifying, vec![Algorithm::HS256]),
        }
    }
}

impl Guests {
    /// Takes the configured key, or the one of the data directory if it has one. Where guests come
    /// by themselves, one is made.
    ///
    /// # Errors
    /// [`KeyError`]: the key cannot be made or read.
    pub(super) fn open(config: &Config) -> Result<Self, KeyError> {
        let guests = Self {
            data: config.server.data.clone(),
            ttl: Duration::from_secs(config.auth.guest_ttl_seconds),
            rules: ClaimRules::of_guests(GUEST_KID),
            key: OnceLock::new(),
            making: Mutex::new(()),
        };
        if let Some(secret) = &config.auth.guest_key {
            let _ = guests.key.set(GuestKey::of(secret.expose().as_bytes()));
        } else if config.auth.guests || guests.data.join(GUEST_FILE).exists() {
            guests.key()?;
        }
        Ok(guests)
    }

    /// The key, which is made when it is first needed.
    fn key(&self) -> Result<&GuestKey, KeyError> {
        let _making = self.making.lock();
        if let Some(key) = self.key.get() {
            return Ok(key);
        }
        let secret = keys::open(&self.data, GUEST_FILE)?;
        Ok(self.key.get_or_init(|| GuestKey::of(&secret)))
    }

    /// The guest whose token this is.
    ///
    /// # Errors
    /// The client's fault. [`Code::TokenExpired`]: it was valid. [`Code::TokenInvalid`]: anything
    /// else.
    pub(super) fn verify(&self, token: &str, now: Timestamp) -> Result<Caller, Error> {
        let invalid = || Error::from(Code::TokenInvalid);
        // Without a key none was ever made here.
        let key = self.key.get().ok_or_else(invalid)?;
        let caller = self.rules.caller(&key.verifying.claims(token)?, now)?;
        match is_guest(&caller.user) {
            true => Ok(Caller {
                role: Role::Guest,
                ..caller
            }),
            false => Err(invalid()),
        }
    }

    /// Makes a token for a new guest. Without `ttl` it lives as long as the configuration says.
    ///
    /// # Errors
    /// [`Code::BodyInvalid`]: the name or the life is out of bounds, the client's fault.
    /// [`Code::Internal`]: the key cannot be made or read, which the log explains.
    pub(super) fn token(
        &self,
        name: Option<&str>,
        ttl: Option<Duration>,
        now: Timestamp,
    ) -> Result<GuestToken, Error> {
        let name = name.map(str::trim).filter(|name| !name.is_empty());
        let is_bad =
            |name: &str| name.len() > GUEST_NAME_BYTES_MAX || name.chars().any(char::is_control);
        if name.is_some_and(is_bad) {
            let detail = format!(
                "name must be 1 to {GUEST_NAME_BYTES_MAX} bytes without control characters"
            );
            return Err(Error::with_detail(Code::BodyInvalid, detail));
        }
        let seconds = ttl.unwrap_or(self.ttl).as_secs();
        if !GUEST_TTL_SECONDS.contains(&seconds) {
            let (least, most) = (GUEST_TTL_SECONDS.start(), GUEST_TTL_SECONDS.end());
            let detail = format!("ttlSeconds must be {least} to {most}");
            return Err(Error::with_detail(Code::BodyInvalid, detail));
        }
        let id: [u8; ID_BYTES] = rand::random();
        let user = UserId::new(&format!("{ID_PREFIX}{}", hex::encode(&id)));
        let user = user.map_err(|_| Error::from(Code::Internal))?;
        let issued = now.as_secs();
        let expires = issued.saturating_add(i64::try_from(seconds).unwrap_or(i64::MAX));
        let claims = Claims {
            iss: GUEST_KID,
            sub: user.as_str(),
            name,
            iat: issued,
            exp: expires,
        };
        let token = self.sign(&claims)?;
        Ok(GuestToken {
            token,
            name: name.map(Arc::from),
            user,
            expires_at: Timestamp::from_micros(expires.saturating_mul(1_000_000)),
        })
    }

    fn sign(&self, claims: &Claims<'_>) -> Result<String, Error> {
        let key = self.key().map_err(|error| {
            tracing::error!(%error, "no token can be made for a guest");
            Error::from(Code::Internal)
        })?;
        let header = Header {
            kid: Some(GUEST_KID.to_owned()),
            ..Header::new(Algorithm::HS256)
        };
        let token = jsonwebtoken::encode(&header, claims, &key.signing);
        token.map_err(|_| Code::Internal.into())
    }
}

/// Whether only a guest can be this user. The whole form counts, not how it begins: a person whom
/// the host calls `guest-house@example.com` is none.
pub(super) fn is_guest(user: &UserId) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let digits = user.as_str().strip_prefix(ID_PREFIX);
    digits.is_some_and(|digits| digits.len() == 2 * ID_BYTES && digits.bytes().all(is_digit))
}

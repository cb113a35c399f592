//! Who is asking: the one authority that every door hands a token or a passcode to.

pub mod accounts;
pub mod api_keys;
mod credential_file;
mod files;
mod jwt;
mod keys;
mod mint;
#[cfg(test)]
mod tests;
mod token_text;

use std::collections::HashMap;
use std::sync::{Arc, Once};

use aws_lc_rs::hmac;
use http::HeaderMap;
use jsonwebtoken::crypto::CryptoProvider;
use madang_domain::{Caller, Code, Error, Role, Timestamp, UserId};
use parking_lot::Mutex;
use thiserror::Error as ThisError;
use tokio::sync::Semaphore;

use crate::config::{Config, PasscodeHash};
pub use accounts::AccountError;
pub use api_keys::ApiKeyError;
pub use credential_file::CredentialFileError;
pub use jwt::HostKeyError;
pub use keys::{DevelopmentKey, KeyError};
pub use mint::{TokenRequest, mint};

/// Passcodes checked at the same time. Each takes a core and, by default, 19 MiB.
const PASSCODE_CHECKS_MAX: usize = 2;

/// Passcode checks that run or wait; more logins are answered with [`Code::Overloaded`], so that a
/// flood of them costs neither memory nor the logins' deadline.
const PASSCODE_CHECKS_WAITING_MAX: usize = 256;

/// Why there is no authenticator. The operator's fault.
#[derive(Debug, ThisError)]
pub enum AuthError {
    /// The host application's key cannot be used.
    #[error(transparent)]
    HostKey(#[from] HostKeyError),
    /// The development key cannot be made or read.
    #[error(transparent)]
    DevelopmentKey(#[from] KeyError),
    /// The service accounts cannot be read.
    #[error(transparent)]
    Accounts(#[from] AccountError),
    /// The API keys cannot be read.
    #[error(transparent)]
    ApiKeys(#[from] ApiKeyError),
}

/// Makes sure that tokens can be checked and signed; without it the first use may panic when
/// another crate turns on a second cryptography library.
fn install_crypto() {
    static INSTALLED: Once = Once::new();
    // An error means that one is installed already, which serves as well.
    INSTALLED.call_once(|| {
        let provider: &'static CryptoProvider = &jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
        let _ = provider.install_default();
    });
}

/// Tells whether the host's key can be read and fits the algorithm, without touching the data
/// directory. No host key is fine.
///
/// # Errors
/// [`HostKeyError`] says which option is wrong.
pub fn check_host_key(config: &Config) -> Result<(), HostKeyError> {
    install_crypto();
    jwt::Verifier::of_host(&config.auth).map(|_| ())
}

/// Tells who a caller is. Cheap to clone: all clones are the same authenticator.
#[derive(Clone)]
pub struct Authenticator(Arc<Inner>);

struct Inner {
    verifier: Option<jwt::Verifier>,
    development_key: Option<DevelopmentKey>,
    cookie: Option<String>,
    accounts: accounts::Accounts,
    api_keys: api_keys::ApiKeys,
    verified: VerifiedLogins,
    checks: Semaphore,
    checks_waiting: Semaphore,
}

impl std::fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authenticator")
    }
}

impl Authenticator {
    /// Reads the host's key or, when none is set and development tokens are wanted, opens the
    /// development key, making it if it is missing. Reads the service accounts and the API keys.
    ///
    /// # Errors
    /// [`AuthError`]: the server must not start.
    pub fn from_config(config: &Config) -> Result<Self, AuthError> {
        install_crypto();
        let development_key = match config.uses_development_tokens() {
            true => Some(DevelopmentKey::open(&config.server.data)?),
            false => None,
        };
        let verifier = match &development_key {
            Some(key) => Some(jwt::Verifier::of_development(key)),
            None => jwt::Verifier::of_host(&config.auth)?,
        };
        let accounts = accounts::Accounts::open(config.accounts.clone(), &config.server.data)?;
        let api_keys = api_keys::ApiKeys::open(config.api_keys.clone(), &config.server.data)?;
        Ok(Self(Arc::new(Inner {
            verifier,
            development_key,
            cookie: config.auth.cookie.clone(),
            accounts,
            api_keys,
            verified: VerifiedLogins::new(),
            checks: Semaphore::new(PASSCODE_CHECKS_MAX),
            checks_waiting: Semaphore::new(PASSCODE_CHECKS_WAITING_MAX),
        })))
    }

    /// Who the holder of `token` is: bare or `Bearer x`, possibly URL-encoded (`Bearer%20x`), as
    /// headers and cookies carry it. A token that begins with `mdk_` is an API key: a caller with
    /// [`Role::Service`], named as the key, through every door and at STOMP's CONNECT alike.
    ///
    /// # Errors
    /// The client's fault. [`Code::AuthenticationRequired`]: it is empty.
    /// [`Code::TokenExpired`]: get a new one. [`Code::TokenInvalid`]: anything else.
    pub fn token(&self, token: &str, now: Timestamp) -> Result<Caller, Error> {
        let token = token_text::bare(token);
        if token.is_empty() {
            return Err(Code::AuthenticationRequired.into());
        }
        if token.starts_with(api_keys::KEY_PREFIX) {
            let holder = self.0.api_keys.holder(&token);
            return holder.map(service).ok_or(Code::TokenInvalid.into());
        }
        let verifier = self.0.verifier.as_ref();
        verifier
            .ok_or_else(|| Error::from(Code::TokenInvalid))?
            .verify(&token, now)
    }

    /// Finds the token of an HTTP request: in the `Authorization` header, else an API key in
    /// `X-API-Key`, else in the configured cookie. `None` when there is none; an `Authorization` of
    /// another scheme (`Basic`) is passed over. A key that is not of this server is answered as it
    /// is, for [`Authenticator::token`] to refuse.
    #[must_use]
    pub fn token_of_request(&self, headers: &HeaderMap) -> Option<String> {
        token_text::of_request(headers, self.0.cookie.as_deref())
    }

    /// As [`Authenticator::token_of_request`], without the cookie.
    #[must_use]
    pub fn token_of_header(&self, headers: &HeaderMap) -> Option<String> {
        token_text::of_request(headers, None)
    }

    /// Who logs in with `login` and `passcode`: a caller with [`Role::Service`].
    ///
    /// # Errors
    /// [`Code::CredentialsInvalid`]: one of them is wrong, the client's fault; an unknown login
    /// takes as long as a wrong passcode, where there is any account. [`Code::Overloaded`]: too many logins wait; retryable.
    pub async fn account(&self, login: &str, passcode: &str) -> Result<Caller, Error> {
        let invalid = || Error::from(Code::CredentialsInvalid);
        let user = UserId::new(login).map_err(|_| invalid())?;
        if passcode.len() > accounts::PASSCODE_BYTES_MAX {
            return Err(invalid());
        }
        let (known, other) = self.0.accounts.find(login);
        if let Some(hash) = &known
            && self.0.verified.contains(login, hash, passcode)
        {
            return Ok(service(user));
        }
        // Without any account there is no login whose existence a quick answer would give away.
        let compared = known.clone().or(other).ok_or_else(invalid)?;
        let fits = self.check(passcode, compared).await?;
        match known {
            Some(hash) if fits => {
                self.0.verified.insert(login, &hash, passcode);
                Ok(service(user))
            }
            _ => Err(invalid()),
        }
    }

    async fn check(&self, passcode: &str, hash: PasscodeHash) -> Result<bool, Error> {
        let overloaded = |_| Error::from(Code::Overloaded);
        let _waiting = self.0.checks_waiting.try_acquire().map_err(overloaded)?;
        let _running = self.0.checks.acquire().await.map_err(|_| Code::Internal)?;
        let passcode = passcode.to_owned();
        let check = move || accounts::passcode_fits(&passcode, &hash);
        tokio::task::spawn_blocking(check)
            .await
            .map_err(|_| Code::Internal.into())
    }

    /// Makes a development token, for the demo page. `None` while development tokens are not in
    /// use.
    #[must_use]
    pub fn development_token(&self, request: &TokenRequest, now: Timestamp) -> Option<String> {
        let key = self.0.development_key.as_ref()?;
        mint(key, request, now).ok()
    }
}

fn service(user: UserId) -> Caller {
    Caller::new(user, Role::Service)
}

/// Logins that were right, so that a reconnect storm does not cost an argon2 each. Holds a keyed
/// hash of login, passcode and the account's hash: nothing to read back, and worthless once the
/// account's hash changes. One entry for each account at most.
struct VerifiedLogins {
    key: Option<hmac::Key>,
    tags: Mutex<HashMap<String, hmac::Tag>>,
}

impl VerifiedLogins {
    fn new() -> Self {
        let random = aws_lc_rs::rand::SystemRandom::new();
        Self {
            // Without randomness nothing is remembered, which is slow but safe.
            key: hmac::Key::generate(hmac::HMAC_SHA256, &random).ok(),
            tags: Mutex::new(HashMap::new()),
        }
    }

    fn contains(&self, login: &str, hash: &PasscodeHash, passcode: &str) -> bool {
        let tag = self.tags.lock().get(login).copied();
        let (Some(key), Some(tag)) = (&self.key, tag) else {
            return false;
        };
        hmac::verify(key, &message(login, hash, passcode), tag.as_ref()).is_ok()
    }

    fn insert(&self, login: &str, hash: &PasscodeHash, passcode: &str) {
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

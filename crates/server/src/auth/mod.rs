//! Who is asking: the one authority that every door hands a token or a passcode to.

pub mod accounts;
pub mod api_keys;
mod claims;
mod credential_file;
mod files;
mod guests;
mod host_key;
mod jwks;
mod jwt;
mod keys;
mod mint;
mod revocations;
#[cfg(test)]
mod tests;
mod token_check;
mod token_text;
mod verified_logins;

use std::sync::{Arc, Once};
use std::time::Duration;

use http::HeaderMap;
use jsonwebtoken::crypto::CryptoProvider;
use madang_domain::ports::BoxFuture;
use madang_domain::{Caller, Code, Error, Role, Timestamp, UserId};
use thiserror::Error as ThisError;
use tokio::sync::Semaphore;

use crate::config::{Config, PasscodeHash};
pub use accounts::AccountError;
pub use api_keys::ApiKeyError;
use claims::ClaimRules;
pub use credential_file::CredentialFileError;
pub use guests::{GUEST_NAME_BYTES_MAX, GUEST_TTL_SECONDS, GuestToken};
pub use host_key::HostKeyError;
pub use keys::{DevelopmentKey, KeyError};
pub use mint::{TokenRequest, mint};
pub use token_check::TokenCheck;
use verified_logins::VerifiedLogins;

/// Passcodes checked at the same time. Each takes a core and, by default, 19 MiB.
const PASSCODE_CHECKS_MAX: usize = 2;

/// Passcode checks that run or wait; more logins are answered with [`Code::Overloaded`], so that a
/// flood of them costs neither memory nor the logins' deadline.
const PASSCODE_CHECKS_WAITING_MAX: usize = 256;

/// Why there is no authenticator. The operator's fault.
#[derive(Debug, ThisError)]
pub enum AuthError {
    /// The host application's keys cannot be used.
    #[error(transparent)]
    HostKey(#[from] HostKeyError),
    /// The key of development tokens or of guests' tokens cannot be made or read.
    #[error(transparent)]
    OwnKey(#[from] KeyError),
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
/// directory or the network. No host key is fine.
///
/// # Errors
/// [`HostKeyError`] says which option is wrong.
pub fn check_host_key(config: &Config) -> Result<(), HostKeyError> {
    install_crypto();
    host_verifier(config).map(drop)
}

/// Checks the host's tokens: with its one key, or with those that it publishes. `None` when the
/// configuration names neither.
fn host_verifier(config: &Config) -> Result<Option<jwt::Verifier>, HostKeyError> {
    let auth = &config.auth;
    let keys = match jwks::Jwks::open(auth)? {
        Some(published) => Some(jwt::Keys::Published(published)),
        None => host_key::read(auth)?.map(|key| jwt::Keys::One(Arc::new(key))),
    };
    Ok(keys.map(|keys| jwt::Verifier::new(keys, ClaimRules::of_host(auth))))
}

/// Tells who a caller is. Cheap to clone: all clones are the same authenticator.
#[derive(Clone)]
pub struct Authenticator(Arc<Inner>);

struct Inner {
    verifier: Option<jwt::Verifier>,
    development_key: Option<DevelopmentKey>,
    guests: guests::Guests,
    revocations: revocations::Revocations,
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
    /// development key, making it if it is missing. Reads the guests' key, the service accounts and
    /// the API keys. Keys that the host publishes on a server are fetched by
    /// [`Authenticator::start`].
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
            None => host_verifier(config)?,
        };
        let guests = guests::Guests::open(config)?;
        let accounts = accounts::Accounts::open(config.accounts.clone(), &config.server.data)?;
        let api_keys = api_keys::ApiKeys::open(config.api_keys.clone(), &config.server.data)?;
        Ok(Self(Arc::new(Inner {
            verifier,
            development_key,
            guests,
            revocations: revocations::Revocations::new(),
            cookie: config.auth.cookie.clone(),
            accounts,
            api_keys,
            verified: VerifiedLogins::new(),
            checks: Semaphore::new(PASSCODE_CHECKS_MAX),
            checks_waiting: Semaphore::new(PASSCODE_CHECKS_WAITING_MAX),
        })))
    }

    /// Starts to fetch the keys that the host publishes, on the current tokio runtime, and to keep
    /// them fresh until the last clone is dropped. Without such keys it does nothing.
    pub fn start(&self) {
        if let Some(published) = self.published() {
            published.start();
        }
    }

    fn published(&self) -> Option<&jwks::Jwks> {
        self.0.verifier.as_ref()?.published()
    }

    /// Who the holder of `token` is: bare or `Bearer x`, possibly URL-encoded (`Bearer%20x`), as
    /// headers and cookies carry it. A token that begins with `mdk_` is an API key: a caller with
    /// [`Role::Service`], named as the key, with its scopes, through every door and at STOMP's
    /// CONNECT alike.
    ///
    /// Waits only for a key that the host may have published since it was last asked, for some
    /// seconds and for one fetch.
    ///
    /// # Errors
    /// The client's fault. [`Code::AuthenticationRequired`]: it is empty. [`Code::TokenExpired`],
    /// [`Code::TokenRevoked`]: get a new one. [`Code::TokenInvalid`]: anything else. Not the
    /// client's: [`Code::Unavailable`], the host's published keys cannot be fetched; retryable.
    pub fn check(&self, token: &str, now: Timestamp) -> TokenCheck {
        let token = token_text::bare(token);
        let Some(fetched) = self.key_to_wait_for(&token) else {
            return TokenCheck::done(self.holder(&token, now));
        };
        let (authenticator, token) = (self.clone(), token.into_owned());
        TokenCheck::Waiting(Box::pin(async move {
            fetched.await;
            authenticator.holder(&token, now)
        }))
    }

    fn key_to_wait_for(&self, token: &str) -> Option<BoxFuture<'static, ()>> {
        let published = self.published()?;
        let head = jwt::Head::of(token).ok()?;
        match head.kid.as_deref() {
            Some(guests::GUEST_KID) => None,
            _ => published.wait_for(&head),
        }
    }

    /// As [`Authenticator::check`], with the keys that are at hand: never waits.
    ///
    /// # Errors
    /// As there.
    pub fn token(&self, token: &str, now: Timestamp) -> Result<Caller, Error> {
        self.holder(&token_text::bare(token), now)
    }

    /// `token` has no scheme and is not URL-encoded.
    fn holder(&self, token: &str, now: Timestamp) -> Result<Caller, Error> {
        if token.is_empty() {
            return Err(Code::AuthenticationRequired.into());
        }
        if token.starts_with(api_keys::KEY_PREFIX) {
            let holder = self.0.api_keys.holder(token);
            return holder.ok_or(Code::TokenInvalid.into());
        }
        let head = jwt::Head::of(token)?;
        let caller = match head.kid.as_deref() {
            Some(guests::GUEST_KID) => self.0.guests.verify(token, now)?,
            _ => self.person(token, &head, now)?,
        };
        if !self.still_counts(&caller.user, caller.issued_at) {
            return Err(Code::TokenRevoked.into());
        }
        Ok(caller)
    }

    /// Whether a token of `user` counts that was issued then: after the second of the user's
    /// revocation, if there was one; a token that does not say when does not count then. Not to be
    /// asked of API keys and service accounts, which are no tokens.
    #[must_use]
    pub fn still_counts(&self, user: &UserId, issued_at: Option<Timestamp>) -> bool {
        self.0.revocations.allow(user, issued_at)
    }

    /// The holder of a token of the host's, or of one that `madang token` made.
    fn person(&self, token: &str, head: &jwt::Head, now: Timestamp) -> Result<Caller, Error> {
        let verifier = self.0.verifier.as_ref();
        let verifier = verifier.ok_or_else(|| Error::from(Code::TokenInvalid))?;
        let caller = verifier.verify(token, head, now)?;
        if guests::is_guest(&caller.user) {
            let detail = "the token's user id is one of a guest";
            return Err(Error::with_detail(Code::TokenInvalid, detail));
        }
        Ok(caller)
    }

    /// Refuses, from now on, the tokens that were issued to `user` in the second of `at` or before,
    /// and those that do not say when (claim `iat`). API keys and service accounts have none.
    ///
    /// Only this node's memory is changed: the caller stores it, tells the other nodes, and closes
    /// the user's sessions.
    pub fn revoke(&self, user: &UserId, at: Timestamp) {
        self.0.revocations.revoke([(user.clone(), at)]);
    }

    /// Makes a token for a new visitor: a user of their own, without a right to anything that exists.
    /// `name` is what others see; without `ttl` the token lives as long as `auth.guest_ttl_seconds`
    /// says. The key is made when it is first needed.
    ///
    /// # Errors
    /// [`Code::BodyInvalid`]: the name is longer than [`GUEST_NAME_BYTES_MAX`] or has control
    /// characters, or `ttl` is outside [`GUEST_TTL_SECONDS`]; the client's fault.
    /// [`Code::Internal`]: the key cannot be made or read, which the log explains.
    pub fn guest_token(
        &self,
        name: Option<&str>,
        ttl: Option<Duration>,
        now: Timestamp,
    ) -> Result<GuestToken, Error> {
        self.0.guests.token(name, ttl, now)
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
            return Ok(Caller::new(user, Role::Service));
        }
        // Without any account there is no login whose existence a quick answer would give away.
        let compared = known.clone().or(other).ok_or_else(invalid)?;
        let fits = self.compare(passcode, compared).await?;
        match known {
            Some(hash) if fits => {
                self.0.verified.insert(login, &hash, passcode);
                Ok(Caller::new(user, Role::Service))
            }
            _ => Err(invalid()),
        }
    }

    async fn compare(&self, passcode: &str, hash: PasscodeHash) -> Result<bool, Error> {
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

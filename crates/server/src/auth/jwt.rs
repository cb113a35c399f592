//! Checks the signature of a token (JWT) with the key that it must be signed by.

use std::sync::Arc;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, VerificationAlgorithm,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind, Validation};
use madang_domain::{Caller, Code, Error, Timestamp};
use serde::Deserialize;

use super::claims::{ClaimRules, Claims};
use super::jwks::Jwks;
use super::keys::DevelopmentKey;

/// Longest token that is looked at: what fits a header line, with room to spare.
const TOKEN_BYTES_MAX: usize = 16 * 1024;

/// Bits of an RSA modulus (RFC 7518, section 3.3; the upper bound is the library's).
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// What a token says of itself before anything of it is believed (RFC 7515, section 4.1). It chooses
/// among the keys that there are, never what a key may do.
#[derive(Debug, Deserialize)]
pub(super) struct Head {
    pub(super) alg: Algorithm,
    pub(super) kid: Option<String>,
}

impl Head {
    /// Reads the head of `token` (no scheme, not URL-encoded).
    ///
    /// # Errors
    /// [`Code::TokenInvalid`]: it is no signed token of a known algorithm, or too long.
    pub(super) fn of(token: &str) -> Result<Self, Error> {
        let invalid = || Error::from(Code::TokenInvalid);
        if token.len() > TOKEN_BYTES_MAX {
            return Err(invalid());
        }
        let (head, _) = token.split_once('.').ok_or_else(invalid)?;
        let json = URL_SAFE_NO_PAD.decode(head).map_err(|_| invalid())?;
        serde_json::from_slice(&json).map_err(|_| invalid())
    }
}

/// A key, and the algorithms whose signatures it may check: they are of one family.
pub(super) struct VerifyingKey {
    key: DecodingKey,
    validation: Validation,
}

impl VerifyingKey {
    /// `algorithms` are one at least, all of the key's family.
    pub(super) fn new(key: DecodingKey, algorithms: Vec<Algorithm>) -> Self {
        // Claims are read by ClaimRules, which are handed the time.
        let mut validation = Validation {
            algorithms,
            validate_exp: false,
            validate_nbf: false,
            validate_aud: false,
            ..Validation::default()
        };
        validation.required_spec_claims.clear();
        Self { key, validation }
    }

    /// Whether signatures of this algorithm are checked with the key.
    pub(super) fn fits(&self, algorithm: Algorithm) -> bool {
        self.validation.algorithms.contains(&algorithm)
    }

    /// The claims of a token that this key signed.
    ///
    /// # Errors
    /// [`Code::TokenInvalid`]: it did not, or the token is something else.
    pub(super) fn claims(&self, token: &str) -> Result<Claims, Error> {
        let data = jsonwebtoken::decode::<Claims>(token, &self.key, &self.validation)
            .map_err(|_| Error::from(Code::TokenInvalid))?;
        // RFC 7515, section 4.1.11: extensions that are not understood make a token invalid.
        if data.header.crit.is_some() {
            return Err(Code::TokenInvalid.into());
        }
        Ok(data.claims)
    }
}

/// Whether the key is a sound one for the algorithm: the library would notice it with each token.
pub(super) fn can_verify(key: &DecodingKey, algorithm: Algorithm) -> bool {
    let kind: &'static dyn VerificationAlgorithm = match algorithm {
        Algorithm::ES256 => &ECDSA_P256_SHA256_FIXED,
        Algorithm::ES384 => &ECDSA_P384_SHA384_FIXED,
        Algorithm::EdDSA => &ED25519,
        _ => &RSA_PKCS1_2048_8192_SHA256,
    };
    match key.kind() {
        DecodingKeyKind::SecretOrDer(bytes) => ParsedPublicKey::new(kind, bytes).is_ok(),
        DecodingKeyKind::RsaModulusExponent { n, e } => {
            let zeros = n.first().map_or(0, |first| first.leading_zeros() as usize);
            let components = RsaPublicKeyComponents { n, e };
            RSA_BITS.contains(&(n.len() * 8 - zeros))
                && components
                    .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
                    .is_ok()
        }
    }
}

/// Whose signatures count.
pub(super) enum Keys {
    /// One key's, whatever a token calls it.
    One(Arc<VerifyingKey>),
    /// Those of the host's published keys.
    Published(Jwks),
}

/// Checks the tokens of one issuer.
pub(super) struct Verifier {
    keys: Keys,
    rules: ClaimRules,
}

impl Verifier {
    pub(super) fn new(keys: Keys, rules: ClaimRules) -> Self {
        Self { keys, rules }
    }

    /// For tokens made by `madang token`.
    pub(super) fn of_development(key: &DevelopmentKey) -> Self {
        let key = DecodingKey::from_secret(key.bytes());
        let key = VerifyingKey::new(key, vec![Algorithm::HS256]);
        Self::new(Keys::One(Arc::new(key)), ClaimRules::of_development())
    }

    /// The host's published keys, if it publishes any.
    pub(super) const fn published(&self) -> Option<&Jwks> {
        match &self.keys {
            Keys::One(_) => None,
            Keys::Published(jwks) => Some(jwks),
        }
    }

    /// Checks `token` (no scheme, not URL-encoded), whose head is `head`, at `now`.
    ///
    /// # Errors
    /// The client's fault. [`Code::TokenExpired`]: it was valid. [`Code::TokenInvalid`]: anything
    /// else that is wrong with it. Not the client's: [`Code::Unavailable`], the host's published
    /// keys cannot be read; retryable.
    pub(super) fn verify(&self, token: &str, head: &Head, now: Timestamp) -> Result<Caller, Error> {
        let key = match &self.keys {
            Keys::One(key) => Arc::clone(key),
            Keys::Published(jwks) => jwks.find(head)?,
        };
        self.rules.caller(&key.claims(token)?, now)
    }
}

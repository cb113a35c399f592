//! Checks a token (JWT) and reads the caller from its claims.

use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::GeneralPurposeConfig;
use base64::engine::{DecodePaddingMode, GeneralPurpose};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use madang_domain::{Caller, Code, Error, Role, Timestamp, UserId};
use serde_json::{Map, Value};
use thiserror::Error as ThisError;

use super::keys::DevelopmentKey;
use crate::config::{Auth, JwtAlgorithm, KeyEncoding};
use crate::hex;

/// Longest token that is looked at: what fits a header line, with room to spare.
const TOKEN_BYTES_MAX: usize = 16 * 1024;

/// Longest name or member number that is taken from a token, in bytes: what ids may have.
const NAME_BYTES_MAX: usize = madang_domain::ids::ID_BYTES_MAX;

/// Why the host's key cannot be used. The operator's fault.
#[derive(Debug, ThisError)]
pub enum HostKeyError {
    /// `auth.jwt_key_file` cannot be read.
    #[error("auth.jwt_key_file: {path} cannot be read: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The key does not fit `auth.jwt_algorithm` or `auth.jwt_key_encoding`.
    #[error("auth.{option}: {problem}")]
    Unfit {
        /// The option of `[auth]` that holds the key.
        option: &'static str,
        /// What is wrong; never the key.
        problem: String,
    },
}

impl HostKeyError {
    /// The option of `[auth]` that holds the key.
    #[must_use]
    pub const fn option(&self) -> &'static str {
        match self {
            Self::File { .. } => "jwt_key_file",
            Self::Unfit { option, .. } => option,
        }
    }
}

/// Which claims say what.
struct ClaimRules {
    user: String,
    names: Vec<String>,
    member_id: String,
    roles: String,
    agent_authorities: Vec<String>,
    admin_authorities: Vec<String>,
}

/// Checks tokens of one issuer: one key, one algorithm.
pub(super) struct Verifier {
    key: DecodingKey,
    validation: Validation,
    rules: ClaimRules,
    issuer: Option<String>,
    audience: Option<String>,
    leeway_seconds: u32,
}

/// The authorities and claims of tokens that `madang token` makes: the defaults of the options, so
/// that renaming the host's claims does not break them.
pub(super) const USER_AUTHORITY: &str = "ROLE_USER";
pub(super) const AGENT_AUTHORITY: &str = "ROLE_AGENT";
pub(super) const ADMIN_AUTHORITY: &str = "ROLE_MADANG_ADMIN";

impl Verifier {
    /// For the host's tokens; `None` when no host key is set. Reads the key file.
    pub(super) fn of_host(auth: &Auth) -> Result<Option<Self>, HostKeyError> {
        let (option, material) = match (&auth.jwt_key, &auth.jwt_key_file) {
            (Some(key), _) => ("jwt_key", key.expose().as_bytes().to_vec()),
            (None, Some(path)) => {
                let read = std::fs::read(path).map_err(|source| HostKeyError::File {
                    path: path.clone(),
                    source,
                })?;
                ("jwt_key_file", read.trim_ascii().to_vec())
            }
            (None, None) => return Ok(None),
        };
        let key = decoding_key(auth.jwt_algorithm, auth.jwt_key_encoding, &material)
            .map_err(|problem| HostKeyError::Unfit { option, problem })?;
        Ok(Some(Self {
            key,
            validation: signature_only(algorithm(auth.jwt_algorithm)),
            rules: ClaimRules {
                user: auth.claim_user.clone(),
                names: auth.claim_name.clone(),
                member_id: auth.claim_member_id.clone(),
                roles: auth.claim_roles.clone(),
                agent_authorities: auth.agent_authorities.clone(),
                admin_authorities: auth.admin_authorities.clone(),
            },
            issuer: auth.issuer.clone(),
            audience: auth.audience.clone(),
            leeway_seconds: auth.leeway_seconds,
        }))
    }

    /// For tokens made by `madang token`.
    pub(super) fn of_development(key: &DevelopmentKey) -> Self {
        Self {
            key: DecodingKey::from_secret(key.bytes()),
            validation: signature_only(Algorithm::HS256),
            rules: ClaimRules {
                user: "sub".to_owned(),
                names: vec!["nickname".to_owned()],
                member_id: "id".to_owned(),
                roles: "auth".to_owned(),
                agent_authorities: vec![AGENT_AUTHORITY.to_owned()],
                admin_authorities: vec![ADMIN_AUTHORITY.to_owned()],
            },
            issuer: None,
            audience: None,
            leeway_seconds: 0,
        }
    }

    /// Checks `token` (no scheme, not URL-encoded) at `now`.
    ///
    /// # Errors
    /// The client's fault. [`Code::TokenExpired`]: it was valid. [`Code::TokenInvalid`]: anything
    /// else that is wrong with it.
    pub(super) fn verify(&self, token: &str, now: Timestamp) -> Result<Caller, Error> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(Code::TokenInvalid.into());
        }
        let data = jsonwebtoken::decode::<Map<String, Value>>(token, &self.key, &self.validation)
            .map_err(|_| Error::from(Code::TokenInvalid))?;
        // RFC 7515, section 4.1.11: extensions that are not understood make a token invalid.
        if data.header.crit.is_some() {
            return Err(Code::TokenInvalid.into());
        }
        let claims = data.claims;
        let expires_at = self.check_times(&claims, now)?;
        self.check_addressee(&claims)?;
        self.rules.caller(&claims, expires_at)
    }

    /// The library would ask the system's clock; sessions and tests need `now` handed in.
    fn check_times(&self, claims: &Map<String, Value>, now: Timestamp) -> Result<Timestamp, Error> {
        let leeway = i64::from(self.leeway_seconds) * 1_000_000;
        let expires_at = micros(claims, "exp")?.ok_or_else(|| lacks("exp"))?;
        let expires_at = expires_at.saturating_add(leeway);
        if now.as_micros() >= expires_at {
            return Err(Code::TokenExpired.into());
        }
        if let Some(not_before) = micros(claims, "nbf")?
            && now.as_micros().saturating_add(leeway) < not_before
        {
            return Err(Error::with_detail(
                Code::TokenInvalid,
                "the token is not valid yet",
            ));
        }
        Ok(Timestamp::from_micros(expires_at))
    }

    fn check_addressee(&self, claims: &Map<String, Value>) -> Result<(), Error> {
        let is = |claim: &str, wanted: &str| match claims.get(claim) {
            Some(Value::String(text)) => text == wanted,
            Some(Value::Array(items)) => items.iter().any(|item| item.as_str() == Some(wanted)),
            _ => false,
        };
        let issuer_fits = self
            .issuer
            .as_deref()
            .is_none_or(|wanted| claims.get("iss").and_then(Value::as_str) == Some(wanted));
        if !issuer_fits {
            return Err(Error::with_detail(
                Code::TokenInvalid,
                "the token has another issuer",
            ));
        }
        if self
            .audience
            .as_deref()
            .is_some_and(|wanted| !is("aud", wanted))
        {
            return Err(Error::with_detail(
                Code::TokenInvalid,
                "the token is for somebody else",
            ));
        }
        Ok(())
    }
}

impl ClaimRules {
    fn caller(&self, claims: &Map<String, Value>, expires_at: Timestamp) -> Result<Caller, Error> {
        let user = text_or_number(claims.get(&self.user)).ok_or_else(|| lacks(&self.user))?;
        let user = UserId::new(&user).map_err(|error| {
            Error::with_detail(Code::TokenInvalid, format!("the token's user id {error}"))
        })?;
        let shown = |text: &String| {
            !text.is_empty() && text.len() <= NAME_BYTES_MAX && !text.chars().any(char::is_control)
        };
        let name = self
            .names
            .iter()
            .filter_map(|claim| {
                claims
                    .get(claim)?
                    .as_str()
                    .map(|text| text.trim().to_owned())
            })
            .find(shown);
        let member_id = text_or_number(claims.get(&self.member_id)).filter(shown);
        Ok(Caller {
            name: name.map(Arc::from),
            member_id: member_id.map(Arc::from),
            expires_at: Some(expires_at),
            ..Caller::new(user, self.role(claims.get(&self.roles)))
        })
    }

    fn role(&self, authorities: Option<&Value>) -> Role {
        let held: Vec<&str> = match authorities {
            Some(Value::String(text)) => text.split(',').map(str::trim).collect(),
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let any = |wanted: &[String]| wanted.iter().any(|one| held.contains(&one.as_str()));
        if any(&self.admin_authorities) {
            Role::Admin
        } else if any(&self.agent_authorities) {
            Role::Agent
        } else {
            Role::User
        }
    }
}

fn lacks(claim: &str) -> Error {
    Error::with_detail(
        Code::TokenInvalid,
        format!("the token lacks the claim {claim}"),
    )
}

fn text_or_number(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
        _ => None,
    }
}

/// A NumericDate (RFC 7519, section 2: seconds, fractions allowed) in microseconds.
fn micros(claims: &Map<String, Value>, claim: &str) -> Result<Option<i64>, Error> {
    let Some(value) = claims.get(claim) else {
        return Ok(None);
    };
    if let Some(seconds) = value.as_i64() {
        return Ok(Some(seconds.saturating_mul(1_000_000)));
    }
    let seconds = value.as_f64().ok_or_else(|| lacks(claim))?;
    // A cast from float to integer saturates.
    #[allow(clippy::cast_possible_truncation)]
    Ok(Some((seconds * 1e6) as i64))
}

const fn algorithm(algorithm: JwtAlgorithm) -> Algorithm {
    match algorithm {
        JwtAlgorithm::Hs256 => Algorithm::HS256,
        JwtAlgorithm::Hs384 => Algorithm::HS384,
        JwtAlgorithm::Hs512 => Algorithm::HS512,
        JwtAlgorithm::Rs256 => Algorithm::RS256,
        JwtAlgorithm::Es256 => Algorithm::ES256,
        JwtAlgorithm::EdDsa => Algorithm::EdDSA,
    }
}

/// One algorithm and no more: a token cannot choose how it is checked.
fn signature_only(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation
}

fn decoding_key(
    kind: JwtAlgorithm,
    encoding: KeyEncoding,
    material: &[u8],
) -> Result<DecodingKey, String> {
    let bytes_min = match kind {
        JwtAlgorithm::Hs256 => 32,
        JwtAlgorithm::Hs384 => 48,
        JwtAlgorithm::Hs512 => 64,
        JwtAlgorithm::Rs256 => return public_key(kind, DecodingKey::from_rsa_pem(material)),
        JwtAlgorithm::Es256 => return public_key(kind, DecodingKey::from_ec_pem(material)),
        JwtAlgorithm::EdDsa => return public_key(kind, DecodingKey::from_ed_pem(material)),
    };
    if material.starts_with(b"-----BEGIN") {
        return Err("is PEM, but auth.jwt_algorithm takes a shared secret".to_owned());
    }
    let secret = match encoding {
        KeyEncoding::Text => Some(material.to_vec()),
        KeyEncoding::Base64 => from_base64(material),
        KeyEncoding::Hex => std::str::from_utf8(material).ok().and_then(hex::decode),
    };
    let secret = secret.ok_or("is not written as auth.jwt_key_encoding says")?;
    // RFC 7518, section 3.2: a shorter key weakens the signature.
    if secret.len() < bytes_min {
        return Err(format!(
            "has {} bytes; auth.jwt_algorithm needs at least {bytes_min}",
            secret.len()
        ));
    }
    Ok(DecodingKey::from_secret(&secret))
}

fn public_key(
    kind: JwtAlgorithm,
    key: jsonwebtoken::errors::Result<DecodingKey>,
) -> Result<DecodingKey, String> {
    let unfit = |_| "is not a public key as PEM that fits auth.jwt_algorithm".to_owned();
    let key = key.map_err(unfit)?;
    // Some unfit keys are noticed only when they are used: use it once.
    jsonwebtoken::crypto::verify("AAAA", b"probe", &key, algorithm(kind)).map_err(unfit)?;
    Ok(key)
}

fn from_base64(text: &[u8]) -> Option<Vec<u8>> {
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let engine = GeneralPurpose::new(&base64::alphabet::STANDARD, config);
    let standard = |byte: &u8| match byte {
        b'-' => b'+',
        b'_' => b'/',
        other => *other,
    };
    engine
        .decode(text.iter().map(standard).collect::<Vec<u8>>())
        .ok()
}

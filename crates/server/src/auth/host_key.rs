//! The host application's key where the configuration holds it: one key, one algorithm.

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::GeneralPurposeConfig;
use base64::engine::{DecodePaddingMode, GeneralPurpose};
use jsonwebtoken::{Algorithm, DecodingKey};
use thiserror::Error as ThisError;

use super::jwt::VerifyingKey;
use crate::config::{Auth, JwtAlgorithm, KeyEncoding};
use crate::hex;

/// Why the host's keys cannot be used. The operator's fault.
#[derive(Debug, ThisError)]
pub enum HostKeyError {
    /// `auth.jwt_key_file` or `auth.jwks_file` cannot be read.
    #[error("auth.{option}: {path} cannot be read: {source}")]
    File {
        /// The option of `[auth]` that names the file.
        option: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// What the option holds or names does not fit the others, or is something else.
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
            Self::File { option, .. } | Self::Unfit { option, .. } => option,
        }
    }
}

/// Reads the key, from its file when it has one. `None` when none is set.
pub(super) fn read(auth: &Auth) -> Result<Option<VerifyingKey>, HostKeyError> {
    let (option, material) = match (&auth.jwt_key, &auth.jwt_key_file) {
        (Some(key), _) => ("jwt_key", key.expose().as_bytes().to_vec()),
        (None, Some(path)) => {
            let option = "jwt_key_file";
            let read = std::fs::read(path).map_err(|source| HostKeyError::File {
                option,
                path: path.clone(),
                source,
            })?;
            (option, read.trim_ascii().to_vec())
        }
        (None, None) => return Ok(None),
    };
    let algorithm = algorithm(auth.jwt_algorithm);
    let key = decoding_key(algorithm, auth.jwt_key_encoding, &material)
        .map_err(|problem| HostKeyError::Unfit { option, problem })?;
    Ok(Some(VerifyingKey::new(key, vec![algorithm])))
}

const fn algorithm(algorithm: JwtAlgorithm) -> Algorithm {
    match algorithm {
        JwtAlgorithm::Hs256 => Algorithm::HS256,
        JwtAlgorithm::Hs384 => Algorithm::HS384,
        JwtAlgorithm::Hs512 => Algorithm::HS512,
        JwtAlgorithm::Rs256 => Algorithm::RS256,
        JwtAlgorithm::Rs384 => Algorithm::RS384,
        JwtAlgorithm::Rs512 => Algorithm::RS512,
        JwtAlgorithm::Ps256 => Algorithm::PS256,
        JwtAlgorithm::Ps384 => Algorithm::PS384,
        JwtAlgorithm::Ps512 => Algorithm::PS512,
        JwtAlgorithm::Es256 => Algorithm::ES256,
        JwtAlgorithm::Es384 => Algorithm::ES384,
        JwtAlgorithm::EdDsa => Algorithm::EdDSA,
    }
}

fn decoding_key(
    algorithm: Algorithm,
    encoding: KeyEncoding,
    material: &[u8],
) -> Result<DecodingKey, String> {
    let of_pem: fn(&[u8]) -> jsonwebtoken::errors::Result<DecodingKey> = match algorithm {
        Algorithm::HS256 => return shared_secret(32, encoding, material),
        Algorithm::HS384 => return shared_secret(48, encoding, material),
        Algorithm::HS512 => return shared_secret(64, encoding, material),
        Algorithm::ES256 | Algorithm::ES384 => DecodingKey::from_ec_pem,
        Algorithm::EdDSA => DecodingKey::from_ed_pem,
        _ => DecodingKey::from_rsa_pem,
    };
    let unfit = "is not a public key as PEM that fits auth.jwt_algorithm";
    let key = of_pem(material).map_err(|_| unfit)?;
    if !super::jwt::can_verify(&key, algorithm) {
        return Err(unfit.to_owned());
    }
    Ok(key)
}

fn shared_secret(
    bytes_min: usize,
    encoding: KeyEncoding,
    material: &[u8],
) -> Result<DecodingKey, String> {
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

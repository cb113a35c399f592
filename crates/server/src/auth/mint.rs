//! Makes development tokens.

use std::time::Duration;

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use madang_domain::{Role, Timestamp, UserId};
use serde::Serialize;

use super::claims::{ADMIN_AUTHORITY, AGENT_AUTHORITY, USER_AUTHORITY};
use super::keys::DevelopmentKey;

/// Whom a development token is for.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    /// The user id.
    pub user: UserId,
    /// What the holder may do. A service has an account instead, and a guest a token of another key: for
    /// them the token is a user's.
    pub role: Role,
    /// What others see; `None` takes the user id.
    pub name: Option<String>,
    /// The host's number of the user; `None` leaves the claim out.
    pub member_id: Option<u64>,
    /// For how long it is valid; cut to whole seconds.
    pub ttl: Duration,
}

#[derive(Serialize)]
struct Claims<'a> {
    sub: &'a str,
    auth: &'a str,
    nickname: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u64>,
    iat: i64,
    exp: i64,
}

/// Signs a token that a server with the same data directory accepts while no host key is set.
///
/// # Errors
/// Only when signing fails: a defect of the server or its libraries.
pub fn mint(
    key: &DevelopmentKey,
    request: &TokenRequest,
    now: Timestamp,
) -> Result<String, jsonwebtoken::errors::Error> {
    super::install_crypto();
    let ttl = i64::try_from(request.ttl.as_secs()).unwrap_or(i64::MAX);
    let claims = Claims {
        sub: request.user.as_str(),
        auth: match request.role {
            Role::Guest | Role::User | Role::Service => USER_AUTHORITY,
            Role::Agent => AGENT_AUTHORITY,
            Role::Admin => ADMIN_AUTHORITY,
        },
        nickname: request.name.as_deref().unwrap_or(request.user.as_str()),
        id: request.member_id,
        iat: now.as_secs(),
        exp: now.as_secs().saturating_add(ttl),
    };
    let header = Header::new(Algorithm::HS256);
    jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(key.bytes()))
}

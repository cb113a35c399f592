//! What is read from a token's claims: whom it is for, how long, and who its holder is.

use std::sync::Arc;

use madang_domain::{Caller, Code, Error, Role, Timestamp, UserId};
use serde_json::{Map, Value};

use crate::config::Auth;

/// Longest name or member number that is taken from a token, in bytes: what ids may have.
const NAME_BYTES_MAX: usize = madang_domain::ids::ID_BYTES_MAX;

/// The authorities and claims of tokens that `madang token` makes: the defaults of the options, so
/// that renaming the host's claims does not break them.
pub(super) const USER_AUTHORITY: &str = "ROLE_USER";
pub(super) const AGENT_AUTHORITY: &str = "ROLE_AGENT";
pub(super) const ADMIN_AUTHORITY: &str = "ROLE_MADANG_ADMIN";

/// The claims of a token whose signature was checked.
pub(super) type Claims = Map<String, Value>;

/// Which claims say what, and what some of them must say.
pub(super) struct ClaimRules {
    user: String,
    names: Vec<String>,
    member_id: String,
    roles: String,
    agent_authorities: Vec<String>,
    admin_authorities: Vec<String>,
    issuer: Option<String>,
    audience: Option<String>,
    leeway_seconds: u32,
}

impl ClaimRules {
    /// Of the host's tokens.
    pub(super) fn of_host(auth: &Auth) -> Self {
        Self {
            user: auth.claim_user.clone(),
            names: auth.claim_name.clone(),
            member_id: auth.claim_member_id.clone(),
            roles: auth.claim_roles.clone(),
            agent_authorities: auth.agent_authorities.clone(),
            admin_authorities: auth.admin_authorities.clone(),
            issuer: auth.issuer.clone(),
            audience: auth.audience.clone(),
            leeway_seconds: auth.leeway_seconds,
        }
    }

    /// Of tokens that `madang token` makes.
    pub(super) fn of_development() -> Self {
        Self {
            names: vec!["nickname".to_owned()],
            agent_authorities: vec![AGENT_AUTHORITY.to_owned()],
            admin_authorities: vec![ADMIN_AUTHORITY.to_owned()],
            ..Self::of_users()
        }
    }

    /// Of this server's own tokens for visitors, whatever authorities they name.
    pub(super) fn of_guests(issuer: &str) -> Self {
        Self {
            names: vec!["name".to_owned()],
            issuer: Some(issuer.to_owned()),
            ..Self::of_users()
        }
    }

    fn of_users() -> Self {
        Self {
            user: "sub".to_owned(),
            names: Vec::new(),
            member_id: "id".to_owned(),
            roles: "auth".to_owned(),
            agent_authorities: Vec::new(),
            admin_authorities: Vec::new(),
            issuer: None,
            audience: None,
            leeway_seconds: 0,
        }
    }

    /// The caller whose claims these are, at `now`.
    ///
    /// # Errors
    /// The client's fault. [`Code::TokenExpired`]: the token was valid. [`Code::TokenInvalid`]: a
    /// claim is missing, malformed or not as it must be.
    pub(super) fn caller(&self, claims: &Claims, now: Timestamp) -> Result<Caller, Error> {
        let expires_at = self.check_times(claims, now)?;
        self.check_addressee(claims)?;
        let user = text_or_number(claims.get(&self.user)).ok_or_else(|| lacks(&self.user))?;
        let user = UserId::new(&user).map_err(|error| {
            Error::with_detail(Code::TokenInvalid, format!("the token's user id {error}"))
        })?;
        let member_id = text_or_number(claims.get(&self.member_id)).filter(|id| is_shown(id));
        // What is no number says as little as none.
        let issued_at = micros(claims, "iat").unwrap_or_default();
        Ok(Caller {
            name: self.name(claims),
            member_id: member_id.map(Arc::from),
            issued_at: issued_at.map(Timestamp::from_micros),
            expires_at: Some(expires_at),
            ..Caller::new(user, self.role(claims.get(&self.roles)))
        })
    }

    /// The library would ask the system's clock; sessions and tests need `now` handed in.
    fn check_times(&self, claims: &Claims, now: Timestamp) -> Result<Timestamp, Error> {
        let leeway = i64::from(self.leeway_seconds) * 1_000_000;
        let expires_at = micros(claims, "exp")?.ok_or_else(|| lacks("exp"))?;
        let expires_at = expires_at.saturating_add(leeway);
        if now.as_micros() >= expires_at {
            return Err(Code::TokenExpired.into());
        }
        if let Some(not_before) = micros(claims, "nbf")?
            && now.as_micros().saturating_add(leeway) < not_before
        {
            return Err(invalid("the token is not valid yet"));
        }
        Ok(Timestamp::from_micros(expires_at))
    }

    fn check_addressee(&self, claims: &Claims) -> Result<(), Error> {
        let issuer = claims.get("iss").and_then(Value::as_str);
        if self.issuer.is_some() && self.issuer.as_deref() != issuer {
            return Err(invalid("the token has another issuer"));
        }
        let Some(wanted) = self.audience.as_deref() else {
            return Ok(());
        };
        let is_meant = match claims.get("aud") {
            Some(Value::String(text)) => text == wanted,
            Some(Value::Array(items)) => items.iter().any(|item| item.as_str() == Some(wanted)),
            _ => false,
        };
        if !is_meant {
            return Err(invalid("the token is for somebody else"));
        }
        Ok(())
    }

    fn name(&self, claims: &Claims) -> Option<Arc<str>> {
        let values = self.names.iter().filter_map(|claim| claims.get(claim));
        let mut names = values.filter_map(|value| value.as_str().map(str::trim));
        names.find(|name| is_shown(name)).map(Arc::from)
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

/// Whether others can be shown this text.
fn is_shown(text: &str) -> bool {
    !text.is_empty() && text.len() <= NAME_BYTES_MAX && !text.chars().any(char::is_control)
}

fn invalid(detail: &'static str) -> Error {
    Error::with_detail(Code::TokenInvalid, detail)
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
fn micros(claims: &Claims, claim: &str) -> Result<Option<i64>, Error> {
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

//! One authenticator behind every door's question of who asks.

use std::time::Duration;

use http::HeaderMap;
use jiff::Timestamp as Now;
use madang_domain::ports::BoxFuture;
use madang_domain::{Caller, Code, Error, Role, Timestamp, UserId};

use crate::auth::{Authenticator, GuestToken, TokenCheck, TokenRequest};
use crate::{gateway, http as rest};

/// How long a demo user's token lives.
const DEMO_TOKEN_TTL: Duration = Duration::from_secs(12 * 60 * 60);

/// Answers the gateway, REST and the demo page alike.
pub(crate) struct Identity {
    authenticator: Authenticator,
}

impl Identity {
    pub(crate) fn new(authenticator: Authenticator) -> Self {
        Self { authenticator }
    }
}

impl gateway::Identity for Identity {
    fn token(&self, token: &str) -> TokenCheck {
        self.authenticator.check(token, now())
    }

    fn account<'a>(
        &'a self,
        login: &'a str,
        passcode: &'a str,
    ) -> BoxFuture<'a, Result<Caller, Error>> {
        Box::pin(self.authenticator.account(login, passcode))
    }

    fn still_counts(&self, user: &UserId, issued_at: Option<Timestamp>) -> bool {
        self.authenticator.still_counts(user, issued_at)
    }
}

impl rest::Identify for Identity {
    fn caller(&self, headers: &HeaderMap) -> TokenCheck {
        match self.authenticator.token_of_request(headers) {
            Some(token) => self.authenticator.check(&token, now()),
            None => TokenCheck::done(Err(Code::AuthenticationRequired.into())),
        }
    }
}

impl rest::MakeGuests for Identity {
    fn make_guest(&self, name: Option<&str>, ttl: Option<Duration>) -> Result<GuestToken, Error> {
        self.authenticator.guest_token(name, ttl, now())
    }
}

impl rest::MintToken for Identity {
    fn mint(&self, name: &str, role: Role) -> String {
        let Ok(user) = UserId::new(name) else {
            return String::new();
        };
        let request = TokenRequest {
            user,
            role,
            name: Some(name.to_owned()),
            member_id: None,
            ttl: DEMO_TOKEN_TTL,
        };
        // Served only while development tokens are in use.
        self.authenticator
            .development_token(&request, now())
            .unwrap_or_default()
    }
}

fn now() -> Timestamp {
    Timestamp::from_micros(Now::now().as_microsecond())
}

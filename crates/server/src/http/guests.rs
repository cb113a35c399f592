//! Tokens for visitors whom the host does not know.

mod allowance;

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{FromRequest, Request, State};
use axum::http::header::{AUTHORIZATION, HeaderName};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use madang_domain::{Code, Error, Role, Scope};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::client_address::client_address;
use super::extract::{JsonBody, Peer};
use super::problem::{Common, Malformed, Problem, Refusal};
use super::{HttpState, Shared};
use crate::auth::GuestToken;
use crate::config::{AddressRange, Config};
use crate::contracts::native::rfc3339;
use allowance::Allowance;

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Makes guests' tokens.
pub trait MakeGuests: Send + Sync {
    /// A token for a new guest with that name; without `ttl` it lives as long as the configuration
    /// says.
    ///
    /// # Errors
    /// [`Code::BodyInvalid`]: the name or the life is out of bounds. [`Code::Internal`].
    fn make_guest(&self, name: Option<&str>, ttl: Option<Duration>) -> Result<GuestToken, Error>;
}

/// Who gets guests' tokens.
pub struct GuestOptions {
    tokens: Arc<dyn MakeGuests>,
    /// Whether everybody does.
    is_open: bool,
    allowance: Allowance,
    trusted: Vec<AddressRange>,
}

impl GuestOptions {
    /// As the configuration has it.
    #[must_use]
    pub fn of(config: &Config, tokens: Arc<dyn MakeGuests>) -> Self {
        Self {
            tokens,
            is_open: config.auth.guests,
            allowance: Allowance::per_hour(config.auth.guests_per_address_max),
            trusted: config.server.trusted_addresses.clone(),
        }
    }
}

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::default().routes(routes!(make))
}

/// Who comes to visit.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NewGuest {
    /// What others see: to 128 bytes without control characters. Anybody can take any name.
    #[schema(example = "손님", max_length = 128)]
    name: Option<String>,
    /// Seconds that the token is valid: only with an API key.
    #[schema(example = 3600, minimum = 60, maximum = 2_592_000)]
    ttl_seconds: Option<u64>,
}

/// A visitor's only proof of being this user: whoever has the token is them.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Guest {
    token: String,
    #[schema(example = "guest-9f3c1a2b4d5e6f708192a3b4c5d6e7f8")]
    user: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "손님", value_type = Option<String>)]
    name: Option<Arc<str>>,
    #[schema(example = "2026-01-02T03:04:05Z")]
    expires_at: String,
}

impl From<GuestToken> for Guest {
    fn from(made: GuestToken) -> Self {
        Self {
            user: made.user.to_string(),
            expires_at: rfc3339(made.expires_at),
            name: made.name,
            token: made.token,
        }
    }
}

/// Makes a user for a visitor, with a token.
///
/// Open to everybody where the operator lets it be (`auth.guests`), so many times an hour for one
/// address. An API key with the scope `users` may in any case and without a bound.
#[utoipa::path(
    post,
    path = "/guests",
    operation_id = "makeGuest",
    tag = "guests",
    security((), ("apiKey" = [])),
    request_body = NewGuest,
    responses(
        (status = 201, description = "The guest", body = Guest),
        (status = 404, description = "`NOT_FOUND`: only an API key may here", body = Problem,
         content_type = "application/problem+json"),
        (status = 429, description = "`TOO_MANY`: this address has had its guests; `Retry-After` says when it gets more",
         body = Problem, content_type = "application/problem+json"),
        Malformed,
        Common,
    )
)]
async fn make(State(state): State<Shared>, request: Request) -> Result<Response, Response> {
    let (parts, body) = request.into_parts();
    let asker = asker(&state, &parts.headers).await.map_err(refuse)?;
    let guests = &state.guests;
    if asker == Asker::Anybody && !guests.is_open {
        return Err(refuse(Code::NotFound.into()));
    }
    let address = parts
        .extensions
        .get::<Peer>()
        .map(|Peer(peer)| client_address(peer.ip(), &parts.headers, &guests.trusted));
    let request = Request::from_parts(parts, body);
    let body = JsonBody::<NewGuest>::from_request(request, &state).await;
    let JsonBody(guest) = body.map_err(IntoResponse::into_response)?;
    if asker == Asker::Anybody {
        if guest.ttl_seconds.is_some() {
            let detail = "ttlSeconds needs an API key with the scope users";
            return Err(refuse(Error::with_detail(Code::ScopeMissing, detail)));
        }
        guests.allowance.charge(address).map_err(too_many)?;
    }
    let ttl = guest.ttl_seconds.map(Duration::from_secs);
    let made = guests.tokens.make_guest(guest.name.as_deref(), ttl);
    let guest = Json(Guest::from(made.map_err(refuse)?));
    Ok((StatusCode::CREATED, guest).into_response())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asker {
    Backend,
    Anybody,
}

/// Who asks, as far as it matters here. Cookies are not looked at: one that outlived its login must
/// not keep a visitor out.
async fn asker(state: &HttpState, headers: &HeaderMap) -> Result<Asker, Error> {
    let said = [AUTHORIZATION, API_KEY].into_iter();
    let said = said.filter_map(|name| headers.get(&name).map(|value| (name, value.clone())));
    match state.identify.caller(&said.collect()).await {
        Ok(caller) if caller.role == Role::Service => {
            caller.require(Scope::Users)?;
            Ok(Asker::Backend)
        }
        Ok(_) => Ok(Asker::Anybody),
        Err(error) if error.code() == Code::AuthenticationRequired => Ok(Asker::Anybody),
        Err(error) => Err(error),
    }
}

fn too_many(wait: Duration) -> Response {
    let seconds = wait.as_secs().saturating_add(1);
    let detail = format!("no more guests from this address for {seconds} seconds");
    let wait = Duration::from_secs(seconds);
    refuse(Error::with_detail(Code::TooMany, detail).retry_after(wait))
}

fn refuse(error: Error) -> Response {
    Refusal::from(error).into_response()
}

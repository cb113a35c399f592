//! Tokens for the demo page.
//!
//! They exist only where development tokens are in use, and only for a browser on this machine
//! that shows this server's own page: not for other sites' pages, nor for names of other sites
//! that lead here (DNS rebinding).

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequest, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use madang_domain::{Code, Error, Role, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::Shared;
use crate::http::extract::{JsonBody, is_from_this_machine};
use crate::http::origins::is_own;
use crate::http::problem::{Malformed, Problem, Refusal};

/// Longest demo name, in bytes.
const NAME_BYTES_MAX: usize = 64;

/// Makes development tokens.
pub trait MintToken: Send + Sync {
    /// A token for the user `name`, fit for the authenticator of this server.
    fn mint(&self, name: &str, role: Role) -> String;
}

/// The demo page's tokens.
#[derive(Clone)]
pub struct DemoOptions {
    /// Makes them.
    pub tokens: Arc<dyn MintToken>,
    /// Where plain WebSocket speaks STOMP with the native destinations: `/ws`.
    pub websocket_path: Arc<str>,
}

pub(in crate::http) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::default().routes(routes!(token))
}

/// Who wants to try the server.
#[derive(Debug, Deserialize, ToSchema)]
struct DemoUser {
    /// 1 to 64 bytes.
    #[schema(example = "demo-kim")]
    name: String,
    role: DemoRole,
}

#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
enum DemoRole {
    User,
    Agent,
}

/// What the demo page needs to begin.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct DemoToken {
    token: String,
    #[schema(example = "demo-kim")]
    user_id: String,
    #[schema(example = "demo-kim")]
    name: String,
    #[schema(example = "/ws")]
    websocket_path: String,
}

/// A development token for the demo page.
///
/// There only where development tokens are in use, and only for this machine's browser.
#[utoipa::path(
    post,
    path = "/demo/token",
    operation_id = "mintDemoToken",
    tag = "demo",
    security(()),
    request_body = DemoUser,
    responses(
        (status = 200, description = "The token", body = DemoToken),
        (status = 403, description = "`ORIGIN_FORBIDDEN`: another site's page asked", body = Problem,
         content_type = "application/problem+json"),
        (status = 404, description = "`NOT_FOUND`: asked from another machine", body = Problem,
         content_type = "application/problem+json"),
        Malformed,
    )
)]
async fn token(State(state): State<Shared>, request: Request) -> Result<Json<DemoToken>, Refusal> {
    let Some(demo) = &state.demo else {
        return Err(Code::NotFound.into());
    };
    let (parts, body) = request.into_parts();
    may_ask(&parts)?;
    let request = Request::from_parts(parts, body);
    let JsonBody(user) = JsonBody::<DemoUser>::from_request(request, &state).await?;
    let token = mint(demo, &user)?;
    let caller = state.identify.caller(&bearer(&token)?).await?;
    Ok(Json(DemoToken {
        user_id: caller.user.to_string(),
        name: caller.display_name().to_owned(),
        token,
        websocket_path: demo.websocket_path.to_string(),
    }))
}

/// Whether a page of this server on this machine asks.
fn may_ask(parts: &Parts) -> Result<(), Code> {
    if !is_from_this_machine(parts) {
        return Err(Code::NotFound);
    }
    if !is_own_page(&parts.headers, &parts.uri) {
        return Err(Code::OriginForbidden);
    }
    Ok(())
}

fn mint(demo: &DemoOptions, user: &DemoUser) -> Result<String, Error> {
    if user.name.len() > NAME_BYTES_MAX || UserId::new(&user.name).is_err() {
        let detail = "name must be 1 to 64 bytes without control characters";
        return Err(Error::with_detail(Code::BodyInvalid, detail));
    }
    let role = match user.role {
        DemoRole::User => Role::User,
        DemoRole::Agent => Role::Agent,
    };
    Ok(demo.tokens.mint(&user.name, role))
}

fn bearer(token: &str) -> Result<HeaderMap, Error> {
    let value = HeaderValue::from_str(&format!("Bearer {token}"));
    let value = value.map_err(|_| Error::from(Code::Internal))?;
    Ok(HeaderMap::from_iter([(header::AUTHORIZATION, value)]))
}

/// Whether a page of this server asks, or no page at all.
fn is_own_page(headers: &HeaderMap, uri: &Uri) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let own_origin = text("origin").is_none_or(|origin| is_own(origin, headers, uri));
    own_origin && text("sec-fetch-site").is_none_or(|site| site == "same-origin")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (
                header::HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        };
        pairs.iter().map(pair).collect()
    }

    fn asks(headers: &HeaderMap) -> bool {
        is_own_page(headers, &Uri::from_static("/demo/token"))
    }

    #[test]
    fn only_this_servers_own_page_on_this_machine_gets_tokens() {
        let host = ("host", "localhost:8080");
        let http2 = Uri::from_static("http://localhost:8080/demo/token");
        assert!(is_own_page(&HeaderMap::new(), &http2));
        assert!(asks(&headers(&[host])));
        assert!(asks(&headers(&[
            host,
            ("origin", "http://localhost:8080"),
            ("sec-fetch-site", "same-origin"),
        ])));
        assert!(asks(&headers(&[("host", "[::1]:80")])));
        for refused in [
            &[host, ("origin", "http://evil.example")][..],
            &[host, ("origin", "http://localhost:9090")],
            &[host, ("origin", "null")],
            &[host, ("sec-fetch-site", "cross-site")],
        ] {
            assert!(!asks(&headers(refused)), "{refused:?}");
        }
    }
}

//! Pages of other origins (the Fetch standard's CORS protocol).
//!
//! Those that the operator lists may call; for all others the browser keeps the answer from the
//! page. What a browser would send for a page without asking first, a cookie with it, is refused
//! here.

use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_METHOD, AUTHORIZATION, HOST, ORIGIN, VARY,
};
use axum::http::uri::{Authority, Uri};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use madang_domain::Code;

use super::Shared;
use super::contracts::refusal::Words;

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE");
const REQUEST_HEADERS: HeaderValue =
    HeaderValue::from_static("authorization, content-type, idempotency-key, last-event-id");
const RESPONSE_HEADERS: HeaderValue = HeaderValue::from_static("location, retry-after");
/// Schemes of `Authorization` that browsers answer by themselves.
const BROWSERS_SCHEMES: [&[u8]; 4] = [b"basic", b"digest", b"negotiate", b"ntlm"];

/// How long a browser may remember the answer to its question: a day, of which browsers take less.
const MAX_AGE_SECONDS: HeaderValue = HeaderValue::from_static("86400");

/// Which origins' pages may call, besides the server's own.
#[derive(Debug, Clone, Default)]
pub struct AllowedOrigins(Vec<String>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// No page asks, or one of this server.
    Own,
    /// Listed: may call, with cookies too.
    Listed,
    /// Anybody may call, but without cookies: any page could use them.
    Wildcard,
    Foreign,
}

/// What may prove who a page's user is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    Cookies,
    TokensOnly,
}

impl AllowedOrigins {
    /// Origins as browsers send them (`https://example.com`); `*` for every page.
    #[must_use]
    pub const fn new(origins: Vec<String>) -> Self {
        Self(origins)
    }

    /// Whether a page may open a WebSocket, and whether what the browser sends along with every
    /// request (a cookie) may then say who it is: browsers ask nobody before they open one, so
    /// any page could use it (RFC 6455, section 10.2).
    pub(crate) fn may_connect(&self, headers: &HeaderMap, uri: &Uri) -> Option<Trust> {
        match self.standing(headers, uri) {
            Standing::Own | Standing::Listed => Some(Trust::Cookies),
            Standing::Wildcard => Some(Trust::TokensOnly),
            Standing::Foreign => None,
        }
    }

    /// What lets a page of the request's origin read the answer, for answers that pass [`judge`] by.
    pub(super) fn permission(&self, headers: &HeaderMap, uri: &Uri) -> HeaderMap {
        let standing = self.standing(headers, uri);
        let mut permission = HeaderMap::new();
        permission.insert(VARY, HeaderValue::from_static("origin"));
        let origin = headers.get(ORIGIN).cloned();
        if let Some(origin) = origin.filter(|_| may_call(standing)) {
            permit(&mut permission, origin, standing);
        }
        permission
    }

    fn standing(&self, headers: &HeaderMap, uri: &Uri) -> Standing {
        let Some(origin) = headers.get(ORIGIN) else {
            return Standing::Own;
        };
        let origin = origin.to_str().unwrap_or_default();
        if is_own(origin, headers, uri) {
            return Standing::Own;
        }
        let lists = |text: &str| self.0.iter().any(|listed| listed == text);
        if lists(origin) {
            Standing::Listed
        } else if lists("*") {
            Standing::Wildcard
        } else {
            Standing::Foreign
        }
    }
}

/// Whether `origin` is the host that the request names; the scheme is the proxy's matter.
pub(super) fn is_own(origin: &str, headers: &HeaderMap, uri: &Uri) -> bool {
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    authority.is_some() && authority == host(headers, uri)
}

/// The host that the request names: in HTTP/1.1 a header, in HTTP/2 a part of the target.
pub(super) fn host<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> Option<&'a str> {
    let header = headers.get(HOST).and_then(|host| host.to_str().ok());
    header.or_else(|| uri.authority().map(Authority::as_str))
}

pub(super) async fn judge(State(state): State<Shared>, request: Request, next: Next) -> Response {
    let standing = state.origins.standing(request.headers(), request.uri());
    let origin = request.headers().get(ORIGIN).cloned();
    let mut response = if is_question(&request) && may_call(standing) {
        StatusCode::NO_CONTENT.into_response()
    } else if is_forgeable(&request) && !matches!(standing, Standing::Own | Standing::Listed) {
        Words::of(request.uri().path(), &state.contracts).refuse(Code::OriginForbidden)
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.append(VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = origin.filter(|_| may_call(standing)) {
        permit(headers, origin, standing);
    }
    response
}

const fn may_call(standing: Standing) -> bool {
    matches!(standing, Standing::Listed | Standing::Wildcard)
}

/// Whether the browser asks if a page may make a request.
fn is_question(request: &Request) -> bool {
    request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// Whether a page may have made the browser send this with the user's cookie for proof. A page
/// that knows a token to put into a header needs no forgery; a browser asks before it lets a page
/// set one. What the browser adds by itself proves nothing.
fn is_forgeable(request: &Request) -> bool {
    let authorization = request.headers().get(AUTHORIZATION);
    let is_the_pages = authorization.is_some_and(|value| !is_the_browsers(value));
    !request.method().is_safe() && !is_the_pages
}

/// Whether a browser sends such credentials along, for a user who once typed them (RFC 9110,
/// section 11).
fn is_the_browsers(authorization: &HeaderValue) -> bool {
    let scheme = authorization.as_bytes().split(|byte| *byte == b' ').next();
    let is = |known: &&[u8]| scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(known));
    BROWSERS_SCHEMES.iter().any(is)
}

fn permit(headers: &mut HeaderMap, origin: HeaderValue, standing: Standing) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS);
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, RESPONSE_HEADERS);
    headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE_SECONDS);
    if standing == Standing::Listed {
        headers.insert(
            ACCESS_CONTROL_ALLOW_CREDENTIALS,
            HeaderValue::from_static("true"),
        );
    }
}

//! What handlers take: callers by what they may do, parameters, bodies. Each refuses in problem
//! details.

use std::net::SocketAddr;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use madang_domain::{Caller, Code, Error, Role, Scope, policy};
use serde::de::DeserializeOwned;

use super::Shared;
use super::origins::host;
use super::problem::Refusal;
use crate::auth::TokenCheck;
use crate::contracts::misfit;
use crate::contracts::native::parse_json;

/// Tells who a request is from. The one authenticator of all doors stands behind it.
pub trait Identify: Send + Sync {
    /// The caller that `headers` prove. Seldom, the answer has to wait for a key.
    ///
    /// # Errors
    /// [`Code::AuthenticationRequired`]: there is no token. [`Code::TokenExpired`],
    /// [`Code::TokenRevoked`], [`Code::TokenInvalid`]: there is a useless one. The client's fault; not
    /// retryable. [`Code::Unavailable`]: retryable.
    fn caller(&self, headers: &HeaderMap) -> TokenCheck;
}

/// A person: has rooms of their own or serves some. Service accounts are refused.
pub(crate) struct UserCaller(pub(crate) Caller);

/// A person to whom the support desk is open.
pub(crate) struct AgentCaller(pub(crate) Caller);

/// Proof that a person who may look into the server asks; who it is does not matter there.
pub(crate) struct AdminCaller(());

/// Proof that somebody asks who may publish to application topics; who it is does not matter there.
pub(crate) struct Publisher(());

/// Who asks, of whatever kind. What a person's token says of them is kept.
///
/// # Errors
/// As [`Identify::caller`].
pub(super) async fn identify(state: &Shared, headers: &HeaderMap) -> Result<Caller, Error> {
    let caller = state.identify.caller(headers).await?;
    state.engine.see(&caller);
    Ok(caller)
}

impl UserCaller {
    pub(super) async fn from_headers(state: &Shared, headers: &HeaderMap) -> Result<Self, Error> {
        let caller = identify(state, headers).await?;
        if caller.role == Role::Service {
            let detail = "a service account has no rooms";
            return Err(Error::with_detail(Code::NotYourRoom, detail));
        }
        Ok(Self(caller))
    }
}

impl AgentCaller {
    pub(super) async fn from_headers(state: &Shared, headers: &HeaderMap) -> Result<Self, Error> {
        let caller = identify(state, headers).await?;
        policy::may_serve(&caller)?;
        Ok(Self(caller))
    }
}

impl AdminCaller {
    pub(super) async fn from_headers(state: &Shared, headers: &HeaderMap) -> Result<Self, Error> {
        let caller = identify(state, headers).await?;
        if caller.role != Role::Admin {
            return Err(Code::AdminsOnly.into());
        }
        Ok(Self(()))
    }
}

impl Publisher {
    pub(super) async fn from_headers(state: &Shared, headers: &HeaderMap) -> Result<Self, Error> {
        let caller = identify(state, headers).await?;
        if caller.role == Role::Service {
            caller.require(Scope::Publish)?;
        } else if !state.topics.publish.contains(&caller.role) {
            return Err(Code::PublishForbidden.into());
        }
        Ok(Self(()))
    }
}

macro_rules! extract_caller {
    ($($caller:ident),*) => {$(
        impl FromRequestParts<Shared> for $caller {
            type Rejection = Refusal;

            async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, Refusal> {
                Ok(Self::from_headers(state, &parts.headers).await?)
            }
        }
    )*};
}
extract_caller!(UserCaller, AgentCaller, Publisher);

/// Proof that the host's back end asks, which may keep users; who it is does not matter there.
pub(crate) struct UsersHost(());

impl UsersHost {
    async fn from_headers(state: &Shared, headers: &HeaderMap) -> Result<Self, Error> {
        let caller = identify(state, headers).await?;
        caller.require(Scope::Users)?;
        Ok(Self(()))
    }
}
extract_caller!(UsersHost);

/// Callers of the host's back end, each by the scope that its API key holds.
macro_rules! host_callers {
    ($($(#[$doc:meta])* $caller:ident = $scope:ident;)*) => {
        $($(#[$doc])*
        pub(crate) struct $caller(pub(crate) Caller);

        impl $caller {
            async fn from_headers(state: &Shared, headers: &HeaderMap) -> Result<Self, Error> {
                let caller = identify(state, headers).await?;
                caller.require(Scope::$scope)?;
                Ok(Self(caller))
            }
        })*
        extract_caller!($($caller),*);
    };
}
host_callers! {
    /// The host's back end, which may make and change rooms.
    RoomsHost = Rooms;
    /// The host's back end, which may send notices and read histories.
    MessagesHost = Messages;
    /// The host's back end, which may notify users.
    NotifyHost = Notify;
}

/// The query's parameters; others than those of `T` are ignored.
pub(crate) struct Parameters<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<Shared> for Parameters<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Self, Refusal> {
        Ok(Self(parameters(parts)?))
    }
}

pub(super) fn parameters<T: DeserializeOwned>(parts: &Parts) -> Result<T, Error> {
    let Query(parameters) = Query::try_from_uri(&parts.uri).map_err(|rejection| {
        let detail = misfit::in_query(&rejection.body_text());
        Error::with_detail(Code::ParameterInvalid, detail)
    })?;
    Ok(parameters)
}

/// Most entries of one answer.
pub(crate) const LIMIT_MAX: usize = 200;

/// How many entries are asked for; `default` when the query does not say.
///
/// # Errors
/// [`Code::ParameterInvalid`]: not 1 to [`LIMIT_MAX`].
pub(super) fn limit(asked: Option<usize>, default: usize) -> Result<usize, Error> {
    match asked.unwrap_or(default) {
        limit @ 1..=LIMIT_MAX => Ok(limit),
        _ => {
            let detail = format!("limit goes from 1 to {LIMIT_MAX}");
            Err(Error::with_detail(Code::ParameterInvalid, detail))
        }
    }
}

/// A JSON body. Its media type is required: a browser lets no foreign page send it unasked.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Shared> for JsonBody<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &Shared) -> Result<Self, Refusal> {
        Ok(Self(json_body(request, state).await?))
    }
}

/// # Errors
/// [`Code::BodyInvalid`], [`Code::TooLarge`]: the client's fault.
pub(super) async fn json_body<T: DeserializeOwned>(
    request: Request,
    state: &Shared,
) -> Result<T, Error> {
    if !is_json(request.headers()) {
        let detail = "the content type must be application/json";
        return Err(Error::with_detail(Code::BodyInvalid, detail));
    }
    let body = read_body(request, state).await?;
    // Members could come in an array too, in an order that nobody has promised.
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    if first.is_some_and(|first| *first == b'[') {
        let detail = "the body must be a JSON object";
        return Err(Error::with_detail(Code::BodyInvalid, detail));
    }
    parse_json(&body)
}

/// The whole body, up to the route's limit.
pub(super) async fn read_body(request: Request, state: &Shared) -> Result<Bytes, Error> {
    let body = Bytes::from_request(request, state).await;
    body.map_err(|rejection| match rejection.into_response().status() {
        StatusCode::PAYLOAD_TOO_LARGE => Code::TooLarge.into(),
        // The peer went away, or broke the transfer coding.
        _ => Code::BodyInvalid.into(),
    })
}

pub(super) fn is_json(headers: &HeaderMap) -> bool {
    media_type(headers).is_some_and(|media_type| {
        media_type.eq_ignore_ascii_case("application/json")
            || (media_type.starts_with("application/") && media_type.ends_with("+json"))
    })
}

/// The body's media type without its parameters.
pub(super) fn media_type(headers: &HeaderMap) -> Option<&str> {
    let content_type = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    content_type.split(';').next().map(str::trim)
}

/// Who is at the other end of the request's connection: put among its extensions by the listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// Headers by which a proxy shows itself: behind one, a loopback peer is the proxy, not the client.
const PROXY_HEADERS: [&str; 4] = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];

/// Whether the request was made on this machine, for this machine. Unknown peers are not, and
/// neither is a name that leads here from elsewhere (a proxy's, or DNS rebinding).
pub(super) fn is_from_this_machine(parts: &Parts) -> bool {
    let peer = parts.extensions.get::<Peer>();
    let no_proxy = |name: &&str| !parts.headers.contains_key(*name);
    peer.is_some_and(|Peer(address)| address.ip().to_canonical().is_loopback())
        && PROXY_HEADERS.iter().all(no_proxy)
        && host(&parts.headers, &parts.uri).is_some_and(names_this_machine)
}

fn names_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(peer: &str, headers: &[(&'static str, &'static str)]) -> bool {
        let mut request = axum::http::Request::get("/metrics");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut parts = request.body(()).unwrap().into_parts().0;
        parts.extensions.insert(Peer(peer.parse().unwrap()));
        is_from_this_machine(&parts)
    }

    #[test]
    fn only_a_request_of_this_machine_for_this_machine_is_local() {
        let home = ("host", "localhost:8080");
        assert!(asked("127.0.0.1:9", &[home]));
        assert!(asked("[::1]:9", &[("host", "[::1]:80")]));
        assert!(!asked("192.0.2.1:9", &[home]));
        assert!(!asked("127.0.0.1:9", &[]));
        for proxied in PROXY_HEADERS {
            assert!(!asked("127.0.0.1:9", &[home, (proxied, "192.0.2.1")]));
        }
        for host in ["chat.example.com", "localhost.evil.example"] {
            assert!(!asked("127.0.0.1:9", &[("host", host)]), "{host}");
        }
    }
}

//! Errors as HTTP tells them: problem details (RFC 9457), rendered from the domain's registry.

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use madang_domain::{Agent, Code, Error};
use serde::Serialize;
use utoipa::ToSchema;

use crate::contracts::rooms::PersonBody;

/// Media type of every native error body.
pub(super) const PROBLEM_JSON: &str = "application/problem+json";

/// After how long a refused request may be tried again of which no more is known; enough for a
/// restart behind a load balancer to have moved on.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Problem details (RFC 9457) of a request that was not done.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// Where this kind of problem is explained, relative to the server.
    #[serde(rename = "type")]
    #[schema(example = "/docs/errors#ROOM_NOT_FOUND")]
    kind: String,
    /// What this kind of problem is.
    #[schema(example = "there is no such room")]
    title: &'static str,
    /// The HTTP status.
    #[schema(example = 404)]
    status: u16,
    /// What exactly is wrong.
    #[schema(example = "there is no such room")]
    detail: String,
    /// Stable name of this kind of problem.
    #[schema(example = "ROOM_NOT_FOUND")]
    code: &'static str,
    /// Whether the same request can succeed later without being changed.
    retryable: bool,
    /// Who has the room, when another agent has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    assignee: Option<PersonBody>,
}

/// A request that was not done, on its way to the client.
#[derive(Debug)]
pub(crate) struct Refusal {
    error: Error,
    assignee: Option<Agent>,
}

impl Refusal {
    /// The room is `agent`'s.
    pub(super) fn taken_by(agent: Agent) -> Self {
        Self {
            error: Code::RoomTaken.into(),
            assignee: Some(agent),
        }
    }

    /// What is wrong, for those who tell it in other words.
    pub(super) fn into_error(self) -> Error {
        self.error
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self {
            error,
            assignee: None,
        }
    }
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        Error::from(code).into()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let spec = self.error.code().spec();
        let problem = Problem {
            kind: format!("/docs/errors#{}", spec.name),
            title: spec.text,
            status: spec.http_status,
            detail: self.error.message().to_owned(),
            code: spec.name,
            retryable: spec.retryable,
            assignee: self.assignee.as_ref().map(PersonBody::from),
        };
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response = (
            status(spec.http_status),
            [(header::CONTENT_TYPE, PROBLEM_JSON)],
            body,
        )
            .into_response();
        advise(&mut response, &self.error);
        response.extensions_mut().insert(Told(self.error));
        response
    }
}

/// What a response tells the client, for whoever counts and logs.
#[derive(Debug, Clone)]
pub(super) struct Told(pub(super) Error);

/// A status from a registry; one that HTTP does not have is our defect.
pub(super) fn status(number: u16) -> StatusCode {
    StatusCode::from_u16(number).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Adds what a status asks for: how to authenticate, when to come back.
pub(super) fn advise(response: &mut Response, error: &Error) {
    let (name, value) = match response.status() {
        StatusCode::UNAUTHORIZED => (header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")),
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
            (header::RETRY_AFTER, HeaderValue::from(seconds_until(error)))
        }
        _ => return,
    };
    response.headers_mut().insert(name, value);
}

/// Whole seconds, so that whoever comes then does not come too early.
fn seconds_until(error: &Error) -> u64 {
    let wait = error.wait().unwrap_or(RETRY_AFTER);
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

/// The errors that any route may answer, for the document.
#[derive(utoipa::IntoResponses)]
#[expect(
    dead_code,
    reason = "describes answers; handlers make them from errors"
)]
pub(crate) enum Common {
    /// No token, or one that is expired or not valid: `AUTHENTICATION_REQUIRED`, `TOKEN_EXPIRED`,
    /// `TOKEN_INVALID`, `TOKEN_REVOKED`.
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthorized(Problem),
    /// The caller has no right to this: `NOT_YOUR_ROOM`, `ROLE_REQUIRED`, `TOO_LATE`,
    /// `AGENTS_ONLY`, `NOT_FOR_GUESTS`, `PUBLISH_FORBIDDEN`, `SCOPE_MISSING`.
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(Problem),
    /// A defect of the server: `INTERNAL`.
    #[response(status = 500, content_type = "application/problem+json")]
    Internal(Problem),
    /// Nothing was done; retryable: `UNAVAILABLE`, `DRAINING`, `OVERLOADED`.
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(Problem),
}

/// What a request with parameters or a body may also be answered.
#[derive(utoipa::IntoResponses)]
#[expect(
    dead_code,
    reason = "describes answers; handlers make them from errors"
)]
pub(crate) enum Malformed {
    /// The body, a query parameter or the path is not valid: `BODY_INVALID`, `MESSAGE_INVALID`,
    /// `PARAMETER_INVALID`, `POSITION_INVALID`.
    #[response(status = 400, content_type = "application/problem+json")]
    Invalid(Problem),
}

/// What a request that names a room may also be answered.
#[derive(utoipa::IntoResponses)]
#[expect(
    dead_code,
    reason = "describes answers; handlers make them from errors"
)]
pub(crate) enum NoRoom {
    /// `ROOM_NOT_FOUND`; of what is named in it: `MESSAGE_NOT_FOUND`, `MEMBER_NOT_FOUND`,
    /// `AGENT_NOT_FOUND`.
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(Problem),
}

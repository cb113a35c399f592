//! What every route of this contract takes and answers: callers, paths, envelopes.

use std::borrow::Cow;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, Path, Request};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use madang_domain::{Caller, Code, Error};
use serde::de::DeserializeOwned;

use crate::contracts::community::{CommunityOptions, Said, parse_number, words};
use crate::http::extract::UserCaller;
use crate::http::form::FormBody;
use crate::http::problem::{Told, advise, status};
use crate::http::{Shared, problem};

/// A request that was not done, as this contract tells it.
#[derive(Debug)]
pub(in crate::http::contracts) struct Refusal {
    error: Error,
    msg: Cow<'static, str>,
}

impl Refusal {
    /// With words of its own.
    pub(super) fn saying(error: impl Into<Error>, msg: impl Into<Cow<'static, str>>) -> Self {
        Self {
            error: error.into(),
            msg: msg.into(),
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let msg = words(error.code());
        Self::saying(error, msg)
    }
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        Error::from(code).into()
    }
}

impl From<problem::Refusal> for Refusal {
    fn from(refusal: problem::Refusal) -> Self {
        refusal.into_error().into()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self { error, msg } = self;
        let status_code = error.code().spec().http_status;
        let body = Json(Said { msg, status_code });
        let mut response = (status(status_code), body).into_response();
        advise(&mut response, &error);
        response.extensions_mut().insert(Told(error));
        response
    }
}

/// That something was done.
pub(super) fn done(msg: &'static str) -> Response {
    said(StatusCode::OK, msg)
}

/// That a room was made, and where its history is.
pub(super) fn made(msg: &'static str, location: &str) -> Response {
    let mut response = said(StatusCode::CREATED, msg);
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

fn said(status: StatusCode, msg: &'static str) -> Response {
    let said = Said {
        msg: Cow::Borrowed(msg),
        status_code: status.as_u16(),
    };
    (status, Json(said)).into_response()
}

/// Who calls. Service accounts have no rooms.
pub(super) async fn caller(state: &Shared, headers: &HeaderMap) -> Result<Caller, Refusal> {
    Ok(UserCaller::from_headers(state, headers).await?.0)
}

/// A form of these fields, in any of its encodings.
pub(super) async fn form<T: DeserializeOwned>(
    state: &Shared,
    request: Request,
) -> Result<T, Refusal> {
    Ok(FormBody::from_request(request, state).await?.0)
}

/// What the path names, percent-decoded.
pub(super) fn name(path: Result<Path<String>, PathRejection>) -> Result<String, Refusal> {
    match path {
        Ok(Path(name)) => Ok(name),
        Err(_) => Err(Code::ParameterInvalid.into()),
    }
}

/// The number that the path names.
pub(super) fn number(path: Result<Path<String>, PathRejection>) -> Result<u64, Refusal> {
    Ok(parse_number(&name(path)?)?)
}

/// The contract's options. Its routes are only there when it is switched on.
pub(super) fn options(state: &Shared) -> Result<&CommunityOptions, Refusal> {
    let options = state.contracts.community.as_ref();
    options.ok_or(Code::NotFound.into())
}

/// The errors that any route of this contract may answer, for the document.
#[derive(utoipa::IntoResponses)]
#[expect(
    dead_code,
    reason = "describes answers; handlers make them from errors"
)]
pub(super) enum Common {
    /// No token, or one that is expired or not valid.
    #[response(status = 401)]
    Unauthorized(Said),
    /// The room is not the caller's to see or change.
    #[response(status = 403)]
    Forbidden(Said),
    /// A defect of the server.
    #[response(status = 500)]
    Internal(Said),
    /// Nothing was done; try again.
    #[response(status = 503)]
    Unavailable(Said),
}

/// What a request with a form or a number may also be answered.
#[derive(utoipa::IntoResponses)]
#[expect(
    dead_code,
    reason = "describes answers; handlers make them from errors"
)]
pub(super) enum Malformed {
    /// The form or the path is not valid.
    #[response(status = 400)]
    Invalid(Said),
}

/// What a request that names something may also be answered.
#[derive(utoipa::IntoResponses)]
#[expect(
    dead_code,
    reason = "describes answers; handlers make them from errors"
)]
pub(super) enum Missing {
    /// There is no such thing.
    #[response(status = 404)]
    NotFound(Said),
}

/// What a request that names a trade room may also be answered.
#[derive(utoipa::IntoResponses)]
#[expect(
    dead_code,
    reason = "describes answers; handlers make them from errors"
)]
pub(super) enum Ambiguous {
    /// The caller has several rooms about the item: `msg` names them by their `roomId`.
    #[response(status = 409)]
    Several(Said),
}

//! The envelopes around every answer of this contract.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Json, http::HeaderMap};
use madang_domain::{Caller, Code, Error};
use serde::Serialize;
use utoipa::ToSchema;

use crate::contracts::support_desk::{SupportDeskOptions, error_code, http_status};
use crate::http::Shared;
use crate::http::extract::{AgentCaller, UserCaller};
use crate::http::problem::{Told, advise, status};

/// The envelope for one value.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeskEnvelope)]
pub(super) struct Envelope<T> {
    data: T,
    /// The HTTP status.
    #[schema(example = 200)]
    code: u16,
    /// The HTTP status' name.
    #[schema(example = "OK")]
    status: &'static str,
    #[schema(example = "미할당 채팅방 목록 조회 성공")]
    message: &'static str,
}

impl<T> Envelope<T> {
    pub(super) const fn ok(data: T, message: &'static str) -> Self {
        Self {
            data,
            code: 200,
            status: "OK",
            message,
        }
    }
}

/// The envelope for a page of values.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeskPage)]
#[serde(rename_all = "camelCase")]
pub(super) struct PageEnvelope<T> {
    data: Vec<T>,
    page_info: PageInfo,
    /// The HTTP status.
    #[schema(example = 200)]
    code: u16,
    /// The HTTP status' name.
    #[schema(example = "OK")]
    status: &'static str,
    #[schema(example = "채팅 메시지 조회 성공")]
    message: &'static str,
}

impl<T> PageEnvelope<T> {
    pub(super) const fn ok(data: Vec<T>, page_info: PageInfo, message: &'static str) -> Self {
        Self {
            data,
            page_info,
            code: 200,
            status: "OK",
            message,
        }
    }
}

/// Which page of how many.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = DeskPageInfo)]
#[serde(rename_all = "camelCase")]
pub(super) struct PageInfo {
    /// From 1.
    #[schema(example = 1)]
    page: u64,
    /// Values on a full page.
    #[schema(example = 20)]
    size: u64,
    /// 0 when there is nothing.
    #[schema(example = 3)]
    total_page: u64,
    #[schema(example = 45)]
    total_size: u64,
    first: bool,
    last: bool,
    has_next: bool,
    has_previous: bool,
}

impl PageInfo {
    pub(super) const fn new(page: u64, size: u64, total_size: u64) -> Self {
        let total_page = total_size.div_ceil(size);
        Self {
            page,
            size,
            total_page,
            total_size,
            first: page == 1,
            last: page >= total_page,
            has_next: page < total_page,
            has_previous: page > 1,
        }
    }
}

/// The envelope of an error.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeskError)]
pub(super) struct ErrorEnvelope {
    /// Always null.
    #[schema(value_type = Option<String>, example = json!(null))]
    data: (),
    /// The HTTP status.
    #[schema(example = 400)]
    code: u16,
    /// The contract's code, or the HTTP status' name.
    #[schema(example = "CHAT-400")]
    status: &'static str,
    #[schema(example = "유효하지 않은 채팅방입니다.")]
    message: &'static str,
}

/// A request that was not done, as this contract tells it.
#[derive(Debug)]
pub(in crate::http::contracts) struct Refusal {
    error: Error,
    message: Option<&'static str>,
}

impl Refusal {
    /// With words of its own.
    pub(super) fn because(code: Code, message: &'static str) -> Self {
        Self {
            error: code.into(),
            message: Some(message),
        }
    }
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        Error::from(code).into()
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self {
            error,
            message: None,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (name, text) = error_code(self.error.code());
        let number = http_status(self.error.code());
        let body = ErrorEnvelope {
            data: (),
            code: number,
            status: name,
            message: self.message.unwrap_or(text),
        };
        let mut response = (status(number), Json(body)).into_response();
        advise(&mut response, &self.error);
        response.extensions_mut().insert(Told(self.error));
        response
    }
}

/// The customer who calls. Service accounts have no room: `CHAT-400`.
pub(super) async fn customer(state: &Shared, headers: &HeaderMap) -> Result<Caller, Refusal> {
    Ok(UserCaller::from_headers(state, headers).await?.0)
}

/// The agent who calls; anybody else gets `CHAT-403`.
pub(super) async fn agent(state: &Shared, headers: &HeaderMap) -> Result<Caller, Refusal> {
    Ok(AgentCaller::from_headers(state, headers).await?.0)
}

/// The contract's options. Its routes are only there when it is switched on.
pub(super) fn options(state: &Shared) -> Result<&SupportDeskOptions, Refusal> {
    let options = state.contracts.support_desk.as_ref();
    options.ok_or(Code::NotFound.into())
}

/// The answer to a request that leaves nothing to say.
pub(super) const DONE: StatusCode = StatusCode::NO_CONTENT;

/// The errors that any route of this contract may answer, for the document.
#[derive(utoipa::IntoResponses)]
#[expect(
    dead_code,
    reason = "describes answers; handlers make them from errors"
)]
pub(super) enum Common {
    /// No token, or one that is expired (만료된 토큰입니다.) or not valid: `UNAUTHORIZED`.
    #[response(status = 401)]
    Unauthorized(ErrorEnvelope),
    /// A defect of the server: `INTERNAL_SERVER_ERROR`.
    #[response(status = 500)]
    Internal(ErrorEnvelope),
    /// Nothing was done; try again: `SERVICE_UNAVAILABLE`.
    #[response(status = 503)]
    Unavailable(ErrorEnvelope),
}

/// What a route about a room may also answer.
#[derive(utoipa::IntoResponses)]
#[expect(
    dead_code,
    reason = "describes answers; handlers make them from errors"
)]
pub(super) enum NoRoom {
    /// No such room, or not the caller's: `CHAT-400`. A page below 1: `BAD_REQUEST`.
    #[response(status = 400)]
    NotFound(ErrorEnvelope),
}

/// What an agents' route may also answer.
#[derive(utoipa::IntoResponses)]
#[expect(
    dead_code,
    reason = "describes answers; handlers make them from errors"
)]
pub(super) enum AgentsOnly {
    /// The caller is no agent: `CHAT-403`.
    #[response(status = 403)]
    Forbidden(ErrorEnvelope),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_knows_its_neighbours() {
        let flags = |page, total| {
            let info = PageInfo::new(page, 20, total);
            let PageInfo {
                total_page,
                first,
                last,
                has_next,
                has_previous,
                ..
            } = info;
            (total_page, first, last, has_next, has_previous)
        };
        assert_eq!(flags(1, 0), (0, true, true, false, false));
        assert_eq!(flags(1, 20), (1, true, true, false, false));
        assert_eq!(flags(1, 21), (2, true, false, true, false));
        assert_eq!(flags(2, 21), (2, false, true, false, true));
        assert_eq!(flags(9, 21), (2, false, true, false, true));
    }
}

//! The envelope around every answer of this contract.

use axum::Json;
use axum::response::{IntoResponse, Response};
use madang_domain::Error;
use serde::Serialize;
use utoipa::ToSchema;

use crate::contracts::direct::error_text;
use crate::http::problem::{Told, advise, status};

/// Every answer of this contract.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DirectEnvelope)]
pub(super) struct Envelope {
    /// Whether it was done.
    success: bool,
    #[schema(example = "메세지 전송 완료")]
    message: &'static str,
}

impl Envelope {
    pub(super) const fn done(message: &'static str) -> Self {
        Self {
            success: true,
            message,
        }
    }
}

/// A request that was not done, as this contract tells it.
#[derive(Debug)]
pub(in crate::http::contracts) struct Refusal(Error);

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let code = self.0.code();
        let body = Envelope {
            success: false,
            message: error_text(code),
        };
        let mut response = (status(code.spec().http_status), Json(body)).into_response();
        advise(&mut response, &self.0);
        response.extensions_mut().insert(Told(self.0));
        response
    }
}

/// The errors that a route of this contract may answer, for the document.
#[derive(utoipa::IntoResponses)]
#[expect(
    dead_code,
    reason = "describes answers; handlers make them from errors"
)]
pub(super) enum Refused {
    /// The body is not what is expected, or the content is empty or too long.
    #[response(status = 400)]
    Invalid(Envelope),
    /// No token, or one that is expired (만료된 토큰입니다.) or not valid.
    #[response(status = 401)]
    Unauthorized(Envelope),
    /// The caller is no participant of the channel.
    #[response(status = 403)]
    Forbidden(Envelope),
    /// There is no such channel: 채팅방 정보가 존재하지 않습니다.
    #[response(status = 404)]
    NotFound(Envelope),
    /// The body is larger than 64 KiB.
    #[response(status = 413)]
    TooLarge(Envelope),
    /// A defect of the server.
    #[response(status = 500)]
    Internal(Envelope),
    /// Nothing was done; try again.
    #[response(status = 503)]
    Unavailable(Envelope),
}

//! Notifying users.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use madang_domain::{Code, Error, Notification};
use madang_engine::NOTIFIED_AT_ONCE_MAX;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::contracts::members::user_ids;
use crate::http::Shared;
use crate::http::extract::{JsonBody, NotifyHost};
use crate::http::native::sending::request_id;
use crate::http::problem::{Common, Malformed, Refusal};

/// A notification for some users.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct NewNotification {
    /// 1 to 1000 user ids; each is notified once.
    #[schema(example = json!(["kim@example.com"]))]
    users: Vec<String>,
    /// What it is about, 1 to 64 bytes.
    #[serde(rename = "type")]
    #[schema(example = "order.shipped")]
    kind: String,
    /// What a person reads, up to 4096 bytes.
    #[schema(example = "주문하신 상품이 발송되었습니다.")]
    content: String,
    /// Where it leads, up to 2048 bytes: a path, or a link with `http` or `https`.
    #[schema(example = "/orders/1024")]
    url: Option<String>,
    /// Any JSON of up to 4096 bytes.
    #[schema(value_type = Option<Object>)]
    data: Option<Box<RawValue>>,
    /// Your own name for it: whoever was notified under it is not notified again.
    #[serde(rename = "clientId", alias = "client-id")]
    #[schema(example = "order-1024-shipped", max_length = 255)]
    client_id: Option<String>,
}

/// Users that were notified.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Notified {
    /// How many.
    #[schema(example = 1)]
    notified: usize,
}

/// Puts a notification into users' inboxes: scope `notify`.
///
/// Stored, and shown at once to those who are connected. After an error some of many users may have
/// been notified: repeat the request with the same `clientId`, or `Idempotency-Key`, and each is
/// notified once. They count among those who are `notified`.
#[utoipa::path(
    post,
    path = "/notifications",
    operation_id = "hostNotify",
    tag = "host",
    security(("apiKey" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "As `clientId`")),
    request_body = NewNotification,
    responses((status = 200, description = "They are notified", body = Notified), Malformed, Common)
)]
pub(super) async fn notify(
    State(state): State<Shared>,
    NotifyHost(caller): NotifyHost,
    headers: HeaderMap,
    JsonBody(request): JsonBody<NewNotification>,
) -> Result<Json<Notified>, Refusal> {
    if !(1..=NOTIFIED_AT_ONCE_MAX).contains(&request.users.len()) {
        let detail = format!("users holds 1 to {NOTIFIED_AT_ONCE_MAX} ids");
        return Err(Error::with_detail(Code::BodyInvalid, detail).into());
    }
    let users = user_ids(&request.users)?;
    let data = request.data.as_deref().map(RawValue::get);
    let notification = Notification {
        kind: Arc::from(request.kind),
        content: Arc::from(request.content),
        url: request.url.map(Arc::from),
        data: data.filter(|data| *data != "null").map(Arc::from),
    };
    let client_id = request_id(request.client_id.as_deref(), &headers)?;
    let notified = (state.engine).notify(&caller.user, users, notification, client_id);
    let notified = notified.await?;
    Ok(Json(Notified { notified }))
}

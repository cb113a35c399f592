//! The caller's inbox.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use madang_domain::{Code, Error, NotificationAction, Seq, WhichNotifications};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::contracts::inbox::NotificationBody;
use crate::http::Shared;
use crate::http::extract::{JsonBody, LIMIT_MAX, Parameters, UserCaller};
use crate::http::paths::NotificationPath;
use crate::http::problem::{Common, Malformed, Problem, Refusal};

const SIZE_DEFAULT: usize = 20;

/// A page of notifications.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Notifications<'a> {
    /// Newest first, without those that were deleted.
    notifications: Vec<NotificationBody<'a>>,
    /// From 1.
    #[schema(example = 1)]
    page: u64,
    /// How many a page has at most.
    #[schema(example = 20)]
    size: usize,
    /// How many there are, read or not.
    #[schema(example = 45)]
    total: u64,
    /// How many are unread.
    #[schema(example = 2)]
    unread: u64,
}

/// Which page.
#[derive(Debug, Deserialize)]
pub(super) struct Page {
    page: Option<u64>,
    size: Option<usize>,
}

/// The caller's notifications.
#[utoipa::path(
    get,
    path = "/notifications",
    operation_id = "listNotifications",
    tag = "notifications",
    params(
        ("page" = Option<u64>, Query, description = "From 1, the newest; 1 when missing", minimum = 1),
        ("size" = Option<u32>, Query, description = "How many at most, 1 to 200; 20 when missing", minimum = 1, maximum = 200),
    ),
    responses((status = 200, description = "The page", body = Notifications), Malformed, Common)
)]
pub(super) async fn list(
    State(state): State<Shared>,
    UserCaller(caller): UserCaller,
    Parameters(query): Parameters<Page>,
) -> Result<Response, Refusal> {
    let (page, size) = (query.page.unwrap_or(1), query.size.unwrap_or(SIZE_DEFAULT));
    if !(1..=LIMIT_MAX).contains(&size) {
        let detail = format!("size goes from 1 to {LIMIT_MAX}");
        return Err(Error::with_detail(Code::ParameterInvalid, detail).into());
    }
    let found = state.engine.notifications(&caller, page, size).await?;
    let newest_first = found.messages.iter().rev();
    Ok(Json(Notifications {
        notifications: newest_first
            .filter_map(|message| NotificationBody::new(message))
            .collect(),
        page,
        size,
        total: found.total,
        unread: state.engine.unread_notifications(&caller).await?,
    })
    .into_response())
}

/// What is to become of a notification.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct NotificationChange {
    /// `true`: what was read once stays read.
    read: bool,
}

/// Marks a notification as read.
#[utoipa::path(
    patch,
    path = "/notifications/{id}",
    operation_id = "readNotification",
    tag = "notifications",
    params(("id" = u64, Path, description = "Its `id`", example = 7, minimum = 1)),
    request_body(content = NotificationChange, example = json!({"read": true})),
    responses((status = 204, description = "It is read"), Malformed, NoNotification, Common)
)]
pub(super) async fn read(
    State(state): State<Shared>,
    UserCaller(caller): UserCaller,
    NotificationPath(id): NotificationPath,
    JsonBody(change): JsonBody<NotificationChange>,
) -> Result<StatusCode, Refusal> {
    if !change.read {
        let detail = "a notification cannot be made unread";
        return Err(Error::with_detail(Code::BodyInvalid, detail).into());
    }
    let which = WhichNotifications::One(id);
    let read = state
        .engine
        .revise_notifications(&caller, which, NotificationAction::Read);
    read.await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes a notification.
#[utoipa::path(
    delete,
    path = "/notifications/{id}",
    operation_id = "deleteNotification",
    tag = "notifications",
    params(("id" = u64, Path, description = "Its `id`", example = 7, minimum = 1)),
    responses((status = 204, description = "It is gone"), Malformed, NoNotification, Common)
)]
pub(super) async fn delete(
    State(state): State<Shared>,
    UserCaller(caller): UserCaller,
    NotificationPath(id): NotificationPath,
) -> Result<StatusCode, Refusal> {
    let which = WhichNotifications::One(id);
    let deleted = state
        .engine
        .revise_notifications(&caller, which, NotificationAction::Delete);
    deleted.await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Up to which notification.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct UpTo {
    /// The `id` of the newest that is meant.
    #[schema(example = 7)]
    up_to: u64,
}

/// What was changed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Changed {
    /// How many were unread until then.
    #[schema(example = 2)]
    changed: usize,
}

/// Marks all notifications up to one as read.
#[utoipa::path(
    post,
    path = "/notifications/read",
    operation_id = "readNotifications",
    tag = "notifications",
    request_body = UpTo,
    responses((status = 200, description = "They are read", body = Changed), Malformed, Common)
)]
pub(super) async fn read_up_to(
    State(state): State<Shared>,
    UserCaller(caller): UserCaller,
    JsonBody(request): JsonBody<UpTo>,
) -> Result<Json<Changed>, Refusal> {
    let which = WhichNotifications::UpTo(Seq::new(request.up_to));
    let read = state
        .engine
        .revise_notifications(&caller, which, NotificationAction::Read);
    let changed = read.await?;
    Ok(Json(Changed { changed }))
}

/// What a request that names a notification may also be answered.
#[derive(utoipa::IntoResponses)]
#[expect(
    dead_code,
    reason = "describes answers; handlers make them from errors"
)]
enum NoNotification {
    /// `NOTIFICATION_NOT_FOUND`: it is not there, or is deleted.
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(Problem),
}

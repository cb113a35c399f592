//! The caller's notifications: the list, marking and deleting, the live stream.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use madang_domain::{NotificationAction, Seq, WhichNotifications};

use super::answer::{Common, Malformed, Missing, Refusal, caller, done, number, options};
use crate::contracts::community::notifications::ListedNotification;
use crate::contracts::community::{LISTED_MAX, Said};
use crate::http::{EventScope, Shared};

const READ: &str = "알림 읽음 처리 성공";
const DELETED: &str = "알림 삭제 성공";
const LAST_EVENT_ID: &str = "last-event-id";

/// The caller's notifications, the newest first.
///
/// The newest 1,000 that are not deleted.
#[utoipa::path(
    get,
    path = "/api/notifications",
    operation_id = "communityNotifications",
    tag = "community contract",
    responses((status = 200, description = "The notifications", body = [ListedNotification]), Common)
)]
pub(super) async fn list(
    State(state): State<Shared>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let caller = caller(&state, &headers).await?;
    let zone = &options(&state)?.time_zone;
    let page = state.engine.notifications(&caller, 1, LISTED_MAX).await?;
    let newest_first = page.messages.iter().rev();
    let shown: Vec<_> = newest_first
        .filter_map(|message| ListedNotification::new(message, zone))
        .collect();
    Ok(Json(shown).into_response())
}

/// Marks a notification as read. Safe to repeat.
#[utoipa::path(
    patch,
    path = "/api/notifications/{id}",
    operation_id = "communityReadNotification",
    tag = "community contract",
    params(("id" = String, Path, description = "The notification", example = "7")),
    responses((status = 200, description = "Read", body = Said), Malformed, Missing, Common)
)]
pub(super) async fn read(
    State(state): State<Shared>,
    headers: HeaderMap,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Refusal> {
    revise(&state, &headers, path, NotificationAction::Read).await?;
    Ok(done(READ))
}

/// Deletes a notification.
#[utoipa::path(
    delete,
    path = "/api/notifications/{id}",
    operation_id = "communityDeleteNotification",
    tag = "community contract",
    params(("id" = String, Path, description = "The notification", example = "7")),
    responses((status = 200, description = "Gone", body = Said), Malformed, Missing, Common)
)]
pub(super) async fn delete(
    State(state): State<Shared>,
    headers: HeaderMap,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Refusal> {
    revise(&state, &headers, path, NotificationAction::Delete).await?;
    Ok(done(DELETED))
}

async fn revise(
    state: &Shared,
    headers: &HeaderMap,
    path: Result<Path<String>, PathRejection>,
    action: NotificationAction,
) -> Result<(), Refusal> {
    let caller = caller(state, headers).await?;
    let which = WhichNotifications::One(Seq::new(number(path)?));
    let revised = state.engine.revise_notifications(&caller, which, action);
    revised.await?;
    Ok(())
}

/// The caller's notifications as they come, as server-sent events.
///
/// The first event says `connected`. Each later one of type `sse` has a notification, as the list shows
/// it. The `id` of an event, sent back as `Last-Event-ID`, brings all that came after it; one that is
/// not the caller's counts as none. An event `reset` says that older notifications are gone which the
/// client has not seen.
#[utoipa::path(
    get,
    path = "/api/notifications/connect",
    operation_id = "communityNotificationEvents",
    tag = "community contract",
    params(("Last-Event-ID" = Option<String>, Header, description = "The `id` of the last event that was received")),
    responses(
        (status = 200, description = "The events", body = ListedNotification, content_type = "text/event-stream"),
        Common,
    )
)]
pub(super) async fn connect(
    State(state): State<Shared>,
    request: Request,
) -> Result<Response, Refusal> {
    let (parts, _) = request.into_parts();
    let caller = caller(&state, &parts.headers).await?;
    // User ids may be any text, which browsers send as UTF-8.
    let last = parts.headers.get(LAST_EVENT_ID);
    let last = last.and_then(|id| str::from_utf8(id.as_bytes()).ok());
    let scope = EventScope::Inbox {
        last: last.map(str::to_owned),
    };
    let permission = state.origins.permission(&parts.headers, &parts.uri);
    let events = state.events()?;
    Ok(events.open(&parts, permission, caller, scope).await?)
}

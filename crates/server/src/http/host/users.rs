//! What is kept of users, and their tokens.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use madang_domain::ids::ID_BYTES_MAX;
use madang_domain::room::PICTURE_BYTES_MAX;
use madang_domain::{Code, Error, UserChange, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::contracts::members::{UserBody, user_id};
use crate::contracts::native::rfc3339;
use crate::contracts::rooms::present;
use crate::http::Shared;
use crate::http::extract::{JsonBody, UsersHost};
use crate::http::native::pictures::check_link;
use crate::http::paths::UserPath;
use crate::http::problem::{Common, Malformed, Problem, Refusal};

/// Users that one request keeps at most.
const USERS_MAX: usize = 1_000;

/// What is to be kept of a user: what is absent stays, null takes away.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(super) struct UserChanges {
    /// The name shown, 1 to 255 bytes. A token that names the user later replaces it.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, example = "Kim")]
    name: Option<Option<String>>,
    /// A link to their picture with `http` or `https`, up to 2048 bytes.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, example = "https://example.com/kim.png")]
    picture: Option<Option<String>>,
}

impl UserChanges {
    fn of(self, id: UserId) -> Result<UserChange, Error> {
        if let Some(Some(name)) = &self.name {
            let fits = (1..=ID_BYTES_MAX).contains(&name.len());
            if !fits || name.chars().any(char::is_control) {
                let detail = "a name has 1 to 255 bytes and no control characters";
                return Err(Error::with_detail(Code::BodyInvalid, detail));
            }
        }
        if let Some(Some(picture)) = &self.picture {
            if picture.len() > PICTURE_BYTES_MAX {
                let detail = "picture is longer than 2048 bytes";
                return Err(Error::with_detail(Code::BodyInvalid, detail));
            }
            check_link(picture)?;
        }
        let text = |part: Option<Option<String>>| part.map(|text| text.map(Arc::from));
        Ok(UserChange {
            id,
            name: text(self.name),
            picture: text(self.picture),
            role: None,
        })
    }
}

/// A user to keep.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct KeptUser {
    /// The user id: the subject of their tokens.
    #[schema(example = "kim@example.com")]
    id: String,
    #[serde(flatten)]
    changes: UserChanges,
}

/// Users to keep.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct KeptUsers {
    /// 1 to 1000.
    users: Vec<KeptUser>,
}

/// How many users were kept.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Kept {
    /// As many as the request has.
    #[schema(example = 2)]
    kept: usize,
}

/// Keeps what the host says of users: scope `users`.
///
/// All of them or, after an error, none. Users that are not known are made.
#[utoipa::path(
    post,
    path = "/users",
    operation_id = "hostKeepUsers",
    tag = "host",
    security(("apiKey" = [])),
    request_body = KeptUsers,
    responses(
        (status = 200, description = "They are kept", body = Kept),
        (status = 413, description = "`TOO_LARGE`: the body is larger than 1 MiB", body = Problem,
         content_type = "application/problem+json"),
        Malformed,
        Common,
    )
)]
pub(super) async fn keep_many(
    State(state): State<Shared>,
    _: UsersHost,
    JsonBody(request): JsonBody<KeptUsers>,
) -> Result<Json<Kept>, Refusal> {
    if !(1..=USERS_MAX).contains(&request.users.len()) {
        let detail = format!("users holds 1 to {USERS_MAX}");
        return Err(Error::with_detail(Code::BodyInvalid, detail).into());
    }
    let change = |user: KeptUser| user.changes.of(user_id(&user.id)?);
    let changes: Vec<_> = request
        .users
        .into_iter()
        .map(change)
        .collect::<Result<_, _>>()?;
    let kept = changes.len();
    state.engine.upsert_users(changes).await?;
    Ok(Json(Kept { kept }))
}

/// Keeps what the host says of a user: scope `users`.
#[utoipa::path(
    put,
    path = "/users/{id}",
    operation_id = "hostKeepUser",
    tag = "host",
    security(("apiKey" = [])),
    params(("id" = String, Path, description = "The user: the subject of their tokens", example = "kim@example.com")),
    request_body = UserChanges,
    responses((status = 200, description = "What is known of them now", body = UserBody), Malformed, Common)
)]
pub(super) async fn keep(
    State(state): State<Shared>,
    _: UsersHost,
    UserPath(user): UserPath,
    JsonBody(request): JsonBody<UserChanges>,
) -> Result<Json<UserBody>, Refusal> {
    let change = request.of(user.clone())?;
    state.engine.upsert_users(vec![change]).await?;
    known(&state, user).await
}

/// What is known of a user: scope `users`.
#[utoipa::path(
    get,
    path = "/users/{id}",
    operation_id = "hostGetUser",
    tag = "host",
    security(("apiKey" = [])),
    params(("id" = String, Path, description = "The user", example = "kim@example.com")),
    responses(
        (status = 200, description = "What is known", body = UserBody),
        (status = 404, description = "`USER_NOT_FOUND`", body = Problem, content_type = "application/problem+json"),
        Malformed,
        Common,
    )
)]
pub(super) async fn get(
    State(state): State<Shared>,
    _: UsersHost,
    UserPath(user): UserPath,
) -> Result<Json<UserBody>, Refusal> {
    known(&state, user).await
}

async fn known(state: &Shared, user: UserId) -> Result<Json<UserBody>, Refusal> {
    let mut known = state.engine.users(&[user]).await?;
    let user = known.pop().flatten().ok_or(Code::UserNotFound)?;
    Ok(Json(UserBody::from(&user)))
}

/// Up to when tokens are refused.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Revoked {
    /// Tokens issued up to then are refused: RFC 3339, UTC.
    #[schema(example = "2026-11-21T01:21:30.123456Z", format = DateTime)]
    revoked_at: String,
}

/// Refuses all tokens of a user that were issued until now: scope `users`.
///
/// Their sessions end on every node.
#[utoipa::path(
    post,
    path = "/users/{id}/revoke",
    operation_id = "hostRevokeTokens",
    tag = "host",
    security(("apiKey" = [])),
    params(("id" = String, Path, description = "The user", example = "kim@example.com")),
    responses((status = 200, description = "They are refused", body = Revoked), Malformed, Common)
)]
pub(super) async fn revoke(
    State(state): State<Shared>,
    _: UsersHost,
    UserPath(user): UserPath,
) -> Result<Json<Revoked>, Refusal> {
    let at = state.engine.revoke_tokens(&user).await?;
    let revoked_at = rfc3339(at);
    Ok(Json(Revoked { revoked_at }))
}

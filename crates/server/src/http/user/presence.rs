//! Who is online.

use axum::Json;
use axum::extract::State;
use madang_domain::{Code, Error, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::contracts::members::PresenceBody;
use crate::http::Shared;
use crate::http::extract::{Parameters, UserCaller};
use crate::http::problem::{Common, Malformed, Refusal};

/// Who is meant.
#[derive(Debug, Deserialize)]
pub(super) struct Query {
    users: String,
}

impl Query {
    fn users(&self) -> Result<Vec<UserId>, Error> {
        let users = self.users.split(',').map(UserId::new);
        users.collect::<Result<_, _>>().map_err(|reason| {
            let detail = format!("a user id {reason}");
            Error::with_detail(Code::ParameterInvalid, detail)
        })
    }
}

/// What is known of some users.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PresenceOf {
    /// In the order asked, without those of whom nothing is known, or not for the caller.
    users: Vec<PresenceBody>,
}

/// Who of some people is online.
///
/// Only of people with whom the caller shares a room, and to agents of everybody.
#[utoipa::path(
    get,
    path = "/presence",
    operation_id = "getPresence",
    tag = "members",
    params(("users" = String, Query, description = "1 to 200 user ids with commas between them", example = "lee@example.com,park@example.com")),
    responses((status = 200, description = "What is known", body = PresenceOf), Malformed, Common)
)]
pub(super) async fn list(
    State(state): State<Shared>,
    UserCaller(caller): UserCaller,
    Parameters(query): Parameters<Query>,
) -> Result<Json<PresenceOf>, Refusal> {
    let known = state.engine.presence_of(&caller, &query.users()?).await?;
    let users = known.iter().flatten().map(PresenceBody::from).collect();
    Ok(Json(PresenceOf { users }))
}

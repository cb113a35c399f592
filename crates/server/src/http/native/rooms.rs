//! Rooms: making one, editing one, pages of them.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use madang_domain::{Caller, Error, Profile, ProfileChange, Room, RoomId, UserId};
use madang_engine::RoomPlan;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::pictures::check_picture;
use crate::contracts::community::trade;
use crate::contracts::members::user_ids;
use crate::contracts::rooms::{ProfileBody, RoomBody, RoomKindBody};
use crate::http::Shared;

/// Several rooms.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct Rooms {
    rooms: Vec<RoomBody>,
}

impl From<&[Room]> for Rooms {
    fn from(rooms: &[Room]) -> Self {
        Self {
            rooms: rooms.iter().map(RoomBody::from).collect(),
        }
    }
}

/// A room to make or open.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct NewRoom {
    kind: RoomKindBody,
    /// Up to 512 bytes.
    #[schema(example = "산책 모임")]
    title: Option<String>,
    /// Up to 8192 bytes.
    #[schema(example = "매일 저녁 7시")]
    description: Option<String>,
    /// A link, up to 2048 bytes: that of an upload as it was answered, or `http(s)://…`.
    #[schema(example = "https://example.com/walks.png")]
    picture: Option<String>,
    /// Any JSON of up to 4096 bytes. With its pair of people it makes a direct room unique.
    #[schema(value_type = Option<Object>)]
    context: Option<serde_json::Value>,
    /// Who belongs to it beside the caller, at most 1000; of a direct room the one other person.
    #[serde(default)]
    #[schema(example = json!(["lee@example.com"]))]
    members: Vec<String>,
}

impl NewRoom {
    /// # Errors
    /// [`madang_domain::Code::BodyInvalid`].
    pub(in crate::http) fn plan(self, owner: Option<UserId>) -> Result<RoomPlan, Error> {
        let profile = ProfileBody {
            title: self.title,
            description: self.description,
            picture: self.picture,
            context: self.context,
        };
        let profile = profile.profile();
        profile.check()?;
        Ok(RoomPlan {
            kind: self.kind.into(),
            profile,
            members: user_ids(&self.members)?,
            owner,
        })
    }
}

/// Makes a room of members, or finds the direct room that there is. Answers whether it was made.
///
/// # Errors
/// As [`trade::check_maker`], [`check_picture`] and [`madang_engine::Engine::create_room`].
pub(in crate::http) async fn make(
    state: &Shared,
    caller: Caller,
    plan: RoomPlan,
) -> Result<(Room, bool), Error> {
    trade::check_maker(&caller, &plan)?;
    if let Some(link) = &plan.profile.picture {
        check_picture(state, link).await?;
    }
    state.engine.create_room(&caller, plan).await
}

/// Edits a room, which stands as `before` shows it.
///
/// # Errors
/// As [`check_picture`] and [`madang_engine::Engine::edit_room`].
pub(in crate::http) async fn edit(
    state: &Shared,
    caller: Caller,
    before: &Room,
    change: ProfileChange,
) -> Result<Room, Error> {
    change.apply(&Profile::default()).check()?;
    let picture = change.picture.as_ref().and_then(Option::as_ref);
    // What the room has already is not taken again, however old it is.
    if let Some(link) = picture.filter(|link| before.profile.picture.as_ref() != Some(link)) {
        check_picture(state, link).await?;
    }
    state.engine.edit_room(&caller, &before.id, change).await
}

/// 201 with the room and where it is, or 200.
pub(in crate::http) fn made_or_found(
    room: &Room,
    made: bool,
    location: impl Fn(&RoomId) -> String,
) -> Response {
    let body = Json(RoomBody::from(room));
    if !made {
        return body.into_response();
    }
    let location = [(header::LOCATION, location(&room.id))];
    (StatusCode::CREATED, location, body).into_response()
}

//! Sending over REST.

use axum::Json;
use axum::extract::{Request, State};
use madang_domain::{Body, Code, Content, Error, RoomId};
use serde::Deserialize;
use utoipa::ToSchema;

use super::envelope::{Envelope, Refusal, Refused};
use crate::http::Shared;
use crate::http::extract::{UserCaller, json_body};

const SENT: &str = "메세지 전송 완료";

/// A message for a channel.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = DirectSend)]
#[serde(rename_all = "camelCase")]
pub(super) struct SendRequest {
    /// The room: its id as text, or a number that is one.
    #[schema(value_type = String, example = "kim@example.com")]
    channel_id: ChannelId,
    /// Up to 16384 bytes of UTF-8.
    #[schema(example = "내일 경기 몇 시죠?")]
    content: String,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum ChannelId {
    Text(String),
    Number(u64),
}

impl ChannelId {
    fn room(&self) -> Result<RoomId, Error> {
        let room = match self {
            Self::Text(text) => RoomId::new(text),
            Self::Number(number) => RoomId::new(&number.to_string()),
        };
        room.map_err(|_| Code::RoomNotFound.into())
    }
}

/// Sends a message to the other participants of a channel.
///
/// Answered once it is stored: those who are connected have it then or soon.
#[utoipa::path(
    post,
    path = "/send/message",
    operation_id = "directSend",
    tag = "direct contract",
    request_body = SendRequest,
    responses((status = 200, description = "It is stored", body = Envelope), Refused)
)]
pub(super) async fn message(
    State(state): State<Shared>,
    request: Request,
) -> Result<Json<Envelope>, Refusal> {
    let UserCaller(caller) = UserCaller::from_headers(&state, request.headers()).await?;
    let request: SendRequest = json_body(request, &state).await?;
    let content = Content::Message(Body::new(&request.content, None)?);
    let room = request.channel_id.room()?;
    state
        .engine
        .send_message(&caller, room, content, None)
        .await?;
    Ok(Json(Envelope::done(SENT)))
}

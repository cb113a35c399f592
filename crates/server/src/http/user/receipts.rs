//! Read marks, who has read what, and what is unread.

use axum::Json;
use axum::extract::State;
use madang_domain::{Code, Epoch, Error, Position, Room, RoomId, Seq};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::contracts::members::{MarksBody, ReadCountBody};
use crate::http::Shared;
use crate::http::extract::{JsonBody, LIMIT_MAX, Parameters, UserCaller};
use crate::http::paths::RoomPath;
use crate::http::problem::{Common, Malformed, NoRoom, Refusal};

/// Members whose marks one answer tells at most.
const MARKS_MAX: usize = 100;

/// Rooms that one answer names at most.
const ROOMS_MAX: usize = 200;

/// Up to where the caller has read: one of both.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct ReadUpTo {
    /// The number of the last message read.
    #[schema(example = 42)]
    seq: Option<u64>,
    /// Its `position`: of an earlier life of the room it changes nothing.
    #[schema(example = "9f3c1a2b4d5e-42")]
    position: Option<String>,
}

impl ReadUpTo {
    fn position(&self, epoch: Epoch) -> Result<Position, Error> {
        match (self.seq, &self.position) {
            (Some(seq), None) => Ok(Position {
                epoch,
                seq: Seq::new(seq),
            }),
            (None, Some(position)) => position.parse().map_err(|_| Code::PositionInvalid.into()),
            _ => {
                let detail = "give either seq or position";
                Err(Error::with_detail(Code::BodyInvalid, detail))
            }
        }
    }
}

/// Where a read mark stands.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReadMark {
    /// The number of the last message read.
    #[schema(example = 42)]
    seq: u64,
    /// Its place in the room's log.
    #[schema(example = "9f3c1a2b4d5e-42")]
    position: String,
}

/// Marks a room as read.
///
/// For members, also of an open room. The mark only rises, and at most to the newest message; the
/// answer says where it stands. An admin who looks on has no mark: the answer is then what was asked.
#[utoipa::path(
    put,
    path = "/rooms/{id}/read",
    operation_id = "markRead",
    tag = "receipts",
    params(("id" = String, Path, description = "The room", example = "kim@example.com")),
    request_body(content = ReadUpTo, example = json!({"seq": 42})),
    responses((status = 200, description = "Where the mark stands", body = ReadMark), Malformed, NoRoom, Common)
)]
pub(super) async fn mark_read(
    State(state): State<Shared>,
    UserCaller(caller): UserCaller,
    RoomPath(room): RoomPath,
    JsonBody(request): JsonBody<ReadUpTo>,
) -> Result<Json<ReadMark>, Refusal> {
    let found = state.engine.room(&caller, &room).await?;
    let position = request.position(found.head.epoch)?;
    let mark = state.engine.mark_read(&caller, &room, position).await?;
    Ok(Json(ReadMark {
        seq: mark.seq.get(),
        position: mark.to_string(),
    }))
}

/// Of which messages.
#[derive(Debug, Deserialize)]
pub(super) struct Range {
    from: u64,
    to: u64,
}

impl Range {
    /// The numbers that are meant and kept.
    fn seqs(&self, room: &Room) -> Result<Vec<Seq>, Error> {
        let invalid = |detail: String| Err(Error::with_detail(Code::ParameterInvalid, detail));
        if self.from == 0 || self.to < self.from {
            return invalid("from is 1 or more, and to no less than it".to_owned());
        }
        if self.to - self.from >= LIMIT_MAX as u64 {
            return invalid(format!("at most {LIMIT_MAX} numbers at once"));
        }
        let from = self.from.max(room.head.oldest.get());
        let to = self.to.min(room.head.last.get());
        Ok((from..=to).map(Seq::new).collect())
    }
}

/// Who has read what.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Receipts {
    /// Of each number that was asked for and is kept, in rising order.
    counts: Vec<ReadCountBody>,
    /// Of the members who have read furthest, at most 100.
    marks: Vec<MarksBody>,
}

/// Who has read which messages.
///
/// How many members have read each of at most 200 messages, and how far those have read who have
/// read furthest. For members, also of an open room, and admins.
#[utoipa::path(
    get,
    path = "/rooms/{id}/receipts",
    operation_id = "listReceipts",
    tag = "receipts",
    params(
        ("id" = String, Path, description = "The room", example = "0193f1c2-7b1e-7a60-9d51-1d2c3b4a5968"),
        ("from" = u64, Query, description = "The first number", minimum = 1, example = 21),
        ("to" = u64, Query, description = "The last number: at most 199 more than `from`", minimum = 1, example = 40),
    ),
    responses((status = 200, description = "Counts and marks", body = Receipts), Malformed, NoRoom, Common)
)]
pub(super) async fn list(
    State(state): State<Shared>,
    UserCaller(caller): UserCaller,
    RoomPath(room): RoomPath,
    Parameters(range): Parameters<Range>,
) -> Result<Json<Receipts>, Refusal> {
    let engine = &state.engine;
    let found = engine.room(&caller, &room).await?;
    let seqs = range.seqs(&found)?;
    let counts = engine.read_counts(&caller, &room, &seqs).await?;
    let marks = engine.marks(&caller, &room, MARKS_MAX).await?;
    let counts = seqs.into_iter().zip(counts);
    Ok(Json(Receipts {
        counts: counts
            .map(|(seq, count)| ReadCountBody::new(seq, count))
            .collect(),
        marks: marks.iter().map(MarksBody::from).collect(),
    }))
}

/// What a user has not read.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Unread {
    /// Messages of others in all rooms that the caller takes part in.
    #[schema(example = 5)]
    total: u64,
    /// Rooms with unread messages, at most 200, in no particular order.
    rooms: Vec<UnreadRoom>,
    /// Notifications in the inbox.
    #[schema(example = 2)]
    notifications: u64,
}

/// A room with unread messages.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UnreadRoom {
    /// Which.
    #[schema(example = "kim@example.com")]
    id: String,
    /// How many.
    #[schema(example = 3)]
    unread: u64,
}

/// How much the caller has not read.
#[utoipa::path(
    get,
    path = "/unread",
    operation_id = "countUnread",
    tag = "receipts",
    responses((status = 200, description = "The numbers", body = Unread), Common)
)]
pub(super) async fn unread(
    State(state): State<Shared>,
    UserCaller(caller): UserCaller,
) -> Result<Json<Unread>, Refusal> {
    let unread = state.engine.unread(&caller, ROOMS_MAX).await?;
    let rooms = unread.rooms.into_iter();
    let room = |(id, unread): (RoomId, u64)| UnreadRoom {
        id: id.to_string(),
        unread,
    };
    Ok(Json(Unread {
        total: unread.total,
        rooms: rooms.map(room).collect(),
        notifications: state.engine.unread_notifications(&caller).await?,
    }))
}

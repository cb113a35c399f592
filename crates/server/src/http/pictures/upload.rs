//! Uploading a picture.

use axum::Json;
use axum::body::{Body, BodyDataStream, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use bytes::BytesMut;
use futures_util::{Stream, StreamExt};
use madang_domain::{Code, Error};
use serde::Serialize;
use utoipa::ToSchema;

use super::PictureFile;
use crate::http::Shared;
use crate::http::extract::{identify, media_type};
use crate::http::multipart::{Part, parts};
use crate::http::problem::{Common, Malformed, Problem, Refusal};
use crate::pictures::{ENVELOPE_BYTES_MAX, Upload};

/// What is read of a body that is too large, and thrown away: a browser that is still sending does
/// not read the answer.
const DISCARDED_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The name of the form's only field.
const FILE: &str = "file";

/// A form with one file.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the body")]
pub(super) struct PictureForm {
    /// The picture. Its name and media type are not looked at.
    #[schema(value_type = String, format = Binary, example = "(the file)")]
    file: Vec<u8>,
}

/// A picture that is there now.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Uploaded {
    /// Its link: a path of this server. Give it to a room as it is.
    #[schema(example = "/pictures/9f86d081884c7d659a2feaa0c55ad015.png")]
    url: String,
}

/// Uploads a picture for a room.
///
/// As a form with one file, `file`, or as the body itself with an image's media type. PNG, JPEG,
/// GIF and WebP are taken, which the file's own bytes decide; it is kept as it is, with what a
/// camera wrote into it. A room may take it within 23 hours; what none took is removed after a day. Nothing is stored of an upload
/// that is refused or cut off.
#[utoipa::path(
    post,
    path = "/pictures",
    operation_id = "uploadPicture",
    tag = "pictures",
    security(("token" = []), ("apiKey" = [])),
    request_body(content(
        (PictureForm = "multipart/form-data"),
        (PictureFile = "image/png"),
        (PictureFile = "image/jpeg"),
        (PictureFile = "image/gif"),
        (PictureFile = "image/webp"),
    )),
    responses(
        (status = 201, description = "Stored, and on its own until a room takes it", body = Uploaded,
         headers(("Location" = String, description = "The same link"))),
        (status = 413, description = "`TOO_LARGE`: more bytes than `pictures.bytes_max`", body = Problem,
         content_type = "application/problem+json"),
        (status = 429, description = "`TOO_MANY`: two of this person are under way, or more than `pictures.per_user_per_day_max` of theirs in 24 hours; `Retry-After` says when there is room for one",
         body = Problem, content_type = "application/problem+json"),
        Malformed,
        Common,
    )
)]
pub(super) async fn upload(
    State(state): State<Shared>,
    request: Request,
) -> Result<impl IntoResponse, Refusal> {
    let (head, body) = request.into_parts();
    let caller = identify(&state, &head.headers).await?;
    let encoding = Encoding::of(&head.headers)?;
    let upload = state.pictures.begin(&caller)?;
    let bytes_max = state.pictures.bytes_max();
    let (upload, content) = match encoding {
        Encoding::Bare => read(body, upload, bytes_max).await?,
        Encoding::Form(content_type) => {
            let (upload, body) = read(body, upload, bytes_max + ENVELOPE_BYTES_MAX).await?;
            (upload, file(parts(&content_type, body, 1).await?)?)
        }
    };
    let link = upload.finish(content).await?.link();
    let location = [(header::LOCATION, link.clone())];
    Ok((StatusCode::CREATED, location, Json(Uploaded { url: link })))
}

/// How the picture is in the body.
enum Encoding {
    /// It is the body.
    Bare,
    /// It is a form's file; the form's own media type, with the boundary.
    Form(String),
}

impl Encoding {
    fn of(headers: &HeaderMap) -> Result<Self, Error> {
        let kind = media_type(headers).unwrap_or_default().to_ascii_lowercase();
        if kind.starts_with("image/") {
            return Ok(Self::Bare);
        }
        let whole = headers.get(header::CONTENT_TYPE);
        match whole.and_then(|value| value.to_str().ok()) {
            Some(whole) if kind == "multipart/form-data" => Ok(Self::Form(whole.to_owned())),
            _ => {
                let detail = "the content type must be multipart/form-data or an image's";
                Err(Error::with_detail(Code::BodyInvalid, detail))
            }
        }
    }
}

/// The whole body, if it has no more than `bytes_max` bytes.
async fn read(
    body: Body,
    mut upload: Upload<'_>,
    bytes_max: usize,
) -> Result<(Upload<'_>, Bytes), Error> {
    let mut pieces = body.into_data_stream();
    let mut content = BytesMut::new();
    let mut is_too_large = pieces.size_hint().0 > bytes_max;
    while !is_too_large && let Some(piece) = pieces.next().await {
        // The peer went away, or broke the transfer coding.
        let piece = piece.map_err(|_| Code::BodyInvalid)?;
        is_too_large = content.len() + piece.len() > bytes_max;
        if !is_too_large {
            upload.hold(piece.len())?;
            content.extend_from_slice(&piece);
        }
    }
    if is_too_large {
        let refusal = upload.too_large();
        drop((content, upload));
        discard(pieces).await;
        return Err(refusal);
    }
    Ok((upload, content.freeze()))
}

/// Reads the rest of a body, unless it is so long that its client has to bear the consequence.
async fn discard(mut pieces: BodyDataStream) {
    let mut left = DISCARDED_BYTES_MAX.saturating_sub(pieces.size_hint().0);
    while left > 0
        && let Some(Ok(piece)) = pieces.next().await
    {
        left = left.saturating_sub(piece.len());
    }
}

/// The only file of a form.
fn file(parts: Vec<Part>) -> Result<Bytes, Error> {
    match <[Part; 1]>::try_from(parts) {
        Ok([part]) if part.name == FILE && part.is_file => Ok(part.content),
        _ => {
            let detail = "the form must have one field, the file, with the name \"file\"";
            Err(Error::with_detail(Code::BodyInvalid, detail))
        }
    }
}

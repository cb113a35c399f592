//! The links to uploaded pictures: open to everybody who has one.

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use madang_domain::Code;

use super::PictureFile;
use crate::http::Shared;
use crate::http::problem::{Problem, Refusal};
use crate::pictures::PictureKey;

/// What a link shows never changes.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// Should a browser take a picture for a page after all, it may do nothing.
const NOTHING: HeaderValue = HeaderValue::from_static("default-src 'none'; sandbox");
const INLINE: HeaderValue = HeaderValue::from_static("inline");

/// An uploaded picture.
///
/// Open to everybody who has the link, which cannot be guessed: it can be shown in a page, where no
/// token is sent. It never changes, so browsers and caches may keep it; with its room it goes from
/// here, not from them.
#[utoipa::path(
    get,
    path = "/pictures/{key}",
    operation_id = "getPicture",
    tag = "pictures",
    security(()),
    params(
        ("key" = String, Path, description = "As in the link that the upload was answered with",
         example = "9f86d081884c7d659a2feaa0c55ad015.png"),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of what the client has"),
    ),
    responses(
        (status = 200, description = "The picture",
         content((PictureFile = "image/png"), (PictureFile = "image/jpeg"), (PictureFile = "image/gif"), (PictureFile = "image/webp")),
         headers(("ETag" = String, description = "Names the content"))),
        (status = 304, description = "The client has it"),
        (status = 404, description = "`NOT_FOUND`: there is none, or no longer", body = Problem,
         content_type = "application/problem+json"),
        (status = 503, description = "`UNAVAILABLE`: the store of pictures cannot be reached; retryable",
         body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn download(
    State(state): State<Shared>,
    name: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let Ok(Path(name)) = name else {
        return Err(Code::NotFound.into());
    };
    let key = PictureKey::parse(&name).ok_or(Code::NotFound)?;
    let entity_tag = format!("\"{key}\"");
    if has_already(&headers, &entity_tag) {
        if !state.pictures.contains(&key).await? {
            return Err(Code::NotFound.into());
        }
        let head = [
            (header::ETAG, value(&entity_tag)?),
            (header::CACHE_CONTROL, FOR_EVER),
        ];
        return Ok((StatusCode::NOT_MODIFIED, head).into_response());
    }
    let picture = state.pictures.get(&key).await?.ok_or(Code::NotFound)?;
    let media_type = HeaderValue::from_static(key.format().media_type());
    let head = [
        (header::CONTENT_TYPE, media_type),
        (header::CONTENT_LENGTH, picture.size.into()),
        (header::ETAG, value(&entity_tag)?),
        (header::CACHE_CONTROL, FOR_EVER),
        (header::CONTENT_DISPOSITION, INLINE),
        (header::CONTENT_SECURITY_POLICY, NOTHING),
    ];
    Ok((head, Body::from_stream(picture.content)).into_response())
}

/// Whether the client has what `entity_tag` names (RFC 9110, section 13.1.2).
fn has_already(headers: &HeaderMap, entity_tag: &str) -> bool {
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == entity_tag)
}

fn value(text: &str) -> Result<HeaderValue, Code> {
    HeaderValue::from_str(text).map_err(|_| Code::Internal)
}

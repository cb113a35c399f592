//! Bodies that a form may have sent.

use axum::extract::{FromRequest, Request};
use axum::http::header;
use madang_domain::{Code, Error};
use percent_encoding::percent_decode;
use serde::de::DeserializeOwned;

use super::Shared;
use super::extract::{is_json, media_type, read_body};
use super::multipart::{Part, parts};
use super::problem::Refusal;
use crate::contracts::native::parse_json;

/// Most fields of a form.
const FIELDS_MAX: usize = 64;

/// The fields of a form, as `application/x-www-form-urlencoded`, as `multipart/form-data` without
/// files, or as a JSON object. Fields that `T` does not have are ignored; a number is read from a
/// form's text. No body at all, which has no media type, is a form without fields.
///
/// A browser lets any page send a form unasked: what keeps foreign pages out is
/// [`judge`](super::origins::judge), not the media type.
pub(crate) struct FormBody<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Shared> for FormBody<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &Shared) -> Result<Self, Refusal> {
        let headers = request.headers();
        if is_json(headers) {
            let body = read_body(request, state).await?;
            return Ok(Self(parse_json(&body)?));
        }
        let kind = media_type(headers).unwrap_or_default();
        if kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            let body = read_body(request, state).await?;
            return Ok(Self(fields(&body)?));
        }
        if kind.eq_ignore_ascii_case("multipart/form-data") {
            let content_type = headers.get(header::CONTENT_TYPE).cloned();
            let content_type = content_type.as_ref().and_then(|value| value.to_str().ok());
            let body = read_body(request, state).await?;
            let parts = parts(content_type.unwrap_or_default(), body, FIELDS_MAX).await?;
            return Ok(Self(fields(urlencoded(&parts)?.as_bytes())?));
        }
        if !headers.contains_key(header::CONTENT_TYPE)
            && read_body(request, state).await?.is_empty()
        {
            return Ok(Self(fields(b"")?));
        }
        let detail = "the content type must be application/json, \
                      application/x-www-form-urlencoded or multipart/form-data";
        Err(Error::with_detail(Code::BodyInvalid, detail).into())
    }
}

/// Reads `body`, and says what is wrong with it without repeating what it holds.
fn fields<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    let refuse = |detail: String| Err(Error::with_detail(Code::BodyInvalid, detail));
    if body.split(|byte| *byte == b'&').count() > FIELDS_MAX {
        return refuse(format!("the form has more than {FIELDS_MAX} fields"));
    }
    // The decoder would put a substitute in place of what is not UTF-8.
    if percent_decode(body).decode_utf8().is_err() {
        return refuse("the form is not UTF-8".to_owned());
    }
    serde_urlencoded::from_bytes(body).or_else(|error| {
        let reason = error.to_string();
        let names_a_field = ["missing field", "duplicate field"]
            .iter()
            .any(|known| reason.starts_with(known));
        refuse(if names_a_field {
            format!("the form is not what is expected here: {reason}")
        } else {
            "the form is not what is expected here: a field has another type".to_owned()
        })
    })
}

/// The same form in the other encoding: there is one way to read fields.
fn urlencoded(parts: &[Part]) -> Result<String, Error> {
    let refuse = |detail: &'static str| Error::with_detail(Code::BodyInvalid, detail);
    let pair = |part: &Part| {
        if part.is_file {
            return Err(refuse("a file is not taken here"));
        }
        let text = str::from_utf8(&part.content).map_err(|_| refuse("the form is not UTF-8"))?;
        Ok((part.name.clone(), text.to_owned()))
    };
    let pairs: Vec<_> = parts.iter().map(pair).collect::<Result<_, _>>()?;
    serde_urlencoded::to_string(pairs).map_err(|_| refuse("the form cannot be read"))
}

//! A room's picture: a link to elsewhere, or to an upload of ours, which the room takes for itself.

use std::sync::Arc;

use axum::http::Uri;
use madang_domain::room::UPLOADS_PATH;
use madang_domain::{Code, Error};

use crate::http::Shared;
use crate::pictures::PictureKey;

/// Whether a room may be told to have the picture that `link` leads to. To be asked right before:
/// an upload may be taken only while it is young.
///
/// # Errors
/// [`Code::BodyInvalid`]: the link is none to show, or its upload is not there any more.
/// [`Code::Unavailable`]: retryable.
pub(in crate::http) async fn check_picture(state: &Shared, link: &str) -> Result<(), Error> {
    match upload_of(link)? {
        Some(key) => state.pictures.check_for_taking(&key).await,
        None => Ok(()),
    }
}

/// The link as a room keeps it. An upload of ours is known by its path, whatever host stands before
/// it: otherwise the room would show a picture that nobody knows to be in use.
///
/// # Errors
/// As [`check_picture`].
pub(in crate::http) async fn as_kept(state: &Shared, link: &str) -> Result<Arc<str>, Error> {
    if upload_of(link)?.is_some() {
        return Ok(link.into());
    }
    match upload_behind_host(link) {
        Some(key) if state.pictures.contains(&key).await? => Ok(key.link().into()),
        _ => Ok(link.into()),
    }
}

/// The key that the path of a link to somewhere ends with, as those of uploads do. Keys are random:
/// if there is such an upload, the link leads to it, perhaps through a proxy that adds to the path.
fn upload_behind_host(link: &str) -> Option<PictureKey> {
    let uri: Uri = link.parse().ok()?;
    let path = uri.path();
    PictureKey::from_link(&path[path.rfind(UPLOADS_PATH)?..])
}

/// The upload that a link leads to; `None` for one that leads elsewhere.
///
/// # Errors
/// [`Code::BodyInvalid`]: it is neither an upload's nor one that a page may show.
fn upload_of(link: &str) -> Result<Option<PictureKey>, Error> {
    if link.starts_with(UPLOADS_PATH) {
        let key = PictureKey::from_link(link);
        return key.map(Some).ok_or_else(not_a_link);
    }
    check_link(link).map(|()| None)
}

/// Whether a link to elsewhere may be shown: HTTP, to a host, without a login in it.
///
/// # Errors
/// [`Code::BodyInvalid`].
pub(in crate::http) fn check_link(link: &str) -> Result<(), Error> {
    let uri: Uri = link.parse().map_err(|_| not_a_link())?;
    let is_http = matches!(uri.scheme_str(), Some("http" | "https"));
    let has_host = uri.host().is_some_and(|host| !host.is_empty());
    let has_login = uri
        .authority()
        .is_some_and(|all| all.as_str().contains('@'));
    if is_http && has_host && !has_login {
        return Ok(());
    }
    Err(not_a_link())
}

fn not_a_link() -> Error {
    let detail = "a picture is a link with http or https and without a login, or that of an upload";
    Error::with_detail(Code::BodyInvalid, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_uploads_key_is_known_behind_any_host() {
        let key = "9f86d081884c7d659a2feaa0c55ad015.png";
        for link in [
            format!("http://127.0.0.1:8080/pictures/{key}"),
            format!("https://chat.example.com/pictures/{key}?size=2#x"),
            format!("https://example.com/chat/pictures/{key}"),
        ] {
            assert!(upload_behind_host(&link).is_some(), "{link}");
        }
        for link in [
            format!("https://example.com/{key}"),
            format!("https://example.com/pictures/{key}/a.png"),
            "https://example.com/pictures/a.png".to_owned(),
            format!("https://example.com/?of=/pictures/{key}"),
        ] {
            assert_eq!(upload_behind_host(&link), None, "{link}");
        }
    }

    #[test]
    fn a_link_leads_to_an_upload_or_over_http_to_elsewhere() {
        let upload = "/pictures/9f86d081884c7d659a2feaa0c55ad015.png";
        assert!(upload_of(upload).unwrap().is_some());
        for elsewhere in [
            "https://example.com/a.png",
            "http://example.com:8080/a.png?size=2",
            "https://[2001:db8::1]/a.png",
            // An upload's, if we have it: see below.
            "https://chat.example.com/pictures/9f86d081884c7d659a2feaa0c55ad015.png",
        ] {
            assert_eq!(upload_of(elsewhere), Ok(None), "{elsewhere}");
        }
        for refused in [
            "",
            "a.png",
            "/a.png",
            "//example.com/a.png",
            "/pictures/6b1f.png",
            "/pictures/../x",
            "ftp://example.com/a.png",
            "javascript:alert(1)",
            "data:image/png;base64,AA==",
            "https://kim:secret@example.com/a.png",
            "https://kim@example.com/a.png",
            "https:///a.png",
            "https://example.com/a b.png",
            "https://example.com/\u{1}",
        ] {
            let code = upload_of(refused).map_err(|error| error.code());
            assert_eq!(code, Err(Code::BodyInvalid), "{refused}");
        }
    }
}

//! A room's picture: a link to elsewhere, or to an upload of ours, which the room takes for itself.

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
    fn a_link_leads_to_an_upload_or_over_http_to_elsewhere() {
        let upload = "/pictures/9f86d081884c7d659a2feaa0c55ad015.png";
        assert!(upload_of(upload).unwrap().is_some());
        for elsewhere in [
            "https://example.com/a.png",
            "http://example.com:8080/a.png?size=2",
            "https://[2001:db8::1]/a.png",
            // Another server's, even if it is called like ours.
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

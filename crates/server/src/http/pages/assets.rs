//! Files in the binary, with the headers that pages need.

use std::fmt::Write as _;

use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use madang_domain::Code;
use rust_embed::RustEmbed;

use crate::http::problem::Refusal;

#[derive(RustEmbed)]
#[folder = "$OUT_DIR/web"]
struct Files;

/// A folder of files, and what their page may do.
pub(super) struct Page {
    folder: &'static str,
    security_policy: &'static str,
}

impl Page {
    /// Everything from this server, nothing inline.
    pub(super) const DEMO: Self = Self {
        folder: "demo",
        security_policy: "default-src 'none'; script-src 'self'; style-src 'self'; \
             connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'none'",
    };
    /// As the demo; the API browser also sets styles inline.
    pub(super) const DOCS: Self = Self {
        folder: "docs",
        security_policy: "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
             connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'none'",
    };

    /// What the iframe pages of SockJS load, into pages of any origin.
    pub(super) const SOCKJS: Self = Self {
        folder: "sockjs",
        security_policy: "default-src 'none'",
    };
    /// The live doors' reference: of the same folder, as strict as the demo.
    pub(super) const LIVE: Self = Self {
        folder: "docs",
        security_policy: Self::DEMO.security_policy,
    };

    fn headers(&self) -> [(axum::http::HeaderName, &'static str); 3] {
        [
            (CONTENT_SECURITY_POLICY, self.security_policy),
            (REFERRER_POLICY, "no-referrer"),
            // Kept, but asked for again: the name of a file does not change with the release.
            (CACHE_CONTROL, "no-cache"),
        ]
    }
}

/// The page's file `name`; 304 when the client has it.
pub(super) fn serve(page: &Page, name: &str, headers: &HeaderMap) -> Response {
    let Some(file) = Files::get(&format!("{}/{name}", page.folder)) else {
        return missing();
    };
    let tag = entity_tag(&file.metadata.sha256_hash());
    if has(headers, &tag) {
        return (StatusCode::NOT_MODIFIED, page.headers(), [(ETAG, tag)]).into_response();
    }
    let head = [(CONTENT_TYPE, content_type(name).to_owned()), (ETAG, tag)];
    (page.headers(), head, Body::from(file.data)).into_response()
}

/// A page made by the server itself.
pub(super) fn html(page: &Page, text: String) -> Response {
    let kind = [(CONTENT_TYPE, "text/html; charset=utf-8")];
    (page.headers(), kind, text).into_response()
}

pub(super) fn missing() -> Response {
    Refusal::from(Code::NotFound).into_response()
}

fn entity_tag(hash: &[u8]) -> String {
    let mut tag = String::from("\"");
    for byte in &hash[..16] {
        // Writing to a String cannot fail.
        let _ = write!(tag, "{byte:02x}");
    }
    tag.push('"');
    tag
}

fn has(headers: &HeaderMap, tag: &str) -> bool {
    let known = headers
        .get(IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok());
    known.is_some_and(|tags| {
        tags.split(',')
            .map(|known| known.trim().trim_start_matches("W/"))
            .any(|known| known == tag || known == "*")
    })
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        _ => "application/octet-stream",
    }
}

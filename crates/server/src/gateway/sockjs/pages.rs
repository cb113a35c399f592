//! What an endpoint answers without a session: `/info`, the iframe page, preflights.

use axum::body::Body;
use axum::response::Response;
use http::StatusCode;
use http::header::IF_NONE_MATCH;
use http::request::Parts;
use madang_wire::sockjs::{Answer, IframePage, Info, header};

use super::{Service, SockJs, answer, put, text, unix_seconds};

impl<S: Service> SockJs<S> {
    pub(super) fn info(&self, parts: &Parts) -> Response {
        let info = Info {
            websocket: self.options.websocket,
            cookie_needed: self.options.cookie_needed,
            entropy: rand::random(),
        };
        let mut response = Response::new(Body::from(info.to_json()));
        let headers = response.headers_mut();
        put(headers, "content-type", Info::CONTENT_TYPE);
        let (name, value) = header::no_store(self.options.revision);
        put(headers, name, value);
        self.cors_headers(parts, headers);
        response
    }

    pub(super) fn iframe(&self, parts: &Parts) -> Response {
        let known =
            text(&parts.headers, &IF_NONE_MATCH).is_some_and(|tags| self.iframe.is_known_to(tags));
        let mut response = if known {
            answer(Answer::NOT_MODIFIED)
        } else {
            let mut response = Response::new(Body::from(self.iframe.body().to_owned()));
            put(
                response.headers_mut(),
                "content-type",
                IframePage::CONTENT_TYPE,
            );
            response
        };
        let headers = response.headers_mut();
        put(headers, "etag", self.iframe.etag());
        for (name, value) in header::cacheable(unix_seconds()) {
            put(headers, name, &value);
        }
        response
    }

    pub(super) fn preflight(&self, parts: &Parts, methods: &'static str) -> Response {
        let mut response = answer(Answer::PREFLIGHT);
        debug_assert_eq!(response.status(), StatusCode::NO_CONTENT);
        let headers = response.headers_mut();
        for (name, value) in header::cacheable(unix_seconds()) {
            put(headers, name, &value);
        }
        for (name, value) in header::preflight(methods) {
            put(headers, name, value);
        }
        self.session_cookie(parts, headers);
        self.cors_headers(parts, headers);
        response
    }
}

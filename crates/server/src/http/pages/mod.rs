//! The pages that the binary carries. They are public and say nothing of rooms or users; what they
//! show comes from the same routes that everybody else calls.

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::get;

use super::Shared;
use super::extract::is_from_this_machine;

mod assets;
pub(super) mod demo;
mod errors;

use assets::{Page, html, serve};

pub(super) fn routes(with_demo: bool) -> Router<Shared> {
    let routes = Router::new()
        .route("/", get(start))
        .route("/docs", get(docs))
        .route("/docs/{file}", get(docs_file))
        .route("/docs/asyncapi", get(live))
        .route("/docs/errors", get(errors::page));
    if !with_demo {
        return routes;
    }
    routes.route("/demo/{file}", get(demo_file))
}

/// Where the pages are that every node with them has.
pub(super) const PATHS: &[&str] = &["/", "/docs", "/docs/{*rest}"];

/// What SockJS's pages load.
pub(super) fn of_sockjs() -> Router<Shared> {
    Router::new().route(SOCKJS_PATH, get(sockjs_file))
}

/// Where that is.
pub(super) const SOCKJS_PATH: &str = "/sockjs/{file}";

/// Where nothing may be tried out: that the server runs, and where to read on.
const STATUS: &str = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
    <meta name=\"viewport\" content=\"width=device-width\">\n<title>Madang</title>\n\
    <link rel=\"icon\" href=\"data:,\">\n<link rel=\"stylesheet\" href=\"/docs/style.css\">\n<main>\n<h1>Madang runs</h1>\n\
    <p>This is a chat server. Point a client at it:</p>\n<ul>\n\
    <li><a href=\"/docs\">REST API</a> (<a href=\"/openapi.json\">OpenAPI</a>)</li>\n\
    <li><a href=\"/docs/asyncapi\">STOMP, JSON and event streams</a> (<a href=\"/asyncapi.json\">AsyncAPI</a>)</li>\n\
    <li><a href=\"/docs/errors\">Error codes</a></li>\n</ul>\n</main>\n</html>\n";

async fn start(State(state): State<Shared>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    if state.demo.is_some() && is_from_this_machine(&parts) {
        return serve(&Page::DEMO, "index.html", &parts.headers);
    }
    html(&Page::DOCS, STATUS.to_owned())
}

async fn sockjs_file(Path(file): Path<String>, headers: HeaderMap) -> Response {
    serve(&Page::SOCKJS, &file, &headers)
}

async fn demo_file(Path(file): Path<String>, headers: HeaderMap) -> Response {
    serve(&Page::DEMO, &file, &headers)
}

async fn docs(headers: HeaderMap) -> Response {
    serve(&Page::DOCS, "index.html", &headers)
}

async fn live(headers: HeaderMap) -> Response {
    serve(&Page::LIVE, "asyncapi.html", &headers)
}

async fn docs_file(Path(file): Path<String>, headers: HeaderMap) -> Response {
    serve(&Page::DOCS, &file, &headers)
}

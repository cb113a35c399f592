//! What holds for every request, whatever its route.

use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use madang_domain::Code;

use super::fixture::{Server, local_request, request};

#[tokio::test]
async fn an_unknown_path_and_a_wrong_method_are_told_apart() {
    let server = Server::start();
    for path in [
        "/api/v1/nothing",
        "/nothing",
        "/api/v1/rooms/",
        "/demo/../x",
    ] {
        let answer = server.call("user/kim", "GET", path).await;
        answer.is_problem(Code::NotFound);
    }
    for (method, path) in [
        ("PATCH", "/api/v1/rooms"),
        ("POST", "/healthz"),
        ("PUT", "/"),
    ] {
        let answer = server.call("user/kim", method, path).await;
        answer.is_problem(Code::MethodNotAllowed);
        assert!(!answer.header("allow").is_empty(), "{method} {path}");
    }
}

#[tokio::test]
async fn every_answer_forbids_guessing_its_type_and_keeping_it() {
    let server = Server::start();
    for path in ["/api/v1/rooms", "/nothing", "/healthz", "/docs", "/"] {
        let answer = server.call("user/kim", "GET", path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert!(answer.header("cache-control").starts_with("no-"), "{path}");
    }
}

#[tokio::test]
async fn requests_are_counted_by_route_and_never_by_path() {
    let server = Server::start();
    server.call("user/kim", "GET", "/api/v1/rooms/kim").await;
    server.call("", "GET", "/api/v1/rooms/kim").await;
    server.call("", "GET", "/wp-admin.php").await;
    let seen = server.seen.0.lock().unwrap().clone();
    let route = "GET /api/v1/rooms/{id}".to_owned();
    assert_eq!(
        seen,
        [
            (route.clone(), 404),
            (route, 401),
            ("GET (none)".to_owned(), 404)
        ]
    );
    let refused = server.seen.1.lock().unwrap().clone();
    let codes = [
        Code::RoomNotFound,
        Code::AuthenticationRequired,
        Code::NotFound,
    ];
    assert_eq!(refused, codes);
}

#[tokio::test]
async fn health_is_the_process_and_readiness_the_node() {
    let server = Server::start();
    server.call("", "GET", "/readyz").await.is(StatusCode::OK);
    server.ready.store(false, Ordering::Release);
    let draining = server.call("", "GET", "/readyz").await;
    draining.is_problem(Code::Draining);
    assert_eq!(draining.header("retry-after"), "1");
    server.call("", "GET", "/healthz").await.is(StatusCode::OK);
}

#[tokio::test]
async fn metrics_are_closed_to_strangers_and_to_those_behind_a_proxy() {
    let server = Server::start();
    for token in ["", "user/kim", "agent/lee", "service/host", "expired"] {
        let answer = server.call(token, "GET", "/metrics").await;
        answer.is_problem(Code::AgentsOnly);
    }
    let admin = server.call("admin/root", "GET", "/metrics").await;
    assert_eq!(admin.is(StatusCode::OK).text(), "# EOF\n");
    assert!(
        admin
            .header("content-type")
            .starts_with("application/openmetrics-text")
    );
    let local = local_request("GET", "/metrics").body(Body::empty());
    server.ask(local.unwrap()).await.is(StatusCode::OK);
    for proxy in ["X-Forwarded-For", "Forwarded", "Via"] {
        let proxied = local_request("GET", "/metrics").header(proxy, "203.0.113.9");
        let answer = server.ask(proxied.body(Body::empty()).unwrap()).await;
        answer.is_problem(Code::AgentsOnly);
    }
    let nobody = axum::http::Request::get("/metrics").body(Body::empty());
    server
        .ask(nobody.unwrap())
        .await
        .is_problem(Code::AgentsOnly);
}

#[tokio::test]
async fn a_handler_that_panics_answers_internal_and_the_server_goes_on() {
    let mut server = Server::start();
    let state = server.state();
    #[expect(clippy::panic, reason = "what is tested")]
    async fn defect() {
        panic!("secret");
    }
    let router = axum::Router::new()
        .route("/defect", get(defect))
        .layer(from_fn_with_state(state, crate::http::layers::guard));
    server.router = router;
    for _ in 0..2 {
        let request = request("", "GET", "/defect").body(Body::empty()).unwrap();
        let answer = server.ask(request).await;
        answer.is_problem(Code::Internal);
        assert!(!answer.text().contains("secret"));
    }
    let seen = server.seen.0.lock().unwrap().clone();
    assert_eq!(seen[0], ("GET /defect".to_owned(), 500));
}

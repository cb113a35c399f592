//! Refusals of the layers around all routes, in the words of the contract whose path is named.

use std::convert::Infallible;

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use futures_util::stream;
use madang_domain::Code;
use serde_json::{Value, json};

use super::fixture::{Answer, Server, request};

/// A path of each contract, and one below it that is not served.
const CONTRACTS: [(&str, &str); 5] = [
    ("/user/chats", "/user/chats/nothing"),
    ("/admin/chats", "/admin/chats/kim/nothing"),
    ("/api/openchat", "/api/openchat/1/nothing"),
    ("/api/notifications", "/api/notifications/1/nothing"),
    ("/send/message", "/send/message/nothing"),
];

/// Checks that this is how the contract of the path tells `code`.
#[track_caller]
fn is_told(answer: &Answer, path: &str, code: Code) {
    let status = code.spec().http_status;
    assert_eq!(answer.status, status, "{path}");
    assert_eq!(answer.header("content-type"), "application/json", "{path}");
    let told = answer.json();
    let members: Vec<_> = told.as_object().unwrap().keys().collect();
    if path.starts_with("/api/") {
        assert_eq!(members, ["msg", "statusCode"], "{path}");
        assert_eq!(told["statusCode"], status);
    } else if path.starts_with("/send/") {
        assert_eq!(members, ["message", "success"], "{path}");
        assert_eq!(told["success"], false);
    } else {
        assert_eq!(members, ["code", "data", "message", "status"], "{path}");
        assert_eq!(
            (&told["code"], &told["data"]),
            (&json!(status), &Value::Null)
        );
    }
}

#[tokio::test]
async fn what_is_not_served_is_told_in_the_words_of_the_contract_whose_path_it_is() {
    let server = Server::start();
    for (path, unknown) in CONTRACTS {
        let missing = server.call("user/kim", "GET", unknown).await;
        is_told(&missing, unknown, Code::NotFound);
        let wrong = server.call("user/kim", "TRACE", path).await;
        is_told(&wrong, path, Code::MethodNotAllowed);
        assert!(!wrong.header("allow").is_empty(), "{path}");
    }
    for path in ["/user/chatsx", "/api/openchats", "/api/v1/nothing"] {
        let missing = server.call("user/kim", "GET", path).await;
        missing.is_problem(Code::NotFound);
    }
    let off = Server::start_with(false, true);
    for (path, _) in &CONTRACTS[..4] {
        let missing = off.call("user/kim", "GET", path).await;
        missing.is_problem(Code::NotFound);
    }
}

#[tokio::test]
async fn a_page_of_another_origin_is_refused_in_the_words_of_the_contract() {
    let server = Server::start();
    for (path, _) in CONTRACTS {
        let request = request("", "POST", path)
            .header(header::HOST, "chat.example")
            .header(header::ORIGIN, "https://evil.example");
        let refused = server.ask(request.body(Body::empty()).unwrap()).await;
        is_told(&refused, path, Code::OriginForbidden);
    }
}

#[tokio::test]
async fn a_defect_is_told_in_the_words_of_the_contract() {
    let mut server = Server::start();
    #[expect(clippy::panic, reason = "what is tested")]
    async fn defect() {
        panic!("secret");
    }
    let mut router = axum::Router::new();
    for (path, _) in CONTRACTS {
        router = router.route(path, get(defect));
    }
    let guard = from_fn_with_state(server.state(), crate::http::layers::guard);
    server.router = router.layer(guard);
    for (path, _) in CONTRACTS {
        let failed = server.call("", "GET", path).await;
        is_told(&failed, path, Code::Internal);
        assert!(!failed.text().contains("secret"));
    }
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_ended_in_the_words_of_the_contract() {
    let server = Server::start();
    for path in ["/api/openchat", "/send/message"] {
        let never = Body::from_stream(stream::pending::<Result<Bytes, Infallible>>());
        let request = request("user/kim", "POST", path)
            .header(header::CONTENT_TYPE, "application/json")
            .body(never);
        // The clock runs to the deadline once nothing else is to be done.
        tokio::time::pause();
        let late = server.ask(request.unwrap()).await;
        tokio::time::resume();
        is_told(&late, path, Code::Unavailable);
        assert_eq!(late.header("retry-after"), "1");
    }
}

#[tokio::test]
async fn every_contracts_refusals_are_counted() {
    let server = Server::start();
    for (path, unknown) in CONTRACTS {
        let method = if path == "/user/chats" {
            "DELETE"
        } else {
            "GET"
        };
        server.call("expired", method, path).await;
        server.call("user/kim", "GET", unknown).await;
    }
    let refused = server.seen.1.lock().unwrap().clone();
    let expected = CONTRACTS.map(|(path, _)| {
        let first = match path {
            "/send/message" => Code::MethodNotAllowed,
            _ => Code::TokenExpired,
        };
        [first, Code::NotFound]
    });
    assert_eq!(refused, expected.as_flattened());
}

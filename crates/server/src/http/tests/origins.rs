//! What pages of other origins may do.

use axum::body::Body;
use axum::http::{StatusCode, header};
use madang_domain::Code;

use super::fixture::{Answer, Server, request};

const LISTED: &str = "https://shop.example";
const FOREIGN: &str = "https://evil.example";

async fn ask(server: &Server, token: &str, method: &str, path: &str, origin: &str) -> Answer {
    let request = request(token, method, path)
        .header(header::HOST, "chat.example")
        .header(header::ORIGIN, origin)
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "PATCH");
    server.ask(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_listed_origin_may_call_and_a_foreign_one_gets_no_permission() {
    let server = Server::with_origins(&[LISTED]);
    let question = ask(&server, "", "OPTIONS", "/admin/chats/kim", LISTED).await;
    question.is(StatusCode::NO_CONTENT);
    assert_eq!(question.header("access-control-allow-origin"), LISTED);
    assert!(
        question
            .header("access-control-allow-methods")
            .contains("PATCH")
    );
    assert!(
        question
            .header("access-control-allow-headers")
            .contains("authorization")
    );
    assert_eq!(question.header("access-control-allow-credentials"), "true");
    let answer = ask(&server, "user/kim", "GET", "/api/v1/rooms", LISTED).await;
    answer.is(StatusCode::OK);
    assert_eq!(answer.header("access-control-allow-origin"), LISTED);
    assert_eq!(answer.header("vary"), "origin");
    // Errors too: the page must be able to read why.
    let answer = ask(&server, "expired", "GET", "/admin/chats", LISTED).await;
    assert_eq!(answer.header("access-control-allow-origin"), LISTED);

    for method in ["OPTIONS", "GET"] {
        let answer = ask(&server, "user/kim", method, "/api/v1/rooms", FOREIGN).await;
        assert_eq!(answer.header("access-control-allow-origin"), "");
    }
}

#[tokio::test]
async fn a_wildcard_lets_every_page_call_but_without_cookies() {
    let server = Server::with_origins(&["*"]);
    let answer = ask(&server, "user/kim", "GET", "/api/v1/rooms", FOREIGN).await;
    assert_eq!(answer.header("access-control-allow-origin"), FOREIGN);
    assert_eq!(answer.header("access-control-allow-credentials"), "");
}

#[tokio::test]
async fn what_a_foreign_page_could_forge_with_a_cookie_is_refused() {
    let claim = "/api/v1/desk/rooms/kim/claim";
    for origins in [&[][..], &["*"]] {
        let server = Server::with_origins(origins);
        ask(&server, "", "POST", claim, FOREIGN)
            .await
            .is_problem(Code::OriginForbidden);
        ask(&server, "", "POST", claim, "null")
            .await
            .is_problem(Code::OriginForbidden);
        // Its own page, and one that knows a token, are asked who they are.
        ask(&server, "", "POST", claim, "https://chat.example")
            .await
            .is_problem(Code::AuthenticationRequired);
        ask(&server, "agent/lee", "POST", claim, FOREIGN)
            .await
            .is_problem(Code::RoomNotFound);
    }
    let server = Server::with_origins(&[LISTED]);
    ask(&server, "", "POST", claim, LISTED)
        .await
        .is_problem(Code::AuthenticationRequired);
}

#[tokio::test]
async fn credentials_that_the_browser_adds_by_itself_are_no_proof_of_a_page() {
    let server = Server::with_origins(&[]);
    for credentials in ["Basic dXNlcjpwYXNz", "basic x", "Negotiate YII=", "NTLM x"] {
        let request = request("", "POST", "/api/v1/desk/rooms/kim/claim")
            .header(header::HOST, "chat.example")
            .header(header::ORIGIN, FOREIGN)
            .header(header::AUTHORIZATION, credentials);
        let answer = server.ask(request.body(Body::empty()).unwrap()).await;
        answer.is_problem(Code::OriginForbidden);
    }
}

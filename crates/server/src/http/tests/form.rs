//! Forms, in each of the ways a client may send one.

use axum::Router;
use axum::body::Body;
use axum::extract::DefaultBodyLimit;
use axum::http::{Request, StatusCode, header};
use axum::routing::post;
use madang_domain::Code;
use serde::Deserialize;

use super::fixture::{Answer, Server};
use crate::http::BODY_BYTES_MAX;
use crate::http::form::FormBody;

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "shown as a whole")]
struct Room {
    title: String,
    content: Option<String>,
    members: Option<u32>,
}

const URLENCODED: &str = "application/x-www-form-urlencoded";
const MULTIPART: &str = "multipart/form-data; boundary=X";
const JSON: &str = "application/json";

/// The form as the handler of a route sees it, or the refusal.
async fn send(content_type: &str, body: impl Into<Body>) -> Answer {
    async fn tell(FormBody(room): FormBody<Room>) -> String {
        format!("{room:?}")
    }
    let mut server = Server::start();
    server.router = Router::new()
        .route("/", post(tell))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(server.state());
    let request = Request::post("/").header(header::CONTENT_TYPE, content_type);
    server.ask(request.body(body.into()).unwrap()).await
}

fn field(name: &str, content: &str) -> String {
    format!("--X\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{content}\r\n")
}

#[tokio::test]
async fn a_form_is_the_same_in_every_encoding() {
    let fields = [
        ("title", "강아지 & 고양이 = +%"),
        ("content", "a\r\nb"),
        ("members", "7"),
    ];
    let urlencoded = serde_urlencoded::to_string(fields).unwrap();
    let multipart: String = fields
        .iter()
        .map(|(name, content)| field(name, content))
        .collect();
    let json = serde_json::json!({"title": fields[0].1, "content": fields[1].1, "members": 7});
    for (content_type, body) in [
        (URLENCODED, urlencoded.clone()),
        (
            "Application/X-WWW-Form-Urlencoded; charset=UTF-8",
            urlencoded,
        ),
        (MULTIPART, multipart + "--X--\r\n"),
        (JSON, json.to_string()),
    ] {
        let answer = send(content_type, body).await;
        let expected = Room {
            title: fields[0].1.to_owned(),
            content: Some(fields[1].1.to_owned()),
            members: Some(7),
        };
        let told = answer.is(StatusCode::OK).text();
        assert_eq!(told, format!("{expected:?}"), "{content_type}");
    }
}

#[tokio::test]
async fn fields_that_are_not_asked_for_are_passed_over() {
    let answer = send(URLENCODED, "title=x&other=y").await;
    let told = answer.is(StatusCode::OK).text();
    assert_eq!(told, "Room { title: \"x\", content: None, members: None }");
}

#[tokio::test]
async fn a_form_that_is_not_what_is_expected_is_refused_without_repeating_what_it_holds() {
    let many = "x=secret&".repeat(64);
    let parts = field("x", "secret").repeat(65) + "--X--\r\n";
    let file = "--X\r\nContent-Disposition: form-data; name=\"title\"; filename=\"secret\"\r\n\r\nx\r\n--X--\r\n";
    for (content_type, body) in [
        ("text/plain", b"title=secret".to_vec()),
        (URLENCODED, Vec::new()),
        (URLENCODED, b"content=secret".to_vec()),
        (URLENCODED, b"title=secret&title=secret".to_vec()),
        (URLENCODED, b"title=secret&members=many".to_vec()),
        (URLENCODED, b"title=secret%ff".to_vec()),
        (URLENCODED, b"title=secret\xff".to_vec()),
        (URLENCODED, format!("title=secret&{many}").into_bytes()),
        (MULTIPART, field("title", "secret").into_bytes()),
        (MULTIPART, b"title=secret".to_vec()),
        (MULTIPART, parts.into_bytes()),
        (MULTIPART, file.as_bytes().to_vec()),
        (
            MULTIPART,
            [
                &b"--X\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\n\xff\r\n--X--\r\n"
                    [..],
            ]
            .concat(),
        ),
        ("multipart/form-data", field("title", "secret").into_bytes()),
        (JSON, b"{\"content\":\"secret\"}".to_vec()),
        (JSON, b"title=secret".to_vec()),
    ] {
        let shown = String::from_utf8_lossy(&body).into_owned();
        let refused = send(content_type, body).await;
        let problem = refused.is_problem(Code::BodyInvalid);
        assert!(
            !problem.to_string().contains("secret"),
            "{shown}: {problem}"
        );
    }
}

#[tokio::test]
async fn a_form_that_is_too_large_is_refused() {
    let text = "x".repeat(BODY_BYTES_MAX);
    for (content_type, body) in [
        (URLENCODED, format!("title={text}")),
        (MULTIPART, field("title", &text) + "--X--\r\n"),
        (JSON, format!("{{\"title\":\"{text}\"}}")),
    ] {
        send(content_type, body).await.is_problem(Code::TooLarge);
    }
}

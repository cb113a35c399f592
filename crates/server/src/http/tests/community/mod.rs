//! Contract 2 over REST, byte for byte where its clients read it.

mod notifications;
mod open_rooms;
mod trade_rooms;

use axum::body::Body;
use axum::http::{StatusCode, header};
use madang_domain::{Code, RoomId};
use serde_json::{Value, json};

use super::fixture::{Answer, Server, caller, request};

const KIM: &str = "user/kim/Choco";
const LEE: &str = "user/lee/Kong";
const PARK: &str = "user/park";
const SHOP: &str = "service:all/shop";

const MULTIPART: &str = "multipart/form-data; boundary=X";
const URLENCODED: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

#[track_caller]
fn is_said(answer: &Answer, status: u16, msg: &str) {
    assert_eq!(
        answer.text(),
        format!(r#"{{"msg":"{msg}","statusCode":{status}}}"#)
    );
    assert_eq!(answer.status, status);
    assert_eq!(answer.header("content-type"), "application/json");
}

async fn form(
    server: &Server,
    token: &str,
    (method, path): (&str, &str),
    (content_type, body): (&str, String),
) -> Answer {
    let request = request(token, method, path).header(header::CONTENT_TYPE, content_type);
    server.ask(request.body(Body::from(body)).unwrap()).await
}

/// Makes an open room; answers its path.
async fn open_room(server: &Server, token: &str, title: &str) -> String {
    let body = json!({"title": title, "content": "매일 저녁"}).to_string();
    let answer = server.post(token, "/api/openchat", &body).await;
    is_said(&answer, 201, "오픈채팅방 생성 성공");
    answer.header("location").to_owned()
}

async fn room_of(server: &Server, path: &str) -> RoomId {
    let number = path.rsplit('/').next().unwrap().parse().unwrap();
    let kim = caller(KIM);
    let view = server.engine.view_room_by_number(&kim, number, |_| true);
    view.await.unwrap().room.id
}

async fn json_of(server: &Server, token: &str, path: &str) -> Value {
    let answer = server.call(token, "GET", path).await;
    answer.is(StatusCode::OK).json()
}

#[tokio::test]
async fn what_cannot_be_done_is_said_in_the_contracts_words() {
    let server = Server::start();
    let path = open_room(&server, KIM, "하나").await;
    let [closed, missing, odd] = [
        (403, "채팅방에 접근할 수 없습니다."),
        (404, "존재하지 않는 채팅방입니다."),
        (400, "잘못된 요청입니다."),
    ];
    for (token, request, (status, msg)) in [
        ("", "GET /api/openchat", (401, "로그인이 필요합니다.")),
        (
            "expired",
            &*format!("GET {path}"),
            (401, "만료된 토큰입니다."),
        ),
        (
            "x",
            "GET /api/tradechat",
            (401, "유효하지 않은 토큰입니다."),
        ),
        (SHOP, "GET /api/notifications", closed),
        (SHOP, "GET /api/notifications/connect", closed),
        (KIM, "GET /api/openchat/4711", missing),
        (KIM, "GET /api/openchat/room/4711", missing),
        (KIM, "GET /api/tradechat/room/77", missing),
        (KIM, "GET /api/openchat/x", odd),
        (KIM, "DELETE /api/openchat/007", odd),
        (KIM, "GET /api/openchat/99999999999999999999", odd),
        (KIM, "DELETE /api/notifications/0", odd),
        (
            KIM,
            "PATCH /api/notifications/1",
            (404, "존재하지 않는 알림입니다."),
        ),
    ] {
        let (method, path) = request.split_once(' ').unwrap();
        let refused = server.call(token, method, path).await;
        is_said(&refused, status, msg);
        let asks = refused.header("www-authenticate") == "Bearer";
        assert_eq!(asks, status == 401, "{path}");
    }
    let counted = server.seen.1.lock().unwrap().len();
    assert_eq!(counted, 13, "each refusal is counted");
}

#[tokio::test]
async fn a_contract_that_is_off_is_not_there() {
    let server = Server::start_with(false, true);
    for path in [
        "/api/openchat",
        "/api/tradechat",
        "/api/notifications",
        "/api/notifications/connect",
    ] {
        server
            .call(KIM, "GET", path)
            .await
            .is_problem(Code::NotFound);
    }
}

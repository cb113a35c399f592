//! Contract 1, byte for byte where its clients read it.

use axum::http::StatusCode;
use serde_json::json;

use super::fixture::{Answer, Server};

const KIM: &str = "user/kim@example.com/Kim/1024";
const LEE: &str = "agent/lee@example.com/Lee";
const PARK: &str = "agent/park@example.com";
const HISTORY: &str = "/user/chats/my-rooms";
const ROOM: &str = "/admin/chats/kim@example.com";

#[track_caller]
fn assert_error(answer: &Answer, number: u16, status: &str, message: &str) {
    assert_eq!(answer.status, number, "{}", answer.text());
    assert_eq!(
        answer.text(),
        format!(r#"{{"data":null,"code":{number},"status":"{status}","message":"{message}"}}"#)
    );
    assert_eq!(answer.header("content-type"), "application/json");
}

#[track_caller]
fn assert_invalid_room(answer: &Answer) {
    assert_error(answer, 400, "CHAT-400", "유효하지 않은 채팅방입니다.");
}

#[tokio::test]
async fn page_1_holds_the_newest_20_oldest_first_and_a_page_past_the_end_is_empty() {
    let server = Server::start();
    let room = server.open(KIM).await;
    for number in 1..=45 {
        server.send(KIM, &room, &format!("m{number}")).await;
    }
    let read = async |query: &str| {
        let page = server.call(KIM, "GET", &format!("{HISTORY}{query}")).await;
        page.is(StatusCode::OK).json()
    };
    let texts = |page: &serde_json::Value| -> Vec<String> {
        let data = page["data"].as_array().unwrap();
        let text = |each: &serde_json::Value| each["message"].as_str().unwrap().to_owned();
        data.iter().map(text).collect()
    };
    let numbered = |from, to| (from..=to).map(|n| format!("m{n}")).collect::<Vec<_>>();
    let first = read("").await;
    assert_eq!(texts(&first), numbered(26, 45));
    assert_eq!(first, read("?page=1").await);
    assert_eq!(
        first["pageInfo"],
        json!({"page": 1, "size": 20, "totalPage": 3, "totalSize": 45,
               "first": true, "last": false, "hasNext": true, "hasPrevious": false})
    );
    assert_eq!(
        (&first["code"], &first["status"], &first["message"]),
        (&json!(200), &json!("OK"), &json!("채팅 메시지 조회 성공"))
    );
    assert_eq!(texts(&read("?page=3").await), numbered(1, 5));
    let past = read("?page=4").await;
    assert_eq!(past["data"], json!([]));
    assert_eq!(past["pageInfo"]["last"], true);
}

#[tokio::test]
async fn a_message_shows_who_spoke_and_when_in_local_time() {
    let server = Server::start();
    let room = server.open(KIM).await;
    server.assign(&room, "lee@example.com").await;
    server.send(KIM, &room, "질문").await;
    server.send(LEE, &room, "답").await;
    let page = server
        .call(LEE, "GET", ROOM)
        .await
        .is(StatusCode::OK)
        .json();
    let told =
        |index: usize, member: &str| page["data"][index][member].as_str().unwrap().to_owned();
    assert_eq!(told(0, "sender"), "kim@example.com");
    assert_eq!(told(1, "sender"), "상담원");
    assert_eq!(told(1, "roomId"), "kim@example.com");
    let date: jiff::civil::DateTime = told(0, "sendDate").parse().unwrap();
    assert_eq!(
        told(0, "sendDate").len(),
        "2023-10-05T01:21:30.123456".len()
    );
    let utc = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC);
    let ahead = date.duration_since(utc.datetime()).as_secs();
    assert!((9 * 3600 - 60..=9 * 3600).contains(&ahead), "{ahead}");
}

#[tokio::test]
async fn a_page_below_1_is_refused() {
    let server = Server::start();
    server.open(KIM).await;
    for query in ["?page=0", "?page=-1", "?page=x", "?page=1&page=2"] {
        let answer = server.call(KIM, "GET", &format!("{HISTORY}{query}")).await;
        assert_error(
            &answer,
            400,
            "BAD_REQUEST",
            "페이지 번호는 1 이상이어야 합니다.",
        );
    }
}

#[tokio::test]
async fn without_a_room_there_is_no_history_and_nothing_to_leave() {
    let server = Server::start();
    assert_invalid_room(&server.call(KIM, "GET", HISTORY).await);
    assert_invalid_room(&server.call(KIM, "DELETE", "/user/chats").await);
    server.open(KIM).await;
    let left = server.call(KIM, "DELETE", "/user/chats").await;
    left.is(StatusCode::NO_CONTENT);
    assert!(left.body.is_empty());
    assert_invalid_room(&server.call(KIM, "GET", HISTORY).await);
}

#[tokio::test]
async fn the_lists_show_who_asks_and_since_when() {
    let server = Server::start();
    let room = server.open(KIM).await;
    server.open("user/choi@example.com").await;
    let waiting = server.call(LEE, "GET", "/admin/chats").await;
    assert_eq!(
        waiting.is(StatusCode::OK).json(),
        json!({
            "data": [
                {"roomId": "kim@example.com", "memberId": 1024, "nickname": "Kim",
                 "inquireDate": "2023-10-05T01:21:30.123456"},
                {"roomId": "choi@example.com", "memberId": null, "nickname": "탈퇴한 회원입니다.",
                 "inquireDate": "2023-10-05T01:21:30.123456"},
            ],
            "code": 200, "status": "OK", "message": "미할당 채팅방 목록 조회 성공",
        })
    );
    server.assign(&room, "lee@example.com").await;
    let mine = server
        .call(LEE, "GET", "/admin/chats/my-rooms")
        .await
        .json();
    assert_eq!(mine["message"], "자신이 참여한 채팅방 목록 조회 성공");
    assert_eq!(mine["data"][0]["roomId"], "kim@example.com");
    assert_eq!(mine["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_agent_reads_and_completes_only_rooms_of_their_own() {
    let server = Server::start();
    let room = server.open(KIM).await;
    for method in ["GET", "PATCH"] {
        assert_invalid_room(&server.call(LEE, method, ROOM).await);
        assert_invalid_room(&server.call(LEE, method, "/admin/chats/nobody").await);
        assert_invalid_room(&server.call(LEE, method, "/admin/chats/%ff").await);
    }
    server.assign(&room, "lee@example.com").await;
    assert_invalid_room(&server.call(PARK, "GET", ROOM).await);
    assert_invalid_room(&server.call(PARK, "PATCH", ROOM).await);
    server.call(LEE, "GET", ROOM).await.is(StatusCode::OK);
    let completed = server.call(LEE, "PATCH", "/admin/chats/kim%40example.com");
    completed.await.is(StatusCode::NO_CONTENT);
    let mine = server
        .call(LEE, "GET", "/admin/chats/my-rooms")
        .await
        .json();
    assert_eq!(mine["data"], json!([]));
    server.call(KIM, "GET", HISTORY).await.is(StatusCode::OK);
}

#[tokio::test]
async fn those_who_may_not_enter_are_told_in_the_contracts_words() {
    let server = Server::start();
    for path in ["/admin/chats", "/admin/chats/my-rooms", ROOM] {
        let answer = server.call(KIM, "GET", path).await;
        assert_error(&answer, 403, "CHAT-403", "채팅방에 접근할 수 없습니다.");
        let answer = server.call("expired", "GET", path).await;
        assert_error(&answer, 401, "UNAUTHORIZED", "만료된 토큰입니다.");
    }
    let answer = server.call("rubbish", "GET", HISTORY).await;
    assert_error(&answer, 401, "UNAUTHORIZED", "유효하지 않은 토큰입니다.");
    let answer = server.call("", "DELETE", "/user/chats").await;
    assert_error(&answer, 401, "UNAUTHORIZED", "로그인이 필요합니다.");
}

#[tokio::test]
async fn a_contract_that_is_off_serves_nothing() {
    let server = Server::start_with(false, true);
    let answer = server.call(LEE, "GET", "/admin/chats").await;
    answer.is_problem(madang_domain::Code::NotFound);
    let document = server.call("", "GET", "/openapi.json").await.text();
    assert!(!document.contains("/admin/chats"));
}

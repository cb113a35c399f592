//! Rooms and messages, as a customer's app uses them.

use axum::body::Body;
use axum::http::{StatusCode, header};
use madang_domain::Code;
use serde_json::json;

use super::fixture::{Server, request};

const KIM: &str = "user/kim@example.com/Kim/1024";
const ROOM: &str = "/api/v1/rooms/kim%40example.com";
const MESSAGES: &str = "/api/v1/rooms/kim%40example.com/messages";

#[tokio::test]
async fn opening_ones_room_makes_it_once_and_says_which_it_was() {
    let server = Server::start();
    let first = server
        .post(KIM, "/api/v1/rooms", r#"{"kind":"support"}"#)
        .await;
    let room = first.is(StatusCode::CREATED).json();
    assert_eq!(first.header("location"), "/api/v1/rooms/kim@example.com");
    assert_eq!(room["state"], "waiting");
    assert_eq!(
        room["customer"],
        json!({"id": "kim@example.com", "name": "Kim", "memberId": "1024"})
    );
    assert_eq!(
        (&room["head"]["lastSeq"], &room["head"]["oldestSeq"]),
        (&json!(0), &json!(1))
    );
    let again = server
        .post(KIM, "/api/v1/rooms", r#"{"kind":"support"}"#)
        .await;
    assert_eq!(again.is(StatusCode::OK).json(), room);
    assert_eq!(server.call(KIM, "GET", ROOM).await.json(), room);
    let listed = server.read(KIM, "/api/v1/rooms").await;
    assert_eq!(listed["rooms"].as_array().unwrap().len(), 1);
    for (name, value) in room.as_object().unwrap() {
        assert_eq!(listed["rooms"][0][name], *value, "{name}");
    }
}

#[tokio::test]
async fn another_kind_of_room_is_refused() {
    let server = Server::start();
    let answer = server
        .post(KIM, "/api/v1/rooms", r#"{"kind":"party"}"#)
        .await;
    answer.is_problem(Code::BodyInvalid);
}

#[tokio::test]
async fn a_repeat_of_a_client_id_is_stored_once_and_gets_the_first_answer() {
    let server = Server::start();
    server.open(KIM).await;
    let first = server
        .post(KIM, MESSAGES, r#"{"text":"하나","clientId":"c-1"}"#)
        .await;
    let message = first.is(StatusCode::CREATED).json();
    assert_eq!(
        (&message["seq"], &message["clientId"]),
        (&json!(1), &json!("c-1"))
    );
    let again = server
        .post(KIM, MESSAGES, r#"{"text":"둘","clientId":"c-1"}"#)
        .await;
    assert_eq!(again.is(StatusCode::OK).json(), message);
    let page = server.call(KIM, "GET", MESSAGES).await.json();
    assert_eq!(page["messages"], json!([message]));
    assert_eq!(page["head"]["position"], message["position"]);

    let location = first.header("location").to_owned();
    assert_eq!(server.read(KIM, &location).await, message, "{location}");
}

#[tokio::test]
async fn an_idempotency_key_counts_when_the_body_has_no_client_id() {
    let server = Server::start();
    server.open(KIM).await;
    let keyed = |body: &'static str| {
        let request = request(KIM, "POST", MESSAGES)
            .header(header::CONTENT_TYPE, "application/json")
            .header("Idempotency-Key", "key-1");
        server.ask(request.body(Body::from(body)).unwrap())
    };
    let first = keyed(r#"{"text":"하나"}"#).await;
    assert_eq!(first.is(StatusCode::CREATED).json()["clientId"], "key-1");
    keyed(r#"{"text":"하나"}"#).await.is(StatusCode::OK);
    let own = keyed(r#"{"text":"둘","clientId":"c-2"}"#).await;
    assert_eq!(own.is(StatusCode::CREATED).json()["clientId"], "c-2");
}

#[tokio::test]
async fn history_is_read_in_both_directions_without_a_hole() {
    let server = Server::start();
    let room = server.open(KIM).await;
    for number in 1..=25 {
        server.send(KIM, &room, &format!("m{number}")).await;
    }
    let read = async |query: &str| {
        let page = server.call(KIM, "GET", &format!("{MESSAGES}{query}")).await;
        let page = page.is(StatusCode::OK).json();
        let seqs: Vec<_> = page["messages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|message| message["seq"].as_u64().unwrap())
            .collect();
        (seqs, page["hasMore"].as_bool().unwrap())
    };
    assert_eq!(read("").await, ((6..=25).collect(), true));
    assert_eq!(read("?before=6").await, ((1..=5).collect(), false));
    assert_eq!(read("?before=6&limit=2").await, (vec![4, 5], true));
    assert_eq!(read("?after=0&limit=3").await, (vec![1, 2, 3], true));
    assert_eq!(read("?after=22").await, (vec![23, 24, 25], false));
    assert_eq!(read("?after=25").await, (vec![], false));
    assert_eq!(read("?before=0").await, (vec![], false));
    assert_eq!(read("?limit=200").await, ((1..=25).collect(), false));
}

#[tokio::test]
async fn a_page_of_a_log_names_what_to_go_on_with_until_nothing_is_left() {
    let server = Server::start();
    let room = server.open(KIM).await;
    for number in 1..=5 {
        server.send(KIM, &room, &format!("m{number}")).await;
    }
    for (begin, by) in [("", "before"), ("&after=0", "after")] {
        let mut seen = Vec::new();
        let mut place = begin.to_owned();
        loop {
            let path = format!("{MESSAGES}?limit=2{place}");
            let page = server.call(KIM, "GET", &path).await;
            let page = page.is(StatusCode::OK).json();
            let messages = page["messages"].as_array().unwrap();
            seen.extend(messages.iter().map(|message| message["seq"].clone()));
            assert_eq!(page["hasMore"], json!(page["next"].is_number()), "{page}");
            if page["hasMore"] == false {
                break;
            }
            place = format!("&{by}={}", page["next"]);
        }
        seen.sort_by_key(serde_json::Value::as_u64);
        assert_eq!(seen, [1, 2, 3, 4, 5], "{by}");
    }
}

#[tokio::test]
async fn a_bad_parameter_gets_parameter_invalid() {
    let server = Server::start();
    server.open(KIM).await;
    for query in [
        "?before=1&after=1",
        "?limit=0",
        "?limit=201",
        "?limit=-1",
        "?before=x",
        "?after=1&after=2",
        "?before=99999999999999999999",
    ] {
        let answer = server.call(KIM, "GET", &format!("{MESSAGES}{query}")).await;
        answer.is_problem(Code::ParameterInvalid);
    }
    for (query, detail) in [
        (
            "?before=x",
            "the query parameter before has a value that is not valid",
        ),
        (
            "?after=1&after=2",
            "the query parameters are not valid: duplicate field `after`",
        ),
        (
            "?only=events",
            "the query parameter only: expected `messages`",
        ),
    ] {
        let answer = server.call(KIM, "GET", &format!("{MESSAGES}{query}")).await;
        let problem = answer.is_problem(Code::ParameterInvalid);
        assert_eq!(problem["detail"], detail, "{query}");
    }
    let missing = server.call(KIM, "GET", "/api/v1/search").await;
    let problem = missing.is_problem(Code::ParameterInvalid);
    assert_eq!(
        problem["detail"],
        "the query parameters are not valid: missing field `q`"
    );
    let too_long = format!("/api/v1/rooms/{}", "x".repeat(256));
    for path in ["/api/v1/rooms/%ff", "/api/v1/rooms/a%0Ab", &too_long] {
        let answer = server.call(KIM, "GET", path).await;
        answer.is_problem(Code::ParameterInvalid);
    }
}

#[tokio::test]
async fn the_first_message_to_ones_own_support_room_opens_it() {
    let server = Server::start();
    let body = r#"{"text":"hello","clientId":"c-1"}"#;
    for user in ["user/kim", "guest/visitor", "agent/choi"] {
        let path = format!(
            "/api/v1/rooms/{}/messages",
            &user[user.find('/').unwrap() + 1..]
        );
        let stranger = server.post("user/lee", &path, body).await;
        stranger.is_problem(Code::RoomNotFound);
        let sent = server.post(user, &path, body).await;
        let sent = sent.is(StatusCode::CREATED).json();
        assert_eq!(sent["sender"]["kind"], "customer", "{user}");
        let again = server.post(user, &path, body).await;
        assert_eq!(again.is(StatusCode::OK).json(), sent);
    }
    let other = "/api/v1/rooms/nobody/messages";
    server
        .post(KIM, other, body)
        .await
        .is_problem(Code::RoomNotFound);
}

#[tokio::test]
async fn a_bad_body_stores_nothing_and_says_what_is_wrong() {
    let server = Server::start();
    server.open(KIM).await;
    for (body, code) in [
        ("", Code::BodyInvalid),
        ("{", Code::BodyInvalid),
        (r#"{"message":"x"}"#, Code::BodyInvalid),
        (r#"{"text":7}"#, Code::BodyInvalid),
        (r#"{"text":"x","clientId":""}"#, Code::BodyInvalid),
        (r#"{"text":""}"#, Code::MessageInvalid),
        (r#"{"text":" \n\t\u3000"}"#, Code::MessageInvalid),
    ] {
        let answer = server.post(KIM, MESSAGES, body).await;
        answer.is_problem(code);
    }
    let long = json!({"text": "x".repeat(16 * 1024 + 1)}).to_string();
    server
        .post(KIM, MESSAGES, &long)
        .await
        .is_problem(Code::MessageInvalid);
    let huge = json!({"text": "x".repeat(64 * 1024)}).to_string();
    server
        .post(KIM, MESSAGES, &huge)
        .await
        .is_problem(Code::TooLarge);
    let plain = request(KIM, "POST", MESSAGES).header(header::CONTENT_TYPE, "text/plain");
    let plain = plain.body(Body::from(r#"{"text":"x"}"#)).unwrap();
    server.ask(plain).await.is_problem(Code::BodyInvalid);
    let page = server.call(KIM, "GET", MESSAGES).await.json();
    assert_eq!(page["head"]["lastSeq"], 0);
}

#[tokio::test]
async fn a_customer_who_leaves_takes_the_history_along() {
    let server = Server::start();
    let room = server.open(KIM).await;
    server.send(KIM, &room, "m").await;
    server
        .call(KIM, "DELETE", ROOM)
        .await
        .is(StatusCode::NO_CONTENT);
    server
        .call(KIM, "GET", ROOM)
        .await
        .is_problem(Code::RoomNotFound);
    server
        .call(KIM, "DELETE", ROOM)
        .await
        .is_problem(Code::RoomNotFound);
}

#[tokio::test]
async fn a_useless_token_is_told_apart_and_how_to_authenticate_is_said() {
    let server = Server::start();
    for (token, code) in [
        ("", Code::AuthenticationRequired),
        ("expired", Code::TokenExpired),
        ("rubbish", Code::TokenInvalid),
    ] {
        let answer = server.call(token, "GET", "/api/v1/rooms").await;
        answer.is_problem(code);
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
}

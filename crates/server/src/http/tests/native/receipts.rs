//! Read marks, who has read what, what is unread.

use axum::http::StatusCode;
use madang_domain::Code;
use serde_json::{Value, json};

use super::super::fixture::{Server, user};
use super::{KIM, LEE, PARK};

const MEMBERS: [&str; 3] = ["kim", "lee", "park"];

/// A room of three, in which Kim has sent three messages; the number of the first.
async fn room_of_three(server: &Server) -> (String, u64) {
    let body = json!({"kind": "group", "members": MEMBERS});
    let path = format!("/api/v1/rooms/{}", server.make_room(KIM, body).await);
    let mut last = 0;
    for _ in 0..3 {
        let send = server
            .say(
                KIM,
                ("POST", &format!("{path}/messages")),
                json!({"text": "m"}),
            )
            .await;
        let sent = send.is(StatusCode::CREATED).json();
        last = sent["seq"].as_u64().unwrap();
    }
    (path, last - 2)
}

async fn read(server: &Server, token: &str, path: &str, body: Value) -> Value {
    let answer = server
        .say(token, ("PUT", &format!("{path}/read")), body)
        .await;
    answer.is(StatusCode::OK).json()
}

#[tokio::test]
async fn a_mark_only_rises_and_at_most_to_the_newest_message() {
    let server = Server::start();
    let (path, first) = room_of_three(&server).await;
    let mark = read(&server, LEE, &path, json!({"seq": first + 1})).await;
    assert_eq!(mark["seq"], first + 1);
    let lower = read(&server, LEE, &path, json!({"seq": first})).await;
    assert_eq!(lower, mark);
    let higher = read(&server, LEE, &path, json!({"seq": 1_000_000})).await;
    assert_eq!(higher["seq"], first + 2);
    // By position, which names a life of the room.
    let again = read(&server, LEE, &path, json!({"position": mark["position"]})).await;
    assert_eq!(again, higher);
    let of_another_life = read(&server, PARK, &path, json!({"position": "1-3"})).await;
    assert_ne!(of_another_life["seq"], 3);
    for body in [
        json!({}),
        json!({"seq": 1, "position": "1-1"}),
        json!({"seq": -1}),
    ] {
        let answer = server
            .say(LEE, ("PUT", &format!("{path}/read")), body)
            .await;
        answer.is_problem(Code::BodyInvalid);
    }
    let wrong = server
        .say(
            LEE,
            ("PUT", &format!("{path}/read")),
            json!({"position": "x"}),
        )
        .await;
    wrong.is_problem(Code::PositionInvalid);
}

#[tokio::test]
async fn receipts_tell_of_each_message_who_has_read_it() {
    let server = Server::start();
    let (path, first) = room_of_three(&server).await;
    read(&server, LEE, &path, json!({"seq": first + 1})).await;
    let (from, to) = (first, first + 2);
    let receipts = server
        .read(KIM, &format!("{path}/receipts?from={from}&to={to}"))
        .await;
    let count = |seq: u64, read_by, not_read_by| json!({"seq": seq, "readBy": read_by, "notReadBy": not_read_by});
    assert_eq!(
        receipts["counts"],
        json!([
            count(first, 1, 1),
            count(first + 1, 1, 1),
            count(first + 2, 0, 2)
        ])
    );
    let marks = receipts["marks"].as_array().unwrap();
    assert_eq!(marks.len(), 3);
    let lee = marks.iter().find(|mark| mark["user"] == "lee").unwrap();
    assert_eq!(lee["readSeq"], first + 1);
    // Numbers that nothing has are passed over.
    let beyond = server
        .read(KIM, &format!("{path}/receipts?from={to}&to={}", to + 199))
        .await;
    assert_eq!(beyond["counts"].as_array().unwrap().len(), 1);
    for query in [
        "",
        "?from=1",
        "?from=0&to=1",
        "?from=2&to=1",
        "?from=1&to=201",
        "?from=x&to=1",
    ] {
        let answer = server
            .call(KIM, "GET", &format!("{path}/receipts{query}"))
            .await;
        answer.is_problem(Code::ParameterInvalid);
    }
}

#[tokio::test]
async fn unread_counts_what_others_sent_in_every_room_and_the_inbox() {
    let server = Server::start();
    let nothing = json!({"total": 0, "rooms": [], "notifications": 0});
    assert_eq!(server.read(LEE, "/api/v1/unread").await, nothing);
    let (path, first) = room_of_three(&server).await;
    let id = path.rsplit('/').next().unwrap();
    let notification = madang_domain::Notification {
        kind: "x".into(),
        content: "x".into(),
        url: None,
        data: None,
    };
    let (shop, users) = (user("shop"), vec![user("lee")]);
    let notified = server.engine.notify(&shop, users, notification, None);
    notified.await.unwrap();
    let unread = server.read(LEE, "/api/v1/unread").await;
    let rooms = json!([{"id": id, "unread": 3}]);
    assert_eq!(
        unread,
        json!({"total": 3, "rooms": rooms, "notifications": 1})
    );
    let of_sender = server.read(KIM, "/api/v1/unread").await;
    assert_eq!(of_sender, nothing);
    read(&server, LEE, &path, json!({"seq": first + 1})).await;
    assert_eq!(server.read(LEE, "/api/v1/unread").await["total"], 1);
    let listed = server.read(LEE, "/api/v1/rooms").await;
    let room = &listed["rooms"][0];
    assert_eq!(
        (&room["unread"], &room["readSeq"]),
        (&json!(1), &json!(first + 1))
    );
}

//! Searching.

use axum::http::StatusCode;
use madang_domain::{Code, Command, Content, Draft, DraftGroup, RoomId, Timestamp};
use serde_json::{Value, json};

use super::super::fixture::{Server, caller};
use super::{KIM, LEE, PARK, column, read_all};

async fn group(server: &Server, token: &str, members: &[&str]) -> String {
    let body = json!({"kind": "group", "members": members});
    server.make_room(token, body).await
}

/// Sends at a moment of the test's choice.
async fn send_at(server: &Server, token: &str, room: &str, text: &str, micros: i64) {
    let sender = caller(token);
    let body = madang_domain::Body::new(text, None).unwrap();
    let room = RoomId::new(room).unwrap();
    let at = Timestamp::from_micros(micros);
    let draft = Draft::of(&sender, room, Content::Message(body), None, at);
    server
        .commit(Command::Send(DraftGroup::single(draft)))
        .await;
}

fn texts(found: &[Value]) -> Vec<&str> {
    let texts = column(found, "text").into_iter();
    texts.map(|text| text.as_str().unwrap()).collect()
}

#[tokio::test]
async fn messages_are_found_in_the_rooms_of_whoever_asks_and_in_no_others() {
    let server = Server::start();
    let both = group(&server, KIM, &["lee"]).await;
    let other = group(&server, PARK, &[]).await;
    send_at(&server, KIM, &both, "환불해 주세요", 1_000_000).await;
    send_at(&server, LEE, &both, "Refund please", 2_000_000).await;
    send_at(&server, PARK, &other, "환불 refund", 3_000_000).await;
    let search = async |token: &str, query: &str| {
        let found = server.read(token, &format!("/api/v1/search?{query}")).await;
        let found = found["messages"].as_array().unwrap().clone();
        texts(&found).join("|")
    };
    assert_eq!(search(KIM, "q=%ED%99%98%EB%B6%88").await, "환불해 주세요");
    assert_eq!(search(LEE, "q=ref").await, "Refund please");
    assert_eq!(search(PARK, "q=ref").await, "환불 refund");
    assert_eq!(search(KIM, "q=nothing").await, "");
    let in_room = format!("q=ref&room={both}");
    assert_eq!(search(KIM, &in_room).await, "Refund please");
    let refused = server
        .call(PARK, "GET", &format!("/api/v1/search?{in_room}"))
        .await;
    refused.is_problem(Code::NotYourRoom);
    let nowhere = server
        .call(PARK, "GET", "/api/v1/search?q=x&room=nowhere")
        .await;
    nowhere.is_problem(Code::RoomNotFound);
}

#[tokio::test]
async fn what_is_found_comes_newest_first_in_pages_that_lose_nothing_of_one_moment() {
    let server = Server::start();
    let room = group(&server, KIM, &[]).await;
    // Moments with one, two, three, … messages.
    let mut moments = Vec::new();
    for number in 0..15_i64 {
        let moment = (1..).scan(0, |sum, n| {
            *sum += n;
            Some(*sum)
        });
        let moment = moment.take_while(|sum| *sum <= number).count();
        moments.push(i64::try_from(moment).unwrap());
    }
    for (number, moment) in moments.iter().enumerate() {
        let text = format!("word {number}");
        send_at(&server, KIM, &room, &text, (moment + 1) * 1_000_000).await;
    }
    let all = server.read(KIM, "/api/v1/search?q=word&limit=200").await;
    let all = all["messages"].as_array().unwrap().clone();
    assert_eq!(all.len(), 15);
    let sent: Vec<_> = column(&all, "sentAt")
        .iter()
        .map(|at| at.to_string())
        .collect();
    assert!(sent.is_sorted_by(|a, b| a >= b));
    for limit in [5, 6, 14, 15] {
        let path = format!("/api/v1/search?q=word&limit={limit}");
        let paged = read_all(&server, KIM, &path, "messages").await;
        assert_eq!(paged, all, "{limit}");
    }
}

#[tokio::test]
async fn a_deleted_message_is_not_found() {
    let server = Server::start();
    let room = group(&server, KIM, &[]).await;
    let path = format!("/api/v1/rooms/{room}/messages");
    let sent = server
        .say(KIM, ("POST", &path), json!({"text": "secret"}))
        .await;
    let seq = sent.is(StatusCode::CREATED).json()["seq"].clone();
    let found = server.read(KIM, "/api/v1/search?q=secret").await;
    assert_eq!(found["messages"].as_array().unwrap().len(), 1);
    let deleted = server.call(KIM, "DELETE", &format!("{path}/{seq}")).await;
    deleted.is(StatusCode::NO_CONTENT);
    let found = server.read(KIM, "/api/v1/search?q=secret").await;
    assert_eq!(found["messages"], json!([]));
}

#[tokio::test]
async fn what_cannot_be_looked_for_is_refused() {
    let server = Server::start();
    let long = format!("?q={}", "x".repeat(257));
    for query in [
        "",
        "?q=",
        "?q=!%3F",
        &long,
        "?q=a+b+c+d+e+f+g+h+i",
        "?q=x&room=",
        "?q=x&before=x",
        "?q=x&limit=0",
        "?q=x&limit=201",
    ] {
        let answer = server
            .call(KIM, "GET", &format!("/api/v1/search{query}"))
            .await;
        answer.is_problem(Code::ParameterInvalid);
    }
}

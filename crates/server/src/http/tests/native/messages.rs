//! One message, and messages without what happened between them.

use axum::body::Body;
use axum::http::{StatusCode, header};
use madang_domain::Code;
use serde_json::{Value, json};

use super::super::fixture::{Server, request};
use super::{KIM, LEE, column};

async fn group(server: &Server) -> String {
    let body = json!({"kind": "group", "members": ["lee"]});
    format!("/api/v1/rooms/{}", server.make_room(KIM, body).await)
}

async fn send(server: &Server, token: &str, path: &str, text: &str) -> u64 {
    let sent = server
        .say(
            token,
            ("POST", &format!("{path}/messages")),
            json!({"text": text}),
        )
        .await;
    sent.is(StatusCode::CREATED).json()["seq"].as_u64().unwrap()
}

#[tokio::test]
async fn an_edited_message_reads_as_it_is_now_and_its_edit_is_an_entry() {
    let server = Server::start();
    let path = group(&server).await;
    let seq = send(&server, LEE, &path, "하나").await;
    let message = format!("{path}/messages/{seq}");
    let edit = json!({"text": "둘", "data": {"a": 1}, "clientId": "e-1"});
    let edited = server.say(LEE, ("PATCH", &message), &edit).await;
    let now = edited.is(StatusCode::OK).json();
    assert_eq!((&now["seq"], &now["text"]), (&json!(seq), &json!("둘")));
    assert_eq!(now["data"], json!({"a": 1}));
    assert!(now["editedAt"].is_string());
    // Safe to repeat.
    let again = server.say(LEE, ("PATCH", &message), &edit).await;
    assert_eq!(again.is(StatusCode::OK).json(), now);
    assert_eq!(server.read(KIM, &message).await, now);
    let log = server
        .read(KIM, &format!("{path}/messages?after={seq}"))
        .await;
    let entries = log["messages"].as_array().unwrap();
    assert_eq!(column(entries, "type"), ["edited"]);
    assert_eq!(entries[0]["target"], json!(seq));
}

#[tokio::test]
async fn a_message_is_changed_by_its_sender_or_a_moderator_and_by_nobody_else() {
    let server = Server::start();
    let path = group(&server).await;
    let of_kim = format!("{path}/messages/{}", send(&server, KIM, &path, "m").await);
    let of_lee = format!("{path}/messages/{}", send(&server, LEE, &path, "m").await);
    let edit = json!({"text": "x"});
    let refused = server.say(LEE, ("PATCH", &of_kim), &edit).await;
    refused.is_problem(Code::RoleRequired);
    let refused = server.call(LEE, "DELETE", &of_kim).await;
    refused.is_problem(Code::RoleRequired);
    let by_owner = server.say(KIM, ("PATCH", &of_lee), &edit).await;
    by_owner.is(StatusCode::OK);
    let by_owner = server.call(KIM, "DELETE", &of_lee).await;
    by_owner.is(StatusCode::NO_CONTENT);
    for body in [json!({}), json!({"text": 7}), json!({"clientId": "x"})] {
        let answer = server.say(KIM, ("PATCH", &of_kim), body).await;
        answer.is_problem(Code::BodyInvalid);
    }
    let empty = server
        .say(KIM, ("PATCH", &of_kim), json!({"text": ""}))
        .await;
    empty.is_problem(Code::MessageInvalid);
}

#[tokio::test]
async fn a_deleted_message_keeps_its_place_and_a_named_deletion_is_safe_to_repeat() {
    let server = Server::start();
    let path = group(&server).await;
    let seq = send(&server, LEE, &path, "secret").await;
    let message = format!("{path}/messages/{seq}");
    let deletion = format!("{message}?clientId=d-1");
    for _ in 0..2 {
        let deleted = server.call(LEE, "DELETE", &deletion).await;
        deleted.is(StatusCode::NO_CONTENT);
    }
    let by_header = request(LEE, "DELETE", &message).header("Idempotency-Key", "d-1");
    let by_header = server.ask(by_header.body(Body::empty()).unwrap()).await;
    by_header.is(StatusCode::NO_CONTENT);
    let unnamed = server.call(LEE, "DELETE", &message).await;
    unnamed.is_problem(Code::MessageNotFound);
    let now = server.read(KIM, &message).await;
    assert_eq!((&now["text"], &now["seq"]), (&json!(""), &json!(seq)));
    assert!(now["deletedAt"].is_string());
    let log = server.read(KIM, &format!("{path}/messages")).await;
    assert!(!log.to_string().contains("secret"));
    let edit = server
        .say(LEE, ("PATCH", &message), json!({"text": "x"}))
        .await;
    edit.is_problem(Code::MessageNotFound);
    let wrong = server
        .call(LEE, "DELETE", &format!("{message}?clientId="))
        .await;
    wrong.is_problem(Code::ParameterInvalid);
}

#[tokio::test]
async fn a_number_that_no_message_has_is_told_apart_from_one_that_none_can_have() {
    let server = Server::start();
    let path = group(&server).await;
    let absent = server
        .call(KIM, "GET", &format!("{path}/messages/99"))
        .await;
    absent.is_problem(Code::MessageNotFound);
    for seq in ["0", "-1", "+1", "x", "1.0", "99999999999999999999", "%ff"] {
        let answer = server
            .call(KIM, "GET", &format!("{path}/messages/{seq}"))
            .await;
        answer.is_problem(Code::ParameterInvalid);
    }
}

#[tokio::test]
async fn structured_content_goes_out_as_it_came() {
    let server = Server::start();
    let path = format!("{}/messages", group(&server).await);
    let body = r#"{"data":{"b": 1.50, "a":[ ]}}"#;
    let sent = server.say(KIM, ("POST", &path), body).await;
    assert_eq!(sent.is(StatusCode::CREATED).json()["text"], "");
    let log = server.call(LEE, "GET", &path).await;
    assert!(log.text().contains(r#""data":{"b": 1.50, "a":[ ]}"#));
}

/// Messages with events between them, and the numbers of the messages.
async fn crowded(server: &Server) -> (String, Vec<Value>) {
    let path = group(server).await;
    let mut said = Vec::new();
    for number in 0..12 {
        let seq = send(server, LEE, &path, &number.to_string()).await;
        said.push(json!(seq));
        for _ in 0..(number % 4) * 30 {
            let title = json!({"title": seq.to_string() + "x".repeat(said.len()).as_str()});
            let none = json!({"title": null});
            for change in [title, none] {
                let edited = server.say(KIM, ("PATCH", &path), change).await;
                edited.is(StatusCode::OK);
            }
        }
    }
    (path, said)
}

#[tokio::test]
async fn a_page_of_messages_alone_is_full_however_much_happened_between_them() {
    let server = Server::start();
    let (path, said) = crowded(&server).await;
    let only = format!("{path}/messages?only=messages&limit=5");
    let page = server.read(KIM, &only).await;
    let newest = column(page["messages"].as_array().unwrap(), "seq");
    assert_eq!(newest, said[7..].iter().collect::<Vec<_>>());
    assert_eq!(page["hasMore"], true);
    for (begin, by) in [(String::new(), "before"), ("&after=0".to_owned(), "after")] {
        let mut seen = Vec::new();
        let mut place = begin;
        loop {
            let page = server.read(KIM, &format!("{only}{place}")).await;
            let seqs = column(page["messages"].as_array().unwrap(), "seq");
            let seqs: Vec<Value> = seqs.into_iter().cloned().collect();
            assert!(seqs.is_sorted_by_key(|seq| seq.as_u64()));
            match by {
                "before" => seen.splice(0..0, seqs).for_each(drop),
                _ => seen.extend(seqs),
            }
            assert_eq!(page["hasMore"], json!(page["next"].is_number()));
            if page["hasMore"] == false {
                break;
            }
            place = format!("&{by}={}", page["next"]);
        }
        assert_eq!(seen, said, "{by}");
    }
    let wrong = server
        .call(KIM, "GET", &format!("{path}/messages?only=events"))
        .await;
    wrong.is_problem(Code::ParameterInvalid);
}

#[tokio::test]
async fn an_edit_without_a_json_body_changes_nothing() {
    let server = Server::start();
    let path = group(&server).await;
    let message = format!("{path}/messages/{}", send(&server, LEE, &path, "m").await);
    let plain = request(LEE, "PATCH", &message).header(header::CONTENT_TYPE, "text/plain");
    let plain = plain.body(Body::from(r#"{"text":"x"}"#)).unwrap();
    server.ask(plain).await.is_problem(Code::BodyInvalid);
    assert_eq!(server.read(LEE, &message).await["text"], "m");
}

#[tokio::test]
async fn whoever_writes_where_they_only_read_is_told_to_join() {
    let server = Server::start();
    let open = json!({"kind": "open", "title": "walks"});
    let path = format!("/api/v1/rooms/{}", server.make_room(KIM, open).await);
    let messages = format!("{path}/messages");
    let write = async || {
        let written = server.say(LEE, ("POST", &messages), json!({"text": "hi"}));
        written.await
    };
    let problem = write().await.is_problem(Code::NotYourRoom);
    assert_eq!(problem["detail"], "join the room first");
    let removed = format!("{path}/members/lee");
    server.call(LEE, "POST", &format!("{path}/join")).await;
    write().await.is(StatusCode::CREATED);
    server
        .call(KIM, "DELETE", &removed)
        .await
        .is(StatusCode::NO_CONTENT);
    let problem = write().await.is_problem(Code::NotYourRoom);
    assert_ne!(
        problem["detail"], "join the room first",
        "it would not help"
    );
}

#[tokio::test]
async fn whoever_changes_a_deleted_message_is_told_that_it_was_deleted() {
    let server = Server::start();
    let group = json!({"kind": "group", "title": "g"});
    let path = format!(
        "/api/v1/rooms/{}/messages",
        server.make_room(KIM, group).await
    );
    let sent = server
        .say(KIM, ("POST", &path), json!({"text": "hi"}))
        .await;
    let seq = sent.is(StatusCode::CREATED).json()["seq"].clone();
    let one = format!("{path}/{seq}");
    server
        .call(KIM, "DELETE", &one)
        .await
        .is(StatusCode::NO_CONTENT);
    let edited = server
        .say(KIM, ("PATCH", &one), json!({"text": "ho"}))
        .await;
    let problem = edited.is_problem(Code::MessageNotFound);
    assert_eq!(problem["detail"], "the message was deleted");
    let other = format!("{path}/{}", seq.as_u64().unwrap() + 10);
    let edited = server
        .say(KIM, ("PATCH", &other), json!({"text": "ho"}))
        .await;
    let problem = edited.is_problem(Code::MessageNotFound);
    assert_eq!(problem["detail"], "there is no such message");
}

//! Notifications: the list, and the stream's head.

use axum::body::Body;
use axum::http::StatusCode;
use madang_domain::{Notification, UserId};
use serde_json::{Value, json};

use super::super::fixture::{Server, request};
use super::{KIM, LEE, is_said, json_of};

#[tokio::test]
async fn notifications_are_listed_newest_first_marked_and_deleted_one_by_one() {
    let server = Server::start();
    let path = "/api/notifications";
    assert_eq!(json_of(&server, KIM, path).await, json!([]));
    let shop = UserId::new("shop").unwrap();
    for text in ["하나", "둘", "셋"] {
        let notification = Notification {
            kind: "order.shipped".into(),
            content: text.into(),
            url: (text == "하나").then(|| "/orders/1".into()),
            data: None,
        };
        let users = vec![UserId::new("kim").unwrap()];
        server
            .engine
            .notify(&shop, users, notification)
            .await
            .unwrap();
    }
    let list = async || {
        json_of(&server, KIM, path)
            .await
            .as_array()
            .unwrap()
            .clone()
    };
    let texts = |list: &[Value]| -> Vec<String> {
        list.iter()
            .map(|one| one["content"].as_str().unwrap().to_owned())
            .collect()
    };
    let before = list().await;
    assert_eq!(texts(&before), ["셋", "둘", "하나"]);
    assert_eq!(
        (&before[0]["url"], &before[2]["url"]),
        (&Value::Null, &json!("/orders/1"))
    );
    let keys: Vec<_> = before[0].as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        ["content", "createdAt", "id", "isRead", "type", "url"]
    );

    let second = format!("{path}/{}", before[1]["id"]);
    for _ in 0..2 {
        let read = server.call(KIM, "PATCH", &second).await;
        is_said(&read, 200, "알림 읽음 처리 성공");
    }
    let flags: Vec<_> = list()
        .await
        .iter()
        .map(|one| one["isRead"].clone())
        .collect();
    assert_eq!(flags, [json!(false), json!(true), json!(false)]);

    for token in [LEE, "admin/root"] {
        let missing = server.call(token, "DELETE", &second).await;
        is_said(&missing, 404, "존재하지 않는 알림입니다.");
    }
    let gone = server.call(KIM, "DELETE", &second).await;
    is_said(&gone, 200, "알림 삭제 성공");
    assert_eq!(texts(&list().await), ["셋", "하나"]);
    for method in ["PATCH", "DELETE"] {
        let missing = server.call(KIM, method, &second).await;
        is_said(&missing, 404, "존재하지 않는 알림입니다.");
    }
}

#[tokio::test]
async fn an_answer_of_the_stream_of_notifications_is_one_whatever_id_comes_back() {
    let server = Server::start();
    for last in [
        "",
        "kim_1696436490123",
        "lee_1696436490123456000000000000001",
        "\u{d55c}",
    ] {
        let request =
            request(KIM, "GET", "/api/notifications/connect").header("last-event-id", last);
        let answer = server.ask(request.body(Body::empty()).unwrap()).await;
        answer.is(StatusCode::OK);
        assert_eq!(answer.header("content-type"), "text/event-stream");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
}

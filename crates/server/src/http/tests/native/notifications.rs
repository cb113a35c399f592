//! The inbox.

use axum::http::StatusCode;
use madang_domain::{Code, Notification};
use serde_json::{Value, json};

use super::super::fixture::{Server, user};
use super::{KIM, LEE, column};

const INBOX: &str = "/api/v1/notifications";

async fn notify(server: &Server, content: &str) {
    let notification = Notification {
        kind: "order.shipped".into(),
        content: content.into(),
        url: Some("/orders/7".into()),
        data: Some(r#"{"order":7}"#.into()),
    };
    let (shop, users) = (user("shop"), vec![user("kim")]);
    let notified = server.engine.notify(&shop, users, notification);
    notified.await.unwrap();
}

fn ids(page: &Value) -> Vec<u64> {
    let ids = column(page["notifications"].as_array().unwrap(), "id");
    ids.into_iter().map(|id| id.as_u64().unwrap()).collect()
}

#[tokio::test]
async fn an_inbox_is_read_in_pages_newest_first() {
    let server = Server::start();
    let empty = json!({"notifications": [], "page": 1, "size": 20, "total": 0, "unread": 0});
    assert_eq!(server.read(KIM, INBOX).await, empty);
    for number in 1..=5 {
        notify(&server, &number.to_string()).await;
    }
    let first = server.read(KIM, &format!("{INBOX}?size=2")).await;
    assert_eq!(ids(&first), [5, 4]);
    assert_eq!((&first["total"], &first["unread"]), (&json!(5), &json!(5)));
    let one = &first["notifications"][0];
    assert_eq!(
        (&one["type"], &one["content"], &one["url"], &one["data"]),
        (
            &json!("order.shipped"),
            &json!("5"),
            &json!("/orders/7"),
            &json!({"order": 7})
        )
    );
    assert_eq!(one["readAt"], json!(null));
    let third = server.read(KIM, &format!("{INBOX}?page=3&size=2")).await;
    assert_eq!(ids(&third), [1]);
    let past = server.read(KIM, &format!("{INBOX}?page=4&size=2")).await;
    assert_eq!(ids(&past), [0; 0]);
    assert_eq!(server.read(LEE, INBOX).await, empty, "it is another's");
    for query in ["?page=0", "?page=x", "?size=0", "?size=201"] {
        let answer = server.call(KIM, "GET", &format!("{INBOX}{query}")).await;
        answer.is_problem(Code::ParameterInvalid);
    }
}

#[tokio::test]
async fn notifications_are_read_one_by_one_or_up_to_one() {
    let server = Server::start();
    for number in 1..=4 {
        notify(&server, &number.to_string()).await;
    }
    let one = format!("{INBOX}/2");
    for _ in 0..2 {
        let read = server
            .say(KIM, ("PATCH", &one), json!({"read": true}))
            .await;
        read.is(StatusCode::NO_CONTENT);
    }
    let page = server.read(KIM, INBOX).await;
    assert_eq!(page["unread"], 3);
    assert!(page["notifications"][2]["readAt"].is_string());
    let up_to = format!("{INBOX}/read");
    let read = server.say(KIM, ("POST", &up_to), json!({"upTo": 3})).await;
    assert_eq!(read.is(StatusCode::OK).json(), json!({"changed": 2}));
    assert_eq!(server.read(KIM, INBOX).await["unread"], 1);
    let again = server.say(KIM, ("POST", &up_to), json!({"upTo": 3})).await;
    assert_eq!(again.is(StatusCode::OK).json(), json!({"changed": 0}));
    for body in [json!({"read": false}), json!({}), json!({"read": 1})] {
        let answer = server.say(KIM, ("PATCH", &one), body).await;
        answer.is_problem(Code::BodyInvalid);
    }
    let answer = server.say(KIM, ("POST", &up_to), json!({})).await;
    answer.is_problem(Code::BodyInvalid);
}

#[tokio::test]
async fn a_deleted_notification_is_gone_and_another_users_never_was_there() {
    let server = Server::start();
    for number in 1..=3 {
        notify(&server, &number.to_string()).await;
    }
    let one = format!("{INBOX}/2");
    let of_another = server.call(LEE, "DELETE", &one).await;
    of_another.is_problem(Code::NotificationNotFound);
    let deleted = server.call(KIM, "DELETE", &one).await;
    deleted.is(StatusCode::NO_CONTENT);
    let page = server.read(KIM, INBOX).await;
    assert_eq!((ids(&page), &page["unread"]), (vec![3, 1], &json!(2)));
    assert_eq!(page["total"], 2);
    let second = server.read(KIM, &format!("{INBOX}?page=2&size=1")).await;
    assert_eq!(ids(&second), [1], "pages are of what is there");
    let again = server.call(KIM, "DELETE", &one).await;
    again.is_problem(Code::NotificationNotFound);
    let read = server
        .say(KIM, ("PATCH", &one), json!({"read": true}))
        .await;
    read.is_problem(Code::NotificationNotFound);
    for id in ["0", "x", "-1"] {
        let answer = server.call(KIM, "DELETE", &format!("{INBOX}/{id}")).await;
        answer.is_problem(Code::ParameterInvalid);
    }
}

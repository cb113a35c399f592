//! What the host's back end does.

use axum::body::Body;
use axum::http::{StatusCode, header};
use madang_domain::Code;
use serde_json::{Value, json};

use super::fixture::{Answer, Server, request};

const USERS: &str = "service:users/shop";
const ROOMS: &str = "service:rooms/shop";
const MESSAGES: &str = "service:messages/shop";
const NOTIFY: &str = "service:notify/shop";
const KIM: &str = "user/kim";
const LEE: &str = "user/lee";
const BASE: &str = "/api/v1/host";

async fn make(server: &Server, body: Value) -> Answer {
    server
        .say(ROOMS, ("POST", &format!("{BASE}/rooms")), body)
        .await
}

async fn group(server: &Server) -> String {
    let body = json!({"kind": "group", "owner": "kim", "members": ["lee"]});
    let made = make(server, body).await;
    let id = made.is(StatusCode::CREATED).json()["id"].clone();
    id.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_key_without_the_scope_is_told_which_it_needs() {
    let server = Server::start();
    for (token, path, scope) in [
        (ROOMS, format!("{BASE}/users/kim"), "users"),
        (USERS, format!("{BASE}/rooms/kim"), "rooms"),
        (ROOMS, format!("{BASE}/rooms/kim/messages"), "messages"),
        (KIM, format!("{BASE}/rooms/kim"), "rooms"),
        ("admin/root", format!("{BASE}/users/kim"), "users"),
    ] {
        let answer = server.call(token, "GET", &path).await;
        let problem = answer.is_problem(Code::ScopeMissing);
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.ends_with(scope), "{detail}");
    }
    let answer = server.call("", "GET", &format!("{BASE}/users/kim")).await;
    answer.is_problem(Code::AuthenticationRequired);
}

#[tokio::test]
async fn users_are_kept_one_by_one_or_many_at_once() {
    let server = Server::start();
    let path = format!("{BASE}/users/kim");
    let nobody = server.call(USERS, "GET", &path).await;
    nobody.is_problem(Code::UserNotFound);
    let keep = async |body: Value| server.say(USERS, ("PUT", &path), body).await;
    let kept = keep(json!({"name": "Kim", "picture": "https://example.com/k.png"})).await;
    let user = kept.is(StatusCode::OK).json();
    let expected = json!({"id": "kim", "name": "Kim", "picture": "https://example.com/k.png"});
    assert_eq!(user, expected);
    let kept = keep(json!({"picture": null})).await;
    assert_eq!(
        kept.is(StatusCode::OK).json(),
        json!({"id": "kim", "name": "Kim"})
    );
    assert_eq!(
        server.read(USERS, &path).await,
        json!({"id": "kim", "name": "Kim"})
    );
    for body in [
        json!({"name": ""}),
        json!({"name": "x".repeat(256)}),
        json!({"name": "a\nb"}),
        json!({"picture": "x"}),
        json!({"picture": format!("https://example.com/{}", "x".repeat(2048))}),
        json!([]),
    ] {
        keep(body).await.is_problem(Code::BodyInvalid);
    }
    let many: Vec<_> = (0..1000)
        .map(|n| json!({"id": format!("user-{n}"), "name": format!("이름 {n}")}))
        .collect();
    let all = format!("{BASE}/users");
    let kept = server
        .say(USERS, ("POST", &all), json!({"users": many}))
        .await;
    assert_eq!(kept.is(StatusCode::OK).json(), json!({"kept": 1000}));
    let last = server.read(USERS, &format!("{BASE}/users/user-999")).await;
    assert_eq!(last["name"], "이름 999");
    let bad = json!({"users": [{"id": "x", "name": "X"}, {"id": "y", "name": ""}]});
    let refused = server.say(USERS, ("POST", &all), bad).await;
    refused.is_problem(Code::BodyInvalid);
    let none = server.call(USERS, "GET", &format!("{BASE}/users/x")).await;
    none.is_problem(Code::UserNotFound);
    for users in [json!([]), json!(vec![json!({"id": "x"}); 1001])] {
        let refused = server
            .say(USERS, ("POST", &all), json!({"users": users}))
            .await;
        refused.is_problem(Code::BodyInvalid);
    }
}

#[tokio::test]
async fn names_that_the_host_gives_are_shown_with_members() {
    let server = Server::start();
    let body = json!({"name": "이순신"});
    let kept = server
        .say(USERS, ("PUT", &format!("{BASE}/users/lee")), body)
        .await;
    kept.is(StatusCode::OK);
    let room = group(&server).await;
    let members = server
        .read(KIM, &format!("/api/v1/rooms/{room}/members"))
        .await;
    assert_eq!(members["members"][1]["name"], "이순신");
}

#[tokio::test]
async fn revoking_tells_up_to_when_tokens_are_refused() {
    let server = Server::start();
    let mut revocations = server.engine.subscribe_revocations();
    let path = format!("{BASE}/users/kim/revoke");
    let revoked = server.call(USERS, "POST", &path).await;
    let at = revoked.is(StatusCode::OK).json()["revokedAt"].clone();
    let user = server.read(USERS, &format!("{BASE}/users/kim")).await;
    assert_eq!(user["revokedAt"], at);
    assert_eq!(revocations.recv().await.unwrap().0.as_str(), "kim");
}

#[tokio::test]
async fn the_host_makes_rooms_for_people_and_finds_a_direct_one_again() {
    let server = Server::start();
    let body = json!({"kind": "direct", "members": ["kim", "lee"], "context": {"trade": 7}});
    let made = make(&server, body.clone()).await;
    let room = made.is(StatusCode::CREATED).json();
    let path = format!("{BASE}/rooms/{}", room["id"].as_str().unwrap());
    assert_eq!(made.header("location"), path);
    let found = make(&server, body).await;
    assert_eq!(found.is(StatusCode::OK).json()["id"], room["id"]);
    assert_eq!(server.read(ROOMS, &path).await["id"], room["id"]);
    let group = json!({"kind": "group", "members": ["kim", "lee"]});
    let made = make(&server, group).await;
    let room = made.is(StatusCode::CREATED).json();
    assert_eq!(room["owner"]["id"], "kim", "the first of them");
    for body in [
        json!({"kind": "group"}),
        json!({"kind": "direct", "members": ["kim"]}),
        json!({"kind": "support", "members": ["kim"]}),
        json!({"kind": "group", "owner": ""}),
        json!({"owner": "kim"}),
    ] {
        make(&server, body).await.is_problem(Code::BodyInvalid);
    }
}

#[tokio::test]
async fn the_host_edits_and_ends_rooms_of_members_and_only_looks_into_support_rooms() {
    let server = Server::start();
    let path = format!("{BASE}/rooms/{}", group(&server).await);
    let change = json!({"title": "x", "picture": "https://example.com/a.png"});
    let edited = server.say(ROOMS, ("PATCH", &path), change).await;
    assert_eq!(edited.is(StatusCode::OK).json()["title"], "x");
    let gone = server.call(ROOMS, "DELETE", &path).await;
    gone.is(StatusCode::NO_CONTENT);
    let none = server.call(ROOMS, "GET", &path).await;
    none.is_problem(Code::RoomNotFound);
    server.open(KIM).await;
    let support = format!("{BASE}/rooms/kim");
    assert_eq!(server.read(ROOMS, &support).await["kind"], "support");
    for (method, body) in [("DELETE", json!(null)), ("PATCH", json!({"title": "x"}))] {
        let refused = server.say(ROOMS, (method, &support), body).await;
        refused.is_problem(Code::NotYourRoom);
    }
}

#[tokio::test]
async fn the_host_adds_and_removes_a_thousand_members_by_one_request() {
    let server = Server::start();
    let path = format!("{BASE}/rooms/{}/members", group(&server).await);
    let many: Vec<_> = (0..1000).map(|n| format!("member-{n}")).collect();
    let body = json!({"members": many});
    let added = server.say(ROOMS, ("POST", &path), &body).await;
    assert_eq!(added.is(StatusCode::OK).json(), json!({"added": 1000}));
    let page = server.read(ROOMS, &format!("{path}?limit=200")).await;
    assert_eq!(page["members"].as_array().unwrap().len(), 200);
    assert_eq!(page["next"], page["members"][199]["id"]);
    let remove = format!("{path}/remove");
    let removed = server.say(ROOMS, ("POST", &remove), &body).await;
    assert_eq!(removed.is(StatusCode::OK).json(), json!({"removed": 1000}));
    let again = server.say(ROOMS, ("POST", &remove), &body).await;
    assert_eq!(again.is(StatusCode::OK).json(), json!({"removed": 0}));
    let page = server.read(ROOMS, &path).await;
    assert_eq!(page["members"].as_array().unwrap().len(), 2);
    assert_eq!(page["next"], json!(null));
    let nowhere = format!("{BASE}/rooms/nowhere/members/remove");
    let answer = server.say(ROOMS, ("POST", &nowhere), &body).await;
    answer.is_problem(Code::RoomNotFound);
    for body in [json!({}), json!({"members": []}), json!({"members": [""]})] {
        let answer = server.say(ROOMS, ("POST", &remove), body).await;
        answer.is_problem(Code::BodyInvalid);
    }
}

#[tokio::test]
async fn the_host_gives_roles() {
    let server = Server::start();
    let room = group(&server).await;
    let give = async |member: &str, role: &str| {
        let path = format!("{BASE}/rooms/{room}/members/{member}");
        server
            .say(ROOMS, ("PUT", &path), json!({"role": role}))
            .await
    };
    give("lee", "moderator").await.is(StatusCode::NO_CONTENT);
    give("kim", "member").await.is_problem(Code::RoleRequired);
    give("nobody", "member")
        .await
        .is_problem(Code::MemberNotFound);
    give("lee", "owner").await.is(StatusCode::NO_CONTENT);
    let found = server.read(ROOMS, &format!("{BASE}/rooms/{room}")).await;
    assert_eq!(found["owner"]["id"], "lee");
}

#[tokio::test]
async fn a_notice_is_stored_once_read_by_all_and_unread_for_nobody() {
    let server = Server::start();
    let room = group(&server).await;
    let path = format!("{BASE}/rooms/{room}/notices");
    let body = json!({"text": "배송이 시작되었습니다.", "clientId": "order-7"});
    let sent = server.say(MESSAGES, ("POST", &path), &body).await;
    let notice = sent.is(StatusCode::CREATED).json();
    assert_eq!(
        (&notice["type"], &notice["sender"]["kind"]),
        (&json!("notice"), &json!("host"))
    );
    let there = server.read(MESSAGES, sent.header("location")).await;
    assert_eq!(there["messages"], json!([notice]));
    let again = server.say(MESSAGES, ("POST", &path), &body).await;
    assert_eq!(again.is(StatusCode::OK).json(), notice);
    let log = server
        .read(LEE, &format!("/api/v1/rooms/{room}/messages?only=messages"))
        .await;
    assert_eq!(log["messages"], json!([notice]));
    assert_eq!(server.read(LEE, "/api/v1/unread").await["total"], 0);
    let nowhere = format!("{BASE}/rooms/nowhere/notices");
    let answer = server.say(MESSAGES, ("POST", &nowhere), &body).await;
    answer.is_problem(Code::RoomNotFound);
    let empty = server
        .say(MESSAGES, ("POST", &path), json!({"text": ""}))
        .await;
    empty.is_problem(Code::MessageInvalid);
}

#[tokio::test]
async fn the_host_reads_a_history_and_takes_messages_out_of_it() {
    let server = Server::start();
    let room = group(&server).await;
    let sent = server
        .say(
            LEE,
            ("POST", &format!("/api/v1/rooms/{room}/messages")),
            json!({"text": "spam"}),
        )
        .await;
    let seq = sent.is(StatusCode::CREATED).json()["seq"].clone();
    let path = format!("{BASE}/rooms/{room}/messages");
    let log = server.read(MESSAGES, &format!("{path}?limit=1")).await;
    assert_eq!(log["messages"][0]["text"], "spam");
    let deleted = server
        .call(MESSAGES, "DELETE", &format!("{path}/{seq}"))
        .await;
    deleted.is(StatusCode::NO_CONTENT);
    let log = server
        .read(LEE, &format!("/api/v1/rooms/{room}/messages"))
        .await;
    assert!(!log.to_string().contains("spam"));
    let again = server
        .call(MESSAGES, "DELETE", &format!("{path}/{seq}"))
        .await;
    again.is_problem(Code::MessageNotFound);
    let both = server
        .call(MESSAGES, "GET", &format!("{path}?before=1&after=1"))
        .await;
    both.is_problem(Code::ParameterInvalid);
}

#[tokio::test]
async fn a_repeated_notification_comes_once_to_each_user() {
    let server = Server::start();
    let path = format!("{BASE}/notifications");
    let by_header = |users: Value| {
        let body = json!({"users": users, "type": "order.shipped", "content": "출발"});
        let request = request(NOTIFY, "POST", &path)
            .header(header::CONTENT_TYPE, "application/json")
            .header("Idempotency-Key", "order-7");
        server.ask(request.body(Body::from(body.to_string())).unwrap())
    };
    // As after an error, when only some had been notified.
    for users in [json!(["kim"]), json!(["kim", "lee"]), json!(["kim", "lee"])] {
        let count = users.as_array().unwrap().len();
        let notified = by_header(users).await;
        let told = json!({"notified": count});
        assert_eq!(notified.is(StatusCode::OK).json(), told);
    }
    let by_body = json!({"users": ["kim", "lee"], "type": "order.shipped", "content": "출발",
        "clientId": "order-7"});
    let notified = server.say(NOTIFY, ("POST", &path), &by_body).await;
    notified.is(StatusCode::OK);
    for token in [KIM, LEE] {
        let inbox = server.read(token, "/api/v1/notifications").await;
        assert_eq!(inbox["total"], 1);
    }
}

#[tokio::test]
async fn a_notification_comes_into_each_inbox_once() {
    let server = Server::start();
    let path = format!("{BASE}/notifications");
    let body = json!({"users": ["kim", "lee", "kim"], "type": "order.shipped", "content": "출발",
        "url": "/orders/7", "data": {"order": 7}});
    let notified = server.say(NOTIFY, ("POST", &path), &body).await;
    assert_eq!(notified.is(StatusCode::OK).json(), json!({"notified": 2}));
    for token in [KIM, LEE] {
        let inbox = server.read(token, "/api/v1/notifications").await;
        assert_eq!(inbox["total"], 1);
        let one = &inbox["notifications"][0];
        assert_eq!(
            (&one["content"], &one["data"]),
            (&json!("출발"), &json!({"order": 7}))
        );
    }
    let with = |name: &str, value: Value| {
        let mut body = body.clone();
        body[name] = value;
        body
    };
    for body in [
        with("clientId", json!("")),
        with("users", json!([])),
        with("users", json!([""])),
        with("users", json!(vec!["x"; 1001])),
        with("type", json!("")),
        with("type", json!("x".repeat(65))),
        with("content", json!("x".repeat(4097))),
        with("url", json!("x".repeat(2049))),
        with("content", json!(7)),
    ] {
        let refused = server.say(NOTIFY, ("POST", &path), body).await;
        refused.is_problem(Code::BodyInvalid);
    }
}

//! The desk: its feed, its queue, giving back and handing over.

use axum::http::StatusCode;
use madang_domain::{Code, Role, UserChange};
use serde_json::{Value, json};

use super::super::fixture::{Server, user};
use super::{KIM, LEE, column};

const CHOI: &str = "agent/choi/Choi";
const JUNG: &str = "agent/jung/Jung";

async fn on_desk(server: &Server, token: &str, what: &str) -> u16 {
    let path = format!("/api/v1/desk/rooms/kim/{what}");
    server.call(token, "POST", &path).await.status
}

#[tokio::test]
async fn a_room_that_is_given_back_waits_in_its_old_place() {
    let server = Server::start();
    server.open(KIM).await;
    server.open(LEE).await;
    assert_eq!(on_desk(&server, CHOI, "claim").await, 200);
    assert_eq!(on_desk(&server, JUNG, "release").await, 403);
    assert_eq!(on_desk(&server, CHOI, "release").await, 204);
    let waiting = server.read(JUNG, "/api/v1/desk/waiting").await;
    let ids = column(waiting["rooms"].as_array().unwrap(), "id");
    assert_eq!(ids, ["kim", "lee"]);
    let lost = server.call(CHOI, "GET", "/api/v1/rooms/kim").await;
    lost.is_problem(Code::NotYourRoom);
}

#[tokio::test]
async fn a_room_is_handed_over_to_an_agent_who_has_come_before() {
    let server = Server::start();
    server.open(KIM).await;
    assert_eq!(on_desk(&server, CHOI, "claim").await, 200);
    let hand_over = async |to: Value| {
        let path = "/api/v1/desk/rooms/kim/hand-over";
        server.say(CHOI, ("POST", path), json!({"agent": to})).await
    };
    let nobody = hand_over(json!("jung")).await;
    let problem = nobody.is_problem(Code::AgentNotFound);
    assert_eq!(problem["detail"], "no agent of that id has signed in");
    hand_over(json!("")).await.is_problem(Code::BodyInvalid);
    hand_over(json!(7)).await.is_problem(Code::BodyInvalid);
    let jung = UserChange {
        id: user("jung"),
        name: Some(Some("Jung".into())),
        picture: None,
        role: Some(Role::Agent),
    };
    server.engine.upsert_users(vec![jung]).await.unwrap();
    hand_over(json!("jung")).await.is(StatusCode::NO_CONTENT);
    hand_over(json!("jung")).await.is_problem(Code::NotYourRoom);
    let mine = server.read(JUNG, "/api/v1/desk/mine").await;
    assert_eq!(
        mine["rooms"][0]["assignee"],
        json!({"id": "jung", "name": "Jung"})
    );
}

#[tokio::test]
async fn whoever_asks_over_rest_is_known_from_then_on() {
    let server = Server::start();
    server.open(KIM).await;
    assert_eq!(on_desk(&server, CHOI, "claim").await, 200);
    server.read(JUNG, "/api/v1/desk/waiting").await;
    let handed = async {
        let path = "/api/v1/desk/rooms/kim/hand-over";
        let body = json!({"agent": "jung"});
        while server.say(CHOI, ("POST", path), &body).await.status != 204 {
            tokio::task::yield_now().await;
        }
    };
    let limit = std::time::Duration::from_secs(30);
    tokio::time::timeout(limit, handed).await.unwrap();
}

#[tokio::test]
async fn the_feed_has_every_change_of_the_desk_in_order() {
    let server = Server::start();
    let begin = server.read(CHOI, "/api/v1/desk/feed").await["head"]["lastSeq"].clone();
    server.open(KIM).await;
    for what in ["claim", "release", "claim", "complete"] {
        assert!(on_desk(&server, CHOI, what).await < 300);
    }
    let left = server.call(KIM, "DELETE", "/api/v1/rooms/kim").await;
    left.is(StatusCode::NO_CONTENT);
    let path = format!("/api/v1/desk/feed?after={begin}&limit=4");
    let page = server.read(JUNG, &path).await;
    let mut entries = page["messages"].as_array().unwrap().clone();
    assert_eq!(page["hasMore"], true);
    let next = &page["next"];
    assert_eq!(*next, entries.last().unwrap()["seq"]);
    let rest = server
        .read(JUNG, &format!("/api/v1/desk/feed?after={next}"))
        .await;
    entries.extend(rest["messages"].as_array().unwrap().iter().cloned());
    assert_eq!(rest["hasMore"], false);
    assert_eq!(rest.get("next"), None);
    let kinds = column(&entries, "type");
    let expected = [
        "waiting",
        "assigned",
        "released",
        "assigned",
        "completed",
        "gone",
    ];
    assert_eq!(kinds, expected);
    assert!(entries.iter().all(|entry| entry["ofRoom"] == "kim"));
    assert!(entries.iter().all(|entry| entry["roomId"] == "desk"));
    let refused = server.call(KIM, "GET", "/api/v1/desk/feed").await;
    refused.is_problem(Code::AgentsOnly);
    let wrong = server.call(CHOI, "GET", "/api/v1/desk/feed?limit=0").await;
    wrong.is_problem(Code::ParameterInvalid);
}

#[tokio::test]
async fn a_customer_sees_how_many_come_before() {
    let server = Server::start();
    server.open(KIM).await;
    server.open(LEE).await;
    let queue = "/api/v1/rooms/lee/queue";
    assert_eq!(server.read(LEE, queue).await, json!({"ahead": 1}));
    assert_eq!(on_desk(&server, CHOI, "claim").await, 200);
    assert_eq!(server.read(LEE, queue).await, json!({"ahead": 0}));
    let served = server.read(KIM, "/api/v1/rooms/kim/queue").await;
    assert_eq!(served, json!({"ahead": null}));
    let refused = server.call(KIM, "GET", queue).await;
    refused.is_problem(Code::NotYourRoom);
}

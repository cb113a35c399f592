//! Who is online.

use std::time::Duration;

use madang_domain::Code;
use serde_json::json;

use super::super::fixture::{Server, user};
use super::{KIM, LEE, PARK};

#[tokio::test]
async fn presence_is_told_to_people_who_share_a_room_and_to_agents() {
    let server = Server::start();
    server
        .make_room(KIM, json!({"kind": "direct", "members": ["lee"]}))
        .await;
    server.engine.connected(&user("lee"));
    let path = "/api/v1/presence?users=nobody,lee";
    let online = async {
        loop {
            let known = server.read(KIM, path).await;
            if known["users"] != json!([]) {
                return known;
            }
            tokio::task::yield_now().await;
        }
    };
    let known = tokio::time::timeout(Duration::from_secs(30), online)
        .await
        .unwrap();
    assert_eq!(known["users"][0]["id"], "lee");
    assert_eq!(known["users"][0]["online"], true);
    assert!(known["users"][0]["at"].as_str().unwrap().ends_with('Z'));
    assert_eq!(server.read("agent/choi", path).await, known);
    assert_eq!(server.read(LEE, path).await, known, "of themselves");
    assert_eq!(server.read(PARK, path).await, json!({"users": []}));
}

#[tokio::test]
async fn who_is_asked_about_must_be_users_and_not_too_many() {
    let server = Server::start();
    let many: Vec<_> = (0..201).map(|n| n.to_string()).collect();
    let many = format!("?users={}", many.join(","));
    for query in ["", "?users=", "?users=a,", "?users=a%0Ab", &many] {
        let answer = server
            .call(KIM, "GET", &format!("/api/v1/presence{query}"))
            .await;
        answer.is_problem(Code::ParameterInvalid);
    }
}

//! The support desk, as an agent's console uses it.

use axum::http::StatusCode;
use madang_domain::Code;
use serde_json::json;

use super::fixture::Server;

const KIM: &str = "user/kim/Kim";
const LEE: &str = "agent/lee/Lee";
const PARK: &str = "agent/park/Park";
const CLAIM: &str = "/api/v1/desk/rooms/kim/claim";
const COMPLETE: &str = "/api/v1/desk/rooms/kim/complete";

#[tokio::test]
async fn a_claim_has_one_winner_and_the_others_are_told_who() {
    let server = Server::start();
    server.open(KIM).await;
    let waiting = server
        .call(PARK, "GET", "/api/v1/desk/waiting")
        .await
        .json();
    assert_eq!(waiting["rooms"][0]["id"], "kim");
    let won = server.call(LEE, "POST", CLAIM).await;
    let room = won.is(StatusCode::OK).json();
    assert_eq!(room["state"], "assigned");
    assert_eq!(room["assignee"], json!({"id": "lee", "name": "Lee"}));
    let again = server.call(LEE, "POST", CLAIM).await;
    assert_eq!(again.is(StatusCode::OK).json(), room);
    let lost = server.call(PARK, "POST", CLAIM).await;
    let problem = lost.is_problem(Code::RoomTaken);
    assert_eq!(problem["assignee"], json!({"id": "lee", "name": "Lee"}));
    let mine = server.call(LEE, "GET", "/api/v1/desk/mine").await.json();
    assert_eq!(mine, json!({"rooms": [room]}));
    let waiting = server
        .call(PARK, "GET", "/api/v1/desk/waiting")
        .await
        .json();
    assert_eq!(waiting, json!({"rooms": []}));
}

#[tokio::test]
async fn a_completed_room_leaves_the_list_and_waits_for_nobody_until_the_customer_writes() {
    let server = Server::start();
    let room = server.open(KIM).await;
    server.call(LEE, "POST", CLAIM).await.is(StatusCode::OK);
    server
        .call(LEE, "POST", COMPLETE)
        .await
        .is(StatusCode::NO_CONTENT);
    let mine = server.call(LEE, "GET", "/api/v1/desk/mine").await.json();
    assert_eq!(mine, json!({"rooms": []}));
    server
        .call(PARK, "POST", CLAIM)
        .await
        .is_problem(Code::RoomNotWaiting);
    server
        .call(LEE, "POST", COMPLETE)
        .await
        .is_problem(Code::NotYourRoom);
    server.send(KIM, &room, "one more thing").await;
    server.call(PARK, "POST", CLAIM).await.is(StatusCode::OK);
}

#[tokio::test]
async fn the_desk_is_closed_to_users() {
    let server = Server::start();
    server
        .call(KIM, "GET", "/api/v1/desk/waiting")
        .await
        .is_problem(Code::AgentsOnly);
    server
        .call(LEE, "POST", "/api/v1/desk/rooms/nobody/claim")
        .await
        .is_problem(Code::RoomNotFound);
}

//! Members: reading, adding, roles, removing, leaving.

use axum::http::StatusCode;
use madang_domain::Code;
use serde_json::{Value, json};

use super::super::fixture::Server;
use super::{KIM, LEE, PARK, column, read_all};

async fn group(server: &Server, kind: &str, members: &[&str]) -> String {
    let body = json!({"kind": kind, "members": members});
    format!("/api/v1/rooms/{}", server.make_room(KIM, body).await)
}

#[tokio::test]
async fn members_come_in_pages_in_the_order_of_their_ids_with_their_marks() {
    let server = Server::start();
    let names: Vec<_> = (0..7).map(|n| format!("m{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let path = group(&server, "group", &names).await;
    let all = read_all(&server, KIM, &format!("{path}/members?limit=3"), "members").await;
    let ids: Vec<Value> = std::iter::once("kim")
        .chain(names)
        .map(Value::from)
        .collect();
    assert_eq!(column(&all, "id"), ids.iter().collect::<Vec<_>>());
    let kim = &all[0];
    assert_eq!(
        (&kim["name"], &kim["role"]),
        (&json!("Kim"), &json!("owner"))
    );
    assert!(kim["joinedAt"].as_str().unwrap().ends_with('Z'));
    let send = (format!("{path}/messages"), json!({"text": "m"}));
    let sent = server.say(KIM, ("POST", &send.0), &send.1).await;
    let seq = sent.is(StatusCode::CREATED).json()["seq"].clone();
    let read = server
        .say(
            "user/m0",
            ("PUT", &format!("{path}/read")),
            json!({"seq": seq}),
        )
        .await;
    read.is(StatusCode::OK);
    let page = server
        .read(KIM, &format!("{path}/members?after=kim&limit=1"))
        .await;
    let m0 = &page["members"][0];
    assert_eq!((&m0["readSeq"], &m0["deliveredSeq"]), (&seq, &seq));
    assert_eq!(m0["online"], json!(null), "they have never come");
    for query in ["?after=", "?limit=0", "?limit=201", "?limit=x"] {
        let answer = server
            .call(KIM, "GET", &format!("{path}/members{query}"))
            .await;
        answer.is_problem(Code::ParameterInvalid);
    }
}

#[tokio::test]
async fn whoever_is_connected_is_shown_as_online() {
    let server = Server::start();
    let path = group(&server, "group", &["lee"]).await;
    let lee = super::super::fixture::user("lee");
    server.engine.connected(&lee);
    let members = format!("{path}/members");
    let online = async {
        loop {
            let page = server.read(KIM, &members).await;
            if page["members"][1]["online"] == json!(true) {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    let limit = std::time::Duration::from_secs(30);
    tokio::time::timeout(limit, online).await.unwrap();
}

#[tokio::test]
async fn people_are_added_once_and_by_whom_the_room_lets() {
    let server = Server::start();
    let path = group(&server, "group", &["lee"]).await;
    let add = async |token: &str, body: Value| {
        let path = format!("{path}/members");
        server.say(token, ("POST", &path), body).await
    };
    let added = add(LEE, json!({"members": ["park", "lee", "choi"]})).await;
    assert_eq!(added.is(StatusCode::OK).json(), json!({"added": 2}));
    let again = add(LEE, json!({"members": ["park"]})).await;
    assert_eq!(again.is(StatusCode::OK).json(), json!({"added": 0}));
    let moderator = json!({"members": ["jung"], "role": "moderator"});
    add(LEE, moderator.clone())
        .await
        .is_problem(Code::RoleRequired);
    let added = add(KIM, moderator).await;
    assert_eq!(added.is(StatusCode::OK).json(), json!({"added": 1}));
    let stranger = add("user/other", json!({"members": ["x"]})).await;
    stranger.is_problem(Code::NotYourRoom);
    let many: Vec<_> = (0..1001).map(|n| n.to_string()).collect();
    for body in [
        json!({}),
        json!({"members": []}),
        json!({"members": [""]}),
        json!({"members": many}),
        json!({"members": ["x"], "role": "king"}),
    ] {
        add(KIM, body).await.is_problem(Code::BodyInvalid);
    }
    let owner = json!({"members": ["x"], "role": "owner"});
    add(KIM, owner).await.is_problem(Code::RoleRequired);
}

#[tokio::test]
async fn a_thousand_people_are_added_by_one_request() {
    let server = Server::start();
    let path = group(&server, "group", &[]).await;
    let many: Vec<_> = (0..1000).map(|n| format!("member-{n}")).collect();
    let body = json!({"members": many});
    let added = server
        .say(KIM, ("POST", &format!("{path}/members")), body)
        .await;
    assert_eq!(added.is(StatusCode::OK).json(), json!({"added": 1000}));
    assert_eq!(server.read(KIM, &path).await["memberCount"], 1001);
}

#[tokio::test]
async fn the_owner_gives_roles_and_hands_the_room_over() {
    let server = Server::start();
    let path = group(&server, "group", &["lee", "park"]).await;
    let give = async |token: &str, member: &str, role: &str| {
        let path = format!("{path}/members/{member}");
        server
            .say(token, ("PUT", &path), json!({"role": role}))
            .await
    };
    give(KIM, "lee", "moderator")
        .await
        .is(StatusCode::NO_CONTENT);
    give(KIM, "lee", "moderator")
        .await
        .is(StatusCode::NO_CONTENT);
    give(LEE, "park", "moderator")
        .await
        .is_problem(Code::RoleRequired);
    give(KIM, "kim", "member")
        .await
        .is_problem(Code::RoleRequired);
    give(KIM, "nobody", "member")
        .await
        .is_problem(Code::MemberNotFound);
    give(KIM, "park", "king")
        .await
        .is_problem(Code::BodyInvalid);
    give(KIM, "park", "owner").await.is(StatusCode::NO_CONTENT);
    let members = server.read(KIM, &format!("{path}/members")).await;
    let roles = column(members["members"].as_array().unwrap(), "role");
    assert_eq!(roles, ["moderator", "moderator", "owner"]);
    assert_eq!(server.read(KIM, &path).await["owner"]["id"], "park");
}

#[tokio::test]
async fn who_was_removed_comes_back_only_when_a_moderator_adds_them() {
    let server = Server::start();
    let path = group(&server, "open", &["lee", "park"]).await;
    let member = |id: &str| format!("{path}/members/{id}");
    let refused = server.call(LEE, "DELETE", &member("park")).await;
    refused.is_problem(Code::RoleRequired);
    let removed = server.call(KIM, "DELETE", &member("park")).await;
    removed.is(StatusCode::NO_CONTENT);
    let again = server.call(KIM, "DELETE", &member("park")).await;
    again.is_problem(Code::MemberNotFound);
    for (method, what) in [("GET", ""), ("GET", "/messages"), ("POST", "/join")] {
        let refused = server.call(PARK, method, &format!("{path}{what}")).await;
        refused.is_problem(Code::NotYourRoom);
    }
    let back = json!({"members": ["park"]});
    let add = format!("{path}/members");
    let refused = server.say(LEE, ("POST", &add), &back).await;
    refused.is_problem(Code::RoleRequired);
    let added = server.say(KIM, ("POST", &add), &back).await;
    added.is(StatusCode::OK);
    let joined = server.call(PARK, "POST", &format!("{path}/join")).await;
    joined.is(StatusCode::OK);
}

#[tokio::test]
async fn a_room_goes_on_without_its_owner_and_ends_with_the_last_member() {
    let server = Server::start();
    let path = group(&server, "group", &["lee", "park"]).await;
    let leave = async |token: &str| {
        let path = format!("{path}/leave");
        server.call(token, "POST", &path).await
    };
    leave(KIM).await.is(StatusCode::NO_CONTENT);
    leave(KIM).await.is_problem(Code::NotYourRoom);
    assert_eq!(server.read(LEE, &path).await["owner"]["id"], "lee");
    leave(LEE).await.is(StatusCode::NO_CONTENT);
    leave(PARK).await.is(StatusCode::NO_CONTENT);
    leave(PARK).await.is_problem(Code::RoomNotFound);
}

#[tokio::test]
async fn who_was_there_already_is_brought_in_by_nobody() {
    let server = Server::with_added_max(3);
    let members = format!("{}/members", group(&server, "group", &["lee"]).await);
    let add = async |ids: &[&str]| {
        let body = json!({"members": ids});
        server.say(KIM, ("POST", &members), body).await
    };
    let direct = json!({"kind": "direct", "members": ["lee"]});
    for status in [StatusCode::CREATED, StatusCode::OK] {
        let made = server.say(KIM, ("POST", "/api/v1/rooms"), &direct).await;
        made.is(status);
    }
    add(&["lee"]).await.is(StatusCode::OK);
    add(&["park"]).await.is(StatusCode::OK);
    let refused = add(&["choi"]).await;
    refused.is_problem(Code::TooMany);
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!(wait > 24 * 60 * 60, "{wait}");
}

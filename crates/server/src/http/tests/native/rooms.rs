//! Rooms of members: making, listing, editing, ending, and their pictures.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::http::StatusCode;
use madang_domain::Code;
use serde_json::{Value, json};

use super::super::fixture::{Answer, Server};
use super::super::pictures::PNG;
use super::{KIM, LEE, PARK, column, read_all};

const ROOMS: &str = "/api/v1/rooms";
const OPEN_ROOMS: &str = "/api/v1/open-rooms";

#[tokio::test]
async fn a_group_has_its_maker_as_owner_and_is_listed_for_every_member() {
    let server = Server::start();
    let body = json!({"kind": "group", "title": "산책", "description": "매일", "context": {"b": 1, "a": 2},
        "picture": "https://example.com/a.png", "members": ["lee", "kim"]});
    let made = server.say(KIM, ("POST", ROOMS), body).await;
    let room = made.is(StatusCode::CREATED).json();
    let id = room["id"].as_str().unwrap();
    assert_eq!(made.header("location"), format!("{ROOMS}/{id}"));
    assert_eq!(room["owner"], json!({"id": "kim", "name": "Kim"}));
    assert_eq!(room["memberCount"], 2);
    assert_eq!(room["context"], json!({"a": 2, "b": 1}));
    assert_eq!(room["title"], "산책");
    for (token, role) in [(KIM, "owner"), (LEE, "member")] {
        let listed = server.read(token, ROOMS).await;
        assert_eq!(listed["rooms"][0]["id"], id);
        assert_eq!(listed["rooms"][0]["role"], role);
        assert_eq!(listed["next"], json!(null));
    }
    let path = format!("{ROOMS}/{id}");
    assert_eq!(server.read(LEE, &path).await["id"], id);
    let stranger = server.call(PARK, "GET", &path).await;
    stranger.is_problem(Code::NotYourRoom);
}

#[tokio::test]
async fn a_direct_room_is_there_once_for_its_pair_and_context() {
    let server = Server::start();
    let ask = async |token: &str, other: &str, context: serde_json::Value| {
        let body = json!({"kind": "direct", "members": [other], "context": context});
        let answer = server.say(token, ("POST", ROOMS), body).await;
        (answer.status, answer.json()["id"].clone())
    };
    let (status, id) = ask(KIM, "lee", json!({"item": 7})).await;
    assert_eq!(status, 201);
    assert_eq!(ask(KIM, "lee", json!({"item": 7})).await, (200, id.clone()));
    assert_eq!(ask(LEE, "kim", json!({"item": 7})).await, (200, id.clone()));
    let (status, other) = ask(LEE, "kim", json!(null)).await;
    assert_eq!(status, 201);
    assert_ne!(other, id);
}

#[tokio::test]
async fn ones_rooms_come_in_pages_without_gaps_and_repeats_newest_activity_first() {
    let server = Server::start();
    let mut made = Vec::new();
    for number in 0..7 {
        let body = json!({"kind": "group", "title": number.to_string()});
        made.push(json!(server.make_room(KIM, body).await));
    }
    server.make_room(LEE, json!({"kind": "group"})).await;
    let listed = read_all(&server, KIM, "/api/v1/rooms?limit=3", "rooms").await;
    made.reverse();
    assert_eq!(column(&listed, "id"), made.iter().collect::<Vec<_>>());
    let only = server.read(KIM, "/api/v1/rooms?kind=open").await;
    assert_eq!(only["rooms"], json!([]));
    for query in [
        "?after=x",
        "?after=1-x",
        "?limit=0",
        "?kind=desk",
        "?kind=x",
    ] {
        let answer = server.call(KIM, "GET", &format!("{ROOMS}{query}")).await;
        answer.is_problem(Code::ParameterInvalid);
    }
}

#[tokio::test]
async fn open_rooms_are_found_in_pages_and_joined_by_anybody() {
    let server = Server::start();
    let mut made = Vec::new();
    for number in 0..5 {
        let body = json!({"kind": "open", "title": number.to_string()});
        made.push(json!(server.make_room(KIM, body).await));
    }
    server.make_room(KIM, json!({"kind": "group"})).await;
    let found = read_all(&server, LEE, "/api/v1/open-rooms?limit=2", "rooms").await;
    made.reverse();
    assert_eq!(column(&found, "id"), made.iter().collect::<Vec<_>>());
    let path = format!("{ROOMS}/{}", found[0]["id"].as_str().unwrap());
    for _ in 0..2 {
        let joined = server.call(LEE, "POST", &format!("{path}/join")).await;
        assert_eq!(joined.is(StatusCode::OK).json()["memberCount"], 2);
    }
    for query in ["?after=x", "?after=-1", "?limit=201"] {
        let answer = server
            .call(KIM, "GET", &format!("{OPEN_ROOMS}{query}"))
            .await;
        answer.is_problem(Code::ParameterInvalid);
    }
}

#[tokio::test]
async fn the_owner_edits_a_room_and_null_takes_a_part_away() {
    let server = Server::start();
    let body = json!({"kind": "group", "title": "A", "description": "B", "members": ["lee"]});
    let path = format!("{ROOMS}/{}", server.make_room(KIM, body).await);
    let change = json!({"title": "C", "description": null, "context": [1]});
    let edited = server.say(KIM, ("PATCH", &path), &change).await;
    let room = edited.is(StatusCode::OK).json();
    assert_eq!(
        (&room["title"], &room["description"], &room["context"]),
        (&json!("C"), &json!(null), &json!([1]))
    );
    assert_eq!(server.read(LEE, &path).await, room);
    // What changes nothing is answered alike.
    let again = server.say(KIM, ("PATCH", &path), &change).await;
    assert_eq!(again.is(StatusCode::OK).json(), room);
    let refused = server.say(LEE, ("PATCH", &path), &change).await;
    refused.is_problem(Code::RoleRequired);
    for body in ["{}", "[]", r#"{"title":7}"#, ""] {
        let answer = server.say(KIM, ("PATCH", &path), body).await;
        answer.is_problem(Code::BodyInvalid);
    }
    let long = json!({"title": "x".repeat(513)});
    let answer = server.say(KIM, ("PATCH", &path), long).await;
    answer.is_problem(Code::BodyInvalid);
    assert_eq!(server.read(LEE, &path).await, room);
}

#[tokio::test]
async fn what_is_no_room_to_make_is_refused() {
    let server = Server::start();
    let many: Vec<_> = (0..1001).map(|n| n.to_string()).collect();
    for body in [
        json!({}),
        json!({"kind": "desk"}),
        json!({"kind": "inbox"}),
        json!({"kind": "party"}),
        json!({"kind": "direct"}),
        json!({"kind": "direct", "members": ["kim"]}),
        json!({"kind": "direct", "members": ["lee", "park"]}),
        json!({"kind": "group", "members": [""]}),
        json!({"kind": "group", "members": ["a\nb"]}),
        json!({"kind": "group", "members": many}),
        json!({"kind": "group", "title": "x".repeat(513)}),
        json!({"kind": "group", "title": "a\u{0}b"}),
        json!({"kind": "group", "picture": "javascript:alert(1)"}),
        json!({"kind": "group", "picture": "https://kim:secret@example.com/a.png"}),
        json!({"kind": "group", "picture": format!("https://example.com/{}", "x".repeat(2048))}),
        json!({"kind": "group", "picture": "/pictures/9f86d081884c7d659a2feaa0c55ad015.png"}),
        json!({"kind": "support", "title": "mine"}),
        json!({"kind": "support", "members": ["lee"]}),
    ] {
        let answer = server.say(KIM, ("POST", ROOMS), &body).await;
        let problem = answer.is_problem(Code::BodyInvalid);
        assert_eq!(problem["status"], 400, "{body}");
    }
    assert_eq!(server.read(KIM, ROOMS).await["rooms"], json!([]));
}

#[tokio::test]
async fn the_owner_ends_a_room_and_a_member_only_leaves_it() {
    let server = Server::start();
    let body = json!({"kind": "group", "members": ["lee"]});
    let path = format!("{ROOMS}/{}", server.make_room(KIM, body).await);
    let refused = server.call(LEE, "DELETE", &path).await;
    refused.is_problem(Code::RoleRequired);
    let ended = server.call(KIM, "DELETE", &path).await;
    ended.is(StatusCode::NO_CONTENT);
    for token in [KIM, LEE] {
        let gone = server.call(token, "GET", &path).await;
        gone.is_problem(Code::RoomNotFound);
    }
}

/// Where an upload is.
fn file(server: &Server, key: &str) -> PathBuf {
    server.directory().join("pictures/uploads").join(key)
}

/// Makes an upload so many hours old.
fn age(server: &Server, key: &str, hours: u64) {
    let then = SystemTime::now() - Duration::from_secs(hours * 60 * 60);
    let file = File::options().write(true).open(file(server, key)).unwrap();
    file.set_modified(then).unwrap();
}

async fn sweep(server: &Server) {
    let state = server.state();
    let retire = async |links: &[Arc<str>]| state.engine.retire_uploads(links).await;
    state.pictures.sweep(retire).await;
}

fn with(key: &str) -> Value {
    json!({"kind": "group", "picture": format!("/pictures/{key}")})
}

/// Waits until a picture is gone.
async fn is_removed(server: &Server, key: &str) {
    let path = format!("/pictures/{key}");
    let gone = async {
        while server.call("", "GET", &path).await.status != 404 {
            tokio::task::yield_now().await;
        }
    };
    let limit = Duration::from_secs(30);
    tokio::time::timeout(limit, gone).await.unwrap();
}

#[tokio::test]
async fn a_room_takes_its_upload_for_itself_and_lets_go_of_it_with_the_next_or_its_end() {
    let server = Server::start();
    let (first, second) = (server.upload(KIM, PNG).await, server.upload(KIM, PNG).await);
    let path = format!("{ROOMS}/{}", server.make_room(KIM, with(&first)).await);
    let taken = server.say(LEE, ("POST", ROOMS), with(&first)).await;
    taken.is_problem(Code::BodyInvalid);
    assert!(file(&server, &first).exists(), "it is another's");
    // The picture that it has is no new one, however old.
    age(&server, &first, 100);
    let same = json!({"picture": format!("/pictures/{first}"), "title": "x"});
    let edited = server.say(KIM, ("PATCH", &path), same.clone()).await;
    edited.is(StatusCode::OK);
    let other = json!({"picture": format!("/pictures/{second}")});
    let edited = server.say(KIM, ("PATCH", &path), other).await;
    let room = edited.is(StatusCode::OK).json();
    assert_eq!(room["picture"], format!("/pictures/{second}"));
    is_removed(&server, &first).await;
    let again = server.say(KIM, ("PATCH", &path), same).await;
    again.is_problem(Code::BodyInvalid);
    assert!(file(&server, &second).exists());
    let ended = server.call(KIM, "POST", &format!("{path}/leave")).await;
    ended.is(StatusCode::NO_CONTENT);
    is_removed(&server, &second).await;
}

#[tokio::test]
async fn an_upload_that_no_room_got_waits_for_another_try() {
    let server = Server::start();
    let group = json!({"kind": "group", "members": ["lee"]});
    let path = format!("{ROOMS}/{}", server.make_room(KIM, group).await);
    let direct = json!({"kind": "direct", "members": ["lee"]});
    server.make_room(KIM, direct).await;
    let key = server.upload(LEE, PNG).await;
    let link = format!("/pictures/{key}");
    let refused = server
        .say(LEE, ("PATCH", &path), json!({"picture": link}))
        .await;
    refused.is_problem(Code::RoleRequired);
    let found = json!({"kind": "direct", "members": ["kim"], "picture": link});
    let found = server.say(LEE, ("POST", ROOMS), found).await;
    assert_eq!(found.is(StatusCode::OK).json()["picture"], json!(null));
    let invalid = json!({"kind": "group", "picture": link, "title": "x".repeat(513)});
    let invalid = server.say(LEE, ("POST", ROOMS), invalid).await;
    invalid.is_problem(Code::BodyInvalid);
    server.make_room(LEE, with(&key)).await;
    assert!(file(&server, &key).exists());
}

#[tokio::test]
async fn what_a_room_has_outlives_the_sweep_and_what_is_too_old_no_room_takes() {
    let server = Server::start();
    let used = server.upload(KIM, PNG).await;
    let late = server.upload(KIM, PNG).await;
    server.make_room(KIM, with(&used)).await;
    age(&server, &used, 100);
    age(&server, &late, 23);
    let refused = server.say(KIM, ("POST", ROOMS), with(&late)).await;
    refused.is_problem(Code::BodyInvalid);
    sweep(&server).await;
    assert!(file(&server, &late).exists());
    age(&server, &late, 24);
    sweep(&server).await;
    assert!(!file(&server, &late).exists());
    assert!(file(&server, &used).exists());
}

#[tokio::test]
async fn an_upload_that_is_about_to_be_swept_away_no_room_gets() {
    let server = Server::start();
    let key = server.upload(KIM, PNG).await;
    // As of another node, whose clock is far ahead.
    let link: Arc<str> = format!("/pictures/{key}").into();
    let used = server.state().engine.retire_uploads(&[link]).await;
    assert_eq!(used, Ok(vec![false]));
    let refused = server.say(KIM, ("POST", ROOMS), with(&key)).await;
    refused.is_problem(Code::BodyInvalid);
    assert_eq!(server.read(KIM, ROOMS).await["rooms"], json!([]));
}

#[tokio::test]
async fn of_many_rooms_that_want_an_upload_at_once_one_gets_it() {
    let server = Server::start();
    let key = server.upload(KIM, PNG).await;
    let asked = (0..8).map(|_| server.say(KIM, ("POST", ROOMS), with(&key)));
    let answers = futures_util::future::join_all(asked).await;
    let made = |answer: &&Answer| answer.status == StatusCode::CREATED;
    assert_eq!(answers.iter().filter(made).count(), 1);
    let refused = answers.iter().filter(|answer| !made(answer));
    refused.for_each(|answer| drop(answer.is_problem(Code::BodyInvalid)));
    assert!(file(&server, &key).exists());
}

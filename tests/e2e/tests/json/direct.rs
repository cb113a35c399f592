//! Contract 3's WebSocket: messages of all rooms but one's own.

use madang_e2e::json::Json;
use madang_e2e::server::TestServer;
use madang_e2e::websocket::{Opening, WebSocket};
use serde_json::json;

use super::{Person, agent_of};
use crate::people::Someone;
use crate::shared;

const PATH: &str = "/ws/chat";

/// A connection that gets what is sent from now on: the answer to a ping comes once it has begun.
fn listen(server: &TestServer, token: &str) -> Json {
    let mut peer = Json::try_with_token(server.address(), PATH, token).unwrap();
    peer.assert_quiet();
    peer
}

#[test]
fn recipients_get_the_contract_s_object_and_senders_do_not_get_their_own() {
    let server = shared::server();
    let mut kim = Person::customer(&server);
    let room = kim.id.clone();
    let mut lee = agent_of(&server, &room);
    let mut of_kim = listen(&server, &kim.token);
    let mut of_lee = listen(&server, &lee.token);
    let asked = kim.say(&room, "내일 경기 몇 시죠?");
    let answered = lee.say(&room, "3시입니다");
    let shown = |ack: &serde_json::Value, from: &str, to: &str, text: &str| {
        json!({
            "channelId": room, "sendUserId": from, "receiveUserId": to, "content": text,
            "seq": ack["seq"], "sentAt": ack["sentAt"],
        })
    };
    assert_eq!(
        of_lee.event(),
        shown(&asked, &kim.id, &lee.id, "내일 경기 몇 시죠?")
    );
    assert_eq!(
        of_kim.event(),
        shown(&answered, &lee.id, &kim.id, "3시입니다")
    );
    of_kim.assert_quiet();
    of_lee.assert_quiet();
}

#[test]
fn rooms_that_come_later_are_shown_and_input_is_ignored() {
    let server = shared::server();
    let mut kim = Person::customer(&server);
    let room = kim.id.clone();
    let token = server.token(&shared::unique("lee"), "agent");
    let mut lee = listen(&server, &token);
    for text in ["", "x", "{\"type\":\"send\"}"] {
        lee.say_text(text);
    }
    lee.assert_quiet();
    let claim = format!("/api/v1/desk/rooms/{room}/claim");
    assert_eq!(
        crate::rooms::rest(&server, "POST", &claim, &token).status,
        200
    );
    for text in ["1", "2", "3"] {
        kim.say(&room, text);
    }
    for text in ["1", "2", "3"] {
        assert_eq!(
            lee.event()["content"],
            text,
            "none since the claim is missing"
        );
    }
}

#[test]
fn no_message_of_a_new_room_is_missing_however_soon_it_comes() {
    let server = shared::server();
    for _ in 0..20 {
        let mut kim = Person::new(&server, "user");
        let room = kim.id.clone();
        let mut of_kim = listen(&server, &kim.token);
        kim.say(&room, "one's own");
        let mut lee = Person::new(&server, "agent");
        let mut of_lee = listen(&server, &lee.token);
        lee.claim(&server, &room);
        kim.say(&room, "to lee");
        lee.say(&room, "to kim");
        assert_eq!(of_lee.event()["content"], "to lee");
        assert_eq!(of_kim.event()["content"], "to kim");
    }
}

#[test]
fn who_has_more_rooms_than_a_session_shows_hears_the_newest() {
    let server = TestServer::builder()
        .env("MADANG_SESSION__ROOMS_MAX", 1)
        .start();
    let [kim, lee] = ["kim", "lee"].map(|name| Someone::new(&server, name));
    let [old, new] = [(); 2].map(|()| kim.group(&[&lee]));
    kim.say(&old, "the first");
    kim.say(&new, "the first");
    let mut of_lee = listen(&server, &lee.token);
    kim.say(&old, "not shown");
    kim.say(&new, "shown");
    assert_eq!(of_lee.event()["content"], "shown");
}

#[test]
fn whoever_says_nothing_of_who_they_are_is_refused() {
    let server = shared::server();
    let opening = Opening {
        path: PATH,
        ..Opening::default()
    };
    assert_eq!(
        WebSocket::try_open(server.address(), opening)
            .unwrap_err()
            .status,
        401
    );
    assert_eq!(
        Json::try_with_token(server.address(), PATH, "x")
            .unwrap_err()
            .status,
        401
    );
    let off = TestServer::builder()
        .env("MADANG_CONTRACTS__DIRECT_WEBSOCKET", false)
        .start();
    let token = off.token("kim", "user");
    assert_eq!(
        Json::try_with_token(off.address(), PATH, &token)
            .unwrap_err()
            .status,
        404
    );
}

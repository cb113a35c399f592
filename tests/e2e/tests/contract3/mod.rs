//! Contract 3: the sports community's app. It holds a bare WebSocket that only receives, and sends over
//! `POST /send/message`.

use madang_e2e::http::{Response, Rest};
use madang_e2e::json::Json;
use madang_e2e::server::TestServer;
use serde_json::{Value, json};

use crate::people::{Someone, host};
use crate::shared;

const SOCKET: &str = "/ws/chat";

/// What the app's code does to send.
fn send(from: &Someone, channel: impl Into<Value>, content: &str) -> Response {
    let body = json!({"channelId": channel.into(), "content": content});
    from.rest.call("POST", "/send/message", &body)
}

fn sent(from: &Someone, channel: &str, content: &str) {
    let answer = send(from, channel, content);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(
        answer.json(),
        json!({"success": true, "message": "메세지 전송 완료"})
    );
}

fn refused(answer: &Response, status: u16, message: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.json(), json!({"success": false, "message": message}));
}

/// The app's WebSocket: the answer to a ping comes once it has begun.
fn listen(server: &TestServer, token: &str) -> Json {
    let mut peer = Json::try_with_token(server.address(), SOCKET, token).expect("it is let in");
    peer.assert_quiet();
    peer
}

/// Checks that the next thing that comes is this message.
fn gets(peer: &mut Json, channel: &str, from: &Someone, to: &Someone, content: &str) -> u64 {
    let mut message = peer.event();
    let message = message.as_object_mut().expect("an object");
    let seq = message
        .remove("seq")
        .and_then(|seq| seq.as_u64())
        .expect("a number");
    assert!(message.remove("sentAt").is_some_and(|at| at.is_string()));
    let expected = json!({
        "channelId": channel, "sendUserId": from.id, "receiveUserId": to.id, "content": content,
    });
    assert_eq!(Value::Object(message.clone()), expected);
    seq
}

#[test]
fn whoever_belongs_to_a_channel_but_the_sender_gets_the_apps_object() {
    let server = shared::server();
    let [kim, lee, park] = ["kim", "lee", "park"].map(|name| Someone::new(&server, name));
    for (channel, others) in [
        (kim.group(&[&lee, &park]), vec![&lee, &park]),
        (kim.direct(&lee), vec![&lee]),
    ] {
        let mut of_kim = listen(&server, &kim.token);
        let mut of_others: Vec<_> = others
            .iter()
            .map(|one| listen(&server, &one.token))
            .collect();
        let mut second_phone = listen(&server, &lee.token);
        for content in ["내일 경기 몇 시죠?", "3시요"] {
            sent(&kim, &channel, content);
            for (peer, to) in of_others.iter_mut().zip(&others) {
                gets(peer, &channel, &kim, to, content);
            }
            gets(&mut second_phone, &channel, &kim, &lee, content);
        }
        sent(&lee, &channel, "갈게요");
        gets(&mut of_kim, &channel, &lee, &kim, "갈게요");
        of_others[0].assert_quiet();
        of_kim.assert_quiet();
    }
}

#[test]
fn what_happens_between_the_messages_is_nothing_to_the_app() {
    let server = shared::server();
    let [kim, lee, park] = ["kim", "lee", "park"].map(|name| Someone::new(&server, name));
    let channel = kim.group(&[&lee]);
    let mut of_lee = listen(&server, &lee.token);
    let members = format!("/api/v1/rooms/{channel}/members");
    kim.rest
        .done("POST", &members, &json!({"members": [park.id]}));
    let seq = kim.say(&channel, "wrong")["seq"].as_u64().unwrap();
    gets(&mut of_lee, &channel, &kim, &lee, "wrong");
    let message = format!("/api/v1/rooms/{channel}/messages/{seq}");
    kim.rest.done("PATCH", &message, &json!({"text": "right"}));
    kim.rest.done("DELETE", &message, &Value::Null);
    park.read(&channel, seq);
    kim.rest
        .done("DELETE", &format!("{members}/{}", park.id), &Value::Null);
    sent(&kim, &channel, "the next");
    gets(&mut of_lee, &channel, &kim, &lee, "the next");
}

#[test]
fn a_channel_that_one_comes_to_or_is_removed_from_is_heard_from_then_until_then() {
    let server = shared::server();
    let [kim, lee, park] = ["kim", "lee", "park"].map(|name| Someone::new(&server, name));
    let channel = kim.group(&[&park]);
    let mut of_lee = listen(&server, &lee.token);
    let members = format!("/api/v1/rooms/{channel}/members");
    for round in 0..3 {
        sent(&kim, &channel, "not yet");
        host(&server).done(
            "POST",
            &format!("/api/v1/host/rooms/{channel}/members"),
            &json!({"members": [lee.id]}),
        );
        let content = format!("welcome {round}");
        sent(&kim, &channel, &content);
        gets(&mut of_lee, &channel, &kim, &lee, &content);
        kim.rest
            .done("DELETE", &format!("{members}/{}", lee.id), &Value::Null);
        refused(
            &send(&lee, channel.as_str(), "and I?"),
            403,
            "채팅방 참여자가 아닙니다.",
        );
    }
    sent(&kim, &channel, "without lee");
    let direct = kim.direct(&lee);
    sent(&kim, &direct, "fence");
    gets(&mut of_lee, &direct, &kim, &lee, "fence");
}

#[test]
fn who_is_away_reads_over_rest_what_was_sent_meanwhile() {
    let server = shared::server();
    let [kim, lee] = ["kim", "lee"].map(|name| Someone::new(&server, name));
    let channel = kim.direct(&lee);
    let mut of_lee = listen(&server, &lee.token);
    sent(&kim, &channel, "seen");
    let seen = gets(&mut of_lee, &channel, &kim, &lee, "seen");
    drop(of_lee);
    for content in ["missed 1", "missed 2"] {
        sent(&kim, &channel, content);
    }
    // Nobody resumes here: the app asks for what comes after the last that it has.
    let mut of_lee = listen(&server, &lee.token);
    let page = lee
        .rest
        .get(&format!("/api/v1/rooms/{channel}/messages?after={seen}"));
    let missed = page["messages"].as_array().unwrap().iter();
    let missed: Vec<_> = missed
        .map(|message| message["text"].as_str().unwrap())
        .collect();
    assert_eq!(missed, ["missed 1", "missed 2"]);
    assert_eq!(lee.unread(&channel), (3, 3));
    sent(&kim, &channel, "live again");
    gets(&mut of_lee, &channel, &kim, &lee, "live again");
}

#[test]
fn what_was_answered_is_there_after_a_kill() {
    let mut server = TestServer::start();
    let [kim, lee] = ["kim", "lee"].map(|name| Someone::new(&server, name));
    let channel = kim.direct(&lee);
    let contents: Vec<_> = (0..20).map(|number| number.to_string()).collect();
    contents
        .iter()
        .for_each(|content| sent(&kim, &channel, content));
    server.kill9();
    server.restart();
    assert_eq!(lee.texts(&channel), contents);
    let mut of_lee = listen(&server, &lee.token);
    sent(&kim, &channel, "after");
    gets(&mut of_lee, &channel, &kim, &lee, "after");
}

#[test]
fn what_cannot_be_sent_is_told_in_the_contracts_words_and_nothing_is_stored() {
    let server = shared::server();
    let [kim, lee, park] = ["kim", "lee", "park"].map(|name| Someone::new(&server, name));
    let channel = kim.direct(&lee);
    let unknown = "채팅방 정보가 존재하지 않습니다.";
    for nowhere in [
        json!("nowhere"),
        json!(7),
        json!(""),
        json!("0193f1c2-7b1e"),
    ] {
        refused(&send(&kim, nowhere, "x"), 404, unknown);
    }
    refused(
        &send(&park, channel.as_str(), "x"),
        403,
        "채팅방 참여자가 아닙니다.",
    );
    for body in [
        json!({"channelId": channel}),
        json!({"content": "x"}),
        json!([]),
        json!("x"),
    ] {
        let answer = kim.rest.call("POST", "/send/message", &body);
        assert_eq!(
            (answer.status, &answer.json()["success"]),
            (400, &json!(false)),
            "{body}"
        );
    }
    for content in ["", &"x".repeat(16_385)] {
        let answer = send(&kim, channel.as_str(), content);
        assert_eq!(
            (answer.status, &answer.json()["success"]),
            (400, &json!(false))
        );
    }
    let stranger = Rest::of(server.address(), "no.token.this");
    let body = json!({"channelId": channel, "content": "x"});
    let answer = stranger.call("POST", "/send/message", &body);
    assert_eq!(
        (answer.status, &answer.json()["success"]),
        (401, &json!(false))
    );
    assert_eq!(lee.texts(&channel), Vec::<String>::new());
}

#[test]
fn a_channel_whose_id_is_a_number_may_be_named_by_it() {
    let server = TestServer::start();
    let kim = Someone::named(&server, "1024", "user");
    let channel = kim.make(&json!({"kind": "support"}));
    assert_eq!(channel, "1024");
    assert_eq!(send(&kim, 1024, "결제가 되지 않아요").status, 200);
    assert_eq!(kim.texts(&channel), ["결제가 되지 않아요"]);
}

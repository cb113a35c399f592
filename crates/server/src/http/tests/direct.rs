//! Contract 3, REST: byte for byte where its clients read it.

use serde_json::json;

use super::fixture::{Answer, Server};

const KIM: &str = "user/kim/Kim";
const LEE: &str = "user/lee/Lee";
const SEND: (&str, &str) = ("POST", "/send/message");

#[track_caller]
fn assert_says(answer: &Answer, status: u16, success: bool, message: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    let body = format!(r#"{{"success":{success},"message":"{message}"}}"#);
    assert_eq!(answer.text(), body);
    assert_eq!(answer.header("content-type"), "application/json");
}

#[tokio::test]
async fn a_message_is_stored_before_the_answer_says_so() {
    let server = Server::start();
    let body = json!({"kind": "group", "members": ["lee"]});
    let room = server.make_room(KIM, body).await;
    let body = json!({"channelId": room, "content": "내일 경기 몇 시죠?"});
    let sent = server.say(KIM, SEND, body).await;
    assert_says(&sent, 200, true, "메세지 전송 완료");
    let log = server
        .read(LEE, &format!("/api/v1/rooms/{room}/messages?only=messages"))
        .await;

    assert_eq!(log["messages"][0]["text"], "내일 경기 몇 시죠?");
    assert_eq!(log["messages"][0]["sender"]["id"], "kim");
}

#[tokio::test]
async fn who_may_not_send_is_told_in_the_contracts_envelope() {
    let server = Server::start();
    let room = server.make_room(KIM, json!({"kind": "group"})).await;
    let to = |channel: serde_json::Value| json!({"channelId": channel, "content": "x"});
    let unknown = "채팅방 정보가 존재하지 않습니다.";
    for channel in [json!("nowhere"), json!(7), json!("")] {
        let refused = server.say(KIM, SEND, to(channel)).await;
        assert_says(&refused, 404, false, unknown);
    }
    let refused = server.say(LEE, SEND, to(json!(room))).await;
    assert_says(&refused, 403, false, "채팅방 참여자가 아닙니다.");
    let anonymous = server.say("", SEND, to(json!(room))).await;
    assert_says(&anonymous, 401, false, "로그인이 필요합니다.");
    let expired = server.say("expired", SEND, to(json!(room))).await;
    assert_says(&expired, 401, false, "만료된 토큰입니다.");
    for body in [
        json!({}),
        json!({"channelId": room}),
        json!({"content": "x"}),
        json!([]),
    ] {
        let refused = server.say(KIM, SEND, body).await;
        assert_eq!(refused.status, 400);
        assert_eq!(refused.json()["success"], false);
    }
    let empty = json!({"channelId": room, "content": ""});
    let refused = server.say(KIM, SEND, empty).await;
    assert_eq!(
        (refused.status, &refused.json()["success"]),
        (400, &json!(false))
    );
}

#[tokio::test]
async fn a_channel_with_a_number_for_its_id_is_named_by_the_number_too() {
    let server = Server::start();
    server.open("user/1024").await;
    let body = json!({"channelId": 1024, "content": "x"});
    let sent = server.say("user/1024", SEND, body).await;
    assert_says(&sent, 200, true, "메세지 전송 완료");
}

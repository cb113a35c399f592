//! `since`: exactly what was missed, or an explicit reset.

use madang_e2e::server::TestServer;
use madang_e2e::stomp::{Frame, Stomp};

use crate::rooms::{Customer, assert_nothing_more, follow, open_room, rest, say, since, texts};
use crate::shared;

/// A customer who has said these, and the messages as a subscriber saw them.
fn said(server: &TestServer, words: &[&str]) -> (Customer, Vec<Frame>) {
    let mut customer = Customer::new(server);
    let mut watcher = customer.again(server);
    follow(&mut watcher, &customer.id, "");
    for word in words {
        customer.say(word);
    }
    let messages = words.iter().map(|_| watcher.message()).collect();
    (customer, messages)
}

#[test]
fn a_stored_message_says_all_that_is_promised_of_it() {
    let server = shared::server();
    let mut customer = Customer::new(&server);
    let mut watcher = customer.again(&server);
    follow(&mut watcher, &customer.id, "");
    let id = customer.id.clone();
    say(
        &mut customer.peer,
        &id,
        "client-id:c-1\n",
        "한글 \"quoted\"",
    );
    let message = watcher.message();
    let body = message.json();
    let mut keys: Vec<_> = body
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    keys.sort_unstable();
    let wanted = [
        "clientId",
        "messageId",
        "position",
        "roomId",
        "sender",
        "sentAt",
        "seq",
        "text",
        "type",
    ];
    assert_eq!(keys, wanted);
    assert_eq!(body["roomId"], id);
    assert_eq!(
        (&body["seq"], &body["type"]),
        (&1.into(), &"message".into())
    );
    assert_eq!(body["position"], message.need("position"));
    assert_eq!(body["messageId"], message.need("message-id"));
    assert_eq!(body["sender"]["id"], id);
    assert_eq!(body["sender"]["kind"], "customer");
    assert_eq!(body["text"], "한글 \"quoted\"");
    assert_eq!(body["clientId"], "c-1");
    assert_eq!(
        message.need("content-type").split(';').next(),
        Some("application/json")
    );
}

#[test]
fn since_any_position_gives_exactly_what_follows_it_and_then_the_live_stream() {
    let server = shared::server();
    let words = ["1", "2", "3", "4", "5"];
    let (mut customer, messages) = said(&server, &words);
    for (at, message) in messages.iter().enumerate() {
        let mut back = customer.again(&server);
        follow(&mut back, &customer.id, &since(message));
        assert_eq!(texts(&mut back, words.len() - at - 1), words[at + 1..]);
    }
    let mut back = customer.again(&server);
    follow(&mut back, &customer.id, &since(&messages[2]));
    assert_eq!(texts(&mut back, 2), ["4", "5"]);
    assert_nothing_more(&mut back, &mut customer);
}

#[test]
fn since_the_last_position_gives_only_what_is_new() {
    let server = shared::server();
    let (mut customer, messages) = said(&server, &["1", "2", "3"]);
    let mut back = customer.again(&server);
    follow(&mut back, &customer.id, &since(&messages[2]));
    assert_nothing_more(&mut back, &mut customer);
}

#[test]
fn a_subscription_without_since_begins_with_the_next_message() {
    let server = shared::server();
    let (mut customer, _) = said(&server, &["1", "2"]);
    let mut late = customer.again(&server);
    follow(&mut late, &customer.id, "");
    assert_nothing_more(&mut late, &mut customer);
}

#[test]
fn what_was_said_while_a_client_was_away_comes_when_it_is_back() {
    let server = shared::server();
    let (mut customer, messages) = said(&server, &["before"]);
    for round in 0..300 {
        customer.say(&format!("away {round}"));
    }
    let mut back = customer.again(&server);
    follow(&mut back, &customer.id, &since(&messages[0]));
    let missed: Vec<_> = (0..300).map(|round| format!("away {round}")).collect();
    assert_eq!(texts(&mut back, 300), missed);
    assert_nothing_more(&mut back, &mut customer);
}

#[test]
fn a_position_survives_a_restart() {
    let mut server = TestServer::start();
    let (mut customer, messages) = said(&server, &["1", "2", "3"]);
    server.kill9();
    server.restart();
    customer.peer = customer.again(&server);
    let mut back = customer.again(&server);
    follow(&mut back, &customer.id, &since(&messages[0]));
    assert_eq!(texts(&mut back, 2), ["2", "3"]);
    assert_nothing_more(&mut back, &mut customer);
}

#[test]
fn what_no_server_gave_out_as_a_position_is_an_error_and_the_close() {
    let server = shared::server();
    let customer = Customer::new(&server);
    for nonsense in ["1", "", "x-1", "1-", "-1", "0-1", "1-1-1", "Delivered"] {
        let mut peer = customer.again(&server);
        let room = &customer.id;
        peer.send(format!(
            "SUBSCRIBE\nid:s1\ndestination:/rooms/{room}\nsince:{nonsense}\nreceipt:r\n\n\0"
        ));
        let error = peer.error_then_close();
        assert_eq!(error.need("code"), "POSITION_INVALID", "{nonsense:?}");
        assert_eq!(error.get("receipt-id"), Some("r"));
    }
}

/// The reset that comes first; what is kept follows it from its oldest message on.
fn assert_reset(back: &mut Stomp, kept: &[&str]) {
    let reset = back.message();
    assert_eq!(reset.get("event"), Some("reset"), "{reset:?}");
    assert_eq!(reset.get("subscription"), Some("s1"));
    assert_eq!(
        reset.get("position"),
        None,
        "a reset is no place to resume behind"
    );
    let body = reset.json();
    assert_eq!(body["type"], "reset");
    let kept_messages: Vec<Frame> = kept.iter().map(|_| back.message()).collect();
    let texts: Vec<_> = kept_messages.iter().map(crate::rooms::text).collect();
    assert_eq!(texts, kept);
    if let Some(oldest) = kept_messages.first() {
        assert_eq!(body["oldest"], oldest.need("position"));
    }
}

#[test]
fn a_position_of_another_room_is_answered_with_a_reset() {
    let server = shared::server();
    let (_, foreign) = said(&server, &["elsewhere"]);
    let (mut customer, _) = said(&server, &["1", "2"]);
    let mut back = customer.again(&server);
    follow(&mut back, &customer.id, &since(&foreign[0]));
    assert_reset(&mut back, &["1", "2"]);
    assert_nothing_more(&mut back, &mut customer);
}

#[test]
fn a_position_beyond_the_head_is_answered_with_a_reset() {
    let server = shared::server();
    let (mut customer, messages) = said(&server, &["1"]);
    let (epoch, _) = messages[0].need("position").split_once('-').unwrap();
    let mut back = customer.again(&server);
    follow(&mut back, &customer.id, &format!("since:{epoch}-99\n"));
    assert_reset(&mut back, &["1"]);
    assert_nothing_more(&mut back, &mut customer);
}

#[test]
fn a_position_of_a_rooms_former_life_is_answered_with_a_reset() {
    let server = shared::server();
    let (mut customer, messages) = said(&server, &["old 1", "old 2"]);
    let left = rest(&server, "DELETE", "/user/chats", &customer.token);
    assert_eq!(left.status, 204);
    customer.peer = customer.again(&server);
    open_room(&mut customer.peer, &customer.id);
    customer.say("new 1");
    let mut back = customer.again(&server);
    follow(&mut back, &customer.id, &since(&messages[0]));
    assert_reset(&mut back, &["new 1"]);
    assert_nothing_more(&mut back, &mut customer);
}

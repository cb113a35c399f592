//! The native destinations: bad input, limits, and rooms that change under their readers.

use madang_e2e::stomp::Stomp;

use crate::rooms::{Customer, assert_nothing_more, follow, rest, room_send, since, text};
use crate::shared;

/// The ERROR code for a SEND of this body to the caller's own room; nothing may have been stored.
fn refused_body(body: &str) -> String {
    let server = shared::server();
    let mut customer = Customer::new(&server);
    let mut watcher = customer.again(&server);
    follow(&mut watcher, &customer.id, "");
    let mut peer = customer.again(&server);
    let length = body.len();
    let id = &customer.id;
    let frame = format!("SEND\ndestination:/rooms/{id}\ncontent-length:{length}\nreceipt:r\n\n");
    peer.send(frame + body + "\0");
    let error = peer.error_then_close();
    assert_eq!(error.get("receipt-id"), Some("r"));
    assert_nothing_more(&mut watcher, &mut customer);
    error.need("code").to_owned()
}

#[test]
fn a_body_that_is_not_the_expected_json_is_refused() {
    let deep = format!("{{\"text\":{}1{}}}", "[".repeat(5000), "]".repeat(5000));
    for body in [
        "",
        "text",
        "[]",
        "{}",
        "{\"text\":1}",
        "{\"text\":\"x\"",
        "{\"text\":null}",
        &deep,
    ] {
        assert_eq!(refused_body(body), "BODY_INVALID", "{:.40}", body);
    }
}

#[test]
fn a_text_that_is_empty_or_too_long_is_refused() {
    const TEXT_BYTES_MAX: usize = 16 << 10;
    let of = |text: &str| serde_json::json!({ "text": text }).to_string();
    assert_eq!(refused_body(&of("")), "MESSAGE_INVALID");
    assert_eq!(refused_body(&of("a\0b")), "MESSAGE_INVALID");
    assert_eq!(
        refused_body(&of(&"x".repeat(TEXT_BYTES_MAX + 1))),
        "MESSAGE_INVALID"
    );
    assert_eq!(
        refused_body("{\"text\":\"\\ud800\"}"),
        "BODY_INVALID",
        "half a character"
    );
}

#[test]
fn any_text_comes_back_as_it_was() {
    let server = shared::server();
    let mut customer = Customer::new(&server);
    let mut watcher = customer.again(&server);
    follow(&mut watcher, &customer.id, "");
    for said in [
        " spaces kept ",
        "tab\tand\nlines\r\n",
        "\"\\/",
        "👩‍👩‍👧 ☃ 한글",
        "</script>",
        "a\u{2028}b",
    ] {
        customer.say(said);
        assert_eq!(text(&watcher.message()), said);
    }
}

#[test]
fn a_client_id_may_hold_anything_that_a_header_can() {
    let server = shared::server();
    let mut customer = Customer::new(&server);
    let mut watcher = customer.again(&server);
    let id = customer.id.clone();
    follow(&mut watcher, &id, "");
    crate::rooms::say(&mut customer.peer, &id, "client-id:a\\cb 한\\\\\n", "x");
    assert_eq!(watcher.message().json()["clientId"], "a:b 한\\");
}

#[test]
fn each_of_two_subscriptions_of_one_session_gets_the_message() {
    let server = shared::server();
    let mut customer = Customer::new(&server);
    let mut watcher = customer.again(&server);
    let room = customer.id.clone();
    follow(&mut watcher, &room, "");
    watcher.send(format!(
        "SUBSCRIBE\nid:s2\ndestination:/rooms/{room}\nreceipt:two\n\n\0"
    ));
    watcher.receipt("two");
    customer.say("to both");
    let mut of = [watcher.message(), watcher.message()]
        .map(|message| message.need("subscription").to_owned());
    of.sort();
    assert_eq!(of, ["s1", "s2"]);
}

#[test]
fn after_unsubscribe_nothing_comes_even_while_the_log_is_being_read() {
    let server = shared::server();
    let mut customer = Customer::new(&server);
    let mut watcher = customer.again(&server);
    follow(&mut watcher, &customer.id, "");
    customer.say("first");
    let first = watcher.message();
    let room = customer.id.clone();
    for number in 0..1000 {
        customer
            .peer
            .send(room_send(&room, "", &number.to_string()));
    }
    customer.say("last");
    let mut back = customer.again(&server);
    back.send(format!(
        "SUBSCRIBE\nid:s1\ndestination:/rooms/{room}\n{}\n\0UNSUBSCRIBE\nid:s1\nreceipt:u\n\n\0",
        since(&first)
    ));
    // What was on its way may come before the receipt, nothing after it.
    while back.take("the receipt", |_| true).command == "MESSAGE" {}
    back.send("BEGIN\ntransaction:t\nreceipt:fence\n\n\0");
    assert_eq!(
        back.take("the fence", |_| true).get("receipt-id"),
        Some("fence")
    );
}

#[test]
fn when_a_room_is_deleted_its_readers_are_told() {
    let server = shared::server();
    let customer = Customer::new(&server);
    let mut watcher = customer.again(&server);
    follow(&mut watcher, &customer.id, "");
    assert_eq!(
        rest(&server, "DELETE", "/user/chats", &customer.token).status,
        204
    );
    let ended = watcher.message();
    assert_eq!(ended.get("event"), Some("ended"));
    assert_eq!(
        ended.json(),
        serde_json::json!({ "type": "ended", "code": "ROOM_NOT_FOUND" })
    );
}

#[test]
fn unanswered_room_messages_over_the_limit_wait_for_an_answer_and_none_is_lost() {
    // More than a session may leave unanswered.
    const COUNT: usize = 5000;
    let server = shared::server();
    let mut customer = Customer::new(&server);
    let room = customer.id.clone();
    let mut reader = customer.again(&server);
    follow(&mut reader, &room, "ack:client\n");
    for number in 0..COUNT {
        customer
            .peer
            .send(room_send(&room, "", &number.to_string()));
    }
    customer.say("end");
    for number in 0..COUNT {
        let message = reader.message();
        assert_eq!(text(&message), number.to_string());
        if number % 500 == 499 {
            reader.send(format!("ACK\nid:{}\n\n\0", message.need("ack")));
        }
    }
    assert_eq!(text(&reader.message()), "end");
}

/// Sends `frame` with each number in place of `#` until the session ends.
fn over_the_limit(count: usize, frame: &str) -> Stomp {
    let mut peer = shared::session(&shared::server(), "1.2");
    let frames: String = (0..=count)
        .map(|number| frame.replace('#', &number.to_string()))
        .collect();
    peer.send_cut(frames, 8 << 10);
    peer
}

#[test]
fn more_subscriptions_or_transactions_than_the_limit_are_refused() {
    let begin = "BEGIN\ntransaction:t#\n\n\0";
    assert_eq!(
        over_the_limit(16, begin).error_then_close().need("code"),
        "TOO_MANY"
    );
    let subscribe = "SUBSCRIBE\nid:#\ndestination:/topic/limit#\n\n\0";
    assert_eq!(
        over_the_limit(256, subscribe)
            .error_then_close()
            .need("code"),
        "TOO_MANY"
    );
}

#[test]
fn more_frames_in_transactions_than_the_limit_are_refused() {
    let mut peer = shared::session(&shared::server(), "1.2");
    let topic = shared::fresh_topic();
    let mut frames = "BEGIN\ntransaction:t\n\n\0".to_owned();
    for number in 0..=1000 {
        frames.push_str(&shared::send_frame(
            &topic,
            "transaction:t\n",
            &number.to_string(),
        ));
    }
    peer.send_cut(frames, 8 << 10);
    assert_eq!(peer.error_then_close().need("code"), "TOO_MANY");
}

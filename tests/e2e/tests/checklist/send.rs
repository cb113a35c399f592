//! S and M: from SEND to MESSAGE.

use std::collections::HashSet;

use super::{Bench, SINCE_1_1, VERSIONS};
use crate::shared::{send_frame, subscribe, subscribe_with};

#[test]
fn s1_a_send_without_destination_is_an_error_and_the_close() {
    for version in VERSIONS {
        let mut bench = Bench::new(version);
        bench.probe("SEND\n\nx\0");
        bench.peer.error_then_close();
    }
}

#[test]
fn s2_a_send_to_a_destination_that_is_not_served_is_an_error_and_the_close() {
    for version in SINCE_1_1 {
        let mut bench = Bench::new(version);
        bench.probe("SEND\ndestination:/nowhere/x\n\nx\0");
        assert_eq!(bench.peer.error_then_close().need("code"), "NOT_FOUND");
    }
}

#[test]
fn s3_user_headers_are_passed_through_in_their_own_case() {
    for version in SINCE_1_1 {
        let mut bench = Bench::subscribed(version);
        bench.probe("SEND\ndestination:D\nfoo:1\nx-a:2\nreply-to:3\nFoo:4\n\nx\0");
        let message = bench.peer.message();
        for (name, value) in [("foo", "1"), ("x-a", "2"), ("reply-to", "3"), ("Foo", "4")] {
            assert_eq!(message.get(name), Some(value), "{name}");
        }
    }
}

#[test]
fn s4_a_message_with_a_body_has_content_length_and_the_senders_content_type() {
    for version in SINCE_1_1 {
        let mut bench = Bench::subscribed(version);
        bench.probe("SEND\ndestination:D\ncontent-type:application/json;charset=utf-8\n\n{ }\0");
        let message = bench.peer.message();
        assert_eq!(
            message.get("content-type"),
            Some("application/json;charset=utf-8")
        );
        assert_eq!(message.get("content-length"), Some("3"));
    }
}

#[test]
fn m1_a_message_has_destination_message_id_and_subscription() {
    for version in VERSIONS {
        let mut bench = Bench::subscribed(version);
        bench.probe(&send_frame("D", "", "x"));
        let message = bench.peer.message();
        assert_eq!(message.get("destination"), Some(bench.topic.as_str()));
        assert_eq!(message.get("subscription"), Some("s1"));
        assert!(!message.need("message-id").is_empty());
    }
}

#[test]
fn m2_message_ids_are_unique() {
    for version in VERSIONS {
        let mut bench = Bench::subscribed(version);
        let mut ids = HashSet::new();
        for _ in 0..20 {
            bench.probe(&send_frame("D", "", "same"));
            ids.insert(bench.peer.message().need("message-id").to_owned());
        }
        assert_eq!(ids.len(), 20);
    }
}

#[test]
fn m3_a_message_to_acknowledge_has_an_ack_header_and_no_other_has() {
    for (mode, has_ack) in [
        ("client", true),
        ("client-individual", true),
        ("auto", false),
    ] {
        let mut bench = Bench::new("1.2");
        subscribe_with(
            &mut bench.peer,
            &bench.topic,
            &format!("id:s1\nack:{mode}\n"),
        );
        bench.probe(&send_frame("D", "", "x"));
        assert_eq!(bench.peer.message().get("ack").is_some(), has_ack, "{mode}");
    }
}

#[test]
fn m4_one_senders_order_is_kept() {
    for version in VERSIONS {
        let mut bench = Bench::subscribed(version);
        let mut sender = bench.other(version);
        for i in 0..500 {
            sender.send(send_frame(&bench.topic, "", &i.to_string()));
        }
        for i in 0..500 {
            assert_eq!(bench.peer.message().text(), i.to_string());
        }
    }
}

#[test]
fn m5_a_sender_cannot_forge_the_servers_headers() {
    for version in VERSIONS {
        let mut bench = Bench::subscribed(version);
        bench.probe(
            "SEND\ndestination:D\nsubscription:forged\nmessage-id:forged\nack:forged\n\nx\0",
        );
        let message = bench.peer.message();
        assert_eq!(message.get("subscription"), Some("s1"));
        assert_ne!(message.get("message-id"), Some("forged"));
        assert_eq!(message.get("ack"), None);
    }
}

#[test]
fn m6_the_receipt_of_a_send_is_not_passed_on() {
    for version in VERSIONS {
        let mut bench = Bench::subscribed(version);
        bench.probe("SEND\ndestination:D\nreceipt:q\n\nx\0");
        assert_eq!(bench.peer.message().get("receipt"), None);
        bench.peer.receipt("q");
    }
}

#[test]
fn m7_each_subscriber_gets_the_encoding_of_its_own_version() {
    let mut bench = Bench::subscribed("1.2");
    let mut old = bench.other("1.0");
    subscribe(&mut old, &bench.topic);
    bench.probe("SEND\ndestination:D\nk:a\\cb\n\nx\0");
    assert_eq!(bench.peer.message().get("k"), Some("a\\cb"));
    assert_eq!(old.message().get("k"), Some("a:b"));
}

//! U: SUBSCRIBE and UNSUBSCRIBE.

use super::{Bench, SINCE_1_1, VERSIONS};
use crate::shared::{assert_next_is_a_fence, send_frame, subscribe_with};

fn error_for(version: &str, probe: &str) {
    let mut bench = Bench::new(version);
    bench.probe(probe);
    bench.peer.error_then_close();
}

#[test]
fn u1_a_subscribe_without_destination_is_an_error_and_the_close() {
    for version in VERSIONS {
        error_for(version, "SUBSCRIBE\nid:s1\n\n\0");
    }
}

#[test]
fn u2_in_1_2_a_subscribe_without_id_is_an_error_and_the_close() {
    error_for("1.2", "SUBSCRIBE\ndestination:D\n\n\0");
}

#[test]
fn u3_in_1_1_a_subscribe_without_id_is_an_error_and_the_close() {
    error_for("1.1", "SUBSCRIBE\ndestination:D\n\n\0");
}

#[test]
fn u4_in_1_0_the_id_is_optional() {
    let mut bench = Bench::new("1.0");
    subscribe_with(&mut bench.peer, &bench.topic, "");
    bench.probe(&send_frame("D", "", "x"));
    assert_eq!(bench.peer.message().text(), "x");
}

#[test]
fn u5_an_id_in_use_is_an_error_and_the_close() {
    for version in SINCE_1_1 {
        let mut bench = Bench::subscribed(version);
        bench.probe("SUBSCRIBE\nid:s1\ndestination:D-other\n\n\0");
        bench.peer.error_then_close();
    }
}

#[test]
fn u6_each_of_two_subscriptions_to_one_destination_gets_the_message() {
    for version in VERSIONS {
        let mut bench = Bench::subscribed(version);
        subscribe_with(&mut bench.peer, &bench.topic, "id:s2\n");
        bench.probe(&send_frame("D", "", "x"));
        let mut of = [bench.peer.message(), bench.peer.message()]
            .map(|message| message.need("subscription").to_owned());
        of.sort();
        assert_eq!(of, ["s1", "s2"]);
    }
}

#[test]
fn u7_an_unknown_ack_mode_is_an_error_and_the_close() {
    for version in VERSIONS {
        error_for(version, "SUBSCRIBE\nid:s1\ndestination:D\nack:bogus\n\n\0");
    }
}

#[test]
fn u8_a_destination_that_is_not_served_is_an_error_and_the_close() {
    for version in SINCE_1_1 {
        let mut bench = Bench::new(version);
        bench.probe("SUBSCRIBE\nid:s1\ndestination:/nowhere/x\n\n\0");
        assert_eq!(bench.peer.error_then_close().need("code"), "NOT_FOUND");
    }
}

#[test]
fn u9_after_unsubscribe_nothing_comes_and_the_id_is_free() {
    for version in VERSIONS {
        let mut bench = Bench::subscribed(version);
        let mut sender = bench.other(version);
        bench.probe("UNSUBSCRIBE\nid:s1\nreceipt:u\n\n\0");
        bench.peer.receipt("u");
        sender.send(send_frame(&bench.topic, "receipt:sent\n", "to nobody"));
        sender.receipt("sent");
        subscribe_with(&mut bench.peer, &bench.topic, "id:s1\n");
        assert_next_is_a_fence(&mut bench.peer, &mut sender, &bench.topic);
    }
}

#[test]
fn u10_an_unsubscribe_without_id_is_an_error_and_the_close() {
    for version in SINCE_1_1 {
        error_for(version, "UNSUBSCRIBE\n\n\0");
    }
}

#[test]
fn u11_an_unsubscribe_of_an_unknown_id_is_an_error_and_the_close() {
    for version in SINCE_1_1 {
        error_for(version, "UNSUBSCRIBE\nid:nope\n\n\0");
    }
}

#[test]
fn u12_in_1_0_a_subscription_may_be_ended_by_its_destination() {
    let mut bench = Bench::new("1.0");
    let mut sender = bench.other("1.0");
    subscribe_with(&mut bench.peer, &bench.topic, "");
    bench.probe("UNSUBSCRIBE\ndestination:D\nreceipt:u\n\n\0");
    bench.peer.receipt("u");
    sender.send(send_frame(&bench.topic, "receipt:sent\n", "to nobody"));
    sender.receipt("sent");
    subscribe_with(&mut bench.peer, &bench.topic, "");
    assert_next_is_a_fence(&mut bench.peer, &mut sender, &bench.topic);
}

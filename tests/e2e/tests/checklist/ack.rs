//! A: ACK and NACK.

use madang_e2e::stomp::Frame;

use super::{Bench, VERSIONS};
use crate::shared::{send_frame, subscribe_with};

/// A subscription in this mode and `count` messages on it.
fn outstanding(version: &str, mode: &str, count: usize) -> (Bench, Vec<Frame>) {
    let mut bench = Bench::new(version);
    subscribe_with(
        &mut bench.peer,
        &bench.topic,
        &format!("id:s1\nack:{mode}\n"),
    );
    let messages = (0..count).map(|i| {
        bench.probe(&send_frame("D", "", &i.to_string()));
        bench.peer.message()
    });
    let messages = messages.collect();
    (bench, messages)
}

/// The headers by which `version` names a message in ACK and NACK.
fn named(version: &str, message: &Frame) -> String {
    match version {
        "1.0" => format!("message-id:{}\n", message.need("message-id")),
        "1.1" => format!(
            "message-id:{}\nsubscription:s1\n",
            message.need("message-id")
        ),
        _ => format!("id:{}\n", message.need("ack")),
    }
}

fn answered(version: &str, command: &str) {
    for mode in ["client", "client-individual"] {
        if (version, mode) == ("1.0", "client-individual") {
            continue;
        }
        let (mut bench, messages) = outstanding(version, mode, 1);
        let named = named(version, &messages[0]);
        bench.probe(&format!("{command}\n{named}receipt:r\n\n\0"));
        bench.peer.receipt("r");
    }
}

#[test]
fn a1_in_1_2_ack_names_the_messages_ack_header() {
    answered("1.2", "ACK");
}

#[test]
fn a2_in_1_2_nack_names_the_messages_ack_header() {
    answered("1.2", "NACK");
}

#[test]
fn a3_in_1_1_ack_names_message_id_and_subscription() {
    answered("1.1", "ACK");
}

#[test]
fn a4_in_1_1_nack_names_message_id_and_subscription() {
    answered("1.1", "NACK");
}

#[test]
fn a5_in_1_0_ack_names_the_message_id_and_nack_does_not_exist() {
    answered("1.0", "ACK");
    let (mut bench, messages) = outstanding("1.0", "client", 1);
    bench.probe(&format!("NACK\n{}\n\0", named("1.0", &messages[0])));
    bench.peer.error_then_close();
}

#[test]
fn a6_in_1_2_an_ack_without_id_is_an_error_and_the_close() {
    let (mut bench, messages) = outstanding("1.2", "client", 1);
    bench.probe(&format!("ACK\n{}\n\0", named("1.1", &messages[0])));
    bench.peer.error_then_close();
}

#[test]
fn a7_in_1_1_an_ack_without_subscription_is_an_error_and_the_close() {
    let (mut bench, messages) = outstanding("1.1", "client", 1);
    bench.probe(&format!("ACK\n{}\n\0", named("1.0", &messages[0])));
    bench.peer.error_then_close();
}

#[test]
fn a8_an_ack_of_something_not_outstanding_is_an_error_and_the_close() {
    for version in VERSIONS {
        let mut bench = Bench::new(version);
        subscribe_with(&mut bench.peer, &bench.topic, "id:s1\nack:client\n");
        bench.probe("ACK\nid:nope\nmessage-id:nope\nsubscription:s1\n\n\0");
        bench.peer.error_then_close();
    }
}

#[test]
fn a9_in_client_mode_an_ack_counts_for_all_before_it() {
    for version in VERSIONS {
        let (mut bench, messages) = outstanding(version, "client", 3);
        bench.probe(&format!(
            "ACK\n{}receipt:r\n\n\0",
            named(version, &messages[2])
        ));
        bench.peer.receipt("r");
        bench.probe(&format!("ACK\n{}\n\0", named(version, &messages[0])));
        bench.peer.error_then_close();
    }
}

#[test]
fn a10_in_client_individual_mode_an_ack_counts_for_its_own_message_only() {
    for version in ["1.1", "1.2"] {
        let (mut bench, messages) = outstanding(version, "client-individual", 2);
        for at in [1, 0] {
            let named = named(version, &messages[at]);
            bench.probe(&format!("ACK\n{named}receipt:r{at}\n\n\0"));
            bench.peer.receipt(&format!("r{at}"));
        }
    }
}

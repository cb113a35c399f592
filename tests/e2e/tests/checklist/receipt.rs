//! R, D and X: RECEIPT, DISCONNECT, ERROR.

use madang_e2e::stomp::Frame;

use super::{Bench, SINCE_1_1, VERSIONS};
use crate::shared::{send_frame, subscribe};

#[test]
fn r1_every_frame_but_connect_is_answered_with_its_receipt_in_order() {
    for version in VERSIONS {
        let mut bench = Bench::new(version);
        bench.probe(concat!(
            "SUBSCRIBE\nid:s1\ndestination:D\nreceipt:a\n\n\0",
            "BEGIN\ntransaction:t\nreceipt:b\n\n\0",
            "COMMIT\ntransaction:t\nreceipt:c\n\n\0",
            "BEGIN\ntransaction:t\n\n\0",
            "ABORT\ntransaction:t\nreceipt:d\n\n\0",
            "UNSUBSCRIBE\nid:s1\nreceipt:e\n\n\0",
            "SEND\ndestination:D\nreceipt:f\n\nx\0",
        ));
        let answers = ["a", "b", "c", "d", "e", "f"].map(|_| bench.peer.take("any", |_| true));
        let ids: Vec<_> = answers
            .iter()
            .map(|frame| frame.need("receipt-id"))
            .collect();
        assert_eq!(ids, ["a", "b", "c", "d", "e", "f"]);
        assert!(answers.iter().all(|frame| frame.command == "RECEIPT"));
    }
}

#[test]
fn r2_a_receipt_id_is_escaped_again() {
    for version in SINCE_1_1 {
        let mut bench = Bench::new(version);
        bench.probe("SEND\ndestination:D\nreceipt:a\\cb\\\\c\n\nx\0");
        bench.peer.receipt("a\\cb\\\\c");
    }
}

#[test]
fn d1_the_receipt_of_disconnect_comes_before_the_close() {
    for version in VERSIONS {
        let mut bench = Bench::new(version);
        bench.probe("DISCONNECT\nreceipt:77\n\n\0");
        let (frames, code) = bench.peer.until_closed();
        assert_eq!(frames.len(), 1);
        assert_eq!(frames[0].get("receipt-id"), Some("77"));
        assert_eq!(code, Some(1000));
    }
}

#[test]
fn d2_a_receipt_says_that_all_frames_before_it_were_received() {
    for version in VERSIONS {
        let mut bench = Bench::subscribed(version);
        let mut sender = bench.other(version);
        let mut frames: String = (0..1000)
            .map(|i| send_frame(&bench.topic, "", &i.to_string()))
            .collect();
        frames.push_str("DISCONNECT\nreceipt:end\n\n\0");
        sender.send_cut(frames, 16 << 10);
        sender.receipt("end");
        for i in 0..1000 {
            assert_eq!(bench.peer.message().text(), i.to_string());
        }
    }
}

#[test]
fn d3_frames_received_before_an_abrupt_close_are_still_processed() {
    for version in VERSIONS {
        let mut bench = Bench::subscribed(version);
        let mut sender = bench.other(version);
        for i in 0..100 {
            sender.send(send_frame(&bench.topic, "", &i.to_string()));
        }
        drop(sender);
        for i in 0..100 {
            assert_eq!(bench.peer.message().text(), i.to_string());
        }
    }
}

#[test]
fn d4_disconnect_ends_the_session() {
    for version in VERSIONS {
        let mut bench = Bench::subscribed(version);
        bench.probe("DISCONNECT\n\n\0");
        assert_eq!(bench.peer.until_closed(), (Vec::new(), Some(1000)));
    }
}

#[test]
fn x1_an_unknown_frame_is_an_error_and_the_close() {
    for version in SINCE_1_1 {
        let mut bench = Bench::new(version);
        bench.probe("FOO\n\n\0");
        bench.peer.error_then_close();
    }
}

#[test]
fn x2_after_an_error_the_connection_is_closed_and_nothing_more_is_done() {
    for version in VERSIONS {
        let mut bench = Bench::new(version);
        let mut other = bench.other(version);
        subscribe(&mut other, &bench.topic);
        bench.probe("SEND\n\nx\0SEND\ndestination:D\n\nafter the error\0");
        bench.peer.error_then_close();
        let mut fencer = bench.other(version);
        crate::shared::assert_next_is_a_fence(&mut other, &mut fencer, &bench.topic);
    }
}

/// The ERROR for a SEND that asked for a receipt and has no destination.
fn error_of_a_send(version: &str) -> Frame {
    let mut bench = Bench::new(version);
    bench.probe("SEND\nreceipt:q1\n\nx\0");
    bench.peer.error_then_close()
}

#[test]
fn x3_an_error_has_a_message_and_with_a_body_a_content_type() {
    for version in VERSIONS {
        let error = error_of_a_send(version);
        assert!(!error.need("message").is_empty());
        assert!(error.body.is_empty() || error.get("content-type").is_some());
    }
}

#[test]
fn x4_an_error_names_the_receipt_of_the_frame_at_fault() {
    for version in SINCE_1_1 {
        assert_eq!(error_of_a_send(version).get("receipt-id"), Some("q1"));
    }
}

#[test]
fn x5_a_frame_that_failed_has_no_receipt() {
    for version in VERSIONS {
        // `error_then_close` inside fails on any other frame than the ERROR.
        assert_eq!(error_of_a_send(version).command, "ERROR");
    }
}

#[test]
fn x6_an_error_with_a_body_has_content_length() {
    for version in VERSIONS {
        let error = error_of_a_send(version);
        if !error.body.is_empty() {
            assert_eq!(error.need("content-length"), error.body.len().to_string());
        }
    }
}

//! T: transactions.

use super::{Bench, SINCE_1_1, VERSIONS};
use crate::shared::{assert_next_is_a_fence, send_frame, subscribe, subscribe_with};

fn error_for(version: &str, probe: &str) {
    let mut bench = Bench::subscribed(version);
    bench.probe(probe);
    bench.peer.error_then_close();
}

/// A publisher beside the subscribed session, its transaction `t` open with one SEND in it.
fn pending(version: &str) -> (Bench, madang_e2e::stomp::Stomp) {
    let bench = Bench::subscribed(version);
    let mut publisher = bench.other(version);
    publisher.send("BEGIN\ntransaction:t\n\n\0");
    publisher.send(send_frame(
        &bench.topic,
        "transaction:t\nreceipt:queued\n",
        "pending",
    ));
    publisher.receipt("queued");
    (bench, publisher)
}

#[test]
fn t1_sends_take_effect_at_commit_and_together() {
    for version in VERSIONS {
        let mut bench = Bench::subscribed(version);
        let mut publisher = bench.other(version);
        publisher.send("BEGIN\ntransaction:t\n\n\0");
        for body in ["1", "2"] {
            publisher.send(send_frame(&bench.topic, "transaction:t\n", body));
        }
        publisher.send(send_frame(&bench.topic, "", "0"));
        assert_eq!(bench.peer.message().text(), "0");
        assert_next_is_a_fence(&mut bench.peer, &mut publisher, &bench.topic);
        publisher.send("COMMIT\ntransaction:t\nreceipt:c\n\n\0");
        publisher.receipt("c");
        assert_eq!(bench.peer.message().text(), "1");
        let second = bench.peer.message();
        assert_eq!(second.text(), "2");
        assert_eq!(
            second.get("transaction"),
            None,
            "the transaction is the sender's own"
        );
    }
}

#[test]
fn t2_abort_discards() {
    for version in VERSIONS {
        let (mut bench, mut publisher) = pending(version);
        publisher.send("ABORT\ntransaction:t\nreceipt:a\n\n\0");
        publisher.receipt("a");
        assert_next_is_a_fence(&mut bench.peer, &mut publisher, &bench.topic);
    }
}

#[test]
fn t3_disconnect_aborts_open_transactions() {
    for version in VERSIONS {
        let (mut bench, mut publisher) = pending(version);
        publisher.send("DISCONNECT\nreceipt:d\n\n\0");
        publisher.receipt("d");
        publisher.until_closed();
        let mut fencer = bench.other(version);
        assert_next_is_a_fence(&mut bench.peer, &mut fencer, &bench.topic);
    }
}

#[test]
fn t4_a_lost_connection_aborts_open_transactions() {
    for version in VERSIONS {
        let (mut bench, mut publisher) = pending(version);
        // Half closed: the server has seen the loss when it closes its own half.
        publisher.socket.finish_sending();
        publisher.until_closed();
        let mut fencer = bench.other(version);
        assert_next_is_a_fence(&mut bench.peer, &mut fencer, &bench.topic);
    }
}

#[test]
fn t5_a_begin_without_transaction_is_an_error_and_the_close() {
    for version in VERSIONS {
        error_for(version, "BEGIN\n\n\0");
    }
}

#[test]
fn t6_a_commit_of_no_open_transaction_is_an_error_and_the_close() {
    for version in VERSIONS {
        error_for(version, "COMMIT\ntransaction:nope\n\n\0");
    }
}

#[test]
fn t7_an_abort_of_no_open_transaction_is_an_error_and_the_close() {
    for version in VERSIONS {
        error_for(version, "ABORT\ntransaction:nope\n\n\0");
    }
}

#[test]
fn t8_a_transaction_id_in_use_is_an_error_and_the_close() {
    error_for(
        "1.2",
        "BEGIN\ntransaction:t\n\n\0BEGIN\ntransaction:t\n\n\0",
    );
}

#[test]
fn t9_a_send_in_an_unknown_transaction_is_an_error_the_close_and_not_delivered() {
    for version in VERSIONS {
        let mut bench = Bench::subscribed(version);
        let mut publisher = bench.other(version);
        publisher.send(send_frame(&bench.topic, "transaction:nope\n", "x"));
        publisher.error_then_close();
        let mut fencer = bench.other(version);
        assert_next_is_a_fence(&mut bench.peer, &mut fencer, &bench.topic);
    }
}

#[test]
fn t10_several_transactions_are_open_at_once_and_ids_are_free_afterwards() {
    for version in VERSIONS {
        let mut bench = Bench::subscribed(version);
        let topic = bench.topic.clone();
        let begin = |id: &str| format!("BEGIN\ntransaction:{id}\n\n\0");
        bench.peer.send(begin("a"));
        bench.peer.send(begin("b"));
        bench
            .peer
            .send(send_frame(&topic, "transaction:a\n", "of a"));
        bench
            .peer
            .send(send_frame(&topic, "transaction:b\n", "of b"));
        bench.peer.send("COMMIT\ntransaction:b\n\n\0");
        bench.peer.send("ABORT\ntransaction:a\n\n\0");
        bench.peer.send(begin("b"));
        bench.peer.send("ABORT\ntransaction:b\nreceipt:last\n\n\0");
        bench.peer.receipt("last");
        assert_eq!(bench.peer.message().text(), "of b");
        let mut fencer = bench.other(version);
        assert_next_is_a_fence(&mut bench.peer, &mut fencer, &topic);
    }
}

#[test]
fn t11_transaction_ids_belong_to_their_connection() {
    for version in VERSIONS {
        let mut bench = Bench::new(version);
        let mut other = bench.other(version);
        for peer in [&mut bench.peer, &mut other] {
            peer.send("BEGIN\ntransaction:t\nreceipt:r\n\n\0");
            peer.receipt("r");
        }
    }
}

#[test]
fn t12_an_ack_may_stand_in_a_transaction() {
    for version in SINCE_1_1 {
        let mut bench = Bench::new(version);
        subscribe_with(&mut bench.peer, &bench.topic, "id:s1\nack:client\n");
        bench.probe(&send_frame("D", "", "x"));
        let message = bench.peer.message();
        let named = match version {
            "1.1" => format!("message-id:{}\nsubscription:s1", message.need("message-id")),
            _ => format!("id:{}", message.need("ack")),
        };
        bench.probe("BEGIN\ntransaction:t\n\n\0");
        bench.probe(&format!("ACK\n{named}\ntransaction:t\nreceipt:a\n\n\0"));
        bench.probe("COMMIT\ntransaction:t\nreceipt:c\n\n\0");
        bench.peer.receipt("a");
        bench.peer.receipt("c");
        let mut fencer = bench.other(version);
        subscribe(&mut fencer, &bench.topic);
        assert_next_is_a_fence(&mut bench.peer, &mut fencer, &bench.topic);
    }
}

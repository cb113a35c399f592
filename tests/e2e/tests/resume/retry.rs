//! Retry is safe, and a transaction is all or nothing.

use madang_e2e::server::TestServer;

use crate::rooms::{Customer, assert_nothing_more, follow, room_send, say, text, texts};
use crate::shared;

#[test]
fn a_retry_with_the_same_client_id_is_stored_once_and_accepted_both_times() {
    let server = shared::server();
    let mut customer = Customer::new(&server);
    let mut watcher = customer.again(&server);
    let id = customer.id.clone();
    follow(&mut watcher, &id, "");
    for _ in 0..3 {
        say(&mut customer.peer, &id, "client-id:once\n", "once");
    }
    let mut elsewhere = customer.again(&server);
    say(&mut elsewhere, &id, "client-id:once\n", "once");
    say(&mut customer.peer, &id, "client-id:twice\n", "another");
    assert_eq!(texts(&mut watcher, 2), ["once", "another"]);
    assert_nothing_more(&mut watcher, &mut customer);
}

#[test]
fn a_retry_after_a_crash_is_stored_once() {
    let mut server = TestServer::start();
    let mut customer = Customer::new(&server);
    let mut watcher = customer.again(&server);
    let id = customer.id.clone();
    follow(&mut watcher, &id, "");
    say(&mut customer.peer, &id, "client-id:c1\n", "first");
    let first = watcher.message();
    say(&mut customer.peer, &id, "client-id:c2\n", "second");
    server.kill9();
    server.restart();
    customer.peer = customer.again(&server);
    say(&mut customer.peer, &id, "client-id:c2\n", "second");
    let mut back = customer.again(&server);
    follow(&mut back, &id, &crate::rooms::since(&first));
    assert_eq!(text(&back.message()), "second");
    assert_nothing_more(&mut back, &mut customer);
}

#[test]
fn the_same_client_id_of_another_room_is_another_message() {
    let server = shared::server();
    for _ in 0..2 {
        let mut customer = Customer::new(&server);
        let mut watcher = customer.again(&server);
        let id = customer.id.clone();
        follow(&mut watcher, &id, "");
        say(&mut customer.peer, &id, "client-id:shared\n", "mine");
        assert_eq!(text(&watcher.message()), "mine");
    }
}

#[test]
fn a_committed_transaction_is_stored_in_its_order() {
    let server = shared::server();
    let mut customer = Customer::new(&server);
    let mut watcher = customer.again(&server);
    let id = customer.id.clone();
    follow(&mut watcher, &id, "");
    customer.peer.send("BEGIN\ntransaction:t\n\n\0");
    for text in ["1", "2", "3"] {
        customer.peer.send(room_send(&id, "transaction:t\n", text));
    }
    customer.say("0");
    customer.peer.send("COMMIT\ntransaction:t\nreceipt:c\n\n\0");
    customer.peer.receipt("c");
    assert_eq!(texts(&mut watcher, 4), ["0", "1", "2", "3"]);
}

#[test]
fn a_transaction_with_one_forbidden_send_stores_nothing() {
    let server = shared::server();
    let stranger = Customer::new(&server);
    let mut customer = Customer::new(&server);
    let mut watcher = customer.again(&server);
    let id = customer.id.clone();
    follow(&mut watcher, &id, "");
    customer.peer.send("BEGIN\ntransaction:t\n\n\0");
    customer
        .peer
        .send(room_send(&id, "transaction:t\n", "allowed"));
    customer
        .peer
        .send(room_send(&stranger.id, "transaction:t\n", "forbidden"));
    customer.peer.send("COMMIT\ntransaction:t\nreceipt:c\n\n\0");
    assert_eq!(
        customer.peer.error_then_close().need("code"),
        "NOT_YOUR_ROOM"
    );
    customer.peer = customer.again(&server);
    assert_nothing_more(&mut watcher, &mut customer);
}

#[test]
fn a_transaction_that_was_not_committed_stores_nothing() {
    let server = shared::server();
    let mut customer = Customer::new(&server);
    let mut watcher = customer.again(&server);
    let id = customer.id.clone();
    follow(&mut watcher, &id, "");
    let mut other = customer.again(&server);
    other.send("BEGIN\ntransaction:t\n\n\0");
    other.send(room_send(&id, "transaction:t\nreceipt:q\n", "never"));
    other.receipt("q");
    other.send("ABORT\ntransaction:t\nreceipt:a\n\n\0");
    other.receipt("a");
    assert_nothing_more(&mut watcher, &mut customer);
}

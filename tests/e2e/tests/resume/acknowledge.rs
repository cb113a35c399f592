//! Acknowledgements raise the delivered mark; `since:delivered` resumes behind it.

use madang_e2e::stomp::{Frame, Stomp};

use crate::rooms::{Customer, assert_nothing_more, follow, texts};
use crate::shared;

fn answer(peer: &mut Stomp, command: &str, message: &Frame) {
    let receipt = shared::unique("ack-");
    peer.send(format!(
        "{command}\nid:{}\nreceipt:{receipt}\n\n\0",
        message.need("ack")
    ));
    peer.receipt(&receipt);
}

/// A customer's second session that has got `1` to `4` in this ack mode.
fn delivered(mode: &str) -> (Customer, Stomp, Vec<Frame>) {
    let server = shared::server();
    let mut customer = Customer::new(&server);
    let mut reader = customer.again(&server);
    follow(&mut reader, &customer.id, &format!("ack:{mode}\n"));
    let messages = ["1", "2", "3", "4"].map(|text| {
        customer.say(text);
        reader.message()
    });
    (customer, reader, messages.to_vec())
}

/// What a session that resumes with `since:delivered` gets first.
fn resumed(customer: &mut Customer, wanted: &[&str]) {
    let mut back = customer.again(&shared::server());
    follow(&mut back, &customer.id, "since:delivered\n");
    assert_eq!(texts(&mut back, wanted.len()), wanted);
    assert_nothing_more(&mut back, customer);
}

#[test]
fn client_mode_marks_all_up_to_the_acknowledged_message_as_delivered() {
    let (mut customer, mut reader, messages) = delivered("client");
    answer(&mut reader, "ACK", &messages[1]);
    resumed(&mut customer, &["3", "4"]);
}

#[test]
fn client_individual_mode_leaves_what_was_not_acknowledged_for_the_resume() {
    let (mut customer, mut reader, messages) = delivered("client-individual");
    answer(&mut reader, "ACK", &messages[0]);
    answer(&mut reader, "ACK", &messages[2]);
    resumed(&mut customer, &["2", "3", "4"]);
}

#[test]
fn client_individual_mode_catches_up_when_the_gap_is_acknowledged() {
    let (mut customer, mut reader, messages) = delivered("client-individual");
    for at in [2, 1, 0] {
        answer(&mut reader, "ACK", &messages[at]);
    }
    resumed(&mut customer, &["4"]);
}

#[test]
fn a_nacked_message_comes_again_on_resume_only() {
    let (mut customer, mut reader, messages) = delivered("client-individual");
    answer(&mut reader, "ACK", &messages[0]);
    answer(&mut reader, "NACK", &messages[1]);
    answer(&mut reader, "ACK", &messages[2]);
    assert_nothing_more(&mut reader, &mut customer);
    let mut back = customer.again(&shared::server());
    follow(&mut back, &customer.id, "since:delivered\n");
    assert_eq!(texts(&mut back, 3), ["2", "3", "4"]);
}

#[test]
fn without_an_acknowledgement_since_delivered_gives_the_whole_log() {
    let (mut customer, _, _) = delivered("client");
    resumed(&mut customer, &["1", "2", "3", "4"]);
}

#[test]
fn the_delivered_mark_never_falls() {
    let (mut customer, mut reader, messages) = delivered("client");
    answer(&mut reader, "ACK", &messages[2]);
    let mut second = customer.again(&shared::server());
    let from_the_first = crate::rooms::since(&messages[0]);
    follow(
        &mut second,
        &customer.id,
        &format!("ack:client\n{from_the_first}"),
    );
    let again = second.message();
    assert_eq!(crate::rooms::text(&again), "2");
    answer(&mut second, "ACK", &again);
    resumed(&mut customer, &["4"]);
}

#[test]
fn the_delivered_mark_survives_a_crash() {
    let mut server = madang_e2e::server::TestServer::start();
    let mut customer = Customer::new(&server);
    let mut reader = customer.again(&server);
    follow(&mut reader, &customer.id, "ack:client\n");
    customer.say("1");
    customer.say("2");
    let first = reader.message();
    answer(&mut reader, "ACK", &first);
    server.kill9();
    server.restart();
    let mut back = customer.again(&server);
    follow(&mut back, &customer.id, "since:delivered\n");
    assert_eq!(texts(&mut back, 1), ["2"]);
}

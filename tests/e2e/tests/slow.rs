//! A slow reader slows only itself: behind on a room it reads the log, behind on a topic it is
//! told so.

use madang_e2e::stomp::Arrival;

use crate::rooms::{Customer, follow, room_send, text};
use crate::shared::{self, fresh_topic, send_frame, subscribe};

/// Enough that neither the session's queue nor the sockets' buffers hold it all.
const MESSAGES: usize = 3000;
const TEXT_BYTES: usize = 3000;

#[test]
fn a_reader_that_does_not_read_gets_every_room_message_once_it_does() {
    let server = shared::server();
    let mut customer = Customer::new(&server);
    let id = customer.id.clone();
    let mut slow = customer.again(&server);
    let mut quick = customer.again(&server);
    follow(&mut slow, &id, "");
    follow(&mut quick, &id, "");
    let long = "x".repeat(TEXT_BYTES);
    for number in 0..MESSAGES {
        let frame = room_send(
            &id,
            &format!("receipt:{number}\n"),
            &format!("{number} {long}"),
        );
        customer.peer.send(frame);
        // The reader beside it keeps pace all the while.
        assert!(text(&quick.message()).starts_with(&format!("{number} ")));
        customer.peer.receipt(&number.to_string());
    }
    for number in 0..MESSAGES {
        assert!(
            text(&slow.message()).starts_with(&format!("{number} ")),
            "message {number}"
        );
    }
    crate::rooms::assert_nothing_more(&mut slow, &mut customer);
}

#[test]
fn a_reader_too_slow_for_a_topic_is_told_so_and_never_given_a_hole() {
    let server = shared::server();
    let topic = fresh_topic();
    let mut slow = shared::session(&server, "1.2");
    let mut quick = shared::session(&server, "1.2");
    let mut publisher = shared::session(&server, "1.2");
    subscribe(&mut slow, &topic);
    subscribe(&mut quick, &topic);
    let long = "x".repeat(TEXT_BYTES * 10);
    for number in 0..MESSAGES {
        publisher.send(send_frame(&topic, "", &format!("{number} {long}")));
        assert!(quick.message().text().starts_with(&format!("{number} ")));
    }
    let mut next = 0;
    let error = loop {
        match slow.arrival() {
            Arrival::Frame(frame) if frame.command == "MESSAGE" => {
                assert!(
                    frame.text().starts_with(&format!("{next} ")),
                    "a hole before {next}"
                );
                next += 1;
            }
            Arrival::Frame(frame) => break frame,
            Arrival::Beat => {}
            Arrival::Closed(code) => panic!("closed with {code:?} and no ERROR"),
        }
    };
    assert_eq!(error.need("code"), "SLOW_CONSUMER");
    assert!(matches!(slow.arrival(), Arrival::Closed(Some(1008))));
    assert!(next < MESSAGES);
}

//! Open rooms: entering, sending, coming back.

use madang_e2e::stomp::Stomp;

use super::{Person, enter, entered, hears, said, say, subscribe, subscribe_with};
use crate::shared::{self, unique};

/// Checks that nothing more came: what is said now is the next.
fn assert_nothing_more(listener: &mut Stomp, room: &str, person: &Person, peer: &mut Stomp) {
    let fence = unique("fence-");
    say(peer, room, person.name, &fence);
    let chat = format!("/sub/chat/{room}");
    hears(listener, &chat, &said(room, person, &fence));
}

#[test]
fn entering_is_told_each_time_and_stored_once() {
    let server = shared::server();
    let (kim, lee) = (Person::new(&server, "Choco"), Person::new(&server, "Kong"));
    let room = kim.open_room(&server);
    let (enters, chat) = (format!("/sub/enter/{room}"), format!("/sub/chat/{room}"));
    let mut kims = kim.session(&server);
    subscribe(&mut kims, &enters);
    subscribe(&mut kims, &chat);
    let mut lees = lee.session(&server);
    enter(&mut lees, &room, lee.name);
    let first = hears(&mut kims, &enters, &entered(&room, &lee));
    let position = first.need("position").to_owned();
    for _ in 0..2 {
        enter(&mut lees, &room, "another's name");
        let again = hears(&mut kims, &enters, &entered(&room, &lee));
        assert_eq!(again.get("position"), None, "it is not of the log");
    }
    assert_nothing_more(&mut kims, &room, &lee, &mut lees);

    // From the beginning of the log there is one entrance.
    let (epoch, _) = position.split_once('-').unwrap();
    let mut again = kim.session(&server);
    subscribe_with(&mut again, &enters, &format!("since:{epoch}-0\n"));
    hears(&mut again, &enters, &entered(&room, &lee));
    subscribe(&mut again, &chat);
    assert_nothing_more(&mut again, &room, &lee, &mut lees);
}

#[test]
fn a_message_of_somebody_who_is_no_member_joins_first() {
    let server = shared::server();
    let (kim, lee) = (Person::new(&server, "Choco"), Person::new(&server, "Kong"));
    let room = kim.open_room(&server);
    let (enters, chat) = (format!("/sub/enter/{room}"), format!("/sub/chat/{room}"));
    let mut kims = kim.session(&server);
    subscribe(&mut kims, &chat);
    subscribe(&mut kims, &enters);
    let mut lees = lee.session(&server);
    say(&mut lees, &room, lee.name, "안녕하세요");
    hears(&mut kims, &enters, &entered(&room, &lee));
    hears(&mut kims, &chat, &said(&room, &lee, "안녕하세요"));
    say(&mut lees, &room, lee.name, "또 왔어요");
    hears(&mut kims, &chat, &said(&room, &lee, "또 왔어요"));
}

#[test]
fn a_sender_is_shown_under_their_own_name_whatever_they_claim() {
    let server = shared::server();
    let (kim, lee) = (Person::new(&server, "Choco"), Person::new(&server, "Kong"));
    let room = kim.open_room(&server);
    let chat = format!("/sub/chat/{room}");
    let mut kims = kim.session(&server);
    subscribe(&mut kims, &chat);
    let mut lees = lee.session(&server);
    for claimed in [lee.name, kim.name, &kim.id, ""] {
        say(&mut lees, &room, claimed, "누구게");
        hears(&mut kims, &chat, &said(&room, &lee, "누구게"));
    }
    let history = kim.call(&server, "GET", &format!("/api/openchat/room/{room}"));
    let history = history.json();
    let list = history["chatList"].as_array().unwrap();
    assert_eq!(list.len(), 4);
    assert!(list.iter().all(|one| one["sender"] == lee.name), "{list:?}");
}

#[test]
fn a_subscription_that_names_its_last_position_misses_nothing() {
    let server = shared::server();
    let kim = Person::new(&server, "Choco");
    let room = kim.open_room(&server);
    let chat = format!("/sub/chat/{room}");
    let mut here = kim.session(&server);
    let mut there = kim.session(&server);
    subscribe(&mut there, &chat);
    say(&mut here, &room, kim.name, "하나");
    let first = hears(&mut there, &chat, &said(&room, &kim, "하나"));
    drop(there);
    for text in ["둘", "셋"] {
        say(&mut here, &room, kim.name, text);
    }
    let mut back = kim.session(&server);
    let since = format!("since:{}\n", first.need("position"));
    subscribe_with(&mut back, &chat, &since);
    for text in ["둘", "셋"] {
        hears(&mut back, &chat, &said(&room, &kim, text));
    }
}

#[test]
fn an_entrance_that_is_not_of_the_log_is_acknowledged_like_any_message() {
    let server = shared::server();
    let kim = Person::new(&server, "Choco");
    let room = kim.open_room(&server);
    let enters = format!("/sub/enter/{room}");
    let mut kims = kim.session(&server);
    subscribe_with(&mut kims, &enters, "ack:client-individual\n");
    for _ in 0..2 {
        enter(&mut kims, &room, kim.name);
        let told = hears(&mut kims, &enters, &entered(&room, &kim));
        let ack = told.need("ack").to_owned();
        kims.send(format!("ACK\nid:{ack}\nreceipt:{ack}\n\n\0"));
        kims.receipt(&ack);
    }
}

#[test]
fn a_message_is_sent_again_with_its_client_id_and_stored_once() {
    let server = shared::server();
    let kim = Person::new(&server, "Choco");
    let room = kim.open_room(&server);
    let chat = format!("/sub/chat/{room}");
    let mut kims = kim.session(&server);
    subscribe(&mut kims, &chat);
    let body = serde_json::json!({ "message": "한 번" });
    for receipt in ["one", "two"] {
        let headers = format!("client-id:c-1\nreceipt:{receipt}\n");
        let to = format!("/pub/chat/message/{room}");
        kims.send(super::send_frame(&to, &headers, &body));
        kims.receipt(receipt);
    }
    hears(&mut kims, &chat, &said(&room, &kim, "한 번"));
    let mut again = kim.session(&server);
    assert_nothing_more(&mut kims, &room, &kim, &mut again);
}

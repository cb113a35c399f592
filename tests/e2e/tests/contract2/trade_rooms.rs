//! Trade rooms: who gets in, and how a room is named.

use madang_e2e::server::TestServer;
use serde_json::json;

use super::{Person, hears, said, send, send_frame, session, subscribe};
use crate::shared::{self, unique};

fn say(person: &Person, server: &TestServer, named: &str, message: &str) {
    let mut peer = person.session(server);
    let to = format!("/pub/tradechat/message/{named}");
    send(&mut peer, &to, &json!({ "message": message }));
}

/// The code and message that a SUBSCRIBE or SEND is refused with.
fn refused(server: &TestServer, token: &str, frame: &str) -> (String, String) {
    let mut peer = session(server, token);
    peer.send(frame);
    let error = peer.error_then_close();
    (
        error.need("code").to_owned(),
        error.need("message").to_owned(),
    )
}

fn subscribing(named: &str) -> String {
    format!("SUBSCRIBE\nid:s\ndestination:/sub/tradechat/{named}\n\n\0")
}

fn sending(named: &str) -> String {
    let to = format!("/pub/tradechat/message/{named}");
    send_frame(&to, "", &json!({ "message": "x" }))
}

#[test]
fn a_stranger_gets_into_no_trade_room_by_whatever_name() {
    let server = shared::server();
    let (buyer, seller) = (Person::new(&server, "Choco"), Person::new(&server, "Kong"));
    let item = unique("item-");
    let room = buyer.open_trade(&server, &item, &seller);
    let stranger = Person::new(&server, "Park");
    let admin = server.token(&unique("root"), "admin");
    for token in [&stranger.token, &admin] {
        for (named, code) in [(&room, "NOT_YOUR_ROOM"), (&item, "ROOM_NOT_FOUND")] {
            for frame in [subscribing(named), sending(named)] {
                assert_eq!(refused(&server, token, &frame).0, code, "{frame:?}");
            }
        }
    }
    let history = buyer.call(&server, "GET", &format!("/api/tradechat/room/{item}"));
    assert_eq!(
        history.json(),
        json!({ "chatList": [] }),
        "nothing was stored"
    );
}

#[test]
fn both_hear_each_other_under_the_name_that_each_has_for_the_room() {
    let server = shared::server();
    let (buyer, seller) = (Person::new(&server, "Choco"), Person::new(&server, "Kong"));
    let item = unique("item-");
    let room = buyer.open_trade(&server, &item, &seller);
    let (by_item, by_id) = (
        format!("/sub/tradechat/{item}"),
        format!("/sub/tradechat/{room}"),
    );
    let mut buyers = buyer.session(&server);
    subscribe(&mut buyers, &by_item);
    let mut sellers = seller.session(&server);
    subscribe(&mut sellers, &by_id);
    subscribe(&mut sellers, &by_item);
    let message = json!({ "sender": seller.name, "message": "아직 있나요?" });
    send(
        &mut buyers,
        &format!("/pub/tradechat/message/{item}"),
        &message,
    );
    hears(&mut buyers, &by_item, &said(&item, &buyer, "아직 있나요?"));
    hears(&mut sellers, &by_id, &said(&room, &buyer, "아직 있나요?"));
    hears(&mut sellers, &by_item, &said(&item, &buyer, "아직 있나요?"));
    send(
        &mut sellers,
        &format!("/pub/tradechat/message/{room}"),
        &json!({ "message": "네" }),
    );
    hears(&mut buyers, &by_item, &said(&item, &seller, "네"));
}

#[test]
fn an_item_with_several_buyers_is_no_name_for_its_sellers_rooms() {
    let server = shared::server();
    let seller = Person::new(&server, "Kong");
    let item = unique("item-");
    let buyers = [Person::new(&server, "Choco"), Person::new(&server, "Park")];
    let rooms = buyers
        .each_ref()
        .map(|buyer| buyer.open_trade(&server, &item, &seller));
    for frame in [subscribing(&item), sending(&item)] {
        let (code, message) = refused(&server, &seller.token, &frame);
        assert_eq!(code, "ROOM_AMBIGUOUS");
        assert!(rooms.iter().all(|room| message.contains(room)), "{message}");
    }
    for (buyer, room) in buyers.iter().zip(&rooms) {
        let mut sellers = seller.session(&server);
        let by_id = format!("/sub/tradechat/{room}");
        subscribe(&mut sellers, &by_id);
        // A buyer has one room about it.
        say(buyer, &server, &item, buyer.name);
        hears(&mut sellers, &by_id, &said(room, buyer, buyer.name));
    }
}

#[test]
fn a_room_that_either_deleted_is_gone_for_both() {
    let server = shared::server();
    let (buyer, seller) = (Person::new(&server, "Choco"), Person::new(&server, "Kong"));
    let item = unique("item-");
    buyer.open_trade(&server, &item, &seller);
    let mut buyers = buyer.session(&server);
    subscribe(&mut buyers, &format!("/sub/tradechat/{item}"));
    let gone = seller.call(&server, "DELETE", &format!("/api/tradechat/{item}"));
    assert_eq!(gone.status, 200, "{}", gone.text());
    buyers.send(sending(&item));
    let error = buyers.error_then_close();
    assert_eq!(error.need("code"), "ROOM_NOT_FOUND");
}

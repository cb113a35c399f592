//! The stream of the support desk's changes.

use madang_e2e::server::TestServer;

use super::{Customer, claim, enter};
use crate::rooms::rest;
use crate::shared::unique;

const DESK: &str = "/api/v1/desk/events";

#[test]
fn the_desks_changes_are_streamed_in_order_and_resumed_exactly() {
    let server = TestServer::start();
    let agent = server.token(&unique("lee"), "agent");
    let (mut live, hello) = enter(&server, DESK, &agent, None);
    assert_eq!(hello["rooms"][0]["id"], "desk");
    let customer = Customer::new(&server);
    claim(&server, &agent, &customer.id);
    let mut seen = Vec::new();
    let mut last = String::new();
    for kind in ["waiting", "assigned"] {
        let event = live.next_of("message");
        let message = &event.data["message"];
        assert_eq!(
            (&message["type"], &message["ofRoom"]),
            (&kind.into(), &customer.id.clone().into())
        );
        last = event.id.expect("an entry has its place");
        seen.push(message["seq"].as_u64().expect("a number"));
    }
    drop(live);
    let path = format!("/api/v1/desk/rooms/{}/release", customer.id);
    assert_eq!(rest(&server, "POST", &path, &agent).status, 204);
    let (mut resumed, _) = enter(&server, DESK, &agent, Some(&last));
    let event = resumed.next_of("message");
    assert_eq!(event.data["message"]["type"], "released");
    assert_eq!(event.data["message"]["seq"], seen[1] + 1);
}

#[test]
fn the_desks_stream_begins_with_an_id_from_which_it_can_be_resumed() {
    let server = TestServer::start();
    let agent = server.token(&unique("lee"), "agent");
    let mut cut = madang_e2e::events::Events::open(server.address(), DESK, &agent, None);
    let last = cut.event().id.expect("hello has an id");
    drop(cut);
    let customer = Customer::new(&server);
    let (mut resumed, _) = enter(&server, DESK, &agent, Some(&last));
    let event = resumed.next_of("message");
    assert_eq!(event.data["message"]["ofRoom"], customer.id);
}

#[test]
fn the_desks_stream_is_closed_to_customers() {
    let server = TestServer::start();
    let token = server.token(&unique("kim"), "user");
    let refused = rest(&server, "GET", DESK, &token);
    assert_eq!(refused.status, 403);
}

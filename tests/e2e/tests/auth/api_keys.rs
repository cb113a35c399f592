//! API keys: what each opens, and until when.

use madang_e2e::server::TestServer;
use madang_e2e::stomp::Stomp;

use crate::shared::{self, fresh_topic, send_frame, subscribe, unique};

/// The answer to a SEND to a topic by the holder of this key.
fn publishes(server: &TestServer, key: &str) -> String {
    let topic = fresh_topic();
    let mut peer = Stomp::with_token(server.address(), key);
    subscribe(&mut peer, &topic);
    peer.send(send_frame(&topic, "receipt:sent\n", "x"));
    let frame = peer.take("an answer", |frame| frame.command != "MESSAGE");
    match frame.command.as_str() {
        "ERROR" => frame.need("code").to_owned(),
        other => other.to_owned(),
    }
}

#[test]
fn a_key_publishes_with_the_scope_and_not_without() {
    let server = shared::server();
    let add = |scope: &str| {
        let printed = server.run(&["api-key", "add", &unique("key"), "--scope", scope]);
        printed.trim().to_owned()
    };
    for scope in ["publish", "all", "rooms,publish"] {
        assert_eq!(publishes(&server, &add(scope)), "RECEIPT", "{scope}");
    }
    for scope in ["rooms", "users,messages,notify"] {
        assert_eq!(publishes(&server, &add(scope)), "SCOPE_MISSING", "{scope}");
    }
}

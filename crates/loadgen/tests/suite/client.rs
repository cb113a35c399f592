//! The client library against a server in this process.

use std::time::Duration;

use crate::fake::{Fake, Fault};
use madang_loadgen::client::{Client, ClientError, Confirm, ConnectOptions, WsEvent};
use madang_wire::stomp::{HeartBeat, Version};
use madang_wire::websocket::{CloseCode, Opcode};

const SECOND: Duration = Duration::from_secs(1);

fn options() -> ConnectOptions {
    ConnectOptions::default()
}

#[tokio::test]
async fn a_message_comes_back_and_waits_while_a_receipt_is_waited_for() {
    let fake = Fake::start(Fault::None);
    let mut client = Client::connect(&fake.url(), options()).await.unwrap();
    assert_eq!(client.version(), Version::V1_2);
    assert_eq!(client.subprotocol(), Some("v12.stomp"));
    let confirm = Confirm::Within(SECOND);
    client
        .subscribe("a", "/rooms/1", &[], confirm)
        .await
        .unwrap();
    client
        .send("/rooms/1", &[("x", "y")], "hello", confirm)
        .await
        .unwrap();
    let message = client.next_message(SECOND).await.unwrap();
    assert_eq!(message.body, b"hello");
    assert_eq!(message.get("position"), Some("e1:0"));
    client.unsubscribe("a", confirm).await.unwrap();
    client
        .send("/rooms/1", &[], "nobody", confirm)
        .await
        .unwrap();
    let nothing = client.next_frame(Duration::from_millis(50)).await;
    assert!(matches!(nothing, Err(ClientError::TimedOut)), "{nothing:?}");
    client.close(CloseCode::NORMAL).await.unwrap();
    let closed = client.next_frame(SECOND).await.unwrap_err();
    assert_eq!(closed.close_code(), Some(1000));
}

#[tokio::test]
async fn refusals_tell_what_the_server_said() {
    let fake = Fake::start(Fault::Refuse);
    let url = format!("ws://{}/refused", fake.address);
    match Client::connect(&url, options()).await {
        Err(ClientError::Refused {
            status,
            headers,
            body,
        }) => {
            assert_eq!((status, body.as_slice()), (403, &b"no!\n"[..]));
            assert!(headers.contains(&("X-Why".to_owned(), "no".to_owned())));
        }
        other => panic!("{other:?}"),
    }
    let error = Client::connect(&fake.url(), options()).await.unwrap_err();
    assert_eq!(
        error.error_frame().unwrap().get("message"),
        Some("bad token")
    );
}

#[tokio::test]
async fn any_bytes_can_be_sent_and_events_seen() {
    let fake = Fake::start(Fault::None);
    let mut client = Client::open(&fake.url(), options()).await.unwrap();
    client
        .write_ws_frame(Opcode::Text, false, b"CONNECT\n")
        .await
        .unwrap();
    client
        .write_ws_frame(Opcode::Continuation, true, b"\n\0")
        .await
        .unwrap();
    match client.next_event(SECOND).await.unwrap() {
        WsEvent::Text(text) => assert!(text.starts_with(b"CONNECTED\n")),
        other => panic!("{other:?}"),
    }
    // A Close frame without a payload, masked with zeros.
    client
        .write_raw_bytes(&[0x88, 0x80, 0, 0, 0, 0])
        .await
        .unwrap();
    let event = client.next_event(SECOND).await.unwrap();
    assert!(
        matches!(
            event,
            WsEvent::Close {
                code: Some(1000),
                ..
            }
        ),
        "{event:?}"
    );
}

#[tokio::test]
async fn heart_beats_are_kept_up_while_waiting() {
    let fake = Fake::start(Fault::None);
    let mut options = options();
    options.heart_beat = Some(HeartBeat {
        send_ms: 20,
        want_ms: 0,
    });
    let mut client = Client::connect(&fake.url(), options).await.unwrap();
    assert_eq!(client.connected().get("heart-beat"), Some("0,100"));
    let nothing = client.next_frame(Duration::from_millis(250)).await;
    assert!(matches!(nothing, Err(ClientError::TimedOut)));
    assert!(client.beats_sent() >= 2);
}

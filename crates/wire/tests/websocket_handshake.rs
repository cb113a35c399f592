//! The opening handshake, by the rules of RFC 6455, section 4, and against
//! tungstenite.

use madang_wire::websocket::HandshakeError;
use madang_wire::websocket::handshake::{
    RESPONSE_HEAD_BYTES_MAX, RequestHeaders, Response, ResponseError, accept_key, check_request,
    check_response, choose_subprotocol, encode_key, encode_request,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::handshake::server as theirs;

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

const GOOD: RequestHeaders<'_> = RequestHeaders {
    upgrade: Some("websocket"),
    connection: Some("Upgrade"),
    version: Some("13"),
    key: Some(KEY),
};

#[test]
fn the_key_of_section_1_3_gets_its_answer() {
    assert_eq!(accept_key(KEY).as_deref(), Ok(ACCEPT));
    assert_eq!(check_request(&GOOD).as_deref(), Ok(ACCEPT));
    assert_eq!(encode_key(*b"the sample nonce"), KEY);
}

#[test]
fn a_key_that_is_not_16_bytes_is_refused() {
    let keys = [
        "",
        "abc",
        "dGhlIHNhbXBsZSBub25jZQ",
        "dGhlIHNhbXBsZSBub25jZSE=",
        "dGhlIHNhbXBsZSBub25jZSEh",
        "dGhlIHNhbXBsZSBub25j====",
        "dGhlIHNhbXBsZSBub25jZ!==",
    ];
    for key in keys {
        assert_eq!(accept_key(key), Err(HandshakeError::Key), "{key}");
    }
    assert!(
        accept_key("dGhlIHNhbXBsZSBub25jZR==").is_ok(),
        "unused bits are not looked at"
    );
}

#[test]
fn header_values_are_lists_and_their_case_does_not_matter() {
    let request = RequestHeaders {
        upgrade: Some("h2c, WebSocket"),
        connection: Some("keep-alive,  upgrade"),
        ..GOOD
    };
    assert_eq!(check_request(&request).as_deref(), Ok(ACCEPT));
}

#[test]
fn each_missing_or_wrong_header_is_refused_with_its_status() {
    let cases = [
        (
            RequestHeaders {
                upgrade: None,
                ..GOOD
            },
            HandshakeError::Upgrade,
            400,
        ),
        (
            RequestHeaders {
                upgrade: Some("h2c"),
                ..GOOD
            },
            HandshakeError::Upgrade,
            400,
        ),
        (
            RequestHeaders {
                connection: None,
                ..GOOD
            },
            HandshakeError::Connection,
            400,
        ),
        (
            RequestHeaders {
                connection: Some("keep-alive"),
                ..GOOD
            },
            HandshakeError::Connection,
            400,
        ),
        (
            RequestHeaders {
                version: None,
                ..GOOD
            },
            HandshakeError::VersionMissing,
            400,
        ),
        (
            RequestHeaders {
                version: Some("8"),
                ..GOOD
            },
            HandshakeError::VersionUnsupported,
            426,
        ),
        (
            RequestHeaders { key: None, ..GOOD },
            HandshakeError::Key,
            400,
        ),
        (
            RequestHeaders {
                key: Some("short"),
                ..GOOD
            },
            HandshakeError::Key,
            400,
        ),
    ];
    for (request, error, status) in cases {
        assert_eq!(check_request(&request), Err(error), "{request:?}");
        assert_eq!(error.status(), status, "{request:?}");
    }
}

#[test]
fn the_best_subprotocol_of_ours_that_is_offered_is_chosen() {
    const OURS: [&str; 3] = ["v12.stomp", "v11.stomp", "v10.stomp"];
    assert_eq!(
        choose_subprotocol("v10.stomp, v11.stomp,v12.stomp", &OURS),
        Some("v12.stomp")
    );
    assert_eq!(
        choose_subprotocol("v10.stomp,chat ,v11.stomp", &OURS),
        Some("v11.stomp")
    );
    assert_eq!(choose_subprotocol("V12.STOMP, v12", &OURS), None);
    assert_eq!(choose_subprotocol("", &OURS), None);
}

fn response(headers: &str) -> String {
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         {headers}\r\n"
    )
}

fn accepted(more: &str) -> String {
    response(&format!("sec-websocket-accept: {ACCEPT}\r\n{more}"))
}

#[test]
fn a_response_is_incomplete_until_its_empty_line_and_what_follows_is_not_consumed() {
    let head = accepted("Sec-WebSocket-Protocol: v12.stomp\r\n");
    for len in 0..head.len() {
        assert_eq!(
            check_response(&head.as_bytes()[..len], KEY, &["v12.stomp"]),
            Ok(None)
        );
    }
    let with_frame = format!("{head}\u{1}\u{2}hi");
    let expected = Response {
        consumed: head.len(),
        subprotocol: Some("v12.stomp"),
    };
    assert_eq!(
        check_response(with_frame.as_bytes(), KEY, &["v12.stomp"]),
        Ok(Some(expected))
    );
}

#[test]
fn each_wrong_response_is_refused() {
    let cases = [
        (
            "HTTP/1.1 403 Forbidden\r\n\r\n".to_owned(),
            ResponseError::Status(403),
        ),
        (
            "HTTP/1.0 101 Odd\r\n\r\n".to_owned(),
            ResponseError::Malformed,
        ),
        (
            "HTTP/1.1 1o1 Odd\r\n\r\n".to_owned(),
            ResponseError::Malformed,
        ),
        ("SSH-2.0-x\r\n\r\n".to_owned(), ResponseError::Malformed),
        (accepted("no colon\r\n"), ResponseError::Malformed),
        (
            accepted("").replace("Upgrade: w", "X: w"),
            ResponseError::Upgrade,
        ),
        (
            accepted("").replace("Upgrade: websocket", "Upgrade: h2c"),
            ResponseError::Upgrade,
        ),
        (
            accepted("").replace(": Upgrade", ": close"),
            ResponseError::Connection,
        ),
        (response(""), ResponseError::Accept),
        (
            response("Sec-WebSocket-Accept: AAAA\r\n"),
            ResponseError::Accept,
        ),
        (
            accepted(&format!("Sec-WebSocket-Accept: {ACCEPT}\r\n")),
            ResponseError::Accept,
        ),
        (
            accepted("Sec-WebSocket-Extensions: permessage-deflate\r\n"),
            ResponseError::Extension,
        ),
        (
            accepted("Sec-WebSocket-Protocol: v10.stomp\r\n"),
            ResponseError::Subprotocol,
        ),
        (accepted(&"X: y\r\n".repeat(3000)), ResponseError::TooLong),
    ];
    for (response, error) in cases {
        let checked = check_response(response.as_bytes(), KEY, &["v12.stomp"]);
        assert_eq!(checked, Err(error), "{response}");
    }
    let endless = vec![b'a'; RESPONSE_HEAD_BYTES_MAX];
    assert_eq!(check_response(&endless[1..], KEY, &[]), Ok(None));
    assert_eq!(
        check_response(&endless, KEY, &[]),
        Err(ResponseError::TooLong)
    );
}

#[test]
fn a_response_to_an_invalid_key_is_never_accepted() {
    assert_eq!(
        check_response(response("").as_bytes(), "bad", &[]),
        Err(ResponseError::Accept)
    );
}

async fn read_head(stream: &mut tokio::io::DuplexStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("the head ends"));
    }
    String::from_utf8(head).expect("the head is ASCII")
}

#[tokio::test]
async fn tungstenite_takes_our_request_and_we_its_response() {
    let (mut client, server) = tokio::io::duplex(4096);
    let key = encode_key([7; 16]);
    let mut request = Vec::new();
    let subprotocols = ["v12.stomp", "v11.stomp"];
    let origin = [("Origin", "https://example.org")];
    encode_request(
        "localhost:1",
        "/ws?a=b",
        &key,
        &subprotocols,
        &origin,
        &mut request,
    );
    client.write_all(&request).await.unwrap();

    #[expect(clippy::result_large_err, reason = "the signature is theirs")]
    let check = |request: &theirs::Request, mut response: theirs::Response| {
        assert_eq!(request.uri(), "/ws?a=b");
        assert_eq!(request.headers()["Host"], "localhost:1");
        assert_eq!(request.headers()["Origin"], "https://example.org");
        assert_eq!(
            request.headers()["Sec-WebSocket-Protocol"],
            "v12.stomp, v11.stomp"
        );
        let chosen = "v11.stomp".parse().unwrap();
        response
            .headers_mut()
            .insert("Sec-WebSocket-Protocol", chosen);
        Ok(response)
    };
    tokio_tungstenite::accept_hdr_async(server, check)
        .await
        .unwrap();

    let head = read_head(&mut client).await;
    let checked = check_response(head.as_bytes(), &key, &subprotocols);
    let expected = Response {
        consumed: head.len(),
        subprotocol: Some("v11.stomp"),
    };
    assert_eq!(checked, Ok(Some(expected)));
}

#[tokio::test]
async fn we_take_tungstenites_request_and_it_our_answer() {
    let (client, mut server) = tokio::io::duplex(4096);
    let serve = async move {
        let head = read_head(&mut server).await;
        let value = |name: &str| {
            let mut lines = head.lines().filter_map(|line| line.split_once(": "));
            lines
                .find(|(key, _)| key.eq_ignore_ascii_case(name))
                .map(|(_, value)| value)
        };
        let accept = check_request(&RequestHeaders {
            upgrade: value("upgrade"),
            connection: value("connection"),
            version: value("sec-websocket-version"),
            key: value("sec-websocket-key"),
        });
        let answer = format!("Sec-WebSocket-Accept: {}\r\n", accept.unwrap());
        server
            .write_all(response(&answer).as_bytes())
            .await
            .unwrap();
        server
    };
    let request = "ws://localhost/ws".into_client_request().unwrap();
    let connect = tokio_tungstenite::client_async(request, client);
    let (_server, connected) = tokio::join!(serve, connect);
    connected.unwrap();
}

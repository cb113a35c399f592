//! The cases of sockjs-protocol's suite that need no server, byte by byte.

use std::fmt::Write as _;

use madang_wire::sockjs::{
    Answer, Callback, CallbackError, Close, DecodeError, Endpoint, IframePage, Info, Limits,
    Receiver, Revision, Transport, WEBSOCKET_VERSIONS, append_quoted, decode_body, decode_form,
    decode_frame, frame, header,
};
use madang_wire::websocket::handshake::{self, RequestHeaders};
use madang_wire::websocket::{HandshakeError, accept_key};

const LIMITS: Limits = Limits {
    messages_max: 100,
    bytes_max: 1 << 20,
};
const REVISIONS: [Revision; 2] = [Revision::V0_3_3, Revision::V1_0];

fn written(append: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    append(&mut out);
    String::from_utf8(out).expect("what is sent is UTF-8")
}

fn quoted(text: &str) -> String {
    written(|out| append_quoted(text.as_bytes(), out))
}

#[test]
fn only_the_urls_of_the_protocol_are_endpoints() {
    assert_eq!(Endpoint::parse(""), Some(Endpoint::Greeting));
    assert_eq!(Endpoint::parse("/"), Some(Endpoint::Greeting));
    assert_eq!(Endpoint::parse("/info"), Some(Endpoint::Info));
    assert_eq!(Endpoint::parse("/websocket"), Some(Endpoint::RawWebSocket));
    for path in [
        "//",
        "///",
        "/a",
        "/a.html",
        "/a/a",
        "/a/a/",
        "/a/",
        "a",
        "/info/",
        "/INFO",
        "/websocket/",
        "/a/a/xhr/",
        "/a/a/xhr/a",
        "/a/a/XHR",
        "/a/a/b",
    ] {
        assert_eq!(Endpoint::parse(path), None, "{path}");
    }
}

#[test]
fn preflights_are_answered_only_where_responses_have_cors() {
    let paths = Transport::ALL.map(|transport| format!("/a/a/{}", transport.name()));
    for path in paths
        .iter()
        .map(String::as_str)
        .chain(["", "/info", "/iframe.html"])
    {
        let endpoint = Endpoint::parse(path).unwrap();
        let is_asked_before = endpoint.methods().starts_with("OPTIONS");
        // An EventSource sends no header that has to be asked for.
        let is_simple = path.ends_with("/eventsource");
        assert_eq!(endpoint.has_cors(), is_asked_before || is_simple, "{path}");
    }
}

#[test]
fn the_iframe_has_versions() {
    for path in [
        "/iframe.html",
        "/iframe-a.html",
        "/iframe-.html",
        "/iframe-0.1.2.html",
        "/iframe-0.1.2abc-dirty.2144.html",
        "/iframe_a.html",
    ] {
        assert_eq!(Endpoint::parse(path), Some(Endpoint::Iframe), "{path}");
    }
    for path in [
        "/iframe.htm",
        "/iframe",
        "/IFRAME.HTML",
        "/IFRAME",
        "/iframe.HTML",
        "/iframe.xml",
        "/iframe-/.html",
        "/iframe-A.html",
        "/iframehtml",
        "/iframe%20.html",
    ] {
        assert_eq!(Endpoint::parse(path), None, "{path}");
    }
}

#[test]
fn a_session_may_have_any_name_without_dots() {
    for (server, session) in [
        ("a", "a"),
        ("_", "_"),
        ("1", "1"),
        ("abcdefgh_i-j%20", "abcdefg_i-j%20"),
    ] {
        for transport in Transport::ALL {
            let path = format!("/{server}/{session}/{}", transport.name());
            let expected = Endpoint::Session {
                server,
                session,
                transport,
            };
            assert_eq!(Endpoint::parse(&path), Some(expected));
        }
    }
    for prefix in ["//", "/a./a", "/a/a.", "/./.", "/", "///", "/a/", "//a", ""] {
        assert_eq!(Endpoint::parse(&format!("{prefix}/xhr")), None, "{prefix}");
    }
    assert!(Endpoint::parse(&format!("/{0}/{0}/xhr", "a".repeat(128))).is_some());
    assert_eq!(
        Endpoint::parse(&format!("/a/{}/xhr", "a".repeat(129))),
        None
    );
}

#[test]
fn methods_are_those_of_the_protocol() {
    let methods = |path: &str| Endpoint::parse(path).unwrap().methods();
    assert_eq!(methods("/info"), "OPTIONS, GET");
    assert_eq!(methods("/iframe.html"), "GET");
    for sends in ["xhr", "xhr_send", "xhr_streaming"] {
        assert_eq!(methods(&format!("/a/a/{sends}")), "OPTIONS, POST");
    }
    assert_eq!(methods("/a/a/jsonp_send"), "POST");
    for receives in ["websocket", "eventsource", "htmlfile", "jsonp"] {
        assert_eq!(methods(&format!("/a/a/{receives}")), "GET");
    }
}

/// JSONEncoding.test_xhr_server_encodes, with its own `escapable_by_server`.
#[test]
fn unsafe_characters_are_escaped_just_as_the_suite_has_them() {
    let is_escapable = |unit: u32| matches!(unit, 0x200c..=0x200f | 0x2028..=0x202f | 0x2060..=0x206f | 0xfff0..=0xffff);
    let mut killer = String::new();
    let mut killer_escaped = String::new();
    for unit in (255..65536).filter(|unit| is_escapable(*unit)) {
        killer.push(char::from_u32(unit).unwrap());
        write!(killer_escaped, "\\u{unit:04x}").unwrap();
    }
    assert_eq!(quoted(&killer), format!("\"{killer_escaped}\""));

    let sent = format!("[\"{killer}\"]");
    assert_eq!(
        decode_body(sent.as_bytes(), LIMITS).unwrap(),
        [killer.as_str()]
    );
    let sent = format!("[\"{killer_escaped}\"]");
    assert_eq!(
        decode_body(sent.as_bytes(), LIMITS).unwrap(),
        [killer.as_str()]
    );
}

#[test]
fn other_characters_are_left_alone() {
    let plain =
        "Hello, world! 안녕하세요 \u{200b}\u{2010}\u{2027}\u{2030}\u{205f}\u{2070}\u{ffef}\u{7f}é";
    assert_eq!(quoted(plain), format!("\"{plain}\""));
    assert_eq!(quoted("😀"), r#""\ud83d\ude00""#);
    assert_eq!(quoted("  \0\n\r "), r#""  \u0000\n\r ""#);
    assert_eq!(quoted("\u{8}\t\u{c}\u{1f}\"\\/"), r#""\b\t\f\u001f\"\\/""#);
}

#[test]
fn frames_are_those_of_the_protocol() {
    assert_eq!(frame::OPEN, b"o");
    assert_eq!(frame::HEART_BEAT, b"h");
    let close = |close: Close<'_>| written(|out| close.append_frame(out));
    assert_eq!(close(Close::GO_AWAY), r#"c[3000,"Go away!"]"#);
    assert_eq!(
        close(Close::INTERRUPTED),
        r#"c[1002,"Connection interrupted"]"#
    );
    assert_eq!(
        close(Close::ANOTHER_CONNECTION),
        r#"c[2010,"Another connection still open"]"#
    );
    assert_eq!(close(Close::new(3001, "\"\n")), r#"c[3001,"\"\n"]"#);
    let messages = |texts: &[&str]| {
        written(|out| frame::append_messages(texts.iter().map(|text| text.as_bytes()), out))
    };
    assert_eq!(messages(&["x"]), r#"a["x"]"#);
    assert_eq!(messages(&["a", "", "\n"]), r#"a["a","","\n"]"#);
    assert_eq!(messages(&[]), "a[]");
}

#[test]
fn bodies_are_arrays_of_strings() {
    let decode = |body: &str| decode_body(body.as_bytes(), LIMITS);
    assert_eq!(decode(r#"["x"]"#).unwrap(), ["x"]);
    assert_eq!(decode(" [ \"a\" ,\n\"b\" ] ").unwrap(), ["a", "b"]);
    assert!(decode("[]").unwrap().is_empty());
    assert_eq!(decode(r#"["  \u0000\n\r "]"#).unwrap(), ["  \0\n\r "]);
    assert_eq!(
        decode(r#"["\"\\\/\b\f\n\r\t\u00E9"]"#).unwrap(),
        ["\"\\/\u{8}\u{c}\n\r\té"]
    );
    assert_eq!(decode(""), Err(DecodeError::Empty));
    for broken in [
        "[\"x",
        "[",
        "[\"x\"",
        "[\"x\",",
        "[\"x\",]",
        "[,]",
        "x",
        " ",
        "[\"x\"]]",
        "[\"x\" \"y\"]",
        "[\"\\x\"]",
        "[\"\\u12\"]",
        "[\"\\u12g4\"]",
        "[\"\\u+123\"]",
        "[\"\n\"]",
        "[\"\\",
        "[\"\\ué12\"]",
        "\u{feff}[]",
        "['x']",
    ] {
        assert_eq!(decode(broken), Err(DecodeError::Broken), "{broken}");
    }
    assert_eq!(decode_body(b"[\"\xff\"]", LIMITS), Err(DecodeError::Broken));
    for other in [
        "{}",
        "1",
        "null",
        "\"x\"",
        "[1]",
        "[\"x\",null]",
        "[[]]",
        "[{}]",
        "true",
    ] {
        assert_eq!(decode(other), Err(DecodeError::NotStrings), "{other}");
    }
}

#[test]
fn half_a_surrogate_pair_becomes_a_replacement_character() {
    let decode = |json: &str| decode_body(json.as_bytes(), LIMITS).unwrap().concat();
    assert_eq!(decode(r#"["\ud83d\ude00"]"#), "😀");
    assert_eq!(decode(r#"["\uD83D"]"#), "\u{fffd}");
    assert_eq!(decode(r#"["\ude00x"]"#), "\u{fffd}x");
    assert_eq!(decode(r#"["\ud83d\u0041"]"#), "\u{fffd}A");
    assert_eq!(decode(r#"["\ud83d\ud83d\ude00"]"#), "\u{fffd}😀");
    assert_eq!(decode(r#"["\ud83d\n"]"#), "\u{fffd}\n");
    assert_eq!(decode(r#"["\ud83d","\ude00"]"#), "\u{fffd}\u{fffd}");
    let all = (0xd800..=0xdfff).map(|unit| format!("\\u{unit:04x}"));
    let all: String = all.collect();
    assert_eq!(decode(&format!("[\"{all}\"]")).chars().count(), 2048 - 1);
}

#[test]
fn a_websocket_may_bring_one_string_or_nothing() {
    assert_eq!(decode_frame(br#"["a","b"]"#, LIMITS).unwrap(), ["a", "b"]);
    assert_eq!(decode_frame(br#""x""#, LIMITS).unwrap(), ["x"]);
    assert!(decode_frame(b"", LIMITS).unwrap().is_empty());
    assert!(decode_frame(b"[]", LIMITS).unwrap().is_empty());
    assert_eq!(decode_frame(b"[\"a", LIMITS), Err(DecodeError::Broken));
    assert_eq!(decode_frame(b"\"a\" ,", LIMITS), Err(DecodeError::Broken));
    assert_eq!(decode_frame(b"{}", LIMITS), Err(DecodeError::NotStrings));
}

#[test]
fn a_form_has_its_payload_in_d() {
    let form = Some("application/x-www-form-urlencoded; charset=UTF-8");
    let decode = |body: &str, content_type| decode_form(body.as_bytes(), content_type, LIMITS);
    assert_eq!(decode("d=%5B%22x%22%5D", form).unwrap(), ["x"]);
    assert_eq!(
        decode("a=b&d=%5b%22x+y%2B%22%5d&d=", form).unwrap(),
        ["x y+"]
    );
    assert!(decode("d=%5B%5D", form).unwrap().is_empty());
    assert_eq!(
        decode("[\"%61bc\"]", Some("text/plain")).unwrap(),
        ["%61bc"]
    );
    assert_eq!(decode("[\"%61bc\"]", None).unwrap(), ["%61bc"]);
    assert_eq!(decode("d=%5B%22x", form), Err(DecodeError::Broken));
    assert_eq!(
        decode("d=%5B%22%zz%2%22%5D%", form),
        Err(DecodeError::Broken)
    );
    assert_eq!(decode("d=[\"%zz%2\"]", form).unwrap(), ["%zz%2"]);
    for empty in ["", "d=", "d", "p=p"] {
        assert_eq!(decode(empty, form), Err(DecodeError::Empty), "{empty}");
    }
}

#[test]
fn bounds_are_kept_exactly() {
    let limits = Limits {
        messages_max: 2,
        bytes_max: 9,
    };
    assert_eq!(decode_body(b"[\"a\",\"b\"]", limits).unwrap(), ["a", "b"]);
    assert_eq!(
        decode_body(b"[\"a\",\"bc\"]", limits),
        Err(DecodeError::TooLarge)
    );
    assert_eq!(
        decode_body(b"[\"\",\"\",\"", limits),
        Err(DecodeError::TooManyMessages)
    );
    assert_eq!(
        decode_frame(b"\"12345678\"", limits),
        Err(DecodeError::TooLarge)
    );
    let form = Some("application/x-www-form-urlencoded");
    assert_eq!(
        decode_form(b"d=%5B%22a%22%2C%22b%22%5D", form, limits).unwrap(),
        ["a", "b"]
    );
    assert_eq!(
        decode_form(&[b'd'; 30], form, limits),
        Err(DecodeError::TooLarge)
    );
    let none = Limits {
        messages_max: 0,
        bytes_max: 9,
    };
    assert_eq!(
        decode_frame(b"\"\"", none),
        Err(DecodeError::TooManyMessages)
    );
}

#[test]
fn clients_are_told_what_is_wrong() {
    let body = |error: DecodeError| Answer::from(error);
    assert_eq!(body(DecodeError::Broken).body, "Broken JSON encoding.");
    assert_eq!(body(DecodeError::Broken).status, 500);
    assert_eq!(body(DecodeError::Empty).body, "Payload expected.");
    assert!(
        body(DecodeError::NotStrings)
            .body
            .contains("Payload expected")
    );
    assert_eq!(
        Answer::from(CallbackError::Missing).body,
        "\"callback\" parameter required"
    );
    assert_eq!(
        Answer::from(CallbackError::Invalid).body,
        "invalid \"callback\" parameter"
    );
    assert_eq!(Answer::from(CallbackError::Invalid).status, 500);
    assert_eq!(Answer::GREETING.body, "Welcome to SockJS!\n");
    assert_eq!(Answer::METHOD_NOT_ALLOWED.content_type, None);
}

#[test]
fn a_callback_is_a_name() {
    let callback = |query| Callback::from_query(query);
    assert_eq!(callback("c=%63allback").unwrap().as_str(), "callback");
    assert_eq!(
        callback("t=1&callback=_jp.a-B9").unwrap().as_str(),
        "_jp.a-B9"
    );
    assert_eq!(callback("callback=x&c=y").unwrap().as_str(), "y");
    for missing in ["", "c", "c=", "d=x"] {
        assert_eq!(callback(missing), Err(CallbackError::Missing), "{missing}");
    }
    for invalid in [
        "c=%20", "c=*", "c=abc(", "c=abc%28", "c=%0a", "c=%ff", "c=%c3%a9",
    ] {
        assert_eq!(callback(invalid), Err(CallbackError::Invalid), "{invalid}");
    }
    assert!(Callback::new(&"a".repeat(32)).is_ok());
    assert_eq!(Callback::new(&"a".repeat(33)), Err(CallbackError::Invalid));
}

#[test]
fn each_transport_wraps_frames_in_its_own_way() {
    let callback = Callback::new("callback").unwrap();
    let wrapped = |receiver: &Receiver, frame: &[u8], revision| {
        written(|out| receiver.append_frame(frame, revision, out))
    };
    for revision in REVISIONS {
        for xhr in [Receiver::Xhr, Receiver::XhrStreaming] {
            assert_eq!(wrapped(&xhr, b"a[\"x\"]", revision), "a[\"x\"]\n");
            assert_eq!(
                xhr.content_type(revision),
                "application/javascript; charset=UTF-8"
            );
        }
        let event_source = Receiver::EventSource;
        assert_eq!(wrapped(&event_source, b"o", revision), "data: o\r\n\r\n");
        let html_file = Receiver::HtmlFile(callback.clone());
        assert_eq!(
            wrapped(&html_file, b"a[\"x\"]", revision),
            "<script>\np(\"a[\\\"x\\\"]\");\n</script>\r\n"
        );
    }
    let jsonp = Receiver::Jsonp(callback);
    assert_eq!(
        wrapped(&jsonp, b"o", Revision::V0_3_3),
        "callback(\"o\");\r\n"
    );
    assert_eq!(
        wrapped(&jsonp, b"c[3000,\"Go away!\"]", Revision::V1_0),
        "/**/callback(\"c[3000,\\\"Go away!\\\"]\");\r\n"
    );
    assert_eq!(
        wrapped(&jsonp, br#"a["\u2028\n"]"#, Revision::V0_3_3),
        "callback(\"a[\\\"\\\\u2028\\\\n\\\"]\");\r\n"
    );
}

#[test]
fn no_message_ends_the_script_of_an_html_file() {
    let receiver = Receiver::HtmlFile(Callback::new("c").unwrap());
    let attack = "</script><script>alert(1)</script><!--";
    let frame = written(|out| frame::append_messages([attack.as_bytes()], out));
    let wrapped = written(|out| receiver.append_frame(frame.as_bytes(), Revision::V1_0, out));
    let literal = wrapped.strip_prefix("<script>\np(").unwrap();
    let literal = literal.strip_suffix(");\n</script>\r\n").unwrap();
    assert!(!literal.contains('<'));
    assert_eq!(serde_json::from_str::<String>(literal).unwrap(), frame);
}

#[test]
fn preludes_are_those_of_the_protocol() {
    let prelude = |receiver: Receiver| written(|out| receiver.append_prelude(out));
    let callback = Callback::new("c").unwrap();
    assert_eq!(prelude(Receiver::XhrStreaming), "h".repeat(2048) + "\n");
    assert_eq!(prelude(Receiver::EventSource), "\r\n");
    assert_eq!(prelude(Receiver::Xhr), "");
    assert_eq!(prelude(Receiver::Jsonp(callback.clone())), "");
    let page = prelude(Receiver::HtmlFile(callback));
    assert!(page.len() > 1024);
    assert_eq!(
        page.trim(),
        "<!doctype html>\n<html><head>\n  \
         <meta http-equiv=\"X-UA-Compatible\" content=\"IE=edge\" />\n  \
         <meta http-equiv=\"Content-Type\" content=\"text/html; charset=UTF-8\" />\n\
         </head><body><h2>Don't panic!</h2>\n  <script>\n    \
         document.domain = document.domain;\n    var c = parent.c;\n    c.start();\n    \
         function p(d) {c.message(d);};\n    window.onload = function() {c.stop();};\n  </script>"
    );
}

#[test]
fn info_is_the_json_that_clients_ask_for() {
    let info = Info {
        websocket: true,
        cookie_needed: false,
        entropy: u32::MAX,
    };
    let expected =
        r#"{"websocket":true,"origins":["*:*"],"cookie_needed":false,"entropy":4294967295}"#;
    assert_eq!(info.to_json(), expected);
}

#[test]
fn the_iframe_page_is_that_of_the_suite() {
    let head = "<!DOCTYPE html>\n<html>\n<head>\n  \
        <meta http-equiv=\"X-UA-Compatible\" content=\"IE=edge\" />\n  \
        <meta http-equiv=\"Content-Type\" content=\"text/html; charset=UTF-8\" />\n";
    let rest = "</head>\n<body>\n  <h2>Don't panic!</h2>\n  \
        <p>This is a SockJS hidden iframe. It's used for cross domain magic.</p>\n</body>\n</html>";
    let library = "  <script src=\"/sockjs.js?a&amp;&quot;\"></script>\n";
    let bootstrap = "  <script>\n    document.domain = document.domain;\n    \
        _sockjs_onload = function(){SockJS.bootstrap_iframe();};\n  </script>\n";
    let page = IframePage::new("/sockjs.js?a&\"", Revision::V0_3_3);
    assert_eq!(page.body(), [head, bootstrap, library, rest].concat());
    let bootstrap = "  <script>\n    document.domain = document.domain;\n    \
        SockJS.bootstrap_iframe();\n  </script>\n";
    let page = IframePage::new("/sockjs.js?a&\"", Revision::V1_0);
    assert_eq!(page.body(), [head, library, bootstrap, rest].concat());
}

#[test]
fn a_client_that_has_the_page_is_recognised() {
    let page = IframePage::new("/sockjs.js", Revision::V1_0);
    assert_eq!(page, IframePage::new("/sockjs.js", Revision::V1_0));
    assert_ne!(
        page.etag(),
        IframePage::new("/other.js", Revision::V1_0).etag()
    );
    assert_eq!(page.etag().len(), 42);
    let etag = page.etag();
    for known in [etag, "*", &format!("\"x\", {etag}"), &format!("W/{etag}")] {
        assert!(page.is_known_to(known), "{known}");
    }
    assert!(!page.is_known_to("\"x\""));
    assert!(!page.is_known_to(""));
    assert!(!page.is_known_to(etag.trim_matches('"')));
}

#[test]
fn cors_answers_as_the_revision_has_it() {
    let cors = |origin, headers, revision| -> Vec<_> {
        header::cors(origin, headers, revision)
            .filter(|(name, _)| *name != "vary")
            .collect()
    };
    let credentials = ("access-control-allow-credentials", "true");
    let origin = |value| ("access-control-allow-origin", value);
    let headers = ("access-control-allow-headers", "a, b, c");
    for revision in REVISIONS {
        assert_eq!(
            cors(Some("test"), None, revision),
            [origin("test"), credentials]
        );
        assert_eq!(
            cors(Some("test"), Some(""), revision),
            [origin("test"), credentials]
        );
        assert_eq!(
            cors(Some("test"), Some("a, b, c"), revision),
            [origin("test"), credentials, headers]
        );
    }
    assert_eq!(
        cors(None, None, Revision::V0_3_3),
        [origin("*"), credentials]
    );
    assert_eq!(
        cors(Some("null"), None, Revision::V0_3_3),
        [origin("*"), credentials]
    );
    assert_eq!(cors(None, None, Revision::V1_0), [origin("*")]);
    assert_eq!(
        cors(Some("null"), None, Revision::V1_0),
        [origin("null"), credentials]
    );
}

#[test]
fn caching_is_all_or_nothing() {
    let no_store = "no-store, no-cache, no-transform, must-revalidate, max-age=0";
    assert_eq!(
        header::no_store(Revision::V1_0),
        ("cache-control", no_store)
    );
    let no_store = "no-store, no-cache, must-revalidate, max-age=0";
    assert_eq!(
        header::no_store(Revision::V0_3_3),
        ("cache-control", no_store)
    );
    let [cache_control, expires] = header::cacheable(784_111_777);
    assert_eq!(
        cache_control,
        ("cache-control", "public, max-age=31536000".to_owned())
    );
    assert_eq!(
        expires,
        ("expires", "Mon, 06 Nov 1995 08:49:37 GMT".to_owned())
    );
    let max_age = header::preflight("OPTIONS, POST")[0].1;
    assert_eq!(max_age, header::CACHE_SECONDS.to_string());
}

#[test]
fn a_session_cookie_is_echoed_if_it_is_one() {
    let value = |cookie| header::session_cookie(cookie).1;
    assert_eq!(value(None), "JSESSIONID=dummy; Path=/");
    assert_eq!(
        value(Some("JSESSIONID=abcdef")),
        "JSESSIONID=abcdef; Path=/"
    );
    assert_eq!(
        value(Some("a=b; JSESSIONID=x.y!z; c")),
        "JSESSIONID=x.y!z; Path=/"
    );
    for bad in [
        "JSESSIONID=",
        "XJSESSIONID=a",
        "JSESSIONID=a b",
        "JSESSIONID=a\r\nb: c",
    ] {
        assert_eq!(value(Some(bad)), "JSESSIONID=dummy; Path=/", "{bad}");
    }
}

/// WebsocketHybi10.test_headersSanity and test_firefox_602_connection_header.
#[test]
fn drafts_of_the_websocket_protocol_are_taken_only_where_asked_for() {
    let key = "x3JJHMbDL1EzLkh9GBhXDw==";
    for version in ["7", "8", "13"] {
        let headers = RequestHeaders {
            upgrade: Some("websocket"),
            connection: Some("keep-alive, Upgrade"),
            version: Some(version),
            key: Some(key),
        };
        let accept = handshake::check_request_of_versions(&headers, WEBSOCKET_VERSIONS).unwrap();
        assert_eq!(accept, "HSmrc0sMlYUkAGmm5OPpG2HaGWk=");
        assert_eq!(accept_key(key).unwrap(), accept);
        assert_eq!(handshake::check_request(&headers).is_ok(), version == "13");
        let headers = RequestHeaders {
            version: Some("6"),
            ..headers
        };
        let refused = handshake::check_request_of_versions(&headers, WEBSOCKET_VERSIONS);
        assert_eq!(refused, Err(HandshakeError::VersionUnsupported));
    }
}

#[test]
fn a_request_that_is_no_handshake_is_told_so() {
    let none = RequestHeaders::default();
    let refused = Answer::from(handshake::check_request(&none).unwrap_err());
    assert_eq!(
        (refused.status, &*refused.body),
        (400, "Can \"Upgrade\" only to \"WebSocket\".")
    );
    let closing = RequestHeaders {
        upgrade: Some("WebSocket"),
        connection: Some("close"),
        ..none
    };
    let refused = Answer::from(handshake::check_request(&closing).unwrap_err());
    assert_eq!(
        (refused.status, &*refused.body),
        (400, "\"Connection\" must be \"Upgrade\".")
    );
}

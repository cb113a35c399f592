//! Which pages may use the transports, and whose cookies say who the user is.

use madang_e2e::http;
use madang_e2e::sockjs::Session;

use super::{LISTED, server, session};

const FOREIGN: &str = "https://evil.example";

/// What a CONNECT without a token is answered with in a session that was opened by this request,
/// to which the user's cookie was added.
fn connect_by_cookie(session: &Session, opening: &str) -> String {
    let token = server().token("kim", "user");
    let opener = session.with("Cookie", &format!("Authorization={token}"));
    // Its first frame is the open frame: what comes then is asked for by `xhr`.
    if opening.starts_with("jsonp") || opening == "xhr" {
        assert_eq!(opener.poll(opening).status, 200);
        let connect = "CONNECT\naccept-version:1.2\n\n\0";
        assert_eq!(opener.send(&[connect]).status, 204);
        return opener.poll("xhr").text().to_owned();
    }
    let mut stream = opener.ask(opening, "");
    assert_eq!(stream.head.status, 200);
    stream.frame();
    assert!(stream.frame().contains('o'));
    let connect = "CONNECT\naccept-version:1.2\n\n\0";
    assert_eq!(opener.send(&[connect]).status, 204);
    stream.frame()
}

#[test]
fn a_request_that_any_page_can_make_is_not_authenticated_by_its_cookie() {
    for opening in ["jsonp?c=f", "htmlfile?c=f", "eventsource"] {
        for session in [
            session(),
            session().with("Sec-Fetch-Site", "cross-site"),
            session().with("Sec-Fetch-Site", "same-site"),
            session().with("Sec-Fetch-Site", "none"),
        ] {
            let answer = connect_by_cookie(&session, opening);
            assert!(
                answer.contains("AUTHENTICATION_REQUIRED"),
                "{opening}: {answer}"
            );
        }
    }
}

#[test]
fn a_request_of_the_servers_own_pages_is_authenticated_by_its_cookie() {
    for opening in ["jsonp?c=f", "htmlfile?c=f", "eventsource", "xhr"] {
        let session = session().with("Sec-Fetch-Site", "same-origin");
        let answer = connect_by_cookie(&session, opening);
        assert!(answer.contains("CONNECTED"), "{opening}: {answer}");
    }
}

#[test]
fn a_request_of_a_listed_origin_is_authenticated_by_its_cookie() {
    for opening in ["eventsource", "xhr"] {
        let session = session().with("Origin", LISTED);
        let answer = connect_by_cookie(&session, opening);
        assert!(answer.contains("CONNECTED"), "{opening}: {answer}");
    }
}

#[test]
fn a_page_of_a_foreign_origin_is_refused_by_every_transport() {
    let foreign = session().with("Origin", FOREIGN);
    for transport in [
        "xhr",
        "xhr_streaming",
        "eventsource",
        "htmlfile?c=f",
        "jsonp?c=f",
    ] {
        let answer = foreign.ask(transport, "");
        assert_eq!(answer.head.status, 403, "{transport}");
    }
    for transport in ["xhr_send", "jsonp_send"] {
        let answer = foreign.ask(transport, "[]");
        assert_eq!(answer.head.status, 403, "{transport}");
    }
}

#[test]
fn a_page_of_a_listed_origin_may_read_with_credentials() {
    let listed = session().with("Origin", LISTED);
    let answers = [
        listed.poll("xhr"),
        listed.send(&[]),
        http::request(
            server().address(),
            "OPTIONS",
            "/ws/000/x/xhr",
            &[
                ("Origin", LISTED),
                ("Access-Control-Request-Method", "POST"),
            ],
        ),
    ];
    for answer in answers {
        assert!(answer.status < 300, "{answer:?}");
        assert_eq!(answer.header("access-control-allow-origin"), Some(LISTED));
        assert_eq!(
            answer.header("access-control-allow-credentials"),
            Some("true")
        );
    }
}

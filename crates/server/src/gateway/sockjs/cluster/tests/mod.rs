//! Several servers on one bus, and a client whose every request comes to another one.

mod fixture;
mod gateways;
mod losses;

use std::time::Duration;

use fixture::{Cluster, Line, OPTIONS, opened};
use http::StatusCode;

/// Whatever a test waits for comes before that, or never.
const PATIENCE: Duration = Duration::from_secs(20);

const OTHER_RECEIVER: &str = r#"c[2010,"Another connection still open"]"#;
const INTERRUPTED: &str = r#"c[1002,"Connection interrupted"]"#;

#[tokio::test]
async fn a_polling_session_is_the_same_at_every_node() {
    let cluster = Cluster::of(3, OPTIONS).await;
    let session = opened(&cluster).await;
    for round in 0..9 {
        let node = round % 3;
        let text = format!("say {round}");
        assert_eq!(session.send((node + 1) % 3, &[&text]).await, 204);
        assert_eq!(session.poll(node).await, format!("a[\"{text}\"]\n"));
    }
}

#[tokio::test]
async fn jsonp_receives_and_sends_at_every_node() {
    let cluster = Cluster::of(2, OPTIONS).await;
    let session = cluster.session();
    let first = session.get(0, "jsonp?c=cb").await;
    assert_eq!(first, "/**/cb(\"o\");\r\n");
    for round in 0..4 {
        let told = session.jsonp_send(round % 2, "said").await;
        assert_eq!(told, (StatusCode::OK, "ok".to_owned()));
        let got = session.get((round + 1) % 2, "jsonp?c=cb").await;
        assert_eq!(got, "/**/cb(\"a[\\\"said\\\"]\");\r\n");
    }
}

#[tokio::test]
async fn every_streaming_transport_receives_at_a_node_that_does_not_have_the_session() {
    for (transport, line) in [
        ("xhr_streaming", Line::Plain),
        ("eventsource", Line::Event),
        ("htmlfile?c=cb", Line::Script),
    ] {
        let cluster = Cluster::of(2, OPTIONS).await;
        let session = opened(&cluster).await;
        let mut stream = session.stream(1, transport, line).await;
        for round in 0..4 {
            let text = format!("say {round}");
            assert_eq!(session.send(round % 2, &[&text, "고객"]).await, 204);
            let mut texts = stream.texts(2).await;
            assert_eq!(texts.pop().unwrap(), "고객", "{transport}");
            assert_eq!(texts.pop().unwrap(), text, "{transport}");
        }
    }
}

#[tokio::test]
async fn a_streaming_response_ends_after_its_bytes_at_every_node_and_nothing_is_lost() {
    let cluster = Cluster::of(2, OPTIONS).await;
    let session = opened(&cluster).await;
    let long = "x".repeat(OPTIONS_BYTES);
    for round in 0..4 {
        let mut stream = session
            .stream((round + 1) % 2, "xhr_streaming", Line::Plain)
            .await;
        assert_eq!(session.send(round % 2, &[&long]).await, 204);
        assert_eq!(stream.texts(1).await, [long.as_str()]);
        assert!(stream.ends().await, "the response is complete");
    }
}

const OPTIONS_BYTES: usize = 4_096;

#[tokio::test]
async fn a_second_receiver_is_refused_whichever_node_it_comes_to() {
    let cluster = Cluster::of(3, OPTIONS).await;
    let session = opened(&cluster).await;
    let mut stream = session.stream(1, "xhr_streaming", Line::Plain).await;
    for node in 0..3 {
        assert_eq!(session.poll(node).await, format!("{OTHER_RECEIVER}\n"));
    }
    // The first one has lost nothing by it.
    assert_eq!(session.send(2, &["still there"]).await, 204);
    assert_eq!(stream.texts(1).await, ["still there"]);
}

#[tokio::test]
async fn a_client_that_breaks_off_at_another_node_is_told_that_frames_may_be_lost() {
    for transport in ["xhr", "xhr_streaming"] {
        let cluster = Cluster::of(2, OPTIONS).await;
        let mut session = opened(&cluster).await;
        for tries in 1.. {
            if session.break_off(1, transport).await {
                break;
            }
            assert!(tries < 50, "it never comes first");
            session = opened(&cluster).await;
        }
        assert_eq!(session.closed(0).await, format!("{INTERRUPTED}\n"));
        assert_eq!(session.poll(1).await, format!("{INTERRUPTED}\n"));
    }
}

#[tokio::test]
async fn what_is_sent_to_a_session_that_no_node_has_is_answered_with_404() {
    let cluster = Cluster::of(3, OPTIONS).await;
    let session = cluster.session();
    for node in 0..3 {
        assert_eq!(session.send(node, &["nobody"]).await, 404);
    }
    let session = opened(&cluster).await;
    assert_eq!(session.send(1, &["close"]).await, 204);
    assert_eq!(session.poll(2).await, "c[3000,\"Go away!\"]\n");
    assert_eq!(session.send(1, &["late"]).await, 404);
    assert_eq!(session.poll(1).await, "c[3000,\"Go away!\"]\n");
}

#[tokio::test]
async fn texts_and_frames_that_are_larger_than_a_message_of_the_bus_get_through() {
    let cluster = Cluster::of(2, OPTIONS).await;
    let session = opened(&cluster).await;
    let large = "0123456789".repeat(70_000);
    for (transport, line) in [("xhr", Line::Plain), ("xhr_streaming", Line::Plain)] {
        assert_eq!(session.send(1, &[&large]).await, 204);
        let mut stream = session.stream(1, transport, line).await;
        assert_eq!(stream.texts(1).await, [large.as_str()]);
        assert!(stream.ends().await);
    }
    // The bound on a request is the same at both.
    let too_large = "x".repeat(2 * 1024 * 1024);
    for node in 0..2 {
        assert_eq!(session.send(node, &[&too_large]).await, 413);
    }
}

#[tokio::test]
async fn a_node_that_is_alone_asks_nobody_and_waits_for_nobody() {
    let options = fixture::Options {
        // A wait would be noticed.
        find_within: 10 * PATIENCE,
        ..OPTIONS
    };
    let cluster = Cluster::of(1, options).await;
    let session = opened(&cluster).await;
    assert_eq!(session.send(0, &["a"]).await, 204);
    assert_eq!(cluster.session().send(0, &["a"]).await, 404);
    assert_eq!(cluster.said(), 0);
}

#[tokio::test]
async fn a_new_session_is_opened_as_soon_as_every_other_node_has_said_that_it_has_it_not() {
    let options = fixture::Options {
        find_within: 10 * PATIENCE,
        ..OPTIONS
    };
    let cluster = Cluster::of(3, options).await;
    cluster.settled().await;
    let session = opened(&cluster).await;
    assert_eq!(session.send(2, &["a"]).await, 204);
    assert_eq!(cluster.session().send(1, &["a"]).await, 404);
}

#[tokio::test]
async fn of_two_nodes_that_are_asked_for_a_new_session_at_once_one_opens_it() {
    let cluster = Cluster::of(2, OPTIONS).await;
    cluster.settled().await;
    for _ in 0..20 {
        let session = cluster.session();
        let (a, b) = (session.start(0, "xhr"), session.start(1, "xhr"));
        // The other one is the receiver of what comes then.
        let first = a.first_of(b).await;
        assert_eq!(first.body, "o\n");
        assert_eq!(session.send(0, &["once"]).await, 204);
        assert_eq!(first.other.body().await, "a[\"once\"]\n");
    }
}

#[tokio::test]
async fn a_session_whose_node_was_killed_ends_at_the_others_and_a_new_one_is_opened() {
    let cluster = Cluster::of(3, OPTIONS).await;
    cluster.settled().await;
    let session = opened(&cluster).await;
    let stream = session.start(1, "xhr_streaming");
    let send = session.send(2, &["heard"]).await;
    assert_eq!(send, 204);
    cluster.kill(0).await;
    assert!(stream.breaks_off().await, "the client learns of it");
    assert_eq!(session.send(1, &["lost"]).await, 404);
    assert_eq!(session.poll(2).await, "o\n");
}

#[tokio::test]
async fn a_node_that_leaves_is_waited_for_no_longer() {
    let options = fixture::Options {
        find_within: 10 * PATIENCE,
        ..OPTIONS
    };
    let cluster = Cluster::of(3, options).await;
    cluster.settled().await;
    cluster.stop(2).await;
    let session = opened(&cluster).await;
    assert_eq!(session.send(1, &["a"]).await, 204);
}

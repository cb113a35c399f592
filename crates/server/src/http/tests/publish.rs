//! Application topics, as the host's back end publishes to them.

use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::{StatusCode, header};
use madang_domain::ports::PresenceEdge;
use madang_domain::{Code, RoomId, UserId};
use madang_engine::{
    Destinations, Ended, EventBatch, Outlet, RoomEvent, SignalEvent, SubscriptionKey, TopicEvent,
    TopicSource, TopicSubscription,
};
use serde_json::{Value, json};

use super::fixture::{Answer, Server, TOPIC_BODY_BYTES_MAX, request};

const SHOP: &str = "service/shop";
const PUBLISH: &str = "/api/v1/publish";

/// A subscriber of topics that keeps what it gets.
#[derive(Default)]
struct Subscriber(Mutex<Vec<Arc<TopicEvent>>>);

impl Outlet for Subscriber {
    fn offer(&self, _: SubscriptionKey, _: &EventBatch, _: usize) -> usize {
        0
    }

    fn offer_from_log(&self, _: SubscriptionKey, _: &[RoomEvent]) -> usize {
        0
    }

    fn lagging(&self, _: SubscriptionKey) {}

    fn offer_topic(&self, _: SubscriptionKey, event: &Arc<TopicEvent>) {
        self.0.lock().unwrap().push(Arc::clone(event));
    }

    fn presence_changed(&self, _: SubscriptionKey, _: &PresenceEdge) {}
    fn ended(&self, _: SubscriptionKey, _: Ended) {}

    fn offer_signal(&self, _: SubscriptionKey, _: &Arc<SignalEvent>) {}

    fn rooms_changed(&self, _: SubscriptionKey, _: &RoomId, _: Option<madang_domain::Position>) {}

    fn rooms_unknown(&self, _: SubscriptionKey) {}
}

/// Subscribed to some destinations; what came, in order.
struct Listening {
    subscriber: Arc<Subscriber>,
    _subscriptions: Vec<TopicSubscription>,
}

impl Listening {
    fn to(server: &Server, destinations: &[&str]) -> Self {
        let subscriber = Arc::new(Subscriber::default());
        let subscribe = |destination: &&str| {
            let outlet = Arc::clone(&subscriber) as Arc<dyn Outlet>;
            let parsed = Destinations::parse(destination).unwrap();
            let source = match destination.strip_prefix("/user/") {
                Some(_) => TopicSource::Own(UserId::new("shop/kim").unwrap(), parsed),
                None => TopicSource::Shared(parsed),
            };
            server.engine.subscribe_topic(&source, outlet, 0)
        };
        Self {
            _subscriptions: destinations.iter().map(subscribe).collect(),
            subscriber,
        }
    }

    fn got(&self) -> Vec<Arc<TopicEvent>> {
        self.subscriber.0.lock().unwrap().clone()
    }
}

async fn publish(server: &Server, body: &Value) -> Answer {
    server.post(SHOP, PUBLISH, &body.to_string()).await
}

fn ids(answer: &Answer) -> Vec<String> {
    serde_json::from_value(answer.is(StatusCode::ACCEPTED).json()["ids"].clone()).unwrap()
}

#[tokio::test]
async fn whoever_is_subscribed_gets_the_message_as_it_was_given() {
    let server = Server::start();
    let listening = Listening::to(&server, &["/topic/prices", "/topic/other"]);
    let body = json!({
        "destination": "/topic/prices", "body": "39900\n원", "contentType": "text/plain",
        "headers": {"currency": "KRW", "a": ""},
    });
    let answer = publish(&server, &body).await;
    let got = listening.got();
    assert_eq!(got.len(), 1);
    assert_eq!(&*got[0].destination, "/topic/prices");
    assert_eq!(got[0].body, "39900\n원");
    let pair = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let headers = [
        ("content-type", "text/plain"),
        ("a", ""),
        ("currency", "KRW"),
    ];
    assert_eq!(got[0].headers, headers.map(pair));
    assert_eq!(ids(&answer), [got[0].id.clone()]);
}

#[tokio::test]
async fn json_goes_out_as_it_is_written() {
    let server = Server::start();
    let listening = Listening::to(&server, &["/queue/x"]);
    for json in [r#"{"b": 1.50, "a":[ ]}"#, "null", "\"text\"", "0"] {
        let body = format!(r#"{{"destination":"/queue/x","json":{json}}}"#);
        ids(&server.post(SHOP, PUBLISH, &body).await);
        let got = listening.got();
        let last = got.last().unwrap();
        assert_eq!(last.body, json);
        let headers = [("content-type".to_owned(), "application/json".to_owned())];
        assert_eq!(last.headers, headers);
    }
}

#[tokio::test]
async fn several_messages_are_published_in_order_with_an_id_each() {
    let server = Server::start();
    let listening = Listening::to(&server, &["/topic/a", "/topic/b"]);
    let message = |n: usize| {
        let destination = if n.is_multiple_of(2) {
            "/topic/a"
        } else {
            "/topic/b"
        };
        json!({"destination": destination, "body": n.to_string()})
    };
    let messages: Vec<_> = (0..100).map(message).collect();
    let answer = publish(&server, &json!({"messages": messages})).await;
    let got = listening.got();
    let bodies: Vec<_> = got.iter().map(|event| event.body.clone()).collect();
    assert_eq!(bodies, (0..100).map(|n| n.to_string()).collect::<Vec<_>>());
    let seen: Vec<_> = got.iter().map(|event| event.id.clone()).collect();
    assert_eq!(ids(&answer), seen);
}

#[tokio::test]
async fn one_bad_message_publishes_none_and_is_named() {
    let server = Server::start();
    let listening = Listening::to(&server, &["/topic/a"]);
    let good = json!({"destination": "/topic/a", "body": "x"});
    for (bad, code) in [
        (
            json!({"destination": "/rooms/kim", "body": "x"}),
            Code::NotFound,
        ),
        (
            json!({"destination": "/topic/*", "body": "x"}),
            Code::ParameterInvalid,
        ),
        (json!({"destination": "/topic/a"}), Code::BodyInvalid),
    ] {
        let answer = publish(&server, &json!({"messages": [good, bad]})).await;
        let detail = answer.is_problem(code)["detail"].clone();
        assert!(
            detail.as_str().unwrap().starts_with("messages[1]: "),
            "{detail}"
        );
    }
    assert!(listening.got().is_empty());
}

#[tokio::test]
async fn what_cannot_be_published_is_refused_with_its_code() {
    let server = Server::start();
    let with = |name: &str, value: Value| {
        let mut body = json!({"destination": "/topic/a", "body": "x"});
        body[name] = value;
        body
    };
    let many: serde_json::Map<_, _> = (0..33).map(|n| (n.to_string(), json!("x"))).collect();
    let good = with("body", json!("x"));
    for (body, code) in [
        (with("destination", json!("/elsewhere/a")), Code::NotFound),
        (with("destination", json!("/topic/")), Code::NotFound),
        (
            with("destination", json!("/user/kim/rooms/x")),
            Code::NotFound,
        ),
        (
            with("destination", json!("/topic/a/**")),
            Code::ParameterInvalid,
        ),
        (
            with("destination", json!("/topic/a\n")),
            Code::ParameterInvalid,
        ),
        (
            with("headers", json!({"Receipt": "1"})),
            Code::ParameterInvalid,
        ),
        (
            with("headers", json!({"subscription": "1"})),
            Code::ParameterInvalid,
        ),
        (
            with("headers", json!({"content-type": "x"})),
            Code::ParameterInvalid,
        ),
        (
            with("headers", json!({"a": "b\nc"})),
            Code::ParameterInvalid,
        ),
        (with("headers", json!(many)), Code::ParameterInvalid),
        (
            with("contentType", json!("a\r\nb:c")),
            Code::ParameterInvalid,
        ),
        (with("headers", json!({"a": 1})), Code::BodyInvalid),
        (with("json", json!(1)), Code::BodyInvalid),
        (json!({"destination": "/topic/a"}), Code::BodyInvalid),
        (json!({"body": "x"}), Code::BodyInvalid),
        (json!({"messages": []}), Code::BodyInvalid),
        (
            json!({"messages": vec![good.clone(); 101]}),
            Code::BodyInvalid,
        ),
        (with("messages", json!([good])), Code::BodyInvalid),
        (json!([]), Code::BodyInvalid),
    ] {
        publish(&server, &body).await.is_problem(code);
    }
    let plain = request(SHOP, "POST", PUBLISH).header(header::CONTENT_TYPE, "text/plain");
    let plain = plain.body(Body::from(good.to_string())).unwrap();
    server.ask(plain).await.is_problem(Code::BodyInvalid);
}

#[tokio::test]
async fn a_body_is_as_large_as_through_stomp_however_it_is_escaped() {
    let server = Server::start();
    let listening = Listening::to(&server, &["/topic/a"]);
    let sized = |bytes| json!({"destination": "/topic/a", "body": "\u{1}".repeat(bytes)});
    ids(&publish(&server, &sized(TOPIC_BODY_BYTES_MAX)).await);
    assert_eq!(listening.got()[0].body.len(), TOPIC_BODY_BYTES_MAX);
    let larger = publish(&server, &sized(TOPIC_BODY_BYTES_MAX + 1)).await;
    larger.is_problem(Code::TooLarge);
    let twice = publish(&server, &sized(2 * TOPIC_BODY_BYTES_MAX)).await;
    twice.is_problem(Code::TooLarge);
}

#[tokio::test]
async fn who_may_not_publish_is_told_so_before_the_body_is_looked_at() {
    let server = Server::start();
    for token in ["user/kim", "admin/root"] {
        let answer = server.post(token, PUBLISH, "{").await;
        answer.is_problem(Code::PublishForbidden);
    }
    let answer = server.post("", PUBLISH, "{").await;
    answer.is_problem(Code::AuthenticationRequired);
    let answer = server.post("service:rooms,users/shop", PUBLISH, "{").await;
    answer.is_problem(Code::ScopeMissing);
    let answer = server.post("service:all/shop", PUBLISH, "{").await;
    answer.is_problem(Code::BodyInvalid);
    let by_configuration = server.post("agent/lee", PUBLISH, "{").await;
    by_configuration.is_problem(Code::BodyInvalid);
}

#[tokio::test]
async fn a_message_for_one_user_reaches_their_own_destination_and_no_other() {
    let server = Server::start();
    let of_kim = "/user/shop%2Fkim/queue/orders";
    let own = "/user/queue/orders";
    let listening = Listening::to(&server, &[own, "/queue/orders", "/user/queue/others"]);
    let answer = publish(
        &server,
        &json!({"destination": of_kim, "json": {"order": 7}}),
    )
    .await;
    let got = listening.got();
    assert_eq!(ids(&answer), [got[0].id.clone()]);
    assert_eq!((got.len(), &*got[0].destination), (1, own));
}

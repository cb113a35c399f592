//! Gateways without HTTP in front of them.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use madang_bus::LocalNetwork;
use madang_domain::ports::BusEvent;
use madang_engine::GatewayMail as _;
use madang_wire::sockjs::{Receiver, Revision};
use tokio::time::timeout;

use super::super::{Cluster, ClusterOptions, SessionKey};
use super::PATIENCE;
use crate::gateway::sockjs::directory::Directory;
use crate::gateway::sockjs::link::{Link, LinkOptions};
use crate::gateway::sockjs::receive::{Served, poll};

struct Gateway {
    cluster: Arc<Cluster>,
    directory: Arc<Directory>,
}

fn join(network: &LocalNetwork) -> Gateway {
    let bus = network.join();
    let directory = Arc::new(Directory::new(10));
    let options = ClusterOptions {
        find_within: PATIENCE,
        silence_max: PATIENCE,
    };
    let cluster = Cluster::join(Arc::clone(&bus), Arc::clone(&directory), options);
    let mail = Arc::clone(&cluster);
    tokio::spawn(async move {
        while let Some(event) = bus.next_event().await {
            match event {
                BusEvent::Published { payload, .. } => mail.heard(&payload),
                BusEvent::Reconnected => mail.missed(),
            }
        }
    });
    Gateway { cluster, directory }
}

/// A session without anything behind it, which has said that it is open.
async fn open(gateway: &Gateway, key: SessionKey) -> Arc<Link> {
    let link = Arc::new(Link::new(LinkOptions {
        response_bytes_max: 1_000,
        inbox_bytes_max: 1_000,
        disconnect_delay: Duration::from_secs(5),
        revision: Revision::V1_0,
    }));
    assert!(gateway.directory.insert(key, &link).is_ok());
    let Ok(Served::Receiver(_)) = poll(&link, &Receiver::Xhr).await else {
        panic!("it is not the receiver");
    };
    link
}

async fn whole(body: impl Into<Body>) -> Vec<u8> {
    let reading = to_bytes(body.into(), usize::MAX);
    timeout(PATIENCE, reading).await.unwrap().unwrap().to_vec()
}

#[tokio::test]
async fn whoever_waits_at_a_gateway_that_stops_is_sent_on_and_the_session_stays() {
    let network = LocalNetwork::default();
    let (owner, other) = (join(&network), join(&network));
    let key = SessionKey::of("a");
    let link = open(&owner, key).await;
    let found = other.cluster.find(key).await.unwrap().unwrap();

    let stream = other.cluster.receive(found, key, &Receiver::EventSource);
    let stream = stream.await.unwrap();
    assert!(other.cluster.has_others());
    let releasing = Arc::clone(&other.cluster);
    let released = tokio::spawn(async move { releasing.release_all().await });
    assert_eq!(whole(Body::new(stream)).await, b"\r\n");
    timeout(PATIENCE, released).await.unwrap().unwrap();

    // One that waits for its frame is asked for before it has one, and released by the clock.
    let poll = other.cluster.receive(found, key, &Receiver::Xhr);
    let body = timeout(PATIENCE, poll).await.unwrap().unwrap();
    assert_eq!(whole(Body::new(body)).await, b"h\n");

    assert!(link.refusal().is_none(), "it goes on, and nobody receives");
    assert_eq!(
        link.try_write(b"\"kept\"\n").unwrap_err().kind(),
        std::io::ErrorKind::WouldBlock
    );
}

#[tokio::test]
async fn a_gateway_that_left_says_nothing_more() {
    let network = LocalNetwork::default();
    let (owner, other) = (join(&network), join(&network));
    let key = SessionKey::of("a");
    open(&owner, key).await;
    let found = other.cluster.find(key).await.unwrap();
    assert!(found.is_some());
    owner.cluster.leave();
    let gone = async {
        while other.cluster.has_others() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, gone).await.expect("it is not waited for");
}

#[tokio::test]
async fn a_request_for_a_session_that_is_about_to_be_opened_elsewhere_waits_until_it_is() {
    let network = LocalNetwork::default();
    let (opening, other) = (join(&network), join(&network));
    let key = SessionKey::of("a");
    // As if `other` had asked while `opening` waited for a third one to answer.
    let claim = opening.cluster.claim(key);
    let me = opening.cluster.post.me;
    assert!(other.cluster.members.is_there(me) || other.cluster.members.heard(me));
    let receive = other.cluster.receive(me, key, &Receiver::Xhr);
    let opened = async {
        tokio::task::yield_now().await;
        let link = open(&opening, key).await;
        drop(claim);
        link
    };
    let both = async {
        tokio::join!(receive, async {
            let link = opened.await;
            while link.refusal().is_none() {
                tokio::task::yield_now().await;
            }
            link.release_receiver();
            link
        })
    };
    let (body, link) = timeout(PATIENCE, both).await.expect("it is served");
    assert_eq!(whole(Body::new(body.unwrap())).await, b"h\n");
    assert!(link.refusal().is_none());
}

//! What nodes with one role serve, and what they tell those with the other.

use std::time::Duration;

use axum::http::StatusCode;
use madang_bus::LocalNetwork;
use madang_domain::ports::{Bus, BusEvent, Topic};
use madang_domain::{MessageKind, RoomAction, RoomId};
use madang_engine::EngineOptions;
use serde_json::json;
use tokio::time::timeout;

use super::fixture::{Server, caller, engine, engine_options, request};
use super::pictures::PNG;
use crate::authorization::{Door, ROWS};
use crate::roles::{NodeRole, NodeRoles};

/// Above what anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

const OWNER: &str = "user/kim";

fn only(role: NodeRole) -> NodeRoles {
    NodeRoles::from_iter([role])
}

/// With something in every place of a path.
fn filled(path: &str) -> String {
    let segments = path.split('/').map(|segment| match segment {
        "{seq}" => "1",
        _ if segment.starts_with('{') => "kim",
        _ => segment,
    });
    segments.collect::<Vec<_>>().join("/")
}

/// The role that a refusal names, if that is why it is one.
async fn named_role(server: &Server, method: &str, path: &str) -> Option<NodeRole> {
    let request = request("", method, path).body(axum::body::Body::empty());
    let answer = server.ask(request.unwrap()).await;
    let text = String::from_utf8_lossy(&answer.body);
    let role = NodeRole::ALL.into_iter().find(|role| {
        let words = format!("nodes with the role {role} have this");
        text.contains(&words)
    });
    if role.is_some() {
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {path}");
    }
    role
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_is_served_by_the_roles_of_its_row_and_the_others_name_one_of_them() {
    for role in NodeRole::ALL {
        let server = Server::with_roles(only(role));
        for row in ROWS {
            let (Door::Http(method, path), [by, ..]) = (row.door, row.served_by) else {
                continue;
            };
            // It takes a node with all roles.
            if path == "/demo/token" {
                continue;
            }
            let is_served = row.served_by.contains(&role);
            let named = named_role(&server, method, &filled(path)).await;
            let expected = (!is_served).then_some(*by);
            assert_eq!(named, expected, "{method} {path} at {role}");
        }
    }
}

#[tokio::test]
async fn sessions_are_of_gateways_only_and_so_is_what_opens_them() {
    for row in ROWS {
        if !matches!(row.door, Door::Http(..)) {
            assert_eq!(row.served_by, [NodeRole::Gateway], "{:?}", row.door);
        }
    }
    let api = Server::with_roles(only(NodeRole::Api));
    let sockets = ROWS.iter().filter_map(|row| match row.door {
        Door::WebSocket(path) => Some(path),
        _ => None,
    });
    let others = [
        "/ws",
        "/ws/info",
        "/ws/0/a/xhr",
        "/stomp/chat",
        "/sockjs/sockjs.min.js",
    ];
    for path in sockets.chain(others) {
        let named = named_role(&api, "GET", path).await;
        assert_eq!(named, Some(NodeRole::Gateway), "{path}");
    }
}

#[tokio::test]
async fn pages_and_documents_are_of_api_nodes_and_describe_what_both_serve() {
    let gateway = Server::with_roles(only(NodeRole::Gateway));
    for path in [
        "/",
        "/docs",
        "/docs/errors",
        "/openapi.json",
        "/asyncapi.json",
    ] {
        let named = named_role(&gateway, "GET", path).await;
        assert_eq!(named, Some(NodeRole::Api), "{path}");
    }
    gateway
        .call("", "GET", "/sockjs/sockjs.min.js")
        .await
        .is(StatusCode::OK);
    let api = Server::with_roles(only(NodeRole::Api));
    let document = api.call("", "GET", "/openapi.json").await;
    let document = document.is(StatusCode::OK).json();
    for path in ["/api/v1/rooms", "/api/v1/events"] {
        assert!(document["paths"][path].is_object(), "{path}");
    }
    // What neither has is not anybody's.
    assert_eq!(named_role(&api, "GET", "/nothing").await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_that_a_gateways_commit_releases_is_told_to_the_node_that_keeps_it() {
    let api = Server::with_roles(only(NodeRole::Api));
    let gateway = engine(&api.store, &api.network, engine_options());
    let link = format!("/pictures/{}", api.upload(OWNER, PNG).await);
    let made = json!({"kind": "group", "picture": link});
    let room = RoomId::new(&api.make_room(OWNER, made).await).unwrap();
    let mut released = api.engine.subscribe_released_pictures();
    let owner = caller(OWNER);
    let deleted = gateway.change_room(&owner, &room, RoomAction::Delete);
    deleted.await.unwrap();
    let told = timeout(PATIENCE, released.recv())
        .await
        .expect("it is told");
    assert_eq!(&*told.unwrap(), link);
}

/// The node with the jobs would otherwise look again after a minute only.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_that_begins_to_wait_at_a_gateway_is_noted_in_time_by_the_node_with_the_jobs() {
    let at_home = Server::start();
    let network = LocalNetwork::default();
    let jobs = EngineOptions {
        overdue_after: Some(Duration::from_millis(500)),
        presence: None,
        ..engine_options()
    };
    let _api = engine(&at_home.store, &network, jobs);
    let gateway = engine(&at_home.store, &network, engine_options());
    let listener = network.join();
    listener.subscribe(Topic::Room(RoomId::desk()));
    let customer = caller(OWNER);
    let room = RoomId::new(customer.user.as_str()).unwrap();
    gateway.open_support_room(&customer, &room).await.unwrap();
    timeout(PATIENCE, until_noted(&*listener))
        .await
        .expect("it is noted");
}

async fn until_noted(listener: &dyn Bus) {
    let noted = format!("\"kind\":{}", MessageKind::Overdue.number());
    while let Some(event) = listener.next_event().await {
        if let BusEvent::Published { payload, .. } = event
            && String::from_utf8_lossy(&payload).contains(&noted)
        {
            return;
        }
    }
}

#[tokio::test]
async fn a_node_without_sessions_takes_no_lease_and_is_ready_all_the_same() {
    let api = Server::with_roles(only(NodeRole::Api));
    let engine = engine(
        &api.store,
        &LocalNetwork::default(),
        EngineOptions {
            presence: None,
            ..engine_options()
        },
    );
    assert!(engine.presence_was_reached().await);
    let somebody = caller(OWNER);
    engine.connected(&somebody.user);
    let users = [somebody.user.clone()];
    let seen = engine.presence_of(&somebody, &users).await.unwrap();
    assert_eq!(seen, [None]);
}

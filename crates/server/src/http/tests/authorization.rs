//! Every route is held to its row of the authorization table.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::header;
use madang_domain::{RoomId, Scope, Scopes};

use super::fixture::{Answer, PUBLISHING_ROLE, Server, local_request, request};
use super::pictures::PNG;
use crate::authorization::{Attempt, Decision, Door, ROWS, RoomState, Row, Who};
use crate::http::{RouteSet, document};

fn http_rows() -> impl Iterator<Item = (&'static Row, &'static str, &'static str)> {
    ROWS.iter().filter_map(|row| match row.door {
        Door::Http(method, path) => Some((row, method, path)),
        Door::Stomp(..) | Door::Json(_) | Door::WebSocket(_) => None,
    })
}

#[test]
fn every_route_has_a_row_and_every_row_a_route() {
    let document = serde_json::to_value(document(RouteSet::ALL)).unwrap();
    let mut routes = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            routes.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    let rows: BTreeSet<_> = http_rows()
        .map(|(_, method, path)| format!("{method} {path}"))
        .collect();
    assert_eq!(routes, rows);
    assert_eq!(rows.len(), http_rows().count(), "a row is there twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_lets_in_whom_its_row_names_and_nobody_else() {
    let server = Server::start();
    let picture = server.upload("user/somebody", PNG).await;
    let mut number = 0;
    for (row, method, path) in http_rows() {
        for who in Who::ALL {
            for owns in [false, true] {
                for state in RoomState::ALL {
                    for (same_machine, scopes) in machines_and_scopes(who) {
                        if owns && who == Who::Anonymous {
                            continue;
                        }
                        number += 1;
                        let attempt = Attempt {
                            who,
                            owns,
                            state,
                            same_machine,
                            scopes,
                        };
                        let answer =
                            try_it(&server, (method, path), &picture, attempt, number).await;
                        let what = format!(
                            "{method} {path}, {attempt:?}: {} {}",
                            answer.status,
                            String::from_utf8_lossy(&answer.body)
                        );
                        match row.decide(attempt) {
                            Decision::Allowed => assert!(answer.status < 300, "{what}"),
                            Decision::Refused => assert_refused(&answer, who, &what),
                            Decision::AsConfigured if who.role() == Some(PUBLISHING_ROLE) => {
                                assert!(answer.status < 300, "{what}");
                            }
                            Decision::AsConfigured => assert_refused(&answer, who, &what),
                        }
                    }
                }
            }
        }
    }
}

/// From here and from elsewhere; a service with each scope alone and with all.
fn machines_and_scopes(who: Who) -> Vec<(bool, Scopes)> {
    let scopes = match who {
        Who::Service => Scope::ALL.map(|scope| Scopes::NONE.with(scope)).to_vec(),
        _ => vec![Scopes::NONE],
    };
    let machines = [false, true].into_iter();
    machines
        .flat_map(|machine| scopes.iter().map(move |scopes| (machine, *scopes)))
        .collect()
}

/// Makes rooms of this attempt's own and asks once.
async fn try_it(
    server: &Server,
    (method, path): (&str, &str),
    picture: &str,
    attempt: Attempt,
    number: u32,
) -> Answer {
    let user = format!("caller-{number}");
    let customer = if attempt.owns {
        user.clone()
    } else {
        format!("customer-{number}")
    };
    let room = RoomId::new(&customer).unwrap();
    if attempt.state != RoomState::Missing {
        server.open(&format!("user/{customer}")).await;
    }
    match attempt.state {
        RoomState::Missing | RoomState::Waiting => {}
        RoomState::AssignedToCaller => server.assign(&room, &user).await,
        RoomState::AssignedToOther => server.assign(&room, "another").await,
        RoomState::Completed => server.complete(&room).await,
    }
    let mut role = format!("{:?}", attempt.who).to_lowercase();
    if attempt.who == Who::Service {
        role = format!("{role}:{}", attempt.scopes.names().join(","));
    }
    let token = match attempt.who {
        Who::Anonymous => String::new(),
        _ => format!("{role}/{user}"),
    };
    let path = path.replace("{id}", &customer);
    let path = path.replace("{room-id}", &customer);
    let path = path.replace("{key}", picture);
    let request = if attempt.same_machine {
        let request = local_request(method, &path);
        match attempt.who {
            Who::Anonymous => request,
            _ => request.header(header::AUTHORIZATION, format!("Bearer {token}")),
        }
    } else {
        // Names this machine, as anybody can: only the connection tells where it comes from.
        request(&token, method, &path).header(header::HOST, "localhost:8080")
    };
    let body = match (method, path.as_str()) {
        ("POST", "/api/v1/rooms") => r#"{"kind":"support"}"#,
        ("POST", "/api/v1/publish") => r#"{"destination":"/topic/x","body":"x"}"#,
        ("POST", "/api/v1/guests") => "{}",
        ("POST", "/demo/token") => r#"{"name":"demo-kim","role":"user"}"#,
        ("POST", path) if path.ends_with("/messages") => r#"{"text":"안녕하세요"}"#,
        ("POST", "/api/v1/pictures") => {
            let request = request.header(header::CONTENT_TYPE, "image/png");
            return server.ask(request.body(Body::from(PNG)).unwrap()).await;
        }
        _ => "",
    };
    let request = request.header(header::CONTENT_TYPE, "application/json");
    server.ask(request.body(Body::from(body)).unwrap()).await
}

#[track_caller]
fn assert_refused(answer: &Answer, who: Who, what: &str) {
    let without_token = who == Who::Anonymous;
    let fits = match answer.status {
        401 => without_token,
        403 | 404 | 409 => true,
        // The contract's own refusal of a room; nothing here is malformed.
        400 => answer.text().contains("CHAT-400"),
        _ => false,
    };
    assert!(fits, "{what}");
}

#[test]
fn every_command_of_the_json_door_has_a_row_and_every_row_a_command() {
    let rows: Vec<_> = ROWS
        .iter()
        .filter_map(|row| match row.door {
            Door::Json(command) => Some(command),
            Door::Http(..) | Door::Stomp(..) | Door::WebSocket(_) => None,
        })
        .collect();
    assert_eq!(rows, crate::contracts::realtime::COMMANDS);
    for path in [
        crate::gateway::doors::JSON_PATH,
        crate::gateway::doors::DIRECT_PATH,
    ] {
        let door = Door::WebSocket(path);
        assert!(ROWS.iter().any(|row| row.door == door), "{path}");
    }
}

#[test]
fn the_table_agrees_with_the_policy_about_reading_and_writing() {
    use madang_domain::{
        Agent, RoomDetail, Standing, Support, SupportState, Timestamp, UserId, policy,
    };

    let user = |id: &str| UserId::new(id).unwrap();
    let agent = |id: &str| Agent {
        user: user(id),
        name: id.into(),
    };
    let row = |door| ROWS.iter().find(|row| row.door == door).unwrap();
    let reads = row(Door::Stomp("SUBSCRIBE", "/rooms/{id}"));
    let writes = row(Door::Stomp("SEND", "/rooms/{id}"));
    for who in Who::ALL {
        let Some(role) = who.role() else { continue };
        for owns in [false, true] {
            for state in RoomState::ALL {
                let detail = RoomDetail::Support(Support {
                    customer: user(if owns { "caller" } else { "customer" }),
                    member_id: None,
                    nickname: None,
                    state: match state {
                        RoomState::Missing => continue,
                        RoomState::Waiting => SupportState::Waiting,
                        RoomState::AssignedToCaller => SupportState::Assigned(agent("caller")),
                        RoomState::AssignedToOther => SupportState::Assigned(agent("another")),
                        RoomState::Completed => SupportState::Completed,
                    },
                    inquired_at: Timestamp::from_micros(0),
                });
                let attempt = Attempt {
                    who,
                    owns,
                    state,
                    same_machine: false,
                    scopes: Scopes::NONE,
                };
                let allowed = |row: &Row| row.decide(attempt) == Decision::Allowed;
                let caller = user("caller");
                assert_eq!(
                    allowed(reads),
                    policy::reads(&detail, Standing::Stranger, &caller, role),
                    "{attempt:?}"
                );
                let sends = policy::may_send(&detail, Standing::Stranger, &caller, role).is_ok();
                assert_eq!(allowed(writes), sends, "{attempt:?}");
            }
        }
    }
}

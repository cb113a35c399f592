//! Every door is held to its rows of the authorization table, and the table to the policy.
//!
//! What must be answered, to whom and where, is the row's: here is only how each door is asked.

mod clients;
mod events;
mod json;
mod live;
mod policy;
mod scene;
mod stomp;

use std::collections::BTreeSet;

use futures_util::{StreamExt, stream};
use madang_domain::Code;

use super::fixture::{Answer, PUBLISHING_ROLE, Server};
use super::pictures::PNG;
use crate::authorization::{Attempt, Decision, Door, ROWS, Row, Who};
use crate::http::{RouteSet, document};
use scene::Scene;

/// Attempts at the same time: their rooms are made by common transactions.
const AT_ONCE: usize = 32;

fn http_rows() -> impl Iterator<Item = (&'static Row, &'static str, &'static str)> {
    ROWS.iter().filter_map(|row| match row.door {
        Door::Http(method, path) => Some((row, method, path)),
        _ => None,
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
    scene::set_up(&server).await;
    let picture = server.upload("user/somebody", PNG).await;
    let attempts = http_rows().flat_map(|(row, method, path)| {
        let attempts = row.attempts().into_iter();
        attempts.map(move |attempt| (row, method, path, attempt))
    });
    let tried = attempts
        .enumerate()
        .map(|(number, (row, method, path, attempt))| {
            let (server, picture) = (&server, &picture);
            async move {
                let scene = Scene::make(server, path, attempt, number).await;
                let before = scene.room_as_it_stands(server).await;
                let answer = scene.ask(server, (method, path), picture).await;
                judge(row, method, path, attempt, &answer);
                if answer.status >= 300 {
                    let after = scene.room_as_it_stands(server).await;
                    assert_eq!(before, after, "{method} {path}, {attempt:?}");
                }
            }
        });
    let count = stream::iter(tried).buffer_unordered(AT_ONCE).count().await;
    assert!(count > 3_000, "only {count} attempts were made");
}

#[track_caller]
fn judge(row: &Row, method: &str, path: &str, attempt: Attempt, answer: &Answer) {
    let what = format!(
        "{method} {path}, {attempt:?}: {} {}",
        answer.status,
        String::from_utf8_lossy(&answer.body)
    );
    if lets_in(row, attempt) {
        assert!(answer.status < 300, "{what}");
        return;
    }
    let fits = match answer.status {
        401 => attempt.who == Who::Anonymous,
        403 | 404 | 409 => true,
        // The contract's own refusal of a room; nothing here is malformed.
        400 => answer.text().contains("CHAT-400"),
        _ => false,
    };
    assert!(fits, "{what}");
}

/// What the row says, with the configuration of the fixture.
fn lets_in(row: &Row, attempt: Attempt) -> bool {
    match row.decide(attempt) {
        Decision::Allowed => true,
        Decision::Refused => false,
        Decision::AsConfigured => attempt.who.role() == Some(PUBLISHING_ROLE),
    }
}

/// Checks what a live door answered: nothing, or the code of an error.
#[track_caller]
fn judge_answer(row: &Row, attempt: Attempt, answer: &Result<(), String>) {
    let what = format!("{:?}, {attempt:?}: {answer:?}", row.door);
    match answer {
        Ok(()) => assert!(lets_in(row, attempt), "{what}"),
        Err(code) => {
            assert!(!lets_in(row, attempt), "{what}");
            assert!(is_refusal(code, attempt.who), "{what}");
        }
    }
}

/// Whether somebody is refused so, and not what is malformed.
fn is_refusal(code: &str, who: Who) -> bool {
    // Contract 1's own codes.
    if code.starts_with("CHAT-") {
        return true;
    }
    let mut codes = Code::ALL.iter().map(|code| code.spec());
    match codes.find(|spec| spec.name == code) {
        Some(spec) if spec.http_status == 401 => who == Who::Anonymous,
        Some(spec) => matches!(spec.http_status, 403 | 404 | 409),
        None => false,
    }
}

#[test]
fn every_command_of_the_json_door_has_a_row_and_every_row_a_command() {
    let rows: Vec<_> = ROWS
        .iter()
        .filter_map(|row| match row.door {
            Door::Json(command) => Some(command),
            _ => None,
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

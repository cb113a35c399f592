//! Every command of the JSON door, and the opening of every WebSocket, is held to its row.

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use super::clients::WebSocket;
use super::live::Live;
use super::scene::Scene;
use super::{AT_ONCE, judge_answer};
use crate::authorization::{Attempt, Door, ROWS, Row, Who};
use crate::gateway::doors::JSON_PATH;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_json_command_lets_in_whom_its_row_names_and_nobody_else() {
    let live = Live::start().await;
    let rows = ROWS.iter().filter_map(|row| match row.door {
        Door::Json(command) => Some((row, command)),
        _ => None,
    });
    let attempts = rows.flat_map(|(row, command)| {
        let attempts = row.attempts().into_iter();
        let elsewhere = attempts.filter(|attempt| !attempt.same_machine);
        elsewhere.map(move |attempt| (row, command, attempt))
    });
    let tried = attempts
        .enumerate()
        .map(|(number, (row, command, attempt))| try_one(&live, row, command, attempt, number));
    let count = stream::iter(tried).buffer_unordered(AT_ONCE).count().await;
    assert!(count > 1_500, "only {count} attempts were made");
}

async fn try_one(live: &Live, row: &Row, command: &'static str, attempt: Attempt, number: usize) {
    let said = text_of(command);
    let scene = Scene::make(&live.server, said, attempt, number).await;
    let before = scene.room_as_it_stands(&live.server).await;
    let answer = ask(live, &scene, attempt.who, command).await;
    judge_answer(row, attempt, &answer);
    if answer.is_err() {
        let after = scene.room_as_it_stands(&live.server).await;
        assert_eq!(before, after, "{command}, {attempt:?}");
    }
}

/// How each command is tried.
fn text_of(command: &str) -> &'static str {
    match command {
        "auth" | "ping" => "{}",
        "send" => r#"{"room": "{id}", "text": "x"}"#,
        "edit" => r#"{"room": "{id}", "seq": {seq}, "text": "x"}"#,
        "delete" => r#"{"room": "{id}", "seq": {seq}}"#,
        "join" | "leave" => r#"{"room": "{id}"}"#,
        "watch" => r#"{"users": ["x"]}"#,
        "read" => r#"{"room": "{id}", "position": "000000000001-0"}"#,
        "typing" => r#"{"room": "{id}", "active": true}"#,
        "resume" => r#"{"positions": {"{id}": "000000000001-0"}}"#,
        other => panic!("nobody knows how {other} is tried"),
    }
}

async fn ask(live: &Live, scene: &Scene, who: Who, command: &str) -> Result<(), String> {
    let mut client = WebSocket::open(live, JSON_PATH, None).await.unwrap();
    if who != Who::Anonymous || command == "auth" {
        enter(&mut client, &scene.token()).await?;
    }
    if command == "auth" {
        return Ok(());
    }
    let mut said: Value = serde_json::from_str(&scene.fill(text_of(command))).unwrap();
    said["type"] = command.into();
    said["id"] = "asked".into();
    client.say(&said.to_string()).await;
    loop {
        let event = client.next().await.unwrap();
        let answers = event["id"] == "asked";
        match event["type"].as_str().unwrap() {
            "error" => return Err(code_of(&event)),
            "ack" if answers && is_unknown(&event) => return Err("ROOM_NOT_FOUND".to_owned()),
            "ack" | "pong" if answers => return Ok(()),
            _ => {}
        }
    }
}

/// Says who it is, and waits for `hello`.
///
/// # Errors
/// The code of the error that came instead.
pub(super) async fn enter(client: &mut WebSocket, token: &str) -> Result<Value, String> {
    let auth = json!({"type": "auth", "token": token});
    client.say(&auth.to_string()).await;
    let event = client.next().await.unwrap();
    match event["type"].as_str() {
        Some("hello") => Ok(event),
        _ => Err(code_of(&event)),
    }
}

fn code_of(event: &Value) -> String {
    event["error"]["code"].as_str().unwrap().to_owned()
}

/// `resume` passes over rooms that are not the caller's.
fn is_unknown(ack: &Value) -> bool {
    ack["unknown"]
        .as_array()
        .is_some_and(|rooms| !rooms.is_empty())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_websocket_is_opened_to_whom_its_row_names_and_to_nobody_else() {
    let live = Live::start().await;
    let rows = ROWS.iter().filter_map(|row| match row.door {
        Door::WebSocket(path) => Some((row, path)),
        _ => None,
    });
    let mut count = 0;
    for (row, path) in rows {
        for attempt in row.attempts() {
            let scene = Scene::make(&live.server, path, attempt, count).await;
            let token = Some(scene.token()).filter(|token| !token.is_empty());
            let answer = match WebSocket::open(&live, path, token.as_deref()).await {
                // It may be said in it who it is: that is the command `auth`.
                Ok(_) if path == JSON_PATH && token.is_none() => continue,
                Ok(_) => Ok(()),
                Err(401) => Err("AUTHENTICATION_REQUIRED".to_owned()),
                Err(403) => Err("NOT_YOUR_ROOM".to_owned()),
                Err(status) => panic!("{path}, {attempt:?}: {status}"),
            };
            judge_answer(row, attempt, &answer);
            count += 1;
        }
    }
    assert!(
        count >= 2 * Who::ALL.len(),
        "only {count} attempts were made"
    );
}

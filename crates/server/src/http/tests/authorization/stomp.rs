//! Every STOMP destination is held to its row.

use futures_util::{StreamExt, stream};
use madang_wire::stomp::{Command, Frame};
use serde_json::json;

use super::clients::Stomp;
use super::live::Live;
use super::scene::Scene;
use super::{AT_ONCE, judge_answer};
use crate::authorization::{Attempt, Door, ROWS, Row};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_stomp_destination_lets_in_whom_its_row_names_and_nobody_else() {
    let live = Live::start().await;
    let attempts = rows().flat_map(|(row, command, destination)| {
        let attempts = row.attempts().into_iter();
        let elsewhere = attempts.filter(|attempt| !attempt.same_machine);
        elsewhere.map(move |attempt| (row, command, destination, attempt))
    });
    let tried = attempts
        .enumerate()
        .map(|(number, (row, command, destination, attempt))| {
            try_one(&live, row, (command, destination), attempt, number)
        });
    let count = stream::iter(tried).buffer_unordered(AT_ONCE).count().await;
    assert!(count > 2_000, "only {count} attempts were made");
}

fn rows() -> impl Iterator<Item = (&'static Row, &'static str, &'static str)> {
    ROWS.iter().filter_map(|row| match row.door {
        Door::Stomp(command, destination) => Some((row, command, destination)),
        _ => None,
    })
}

async fn try_one(
    live: &Live,
    row: &Row,
    door: (&str, &'static str),
    attempt: Attempt,
    number: usize,
) {
    let scene = Scene::make(&live.server, door.1, attempt, number).await;
    let before = scene.room_as_it_stands(&live.server).await;
    let answer = ask(live, &scene, door).await;
    judge_answer(row, attempt, &answer);
    if answer.is_err() {
        let after = scene.room_as_it_stands(&live.server).await;
        assert_eq!(before, after, "{door:?}, {attempt:?}");
    }
}

async fn ask(live: &Live, scene: &Scene, door: (&str, &str)) -> Result<(), String> {
    let mut client = Stomp::connect(live, &scene.token()).await?;
    match door {
        ("CONNECT", _) => Ok(()),
        ("SUBSCRIBE", to) => client.ask(subscribe(scene, to)).await,
        ("SEND", to) => client.ask(send(scene, to)).await,
        other => panic!("nobody knows how {other:?} is tried"),
    }
}

pub(super) fn subscribe(scene: &Scene, to: &str) -> Frame {
    Frame::new(Command::Subscribe)
        .with("id", to)
        .with("destination", &destination(scene, to))
}

fn send(scene: &Scene, to: &str) -> Frame {
    let body = match to {
        "/pub/message" => json!({"roomId": scene.room.as_str(), "message": "x"}),
        to if to.starts_with("/pub/chat/enter/") => json!({"sender": "x"}),
        to if to.starts_with("/pub/") => json!({"sender": "x", "message": "x"}),
        _ => json!({"text": "x"}),
    };
    Frame::new(Command::Send)
        .with("destination", &destination(scene, to))
        .with_body(body.to_string())
}

/// Contract 2 names open rooms by their numbers.
fn destination(scene: &Scene, to: &str) -> String {
    let room = match to {
        "/sub/chat/room/{roomId}" => scene.room.as_str(),
        _ => &scene.number,
    };
    scene.fill(&to.replace("{roomId}", room).replace("**", "x"))
}

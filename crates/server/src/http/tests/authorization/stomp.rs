//! Every STOMP destination is held to its row.

use futures_util::{StreamExt, stream};
use madang_wire::stomp::{Command, Frame};
use serde_json::json;

use super::clients::Stomp;
use super::live::Live;
use super::scene::Scene;
use super::{AT_ONCE, judge_answer};
use crate::authorization::{Attempt, Door, ROWS, Row};

/// One way in: a command, where to, and the header that makes a SEND change the message it names.
#[derive(Debug, Clone, Copy)]
struct Way {
    command: &'static str,
    to: &'static str,
    revises: Option<&'static str>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_stomp_destination_lets_in_whom_its_row_names_and_nobody_else() {
    let live = Live::start().await;
    let attempts = rows().flat_map(|(row, way)| {
        let attempts = row.attempts().into_iter();
        let elsewhere = attempts.filter(|attempt| !attempt.same_machine);
        elsewhere.map(move |attempt| (row, way, attempt))
    });
    let tried = attempts
        .enumerate()
        .map(|(number, (row, way, attempt))| try_one(&live, row, way, attempt, number));
    let count = stream::iter(tried).buffer_unordered(AT_ONCE).count().await;
    assert!(count > 2_000, "only {count} attempts were made");
}

fn rows() -> impl Iterator<Item = (&'static Row, Way)> {
    ROWS.iter().filter_map(|row| {
        let (command, to, revises) = match row.door {
            Door::Stomp(command, to) => (command, to, None),
            Door::StompRevision(to, header) => ("SEND", to, Some(header)),
            _ => return None,
        };
        let way = Way {
            command,
            to,
            revises,
        };
        Some((row, way))
    })
}

async fn try_one(live: &Live, row: &Row, way: Way, attempt: Attempt, number: usize) {
    let asked = match way.revises {
        Some(header) => format!("{} {header}:{{seq}}", way.to),
        None => way.to.to_owned(),
    };
    let scene = Scene::make(&live.server, &asked, attempt, number).await;
    let before = scene.room_as_it_stands(&live.server).await;
    let answer = ask(live, &scene, way).await;
    judge_answer(row, attempt, &answer);
    if answer.is_err() {
        let after = scene.room_as_it_stands(&live.server).await;
        assert_eq!(before, after, "{way:?}, {attempt:?}");
    }
}

async fn ask(live: &Live, scene: &Scene, way: Way) -> Result<(), String> {
    let mut client = Stomp::connect(live, &scene.token()).await?;
    match way.command {
        "CONNECT" => Ok(()),
        "SUBSCRIBE" => client.ask(subscribe(scene, way.to)).await,
        "SEND" => client.ask(send(scene, way)).await,
        _ => panic!("nobody knows how {way:?} is tried"),
    }
}

pub(super) fn subscribe(scene: &Scene, to: &str) -> Frame {
    Frame::new(Command::Subscribe)
        .with("id", to)
        .with("destination", &destination(scene, to))
}

fn send(scene: &Scene, way: Way) -> Frame {
    let body = match way.to {
        "/pub/message" => json!({"roomId": scene.room.as_str(), "message": "x"}),
        to if to.starts_with("/pub/chat/enter/") => json!({"sender": "x"}),
        to if to.starts_with("/pub/") => json!({"sender": "x", "message": "x"}),
        _ => json!({"text": "x"}),
    };
    let frame = Frame::new(Command::Send).with("destination", &destination(scene, way.to));
    match way.revises {
        Some("delete-seq") => frame.with("delete-seq", &scene.fill("{seq}")),
        Some(header) => frame
            .with(header, &scene.fill("{seq}"))
            .with_body(body.to_string()),
        None => frame.with_body(body.to_string()),
    }
}

/// Contract 2 names open rooms by their numbers.
fn destination(scene: &Scene, to: &str) -> String {
    let room = match to {
        "/sub/chat/room/{roomId}" => scene.room.as_str(),
        _ => &scene.number,
    };
    scene.fill(&to.replace("{roomId}", room).replace("**", "x"))
}

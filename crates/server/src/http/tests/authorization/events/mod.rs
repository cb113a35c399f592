//! Every event is shown to whom its row names, and to nobody else.
//!
//! A listener opens a connection, then everything that it could be told of happens. What comes
//! before a last sign that surely comes is compared with the rows.

mod happening;
mod listener;
mod standing;

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, stream};

use super::live::Live;
use super::scene::Scene;
use super::{AT_ONCE, lets_in};
use crate::authorization::{Attempt, Door, Place, ROWS, RoomState, Row, Subject, Who};
use crate::contracts::realtime::{ANSWERS, EVENTS};
use crate::gateway::doors::{DIRECT_PATH, JSON_PATH};
use happening::Turn;
use listener::Listener;

/// The stream of one room.
const ROOM_STREAM: &str = "/api/v1/rooms/{id}/events";

/// Contract 2's stream of notifications.
const NOTIFICATIONS: &str = "/api/notifications/connect";

/// After these a room or a connection is not what it was: they happen last, one by one.
const ENDINGS: [&str; 3] = ["room", "reset", "error"];

/// The rows of a connection, by the name of the event.
type Rows = BTreeMap<&'static str, &'static Row>;

/// When the listener became what they are to the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Since {
    /// Before they listened.
    Before,
    /// While they listened.
    Meanwhile,
    /// While they listened, and nobody said so here.
    Elsewhere,
}

/// A STOMP subscription has MESSAGEs only, which whoever may subscribe is told.
fn connections() -> BTreeMap<&'static str, Rows> {
    let mut connections = BTreeMap::<_, Rows>::new();
    for row in ROWS {
        let (on, event) = match row.door {
            Door::Event(on, event) => (on, event),
            Door::Stomp("SUBSCRIBE", to) => (to, "MESSAGE"),
            _ => continue,
        };
        let other = connections.entry(on).or_default().insert(event, row);
        assert!(other.is_none(), "{event} on {on} has two rows");
    }
    connections
}

#[test]
fn every_event_of_every_connection_has_a_row() {
    let asked: Vec<_> = EVENTS.into_iter().collect();
    let mut streamed = asked.clone();
    streamed.retain(|event| !ANSWERS.contains(event));
    let connections = connections();
    for row in ROWS {
        let (on, shown) = match row.door {
            Door::WebSocket(JSON_PATH) => (JSON_PATH, asked.clone()),
            Door::WebSocket(DIRECT_PATH) => (DIRECT_PATH, vec!["message"]),
            Door::WebSocket(other) => panic!("nobody knows what {other} shows"),
            Door::Http("GET", path) if path.ends_with("/events") => (path, streamed.clone()),
            Door::Http("GET", NOTIFICATIONS) => (NOTIFICATIONS, vec!["sse"]),
            _ => continue,
        };
        let rows: BTreeSet<_> = connections[on].keys().copied().collect();
        assert_eq!(rows, shown.into_iter().collect(), "{on}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_is_shown_to_whom_its_row_names_and_to_nobody_else() {
    let live = Live::start().await;
    let connections = connections();
    let all = connections.iter().flat_map(|(on, rows)| {
        let listeners = listeners(rows).into_iter();
        listeners.map(move |(attempt, since)| (*on, rows, attempt, since))
    });
    let tried = all.enumerate().map(|(number, (on, rows, attempt, since))| {
        try_one(&live, (on, rows), attempt, since, number)
    });
    let compared: Vec<_> = stream::iter(tried)
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    // Every row was put to the test: by who is told, and by who is not.
    let compared: BTreeSet<_> = compared.into_iter().flatten().collect();
    for (on, rows) in &connections {
        let listeners = listeners(rows);
        for (event, row) in rows {
            let listeners = listeners.iter();
            let shown: BTreeSet<_> = listeners
                .map(|(attempt, _)| lets_in(row, *attempt))
                .collect();
            for is_shown in shown {
                let case = (*on, *event, is_shown);
                assert!(compared.contains(&case), "nothing came of {case:?}");
            }
        }
    }
}

/// Who listens, and where: in rooms that are there, if any of the rows tells rooms apart.
fn listeners(rows: &Rows) -> Vec<(Attempt, Since)> {
    let of_rooms = rows.values().any(|row| row.is_of_rooms());
    let mut places = Place::all();
    places.retain(|place| {
        !matches!(
            place,
            Place::Support {
                state: RoomState::Missing,
                ..
            }
        )
    });
    if !of_rooms {
        places.truncate(1);
    }
    let mut listeners = Vec::new();
    for who in Who::ALL {
        for place in &places {
            let attempt = Attempt {
                who,
                place: *place,
                subject: Subject::Person(madang_domain::Standing::Stranger),
                same_machine: false,
            };
            listeners.push((attempt, Since::Before));
            if of_rooms && standing::before(attempt).is_some() {
                listeners.push((attempt, Since::Meanwhile));
                let is_loss = standing::is_loss(attempt);
                listeners.extend(is_loss.then_some((attempt, Since::Elsewhere)));
            }
        }
    }
    listeners
}

/// A subscription that is open lasts while its holder may read the room, however they came to it.
/// Who is shown all of their rooms is shown less, as soon as it is known that one is not theirs.
fn decides(row: &'static Row, since: Since) -> &'static Row {
    let is_stomp = matches!(row.door, Door::Stomp(..));
    let lasts = match since {
        Since::Before => false,
        Since::Meanwhile => is_stomp,
        Since::Elsewhere => is_stomp || row.is_of_rooms(),
    };
    match lasts {
        true => row_of(Door::Stomp("SUBSCRIBE", "/rooms/{id}")),
        false => row,
    }
}

fn row_of(door: Door) -> &'static Row {
    ROWS.iter().find(|row| row.door == door).unwrap()
}

/// What was compared: an event of a connection, and whether it is to be shown.
type Compared = (&'static str, &'static str, bool);

async fn try_one(
    live: &Live,
    (on, rows): (&'static str, &Rows),
    attempt: Attempt,
    since: Since,
    number: usize,
) -> Vec<Compared> {
    let begins = match since {
        Since::Before => attempt,
        Since::Meanwhile | Since::Elsewhere => standing::before(attempt).unwrap(),
    };
    let scene = Scene::make(&live.server, on, begins, number).await;
    let mut listener = Listener::open(live, on, &scene).await;
    if since != Since::Before {
        if listener.is_over() {
            // They have no way to come to it by being let in later.
            return Vec::new();
        }
        match since {
            Since::Elsewhere => standing::change_elsewhere(live, &scene, attempt).await,
            _ => standing::change(live, &scene, attempt).await,
        }
        listener.catch_up(live, &scene).await;
        listener.forget_all_but("room");
    }
    let turn = Turn {
        live,
        scene: &scene,
        on,
        attempt,
        since,
    };
    let is_shown = |event: &str| lets_in(decides(rows[event], since), attempt);
    if rows.contains_key("room") && is_shown("room") && turn.became_theirs() {
        listener.wait_for("room", &turn).await;
    }
    let (endings, usual): (Vec<_>, Vec<_>) = rows.keys().partition(|event| ENDINGS.contains(event));
    let in_order = ENDINGS.into_iter().filter(|event| endings.contains(event));
    let mut compared = Vec::new();
    for events in std::iter::once(usual).chain(in_order.map(|event| vec![event])) {
        let mut happened = Vec::new();
        for event in events {
            if !turn.happens(event, &mut listener).await {
                continue;
            }
            happened.push((on, event, is_shown(event)));
            // What can be lost comes to whoever has all that came before.
            if is_shown(event) {
                listener.wait_for(event, &turn).await;
            }
        }
        listener.catch_up(live, &scene).await;
        for (on, event, is_shown) in &happened {
            let told = listener.was_told(event);
            assert_eq!(told, *is_shown, "{event} on {on}, {attempt:?}, {since:?}");
        }
        compared.extend(happened);
    }
    compared
}

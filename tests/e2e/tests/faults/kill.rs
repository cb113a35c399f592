//! SIGKILL in the middle of traffic, again and again.

use std::collections::HashMap;
use std::env;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread::{self, JoinHandle};

use madang_e2e::PATIENCE;
use madang_e2e::node::Script;
use madang_e2e::server::TestServer;

use super::client::{Got, ReaderTask, SenderTask};
use crate::rooms::{Customer, follow, say};

const ROOMS: usize = 6;
/// Readers of each room: the customer's own second and third session.
const READERS: usize = 2;
/// Messages accepted in all between two kills, at least; drawn anew each time.
const ACCEPTED: std::ops::Range<usize> = 200..800;

/// What the checker counts.
#[derive(Debug, Default, PartialEq, Eq)]
struct Totals {
    accepted: u64,
    missing: u64,
    repeated: u64,
    out_of_order: u64,
}

impl Totals {
    /// Adds one reader's view of a room in which `1..=accepted` were accepted, from one sender.
    fn add(&mut self, accepted: u64, got: &[Got]) {
        let mut times: HashMap<u64, u64> = HashMap::new();
        for one in got {
            *times.entry(one.number).or_default() += 1;
        }
        self.missing += (1..=accepted)
            .filter(|number| !times.contains_key(number))
            .count() as u64;
        self.repeated += times.values().map(|times| times - 1).sum::<u64>();
        let disorder =
            |pair: &&[Got]| pair[1].seq != pair[0].seq + 1 || pair[1].number <= pair[0].number;
        self.out_of_order += got.windows(2).filter(disorder).count() as u64;
    }
}

struct Room {
    customer: Customer,
    sender: JoinHandle<u64>,
    readers: Vec<JoinHandle<Vec<Got>>>,
}

#[test]
fn kill_9_under_load_loses_repeats_and_reorders_nothing() {
    let rounds: usize = env::var("MADANG_E2E_ROUNDS").map_or(3, |text| text.parse().unwrap());
    let mut server = TestServer::start();
    let stop = Arc::new(AtomicBool::new(false));
    let (accepted, receipts) = channel();
    let rooms: Vec<Room> = (0..ROOMS)
        .map(|_| open(&server, &stop, &accepted))
        .collect();
    drop(accepted);

    for round in 1..=rounds {
        let until = rand::random_range(ACCEPTED);
        for _ in 0..until {
            receipts
                .recv_timeout(PATIENCE)
                .expect("messages are accepted");
        }
        server.kill9();
        server.restart();
        eprintln!("round {round}: killed after {until} more receipts");
    }
    for _ in 0..ACCEPTED.start {
        receipts
            .recv_timeout(PATIENCE)
            .expect("messages are accepted after the last kill");
    }
    stop.store(true, Ordering::Relaxed);

    let mut totals = Totals::default();
    for room in rooms {
        let count = room.sender.join().unwrap();
        totals.accepted += count;
        let mut closing = room.customer.again(&server);
        say(&mut closing, &room.customer.id, "", "end");
        for reader in room.readers {
            totals.add(count, &reader.join().unwrap());
        }
    }
    let Totals {
        accepted,
        missing,
        repeated,
        out_of_order,
    } = totals;
    println!(
        "accepted {accepted}, missing {missing}, repeated {repeated}, out of order {out_of_order}"
    );
    assert_eq!(
        totals,
        Totals {
            accepted,
            ..Totals::default()
        }
    );
}

/// A room with its traffic begun: its readers stand behind the first message.
fn open(
    server: &TestServer,
    stop: &Arc<AtomicBool>,
    accepted: &std::sync::mpsc::Sender<()>,
) -> Room {
    let mut customer = Customer::new(server);
    let mut watcher = customer.again(server);
    follow(&mut watcher, &customer.id, "");
    customer.say("begin");
    let since = watcher.message().need("position").to_owned();
    let (address, token, room) = (server.address(), &customer.token, &customer.id);
    let readers = (0..READERS).map(|_| {
        let reader = ReaderTask {
            address,
            token: token.clone(),
            room: room.clone(),
            since: since.clone(),
        };
        thread::spawn(|| reader.run())
    });
    let readers = readers.collect();
    let sender = SenderTask {
        address,
        token: token.clone(),
        room: room.clone(),
        accepted: accepted.clone(),
    };
    let stop = Arc::clone(stop);
    let sender = thread::spawn(move || sender.run(&stop));
    Room {
        customer,
        sender,
        readers,
    }
}

#[test]
fn a_customer_and_two_agents_in_stompjs_go_on_after_a_kill_with_nothing_lost() {
    let mut server = TestServer::start();
    let url = server.url();
    let customer = server.token("main-job@example.com", "user");
    let lee = server.token("lee@example.com", "agent");
    let park = server.token("park@example.com", "agent");
    let script = Script::start(
        "main-job.mjs",
        &[
            ("URL", &url),
            ("CUSTOMER", &customer),
            ("LEE", &lee),
            ("PARK", &park),
        ],
    );
    for _ in 0..2 {
        script.wait_for("kill now");
        server.kill9();
        server.restart();
    }
    script.succeed();
}

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
use crate::rooms::{Customer, assigned_agent, follow, say};

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
    /// Adds one reader's view of a room; `accepted` says of each sender how many of its were.
    fn add(&mut self, accepted: &[u64], got: &[Got]) {
        let mut times: HashMap<(u64, u64), u64> = HashMap::new();
        let mut last = vec![0; accepted.len()];
        for (at, one) in got.iter().enumerate() {
            *times.entry((one.who, one.number)).or_default() += 1;
            let last = &mut last[usize::try_from(one.who).unwrap()];
            let follows = at == 0 || one.seq == got[at - 1].seq + 1;
            self.out_of_order += u64::from(!follows || one.number <= *last);
            *last = one.number;
        }
        for (who, accepted) in (0..).zip(accepted) {
            let missing = (1..=*accepted).filter(|number| !times.contains_key(&(who, *number)));
            self.missing += missing.count() as u64;
        }
        self.repeated += times.values().map(|times| times - 1).sum::<u64>();
    }
}

#[test]
fn the_checker_counts_what_is_missing_repeated_and_out_of_order() {
    let view = |messages: &[(u64, u64, u64)]| {
        let got: Vec<Got> = messages
            .iter()
            .map(|&(seq, who, number)| Got { seq, who, number })
            .collect();
        let mut totals = Totals::default();
        totals.add(&[2, 1], &got);
        totals
    };
    let counted = |missing, repeated, out_of_order| Totals {
        accepted: 0,
        missing,
        repeated,
        out_of_order,
    };
    assert_eq!(view(&[(2, 0, 1), (3, 1, 1), (4, 0, 2)]), counted(0, 0, 0));
    assert_eq!(view(&[(2, 0, 1), (4, 0, 2)]), counted(1, 0, 1), "a hole");
    assert_eq!(
        view(&[(2, 0, 1), (3, 0, 2)]),
        counted(1, 0, 0),
        "a lost end"
    );
    let twice = [(2, 0, 1), (3, 0, 2), (3, 0, 2), (4, 1, 1)];
    assert_eq!(view(&twice), counted(0, 1, 1), "delivered twice");
    let twice = [(2, 0, 1), (3, 0, 2), (4, 0, 2), (5, 1, 1)];
    assert_eq!(view(&twice), counted(0, 1, 1), "stored twice");
    assert_eq!(
        view(&[(2, 0, 2), (3, 0, 1), (4, 1, 1)]),
        counted(0, 0, 1),
        "another order"
    );
}

struct Room {
    customer: Customer,
    /// The customer's and the agent's.
    senders: Vec<JoinHandle<u64>>,
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
        let accepted: Vec<u64> = room
            .senders
            .into_iter()
            .map(|sender| sender.join().unwrap())
            .collect();
        totals.accepted += accepted.iter().sum::<u64>();
        let mut closing = room.customer.again(&server);
        say(&mut closing, &room.customer.id, "", "end");
        for reader in room.readers {
            totals.add(&accepted, &reader.join().unwrap());
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
    let (agent_token, _) = assigned_agent(server, &customer.id);
    customer.say("begin");
    let mut begun = watcher.message();
    while crate::rooms::text(&begun) != "begin" {
        begun = watcher.message();
    }
    let since = begun.need("position").to_owned();
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
    let senders = (0..).zip([token, &agent_token]).map(|(who, token)| {
        let sender = SenderTask {
            address,
            token: token.clone(),
            room: room.clone(),
            who,
            accepted: accepted.clone(),
        };
        let stop = Arc::clone(stop);
        thread::spawn(move || sender.run(&stop))
    });
    let senders = senders.collect();
    Room {
        customer,
        senders,
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

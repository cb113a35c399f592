//! Every scenario, small and short, against a server in this process.

use crate::fake::{Fake, Fault};
use clap::Parser as _;
use madang_loadgen::cli::{Cli, Scenario};
use madang_loadgen::error::BenchError;
use madang_loadgen::report::{Report, Value};
use madang_loadgen::scenario::{fanout, idle, mix, resume, send, start};

fn try_run(fake: &Fake, line: &str) -> Result<Report, BenchError> {
    let url = fake.url();
    let fixed = ["--url", &url, "--preset", "room", "--answer-timeout", "0.3"];
    let words = ["madang-bench"]
        .into_iter()
        .chain(line.split(' '))
        .chain(fixed);
    match Cli::try_parse_from(words).unwrap().scenario {
        Scenario::Fanout(options) => fanout::run(&options),
        Scenario::Send(options) => send::run(&options),
        Scenario::Idle(options) => idle::run(&options),
        Scenario::Resume(options) => resume::run(&options),
        Scenario::Mix(options) => mix::run(&options),
        Scenario::Start(options) => start::run(&options),
        other => panic!("{other:?}"),
    }
}

fn run(fault: Fault, line: &str) -> Report {
    let report = try_run(&Fake::start(fault), line).unwrap();
    println!("{line} with {fault:?}\n{report}");
    report
}

fn count(report: &Report, path: &str) -> u64 {
    report
        .get_count(path)
        .unwrap_or_else(|| panic!("no {path} in\n{report}"))
}

fn faults(report: &Report) -> [bool; 3] {
    ["lost", "repeated", "out_of_order"].map(|name| count(report, name) > 0)
}

const FANOUT: &str = "fanout --subscribers 8 --outstanding 4 --duration 0.6 --warmup 0.1";
const MIX: &str = "mix --rooms 3 --members-per-room 3 --rate 900 --duration 0.6 --warmup 0.1";
const SEND: &str = "send --rooms 20 --senders 4 --duration 0.5 --warmup 0.1";
const RESUME: &str = "resume --messages 300 --sessions 3 --rounds 2 --duration 1";

#[test]
fn fanout_counts_every_delivery() {
    let report = run(Fault::None, FANOUT);
    assert!(count(&report, "deliveries") > 100);
    let per_message = count(&report, "deliveries") as f64 / count(&report, "published") as f64;
    assert!((7.5..8.5).contains(&per_message), "{per_message}");
    assert_eq!(faults(&report), [false; 3]);
    assert_eq!(
        count(&report, "errors") + count(&report, "connections_closed"),
        0
    );
    assert!(report.get_number("latency_ms/p99").unwrap() > 0.0);
}

#[test]
fn fanout_notices_what_is_lost_repeated_or_reordered() {
    assert_eq!(faults(&run(Fault::Drop, FANOUT)), [true, false, false]);
    assert_eq!(faults(&run(Fault::Repeat, FANOUT)), [false, true, false]);
    assert_eq!(faults(&run(Fault::Reorder, FANOUT)), [false, false, true]);
}

#[test]
fn fanout_is_compared_with_the_ceiling_in_turns() {
    let program = env!("CARGO_BIN_EXE_madang-bench");
    let pid = std::process::id();
    let report = run(
        Fault::None,
        &format!(
            "{FANOUT} --with-ceiling --rounds 2 --server-pid {pid} --ceiling-program {program}"
        ),
    );
    assert_eq!(count(&report, "rounds"), 2);
    assert_eq!(count(&report, "ceiling/rounds"), 2);
    assert!(count(&report, "ceiling/deliveries") > 100);
    assert_eq!(
        count(&report, "ceiling/lost") + count(&report, "ceiling/repeated"),
        0
    );
    assert!(
        report
            .get_number("ratio_to_ceiling/deliveries_per_second/median")
            .is_some()
    );
}

const NAMES: [&str; 7] = [
    "stomp-websocket",
    "stomp-tcp",
    "sockjs-websocket",
    "sockjs-xhr-streaming",
    "sockjs-eventsource",
    "json",
    "sse",
];

fn over_all(fault: Fault, line: &str) -> Report {
    let fake = Fake::start(fault);
    let tcp = fake.tcp_address;
    let report = try_run(&fake, &format!("{line} --transport all --tcp-url {tcp}")).unwrap();
    println!("{line} with {fault:?}\n{report}");
    report
}

fn names(rows: &[Report]) -> Vec<&str> {
    rows.iter()
        .map(|row| match row.get("transport") {
            Some(Value::Text(name)) => name.as_str(),
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn every_transport_delivers_everything_once_in_order() {
    let pid = std::process::id();
    let line = FANOUT.replace("0.6", "0.3");
    let report = over_all(
        Fault::None,
        &format!("{line} --rounds 2 --server-pid {pid}"),
    );
    let rows = report.get_rows("deliveries");
    assert_eq!(names(rows), NAMES);
    for (row, name) in rows.iter().zip(NAMES) {
        let of = |what: &str| count(&report, &format!("{name}/{what}"));
        assert_eq!(of("rounds"), 2);
        let per_message = of("deliveries") as f64 / of("published") as f64;
        assert!((7.0..9.0).contains(&per_message), "{name} {per_message}");
        let wrong = [
            "lost",
            "repeated",
            "out_of_order",
            "errors",
            "connections_closed",
        ];
        assert_eq!(wrong.map(of), [0; 5], "{name}");
        for column in ["per_second", "ratio", "p50_ms", "p99_ms", "server_rss_mib"] {
            assert!(row.get_number(column).is_some(), "{name} has no {column}");
        }
    }
    assert_eq!(rows[0].get_number("ratio_min"), Some(1.0));
}

#[test]
fn what_a_transport_loses_is_noticed() {
    let report = over_all(Fault::Drop, &FANOUT.replace("0.6", "0.3"));
    for name in NAMES {
        assert!(count(&report, &format!("{name}/lost")) > 0, "{name}");
    }
}

#[test]
fn stomp_over_tcp_needs_its_address() {
    let fake = Fake::start(Fault::None);
    let error = try_run(&fake, &format!("{FANOUT} --transport stomp-tcp")).unwrap_err();
    assert!(error.to_string().contains("--tcp-url"), "{error}");
}

#[test]
fn stalled_subscribers_catch_up_and_the_others_go_on() {
    let line = format!("{FANOUT} --stalled 2 --stall-seconds 0.5");
    let report = run(Fault::None, &line);
    assert!(count(&report, "during/deliveries_to_others") > 100);
    assert!(count(&report, "stalled_subscribers/messages_behind_at_resume") > 10);
    assert_eq!(count(&report, "stalled_subscribers/lost"), 0);
    let clean = report.get("stalled_subscribers/caught_up_with_nothing_missing");
    assert_eq!(clean, Some(&Value::Text("yes".to_owned())));
    // The last subscriber is a stalled one.
    let report = run(Fault::Drop, &format!("{line} --catch-up-timeout 0.5"));
    assert!(count(&report, "stalled_subscribers/lost") > 0);
    let clean = report.get("stalled_subscribers/caught_up_with_nothing_missing");
    assert_eq!(clean, Some(&Value::Text("no".to_owned())));
}

#[test]
fn send_counts_receipts() {
    let report = run(Fault::None, &format!("{SEND} --keep-subscribed"));
    assert!(count(&report, "sends") > 50);
    assert_eq!(count(&report, "receipts_missing"), 0);
    assert_eq!(faults(&report), [false; 3]);
    assert!(count(&report, "deliveries") > 50);
    assert_eq!(count(&run(Fault::None, SEND), "receipts_unexpected"), 0);
}

#[test]
fn send_notices_missing_receipts() {
    let line = SEND.replace("--duration 0.5", "--duration 1");
    // SUBSCRIBE is confirmed by receipts too, of which none may be missing.
    let report = run(Fault::Receipts, &format!("{line} --no-subscribe-receipt"));
    assert!(count(&report, "receipts_missing") > 0);
}

#[test]
fn idle_sessions_are_opened_and_held() {
    let pid = std::process::id();
    let report = run(
        Fault::None,
        &format!("idle --sessions 100 --settle 0.2 --server-pid {pid}"),
    );
    assert_eq!(count(&report, "sessions"), 100);
    assert_eq!(count(&report, "connections_closed"), 0);
    assert!(report.get_number("server/rss_bytes_per_session").is_some());
}

#[test]
fn idle_sessions_of_every_transport_are_opened_held_and_closed() {
    let pid = std::process::id();
    let line = format!("idle --sessions 30 --settle 0.1 --same-room --server-pid {pid}");
    let report = over_all(Fault::None, &line);
    let rows = report.get_rows("memory");
    assert_eq!(names(rows), NAMES);
    for row in rows {
        assert_eq!(count(row, "connections_closed"), 0);
        assert!(row.get_number("rss_bytes_per_session").is_some());
    }
}

#[test]
fn idle_sessions_can_be_kept_while_others_are_measured() {
    let fake = Fake::start(Fault::None);
    let url = fake.url();
    let tcp = fake.tcp_address.to_string();
    let line = "idle --sessions 20 --sessions-per-process 10 --settle 0.1 --keep-open \
                --preset room --format json --transport json,stomp-tcp,sockjs-eventsource";
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_madang-bench"))
        .args(line.split_ascii_whitespace())
        .args(["--url", &url, "--tcp-url", &tcp])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(
        text.matches("\"connections_closed\": 0").count(),
        3,
        "{text}"
    );
}

#[test]
fn resume_receives_exactly_what_was_missed() {
    let report = run(Fault::None, RESUME);
    assert_eq!(count(&report, "messages_received"), 2 * 3 * 300);
    assert_eq!(count(&report, "sessions_incomplete"), 0);
    assert_eq!(faults(&report), [false; 3]);
    let rate = report
        .get_number("messages_per_second_per_session/median")
        .unwrap();
    assert!(rate > 1000.0);
}

#[test]
fn mix_checks_every_pair_of_members() {
    let report = run(Fault::None, MIX);
    let (sends, deliveries) = (count(&report, "sends"), count(&report, "deliveries"));
    assert!((400..700).contains(&sends), "{sends}");
    assert!(deliveries.abs_diff(3 * sends) < 60, "{deliveries}");
    assert_eq!(faults(&report), [false; 3]);
    let think = MIX.replace("--rate 900", "--think-ms 20");
    assert!(count(&run(Fault::None, &think), "sends") > 50);
}

#[test]
fn mix_notices_what_is_lost_or_repeated() {
    assert_eq!(faults(&run(Fault::Drop, MIX)), [true, false, false]);
    assert_eq!(faults(&run(Fault::Repeat, MIX)), [false, true, false]);
}

#[test]
fn a_refused_session_is_reported_with_what_the_server_said() {
    let error = try_run(&Fake::start(Fault::Refuse), SEND).unwrap_err();
    assert!(error.to_string().contains("bad token"), "{error}");
}

#[test]
fn start_finds_a_port_that_is_taken() {
    let error = try_run(&Fake::start(Fault::None), "start --command false").unwrap_err();
    assert!(error.to_string().contains("already"), "{error}");
}

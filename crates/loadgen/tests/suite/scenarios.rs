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

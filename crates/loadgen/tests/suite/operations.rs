//! The scenarios that fill a server over REST first, against the strict fake.

use std::path::PathBuf;
use std::sync::LazyLock;

use crate::fake::rest::API_KEY;
use crate::fake::{Fake, Fault};
use clap::Parser as _;
use madang_loadgen::cli::{Cli, Scenario};
use madang_loadgen::report::{Report, Value};
use madang_loadgen::scenario::{operations, receipts, scaling};

/// A key to sign tokens with, so that the fake knows who asks.
static KEY: LazyLock<PathBuf> = LazyLock::new(|| {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("jwt.key");
    std::fs::write(&path, b"secret").unwrap();
    path
});

fn run(fake: &Fake, line: &str) -> Report {
    let url = fake.url();
    let fixed = [
        "--url",
        &url,
        "--jwt-key-file",
        KEY.to_str().unwrap(),
        "--api-key",
        API_KEY,
    ];
    let words = ["madang-bench"]
        .into_iter()
        .chain(line.split(' '))
        .chain(fixed);
    let report = match Cli::try_parse_from(words).unwrap().scenario {
        Scenario::Operations(options) => operations::run(&options),
        Scenario::Scaling(options) => scaling::run(&options),
        Scenario::Receipts(options) => receipts::run(&options),
        other => panic!("{other:?}"),
    }
    .unwrap();
    println!("{line}\n{report}");
    report
}

fn count(report: &Report, path: &str) -> u64 {
    report
        .get_count(path)
        .unwrap_or_else(|| panic!("no {path} in\n{report}"))
}

fn name(row: &Report) -> &str {
    match row.get("operation") {
        Some(Value::Text(name)) => name,
        other => panic!("{other:?}"),
    }
}

const OPERATIONS: &str = "operations --rooms 30 --messages 2000 --users 20 --members-per-room 5 \
                          --concurrency 3 --duration 0.1 --warmup 0.05";

#[test]
fn every_operation_is_asked_for_by_who_may_and_done() {
    let fake = Fake::start(Fault::None);
    let pid = std::process::id();
    let report = run(&fake, &format!("{OPERATIONS} --server-pid {pid}"));
    let rows = report.get_rows("operations");
    assert_eq!(rows.len(), 23);
    for row in rows {
        assert!(count(row, "requests") > 0, "{}", name(row));
        assert_eq!(count(row, "failed"), 0, "{}", name(row));
        for column in ["per_second", "p50_ms", "p90_ms", "p99_ms", "max_ms"] {
            assert!(row.get_number(column).is_some(), "{column}");
        }
        assert!(row.get_number("server_cpu_us").is_some());
    }
    assert!(report.get("first_failures").is_none());
}

#[test]
fn a_server_is_filled_once_and_with_more_only_as_far_as_it_lacks() {
    let fake = Fake::start(Fault::None);
    let fill = |messages: u64| {
        let line = OPERATIONS.replace("2000", &messages.to_string());
        let report = run(&fake, &format!("{line} --fill-only"));
        let of = |what: &str| count(&report, &format!("fill/{what}"));
        assert_eq!(report.get_rows("operations").len(), 0);
        [of("rooms_made"), of("messages_sent"), of("messages")]
    };
    let [made, sent, wanted] = fill(1000);
    assert_eq!((made, sent), (46, wanted));
    assert_eq!(fill(1000), [0, 0, wanted]);
    let [made, more, all] = fill(2000);
    assert_eq!((made, sent + more), (0, all));
}

#[test]
fn what_is_refused_is_counted_and_told() {
    let fake = Fake::start(Fault::Busy);
    let report = run(&fake, &format!("{OPERATIONS} --only newest_page,unread"));
    let rows = report.get_rows("operations");
    assert_eq!(
        rows.iter().map(name).collect::<Vec<_>>(),
        ["newest_page", "unread"]
    );
    for row in rows {
        let share = count(row, "failed") as f64 / count(row, "requests") as f64;
        assert!((0.05..0.15).contains(&share), "{share}");
    }
    match report.get("first_failures/unread") {
        Some(Value::Text(text)) => assert!(text.contains("/api/v1/unread: 503"), "{text}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_unknown_operation_is_told_with_those_there_are() {
    let line = "madang-bench operations --api-key k --only newest_pag";
    let error = Cli::try_parse_from(line.split(' '))
        .unwrap_err()
        .to_string();
    assert!(error.contains("newest_page"), "{error}");
}

#[test]
fn each_operation_is_measured_at_each_size() {
    let fake = Fake::start(Fault::None);
    let pid = std::process::id();
    let report = run(
        &fake,
        &format!(
            "scaling --rooms-of-user 3,6 --members-of-room 2,1200 --messages-of-room 40,80 \
             --duration 0.05 --warmup 0.01 --server-pid {pid}"
        ),
    );
    assert_eq!(report.get_rows("fill").len(), 6);
    for (table, sizes, operations) in [
        ("rooms_of_user", [3, 6], 5),
        ("members_of_room", [2, 1200], 6),
        ("messages_of_room", [40, 80], 11),
    ] {
        let rows = report.get_rows(table);
        assert_eq!(rows.len(), operations, "{table}");
        for row in rows {
            for size in sizes {
                for column in ["p50_ms", "p99_ms", "server_cpu_us"] {
                    let column = format!("{column}_at_{size}");
                    assert!(row.get_number(&column).is_some(), "{} {column}", name(row));
                }
            }
        }
    }
    assert!(report.get("first_failures").is_none(), "{report}");
}

#[test]
fn what_each_session_is_told_of_readers_is_counted() {
    let fake = Fake::start(Fault::None);
    let line = "receipts --members 8 --rounds 2 --settle 0.2";
    let report = run(&fake, line);
    assert_eq!(count(&report, "marks_raised"), 16);
    // The fake tells everybody of everybody.
    assert_eq!(count(&report, "read_events"), 2 * 8 * 8);
    let of_session = |what: &str| {
        let path = format!("events_per_session_and_round/{what}");
        report.get_number(&path).unwrap()
    };
    assert_eq!((of_session("min"), of_session("max")), (8.0, 8.0));
    assert_eq!(
        count(&report, "errors") + count(&report, "connections_closed"),
        0
    );
}

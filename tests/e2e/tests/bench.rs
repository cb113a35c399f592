//! What `madang-bench` asks over REST is what the server does: its scenarios, small, on the binary.

use clap::Parser as _;
use madang_e2e::server::TestServer;
use madang_loadgen::cli::{Cli, Scenario};
use madang_loadgen::report::{Report, Value};
use madang_loadgen::scenario::{operations, receipts, scaling};

fn run(server: &TestServer, line: &str) -> Report {
    let key = server.data().join("jwt.key");
    let name = format!("bench{}", rand::random::<u32>());
    let api_key = server.run(&["api-key", "add", &name, "--scope", "all"]);
    let url = format!("ws://{}/ws", server.address());
    let pid = server.pid().to_string();
    let fixed = [
        "--url",
        &url,
        "--jwt-key-file",
        key.to_str().unwrap(),
        "--jwt-key-encoding",
        "hex",
        "--api-key",
        api_key.trim(),
        "--server-pid",
        &pid,
        "--warmup",
        "0.05",
        "--duration",
        "0.2",
    ];
    let words = ["madang-bench"]
        .into_iter()
        .chain(line.split_ascii_whitespace());
    let report = match Cli::try_parse_from(words.chain(fixed)).unwrap().scenario {
        Scenario::Operations(options) => operations::run(&options),
        Scenario::Scaling(options) => scaling::run(&options),
        Scenario::Receipts(options) => receipts::run(&options),
        other => panic!("{other:?}"),
    }
    .unwrap();
    println!("{line}\n{report}");
    report
}

fn items(report: &Report, operation: &str) -> Option<u64> {
    let is_it = |row: &&Report| row.get("operation") == Some(&Value::Text(operation.to_owned()));
    let rows = report.get_rows("operations");
    rows.iter().find(is_it).unwrap().get_count("items")
}

#[test]
fn the_bench_fills_a_server_once_and_has_every_operation_done() {
    let server = TestServer::start();
    let line = "operations --rooms 40 --messages 6000 --users 30 --members-per-room 5";
    let report = run(&server, line);
    assert_eq!(report.get("first_failures"), None, "{report}");
    for row in report.get_rows("operations") {
        assert!(row.get_count("requests").unwrap() > 0);
    }
    assert_eq!(items(&report, "newest_page"), Some(20));
    assert_eq!(items(&report, "search_room_common"), Some(20));
    assert_eq!(items(&report, "search_room_rare"), Some(1));
    assert_eq!(items(&report, "search_room_absent"), Some(0));
    let again = run(&server, &format!("{line} --fill-only"));
    assert_eq!(again.get_count("fill/messages_sent"), Some(0));
    assert_eq!(again.get_count("fill/rooms_made"), Some(0));
}

#[test]
fn the_bench_measures_operations_at_every_size() {
    let server = TestServer::start();
    let sizes = "--rooms-of-user 5,250 --members-of-room 3,1500 --messages-of-room 50,200";
    let report = run(&server, &format!("scaling {sizes}"));
    assert_eq!(report.get("first_failures"), None, "{report}");
}

#[test]
fn when_all_members_read_at_once_each_is_told_a_bounded_number_of_times() {
    let server = TestServer::start();
    let report = run(&server, "receipts --members 200 --rounds 2 --settle 2");
    assert_eq!(report.get_count("marks_raised"), Some(400));
    assert_eq!(report.get_count("errors"), Some(0), "{report}");
    let most = report.get_number("events_per_session_and_round/max");
    // The first one at once, then those told one by one and a number at the interval's end.
    assert!(most.unwrap() <= 100.0, "{report}");
}

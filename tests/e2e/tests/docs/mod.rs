//! The documents that a server carries, read by those whom they are for.

use std::env;
use std::process::Command;

use madang_e2e::node::Script;
use madang_e2e::server::TestServer;
use madang_e2e::{binary, browser, program};

#[test]
fn the_asyncapi_document_is_valid_and_so_are_its_examples() {
    let server = TestServer::start();
    let script = Script::start("asyncapi.mjs", &[("URL", &server.url())]);
    let examples = script.wait_for_prefix("examples ");
    assert_ne!(examples, "0");
    script.succeed();
}

#[test]
fn the_page_of_the_live_doors_shows_every_channel_and_loads_nothing_from_elsewhere() {
    let Some(chromium) = browser::chromium() else {
        // Where there is no browser the page cannot be tried; CI has one and says so.
        assert!(std::env::var_os("CI").is_none(), "no Chromium on the path");
        eprintln!("skipped: no Chromium on the path (MADANG_CHROMIUM names one)");
        return;
    };
    let server = TestServer::start();
    let chromium = chromium.to_str().expect("a path in UTF-8");
    let url = server.url();
    let script = Script::start("live-docs.mjs", &[("URL", &url), ("CHROMIUM", chromium)]);
    script.succeed();
}

#[test]
fn the_lines_of_the_guide_to_rest_run() {
    let printed = run_lines("rest.md");
    assert!(printed.contains(r#""text":"At eight?""#), "{printed}");
    assert!(printed.contains(r#"{"changed":0}"#), "{printed}");
}

#[test]
fn the_lines_of_the_guide_for_back_ends_run() {
    let printed = run_lines("host.md");
    assert!(printed.contains(r#"{"kept":2}"#), "{printed}");
    assert!(printed.contains(r#"{"notified":1}"#), "{printed}");
}

/// Runs the shell's lines of a document one after the other, as its reader would, against a server
/// of their own; answers all that they printed. Every request has to succeed.
fn run_lines(document: &str) -> String {
    let path = binary::workspace().join("docs").join(document);
    let text = std::fs::read_to_string(path).expect("the document is there");
    let blocks = text.split("```sh\n").skip(1);
    let lines: String = blocks.filter_map(|rest| rest.split("```").next()).collect();
    let server = TestServer::start();
    let data = server.data().to_str().expect("a path in UTF-8");
    let lines = lines
        .replace("http://127.0.0.1:8080", &server.url())
        .replace("./data", data);
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("set -eu\n{lines}"));
    let folder = binary::madang()
        .parent()
        .expect("the binary is in a folder");
    let mut path = vec![folder.to_owned()];
    path.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    command.env(
        "PATH",
        env::join_paths(path).expect("folders without colons"),
    );
    let printed = program::run(document, command).unwrap_or_else(|error| panic!("{error}"));
    printed.join("\n")
}

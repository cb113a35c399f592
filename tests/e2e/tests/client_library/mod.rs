//! The client library `web/client`: what it promises, on the running server, over connections that
//! are cut at bytes drawn from a seed.

use std::process::Command;

use madang_e2e::node::{self, Script};
use madang_e2e::server::TestServer;
use madang_e2e::{browser, program};

/// The host application's key, known to the scripts too: they sign the tokens.
const KEY: &str = "the-hosts-own-key-of-at-least-32-bytes";

fn server() -> TestServer {
    TestServer::builder()
        .env("MADANG_AUTH__JWT_KEY", KEY)
        .start()
}

fn start(script: &str, server: &TestServer, further: &[(&str, &str)]) -> Script {
    let library = node::client_library().to_str().expect("a path in UTF-8");
    let url = server.url();
    let mut env = vec![("URL", url.as_str()), ("KEY", KEY), ("CLIENT", library)];
    env.extend_from_slice(further);
    Script::start(script, &env)
}

/// The server dies in the middle of the story.
fn tell(script: &str, further: &[(&str, &str)]) {
    let mut server = server();
    let script = start(script, &server, further);
    println!(
        "MADANG_E2E_SEED={}",
        script.wait_for_prefix("MADANG_E2E_SEED=")
    );
    script.wait_for("kill now");
    server.kill9();
    server.restart();
    println!("{}", script.wait_for_prefix("told "));
    script.succeed();
}

#[test]
fn under_node_nothing_is_lost_or_repeated_over_cuts_expiring_tokens_a_reload_and_a_crash() {
    tell("client/node.mjs", &[]);
}

#[test]
fn in_chromium_nothing_is_lost_or_repeated_over_cuts_expiring_tokens_a_reload_and_a_crash() {
    let Some(chromium) = browser::chromium() else {
        // Where there is no browser it cannot be tried; CI has one and says so.
        assert!(std::env::var_os("CI").is_none(), "no Chromium on the path");
        eprintln!("skipped: no Chromium on the path (MADANG_CHROMIUM names one)");
        return;
    };
    let chromium = chromium.to_str().expect("a path in UTF-8");
    tell("client/chromium.mjs", &[("CHROMIUM", chromium)]);
}

#[test]
fn every_method_does_what_it_says() {
    let mut server = server();
    let key = server.run(&["api-key", "add", "host", "--scope", "notify"]);
    let script = start("client/methods.mjs", &server, &[("API_KEY", key.trim())]);
    script.wait_for("stop now");
    server.terminate();
    server.wait_exit();
    server.restart();
    script.succeed();
}

#[test]
fn the_example_of_its_readme_runs_as_it_stands() {
    let server = server();
    start("client/readme.mjs", &server, &[]).succeed();
}

#[test]
fn its_own_tests_pass() {
    node::client_library();
    let mut command = Command::new("npm");
    command.args(["run", "--silent", "test:built"]);
    command.current_dir(node::client_library_folder());
    if let Err(said) = program::run("the tests of web/client", command) {
        panic!("{said}");
    }
}

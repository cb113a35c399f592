//! The demo page in a real browser.

use madang_e2e::browser;
use madang_e2e::node::Script;
use madang_e2e::server::TestServer;

#[test]
fn a_customer_and_an_agent_talk_in_two_windows_and_a_crash_loses_nothing() {
    let Some(chromium) = browser::chromium() else {
        // Where there is no browser the page cannot be tried; CI has one and says so.
        assert!(std::env::var_os("CI").is_none(), "no Chromium on the path");
        eprintln!("skipped: no Chromium on the path (MADANG_CHROMIUM names one)");
        return;
    };
    let mut server = TestServer::start();
    let url = server.url();
    let script = Script::start(
        "demo.mjs",
        &[
            ("URL", &url),
            ("CHROMIUM", chromium.to_str().expect("a path in UTF-8")),
        ],
    );
    script.wait_for("kill now");
    server.kill9();
    script.wait_for("restart now");
    server.restart();
    script.succeed();
}

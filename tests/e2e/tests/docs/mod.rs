//! The documents that a server carries, read by those whom they are for.

use madang_e2e::browser;
use madang_e2e::node::Script;
use madang_e2e::server::TestServer;

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

//! The support desk's contract, told by unmodified stompjs.

use std::sync::OnceLock;

use madang_e2e::node::Script;
use madang_e2e::server::TestServer;

/// The host application's key, known to the scripts too: they sign the tokens.
const KEY: &str = "the-hosts-own-key-of-at-least-32-bytes";

fn server() -> &'static TestServer {
    static SERVER: OnceLock<TestServer> = OnceLock::new();
    SERVER.get_or_init(|| {
        TestServer::builder()
            .env("MADANG_AUTH__JWT_KEY", KEY)
            .start()
    })
}

fn tell(script: &str, env: &[(&str, &str)]) {
    let url = server().url();
    let mut all = vec![("URL", url.as_str()), ("KEY", KEY)];
    all.extend_from_slice(env);
    let log = PrintedOnFailure(server());
    Script::start(script, &all).succeed();
    drop(log);
}

struct PrintedOnFailure(&'static TestServer);

impl Drop for PrintedOnFailure {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.print_log();
        }
    }
}

#[test]
fn the_desks_story_is_told_by_stompjs_7() {
    tell("desk-story.mjs", &[("VERSION", "7")]);
}

#[test]
fn the_desks_story_is_told_by_stompjs_6_over_a_given_websocket() {
    tell("desk-story.mjs", &[("VERSION", "6")]);
}

#[test]
fn of_two_agents_who_claim_at_once_exactly_one_wins_200_times() {
    tell("claims.mjs", &[("ROUNDS", "200")]);
}

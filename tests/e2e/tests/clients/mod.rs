//! Third-party clients, as their registries have them, are the judges of every door.
//!
//! Each program does the same with its client: connect, subscribe, send 50 messages with receipts,
//! receive them in order (Korean text, `:`, `\` and a line feed in a header where the client
//! escapes), say goodbye; and be refused with a wrong credential, which the client has to report.

mod document;
mod program;
mod servers;

use program::Runtime::{Chromium, Curl, Node, Perl, Php, Python, Ruby};
use program::{Door, Program};

/// The doors that this server has. Programs of others are not run.
pub(crate) const OPEN: &[Door] = &[
    Door::WebSocket,
    Door::Rest,
    Door::Tcp,
    Door::SockJs,
    Door::Tls,
    Door::Json,
    Door::Events,
];

static STOMPJS: Program = Program::new(Node, Door::WebSocket, "js/clients/stompjs.mjs");
static WEBSTOMP: Program = Program::new(Node, Door::WebSocket, "js/clients/webstomp.mjs");
static STOMPIT: Program = Program::new(Node, Door::Tcp, "js/clients/stompit.mjs");
static SOCKJS_IN_NODE: Program = Program::new(Node, Door::SockJs, "js/clients/sockjs.mjs");
static SOCKJS_IN_CHROMIUM: Program =
    Program::new(Chromium, Door::SockJs, "js/clients/sockjs-chromium.mjs");
static DESK_IN_CHROMIUM: Program =
    Program::new(Chromium, Door::SockJs, "js/clients/desk-chromium.mjs");
static COMMUNITY_IN_CHROMIUM: Program = Program::new(
    Chromium,
    Door::WebSocket,
    "js/clients/community-chromium.mjs",
);
static STOMP_PY: Program = Program::new(Python, Door::WebSocket, "python/stomp_py_client.py");
static STOMP_PY_TCP: Program =
    Program::with(Python, Door::Tcp, "python/stomp_py_client.py", &["tcp"]);
static STOMPMAN: Program = Program::new(Python, Door::WebSocket, "python/stompman_client.py");
static STOMPMAN_TCP: Program =
    Program::with(Python, Door::Tcp, "python/stompman_client.py", &["tcp"]);
static WEBSOCKETS: Program = Program::new(Python, Door::WebSocket, "python/websockets_stomp.py");
static WEBSOCKETS_JSON: Program = Program::new(Python, Door::Json, "python/websockets_json.py");
static RUBY_STOMP: Program = Program::new(Ruby, Door::Tcp, "ruby/stomp.rb");
static NET_STOMP: Program = Program::new(Perl, Door::Tcp, "perl/net_stomp.pl");
static PHP_STOMP: Program = Program::new(Php, Door::Tcp, "php/stomp.php");
static CURL_REST: Program = Program::new(Curl, Door::Rest, "curl/rest.sh");
static CURL_EVENTS: Program = Program::new(Curl, Door::Events, "curl/events.sh");
static CURL_HTTP2: Program = Program::new(Curl, Door::Tls, "curl/http2.sh");
static CURL_NOTIFICATIONS: Program =
    Program::with(Curl, Door::Events, "curl/notifications.sh", &["1.1"]);
static CURL_NOTIFICATIONS_HTTP2: Program =
    Program::with(Curl, Door::Tls, "curl/notifications.sh", &["2"]);

/// All programs, in the order of the document's table.
static PROGRAMS: &[&Program] = &[
    &STOMPJS,
    &WEBSTOMP,
    &STOMP_PY,
    &STOMPMAN,
    &WEBSOCKETS,
    &SOCKJS_IN_NODE,
    &SOCKJS_IN_CHROMIUM,
    &DESK_IN_CHROMIUM,
    &COMMUNITY_IN_CHROMIUM,
    &STOMPIT,
    &STOMP_PY_TCP,
    &STOMPMAN_TCP,
    &RUBY_STOMP,
    &NET_STOMP,
    &PHP_STOMP,
    &WEBSOCKETS_JSON,
    &CURL_REST,
    &CURL_EVENTS,
    &CURL_HTTP2,
    &CURL_NOTIFICATIONS,
    &CURL_NOTIFICATIONS_HTTP2,
];

#[test]
fn stompjs_6_and_7_and_rx_stomp_are_served_over_websocket() {
    STOMPJS.judge();
}

#[test]
fn webstomp_client_is_served_over_websocket() {
    WEBSTOMP.judge();
}

#[test]
fn stompit_is_served_over_tcp() {
    STOMPIT.judge();
}

#[test]
fn sockjs_client_in_node_is_served_by_each_of_its_transports() {
    SOCKJS_IN_NODE.judge();
}

#[test]
fn sockjs_client_in_a_browser_is_served_by_each_of_its_transports_also_from_another_origin() {
    SOCKJS_IN_CHROMIUM.judge();
}

#[test]
fn the_support_desks_front_ends_work_in_a_browser_with_and_without_websocket() {
    DESK_IN_CHROMIUM.judge();
}

#[test]
fn the_pet_communitys_front_end_works_in_a_browser_with_its_cookie_and_over_cuts() {
    COMMUNITY_IN_CHROMIUM.judge();
}

#[test]
fn stomp_py_is_served_over_websocket() {
    STOMP_PY.judge();
}

#[test]
fn stomp_py_is_served_over_tcp_in_every_version_of_stomp() {
    STOMP_PY_TCP.judge();
}

#[test]
fn stompman_is_served_over_websocket() {
    STOMPMAN.judge();
}

#[test]
fn stompman_is_served_over_tcp() {
    STOMPMAN_TCP.judge();
}

#[test]
fn websockets_is_served_stomp() {
    WEBSOCKETS.judge();
}

#[test]
fn websockets_is_served_json() {
    WEBSOCKETS_JSON.judge();
}

#[test]
fn rubys_stomp_is_served_over_tcp_in_every_version_of_stomp() {
    RUBY_STOMP.judge();
}

#[test]
fn perls_net_stomp_is_served_over_tcp() {
    NET_STOMP.judge();
}

#[test]
fn phps_stomp_is_served_over_tcp() {
    PHP_STOMP.judge();
}

#[test]
fn curl_is_served_over_rest() {
    CURL_REST.judge();
}

#[test]
fn curl_is_served_events() {
    CURL_EVENTS.judge();
}

#[test]
fn curl_is_served_over_http_2() {
    CURL_HTTP2.judge();
}

#[test]
fn curl_is_served_the_notifications_of_contract_2_over_http_1_and_2() {
    CURL_NOTIFICATIONS.judge();
    CURL_NOTIFICATIONS_HTTP2.judge();
}

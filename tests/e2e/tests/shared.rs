//! The server that most tests share, and what they need on it.

use std::ops::Deref;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use madang_e2e::server::TestServer;
use madang_e2e::stomp::Stomp;

pub(crate) const LOGIN: &str = "svc";
pub(crate) const PASSCODE: &str = "sesame-0";

/// A use of the shared server: its log is printed when the test fails.
pub(crate) struct Shared(&'static TestServer);

impl Deref for Shared {
    type Target = TestServer;

    fn deref(&self) -> &TestServer {
        self.0
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.print_log();
        }
    }
}

/// The server with default options, started by the first test that needs it.
pub(crate) fn server() -> Shared {
    static SERVER: OnceLock<TestServer> = OnceLock::new();
    Shared(SERVER.get_or_init(|| TestServer::builder().account(LOGIN, PASSCODE).start()))
}

/// A text that no other test uses.
pub(crate) fn unique(prefix: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{prefix}{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A topic that no other test uses.
pub(crate) fn fresh_topic() -> String {
    unique("/topic/t")
}

/// The CONNECT of the service account: without `accept-version` for 1.0, with further header
/// lines, each ended by LF.
pub(crate) fn connect_frame(version: &str, further: &str) -> String {
    let accept = match version {
        "1.0" => String::new(),
        other => format!("accept-version:{other}\nhost:test\n"),
    };
    format!("CONNECT\n{accept}login:{LOGIN}\npasscode:{PASSCODE}\n{further}\n\0")
}

/// A session of the service account.
pub(crate) fn session(server: &TestServer, version: &str) -> Stomp {
    session_with(server, version, "")
}

/// A session of the service account, its CONNECT with further header lines.
pub(crate) fn session_with(server: &TestServer, version: &str, further: &str) -> Stomp {
    let mut peer = Stomp::open(server.address());
    peer.send(connect_frame(version, further));
    let connected = peer.expect("CONNECTED");
    if version != "1.0" {
        assert_eq!(connected.need("version"), version);
    }
    peer
}

/// The table's `SUB`: a subscription `s1`, in force when this returns.
pub(crate) fn subscribe(peer: &mut Stomp, destination: &str) {
    subscribe_with(peer, destination, "id:s1\n");
}

/// A subscription with these header lines besides destination and receipt.
pub(crate) fn subscribe_with(peer: &mut Stomp, destination: &str, headers: &str) {
    let receipt = unique("sub-r");
    peer.send(format!(
        "SUBSCRIBE\n{headers}destination:{destination}\nreceipt:{receipt}\n\n\0"
    ));
    peer.receipt(&receipt);
}

/// A SEND with further header lines and a body without NUL.
pub(crate) fn send_frame(destination: &str, headers: &str, body: &str) -> String {
    format!("SEND\ndestination:{destination}\n{headers}\n{body}\0")
}

/// Checks that nothing more came to `subscriber`: a message sent now is its next.
pub(crate) fn assert_next_is_a_fence(subscriber: &mut Stomp, publisher: &mut Stomp, topic: &str) {
    let fence = unique("fence-");
    publisher.send(send_frame(topic, "", &fence));
    assert_eq!(
        subscriber.message().text(),
        fence,
        "nothing before the fence"
    );
}

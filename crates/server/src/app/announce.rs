//! What the server says on standard output once it is ready.

use std::io::{self, Write};
use std::net::SocketAddr;

use crate::config::Config;
use crate::roles::NodeRole;

/// Tells whoever started it that it is ready, and what to do next. The first line is an interface:
/// scripts read the address from it. `tcp` is where STOMP over TCP is.
pub(super) fn announce(config: &Config, address: SocketAddr, tcp: Option<SocketAddr>) {
    let data = config.server.data.display();
    let (http, websocket) = match config.tls.cert_file {
        Some(_) => ("https", "wss"),
        None => ("http", "ws"),
    };
    let mut text = format!("listening on {http}://{address}\n");
    if config.serves_demo() {
        text.push_str(&format!(
            "\n  Open {http}://{address}/ in two windows and chat: once as customer, once as agent.\n"
        ));
    }
    if config.uses_development_tokens() {
        text.push_str(&format!(
            "  A token for development: madang token --data {data} --user kim@example.com\n"
        ));
    }
    if config.node.roles.have(NodeRole::Gateway) {
        text.push_str(&format!(
            "  STOMP over WebSocket:    {websocket}://{address}/ws   (CONNECT with Authorization: Bearer TOKEN)\n  \
               SockJS:                  {http}://{address}/ws\n  \
               JSON over WebSocket:     {websocket}://{address}/ws/v1\n  \
               Event stream:            {http}://{address}/api/v1/events\n"
        ));
    }
    if let Some(tcp) = tcp {
        text.push_str(&format!("  STOMP over TCP:          {tcp}\n"));
    }
    if config.node.roles.have(NodeRole::Api) {
        text.push_str(&format!(
            "  REST:                    {http}://{address}/docs\n"
        ));
    }
    text.push_str(&format!(
        "  Readiness:               {http}://{address}/readyz\n"
    ));
    // Nobody reads it: the server runs all the same.
    let mut out = io::stdout().lock();
    drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}

use std::time::Duration;

use madang_wire::stomp::{self, Command, Frame, HeartBeat};
use madang_wire::websocket;

/// How to connect. The default offers the subprotocols and versions that a
/// browser's STOMP client offers, and no heart-beats.
#[derive(Clone, Debug)]
pub struct ConnectOptions {
    /// Further headers of CONNECT, such as `Authorization`; they go before
    /// the ones that follow from the fields below.
    pub headers: Vec<(String, String)>,
    /// `host` of CONNECT; `None`: that of the address.
    pub host: Option<String>,
    /// `accept-version` of CONNECT; `None`: no such header, which means 1.0.
    pub accept_version: Option<String>,
    /// `heart-beat` of CONNECT; `None`: no such header. What is agreed on is
    /// kept up while the client waits for frames.
    pub heart_beat: Option<HeartBeat>,
    /// Whether the frame is called STOMP instead of CONNECT.
    pub stomp_command: bool,
    /// `Sec-WebSocket-Protocol`; empty: no such header.
    pub subprotocols: Vec<String>,
    /// `Origin`
    pub origin: Option<String>,
    /// Further headers of the HTTP request.
    pub http_headers: Vec<(String, String)>,
    /// Largest WebSocket message that is taken.
    pub websocket_limits: websocket::Limits,
    /// Largest STOMP frame that is taken.
    pub stomp_limits: stomp::Limits,
    /// Whether pings are answered without being asked to.
    pub auto_pong: bool,
    /// SO_RCVBUF in bytes, for a client that is to be slow; `None`: the
    /// system's choice.
    pub receive_buffer_bytes: Option<usize>,
    /// For TCP, HTTP and CONNECTED together.
    pub timeout: Duration,
}

impl Default for ConnectOptions {
    fn default() -> ConnectOptions {
        ConnectOptions {
            headers: Vec::new(),
            host: None,
            accept_version: Some("1.2,1.1,1.0".to_owned()),
            heart_beat: Some(HeartBeat::default()),
            stomp_command: false,
            subprotocols: ["v12.stomp", "v11.stomp", "v10.stomp"]
                .map(str::to_owned)
                .to_vec(),
            origin: None,
            http_headers: Vec::new(),
            websocket_limits: websocket::Limits {
                message_bytes_max: 16 * 1024 * 1024,
            },
            stomp_limits: stomp::Limits {
                body_bytes_max: 16 * 1024 * 1024,
                ..stomp::Limits::default()
            },
            auto_pong: true,
            receive_buffer_bytes: None,
            timeout: Duration::from_secs(10),
        }
    }
}

impl ConnectOptions {
    /// With one more header in CONNECT.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> ConnectOptions {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// With `Authorization: Bearer` and this token in CONNECT.
    #[must_use]
    pub fn bearer(self, token: &str) -> ConnectOptions {
        self.header("Authorization", format!("Bearer {token}"))
    }

    /// With one more header in the HTTP request.
    #[must_use]
    pub fn http_header(
        mut self,
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> ConnectOptions {
        self.http_headers.push((name.into(), value.into()));
        self
    }

    /// The CONNECT frame for a server at `host`.
    pub fn connect_frame(&self, host: &str) -> Frame {
        let mut frame = Frame::new(match self.stomp_command {
            true => Command::Stomp,
            false => Command::Connect,
        });
        frame
            .headers
            .extend(self.headers.iter().map(|(name, value)| (name, value)));
        if let Some(versions) = &self.accept_version {
            frame.headers.push("accept-version", versions);
        }
        frame
            .headers
            .push("host", self.host.as_deref().unwrap_or(host));
        if let Some(beat) = self.heart_beat {
            frame.headers.push("heart-beat", &beat.to_string());
        }
        frame
    }

    /// Appends the HTTP request; answers its key.
    pub(crate) fn encode_request(&self, host: &str, path: &str, out: &mut Vec<u8>) -> String {
        let key = websocket::handshake::encode_key(rand::random());
        let mut headers: Vec<(&str, &str)> = Vec::new();
        if let Some(origin) = &self.origin {
            headers.push(("Origin", origin));
        }
        headers.extend(
            self.http_headers
                .iter()
                .map(|(name, value)| (&**name, &**value)),
        );
        let subprotocols = self.offered();
        websocket::handshake::encode_request(host, path, &key, &subprotocols, &headers, out);
        key
    }

    pub(crate) fn offered(&self) -> Vec<&str> {
        self.subprotocols.iter().map(String::as_str).collect()
    }
}

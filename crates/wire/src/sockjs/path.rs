use super::Transport;

/// The most bytes of a server or a session in a path.
pub const PATH_PART_BYTES_MAX: usize = 128;

/// What a path below the base URL asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint<'a> {
    /// Nothing, or a slash: the greeting.
    Greeting,
    /// `/info`
    Info,
    /// `/iframe*.html`
    Iframe,
    /// `/websocket`: a WebSocket without SockJS's frames.
    RawWebSocket,
    /// `/{server}/{session}/{transport}`
    Session {
        /// For load balancers. It says nothing about the session.
        server: &'a str,
        /// As the client chose it, percent-escapes and all.
        session: &'a str,
        /// How the session is spoken to.
        transport: Transport,
    },
}

impl<'a> Endpoint<'a> {
    /// Parses what follows the base URL in the path of a request: not decoded,
    /// without the query. `None` is 404.
    ///
    /// Server and session are anything without a dot, but neither empty nor
    /// longer than [`PATH_PART_BYTES_MAX`].
    pub fn parse(path: &'a str) -> Option<Self> {
        let path = match path.strip_prefix('/') {
            None if path.is_empty() => return Some(Self::Greeting),
            path => path?,
        };
        match path {
            "" => return Some(Self::Greeting),
            "info" => return Some(Self::Info),
            "websocket" => return Some(Self::RawWebSocket),
            _ if is_iframe(path) => return Some(Self::Iframe),
            _ => {}
        }
        let mut parts = path.split('/');
        let server = parts.next().filter(|part| is_path_part(part))?;
        let session = parts.next().filter(|part| is_path_part(part))?;
        let transport = Transport::from_name(parts.next()?)?;
        if parts.next().is_some() {
            return None;
        }
        Some(Self::Session {
            server,
            session,
            transport,
        })
    }

    /// The methods taken, for `Allow` and `Access-Control-Allow-Methods`.
    pub fn methods(&self) -> &'static str {
        match self {
            Self::Info => "OPTIONS, GET",
            Self::Greeting | Self::Iframe | Self::RawWebSocket => "GET",
            Self::Session { transport, .. } => transport.methods(),
        }
    }

    /// Whether every response needs [`header::cors`](super::header::cors): that
    /// of `/info`, and those of [`Transport::has_cors`].
    pub fn has_cors(&self) -> bool {
        match self {
            Self::Info => true,
            Self::Greeting | Self::Iframe | Self::RawWebSocket => false,
            Self::Session { transport, .. } => transport.has_cors(),
        }
    }
}

fn is_path_part(part: &str) -> bool {
    !part.is_empty() && part.len() <= PATH_PART_BYTES_MAX && !part.contains('.')
}

/// `iframe[0-9-.a-z_]*.html`
fn is_iframe(name: &str) -> bool {
    let version = name
        .strip_prefix("iframe")
        .and_then(|rest| rest.strip_suffix(".html"));
    version.is_some_and(|version| {
        version
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'z' | b'-' | b'.' | b'_'))
    })
}

/// By which of a server's doors a session comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// STOMP over WebSocket.
    StompWebSocket,
    /// STOMP over TCP, without HTTP.
    StompTcp,
    /// STOMP in SockJS frames over WebSocket.
    SockJsWebSocket,
    /// STOMP in SockJS frames over streamed HTTP responses.
    SockJsXhrStreaming,
    /// STOMP in SockJS frames over an event stream.
    SockJsEventSource,
    /// JSON over WebSocket: all rooms of the user, nothing to subscribe to.
    Json,
    /// Server-sent events: all rooms of the user, receiving only.
    Sse,
}

/// How bytes travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carrier {
    WebSocket,
    /// The bytes are the content.
    Tcp,
    /// An HTTP response with a line for each piece of content.
    HttpLines,
    /// An HTTP response with a `data:` line for each piece of content.
    HttpEvents,
}

/// What a piece of content holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// Not looked at.
    Opaque,
    /// STOMP frames.
    Stomp,
    /// A SockJS frame with STOMP frames in it.
    SockJs,
    /// An object of the JSON door.
    Json,
}

impl Transport {
    /// All of them.
    pub const ALL: [Transport; 7] = [
        Transport::StompWebSocket,
        Transport::StompTcp,
        Transport::SockJsWebSocket,
        Transport::SockJsXhrStreaming,
        Transport::SockJsEventSource,
        Transport::Json,
        Transport::Sse,
    ];

    /// Its name on the command line and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Transport::StompWebSocket => "stomp-websocket",
            Transport::StompTcp => "stomp-tcp",
            Transport::SockJsWebSocket => "sockjs-websocket",
            Transport::SockJsXhrStreaming => "sockjs-xhr-streaming",
            Transport::SockJsEventSource => "sockjs-eventsource",
            Transport::Json => "json",
            Transport::Sse => "sse",
        }
    }

    /// Whether a session says CONNECT and SUBSCRIBE. Otherwise the HTTP
    /// request says who it is, and it gets all rooms of the user.
    pub fn is_stomp(self) -> bool {
        !matches!(self, Transport::Json | Transport::Sse)
    }

    pub(super) fn carrier(self) -> Carrier {
        match self {
            Transport::StompWebSocket | Transport::SockJsWebSocket | Transport::Json => {
                Carrier::WebSocket
            }
            Transport::StompTcp => Carrier::Tcp,
            Transport::SockJsXhrStreaming => Carrier::HttpLines,
            Transport::SockJsEventSource | Transport::Sse => Carrier::HttpEvents,
        }
    }

    pub(super) fn content(self) -> Content {
        match self {
            Transport::StompWebSocket | Transport::StompTcp => Content::Stomp,
            Transport::SockJsWebSocket
            | Transport::SockJsXhrStreaming
            | Transport::SockJsEventSource => Content::SockJs,
            Transport::Json | Transport::Sse => Content::Json,
        }
    }

    pub(crate) fn help(self) -> &'static str {
        match self {
            Transport::StompWebSocket => "STOMP over WebSocket",
            Transport::StompTcp => "STOMP over TCP, at --tcp-url",
            Transport::SockJsWebSocket => "STOMP over SockJS over WebSocket",
            Transport::SockJsXhrStreaming => "STOMP over SockJS over streamed responses",
            Transport::SockJsEventSource => "STOMP over SockJS over an event stream",
            Transport::Json => "JSON over WebSocket, all rooms of the user",
            Transport::Sse => "server-sent events, all rooms of the user",
        }
    }
}

/// The last part of a session's URL: how frames get to the client, or texts to
/// the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// Both ways over one WebSocket.
    WebSocket,
    /// Receives; one frame per request.
    Xhr,
    /// Sends, for all receiving transports but JSONP.
    XhrSend,
    /// Receives; many frames per request.
    XhrStreaming,
    /// Receives as Server-Sent Events.
    EventSource,
    /// Receives as scripts in an endless page.
    HtmlFile,
    /// Receives as one script per request.
    Jsonp,
    /// Sends by a form in an iframe.
    JsonpSend,
}

impl Transport {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::WebSocket,
        Self::Xhr,
        Self::XhrSend,
        Self::XhrStreaming,
        Self::EventSource,
        Self::HtmlFile,
        Self::Jsonp,
        Self::JsonpSend,
    ];

    /// As it stands in the URL.
    pub fn name(self) -> &'static str {
        match self {
            Self::WebSocket => "websocket",
            Self::Xhr => "xhr",
            Self::XhrSend => "xhr_send",
            Self::XhrStreaming => "xhr_streaming",
            Self::EventSource => "eventsource",
            Self::HtmlFile => "htmlfile",
            Self::Jsonp => "jsonp",
            Self::JsonpSend => "jsonp_send",
        }
    }

    /// The transport of that name; byte by byte.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|transport| transport.name() == name)
    }

    /// The methods taken, as `Allow` and `Access-Control-Allow-Methods` list
    /// them. Where OPTIONS is among them it is the preflight of CORS.
    pub fn methods(self) -> &'static str {
        match self {
            Self::Xhr | Self::XhrSend | Self::XhrStreaming => "OPTIONS, POST",
            Self::JsonpSend => "POST",
            Self::WebSocket | Self::EventSource | Self::HtmlFile | Self::Jsonp => "GET",
        }
    }

    /// Whether pages of other origins ask by XMLHttpRequest or EventSource, so
    /// that every response, errors too, needs
    /// [`header::cors`](super::header::cors). Scripts and iframes do not.
    pub fn has_cors(self) -> bool {
        match self {
            Self::Xhr | Self::XhrSend | Self::XhrStreaming | Self::EventSource => true,
            Self::WebSocket | Self::HtmlFile | Self::Jsonp | Self::JsonpSend => false,
        }
    }
}

use super::escape::append_script_string;
use super::{Callback, Revision};

/// How many bytes of frames, as [`Receiver::append_frame`] makes them and
/// without the prelude, a streaming response should have before it is ended:
/// browsers keep all of it in memory. The client then asks again.
pub const STREAM_BYTES_DEFAULT: usize = 128 * 1024;

const XHR_PRELUDE_BYTES: usize = 2048;

/// Browsers show nothing of a page before so many bytes.
const HTML_PRELUDE_BYTES_MIN: usize = 1024;

const HTML_BEFORE_CALLBACK: &str = r#"<!doctype html>
<html><head>
  <meta http-equiv="X-UA-Compatible" content="IE=edge" />
  <meta http-equiv="Content-Type" content="text/html; charset=UTF-8" />
</head><body><h2>Don't panic!</h2>
  <script>
    document.domain = document.domain;
    var c = parent."#;

const HTML_AFTER_CALLBACK: &str = ";
    c.start();
    function p(d) {c.message(d);};
    window.onload = function() {c.stop();};
  </script>
";

/// The response, of status 200, of a request that receives frames over HTTP.
///
/// Clients of sockjs-protocol's kind read the prelude and each frame as one
/// chunk each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Receiver {
    /// `xhr`
    Xhr,
    /// `xhr_streaming`
    XhrStreaming,
    /// `eventsource`
    EventSource,
    /// `htmlfile`, in a page of the server's own origin.
    HtmlFile(Callback),
    /// `jsonp`. The response should have
    /// [`NO_SNIFF`](super::header::NO_SNIFF).
    Jsonp(Callback),
}

impl Receiver {
    /// The `Content-Type`.
    pub fn content_type(&self, revision: Revision) -> &'static str {
        match (self, revision) {
            (Self::EventSource, Revision::V0_3_3) => "text/event-stream; charset=UTF-8",
            (Self::EventSource, Revision::V1_0) => "text/event-stream",
            (Self::HtmlFile(_), _) => "text/html; charset=UTF-8",
            (Self::Xhr | Self::XhrStreaming | Self::Jsonp(_), _) => {
                "application/javascript; charset=UTF-8"
            }
        }
    }

    /// Whether the response takes any number of frames, until enough bytes
    /// were sent or the session ends. Else it ends after one.
    pub fn is_streaming(&self) -> bool {
        match self {
            Self::XhrStreaming | Self::EventSource | Self::HtmlFile(_) => true,
            Self::Xhr | Self::Jsonp(_) => false,
        }
    }

    /// Appends what the body begins with before any frame; for the polling
    /// ones that is nothing.
    pub fn append_prelude(&self, out: &mut Vec<u8>) {
        match self {
            Self::Xhr | Self::Jsonp(_) => {}
            Self::XhrStreaming => {
                out.resize(out.len() + XHR_PRELUDE_BYTES, b'h');
                out.push(b'\n');
            }
            // For a bug of Opera's, says sockjs-protocol.
            Self::EventSource => out.extend_from_slice(b"\r\n"),
            Self::HtmlFile(callback) => {
                let start = out.len();
                for part in [HTML_BEFORE_CALLBACK, callback.as_str(), HTML_AFTER_CALLBACK] {
                    out.extend_from_slice(part.as_bytes());
                }
                let padded = out.len().max(start + HTML_PRELUDE_BYTES_MIN);
                out.resize(padded, b' ');
                out.extend_from_slice(b"\r\n\r\n");
            }
        }
    }

    /// Appends a frame, as [`frame`](super::frame) makes it: without line
    /// breaks and with all that is unsafe escaped.
    pub fn append_frame(&self, frame: &[u8], revision: Revision, out: &mut Vec<u8>) {
        match self {
            Self::Xhr | Self::XhrStreaming => {
                out.extend_from_slice(frame);
                out.push(b'\n');
            }
            Self::EventSource => {
                out.extend_from_slice(b"data: ");
                out.extend_from_slice(frame);
                out.extend_from_slice(b"\r\n\r\n");
            }
            Self::HtmlFile(_) => {
                out.extend_from_slice(b"<script>\np(");
                append_script_string(frame, out);
                out.extend_from_slice(b");\n</script>\r\n");
            }
            Self::Jsonp(callback) => {
                // The client must not choose the first bytes of a response
                // (sockjs-node, issue 163).
                if revision == Revision::V1_0 {
                    out.extend_from_slice(b"/**/");
                }
                out.extend_from_slice(callback.as_str().as_bytes());
                out.push(b'(');
                append_script_string(frame, out);
                out.extend_from_slice(b");\r\n");
            }
        }
    }
}

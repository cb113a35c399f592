use std::fmt::Write as _;

use sha1::{Digest as _, Sha1};

use super::Revision;

const HEAD: &str = r#"<!DOCTYPE html>
<html>
<head>
  <meta http-equiv="X-UA-Compatible" content="IE=edge" />
  <meta http-equiv="Content-Type" content="text/html; charset=UTF-8" />
"#;

const BOOTSTRAP_V0_3_3: &str = "  <script>
    document.domain = document.domain;
    _sockjs_onload = function(){SockJS.bootstrap_iframe();};
  </script>
";

const BOOTSTRAP_V1_0: &str = "  <script>
    document.domain = document.domain;
    SockJS.bootstrap_iframe();
  </script>
";

const REST: &str = "</head>
<body>
  <h2>Don't panic!</h2>
  <p>This is a SockJS hidden iframe. It's used for cross domain magic.</p>
</body>
</html>";

/// The page of `/iframe*.html`: it loads the client library within the
/// server's origin, for browsers that cannot ask across origins.
///
/// Always the same for a library: made once, cached by clients for a year
/// ([`header::cacheable`](super::header::cacheable)), and never with a cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IframePage {
    body: String,
    etag: String,
}

impl IframePage {
    /// The `Content-Type`. A response of status 304 has none.
    pub const CONTENT_TYPE: &'static str = "text/html; charset=UTF-8";

    /// The page that loads the client library from there: an absolute URL, or
    /// a path from the root.
    pub fn new(client_url: &str, revision: Revision) -> Self {
        let client_url = client_url
            .replace('&', "&amp;")
            .replace('"', "&quot;")
            .replace('<', "&lt;");
        let library = format!("  <script src=\"{client_url}\"></script>\n");
        // 0.3 clients look for the bootstrap when they have been loaded.
        let scripts = match revision {
            Revision::V0_3_3 => [BOOTSTRAP_V0_3_3, &library],
            Revision::V1_0 => [&library, BOOTSTRAP_V1_0],
        };
        let body = [HEAD, scripts[0], scripts[1], REST].concat();
        let mut etag = String::from('"');
        for byte in Sha1::digest(&body) {
            // Writing to a String cannot fail.
            let _ = write!(etag, "{byte:02x}");
        }
        etag.push('"');
        Self { body, etag }
    }

    /// The page.
    pub fn body(&self) -> &str {
        &self.body
    }

    /// Its strong entity tag, with the quotation marks. A 304 has it too.
    pub fn etag(&self) -> &str {
        &self.etag
    }

    /// Whether a request's `If-None-Match` says that the client has the page,
    /// and the answer is 304 without a body (RFC 9110, section 13.1.2).
    pub fn is_known_to(&self, if_none_match: &str) -> bool {
        if_none_match.trim() == "*"
            || if_none_match.split(',').any(|tag| {
                let tag = tag.trim();
                tag.strip_prefix("W/").unwrap_or(tag) == self.etag
            })
    }
}

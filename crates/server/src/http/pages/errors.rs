//! The error codes, from the registry: where every problem's `type` points to.

use std::fmt::Write as _;

use axum::response::Response;
use madang_domain::Code;

use super::assets::{Page, html};

const HEAD: &str = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
    <meta name=\"viewport\" content=\"width=device-width\">\n<title>Error codes · Madang</title>\n\
    <link rel=\"icon\" href=\"data:,\">\n<link rel=\"stylesheet\" href=\"/docs/style.css\">\n<main>\n<h1>Error codes</h1>\n\
    <p>The same at every door: <code>code</code> in problem details, header <code>code</code> of a \
    STOMP ERROR. A retryable request may be sent again as it is.</p>\n\
    <table>\n<thead><tr><th>Code<th>Meaning<th>HTTP status<th>Close code<th>Retryable</thead>\n<tbody>\n";

pub(super) async fn page() -> Response {
    let mut text = String::from(HEAD);
    for code in Code::ALL {
        let spec = code.spec();
        let retryable = if spec.retryable { "yes" } else { "no" };
        // Writing to a String cannot fail. The registry's texts have nothing to escape.
        let _ = writeln!(
            text,
            "<tr id=\"{0}\"><th scope=\"row\"><code>{0}</code><td>{1}<td>{2}<td>{3}<td>{retryable}",
            spec.name, spec.text, spec.http_status, spec.close_code
        );
    }
    text.push_str("</table>\n</main>\n</html>\n");
    html(&Page::DOCS, text)
}

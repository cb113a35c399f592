//! The registry of codes, as the running server documents it.

use std::collections::BTreeSet;

use super::Endpoint;

/// Every code that the server may answer with.
///
/// # Panics
/// When its page lists none.
#[must_use]
pub fn codes(endpoint: &Endpoint) -> BTreeSet<String> {
    let page = endpoint.rest("GET", "/docs/errors", None, "");
    let rows = page.text().split("<tr id=\"").skip(1);
    let codes: BTreeSet<String> = rows
        .filter_map(|row| row.split_once('"'))
        .map(|(code, _)| code.to_owned())
        .collect();
    assert!(codes.contains("INTERNAL"), "codes in {}", page.text());
    codes
}

//! The native API for people, noun by noun.

mod desk;
mod members;
mod messages;
mod notifications;
mod presence;
mod receipts;
mod rooms;
mod search;

use serde_json::Value;

use super::fixture::Server;

pub(super) const KIM: &str = "user/kim/Kim";
pub(super) const LEE: &str = "user/lee/Lee";
pub(super) const PARK: &str = "user/park/Park";

/// Reads page after page, until there is no next one.
async fn read_all(server: &Server, token: &str, path: &str, list: &str) -> Vec<Value> {
    let mut all = Vec::new();
    let mut after = String::new();
    let by = if path.starts_with("/api/v1/search") {
        "before"
    } else {
        "after"
    };
    loop {
        let page = server.read(token, &format!("{path}{after}")).await;
        let entries = page[list].as_array().unwrap();
        assert!(!entries.is_empty() || all.is_empty(), "an empty page");
        all.extend(entries.iter().cloned());
        assert!(all.len() < 1_000, "pages without an end");
        after = match &page["next"] {
            Value::Null => return all,
            Value::String(next) => format!("&{by}={next}"),
            next => format!("&{by}={next}"),
        };
    }
}

/// One member of each, in order.
fn column<'a>(entries: &'a [Value], name: &str) -> Vec<&'a Value> {
    entries.iter().map(|entry| &entry[name]).collect()
}

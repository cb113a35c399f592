//! The committed reference is what the code generates.
//!
//! To regenerate it: `MADANG_BLESS=1 cargo test -p madang-server --lib reference`.

use std::collections::HashSet;
use std::path::Path;

use crate::asyncapi::{self, DoorSet};
use crate::authorization;
use crate::contracts::realtime::{ANSWERS, EVENTS};
use crate::http::{RouteSet, document};
use crate::roles::NodeRoles;

#[track_caller]
fn assert_fresh(name: &str, generated: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference");
    let path = path.join(name);
    if std::env::var_os("MADANG_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, generated).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let first_difference = committed
        .lines()
        .zip(generated.lines())
        .position(|(committed, generated)| committed != generated);
    assert!(
        committed == generated,
        "docs/reference/{name} is stale (first difference in line {first_difference:?}); run \
         MADANG_BLESS=1 cargo test -p madang-server --lib reference"
    );
}

#[test]
fn the_committed_openapi_document_is_fresh() {
    let document = document(RouteSet::ALL).to_pretty_json().unwrap();
    assert_fresh("openapi.json", &format!("{document}\n"));
}

#[test]
fn the_committed_asyncapi_document_is_fresh() {
    let document = asyncapi::document(DoorSet::ALL);
    let document = serde_json::to_string_pretty(&document).unwrap();
    assert_fresh("asyncapi.json", &format!("{document}\n"));
}

#[test]
fn the_committed_authorization_table_is_fresh() {
    assert_fresh("authorization.md", &authorization::reference());
}

#[test]
fn every_event_of_the_streams_is_named_where_they_are_described() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/events.md");
    let page = std::fs::read_to_string(page).unwrap();
    let document = serde_json::to_value(document(RouteSet::ALL)).unwrap();
    let route = &document["paths"]["/api/v1/events"]["get"]["description"];
    // Who is to be watched is said on the JSON door.
    let told = |event: &&str| !ANSWERS.contains(event) && *event != "presence";
    for event in EVENTS.into_iter().filter(told) {
        let name = format!("`{event}`");
        let rows = page.lines().filter(|line| line.starts_with("| `"));
        assert!(rows.into_iter().any(|row| row.contains(&name)), "{name}");
        assert!(route.as_str().unwrap().contains(&name), "{name}");
    }
}

#[test]
fn every_reference_in_the_document_leads_somewhere() {
    for support_desk in [false, true] {
        let set = RouteSet {
            roles: NodeRoles::ALL,
            support_desk,
            community: support_desk,
            direct_rest: support_desk,
            picture_upload: support_desk,
            demo: false,
        };
        let text = document(set).to_json().unwrap();
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        for reference in text.split(r##""$ref":"#"##).skip(1) {
            let pointer = reference.split('"').next().unwrap();
            assert!(document.pointer(pointer).is_some(), "{pointer}");
        }
    }
}

#[test]
fn every_operation_tells_its_errors_and_every_body_has_an_example() {
    let document = serde_json::to_value(document(RouteSet::ALL)).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    let mut ids = HashSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let what = format!("{method} {path}");
            assert!(operation["summary"].is_string(), "{what} has no summary");
            let id = operation["operationId"].as_str().unwrap().to_owned();
            assert!(ids.insert(id), "{what} shares its operationId");
            let is_open = operation["security"][0]
                .as_object()
                .is_some_and(|s| s.is_empty());
            assert!(
                is_open || operation["responses"]["401"].is_object(),
                "{what} does not tell what a missing token gets"
            );
        }
    }
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        let Some(properties) = schema["properties"].as_object() else {
            continue;
        };
        for (property, inner) in properties {
            // Only plain values: what holds others takes its example from them, and a flag needs none.
            let is_plain = matches!(inner["type"].as_str(), Some("string" | "integer"));
            let has_example = inner.get("example").is_some();
            let is_token = property == "token";
            assert!(!is_plain || has_example || is_token, "{name}.{property}");
        }
    }
}

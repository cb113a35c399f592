//! Who may depend on whom, as the architecture has it.

use std::collections::BTreeSet;
use std::process::Command;

use madang_e2e::binary;
use serde_json::Value;

/// Every edge there may be between our packages, tests of a package included.
const EDGES: &[(&str, &[&str])] = &[
    ("madang-wire", &[]),
    ("madang-domain", &[]),
    ("madang-engine", &["madang-domain"]),
    ("madang-store", &["madang-domain"]),
    ("madang-bus", &["madang-domain"]),
    ("madang-presence", &["madang-domain"]),
    (
        "madang-server",
        &[
            "madang-wire",
            "madang-domain",
            "madang-engine",
            "madang-store",
            "madang-bus",
            "madang-presence",
        ],
    ),
    ("madang-loadgen", &["madang-wire"]),
    ("madang-e2e", &["madang-loadgen", "madang-wire"]),
];

/// What a package may not link, whoever brings it in; its tests may.
const FORBIDDEN: &[(&str, &[&str])] = &[
    (
        "madang-wire",
        &["tokio", "hyper", "axum", "rusqlite", "serde"],
    ),
    (
        "madang-domain",
        &["tokio", "hyper", "axum", "rusqlite", "serde"],
    ),
    ("madang-engine", &["axum", "hyper", "rusqlite"]),
    ("madang-store", &["axum", "hyper"]),
    ("madang-bus", &["axum", "hyper", "rusqlite"]),
    ("madang-presence", &["axum", "hyper", "rusqlite"]),
];

fn metadata() -> Value {
    let version = Command::new("rustc").arg("-vV").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .unwrap();
    let mut command = binary::cargo();
    command.args(["metadata", "--format-version", "1", "--locked", "--offline"]);
    // Else packages of other platforms are missed, which a build here never fetches.
    command.args(["--filter-platform", host]);
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo metadata: {errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[test]
fn packages_depend_on_those_below_them_only() {
    let metadata = metadata();
    let mut faults = Vec::new();
    let ours: Vec<&Value> = array(&metadata["packages"])
        .iter()
        .filter(|package| package["source"].is_null())
        .collect();
    let names: BTreeSet<&str> = ours.iter().map(|package| text(&package["name"])).collect();
    for package in &ours {
        let name = text(&package["name"]);
        let Some((_, allowed)) = EDGES.iter().find(|(have, _)| *have == name) else {
            faults.push(format!("{name} has no row in EDGES"));
            continue;
        };
        for dependency in array(&package["dependencies"]) {
            let on = text(&dependency["name"]);
            if names.contains(on) && on != name && !allowed.contains(&on) {
                faults.push(format!("{name} -> {on}"));
            }
        }
    }
    assert!(
        faults.is_empty(),
        "edges that the architecture does not have: {faults:#?}"
    );
}

#[test]
fn lower_layers_link_no_runtime_no_http_and_no_database() {
    let metadata = metadata();
    let name_of = |id: &str| {
        let package = array(&metadata["packages"])
            .iter()
            .find(|p| text(&p["id"]) == id);
        package.map_or("", |package| text(&package["name"]))
    };
    let nodes = array(&metadata["resolve"]["nodes"]);
    let mut faults = Vec::new();
    for (name, forbidden) in FORBIDDEN {
        let root = nodes
            .iter()
            .find(|node| name_of(text(&node["id"])) == *name);
        let mut todo = vec![text(&root.unwrap()["id"])];
        let mut seen = BTreeSet::new();
        while let Some(id) = todo.pop() {
            if !seen.insert(id) {
                continue;
            }
            let node = nodes.iter().find(|node| text(&node["id"]) == id).unwrap();
            for dependency in array(&node["deps"]) {
                let kinds = array(&dependency["dep_kinds"]);
                if kinds.iter().any(|kind| kind["kind"].is_null()) {
                    todo.push(text(&dependency["pkg"]));
                }
            }
        }
        let linked = seen.iter().map(|id| name_of(id));
        let bad: Vec<_> = linked.filter(|linked| forbidden.contains(linked)).collect();
        if !bad.is_empty() {
            faults.push(format!("{name} links {bad:?}"));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

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
    (
        "madang-store",
        &["madang-domain", "madang-presence", "madang-test-servers"],
    ),
    ("madang-redis", &[]),
    (
        "madang-bus",
        &["madang-domain", "madang-redis", "madang-test-servers"],
    ),
    (
        "madang-presence",
        &["madang-domain", "madang-redis", "madang-test-servers"],
    ),
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
    ("madang-test-servers", &[]),
    (
        "madang-faults",
        &[
            "madang-e2e",
            "madang-loadgen",
            "madang-test-servers",
            "madang-wire",
        ],
    ),
    (
        "madang-e2e",
        &["madang-loadgen", "madang-test-servers", "madang-wire"],
    ),
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
    ("madang-redis", &["axum", "hyper", "rusqlite"]),
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

/// What a package links when it is built for itself: in the workspace, another's wishes count as well.
fn linked_by(package: &str) -> BTreeSet<String> {
    let mut command = binary::cargo();
    command.args(["tree", "--package", package, "--edges", "normal"]);
    command.args([
        "--prefix",
        "none",
        "--format",
        "{p}",
        "--locked",
        "--offline",
    ]);
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo tree: {errors}");
    let lines = String::from_utf8(output.stdout).unwrap();
    let names = lines.lines().filter_map(|line| line.split(' ').next());
    names.map(ToOwned::to_owned).collect()
}

#[test]
fn lower_layers_link_no_runtime_no_http_and_no_database() {
    let mut faults = Vec::new();
    for (name, forbidden) in FORBIDDEN {
        let linked = linked_by(name);
        assert!(linked.contains(*name), "{linked:?}");
        let bad: Vec<_> = forbidden
            .iter()
            .filter(|it| linked.contains(**it))
            .collect();
        if !bad.is_empty() {
            faults.push(format!("{name} links {bad:?}"));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

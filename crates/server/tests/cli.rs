//! The built binary, as a user of a shell meets it.
#![allow(
    clippy::unwrap_used,
    reason = "clippy sees the helpers of an integration test as ordinary code"
)]

use std::path::Path;
use std::process::{Command, Output};

fn madang(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_madang"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("MADANG_")) {
        command.env_remove(name);
    }
    let variables = variables.iter().copied();
    command.args(arguments).envs(variables).output().unwrap()
}

fn out(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn err(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_token_is_the_only_thing_on_standard_output() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let arguments = [
        "token",
        "--data",
        text(&data),
        "--user",
        "kim",
        "--role",
        "agent",
        "--id",
        "7",
    ];
    let output = madang(&arguments, &[]);
    assert!(output.status.success(), "{}", err(&output));
    assert_eq!(err(&output), "");
    let token = out(&output).strip_suffix('\n').unwrap();
    assert_eq!(token.split('.').count(), 3);
    assert!(!token.contains(char::is_whitespace));
}

#[test]
fn a_fault_is_one_message_on_standard_error_and_exit_code_1() {
    let variables = [("MADANG_STOMP__BODY_BYTES_MAX", "lots")];
    for command in [&["config", "check"][..], &["config", "show"], &["serve"]] {
        let output = madang(command, &variables);
        assert_eq!(output.status.code(), Some(1), "{command:?}");
        assert_eq!(out(&output), "");
        let error = err(&output);
        assert!(
            error.starts_with("madang: the configuration has 1 fault\n"),
            "{error}"
        );
        assert!(error.contains("stomp.body_bytes_max = \"lots\""), "{error}");
        assert!(
            error.contains("environment MADANG_STOMP__BODY_BYTES_MAX"),
            "{error}"
        );
    }
}

#[test]
fn wrong_usage_is_exit_code_2() {
    for arguments in [
        &["--nonsense"][..],
        &[],
        &["token"],
        &["token", "--user", "kim", "--role", "king"],
        &["token", "--user", ""],
        &["serve", "--auth-jwt-key", "secret"],
    ] {
        assert_eq!(
            madang(arguments, &[]).status.code(),
            Some(2),
            "{arguments:?}"
        );
    }
}

#[test]
fn the_environment_names_the_file_and_no_file_is_read_unnamed() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("madang.toml");
    std::fs::write(&file, "[server]\ndrain_seconds = 7\n").unwrap();
    let named = madang(&["config", "show"], &[("MADANG_CONFIG", text(&file))]);
    assert!(
        out(&named).contains("drain_seconds = 7 # "),
        "{}",
        out(&named)
    );
    let mut unnamed = Command::new(env!("CARGO_BIN_EXE_madang"));
    unnamed
        .args(["config", "show"])
        .current_dir(dir.path())
        .env_remove("MADANG_CONFIG");
    let unnamed = unnamed.output().unwrap();
    assert!(
        out(&unnamed).contains("drain_seconds = 10 # default"),
        "{}",
        out(&unnamed)
    );
}

#[test]
fn the_version_says_compiler_and_features() {
    let output = madang(&["version"], &[]);
    let text = out(&output);
    assert!(
        text.starts_with(concat!("madang ", env!("CARGO_PKG_VERSION"), "\n")),
        "{text}"
    );
    assert!(
        text.contains("rustc 1.") && text.contains("features:"),
        "{text}"
    );
}

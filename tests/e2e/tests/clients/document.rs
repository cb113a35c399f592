//! `docs/compatibility.md`: the table of what the programs found.

use std::path::PathBuf;
use std::{env, fs};

use madang_e2e::binary;

use crate::clients::program::{self, Outcome, Program, Row};
use crate::clients::{OPEN, PROGRAMS};

const HEAD: &str = "\
# Compatibility

Clients as their registries have them, unmodified, against the real server. Each one connects, subscribes, sends 50 messages
(Korean, an emoji, line feeds) and asks for a receipt of each, receives them in order, and says goodbye; then it is refused with a
wrong credential and has to report that. *Header escapes*: a header with `:`, `\\` and a line feed arrives as it was sent; clients
without it write headers as they are, which works as long as these have none of the three.

What every door is tested for by itself is in [reference/doors.md](reference/doors.md).

Clients of Ruby, Perl and PHP, and curl, are those of Debian; any version will do for the tests, and the one here is what it was
when the table was written. In Chromium, `htmlfile` runs in a frame of its own; `xdr-*` is for Internet Explorer only and not tried.

Written by `MADANG_BLESS=1 cargo test -p madang-e2e compatibility`; the same test without it fails when the table is stale.

| client | version | transport | result |
|---|---|---|---|
";

fn path() -> PathBuf {
    binary::workspace().join("docs/compatibility.md")
}

/// A row as far as it has to hold on every machine.
fn portable(row: &Row, of_the_system: bool) -> Row {
    let mut row = row.clone();
    if of_the_system {
        row[1].clear();
    }
    row
}

/// The rows of all programs whose clients this machine has, and whether it has all.
fn found() -> (Vec<(Row, bool)>, bool) {
    let programs: Vec<&'static Program> = PROGRAMS
        .iter()
        .copied()
        .filter(|program| OPEN.contains(&program.door))
        .collect();
    program::run_all(&programs);
    let mut rows = Vec::new();
    let mut complete = true;
    for program in programs {
        match program.outcome() {
            Outcome::Rows(its) => {
                let mut its = its.clone();
                its.sort();
                rows.extend(its.into_iter().map(|row| (row, program.is_of_the_system())));
            }
            Outcome::Missing(_) => complete = false,
            Outcome::Failed(how) => panic!("not every client got through: {how}"),
        }
    }
    (rows, complete)
}

#[test]
fn the_compatibility_table_is_what_the_clients_say() {
    let (rows, complete) = found();
    if env::var_os("MADANG_BLESS").is_some() {
        assert!(complete, "a client is missing (scripts/prepare test)");
        let lines = rows
            .iter()
            .map(|(row, _)| format!("| {} |\n", row.join(" | ")));
        fs::write(path(), HEAD.to_owned() + &lines.collect::<String>()).unwrap();
    }
    let document = fs::read_to_string(path()).unwrap_or_default();
    let table = document.strip_prefix(HEAD);
    let table = table.expect("docs/compatibility.md has another text before its rows");
    let written: Vec<Row> = table.lines().filter_map(program::row).collect();
    let system: Vec<&str> = rows
        .iter()
        .filter_map(|(row, of_the_system)| of_the_system.then_some(row[0].as_str()))
        .collect();
    let written: Vec<Row> = written
        .iter()
        .map(|row| portable(row, system.contains(&row[0].as_str())))
        .collect();
    let said: Vec<Row> = rows.iter().map(|(row, of)| portable(row, *of)).collect();
    if complete {
        assert_eq!(
            written, said,
            "docs/compatibility.md is stale (MADANG_BLESS=1)"
        );
    } else {
        let unwritten: Vec<_> = said.iter().filter(|row| !written.contains(row)).collect();
        assert!(
            unwritten.is_empty(),
            "docs/compatibility.md lacks {unwritten:?}"
        );
    }
}

//! The option reference, from the definitions that the program itself parses by.

use std::fmt::Write as _;

use clap::{Arg, Args as _, Command, CommandFactory as _};

use super::{Cli, Common};

const PREFACE: &str = "\
# madang-bench

<!-- Generated from the program's own definitions; see its test of this file. -->

`madang-bench <scenario> [options]` loads a chat server and reports what it did
and what it cost. Sessions speak STOMP over WebSocket; `fanout` and `idle`
compare that with the other doors of Madang (`--transport`). Durations are in
seconds and may have a fraction. Ctrl-C ends a run early, with its report; a
second one ends it at once.

Every message carries its number and the time it was to be sent, so that each
subscriber's lost, repeated and late messages are counted. Templates may have
`{user}`, `{n}` (the number of the user, from 0) and where it is said `{token}`
or `{payload}`.

The text report and the JSON report have the same fields. The resident memory
of a server does not hold what the kernel keeps for its sockets.

Both sides can be kept apart on a small machine: `--pin-server 0 --pin-client 1`.
";

/// The text of `docs/reference/madang-bench.md`.
pub fn reference() -> String {
    let common = Common::augment_args(Command::new("common"));
    let mut cli = Cli::command();
    cli.build();
    let mut out = String::from(PREFACE);
    for scenario in cli.get_subcommands() {
        let name = scenario.get_name();
        if scenario.is_hide_set() || name == "help" {
            continue;
        }
        let about = scenario
            .get_about()
            .map(ToString::to_string)
            .unwrap_or_default();
        let _ = write!(out, "\n## madang-bench {name}\n\n{about}.\n");
        let is_own = |arg: &&Arg| {
            common
                .get_arguments()
                .all(|have| have.get_id() != arg.get_id())
        };
        table(scenario.get_arguments().filter(is_own), &mut out);
    }
    out.push_str("\n## Options of all scenarios\n");
    table(common.get_arguments(), &mut out);
    out
}

fn table<'a>(args: impl Iterator<Item = &'a Arg>, out: &mut String) {
    out.push_str("\n| option | default | meaning |\n|---|---|---|\n");
    for arg in args.filter(|arg| !arg.is_hide_set() && arg.get_id() != "help") {
        let Some(long) = arg.get_long() else {
            continue;
        };
        let default: Vec<_> = arg
            .get_default_values()
            .iter()
            .filter(|_| arg.get_action().takes_values())
            .map(|value| format!("`{}`", value.to_string_lossy()))
            .collect();
        let mut meaning = arg.get_help().map(ToString::to_string).unwrap_or_default();
        if arg.get_action().takes_values() {
            for value in arg.get_possible_values() {
                let help = value
                    .get_help()
                    .map(ToString::to_string)
                    .unwrap_or_default();
                let _ = write!(meaning, "; `{}`: {help}", value.get_name());
            }
        }
        let meaning = meaning.replace('|', "\\|").replace('\n', " ");
        let _ = writeln!(out, "| `--{long}` | {} | {meaning} |", default.join(" "));
    }
}

//! The `madang-bench` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    madang_loadgen::cli::main()
}

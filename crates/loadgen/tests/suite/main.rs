//! The client and the scenarios against a server in this process.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "helpers of tests are tests, which the lints do not see"
)]

mod client;
mod fake;
mod operations;
mod reference;
mod scenarios;

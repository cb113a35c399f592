//! The client and the scenarios against a server in this process.

mod client;
mod fake;
mod scenarios;

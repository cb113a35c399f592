//! Promises of the product, each checked on the running binary. See README.md beside this.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of tests are tests too, and totals are meant to be seen"
)]

mod auth;
mod bench;
#[cfg(feature = "servers")]
mod bus;
mod checklist;
mod client_library;
mod clients;
#[cfg(feature = "servers")]
mod cluster;
mod contract1;
mod contract2;
mod contract3;
mod contract4;
mod crowd;
mod demo;
mod desk;
mod dice;
mod docs;
mod doors;
mod events;
mod faults;
mod house;
mod json;
mod limits;
mod model;
mod native;
mod people;
mod pictures;
mod presence;
mod resume;
mod retention;
mod roles;
mod rooms;
mod shared;
mod slow;
mod sockjs;
mod websocket;

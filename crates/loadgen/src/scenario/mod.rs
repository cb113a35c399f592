//! What is measured. Every scenario takes its options and gives a report; all
//! its loops end by time, by count, or by [`crate::stop`].

pub mod fanout;
pub mod history;
pub mod idle;
pub mod mix;
pub mod resume;
pub mod send;
pub mod start;

mod compare;
mod delivery;
mod idle_crowd;
mod rounds;
mod server;
mod stalled;
mod target;
mod transports;

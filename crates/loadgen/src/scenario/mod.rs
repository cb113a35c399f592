//! What is measured. Every scenario takes its options and gives a report; all
//! its loops end by time, by count, or by [`crate::stop`].

pub mod fanout;
pub mod history;
pub mod idle;
pub mod mix;
pub mod operations;
pub mod receipts;
pub mod resume;
pub mod scaling;
pub mod send;
pub mod start;

mod api;
mod asks;
mod compare;
mod dataset;
mod delivery;
mod fill;
mod idle_crowd;
mod measure;
mod rounds;
mod scene;
mod send_texts;
mod server;
mod stalled;
mod target;
mod texts;
mod transports;

//! The Bus port: how nodes hint to each other. Adapters know `domain` and their broker only.

pub mod conformance;

mod local;

pub use local::LocalNetwork;

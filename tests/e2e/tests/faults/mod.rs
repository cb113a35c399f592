//! Nothing accepted is lost, whatever dies.

mod client;
mod drain;
mod kill;

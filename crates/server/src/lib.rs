//! The `madang` server: its doors, and what they share.

pub mod authorization;
pub mod contracts;
pub mod http;

//! The `madang-bench` binary.
fn main() {}

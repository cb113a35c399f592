//! The cases of the Autobahn test suite, by its numbers, against an echo
//! server made of the codec alone.
//!
//! Groups 12 and 13 test compression, which is not spoken. Where the suite
//! waits for a time-out or measures time, the case is kept for its bytes.

mod close_handling;
mod fragmentation;
mod framing;
mod peer;
mod sizes;
mod utf8_handling;

//! The machine's clock that no one sets, by which processes can compare their times.
#![allow(
    unsafe_code,
    reason = "the standard library has the clock and does not show it"
)]

use std::time::Duration;

/// `CLOCK_MONOTONIC`: what `process.hrtime` of Node shows on the same machine.
#[must_use]
pub fn monotonic() -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `clock_gettime` writes the time that it is lent, and nothing else.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or_default();
    Duration::new(seconds, nanoseconds)
}

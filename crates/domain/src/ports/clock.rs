//! The time of day.

use crate::time::Timestamp;

/// Tells the time of day. Two calls may go back: the system's clock may be set.
pub trait Clock: Send + Sync {
    /// The time of day now.
    fn now(&self) -> Timestamp;
}

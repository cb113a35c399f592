//! Resume anywhere, retry safely, all or nothing, and what an acknowledgement is worth.

mod acknowledge;
mod retry;
mod since;

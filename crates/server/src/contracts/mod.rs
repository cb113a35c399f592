//! What messages look like to clients, whatever door they come through: the native form and those
//! of the systems that Madang replaces. No door's own matters here (no HTTP, no frames).

pub mod community;
pub mod direct;
pub mod inbox;
pub mod members;
pub(crate) mod misfit;
pub mod native;
pub mod plain;
pub mod realtime;
pub mod rooms;
pub mod support_desk;
pub mod topics;

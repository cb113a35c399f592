//! What routes of the native API share, whoever calls them: people, agents, the host's back end.

pub(super) mod log;
pub(super) mod members;
pub(super) mod pictures;
pub(super) mod rooms;
pub(super) mod sending;
pub(super) mod stream;

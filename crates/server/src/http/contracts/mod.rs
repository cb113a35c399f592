//! REST of the systems that Madang replaces, each as its clients know it.

pub(super) mod community;
pub(super) mod direct;
pub(super) mod refusal;
pub(super) mod support_desk;

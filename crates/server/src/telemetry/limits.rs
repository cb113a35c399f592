//! Metrics of the bounds that sessions reach.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::metrics::{Label, family};

/// A bound of sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Sessions of one user.
    UserSessions,
    /// SockJS sessions of one user.
    UserSockJsSessions,
    /// Sessions of SockJS's HTTP transports in all.
    SockJsSessions,
    /// Frames per second of one session.
    FramesPerSecond,
    /// Bytes per second of one session.
    BytesPerSecond,
    /// Subscriptions of one session.
    Subscriptions,
}

impl Limit {
    /// Every bound, in the order of the variants.
    pub const ALL: [Self; 6] = [
        Self::UserSessions,
        Self::UserSockJsSessions,
        Self::SockJsSessions,
        Self::FramesPerSecond,
        Self::BytesPerSecond,
        Self::Subscriptions,
    ];

    /// The value of the label `limit`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UserSessions => "user_sessions",
            Self::UserSockJsSessions => "user_sockjs_sessions",
            Self::SockJsSessions => "sockjs_sessions",
            Self::FramesPerSecond => "frames_per_second",
            Self::BytesPerSecond => "bytes_per_second",
            Self::Subscriptions => "subscriptions",
        }
    }
}

/// How often each bound was reached.
#[derive(Debug)]
pub(super) struct Limits([Counter; Limit::ALL.len()]);

impl Limits {
    pub(super) fn registered(r: &mut Registry) -> Self {
        let help = "Times a session was refused or slowed down, by the bound that was reached";
        let reached: Family<Label, Counter> = family(r, "limits_reached", help);
        let counter = |limit: Limit| reached.get_or_create_owned(&[("limit", limit.name())]);
        Self(Limit::ALL.map(counter))
    }

    pub(super) fn reached(&self, limit: Limit) {
        self.0[limit as usize].inc();
    }
}

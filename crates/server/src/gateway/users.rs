//! How many sessions each user has.

use std::collections::HashMap;
use std::sync::Arc;

use madang_domain::{Caller, Code, Error, Role, UserId};
use madang_engine::Engine;
use parking_lot::Mutex;

use crate::telemetry::limits::Limit;
use crate::telemetry::metrics::{Metrics, Transport};

/// How many sessions one user may have on this node.
#[derive(Debug, Clone, Copy)]
pub struct UserLimits {
    /// Over all doors; 0 for no bound.
    pub sessions_max: u32,
    /// Over SockJS; 0 for no bound.
    pub sockjs_sessions_max: u32,
}

/// Locked once when a session knows its user, and once when it ends.
pub(super) struct Users {
    counts: Mutex<HashMap<UserId, Counts>>,
    limits: UserLimits,
}

#[derive(Default)]
struct Counts {
    all: u32,
    sockjs: u32,
}

/// One session's place among those of its user. Dropping it gives it back.
pub(super) struct UserPlace {
    users: Arc<Users>,
    user: UserId,
    transport: Transport,
}

/// A session of a person who is online for as long as it lives.
pub(super) struct Present {
    engine: Arc<Engine>,
    user: UserId,
}

impl Present {
    pub(super) fn new(engine: &Arc<Engine>, user: &UserId) -> Self {
        engine.connected(user);
        Self {
            engine: Arc::clone(engine),
            user: user.clone(),
        }
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        self.engine.disconnected(&self.user);
    }
}

impl Users {
    pub(super) fn new(limits: UserLimits) -> Arc<Self> {
        Arc::new(Self {
            counts: Mutex::default(),
            limits,
        })
    }

    /// Takes a place. The host's back end has no bound: one account serves all of its processes.
    ///
    /// # Errors
    /// [`Code::TooMany`]: the user has as many as one may have. Retryable.
    pub(super) fn admit(
        self: &Arc<Self>,
        caller: &Caller,
        transport: Transport,
        metrics: &Metrics,
    ) -> Result<Option<UserPlace>, Error> {
        if caller.role == Role::Service {
            return Ok(None);
        }
        let is_sockjs = transport == Transport::SockJs;
        let mut counts = self.counts.lock();
        let own = counts.entry(caller.user.clone()).or_default();
        let full = |count: u32, max: u32| max != 0 && count >= max;
        let reached = if full(own.all, self.limits.sessions_max) {
            Some((Limit::UserSessions, self.limits.sessions_max))
        } else if is_sockjs && full(own.sockjs, self.limits.sockjs_sessions_max) {
            Some((Limit::UserSockJsSessions, self.limits.sockjs_sessions_max))
        } else {
            None
        };
        if let Some((limit, max)) = reached {
            metrics.limit_reached(limit);
            let detail = format!("a user has at most {max} sessions");
            return Err(Error::with_detail(Code::TooMany, detail));
        }
        own.all += 1;
        own.sockjs += u32::from(is_sockjs);
        Ok(Some(UserPlace {
            users: Arc::clone(self),
            user: caller.user.clone(),
            transport,
        }))
    }
}

impl Drop for UserPlace {
    fn drop(&mut self) {
        let mut counts = self.users.counts.lock();
        let Some(own) = counts.get_mut(&self.user) else {
            return;
        };
        own.all -= 1;
        own.sockjs -= u32::from(self.transport == Transport::SockJs);
        if own.all == 0 {
            counts.remove(&self.user);
        }
    }
}

#[cfg(test)]
mod tests {
    use madang_domain::Timestamp;

    use super::*;

    fn caller(id: &str, role: Role) -> Caller {
        Caller::new(UserId::new(id).unwrap(), role)
    }

    #[test]
    fn a_user_has_so_many_sessions_and_one_that_ends_makes_room() {
        let metrics = Metrics::new(Timestamp::from_micros(0));
        let users = Users::new(UserLimits {
            sessions_max: 3,
            sockjs_sessions_max: 1,
        });
        let admit = |id, role, transport| users.admit(&caller(id, role), transport, &metrics);
        let kim = |transport| admit("kim", Role::User, transport);
        let first = kim(Transport::SockJs).unwrap();
        assert_eq!(kim(Transport::SockJs).err().unwrap().code(), Code::TooMany);
        let _second = kim(Transport::WebSocket).unwrap();
        let _third = kim(Transport::Sse).unwrap();
        assert!(kim(Transport::Tcp).is_err());
        assert!(admit("lee", Role::User, Transport::Tcp).is_ok());
        assert!(
            admit("kim", Role::Service, Transport::Tcp)
                .unwrap()
                .is_none()
        );
        drop(first);
        assert!(kim(Transport::SockJs).is_ok());
    }
}

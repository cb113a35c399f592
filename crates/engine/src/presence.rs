//! Who is online: this node's lease, its users, and telling those who watch.
//!
//! A user whose last session ended stays online for a grace time, so that a reconnect is not seen.
//! Changes are told to the port in batches; the edges that come of it go over the bus.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Weak};
use std::time::Duration;

use madang_domain::ports::{Presence, PresenceEdge, PresenceError, Topic};
use madang_domain::{Caller, Code, Error, UserId};
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use crate::bus_message::BusMessage;
use crate::engine::{Engine, store_failed};
use crate::hub::{Outlet, SubscriptionKey, UserSubscription};

/// Users whom one session watches at most, and one call asks about.
pub const WATCHED_MAX: usize = 200;

/// Users told to the port at once.
const BATCH: usize = 512;

/// Renewals within a lease: all but one may fail before it runs out.
const RENEWALS: u32 = 3;

/// How long the port is left alone after it failed; less, where the lease is renewed more often.
const RETRY: Duration = Duration::from_secs(1);

/// How presence is kept.
#[derive(Debug, Clone, Copy)]
pub struct PresenceOptions {
    /// How long a node that is gone keeps its users online. Above zero.
    pub lease: Duration,
    /// How long a user stays online after their last session.
    pub grace: Duration,
}

/// This node's users.
pub(crate) struct Online {
    port: Arc<dyn Presence>,
    state: Mutex<State>,
    changed: Notify,
    lease: watch::Sender<Lease>,
}

/// How this node stands with its lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lease {
    /// It has not tried to take one yet.
    Untried,
    /// It has tried in vain.
    Never,
    /// The last renewal was one.
    Held,
    /// The last renewal failed, after others that did not.
    Doubtful,
}

#[derive(Default)]
struct State {
    users: HashMap<UserId, Connection>,
    /// What the port has not been told yet, or not successfully.
    untold: VecDeque<UserId>,
    /// Users without a session, each once, in the order in which their grace ends.
    leaving: BTreeSet<(Instant, UserId)>,
}

#[derive(Default)]
struct Connection {
    sessions: usize,
    /// When the grace of its last session ends; `None` while it has sessions.
    leaves_at: Option<Instant>,
    /// What the port knows.
    told: bool,
    /// The port failed when it was told else: it may know that.
    doubtful: bool,
    queued: bool,
}

impl Online {
    pub(crate) fn new(port: Arc<dyn Presence>) -> Self {
        Self {
            port,
            state: Mutex::default(),
            changed: Notify::new(),
            lease: watch::Sender::new(Lease::Untried),
        }
    }

    fn connected(&self, user: &UserId) {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        let connection = state.users.entry(user.clone()).or_default();
        connection.sessions += 1;
        if let Some(at) = connection.leaves_at.take() {
            state.leaving.remove(&(at, user.clone()));
        }
        if !connection.told && !connection.queued {
            connection.queued = true;
            state.untold.push_back(user.clone());
            self.changed.notify_one();
        }
    }

    fn disconnected(&self, user: &UserId, grace: Duration) {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        let connection = state.users.get_mut(user);
        let Some(connection) = connection.filter(|connection| connection.sessions > 0) else {
            return;
        };
        connection.sessions -= 1;
        if connection.sessions == 0 {
            let at = Instant::now() + grace;
            connection.leaves_at = Some(at);
            let was_idle = state.leaving.is_empty();
            state.leaving.insert((at, user.clone()));
            if was_idle {
                self.changed.notify_one();
            }
        }
    }

    /// Everybody whose grace is over is to be told; answers when the next one's is.
    fn end_graces(&self, now: Instant) -> Option<Instant> {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        while state.leaving.first().is_some_and(|(at, _)| *at <= now) {
            let Some((_, user)) = state.leaving.pop_first() else {
                break;
            };
            let connection = state.users.get_mut(&user);
            if let Some(connection) = connection.filter(|connection| !connection.queued) {
                connection.queued = true;
                state.untold.push_back(user);
            }
        }
        state.leaving.first().map(|(at, _)| *at)
    }

    /// What is to be told next: who, and whether they are online.
    fn batch(&self) -> Vec<(UserId, bool)> {
        let now = Instant::now();
        let mut guard = self.state.lock();
        let state = &mut *guard;
        let mut batch = Vec::new();
        while batch.len() < BATCH {
            let Some(user) = state.untold.pop_front() else {
                break;
            };
            let Some(connection) = state.users.get_mut(&user) else {
                continue;
            };
            connection.queued = false;
            let online = connection.leaves_at.is_none_or(|at| at > now);
            if online != connection.told || connection.doubtful {
                batch.push((user, online));
            } else if !online {
                state.users.remove(&user);
            }
        }
        batch
    }

    fn told(&self, batch: &[(UserId, bool)]) {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        for (user, online) in batch {
            let Some(connection) = state.users.get_mut(user) else {
                continue;
            };
            connection.told = *online;
            connection.doubtful = false;
            if connection.queued {
                continue;
            }
            if connection.leaves_at.is_none() && !*online {
                // Came back while it was told that they left.
                connection.queued = true;
                state.untold.push_back(user.clone());
            } else if connection.leaves_at.is_some() && !*online {
                state.users.remove(user);
            }
        }
    }

    fn tell_again(&self, batch: Vec<(UserId, bool)>) {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        for (user, _) in batch {
            let Some(connection) = state.users.get_mut(&user) else {
                continue;
            };
            connection.doubtful = true;
            if !connection.queued {
                connection.queued = true;
                state.untold.push_front(user);
            }
        }
    }

    /// The lease was lost: nobody of whom this node spoke is known any more.
    fn forgotten(&self) {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        for (user, connection) in &mut state.users {
            connection.told = false;
            connection.doubtful = false;
            if !connection.queued {
                connection.queued = true;
                state.untold.push_back(user.clone());
            }
        }
    }
}

/// Renews the lease and tells what changed, until the engine ends.
pub(crate) async fn run(engine: Weak<Engine>, online: Arc<Online>, options: PresenceOptions) {
    let renewal = options.lease / RENEWALS;
    let mut renew_at = Instant::now();
    let mut failed = false;
    loop {
        let Some(running) = engine.upgrade() else {
            return;
        };
        let now = Instant::now();
        if now >= renew_at {
            // From its beginning: a slow port must not stretch the lease.
            renew_at = now + renewal;
            failed = !running.renew_lease(options.lease).await;
        }
        let next_grace = online.end_graces(Instant::now());
        let batch = if failed { Vec::new() } else { online.batch() };
        failed = failed || (!batch.is_empty() && !running.tell_presence(batch).await);
        let more = !failed && !online.state.lock().untold.is_empty();
        drop(running);
        if failed {
            renew_at = renew_at.min(Instant::now() + RETRY);
        }
        if more {
            continue;
        }
        let wake_at = next_grace.map_or(renew_at, |at| at.min(renew_at));
        tokio::select! {
            () = tokio::time::sleep_until(wake_at) => {}
            // After a failure the next renewal tries again.
            () = online.changed.notified(), if !failed => {}
        }
    }
}

impl Engine {
    /// A session of `user` began on this node. To be followed by [`Engine::disconnected`].
    pub fn connected(&self, user: &UserId) {
        if self.options.presence.is_some() {
            self.online.connected(user);
        }
    }

    /// A session of `user` ended on this node.
    pub fn disconnected(&self, user: &UserId) {
        if let Some(options) = self.options.presence {
            self.online.disconnected(user, options.grace);
        }
    }

    /// Whether this node has ever had a lease: before that nobody sees its users. Waits for the first attempt to take
    /// one, which is made at once. A node that takes none has nothing to reach.
    pub async fn presence_was_reached(&self) -> bool {
        if self.options.presence.is_none() {
            return true;
        }
        let mut lease = self.online.lease.subscribe();
        let tried = lease.wait_for(|lease| *lease != Lease::Untried).await;
        tried.is_ok_and(|lease| *lease != Lease::Never)
    }

    /// What is known of `users`, in the order asked; `None` for who was never seen. Only of people
    /// with whom the caller shares a room, and to agents of everybody.
    ///
    /// # Errors
    /// [`Code::ParameterInvalid`]: more than [`WATCHED_MAX`]. [`Code::Unavailable`]: retryable.
    pub async fn presence_of(
        &self,
        caller: &Caller,
        users: &[UserId],
    ) -> Result<Vec<Option<PresenceEdge>>, Error> {
        let may_see = self.may_watch(caller, users).await?;
        let edges = self.online.port.of(users).await;
        let edges = edges.map_err(|error| {
            tracing::warn!(%error, "presence failed");
            Error::from(Code::Unavailable)
        })?;
        let seen = edges.into_iter().zip(may_see);
        Ok(seen.map(|(edge, may)| edge.filter(|_| may)).collect())
    }

    /// Has `outlet` told when one of `users` goes online or offline, until the answer is dropped.
    /// Those whom the caller may not see are passed over, and are asked for again before each of
    /// their edges is told. First watch, then ask
    /// [`Engine::presence_of`]: no change falls between the two.
    ///
    /// # Errors
    /// As [`Engine::presence_of`].
    pub async fn watch_presence(
        &self,
        caller: &Caller,
        users: &[UserId],
        outlet: Arc<dyn Outlet>,
        key: SubscriptionKey,
    ) -> Result<Vec<UserSubscription>, Error> {
        let may_see = self.may_watch(caller, users).await?;
        let seen = users.iter().zip(may_see).filter(|(_, may)| *may);
        let asked = (!caller.role.serves_customers()).then_some(&caller.user);
        let watch = |(user, _): (&UserId, bool)| {
            let outlet = Arc::clone(&outlet);
            self.hub.users().watch(user, asked.cloned(), outlet, key)
        };
        Ok(seen.map(watch).collect())
    }

    async fn may_watch(&self, caller: &Caller, users: &[UserId]) -> Result<Vec<bool>, Error> {
        if users.len() > WATCHED_MAX {
            let detail = format!("at most {WATCHED_MAX} users can be watched");
            return Err(Error::with_detail(Code::ParameterInvalid, detail));
        }
        if caller.role.serves_customers() {
            return Ok(vec![true; users.len()]);
        }
        let known = self.store.acquainted(&caller.user, users).await;
        let known = known.map_err(|e| store_failed(&e))?;
        let may = |(user, known): (&UserId, bool)| known || *user == caller.user;
        Ok(users.iter().zip(known).map(may).collect())
    }

    /// Answers whether it was.
    async fn renew_lease(&self, lease: Duration) -> bool {
        match self.online.port.renew(self.now(), lease).await {
            Ok((was_held, edges)) => {
                let before = self.online.lease.send_replace(Lease::Held);
                if matches!(before, Lease::Never | Lease::Doubtful) {
                    tracing::info!("the presence lease is renewed again");
                }
                if !was_held {
                    self.online.forgotten();
                }
                self.tell_edges(&edges);
                true
            }
            Err(error) => {
                self.doubt_lease(&error);
                false
            }
        }
    }

    /// Logs the first of failures in a row.
    fn doubt_lease(&self, error: &PresenceError) {
        self.online.lease.send_modify(|lease| {
            if matches!(lease, Lease::Untried | Lease::Held) {
                tracing::warn!(%error, "the presence lease was not renewed; it is tried again until it is");
            }
            *lease = match lease {
                Lease::Untried | Lease::Never => Lease::Never,
                Lease::Held | Lease::Doubtful => Lease::Doubtful,
            };
        });
    }

    /// Answers whether the port took it.
    async fn tell_presence(&self, batch: Vec<(UserId, bool)>) -> bool {
        match self.online.port.set(&batch, self.now()).await {
            Ok(edges) => {
                self.online.told(&batch);
                self.tell_edges(&edges);
                true
            }
            Err(error) => {
                tracing::warn!(%error, "presence was not told");
                self.online.tell_again(batch);
                false
            }
        }
    }

    pub(crate) async fn release_presence(&self) {
        if self.options.presence.is_none() {
            return;
        }
        match self.online.port.release(self.now()).await {
            Ok(edges) => self.tell_edges(&edges),
            // The lease runs out by itself.
            Err(error) => tracing::warn!(%error, "the presence lease was not given up"),
        }
    }

    fn tell_edges(&self, edges: &[PresenceEdge]) {
        for edge in edges {
            let topic = Topic::User(edge.user.clone());
            if self.bus.reaches_others(&topic) {
                self.bus
                    .publish(&topic, BusMessage::presence(edge).encode());
            }
            self.tell_edge(edge.clone());
        }
    }
}

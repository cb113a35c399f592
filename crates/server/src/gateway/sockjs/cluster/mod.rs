//! Sessions that requests reach through any gateway of a cluster.
//!
//! The gateway that opens a session keeps it: it has the [`link`](super::link). A request that comes to another one
//! is checked there, as if the session were there, and passed on over the bus: what a request brings
//! as texts ([`texts`]), what it receives as the bytes of its response ([`outgoing`], [`incoming`]). Who has a
//! session all are asked ([`find`]); who there is they say by themselves ([`members`]).
//!
//! The bus may drop, repeat and turn round. Requests are asked again until they are answered, and
//! carried out once ([`requests`]); pieces of responses are numbered and said again until they have
//! arrived. What does not arrive in time ends the response, and the session where frames may be lost:
//! the client then opens another session, and resumes.

mod asked;
mod find;
mod incoming;
mod key;
mod members;
mod message;
mod outgoing;
mod post;
mod recent;
mod requests;
mod texts;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use madang_domain::Code;
use madang_domain::ports::Bus;
use madang_engine::GatewayMail;
use madang_wire::sockjs::Receiver;
use parking_lot::Mutex;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::directory::Directory;
use super::receive::{Served, body_of, poll};
use super::send::{REQUEST_DEADLINE, hand_over};
use super::unix_seconds;
use asked::Asked;
pub(super) use find::Claim;
use find::Questions;
use incoming::{ForwardedBody, Incoming};
pub(super) use key::SessionKey;
use members::{BEAT_EVERY, GONE_AFTER, Members};
pub(super) use message::Refused;
use message::{Content, Message, Part, Present};
use outgoing::{OnTheWay, Outgoing};
use post::Post;
use recent::Recent;
use requests::{Admission, Requests};

/// How long a gateway is given to answer before it is asked again: twice as long each time while it
/// carries out what it was asked.
const AGAIN_AFTER: Duration = Duration::from_millis(250);
const AGAIN_AFTER_MAX: Duration = Duration::from_secs(4);

/// Sessions of others that are remembered with who has them, and for how long: others are asked for.
const OWNERS_MAX: usize = 65_536;
const OWNERS_FOR: Duration = Duration::from_secs(60 * 60);

/// How a gateway works with others.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClusterOptions {
    /// How long the others are asked for a session at most.
    pub(super) find_within: Duration,
    /// The longest time for which nothing comes of a session that is well.
    pub(super) silence_max: Duration,
}

/// This gateway among others.
pub(in crate::gateway) struct Cluster {
    me: Weak<Self>,
    options: ClusterOptions,
    post: Arc<Post>,
    directory: Arc<Directory>,
    members: Members,
    questions: Arc<Questions>,
    /// Who has which session, as was last heard.
    owners: Mutex<Recent<SessionKey, u64>>,
    asked: Arc<Asked>,
    incoming: Arc<Incoming>,
    requests: Requests,
    outgoing: Arc<Outgoing>,
    is_stopping: AtomicBool,
}

impl Cluster {
    /// Joins the other gateways on `bus`, and is there until it is dropped. Whoever hears the bus
    /// hands on what gateways say.
    pub(super) fn join(
        bus: Arc<dyn Bus>,
        directory: Arc<Directory>,
        options: ClusterOptions,
    ) -> Arc<Self> {
        let post = Arc::new(Post::open(bus));
        let cluster = Arc::new_cyclic(|me| Self {
            me: Weak::clone(me),
            options,
            directory,
            members: Members::new(),
            questions: Arc::default(),
            owners: Mutex::new(Recent::new(OWNERS_MAX, OWNERS_FOR)),
            asked: Arc::default(),
            incoming: Arc::new(Incoming::new(Arc::clone(&post))),
            requests: Requests::default(),
            outgoing: Arc::new(Outgoing::new(Arc::clone(&post))),
            is_stopping: AtomicBool::new(false),
            post,
        });
        tokio::spawn(beat(Arc::downgrade(&cluster)));
        cluster
    }

    /// Keeps others from opening the session until it is open here, if they ask.
    pub(super) fn claim(&self, key: SessionKey) -> Claim {
        self.questions.claim(key)
    }

    /// The other gateway that has the session. `None`: none has, or none said so in time.
    ///
    /// # Errors
    /// [`Code::Overloaded`]: too many are being looked for.
    pub(super) async fn find(&self, key: SessionKey) -> Result<Option<u64>, Code> {
        let known = self.owners.lock().get(&key).copied();
        if let Some(owner) = known.filter(|owner| self.members.is_there(*owner)) {
            return Ok(Some(owner));
        }
        if !self.post.reaches_others() {
            return Ok(None);
        }
        let others = self.members.others();
        if others.known.is_empty() && others.is_complete {
            return Ok(None);
        }
        let asking = self.asked.begin();
        let request = asking.request;
        let ask = || self.post.tell_all(request, Content::Find(key));
        let deadline = Instant::now() + self.options.find_within;
        let found = self.questions.ask(request, others, deadline, ask).await?;
        if let Some(owner) = found {
            self.owners.lock().insert(key, owner);
        }
        Ok(found)
    }

    /// Has `owner` make a request of this gateway the session's receiver; answers the body of its
    /// response.
    ///
    /// # Errors
    /// [`Refused`]: the owner does not have the session, or does not answer.
    pub(super) async fn receive(
        &self,
        owner: u64,
        key: SessionKey,
        receiver: &Receiver,
    ) -> Result<ForwardedBody, Refused> {
        let mut body = self.incoming.expect(owner, key, self.asked.begin());
        let given_up_at = Instant::now() + GONE_AFTER;
        while body.is_unheard() {
            if Instant::now() >= given_up_at || !self.members.is_there(owner) {
                self.forget_owner(&key);
                return Err(Refused::Unavailable);
            }
            let asked = Content::Receive {
                key,
                settled: self.asked.settled(),
                receiver: receiver.clone(),
            };
            self.post.tell(owner, body.request(), asked);
            if let Ok(begun) = timeout(AGAIN_AFTER, body.begun()).await {
                begun.inspect_err(|_| self.forget_owner(&key))?;
                return Ok(body);
            }
        }
        // From here on the clock looks whether the owner is there.
        body.begun()
            .await
            .inspect_err(|_| self.forget_owner(&key))?;
        Ok(body)
    }

    /// Has `owner` hand texts to the session. They are handed over once, or it is not known that
    /// they were.
    ///
    /// # Errors
    /// [`Refused`]: none was taken; with [`Refused::Unavailable`] that is not known.
    pub(super) async fn send(
        &self,
        owner: u64,
        key: SessionKey,
        texts: &[String],
    ) -> Result<(), Refused> {
        let parts = texts::parts(texts).ok_or(Refused::Overloaded)?;
        let asking = self.asked.begin();
        let mut outcome = self.asked.outcome_of(&asking);
        let began = Instant::now();
        let mut pause = AGAIN_AFTER;
        loop {
            let patience = match self.asked.is_accepted(&asking) {
                true => 2 * REQUEST_DEADLINE,
                false => GONE_AFTER,
            };
            if began.elapsed() >= patience || !self.members.is_there(owner) {
                self.forget_owner(&key);
                return Err(Refused::Unavailable);
            }
            self.post_parts(owner, asking.request, key, &parts);
            if let Ok(outcome) = timeout(pause, &mut outcome).await {
                let outcome = outcome.unwrap_or(Err(Refused::Unavailable));
                return outcome.inspect_err(|_| self.forget_owner(&key));
            }
            if self.asked.is_accepted(&asking) {
                pause = (2 * pause).min(AGAIN_AFTER_MAX);
            }
        }
    }

    fn post_parts(&self, owner: u64, request: u64, key: SessionKey, parts: &[Part]) {
        let settled = self.asked.settled();
        for part in parts {
            let part = part.clone();
            let content = Content::Send { key, settled, part };
            self.post.tell(owner, request, content);
        }
    }

    fn forget_owner(&self, key: &SessionKey) {
        self.owners.lock().remove(key);
    }
}

impl GatewayMail for Cluster {
    fn heard(&self, payload: &Bytes) {
        let Some(message) = Message::decode(payload) else {
            return tracing::debug!("dropped what no gateway of this version says");
        };
        let Message {
            from,
            request,
            content,
        } = message;
        if content == Content::Leave {
            return self.left(from);
        }
        let is_new = self.members.heard(from);
        let present = Present::New;
        let wants_to_hear = matches!(&content, Content::Beat { present: it, .. } if *it == present);
        if is_new || wants_to_hear {
            self.post.tell(from, 0, beat_of(Present::Still));
        }
        match content {
            Content::Beat { at, .. } => self.members.told_time(from, at, unix_seconds()),
            Content::Leave => {}
            Content::Find(key) => self.asked_for(from, request, &key),
            Content::Here => self.questions.answered(request, from, true),
            Content::NotHere => self.questions.answered(request, from, false),
            Content::Accepted => {
                self.asked.accepted(request);
                self.incoming.accepted(request);
            }
            Content::Sent => self.asked.settle(request, Ok(())),
            Content::Refused(refused) => {
                self.asked.settle(request, Err(refused));
                self.incoming.refused(request, refused);
            }
            Content::Piece {
                number,
                bytes,
                next,
            } => self.incoming.piece(from, request, number, bytes, next),
            asked => self.asked(from, request, asked),
        }
    }

    fn missed(&self) {
        self.members.unsettle();
        self.post.tell_all(0, beat_of(Present::New));
    }
}

/// What others ask of this gateway.
impl Cluster {
    fn asked(&self, from: u64, request: u64, content: Content) {
        match content {
            Content::Receive {
                key,
                settled,
                receiver,
            } => {
                let admission = self.requests.admit(from, request, settled);
                if self.carries_out(from, request, admission).is_some() {
                    let on_the_way = self.outgoing.open((from, request));
                    self.spawn(async move |cluster| {
                        cluster
                            .serve((from, request), &key, receiver, on_the_way)
                            .await;
                    });
                }
            }
            Content::Send { key, settled, part } => {
                let admission = self.requests.admit_part(from, request, settled, part);
                if let Some(whole) = self.carries_out(from, request, admission) {
                    self.spawn(async move |cluster| {
                        let content = cluster.take(&key, whole).await;
                        cluster.answer(from, request, content);
                    });
                }
            }
            Content::Progress { arrived, taken } => {
                self.outgoing.progress((from, request), arrived, taken);
            }
            Content::Release(key) if self.outgoing.is_open((from, request)) => {
                if let Some(link) = self.directory.find(&key) {
                    link.release_receiver();
                }
            }
            Content::Gone => {
                self.requests.cancel(from, request);
                self.outgoing.gone((from, request));
                self.post.tell(from, request, Content::Accepted);
            }
            _ => {}
        }
    }

    fn asked_for(&self, from: u64, request: u64, key: &SessionKey) {
        let opens_here = || self.questions.has_claim(key) && self.post.me < from;
        let content = match self.directory.find(key).is_some() || opens_here() {
            true => Content::Here,
            false => Content::NotHere,
        };
        self.post.tell(from, request, content);
    }

    /// What there is to do; where there is nothing, says what has to be said.
    fn carries_out<T>(&self, from: u64, request: u64, admission: Admission<T>) -> Option<T> {
        match admission {
            Admission::CarryOut(what) => {
                self.post.tell(from, request, Content::Accepted);
                Some(what)
            }
            Admission::Say(content) => {
                self.post.tell(from, request, content);
                None
            }
            Admission::Nothing => None,
        }
    }

    fn answer(&self, from: u64, request: u64, content: Content) {
        // Noted first: it may be asked for again at once.
        self.requests.answered(from, request, content.clone());
        self.post.tell(from, request, content);
    }

    /// Makes the request the session's receiver, and passes on what it gets.
    async fn serve(
        &self,
        (from, request): (u64, u64),
        key: &SessionKey,
        receiver: Receiver,
        on_the_way: OnTheWay,
    ) {
        // It may be about to be opened, for a request that came here.
        self.questions.unclaimed(key).await;
        let Some(link) = self.directory.find(key) else {
            return self.answer(from, request, Content::Refused(Refused::NotFound));
        };
        link.wait_for_turn().await;
        let served = match receiver.is_streaming() {
            true => Ok(body_of(&link, receiver)),
            false => tokio::select! {
                served = poll(&link, &receiver) => served,
                // Dropped before it is served, the request breaks off.
                () = on_the_way.gone() => return,
            },
        };
        let delivered = match served {
            Ok(Served::Receiver(body)) => on_the_way.deliver(body).await,
            // What is lost of a refusal is no loss.
            Ok(Served::Refused(frame)) => on_the_way.deliver(frame).await.or(Ok(())),
            Err(_) => {
                return self.answer(from, request, Content::Refused(Refused::Unavailable));
            }
        };
        if delivered.is_err() {
            link.interrupt();
        }
    }

    /// Hands texts to the session; answers what became of them.
    async fn take(&self, key: &SessionKey, whole: Bytes) -> Content {
        let Some(texts) = texts::of_whole(whole) else {
            return Content::Refused(Refused::Unavailable);
        };
        let Some(link) = self.directory.find(key) else {
            return Content::Refused(Refused::NotFound);
        };
        match hand_over(&link, texts).await {
            Ok(()) => Content::Sent,
            Err(refused) => Content::Refused(refused),
        }
    }

    fn spawn<F>(&self, task: impl FnOnce(Arc<Self>) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        if let Some(me) = self.me.upgrade() {
            tokio::spawn(task(me));
        }
    }
}

/// Who is there.
impl Cluster {
    /// Whether clients can come to another gateway.
    pub(in crate::gateway) fn has_others(&self) -> bool {
        self.post.reaches_others() && !self.members.others().known.is_empty()
    }

    /// This gateway stops: has whoever waits here for another's session ask elsewhere, until nobody
    /// waits.
    pub(in crate::gateway) async fn release_all(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
        self.incoming.release_all();
        self.incoming.emptied().await;
    }

    /// This gateway has no session any more. Nothing is said after that.
    pub(in crate::gateway) fn leave(&self) {
        self.post.leave();
    }

    fn left(&self, gateway: u64) {
        if self.members.left(gateway) {
            self.questions.left(gateway);
            self.look_at_clock();
        }
    }

    fn look_at_clock(&self) {
        self.members.forget_silent();
        let silence_max = self.options.silence_max;
        self.incoming.look_at_clock(&self.members, silence_max);
        self.outgoing.look_at_clock(&self.members);
        self.requests.forget_silent();
        if self.is_stopping.load(Ordering::Relaxed) {
            self.incoming.release_all();
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.post.leave();
    }
}

fn beat_of(present: Present) -> Content {
    Content::Beat {
        present,
        at: unix_seconds(),
    }
}

/// Says that the gateway is there, and looks who else is, until it goes.
async fn beat(cluster: Weak<Cluster>) {
    let mut ticks = interval(BEAT_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(cluster) = cluster.upgrade() else {
            return;
        };
        // Nobody is waited for any longer; what it asked once more is not heard again.
        let present = match cluster.members.is_settled() {
            true => Present::Still,
            false => Present::New,
        };
        if cluster.post.reaches_others() {
            cluster.post.tell_all(0, beat_of(present));
        }
        cluster.look_at_clock();
    }
}

#[cfg(test)]
mod tests;

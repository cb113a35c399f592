//! `resume`: rooms go on right after positions of an earlier connection.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::vec;

use madang_domain::{Code, Error, RoomId};
use madang_engine::SubscriptionKey;

use super::super::Session;
use super::super::dialect::Done;
use super::super::driver::Core;
use super::super::rooms::{Begin, Follower, Joined};
use super::Json;
use super::commands::position_of;
use crate::contracts::realtime::{Ack, ServerEvent, echo};

/// Rooms told of before it is asked again whether the client takes more.
const TOLD_AT_ONCE: usize = 32;

/// A `resume` whose rooms are subscribed to, and of which the client is being told.
struct Resuming {
    id: Option<Box<str>>,
    /// Held until the session shows them.
    joined: vec::IntoIter<Joined>,
    unknown: Vec<String>,
    /// What goes on behind the answer.
    resumed: Vec<(SubscriptionKey, bool)>,
}

impl Core<Json> {
    /// # Errors
    /// Nothing was done. [`Code::ParameterInvalid`]: more rooms than a session shows.
    /// [`Code::PositionInvalid`]: one of the positions is none.
    pub(super) fn handle_resume(
        &mut self,
        id: Option<&str>,
        positions: BTreeMap<String, String>,
        inbox: Option<Option<String>>,
    ) -> Result<(), Error> {
        let maximum = Json::rooms_max(&self.session.shared.limits);
        if positions.len() > maximum {
            let detail = format!("at most {maximum} rooms are resumed at once");
            return Err(Error::with_detail(Code::ParameterInvalid, detail));
        }
        let followed = self.followed()?;
        let caller = followed.caller.clone();
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        if let Some(position) = inbox {
            let position = position.as_deref().map(position_of).transpose()?;
            let start = position.map_or(Begin::Beginning, Begin::After);
            let inbox = Some(RoomId::inbox(&caller.user)).filter(|inbox| followed.has(inbox));
            known.extend(inbox.map(|inbox| (inbox, start)));
        }
        let mut others = Vec::new();
        for (name, position) in positions {
            let start = Begin::After(position_of(&position)?);
            match RoomId::new(&name).ok().filter(|room| !room.is_internal()) {
                Some(room) if followed.has(&room) => known.push((room, start)),
                Some(room) => others.push((room, start)),
                None => unknown.push(name),
            }
        }
        // Behind those that are shown, which then make no space for them.
        known.append(&mut others);
        let id: Option<Box<str>> = id.map(Box::from);
        let joiner = self.joiner(caller);
        self.command = Some(Box::pin(async move {
            let outcome = joiner.resume(known).await;
            let done: Done<Json> = Box::new(move |core| {
                match outcome {
                    Ok((joined, lost)) => {
                        unknown.extend(lost.iter().map(ToString::to_string));
                        core.show_resumed(Resuming {
                            id,
                            joined: joined.into_iter(),
                            unknown,
                            resumed: Vec::new(),
                        });
                    }
                    Err(error) => core.answer_error(id.as_deref(), &error),
                }
                Ok(())
            });
            done
        }));
        Ok(())
    }

    /// Shows some of the rooms, and the rest once the client takes more. What was queued of them is
    /// dropped; they go on behind the answer.
    fn show_resumed(&mut self, mut resuming: Resuming) {
        for joined in resuming.joined.by_ref().take(TOLD_AT_ONCE) {
            resuming.resumed.extend(self.resume(joined));
        }
        if resuming.joined.len() == 0 {
            return self.answer_resume(resuming);
        }
        let space = space(Arc::clone(&self.session));
        self.command = Some(Box::pin(async move {
            space.await;
            let done: Done<Json> = Box::new(move |core| {
                core.show_resumed(resuming);
                Ok(())
            });
            done
        }));
    }

    fn answer_resume(&mut self, resuming: Resuming) {
        let Resuming {
            id,
            unknown,
            resumed,
            ..
        } = resuming;
        let id = echo(id.as_deref());
        let unknown: Vec<_> = unknown.iter().map(String::as_str).collect();
        if id.is_some() || !unknown.is_empty() {
            let ack = Ack {
                id: id.as_deref(),
                unknown: Some(&unknown),
                ..Ack::default()
            };
            Json::tell(self, &ServerEvent::Ack(ack));
        }
        self.resumed(resumed);
    }
}

/// Waits until the outbox is below its limit. To be polled by the session's own task, which is woken
/// when everything is written.
fn space(session: Arc<Session>) -> impl Future<Output = ()> + Send {
    poll_fn(move |_| {
        let limit = session.shared.limits.queue_bytes_max;
        let mut outbox = session.outbox();
        if outbox.waiting() <= limit {
            return Poll::Ready(());
        }
        outbox.waits_for_space = true;
        Poll::Pending
    })
}

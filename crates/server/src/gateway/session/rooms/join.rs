//! Finding out which rooms are a user's, and subscribing to them. Off the session's own task state:
//! what comes out is put on the session by [`super`].

use std::sync::Arc;

use madang_domain::ports::RoomSummary;
use madang_domain::{Caller, Code, Error, Position, Room, RoomHead, RoomId, Seq, Support, policy};
use madang_engine::{RoomSubscription, Start, Subscribed, SubscriptionKey, UserSubscription};

use super::super::super::Chat;
use super::super::Session;
use super::super::places::{Place, Places};
use super::super::render::{EventId, Format, Head};
use super::choose::Chosen;
use super::{Known, is_not_theirs};
use crate::contracts::realtime::{LiveInbox, LiveRoom};

/// Names the session's interest in its user: never the key of a subscription.
const ATTENDING: SubscriptionKey = SubscriptionKey::MAX;

/// How often an inbox that grows all the time is counted before a count may be off by what came.
const INBOX_COUNTS_MAX: usize = 3;

/// What a session is to show.
#[derive(Debug)]
pub(in super::super::super) enum Follows {
    /// All rooms from now on, or from where an earlier connection had them.
    All(Option<Places>),
    /// One room, from now on or after a position.
    One(RoomId, Option<Position>),
    /// The caller's inbox alone, also if it is made later.
    Inbox(Begin),
}

/// From where on a log is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super::super) enum Begin {
    /// What comes from now on.
    Now,
    /// All of it.
    Beginning,
    /// What comes after a position.
    After(Position),
}

impl Begin {
    fn of(self, room: &Room) -> Start {
        match self {
            // Where it was counted.
            Self::Now => Start::After(room.head.position()),
            Self::Beginning => Start::After(beginning(room)),
            Self::After(position) => Start::After(position),
        }
    }
}

/// Subscribes for one session.
pub(in super::super) struct Joiner {
    pub(super) chat: Arc<Chat>,
    pub(super) session: Arc<Session>,
    pub(super) format: Format,
    /// Most rooms that the session shows.
    pub(super) rooms_max: usize,
    pub(super) shows_inbox: bool,
    pub(in super::super) caller: Caller,
}

/// A room that is the user's, and what is known of their reading.
pub(in super::super) struct Theirs {
    room: Room,
    unread: Option<u64>,
    read: Option<Seq>,
}

impl Theirs {
    #[cfg(test)]
    pub(super) const fn room(&self) -> &Room {
        &self.room
    }
}

impl From<Room> for Theirs {
    fn from(room: Room) -> Self {
        Self {
            room,
            unread: None,
            read: None,
        }
    }
}

impl From<RoomSummary> for Theirs {
    fn from(summary: RoomSummary) -> Self {
        Self {
            room: summary.view.room,
            unread: Some(summary.unread),
            read: Some(summary.read),
        }
    }
}

/// A new subscription, held until the client has been told of its room.
pub(in super::super) struct Joined {
    /// As it stood when the subscription began.
    pub(super) room: Room,
    unread: Option<u64>,
    read: Option<Seq>,
    /// Where it begins.
    pub(super) position: Position,
    /// Whether a part of what was asked for is gone, which is told once it is read.
    is_reset: bool,
    /// Whether the client asked for it by a position.
    pub(super) is_resumed: bool,
    pub(super) key: SubscriptionKey,
    pub(super) subscription: RoomSubscription,
    pub(super) live: bool,
}

impl Joined {
    /// A subscription that is not wanted after all.
    pub(super) fn discard(self, session: &Session) {
        let Self {
            key, subscription, ..
        } = self;
        // First, so that the key is nobody's when it is given out again.
        drop(subscription);
        session.outbox().forget(key);
    }
}

/// What a session begins with.
pub(super) struct Entered {
    pub(super) attending: UserSubscription,
    pub(super) only: Option<RoomId>,
    /// Rooms that the client knows of, or is told of at once.
    pub(super) resumed: Vec<Joined>,
    /// Rooms that are new to a client that resumes.
    pub(super) fresh: Vec<Joined>,
    /// Whether the user has rooms that are not shown.
    pub(super) more: bool,
    /// The greatest number among the rooms that were listed; 0 when none was.
    pub(super) newest_told: u64,
    /// Where the user's inbox begins, if there is one.
    pub(super) inbox: Option<LiveInbox>,
}

/// What a look at a room found.
pub(super) enum Found {
    /// Theirs, as before.
    Theirs(Box<Room>),
    /// Theirs, and not shown yet.
    Joined(Box<Joined>),
    /// Not theirs.
    NotTheirs(RoomId),
}

impl Joined {
    pub(super) fn is_inbox(&self) -> bool {
        self.room.id.is_inbox()
    }

    pub(super) fn shown(&self) -> LiveRoom {
        LiveRoom {
            is_reset: self.is_reset,
            unread: self.unread,
            read_seq: self.read.map(Seq::get),
            ..LiveRoom::new(&self.room, self.position)
        }
    }
}

impl Joiner {
    /// # Errors
    /// [`Code::RoomNotFound`], [`Code::NotYourRoom`]: of the one room that is wanted.
    /// [`Code::Unavailable`]: retryable.
    pub(super) async fn enter(&self, follows: Follows) -> Result<Entered, Error> {
        let session = Arc::clone(&self.session);
        let engine = &self.chat.engine;
        let attending = engine.attend(&self.caller, session, ATTENDING);
        let mut entered = Entered {
            attending,
            only: None,
            resumed: Vec::new(),
            fresh: Vec::new(),
            more: false,
            newest_told: 0,
            inbox: None,
        };
        match follows {
            Follows::One(room, since) => {
                let found = engine.room(&self.caller, &room).await?;
                let joined = self.join(Theirs::from(found), start(since)).await?;
                entered.resumed.push(joined);
                entered.only = Some(room);
            }
            Follows::Inbox(start) => {
                self.join_inbox(start, &mut entered).await?;
                entered.only = Some(RoomId::inbox(&self.caller.user));
            }
            Follows::All(places) => self.join_all(places.as_ref(), &mut entered).await?,
        }
        Ok(entered)
    }

    async fn join_all(&self, places: Option<&Places>, entered: &mut Entered) -> Result<(), Error> {
        if self.shows_inbox {
            let inbox = RoomId::inbox(&self.caller.user);
            let start = places.map_or(Begin::Now, |places| {
                // It names all that there was.
                places.of(&inbox).map_or(Begin::Beginning, Begin::After)
            });
            self.join_inbox(start, entered).await?;
        }
        let Chosen {
            rooms,
            more,
            newest,
        } = self.choose(places).await?;
        entered.more = more;
        entered.newest_told = newest;
        for room in rooms {
            let since = places.and_then(|places| places.of(&room.room.id));
            let is_fresh = places.is_some() && since.is_none();
            // Where nothing is resumed the room begins where its unread messages were counted.
            let start = Start::After(since.unwrap_or_else(|| room.room.head.position()));
            match self.join(room, start).await {
                Ok(joined) if is_fresh => entered.fresh.push(joined),
                Ok(joined) => entered.resumed.push(Joined {
                    is_resumed: since.is_some(),
                    ..joined
                }),
                // Lost since it was listed.
                Err(error) if is_not_theirs(error.code()) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn join_inbox(&self, start: Begin, entered: &mut Entered) -> Result<(), Error> {
        let (room, unread) = match self.counted_inbox().await {
            Ok(counted) => counted,
            Err(error) if is_not_theirs(error.code()) => return Ok(()),
            Err(error) => return Err(error),
        };
        let (start, last) = (start.of(&room), room.head.last);
        let joined = self.join(Theirs::from(room), start).await?;
        entered.inbox = Some(LiveInbox {
            position: joined.position.to_string(),
            unread,
            last_seq: last.get(),
            began: (!joined.is_reset).then_some(joined.position),
        });
        entered.resumed.push(joined);
        Ok(())
    }

    /// The user's inbox, and how many of its notifications are unread as it stands. Counted again
    /// when something came meanwhile, a few times.
    async fn counted_inbox(&self) -> Result<(Room, u64), Error> {
        let engine = &self.chat.engine;
        let inbox = RoomId::inbox(&self.caller.user);
        let mut room = engine.room(&self.caller, &inbox).await?;
        for _ in 0..INBOX_COUNTS_MAX {
            let unread = engine.unread_notifications(&self.caller).await?;
            let again = engine.room(&self.caller, &inbox).await?;
            if again.head.last == room.head.last {
                return Ok((again, unread));
            }
            room = again;
        }
        let unread = engine.unread_notifications(&self.caller).await?;
        Ok((room, unread))
    }

    /// Subscribes to a room.
    ///
    /// # Errors
    /// As [`madang_engine::Engine::subscribe_room`] has them.
    pub(in super::super) async fn join(
        &self,
        theirs: Theirs,
        start: Start,
    ) -> Result<Joined, Error> {
        let Theirs { room, unread, read } = theirs;
        let of_places = matches!(
            self.format,
            Format::EventStream {
                id: EventId::Places,
                ..
            }
        );
        let place = of_places.then(|| Place::new(&room.id, stands(&room.head, start)));
        let head = Head::live(self.format.clone(), place);
        let key = self.session.insert_head(head);
        let outlet = Arc::clone(&self.session);
        let engine = &self.chat.engine;
        let subscribed = engine.subscribe_room(&self.caller, &room.id, start, outlet, key);
        let subscribed = subscribed.await;
        let mut outbox = self.session.outbox();
        let Subscribed {
            subscription,
            head,
            live,
        } = match subscribed {
            Ok(subscribed) => subscribed,
            Err(error) => {
                outbox.forget(key);
                return Err(error);
            }
        };
        let since = stands(&head, start);
        outbox.stand_at(key, since);
        let is_reset = !head.can_resume(since);
        let position = match is_reset {
            true => before_oldest(&head),
            false => since,
        };
        // The head that is shown is that of the count. Of another life nothing was counted.
        let is_counted = unread.is_some() && room.head.epoch == head.epoch;
        let head = if is_counted { room.head } else { head };
        Ok(Joined {
            room: Room { head, ..room },
            unread: unread.filter(|_| is_counted),
            read: read.filter(|_| is_counted),
            position,
            is_reset,
            is_resumed: false,
            key,
            subscription,
            live,
        })
    }

    /// Looks up a room, and subscribes to it if it is new. `any`: also one in which the caller takes no part.
    pub(super) async fn look_at(
        &self,
        id: RoomId,
        since: Option<Position>,
        known: &[Known],
        any: bool,
    ) -> Result<Found, Error> {
        let view = match self.chat.engine.view_room(&self.caller, &id).await {
            Ok(view) => view,
            Err(error) if is_not_theirs(error.code()) => return Ok(Found::NotTheirs(id)),
            Err(error) => return Err(error),
        };
        let (room, standing) = (view.room, view.standing);
        let Caller { user, role, .. } = &self.caller;
        // Others may read an open room, and an admin any; only who takes part has the room.
        if !any && !policy::takes_part(&room.detail, standing, user, *role) {
            return Ok(Found::NotTheirs(id));
        }
        let epoch = room.head.epoch;
        if known.iter().any(|one| one.id == id && one.epoch == epoch) {
            return Ok(Found::Theirs(Box::new(room)));
        }
        let start = self.start_of_gained(&room, since);
        match self.join(Theirs::from(room), start).await {
            Ok(joined) => Ok(Found::Joined(Box::new(joined))),
            Err(error) if is_not_theirs(error.code()) => Ok(Found::NotTheirs(id)),
            Err(error) => Err(error),
        }
    }

    /// Where a room begins that became the user's during the session: every message since is shown,
    /// also those that came before the session looked.
    fn start_of_gained(&self, room: &Room, since: Option<Position>) -> Start {
        let epoch = room.head.epoch;
        let beginning = beginning(room);
        // One's own room is new, as is another's of which another life was known before.
        let is_own = |support: &Support| support.customer == self.caller.user;
        if room.support().is_some_and(is_own) || room.id.is_internal() {
            return Start::After(beginning);
        }
        since.map_or(Start::Now, |since| match since.epoch == epoch {
            true => Start::After(since),
            false => Start::After(beginning),
        })
    }

    /// Subscribes anew to rooms of the caller's. Answers those that are not theirs
    /// besides.
    ///
    /// # Errors
    /// [`Code::Unavailable`]: retryable; nothing was done.
    pub(in super::super) async fn resume(
        &self,
        starts: Vec<(RoomId, Begin)>,
    ) -> Result<(Vec<Joined>, Vec<RoomId>), Error> {
        let (mut joined, mut unknown) = (Vec::new(), Vec::new());
        for (id, start) in starts {
            match self.join_anew(&id, start).await {
                Ok(one) => joined.push(one),
                Err(error) if is_not_theirs(error.code()) => unknown.push(id),
                Err(error) => {
                    self.undo(joined);
                    return Err(error);
                }
            }
        }
        Ok((joined, unknown))
    }

    async fn join_anew(&self, id: &RoomId, start: Begin) -> Result<Joined, Error> {
        let view = self.chat.engine.view_room(&self.caller, id).await?;
        let Caller { user, role, .. } = &self.caller;
        if !policy::takes_part(&view.room.detail, view.standing, user, *role) {
            return Err(Code::NotYourRoom.into());
        }
        let start = start.of(&view.room);
        let joined = self.join(Theirs::from(view.room), start);
        Ok(Joined {
            is_resumed: true,
            ..joined.await?
        })
    }

    fn undo(&self, joined: Vec<Joined>) {
        joined
            .into_iter()
            .for_each(|one| one.discard(&self.session));
    }
}

/// Where an event that goes out before the room is told says that it stands: who is cut off then and
/// resumes from there misses nothing of it.
fn stands(head: &RoomHead, start: Start) -> Position {
    match start {
        Start::After(position) => position,
        Start::Now | Start::Delivered => head.position(),
    }
}

/// Before the first entry.
fn beginning(room: &Room) -> Position {
    Position {
        epoch: room.head.epoch,
        seq: Seq::ZERO,
    }
}

/// From where on a log is shown of which an earlier part is gone.
pub(super) fn before_oldest(head: &RoomHead) -> Position {
    Position {
        epoch: head.epoch,
        seq: head.oldest.previous(),
    }
}

fn start(since: Option<Position>) -> Start {
    since.map_or(Start::Now, Start::After)
}

#[cfg(test)]
mod tests {
    use madang_domain::Epoch;

    use super::super::samples::room;
    use super::*;

    #[test]
    fn a_room_that_is_not_told_yet_stands_where_it_begins_so_that_a_cut_then_misses_nothing() {
        let position = |seq| Position {
            epoch: Epoch::new(7),
            seq: Seq::new(seq),
        };
        let room = room("g", 1);
        assert_eq!(stands(&room.head, Start::After(position(4))), position(4));
        assert_eq!(stands(&room.head, Start::Now), position(9));
    }
}

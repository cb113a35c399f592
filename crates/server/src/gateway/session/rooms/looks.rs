//! Looking up rooms that may have become, ceased to be, or changed as one of the user's: a few at a
//! time, each few told before the next are looked up.

use std::collections::{BTreeMap, BTreeSet};

use madang_domain::ports::BoxFuture;
use madang_domain::{Code, Error, Position, Room, RoomId};

use super::super::dialect::{Done, Failure};
use super::super::driver::Core;
use super::super::feeds::STORE_RETRY;
use super::super::notes::RoomNotes;
use super::join::{Found, Joiner};
use super::{Follower, Known};

/// Rooms looked up before the client is told of them. Their subscriptions are held until then, and an
/// event stream names them in each id.
const LOOKED_UP_AT_ONCE: usize = 32;

/// Rooms to look up, each with where its log stood before it came to the user, as far as that is
/// known.
pub(super) type Looks = BTreeMap<RoomId, Option<Position>>;

impl<D: Follower> Core<D> {
    /// What is to be looked up, if anything is and there is space to tell of it.
    pub(in super::super) fn room_errand(&mut self) -> Option<BoxFuture<'static, Done<D>>> {
        let followed = self.dialect.followed()?;
        let limit = self.session.shared.limits.queue_bytes_max;
        let mut outbox = self.session.outbox();
        let idle = outbox.notes.as_ref().is_none_or(|notes| notes.is_empty());
        if idle && followed.looks.is_empty() {
            return None;
        }
        if outbox.waiting() > limit {
            outbox.waits_for_space = true;
            return None;
        }
        if followed.looks.is_empty() {
            match outbox.notes.as_deref_mut().map(std::mem::take)? {
                RoomNotes::Nothing => return None,
                RoomNotes::Some(rooms) => followed.looks = rooms,
                RoomNotes::All => {
                    drop(outbox);
                    return self.list_rooms();
                }
            }
        }
        drop(outbox);
        self.look_up_some()
    }

    /// Finds out which rooms are to be looked up when any may have changed.
    fn list_rooms(&mut self) -> Option<BoxFuture<'static, Done<D>>> {
        let followed = self.dialect.followed()?;
        let shown = followed.rooms.iter().map(|one| one.id.clone()).collect();
        let (only, newest_told) = (followed.only.clone(), followed.newest_told);
        let caller = followed.caller.clone();
        let joiner = self.joiner(caller);
        Some(Box::pin(async move {
            let listed = joiner.list(shown, only, newest_told).await;
            let refused = refusal(listed.as_ref().err()).await;
            let done: Done<D> = Box::new(move |core| {
                match (listed, core.dialect.followed()) {
                    (Ok(mut listed), Some(followed)) => followed.looks.append(&mut listed),
                    _ => core.session.outbox().note_all_rooms(),
                }
                refused.map_or(Ok(()), |error| Err(Failure::new(error, None)))
            });
            done
        }))
    }

    fn look_up_some(&mut self) -> Option<BoxFuture<'static, Done<D>>> {
        let followed = self.dialect.followed()?;
        let mut rooms = take_some(&mut followed.looks);
        let (known, only) = (followed.known(&rooms), followed.only.clone());
        let caller = followed.caller.clone();
        let joiner = self.joiner(caller);
        Some(Box::pin(async move {
            let mut found = Vec::new();
            let looked = joiner.look_up(&rooms, &known, only.as_ref(), &mut found);
            let looked = looked.await;
            let refused = refusal(looked.as_ref().err()).await;
            let done: Done<D> = Box::new(move |core| {
                if looked.is_err()
                    && let Some(followed) = core.dialect.followed()
                {
                    followed.looks.append(&mut rooms);
                }
                found
                    .into_iter()
                    .for_each(|found| core.found(found, &known));
                refused.map_or(Ok(()), |error| Err(Failure::new(error, None)))
            });
            done
        }))
    }
}

impl Joiner {
    /// The rooms to look up when any may have changed: those that are shown, and of the newest
    /// others those that [`gained`] names.
    ///
    /// # Errors
    /// [`Code::Unavailable`]: retryable.
    pub(super) async fn list(
        &self,
        shown: BTreeSet<RoomId>,
        only: Option<RoomId>,
        newest_told: u64,
    ) -> Result<Looks, Error> {
        let mut rooms = shown.clone();
        match only {
            // It may have been made meanwhile.
            Some(only) => drop(rooms.insert(only)),
            None => {
                let of_people = shown.iter().filter(|room| !room.is_inbox()).count();
                let space = self.rooms_max.saturating_sub(of_people);
                let page = self.page(None).await?.into_iter().take(self.rooms_max);
                let others = page.map(|one| one.view.room);
                let others = others.filter(|room| !shown.contains(&room.id));
                rooms.extend(gained(others, newest_told, space));
            }
        }
        Ok(rooms.into_iter().map(|room| (room, None)).collect())
    }

    /// Looks up rooms that may have changed, and subscribes to those that are new.
    ///
    /// # Errors
    /// [`Code::Unavailable`]: retryable; what is in `found` stands.
    pub(super) async fn look_up(
        &self,
        rooms: &Looks,
        known: &[Known],
        only: Option<&RoomId>,
        found: &mut Vec<Found>,
    ) -> Result<(), Error> {
        for (room, since) in rooms {
            if room.is_internal() && !self.shows_inbox {
                continue;
            }
            if only.is_none_or(|only| only == room) {
                let looked = self.look_at(room.clone(), *since, known, only.is_some());
                found.push(looked.await?);
            }
        }
        Ok(())
    }
}

/// Of rooms that are not shown, newest activity first, those that the session begins to show: those
/// made after every room that it told, and of the others as many as there is space for then.
fn gained(rooms: impl Iterator<Item = Room>, newest_told: u64, space: usize) -> Vec<RoomId> {
    let (made, others): (Vec<_>, Vec<_>) = rooms.partition(|room| room.number > newest_told);
    let space = space.saturating_sub(made.len());
    let chosen = made.into_iter().chain(others.into_iter().take(space));
    chosen.map(|room| room.id).collect()
}

/// Waits before another try that can help, and answers the error where none can: asking again would
/// be refused again, for ever.
async fn refusal(error: Option<&Error>) -> Option<Error> {
    let error = error?;
    if error.code() != Code::Unavailable {
        return Some(error.clone());
    }
    tracing::debug!("rooms will be looked up again");
    tokio::time::sleep(STORE_RETRY).await;
    None
}

/// Takes what is looked up next.
fn take_some(looks: &mut Looks) -> Looks {
    match looks.keys().nth(LOOKED_UP_AT_ONCE).cloned() {
        Some(next) => {
            let rest = looks.split_off(&next);
            std::mem::replace(looks, rest)
        }
        None => std::mem::take(looks),
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::room;
    use super::*;

    #[test]
    fn a_full_session_that_missed_changes_begins_to_show_only_rooms_that_were_made_since() {
        let rooms = [("old", 3), ("new", 9), ("told", 8)].map(|(id, number)| room(id, number));
        let chosen = |space| {
            let ids = gained(rooms.clone().into_iter(), 8, space);
            ids.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(chosen(0), ["new"]);
        assert_eq!(chosen(1), ["new"]);
        assert_eq!(chosen(2), ["new", "old"]);
    }

    #[test]
    fn rooms_are_looked_up_a_few_at_a_time_and_each_once() {
        let id = |number: usize| RoomId::new(&format!("room-{number:03}")).unwrap();
        let mut looks: Looks = (0..70).map(|number| (id(number), None)).collect();
        let mut sizes = Vec::new();
        let mut seen = Vec::new();
        while !looks.is_empty() {
            let some = take_some(&mut looks);
            sizes.push(some.len());
            seen.extend(some.into_keys());
        }
        assert_eq!(sizes, [32, 32, 6]);
        assert_eq!(seen, (0..70).map(id).collect::<Vec<_>>());
    }
}

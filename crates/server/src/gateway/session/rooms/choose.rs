//! Which of a user's rooms a session shows, where they are more than it shows.

use madang_domain::ports::{RoomSummary, RoomsQuery};
use madang_domain::{Error, RoomId, Timestamp};

use super::super::places::Places;
use super::join::{Joiner, Theirs};

/// Pages of a user's rooms that are looked through for those that the client resumes: one that is not
/// the user's any more is on none.
const LISTED_PAGES_MAX: usize = 16;

impl Joiner {
    /// The rooms to show: those of which the client has a place, then the newest. And whether the
    /// user has more.
    pub(super) async fn choose(
        &self,
        places: Option<&Places>,
    ) -> Result<(Vec<Theirs>, bool), Error> {
        let inbox = RoomId::inbox(&self.caller.user);
        let wanted = places.map_or(0, |places| places.count_without(&inbox));
        let (mut resumed, mut newest) = (Vec::new(), Vec::new());
        let (mut after, mut more) = (None, false);
        for _ in 0..LISTED_PAGES_MAX {
            let page = self.page(after).await?;
            let is_last = page.len() <= self.rooms_max;
            after = page
                .last()
                .map(|last| (last.active_at, last.view.room.number));
            for room in page {
                let is_placed = places.is_some_and(|all| all.of(&room.view.room.id).is_some());
                let chosen = if is_placed { &mut resumed } else { &mut newest };
                if chosen.len() < self.rooms_max {
                    chosen.push(room);
                }
            }
            more |= !is_last;
            if is_last || resumed.len() >= wanted.min(self.rooms_max) {
                break;
            }
        }
        let space = self.rooms_max - resumed.len();
        more |= newest.len() > space;
        newest.truncate(space);
        resumed.append(&mut newest);
        Ok((resumed.into_iter().map(Theirs::from).collect(), more))
    }

    /// One more than are shown of the user's rooms, newest activity first.
    pub(super) async fn page(
        &self,
        after: Option<(Timestamp, u64)>,
    ) -> Result<Vec<RoomSummary>, Error> {
        let query = RoomsQuery {
            after,
            limit: self.rooms_max + 1,
            ..RoomsQuery::default()
        };
        self.chat.engine.rooms_of(&self.caller, &query).await
    }
}

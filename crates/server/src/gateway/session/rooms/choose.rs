//! Which of a user's rooms a session shows, where they are more than it shows.

use madang_domain::ports::{RoomSummary, RoomsQuery};
use madang_domain::{Error, RoomId, Timestamp};

use super::super::places::Places;
use super::join::{Joiner, Theirs};

/// Pages of a user's rooms that are looked through for those that the client resumes: one that is not
/// the user's any more is on none.
const LISTED_PAGES_MAX: usize = 16;

/// The rooms that a session begins with.
pub(super) struct Chosen {
    pub(super) rooms: Vec<Theirs>,
    /// Whether the user has rooms that are not among them.
    pub(super) more: bool,
    /// The greatest number among the user's rooms that were listed; 0 when none was.
    pub(super) newest: u64,
}

/// What of a user's rooms is shown, as their pages come.
struct Choice<'a> {
    /// Where the client has rooms.
    places: Option<&'a Places>,
    /// Rooms that the session shows.
    maximum: usize,
    /// How many of the rooms that the client has can be shown.
    wanted: usize,
    resumed: Vec<RoomSummary>,
    newest: Vec<RoomSummary>,
    /// The greatest number among all that came.
    newest_number: u64,
}

impl<'a> Choice<'a> {
    fn new(places: Option<&'a Places>, inbox: &RoomId, maximum: usize) -> Self {
        let named = places.map_or(0, |places| places.count_without(inbox));
        Self {
            places,
            maximum,
            wanted: named.min(maximum),
            resumed: Vec::new(),
            newest: Vec::new(),
            newest_number: 0,
        }
    }

    fn is_placed(&self, room: &RoomSummary) -> bool {
        let place = self.places.map(|all| all.of(&room.view.room.id));
        place.flatten().is_some()
    }

    /// Whether every room that the client has was found.
    fn is_complete(&self) -> bool {
        self.resumed.len() >= self.wanted
    }

    fn add(&mut self, page: Vec<RoomSummary>) {
        for room in page {
            self.newest_number = self.newest_number.max(room.view.room.number);
            let chosen = match self.is_placed(&room) {
                true => &mut self.resumed,
                false => &mut self.newest,
            };
            if chosen.len() < self.maximum {
                chosen.push(room);
            }
        }
    }

    /// Adds what has come onto the first page since that was read.
    fn add_moved(&mut self, first: Vec<RoomSummary>) {
        for room in first {
            let id = &room.view.room.id;
            let is_chosen = self.resumed.iter().any(|one| one.view.room.id == *id);
            if !is_chosen && !self.is_complete() && self.is_placed(&room) {
                self.resumed.push(room);
            }
        }
    }

    fn chosen(self) -> Chosen {
        let (mut shown, mut newest) = (self.resumed, self.newest);
        let space = self.maximum - shown.len();
        let more = newest.len() > space;
        newest.truncate(space);
        shown.append(&mut newest);
        Chosen {
            rooms: shown.into_iter().map(Theirs::from).collect(),
            more,
            newest: self.newest_number,
        }
    }
}

impl Joiner {
    /// Chooses those of which the client has a place, then the newest.
    pub(super) async fn choose(&self, places: Option<&Places>) -> Result<Chosen, Error> {
        let inbox = RoomId::inbox(&self.caller.user);
        let mut choice = Choice::new(places, &inbox, self.rooms_max);
        let (mut after, mut more) = (None, false);
        for _ in 0..LISTED_PAGES_MAX {
            let page = self.page(after).await?;
            let is_last = page.len() <= self.rooms_max;
            after = page
                .last()
                .map(|last| (last.active_at, last.view.room.number));
            choice.add(page);
            more |= !is_last;
            if is_last || choice.is_complete() {
                break;
            }
        }
        // A room moves to the first page by what is said in it while the others are read.
        if more && !choice.is_complete() {
            choice.add_moved(self.page(None).await?);
        }
        let mut chosen = choice.chosen();
        chosen.more |= more;
        Ok(chosen)
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

#[cfg(test)]
mod tests {
    use madang_domain::ports::RoomView;
    use madang_domain::{Epoch, Position, Seq, Standing};

    use super::super::super::places::{Place, id_line};
    use super::super::samples::room;
    use super::*;

    const EPOCH: Epoch = Epoch::new(7);

    fn summary(id: &str) -> RoomSummary {
        RoomSummary {
            view: RoomView {
                room: room(id, 1),
                standing: Standing::Stranger,
            },
            active_at: Timestamp::from_micros(0),
            read: Seq::ZERO,
            unread: 0,
            last_message: None,
        }
    }

    fn rooms(ids: &[&str]) -> Vec<RoomSummary> {
        ids.iter().map(|id| summary(id)).collect()
    }

    /// Of a client that has these rooms.
    fn places(ids: &[&str]) -> Places {
        let seq = Seq::new(1);
        let position = Position { epoch: EPOCH, seq };
        let place = |id: &&str| Place::new(&RoomId::new(id).unwrap(), position);
        let places: Vec<_> = ids.iter().map(place).collect();
        let line = String::from_utf8(id_line(places.iter())).unwrap();
        Places::parse(line.trim_start_matches("id: ").trim_end()).unwrap()
    }

    fn shown(choice: Choice<'_>) -> Vec<String> {
        let rooms = choice.chosen().rooms;
        rooms.iter().map(|one| one.room().id.to_string()).collect()
    }

    #[test]
    fn a_resumed_room_in_which_something_is_said_between_two_pages_is_shown_all_the_same() {
        let places = places(&["a", "moves"]);
        let inbox = RoomId::new("inbox").unwrap();
        let mut choice = Choice::new(Some(&places), &inbox, 3);
        choice.add(rooms(&["x", "a", "y"]));
        choice.add(rooms(&["z"]));
        assert!(!choice.is_complete());
        choice.add_moved(rooms(&["moves", "x", "a"]));
        assert!(choice.is_complete());
        assert_eq!(shown(choice), ["a", "moves", "x"], "each once");
    }
}

//! What the commit pipeline brings to the store: everything that changes a log.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::Caller;
use crate::assignment::{Agent, ClaimOutcome};
use crate::error::{Code, Error};
use crate::ids::{RoomId, UserId};
use crate::membership::{Actor, MemberRole, Person};
use crate::message::{Appended, DraftGroup, Message};
use crate::notification::{HANDLED_AT_ONCE_MAX, NotificationAction, Notify, WhichNotifications};
use crate::position::{Epoch, Position};
use crate::room::{NewRoom, Profile, ProfileChange, Room};
use crate::time::Timestamp;

/// One change, carried out whole or not at all.
#[derive(Debug, Clone)]
pub enum Command {
    /// Appends messages. A repeat of a client id is answered with the first message.
    Send(DraftGroup),
    /// Makes the caller's own support room, waiting, if it is missing.
    OpenSupport(Box<OpenSupport>),
    /// Makes a room of members; of a direct room finds the one there is, and brings back whoever
    /// of the two had left it.
    Create(Box<NewRoom>),
    /// What is done to one room.
    Room(Box<RoomCommand>),
    /// Adds to inboxes.
    Notify(Box<Notify>),
    /// Marks or removes notifications of a user.
    Notifications {
        /// Whose.
        user: UserId,
        /// Which.
        which: WhichNotifications,
        /// What is done.
        action: NotificationAction,
        /// When.
        at: Timestamp,
    },
    /// Notes support rooms that have been waiting since before a moment, each once for each time it
    /// waits, in the desk's feed and in the inboxes of those who serve there. Answers how many.
    AlertOverdue {
        /// Rooms that have been waiting since then or longer.
        since: Timestamp,
        /// Entries that are appended for it at most, in the feed and in inboxes; one room is noted
        /// all the same.
        entries: usize,
        /// When.
        at: Timestamp,
    },
}

/// Who opens their support room, and when.
#[derive(Debug, Clone)]
pub struct OpenSupport {
    /// Whose room it is to be; the caller's name and member number are refreshed.
    pub customer: Caller,
    /// When.
    pub at: Timestamp,
}

/// A change of one room.
#[derive(Debug, Clone)]
pub struct RoomCommand {
    /// Which.
    pub room: RoomId,
    /// Who asks; the store asks [`crate::policy`] within the transaction.
    pub actor: Actor,
    /// What for.
    pub action: RoomAction,
    /// When.
    pub at: Timestamp,
}

/// What is done to one room.
#[derive(Debug, Clone)]
pub enum RoomAction {
    /// The actor joins an open room. Nothing happens to a member.
    Join,
    /// The actor leaves. A group's or open room's owner hands it to the longest-standing moderator,
    /// else member (of those who came at once, the one whose id comes first). The last one to leave
    /// a room ends it, but for a room that the host made for nobody in particular. A support room's
    /// customer takes it and its history away.
    Leave,
    /// Adds people, at most [`crate::membership::ADDED_AT_ONCE_MAX`]; those who belong to it
    /// already stay as they are. Nobody is added as owner.
    Add(Vec<Person>, MemberRole),
    /// Removes a member. They cannot join again until somebody adds them. An owner whom the host
    /// removes is followed as one who leaves.
    Remove(UserId),
    /// Gives a member another role. Giving [`MemberRole::Owner`] makes the old owner a moderator;
    /// the owner's own role changes in no other way.
    SetRole(UserId, MemberRole),
    /// Changes the profile.
    Edit(ProfileChange),
    /// Deletes the room and its history.
    Delete,
    /// Assigns a waiting support room to the actor.
    Claim,
    /// Gives a support room that the actor has back to the desk: it waits, from when it began to.
    Release,
    /// Gives a support room that the actor has to another agent, who must have come as one
    /// ([`crate::Code::AgentNotFound`]).
    HandOver(Agent),
    /// Completes a support room that the actor has.
    Complete,
}

/// What became of a command that was carried out, or found done.
#[derive(Debug, Clone)]
pub struct Committed {
    /// What the one who asked is told.
    pub answer: Answer,
    /// All that was appended to any log now, to be delivered: consecutive and in order in each log.
    pub entries: Vec<Arc<Message>>,
    /// Whose rooms changed. Of a room that is gone: those of a support or direct room; the members
    /// of others are not named one by one.
    pub changes: Vec<RoomsChange>,
    /// The room that is gone with it, and which life of it, if one is: whoever shows it hears of it by
    /// this.
    pub deleted: Option<(RoomId, Epoch)>,
    /// The link to the picture that the room had until then and has no more, if it had one: replaced,
    /// taken away, or gone with the room.
    pub released: Option<Arc<str>>,
}

/// A room became, ceased to be, or changed as one of a user's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomsChange {
    /// Whose.
    pub user: UserId,
    /// Which.
    pub room: RoomId,
    /// Where its log stood before it came to the user; `None` when nothing was gained.
    pub since: Option<Position>,
}

/// How a room that was asked for came to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Making {
    /// It was made just now, with everybody who was named.
    Made,
    /// A direct room was there.
    Found {
        /// How many had left it and were brought back, whoever asked not among them.
        brought_back: usize,
    },
}

/// What the one who asked is told.
#[derive(Debug, Clone)]
pub enum Answer {
    /// One per draft.
    Sent(Vec<Appended>),
    /// Of [`Command::OpenSupport`], [`RoomAction::Join`], [`RoomAction::Edit`]: the room as it stands
    /// now, and whether it was made, joined, or changed just now.
    Room(Box<Room>, bool),
    /// Of [`Command::Create`]: the room as it stands now, and how it came to be there.
    Made(Box<Room>, Making),
    /// How a claim ended.
    Claim(ClaimOutcome),
    /// Of [`Command::Notifications`]: so many changed, and whether there are none left of those that
    /// were meant: otherwise the command is to be repeated.
    Handled {
        /// Notifications.
        changed: usize,
        /// Whether that is all.
        is_all: bool,
    },
    /// Of everything else: done; so many things changed (members added, users notified, rooms noted,
    /// …), 0 when it was found done.
    Done(usize),
}

impl Answer {
    /// The room of [`Answer::Room`], and whether it was made, joined or changed just now.
    ///
    /// # Errors
    /// [`Code::Internal`]: a store answered something else, a defect.
    pub fn into_room(self) -> Result<(Room, bool), Error> {
        match self {
            Self::Room(room, changed) => Ok((*room, changed)),
            _ => Err(Code::Internal.into()),
        }
    }

    /// How many things changed by [`Answer::Done`], or whether the room of [`Answer::Room`] did.
    ///
    /// # Errors
    /// [`Code::Internal`]: a store answered something else, a defect.
    pub fn into_count(self) -> Result<usize, Error> {
        match self {
            Self::Done(count) => Ok(count),
            Self::Room(_, changed) => Ok(usize::from(changed)),
            _ => Err(Code::Internal.into()),
        }
    }

    /// What became of each draft.
    ///
    /// # Errors
    /// [`Code::Internal`]: a store answered something else, a defect.
    pub fn into_sent(self) -> Result<Vec<Appended>, Error> {
        match self {
            Self::Sent(appended) => Ok(appended),
            _ => Err(Code::Internal.into()),
        }
    }
}

impl Committed {
    /// What nothing came of but an answer.
    #[must_use]
    pub const fn only(answer: Answer) -> Self {
        Self {
            answer,
            entries: Vec::new(),
            changes: Vec::new(),
            deleted: None,
            released: None,
        }
    }
}

/// What became of one command. An error is the client's fault and left no trace.
pub type Outcome = Result<Committed, Error>;

/// Which of so many lanes, at least one, what concerns a room belongs to: the same for the same
/// text, within a process.
#[must_use]
pub fn lane_of(text: &str, lanes: usize) -> usize {
    let mut hasher = std::hash::DefaultHasher::new();
    text.hash(&mut hasher);
    (hasher.finish() % lanes.max(1) as u64) as usize
}

impl Command {
    /// Which of so many lanes carries it out: that of its first room, or user.
    #[must_use]
    pub fn lane(&self, lanes: usize) -> usize {
        if lanes <= 1 {
            return 0;
        }
        let text = match self {
            Self::Send(group) => group.drafts.first().map_or("", |draft| draft.room.as_str()),
            Self::OpenSupport(open) => open.customer.user.as_str(),
            Self::Create(room) => room.id.as_str(),
            Self::Room(command) => command.room.as_str(),
            Self::Notify(notify) => notify.users.first().map_or("", UserId::as_str),
            Self::Notifications { user, .. } => user.as_str(),
            Self::AlertOverdue { .. } => "",
        };
        lane_of(text, lanes)
    }

    /// Drafts, people who are added or notified, or entries that are appended or changed at most, at
    /// least one: what queues and batches are
    /// bounded by.
    #[must_use]
    pub fn weight(&self) -> usize {
        match self {
            Self::Send(group) => group.drafts.len(),
            Self::Create(room) => room.members.len().max(1),
            Self::Room(command) => match &command.action {
                RoomAction::Add(people, _) => people.len().max(1),
                _ => 1,
            },
            Self::Notify(notify) => notify.users.len().max(1),
            Self::AlertOverdue { entries, .. } => (*entries).max(1),
            Self::Notifications {
                which: WhichNotifications::UpTo(_),
                ..
            } => HANDLED_AT_ONCE_MAX,
            _ => 1,
        }
    }

    /// Bytes of text: what batches are bounded by.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Self::Send(group) => group.bytes(),
            Self::Notify(notify) => notify.users.len() * notify.notification.bytes(),
            Self::Create(room) => room.profile.bytes(),
            Self::Room(command) => match &command.action {
                RoomAction::Edit(change) => change.apply(&Profile::default()).bytes(),
                _ => 0,
            },
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::Role;
    use crate::notification::Notification;
    use crate::room::RoomKind;

    fn people(count: usize) -> Vec<Person> {
        let person = |n| Person {
            user: UserId::new(&format!("u{n}")).unwrap(),
            name: None,
        };
        (0..count).map(person).collect()
    }

    fn change(action: RoomAction) -> Command {
        Command::Room(Box::new(RoomCommand {
            room: RoomId::new("g").unwrap(),
            actor: Actor {
                person: people(1).remove(0),
                role: Role::User,
            },
            action,
            at: Timestamp::from_micros(0),
        }))
    }

    fn create(count: usize, profile: Profile) -> Command {
        let members = people(count).into_iter();
        Command::Create(Box::new(NewRoom {
            id: RoomId::new("g").unwrap(),
            kind: RoomKind::Group,
            profile,
            actor: Actor {
                person: people(1).remove(0),
                role: Role::Service,
            },
            brings: true,
            owner: None,
            members: members.map(|person| (person, MemberRole::Member)).collect(),
            at: Timestamp::from_micros(0),
        }))
    }

    #[test]
    fn all_texts_of_a_command_count_among_its_bytes() {
        let profile = Profile {
            title: Some("12".into()),
            description: Some("345".into()),
            picture: Some("6".into()),
            context: Some("{}".into()),
        };
        assert_eq!(create(3, profile).bytes(), 8);
        let edit = ProfileChange {
            title: Some(None),
            description: Some(Some("12345".into())),
            ..ProfileChange::default()
        };
        assert_eq!(change(RoomAction::Edit(edit)).bytes(), 5);
        let notify = Command::Notify(Box::new(Notify {
            users: people(3).into_iter().map(|person| person.user).collect(),
            notification: Notification {
                kind: "a.b".into(),
                content: "text".into(),
                url: Some("/x".into()),
                data: Some("[1]".into()),
            },
            sender: UserId::new("shop").unwrap(),
            client_id: None,
            at: Timestamp::from_micros(0),
        }));
        assert_eq!(notify.bytes(), 3 * 12);
    }

    #[test]
    fn a_command_weighs_as_many_as_it_lets_in_and_at_least_one() {
        let action = change;
        let create = |count| create(count, Profile::default());
        assert_eq!(create(40).weight(), 40);
        assert_eq!(create(0).weight(), 1);
        let add = |count| action(RoomAction::Add(people(count), MemberRole::Member));
        assert_eq!((add(7).weight(), add(0).weight()), (7, 1));
        assert_eq!(action(RoomAction::Leave).weight(), 1);
        let at = Timestamp::from_micros(0);
        let alert = |entries| Command::AlertOverdue {
            since: at,
            entries,
            at,
        };
        assert_eq!((alert(500).weight(), alert(0).weight()), (500, 1));
    }
}

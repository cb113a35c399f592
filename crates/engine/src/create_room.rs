//! Making rooms of members: direct, group and open.

use std::collections::HashSet;

use madang_domain::membership::ADDED_AT_ONCE_MAX;
use madang_domain::{
    Answer, Caller, Code, Command, Error, MemberRole, NewRoom, Person, Profile, Role, Room,
    RoomAction, RoomId, RoomKind, UserId, policy,
};
use uuid::Uuid;

use crate::allowance::Allowance;
use crate::engine::{Engine, store_failed};

/// Members that a room may be made with: the host adds more in further calls.
pub const FIRST_MEMBERS_MAX: usize = 1_000;

/// What a room of members is to be.
#[derive(Debug, Clone)]
pub struct RoomPlan {
    /// [`RoomKind::Direct`], [`RoomKind::Group`] or [`RoomKind::Open`].
    pub kind: RoomKind,
    /// What people see of it.
    pub profile: Profile,
    /// Who belongs to it beside the caller, at most [`FIRST_MEMBERS_MAX`]; of a direct room the other
    /// one. The caller may be among them.
    pub members: Vec<UserId>,
    /// Whose it is: the host names one or leaves it to the first member. `None` from a person means
    /// themselves.
    pub owner: Option<UserId>,
}

impl Engine {
    /// Makes a room with all its members or not at all; of a direct room finds the one that there is
    /// for this pair and context. Answers whether it was made. The members' sessions are told.
    ///
    /// # Errors
    /// [`Code::BodyInvalid`]: not such a kind, too many members, a direct room that is not for two,
    /// a profile out of its bounds. [`Code::NotYourRoom`]: a person names another owner.
    /// [`Code::NotForGuests`]. [`Code::TooMany`]: the person has brought too many into rooms in a day;
    /// retryable. [`Code::Unavailable`]: retryable; a direct room is still made once.
    pub async fn create_room(
        &self,
        caller: &Caller,
        mut plan: RoomPlan,
    ) -> Result<(Room, bool), Error> {
        policy::may_make_rooms(caller.role)?;
        plan.profile.check()?;
        let owner = owner_of(caller, &plan)?;
        plan.members = distinct(plan.members);
        plan.members.retain(|member| Some(member) != owner.as_ref());
        check_members(plan.kind, owner.is_some(), plan.members.len())?;
        let brought = self.bring(caller, plan.members.len())?;
        let outcome = self.make_room(caller, owner, plan).await;
        match &outcome {
            Ok((_, true)) => {}
            Ok((_, false)) | Err(_) => brought.give_back(brought.count),
        }
        outcome
    }

    /// `plan` names each of the others once.
    async fn make_room(
        &self,
        caller: &Caller,
        owner: Option<UserId>,
        plan: RoomPlan,
    ) -> Result<(Room, bool), Error> {
        let all = owner.iter().cloned().chain(plan.members).collect();
        let mut people = self.people(all).await?;
        let owner = owner.map(|_| people.remove(0));
        let role = match plan.kind {
            RoomKind::Direct => MemberRole::Owner,
            _ => MemberRole::Member,
        };
        let room = NewRoom {
            id: new_room_id()?,
            kind: plan.kind,
            profile: plan.profile,
            owner: owner.map(|owner| self.named(caller, owner)),
            members: people.into_iter().map(|person| (person, role)).collect(),
            at: self.now(),
        };
        let Answer::Room(room, made) = self.carry_out(Command::Create(Box::new(room))).await?
        else {
            return Err(Code::Internal.into());
        };
        Ok((*room, made))
    }

    /// Counts people whom `caller` brings into a room.
    fn bring<'a>(&'a self, caller: &'a Caller, count: usize) -> Result<Brought<'a>, Error> {
        let user = (caller.role != Role::Service).then_some(&caller.user);
        if let Some(user) = user {
            let taken = self.added.take(user, count as u64, self.now());
            taken.map_err(|wait| {
                let detail = "you have brought too many people into rooms in the last 24 hours";
                Error::with_detail(Code::TooMany, detail).retry_after(wait)
            })?;
        }
        Ok(Brought {
            added: &self.added,
            user,
            count,
        })
    }

    /// Users with the names that are known of them, in the order asked.
    pub(crate) async fn people(&self, users: Vec<UserId>) -> Result<Vec<Person>, Error> {
        let known = self
            .store
            .users(&users)
            .await
            .map_err(|e| store_failed(&e))?;
        let person = |(user, known): (UserId, Option<madang_domain::User>)| Person {
            user,
            name: known.and_then(|known| known.name),
        };
        Ok(users.into_iter().zip(known).map(person).collect())
    }

    /// The caller's own name is the newest.
    fn named(&self, caller: &Caller, person: Person) -> Person {
        if person.user == caller.user && caller.name.is_some() {
            return Person {
                name: caller.name.clone(),
                ..person
            };
        }
        person
    }

    /// Adds people to a room in commands of a bounded size. Answers how many were not members
    /// before.
    ///
    /// # Errors
    /// [`Code::RoomNotFound`], [`Code::NotYourRoom`], [`Code::RoleRequired`], [`Code::NotForGuests`],
    /// [`Code::RoomFull`]: the client's fault; those of earlier commands stay. [`Code::TooMany`]: as of
    /// [`Engine::create_room`]; nobody was added. [`Code::Unavailable`]: retryable.
    pub async fn add_members(
        &self,
        caller: &Caller,
        room: &RoomId,
        users: Vec<UserId>,
        role: MemberRole,
    ) -> Result<usize, Error> {
        let users = distinct(users);
        let brought = self.bring(caller, users.len())?;
        let mut added = 0;
        for chunk in users.chunks(ADDED_AT_ONCE_MAX) {
            match self.add_at_once(caller, room, chunk, role).await {
                Ok(count) => added += count,
                Err(error) => {
                    brought.give_back(brought.count - added);
                    return Err(error);
                }
            }
        }
        brought.give_back(brought.count - added);
        Ok(added)
    }

    /// At most [`ADDED_AT_ONCE_MAX`].
    async fn add_at_once(
        &self,
        caller: &Caller,
        room: &RoomId,
        users: &[UserId],
        role: MemberRole,
    ) -> Result<usize, Error> {
        let people = self.people(users.to_vec()).await?;
        let action = RoomAction::Add(people, role);
        self.change_room(caller, room, action).await
    }
}

/// People who are counted as brought into a room. Whoever goes away before the answer leaves them
/// counted: the command is carried out all the same.
struct Brought<'a> {
    added: &'a Allowance,
    /// `None` for the host, which is not counted.
    user: Option<&'a UserId>,
    count: usize,
}

impl Brought<'_> {
    /// Those who were there already, or did not come.
    fn give_back(&self, count: usize) {
        if let Some(user) = self.user {
            self.added.give_back(user, count as u64);
        }
    }
}

/// Each once, in the order in which they are named first: the first may become the owner.
fn distinct(mut users: Vec<UserId>) -> Vec<UserId> {
    let mut seen = HashSet::with_capacity(users.len());
    users.retain(|user| seen.insert(user.clone()));
    users
}

fn owner_of(caller: &Caller, plan: &RoomPlan) -> Result<Option<UserId>, Error> {
    if caller.role == Role::Service {
        return Ok(plan.owner.clone());
    }
    match &plan.owner {
        Some(owner) if *owner != caller.user => {
            let detail = "only the host makes rooms for others";
            Err(Error::with_detail(Code::NotYourRoom, detail))
        }
        _ => Ok(Some(caller.user.clone())),
    }
}

fn check_members(kind: RoomKind, has_owner: bool, others: usize) -> Result<(), Error> {
    let invalid = |detail: String| Err(Error::with_detail(Code::BodyInvalid, detail));
    let people = others + usize::from(has_owner);
    match kind {
        RoomKind::Direct if people != 2 => {
            invalid("a direct room is for two different people".to_owned())
        }
        RoomKind::Direct | RoomKind::Group | RoomKind::Open if people == 0 => {
            invalid("a room needs a member".to_owned())
        }
        RoomKind::Direct | RoomKind::Group | RoomKind::Open if others > FIRST_MEMBERS_MAX => {
            invalid(format!(
                "a room is made with at most {FIRST_MEMBERS_MAX} members"
            ))
        }
        RoomKind::Direct | RoomKind::Group | RoomKind::Open => Ok(()),
        RoomKind::Support | RoomKind::Desk | RoomKind::Inbox => {
            invalid("no such room can be made".to_owned())
        }
    }
}

/// Ordered by time, so that neighbours in the store's index are made together.
fn new_room_id() -> Result<RoomId, Error> {
    RoomId::new(&Uuid::now_v7().to_string()).map_err(|_| Code::Internal.into())
}

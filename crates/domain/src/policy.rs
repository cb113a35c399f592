//! Who may do what: the one authority that every door asks.
//!
//! The store asks [`may_send`], [`may_revise`] and [`may_act`] inside the transaction that changes
//! the room, so that no cached answer can outlive a change of it.

use std::time::Duration;

use crate::assignment::{Support, SupportState};
use crate::caller::{Caller, Role, Scope};
use crate::command::RoomAction;
use crate::error::{Code, Error};
use crate::ids::UserId;
use crate::membership::{MemberRole, Standing};
use crate::message::{Message, MessageKind, Revision, SenderKind};
use crate::room::{Room, RoomDetail, RoomKind};
use crate::time::Timestamp;

/// What accepting a message does besides storing it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admission {
    /// In which part the sender speaks.
    pub sender_kind: SenderKind,
    /// The room was completed and waits again from now on.
    pub reopens: bool,
}

impl Admission {
    const fn of(sender_kind: SenderKind) -> Self {
        Self {
            sender_kind,
            reopens: false,
        }
    }
}

/// Whether `sender` may write into the room: a support room's customer, or the agent it is assigned
/// to; elsewhere its members.
///
/// # Errors
/// [`Code::NotYourRoom`]: anybody else. Not retryable while the room stands as it does.
pub fn may_send(
    detail: &RoomDetail,
    standing: Standing,
    sender: &UserId,
    role: Role,
) -> Result<Admission, Code> {
    match detail {
        RoomDetail::Support(support) => may_send_support(support, sender, role),
        RoomDetail::Direct | RoomDetail::Group | RoomDetail::Open
            if standing.is_member() && role != Role::Service =>
        {
            Ok(Admission::of(SenderKind::Member))
        }
        _ => Err(Code::NotYourRoom),
    }
}

fn may_send_support(support: &Support, sender: &UserId, role: Role) -> Result<Admission, Code> {
    if *sender == support.customer && role != Role::Service {
        return Ok(Admission {
            sender_kind: SenderKind::Customer,
            reopens: support.state == SupportState::Completed,
        });
    }
    if role.serves_customers() && support.is_assigned_to(sender) {
        return Ok(Admission::of(SenderKind::Agent));
    }
    Err(Code::NotYourRoom)
}

/// What [`may_send`] refused, and what helps if something does.
#[must_use]
pub fn why_unsent(code: Code, detail: &RoomDetail, standing: Standing) -> Error {
    match (code, detail, standing) {
        (Code::NotYourRoom, RoomDetail::Open, Standing::Stranger) => {
            Error::with_detail(code, "join the room first")
        }
        _ => code.into(),
    }
}

/// Whether the host's back end may put a notice into the room: into every room of people.
///
/// # Errors
/// [`Code::NotYourRoom`]: it is no such caller, or no such room. Not retryable.
pub fn may_notice(kind: RoomKind, role: Role) -> Result<Admission, Code> {
    if role == Role::Service && is_of_people(kind) {
        return Ok(Admission::of(SenderKind::Host));
    }
    Err(Code::NotYourRoom)
}

/// Whether the host's back end may look into a room, in which it has no part itself: with `scope`,
/// into every room of people.
///
/// # Errors
/// [`Code::ScopeMissing`]: it is no such caller. [`Code::RoomNotFound`]: it is no such room. Neither
/// is retryable.
pub fn may_oversee(kind: RoomKind, caller: &Caller, scope: Scope) -> Result<(), Error> {
    caller.require(scope)?;
    if is_of_people(kind) {
        return Ok(());
    }
    Err(Code::RoomNotFound.into())
}

/// Whether it is a room, and not a log of another kind.
const fn is_of_people(kind: RoomKind) -> bool {
    kind.has_members() || matches!(kind, RoomKind::Support)
}

/// Who wants to edit or delete a message, and how old it may be for that.
#[derive(Debug, Clone, Copy)]
pub struct Reviser<'a> {
    /// Who.
    pub user: &'a UserId,
    /// What they may be trusted with.
    pub role: Role,
    /// What they are to the room.
    pub standing: Standing,
    /// How old a message may be for its sender; `None` is no bound.
    pub within: Option<Duration>,
    /// When they ask.
    pub at: Timestamp,
}

/// Whether a message may be edited or deleted: by its sender, while they may still write there and
/// it is not too old; by an owner or moderator of a room of members, always; by the host, always.
///
/// # Errors
/// [`Code::NotYourRoom`], [`Code::RoleRequired`]: the message is not theirs to change.
/// [`Code::MessageNotFound`]: it is no message of a person or the host, or it is deleted.
/// [`Code::TooLate`]: it is too old. None is retryable.
pub fn may_revise(
    detail: &RoomDetail,
    message: &Message,
    reviser: Reviser<'_>,
) -> Result<Admission, Code> {
    let admission = match reviser.role {
        Role::Service => may_notice(detail.kind(), reviser.role)?,
        _ => may_send(detail, reviser.standing, reviser.user, reviser.role)?,
    };
    let admission = Admission {
        reopens: false,
        ..admission
    };
    let is_a_message = matches!(message.kind, MessageKind::Message | MessageKind::Notice);
    if !is_a_message || matches!(message.revision(), Revision::Deleted(_)) {
        return Err(Code::MessageNotFound);
    }
    let moderates =
        reviser.standing.role() >= Some(MemberRole::Moderator) && detail.kind() != RoomKind::Direct;
    if reviser.role == Role::Service || moderates {
        return Ok(admission);
    }
    if message.sender != *reviser.user || message.kind == MessageKind::Notice {
        return Err(Code::RoleRequired);
    }
    let is_late = |within| message.sent_at < reviser.at.before(within);
    if reviser.within.is_some_and(is_late) {
        return Err(Code::TooLate);
    }
    Ok(admission)
}

/// What [`may_revise`] refused; that `message` was deleted is said.
#[must_use]
pub fn why_unrevised(code: Code, message: &Message) -> Error {
    match (code, message.revision()) {
        (Code::MessageNotFound, Revision::Deleted(_)) => {
            Error::with_detail(code, "the message was deleted")
        }
        _ => code.into(),
    }
}

/// Whether `caller` may read the room's log and subscribe to it. A support room: its customer, the
/// agent it is assigned to. A direct or group room: its members. An open room: every person whom
/// nobody removed. Every admin reads every room. The desk's feed: agents. An inbox: its user.
///
/// # Errors
/// [`Code::NotYourRoom`]: anybody else. Not retryable while the room stands as it does.
pub fn may_read(room: &Room, standing: Standing, caller: &Caller) -> Result<(), Code> {
    if reads(&room.detail, standing, &caller.user, caller.role) {
        Ok(())
    } else {
        Err(Code::NotYourRoom)
    }
}

/// [`may_read`] for a subscriber of whom only id and role are kept.
#[must_use]
pub fn reads(detail: &RoomDetail, standing: Standing, user: &UserId, role: Role) -> bool {
    if role == Role::Service {
        return false;
    }
    let looks_on = role == Role::Admin;
    match detail {
        RoomDetail::Support(support) => {
            let serves = role.serves_customers() && support.is_assigned_to(user);
            looks_on || *user == support.customer || serves
        }
        RoomDetail::Direct | RoomDetail::Group => looks_on || standing.is_member(),
        RoomDetail::Open => looks_on || standing != Standing::Removed,
        RoomDetail::Desk => role.serves_customers(),
        RoomDetail::Inbox(owner) => owner == user,
    }
}

/// Whether `caller` may know of the room's people what its log does not tell: who belongs to it, up
/// to where they have read, who writes just now. Whoever may read the room; of an open room, which
/// everybody reads, its members and admins alone.
///
/// # Errors
/// [`Code::NotYourRoom`]: anybody else. Not retryable while the room stands as it does.
pub fn may_see_members(room: &Room, standing: Standing, caller: &Caller) -> Result<(), Code> {
    if sees_members(&room.detail, standing, &caller.user, caller.role) {
        Ok(())
    } else {
        Err(Code::NotYourRoom)
    }
}

/// [`may_see_members`] for a subscriber of whom only id and role are kept.
#[must_use]
pub fn sees_members(detail: &RoomDetail, standing: Standing, user: &UserId, role: Role) -> bool {
    let is_known = standing.is_member() || role == Role::Admin;
    reads(detail, standing, user, role) && (is_known || !matches!(detail, RoomDetail::Open))
}

/// Whether the room is one of the user's own: shown to them without being asked for.
#[must_use]
pub fn takes_part(detail: &RoomDetail, standing: Standing, user: &UserId, role: Role) -> bool {
    match detail {
        RoomDetail::Inbox(owner) => owner == user && role != Role::Service,
        RoomDetail::Desk => false,
        _ => may_send(detail, standing, user, role).is_ok(),
    }
}

/// Whether `caller` may open (and so create) the support room named `customer`.
///
/// # Errors
/// [`Code::NotYourRoom`]: it is somebody else's. Not retryable.
pub fn may_open(caller: &Caller, customer: &UserId) -> Result<(), Code> {
    if caller.user == *customer && caller.role != Role::Service {
        return Ok(());
    }
    Err(Code::NotYourRoom)
}

/// Whether a caller may make a room of members. Guests do not: they would bring others in.
///
/// # Errors
/// [`Code::NotForGuests`]. Not retryable with this token.
pub fn may_make_rooms(role: Role) -> Result<(), Code> {
    is_no_guest(role)
}

/// Whether a caller may upload pictures.
///
/// # Errors
/// [`Code::NotForGuests`]. Not retryable with this token.
pub fn may_upload(role: Role) -> Result<(), Code> {
    is_no_guest(role)
}

fn is_no_guest(role: Role) -> Result<(), Code> {
    match role {
        Role::Guest => Err(Code::NotForGuests),
        Role::User | Role::Agent | Role::Admin | Role::Service => Ok(()),
    }
}

/// Whether `caller` may see and work the support desk.
///
/// # Errors
/// [`Code::AgentsOnly`]: the caller is no agent. Not retryable with this token.
pub fn may_serve(caller: &Caller) -> Result<(), Code> {
    if caller.role.serves_customers() {
        Ok(())
    } else {
        Err(Code::AgentsOnly)
    }
}

/// Whether a user may do something to a room. `standing` is theirs, `subject` that of whom the
/// action is about ([`Standing::Stranger`] when it is about nobody).
///
/// Joining: any person, an open room that nobody removed them from. Leaving: members; a support
/// room's customer. Adding: the members of a group or open room, plain members only, unless the
/// owner does, and no guest; lifting a removal: moderators. Removing: moderators remove plain members, the owner
/// anybody else. Roles and the profile: the owner. Deleting: the owner, either member of a direct
/// room, a support room's customer. The host does all of it in rooms of members.
/// Claiming and the like: agents, whoever has the room; the state is the store's to check.
///
/// # Errors
/// [`Code::NotYourRoom`]: the room is not theirs. [`Code::RoleRequired`]: they lack the role.
/// [`Code::MemberNotFound`]: whom it is about is no member. [`Code::AgentsOnly`],
/// [`Code::NotForGuests`]. None is retryable.
pub fn may_act(
    detail: &RoomDetail,
    user: &UserId,
    role: Role,
    standing: Standing,
    subject: Standing,
    action: &RoomAction,
) -> Result<(), Code> {
    let kind = detail.kind();
    match action {
        RoomAction::Claim
        | RoomAction::Release
        | RoomAction::HandOver(_)
        | RoomAction::Complete => match (kind, role.serves_customers()) {
            (_, false) => Err(Code::AgentsOnly),
            (RoomKind::Support, true) => Ok(()),
            _ => Err(Code::RoomNotFound),
        },
        RoomAction::Leave | RoomAction::Delete if kind == RoomKind::Support => {
            let is_customer = detail.support().is_some_and(|s| s.customer == *user);
            let may = is_customer && role != Role::Service;
            may.then_some(()).ok_or(Code::NotYourRoom)
        }
        _ if !kind.has_members() => Err(Code::NotYourRoom),
        _ if role == Role::Service => host_may_act(kind, subject, action),
        RoomAction::Join => match (kind, standing) {
            (_, Standing::Member(_)) | (RoomKind::Open, Standing::Stranger) => Ok(()),
            _ => Err(Code::NotYourRoom),
        },
        _ => match standing.role() {
            Some(_) if matches!(action, RoomAction::Add(..)) && role == Role::Guest => {
                Err(Code::NotForGuests)
            }
            Some(role) => member_may_act(kind, role, subject, action),
            None => Err(Code::NotYourRoom),
        },
    }
}

fn host_may_act(kind: RoomKind, subject: Standing, action: &RoomAction) -> Result<(), Code> {
    match action {
        RoomAction::Add(..) | RoomAction::SetRole(..) if kind == RoomKind::Direct => {
            Err(Code::RoleRequired)
        }
        RoomAction::Remove(_) | RoomAction::SetRole(..) if !subject.is_member() => {
            Err(Code::MemberNotFound)
        }
        RoomAction::SetRole(_, given) => may_become(subject, *given),
        RoomAction::Join | RoomAction::Leave => Err(Code::NotYourRoom),
        _ => Ok(()),
    }
}

fn member_may_act(
    kind: RoomKind,
    role: MemberRole,
    subject: Standing,
    action: &RoomAction,
) -> Result<(), Code> {
    let required = match action {
        RoomAction::Leave => return Ok(()),
        RoomAction::Delete => MemberRole::Owner,
        // A direct room is for its two.
        _ if kind == RoomKind::Direct => return Err(Code::RoleRequired),
        RoomAction::Add(_, given) => match (given, subject) {
            (MemberRole::Member, Standing::Removed) => MemberRole::Moderator,
            (MemberRole::Member, _) => MemberRole::Member,
            _ => MemberRole::Owner,
        },
        RoomAction::Remove(_) => match subject.role() {
            None => return Err(Code::MemberNotFound),
            Some(MemberRole::Member) => MemberRole::Moderator,
            // The owner is removed by nobody, themselves included: they leave.
            Some(MemberRole::Owner) => return Err(Code::RoleRequired),
            Some(MemberRole::Moderator) => MemberRole::Owner,
        },
        RoomAction::SetRole(..) if !subject.is_member() => return Err(Code::MemberNotFound),
        RoomAction::SetRole(_, given) => {
            may_become(subject, *given)?;
            MemberRole::Owner
        }
        _ => MemberRole::Owner,
    };
    if role >= required {
        return Ok(());
    }
    Err(Code::RoleRequired)
}

/// The owner remains it until another member becomes it.
fn may_become(subject: Standing, given: MemberRole) -> Result<(), Code> {
    let is_owner = subject.role() == Some(MemberRole::Owner);
    if is_owner && given != MemberRole::Owner {
        return Err(Code::RoleRequired);
    }
    Ok(())
}

/// Whether a direct room that is asked for again takes in this one of its two people. `role` is that
/// of whoever asks: the host alone brings back whom the host removed.
///
/// # Errors
/// [`Code::NotYourRoom`]: the asker's fault, not retryable.
pub fn bring_back(role: Role, standing: Standing) -> Result<(), Code> {
    if role != Role::Service && standing == Standing::Removed {
        return Err(Code::NotYourRoom);
    }
    Ok(())
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;

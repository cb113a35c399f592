//! Who may do what.

use super::{Code, Entry, Kind, Model, Role, Room, State, Told, Trust, User, trust};

/// The part in which somebody writes in a room.
pub(super) fn part_of(room: &Room, user: User) -> Told<&'static str> {
    let Some(support) = &room.support else {
        return match room.role(user) {
            Some(_) => Ok("member"),
            None => Err("NOT_YOUR_ROOM"),
        };
    };
    if support.customer == user {
        return Ok("customer");
    }
    if serves(user) && support.state == State::Assigned(user) {
        return Ok("agent");
    }
    Err("NOT_YOUR_ROOM")
}

pub(in super::super) fn serves(user: User) -> bool {
    matches!(trust(user), Trust::Agent | Trust::Admin)
}

pub(super) fn reads(room: &Room, user: User) -> bool {
    let looks_on = trust(user) == Trust::Admin;
    match room.kind {
        Kind::Support => looks_on || part_of(room, user).is_ok(),
        Kind::Direct | Kind::Group => looks_on || room.role(user).is_some(),
        Kind::Open => looks_on || !room.removed.contains(user),
    }
}

/// Whether somebody may know who belongs to the room and what they have read.
pub(super) fn sees_members(room: &Room, user: User) -> bool {
    let is_known = room.role(user).is_some() || trust(user) == Trust::Admin;
    reads(room, user) && (room.kind != Kind::Open || is_known)
}

impl Model {
    /// The room, for whoever may read it.
    pub(in super::super) fn readable(&self, id: &str, user: User) -> Told<&Room> {
        let room = self.room(id)?;
        match reads(room, user) {
            true => Ok(room),
            false => Err("NOT_YOUR_ROOM"),
        }
    }

    /// Whether the room is one of theirs.
    pub(in super::super) fn takes_part(&self, id: &str, user: User) -> bool {
        self.room(id).is_ok_and(|room| part_of(room, user).is_ok())
    }
}

/// Whether somebody who may write there may change a message. `too_late` says how old it is.
pub(super) fn may_revise(room: &Room, entry: &Entry, user: User, too_late: bool) -> Told<()> {
    if !matches!(entry.kind, "message" | "notice") || entry.deleted {
        return Err("MESSAGE_NOT_FOUND");
    }
    let moderates = matches!(room.kind, Kind::Group | Kind::Open);
    if moderates && room.role(user) >= Some(Role::Moderator) {
        return Ok(());
    }
    match (entry.sender == user && entry.kind == "message", too_late) {
        (false, _) => Err("ROLE_REQUIRED"),
        (true, true) => Err("TOO_LATE"),
        (true, false) => Ok(()),
    }
}

/// What a member's role has to be, at least, for what they want to do to somebody, or to the room.
pub(super) fn require(room: &Room, user: User, role: Role) -> Told<()> {
    if trust(user) == Trust::Host {
        return Ok(());
    }
    match room.role(user) {
        Some(has) if has >= role => Ok(()),
        _ => Err("ROLE_REQUIRED"),
    }
}

/// Whether members are managed here at all, by this user.
pub(super) fn manages(room: &Room, user: User) -> Told<()> {
    let is_host = trust(user) == Trust::Host;
    let refused: Code = match room.kind {
        Kind::Support => "NOT_YOUR_ROOM",
        Kind::Direct if is_host => return Ok(()),
        _ if !is_host && room.role(user).is_none() => "NOT_YOUR_ROOM",
        Kind::Direct => "ROLE_REQUIRED",
        Kind::Group | Kind::Open => return Ok(()),
    };
    Err(refused)
}

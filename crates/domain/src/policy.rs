//! Who may do what: the one authority that every door asks.
//!
//! The store asks [`may_send`] inside the transaction that appends, so that no cached answer can
//! outlive a change of the room.

use crate::assignment::{Support, SupportState};
use crate::caller::{Caller, Role};
use crate::error::Code;
use crate::ids::UserId;
use crate::message::SenderKind;
use crate::room::Room;

/// What accepting a message does besides storing it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admission {
    /// In which part the sender speaks.
    pub sender_kind: SenderKind,
    /// The room was completed and waits again from now on.
    pub reopens: bool,
}

/// Whether `sender` may write into the room: its customer, or the agent it is assigned to.
///
/// # Errors
/// [`Code::NotYourRoom`]: anybody else. Not retryable while the assignment stands.
pub fn may_send(support: &Support, sender: &UserId, role: Role) -> Result<Admission, Code> {
    if *sender == support.customer && role != Role::Service {
        let reopens = support.state == SupportState::Completed;
        return Ok(Admission {
            sender_kind: SenderKind::Customer,
            reopens,
        });
    }
    if role.serves_customers() && support.is_assigned_to(sender) {
        return Ok(Admission {
            sender_kind: SenderKind::Agent,
            reopens: false,
        });
    }
    Err(Code::NotYourRoom)
}

/// Whether `caller` may read the room's log and subscribe to it: its customer, the agent it is
/// assigned to, an admin.
///
/// # Errors
/// [`Code::NotYourRoom`]: anybody else. Not retryable while the assignment stands.
pub fn may_read(room: &Room, caller: &Caller) -> Result<(), Code> {
    if reads(&room.support, &caller.user, caller.role) {
        Ok(())
    } else {
        Err(Code::NotYourRoom)
    }
}

/// [`may_read`] for a subscriber of whom only id and role are kept.
#[must_use]
pub fn reads(support: &Support, user: &UserId, role: Role) -> bool {
    match role {
        Role::Service => false,
        Role::User => *user == support.customer,
        Role::Agent => *user == support.customer || support.is_assigned_to(user),
        Role::Admin => true,
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::assignment::Agent;
    use crate::time::Timestamp;

    fn user(id: &str) -> UserId {
        UserId::new(id).unwrap()
    }

    fn support(state: SupportState) -> Support {
        Support {
            customer: user("kim"),
            member_id: None,
            nickname: None,
            state,
            inquired_at: Timestamp::from_micros(0),
        }
    }

    fn assigned_to(id: &str) -> SupportState {
        SupportState::Assigned(Agent {
            user: user(id),
            name: Arc::from(id),
        })
    }

    #[test]
    fn only_the_customer_and_the_assigned_agent_write() {
        let room = support(assigned_to("lee"));
        assert!(may_send(&room, &user("kim"), Role::User).is_ok());
        assert_eq!(
            may_send(&room, &user("lee"), Role::Agent)
                .unwrap()
                .sender_kind,
            SenderKind::Agent
        );
        for (id, role) in [
            ("lee", Role::User),
            ("park", Role::User),
            ("park", Role::Agent),
            ("park", Role::Admin),
            ("kim", Role::Service),
        ] {
            assert_eq!(
                may_send(&room, &user(id), role),
                Err(Code::NotYourRoom),
                "{id} {role:?}"
            );
        }
    }

    #[test]
    fn nobody_but_the_customer_writes_into_a_room_without_an_agent() {
        for state in [SupportState::Waiting, SupportState::Completed] {
            let room = support(state);
            assert_eq!(
                may_send(&room, &user("lee"), Role::Agent),
                Err(Code::NotYourRoom)
            );
        }
    }

    #[test]
    fn the_customers_message_reopens_a_completed_room_and_no_other() {
        let reopens = |state| {
            may_send(&support(state), &user("kim"), Role::User)
                .unwrap()
                .reopens
        };
        assert!(reopens(SupportState::Completed));
        assert!(!reopens(SupportState::Waiting));
        assert!(!reopens(assigned_to("lee")));
    }

    #[test]
    fn an_agent_reads_only_while_assigned_and_an_admin_always() {
        let room = support(assigned_to("lee"));
        assert!(reads(&room, &user("kim"), Role::User));
        assert!(reads(&room, &user("lee"), Role::Agent));
        assert!(!reads(&room, &user("park"), Role::Agent));
        assert!(!reads(
            &support(SupportState::Completed),
            &user("lee"),
            Role::Agent
        ));
        assert!(reads(&room, &user("park"), Role::Admin));
        assert!(!reads(&room, &user("kim"), Role::Service));
    }
}

//! The numbers by which every adapter stores what is one of a few. They never change.

use madang_domain::{MemberRole, Role, RoomKind, SenderKind};

macro_rules! numbered {
    ($type:ty, $of:ident, $from:ident: $($variant:ident = $number:literal),*) => {
        pub(crate) const fn $of(value: $type) -> u8 {
            match value {
                $(<$type>::$variant => $number,)*
            }
        }

        pub(crate) const fn $from(number: u8) -> Option<$type> {
            match number {
                $($number => Some(<$type>::$variant),)*
                _ => None,
            }
        }
    };
}

numbered!(SenderKind, of_sender_kind, sender_kind: Customer = 0, Agent = 1, Member = 2, Host = 3);
numbered!(MemberRole, of_member_role, member_role: Member = 0, Moderator = 1, Owner = 2);
numbered!(Role, of_role, role: User = 0, Agent = 1, Admin = 2, Service = 3, Guest = 4);
numbered!(RoomKind, of_room_kind, room_kind:
    Support = 0, Direct = 1, Group = 2, Open = 3, Desk = 4, Inbox = 5);

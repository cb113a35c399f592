//! Rooms that tests decide about.

use madang_domain::{Epoch, Profile, Room, RoomDetail, RoomHead, RoomId, Seq, Timestamp};

/// A group in whose log 9 is the newest number.
pub(super) fn room(id: &str, number: u64) -> Room {
    Room {
        id: RoomId::new(id).unwrap(),
        number,
        head: RoomHead {
            epoch: Epoch::new(7),
            last: Seq::new(9),
            oldest: Seq::new(1),
            access_version: 1,
        },
        created_at: Timestamp::from_micros(0),
        detail: RoomDetail::Group,
        profile: Profile::default(),
        owner: None,
        member_count: 1,
    }
}

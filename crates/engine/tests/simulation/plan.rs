//! What kind of run a seed stands for.

use madang_domain::RoomKind;

use crate::world::Rng;

/// Percentages and sizes, chosen once per seed.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) nodes: u64,
    /// Support rooms, each with a customer of its own.
    pub(crate) support_rooms: u64,
    /// Rooms of members.
    pub(crate) member_rooms: Vec<RoomKind>,
    /// Who may belong to them.
    pub(crate) people: u64,
    pub(crate) agents: u64,
    pub(crate) admins: u64,
    /// Of each customer, writing at once.
    pub(crate) devices: u64,
    pub(crate) messages: u64,
    /// In each room before the run; above a page in some runs.
    pub(crate) prefilled: u64,
    pub(crate) queue_max: u64,
    pub(crate) batch_drafts_max: u64,
    pub(crate) commit_queue_max: u64,
    /// Of interest that the bus hears of late.
    pub(crate) late_percent: u64,
    pub(crate) drop_percent: u64,
    pub(crate) repeat_percent: u64,
    pub(crate) reorder_percent: u64,
    pub(crate) read_failure_percent: u64,
    pub(crate) append_failure_percent: u64,
    pub(crate) leave_percent: u64,
    pub(crate) prune_percent: u64,
    pub(crate) node_leaves: bool,
    /// For the newest entries of rooms, on each node.
    pub(crate) history_bytes_max: u64,
}

impl Plan {
    pub(crate) fn new(rng: &mut Rng) -> Self {
        // Often none of a kind, so that one fault is also seen without the others hiding it.
        let sometimes = |rng: &mut Rng, max| {
            if rng.below(2) == 0 {
                0
            } else {
                rng.within(1, max)
            }
        };
        let long = rng.below(24) == 0;
        let support_rooms = rng.below(3);
        let kinds = [RoomKind::Group, RoomKind::Open, RoomKind::Direct];
        let of_members = rng.within(u64::from(support_rooms == 0), 2);
        let kind = |_| *rng.pick(&kinds);
        let member_rooms = (0..of_members).map(kind).collect();
        Self {
            nodes: rng.within(1, 3),
            support_rooms,
            member_rooms,
            people: rng.within(2, 4),
            agents: rng.within(0, 2),
            admins: rng.within(1, 2),
            devices: rng.within(1, 4),
            messages: rng.within(3, 10),
            prefilled: if long {
                rng.within(250, 540)
            } else {
                rng.below(6)
            },
            queue_max: if long {
                rng.within(20, 300)
            } else {
                rng.within(1, 8)
            },
            batch_drafts_max: rng.within(1, 8),
            commit_queue_max: rng.within(3, 12),
            late_percent: sometimes(rng, 60),
            drop_percent: sometimes(rng, 60),
            repeat_percent: sometimes(rng, 30),
            reorder_percent: sometimes(rng, 50),
            read_failure_percent: sometimes(rng, 10),
            append_failure_percent: sometimes(rng, 25),
            leave_percent: sometimes(rng, 20),
            prune_percent: sometimes(rng, 20),
            node_leaves: rng.below(4) == 0,
            // None; an entry or a few of a few rooms; all.
            history_bytes_max: *rng.pick(&[0, 4 << 10, 16 << 10, 1 << 20]),
        }
    }
}

//! What every adapter of [`Store`] must do, written once against the port.
//!
//! An adapter's tests implement [`Factory`] and call [`store_conformance!`](crate::store_conformance),
//! which makes one test of each case.

pub mod append;
pub mod desk;
pub mod inbox;
pub mod lists;
pub mod log;
pub mod marks;
pub mod member_rooms;
pub mod members;
pub mod model;
pub mod read_counts;
pub mod repeats;
pub mod retention;
pub mod revisions;
pub mod rooms;
pub mod search;
pub mod shut_out;
pub mod together;
pub mod uploads;
pub mod users;

mod calls;

use std::sync::Arc;

use madang_domain::ports::{BoxFuture, Store};

pub(crate) use calls::*;

/// Opens stores for the cases. Each case has a factory of its own.
pub trait Factory: Send + Sync {
    /// A store on new, empty data.
    fn fresh(&self) -> BoxFuture<'_, Arc<dyn Store>>;

    /// Closes `store`, the only handle, and opens the same data again.
    fn reopen(&self, store: Arc<dyn Store>) -> BoxFuture<'_, Arc<dyn Store>>;

    /// A second handle, as of another node, on the data of `store`; `None` where one process at a
    /// time has the data.
    fn another<'a>(&'a self, store: &'a Arc<dyn Store>) -> BoxFuture<'a, Option<Arc<dyn Store>>>;
}

/// Makes a test of each case: `store_conformance!(expression that makes a Factory);`. The crate
/// that calls it needs tokio with its macros.
#[macro_export]
macro_rules! store_conformance {
    ($factory:expr) => {
        $crate::store_conformance! { @ $factory;
            append: numbers_without_gaps groups_are_all_or_none
                a_refused_group_leaves_its_neighbours unknown_rooms_are_refused
                calls_take_effect_in_order concurrent_appends_lose_and_repeat_nothing
                a_group_spans_rooms every_text_comes_back only_those_with_the_right_write
                a_customers_message_reopens completing_and_sending_race;
            repeats: in_one_group in_one_batch in_a_later_batch after_reopening
                of_another_sender_or_room_are_none of_another_kind_are_refused
                without_a_client_id_are_none of_a_refused_group_are_none at_the_same_time
                after_losing_the_right change_nothing;
            log: pages_in_both_directions bounds_at_one_moment of_a_missing_room
                everything_accepted_is_there survives_reopening long_log_after_many_merges;
            rooms: opening_is_idempotent opening_refreshes_what_the_caller_has
                ids_compare_byte_by_byte exactly_one_claim_wins claims_say_how_they_ended
                completing_needs_the_assignee access_version_rises
                deleting_takes_everything another_life_has_another_epoch
                heads_in_the_order_asked lists_are_ordered_and_limited
                deletes_race_with_everything two_nodes_agree opened_at_once;
            member_rooms: a_new_room_has_its_owner_and_members a_host_makes_rooms
                a_direct_room_is_found_again editing_a_room deleting_a_room_of_members
                letting_go_of_a_picture;
            members: joining_and_leaving adding removing_shuts_out roles
                an_owner_who_leaves_is_followed;
            shut_out: whom_the_host_removes_stays_out;
            uploads: one_room_has_it what_a_room_had_is_used_up retiring
                taking_and_retiring_race;
            desk: the_feed_has_every_change the_room_and_the_customer_hear releasing handing_over
                who_may_serve marks_of_agents an_agent_who_is_the_customer queue_positions
                overdue_rooms_are_noted_once;
            revisions: an_edit_changes_the_message a_deletion_takes_the_body_away
                of_old_and_new_messages who_may_revise in_support_rooms repeats_of_revisions
                in_groups;
            inbox: notifying_makes_inboxes reading_notifications deleting_notifications
                long_inboxes;
            lists: members_are_paged open_rooms_are_paged a_users_rooms
                the_last_message_is_a_persons unread_is_exact unread_after_partial_reads
                unread_names_rooms messages_without_events acquaintances;
            marks: merge_by_maximum ignore_what_is_gone read_marks read_marks_at_once
                read_marks_of_strangers;
            read_counts: of_messages in_support_rooms of_many_members;
            search: in_a_room in_a_long_log in_all_rooms in_rooms_where_time_went_back
                of_what_is_said_now;
            retention: by_count by_age of_long_logs completed_support_rooms
                of_inboxes_and_the_feed deleted_notifications_are_not_counted rounds_pass_every_room;
            users: parts_are_kept many_at_once members_are_known revoking_tokens;
            together: a_busy_open_room nobody_writes_behind_their_removal a_busy_desk
                direct_rooms_are_one commands_in_one_call;
            model: random_calls_match_the_model;
        }
    };
    (@ $factory:expr; $($module:ident: $($case:ident)*;)*) => {
        $(mod $module {
            #[allow(unused_imports)]
            use super::*;
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let factory = $factory;
                $crate::conformance::$module::$case(&factory).await;
            })*
        })*
    };
}

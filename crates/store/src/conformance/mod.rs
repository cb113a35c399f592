//! What every adapter of [`Store`] must do, written once against the port.
//!
//! An adapter's tests implement [`Factory`] and call [`store_conformance!`](crate::store_conformance),
//! which makes one test of each case.

pub mod append;
pub mod log;
pub mod marks;
pub mod repeats;
pub mod rooms;

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
                of_another_sender_or_room_are_none without_a_client_id_are_none
                of_a_refused_group_are_none at_the_same_time after_losing_the_right
                change_nothing;
            log: pages_in_both_directions bounds_at_one_moment of_a_missing_room
                everything_accepted_is_there survives_reopening long_log_after_many_merges;
            rooms: opening_is_idempotent opening_refreshes_what_the_caller_has
                ids_compare_byte_by_byte exactly_one_claim_wins claims_say_how_they_ended
                completing_needs_the_assignee access_version_rises
                deleting_takes_everything another_life_has_another_epoch
                heads_in_the_order_asked lists_are_ordered_and_limited
                deletes_race_with_everything two_nodes_agree opened_at_once;
            marks: merge_by_maximum ignore_what_is_gone;
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

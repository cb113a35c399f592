//! What every adapter of [`Store`] must do, written once against the port.
//!
//! An adapter's tests implement [`Factory`] and call [`store_conformance!`](crate::store_conformance),
//! which makes one test of each case.

pub mod append;
pub mod log;
pub mod marks;
pub mod model;
pub mod repeats;
pub mod rooms;

use std::sync::Arc;

use madang_domain::ports::{BoxFuture, LogQuery, Store};
use madang_domain::{
    Agent, Appended, Caller, ClaimOutcome, ClientId, Code, Draft, DraftGroup, Message, Role, Room,
    RoomId, Seq, Timestamp, UserId,
};

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

pub(crate) fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

pub(crate) fn user(id: &str) -> UserId {
    UserId::new(id).unwrap()
}

pub(crate) fn room_id(id: &str) -> RoomId {
    RoomId::new(id).unwrap()
}

pub(crate) fn client_id(id: &str) -> Option<ClientId> {
    Some(ClientId::new(id).unwrap())
}

pub(crate) fn agent(id: &str) -> Agent {
    Agent {
        user: user(id),
        name: Arc::from(format!("{id} the agent")),
    }
}

pub(crate) fn caller(id: &str, role: Role) -> Caller {
    Caller::new(user(id), role)
}

/// `customer`'s draft for their own room.
pub(crate) fn draft(customer: &str, text: &str, id: Option<&str>) -> Draft {
    draft_of(customer, customer, Role::User, text, id)
}

pub(crate) fn draft_of(
    room: &str,
    sender: &str,
    role: Role,
    text: &str,
    id: Option<&str>,
) -> Draft {
    let id = id.and_then(client_id);
    Draft::new(&caller(sender, role), room_id(room), text, id, at(1)).unwrap()
}

pub(crate) async fn open(store: &dyn Store, customer: &str) -> Room {
    let customer = caller(customer, Role::User);
    store.open_support_room(&customer, at(0)).await.unwrap()
}

/// Appends each draft as a group of its own.
pub(crate) async fn append(store: &dyn Store, drafts: Vec<Draft>) -> Vec<Result<Appended, Code>> {
    let groups = drafts.into_iter().map(DraftGroup::single).collect();
    let outcomes = store.append(groups).await.unwrap();
    outcomes
        .into_iter()
        .map(|outcome| match outcome {
            Ok(mut appended) => {
                assert_eq!(appended.len(), 1, "one answer per draft");
                Ok(appended.remove(0))
            }
            Err(error) => Err(error.code()),
        })
        .collect()
}

pub(crate) async fn append_one(store: &dyn Store, draft: Draft) -> Result<Appended, Code> {
    append(store, vec![draft]).await.remove(0)
}

/// Appends `count` messages of the customer in one batch.
pub(crate) async fn fill(store: &dyn Store, customer: &str, count: usize) {
    let drafts = (0..count).map(|n| draft(customer, &format!("message {n}"), None));
    for outcome in append(store, drafts.collect()).await {
        outcome.unwrap();
    }
}

pub(crate) fn new(outcome: &Result<Appended, Code>) -> &Arc<Message> {
    match outcome {
        Ok(Appended::New(message)) => message,
        other => panic!("expected a new message, got {other:?}"),
    }
}

pub(crate) fn repeat(outcome: &Result<Appended, Code>) -> &Arc<Message> {
    match outcome {
        Ok(Appended::Repeat(message)) => message,
        other => panic!("expected a repeat, got {other:?}"),
    }
}

pub(crate) async fn whole_log(store: &dyn Store, room: &str) -> Vec<Arc<Message>> {
    let mut all = Vec::new();
    let mut since = Seq::ZERO;
    loop {
        let page = store
            .read_log(&room_id(room), LogQuery::After(since), 1_000)
            .await
            .unwrap()
            .expect("the room");
        let Some(last) = page.messages.last() else {
            assert_eq!(page.head.last, since, "the log ends at its head");
            return all;
        };
        since = last.position.seq;
        all.extend(page.messages);
    }
}

pub(crate) fn seqs(messages: &[Arc<Message>]) -> Vec<u64> {
    messages.iter().map(|m| m.position.seq.get()).collect()
}

pub(crate) async fn claim(store: &dyn Store, room: &str, id: &str) -> ClaimOutcome {
    store.claim_room(&room_id(room), &agent(id)).await.unwrap()
}

pub(crate) async fn complete(store: &dyn Store, room: &str, id: &str) -> bool {
    store
        .complete_room(&room_id(room), &user(id))
        .await
        .unwrap()
}

pub(crate) async fn room(store: &dyn Store, id: &str) -> Option<Room> {
    store.room(&room_id(id)).await.unwrap()
}

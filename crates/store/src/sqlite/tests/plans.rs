//! The hot statements find their rows by a key: no scan, no sort.

use std::collections::BTreeSet;
use std::sync::Arc;

use madang_domain::ports::{BoxFuture, Store};
use parking_lot::Mutex;
use rusqlite::Connection;
use rusqlite::trace::{TraceEvent, TraceEventCodes};

use super::SqliteFactory;
use crate::conformance::{self, Factory};
use crate::relational::{
    counted, create, desk, filter, lists, marks, members, messages, notifications, queue,
    read_counts, remove, retention, rooms, search, uploads, users, walk,
};
use crate::sqlite::{SqliteOptions, SqliteStore, journal, migrations, sent};

fn database() -> Connection {
    let mut connection = Connection::open_in_memory().unwrap();
    migrations::apply(&mut connection).unwrap();
    connection
}

fn plan(connection: &Connection, sql: &str) -> String {
    let mut statement = connection
        .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
        .unwrap();
    let columns = statement.parameter_count();
    let values = rusqlite::params_from_iter((0..columns).map(|_| 1));
    let rows = statement
        .query_map(values, |row| row.get::<_, String>(3))
        .unwrap();
    rows.collect::<Result<Vec<_>, _>>().unwrap().join("; ")
}

#[test]
fn hot_statements_neither_scan_nor_sort() {
    let connection = database();
    let statements = [
        rooms::FIND,
        rooms::HEAD,
        rooms::BY_NUMBER,
        rooms::OPEN,
        rooms::OF_AGENT,
        messages::AFTER,
        messages::BEFORE,
        messages::ONE,
        counted::COUNTED,
        marks::DELIVERED,
        marks::OF_ROOM,
        marks::COUNTED_TO,
        lists::SEATS,
        marks::READ,
        sent::LAST,
        sent::FIRST,
        sent::AT,
        sent::EMPTY,
        sent::TAKE_OUT,
        members::ROLE,
        members::IS_REMOVED,
        members::LIST,
        members::SHARED,
        members::ELDEST,
        members::ELDEST_MODERATOR,
        create::FIND_DIRECT,
        queue::PLACE,
        notifications::UNREAD,
        walk::FILTERS,
        walk::TEXTS,
        walk::TIMES,
        notifications::GONE,
        search::ROOM,
        filter::TEXTS,
        journal::FIND_CLIENT_ID,
        uploads::FIND,
        uploads::FORGOTTEN,
        users::FIND,
        users::REVOKED,
        retention::BEHIND,
        retention::ONE,
        remove::OLDEST,
        "UPDATE members SET read_seq = ?3, read_n = ?4 WHERE user_no = ?1 AND room_no = ?2",
        "DELETE FROM messages WHERE room_no = ?1 AND seq BETWEEN ?2 AND ?3",
        "DELETE FROM journal WHERE arrival <= ?1",
        "UPDATE journal SET extra = ?2, text = ?3 WHERE arrival = ?1",
    ];
    let statements = statements.into_iter().chain(read_counts::STATEMENTS);
    // The journal alone is in no order of rooms.
    let purges = (journal::PURGES.rest.iter().copied()).filter(|sql| !sql.contains("journal"));
    for sql in statements.chain(purges) {
        let plan = plan(&connection, sql);
        // Of a table: what was found is counted over and over.
        let plan = plan.replace("SCAN counted", "counted");
        assert!(
            !plan.contains("SCAN") && !plan.contains("TEMP B-TREE"),
            "{sql}: {plan}"
        );
        assert!(plan.contains("SEARCH"), "{sql}: {plan}");
    }
}

/// An index of just these rows: read from its beginning, up to the limit.
#[test]
fn lists_of_few_rows_are_indexes_of_their_own() {
    let connection = database();
    for (sql, index) in [
        (rooms::WAITING, "rooms_waiting"),
        (queue::LONGEST, "rooms_not_noted"),
        (desk::NOT_NOTED, "rooms_not_noted"),
        (desk::AGENTS, "users_agents"),
        (users::LAST_SEEN, "users_agents"),
    ] {
        let plan = plan(&connection, sql);
        assert!(plan.contains(&format!("INDEX {index}")), "{sql}: {plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{sql}: {plan}");
    }
}

/// What many members are counted by is in the index itself: no row is looked up.
#[test]
fn counting_members_reads_an_index_alone() {
    let connection = database();
    let statements = read_counts::STATEMENTS.into_iter();
    let of_many = statements.filter(|sql| sql.contains("INDEXED BY"));
    for sql in of_many.chain([members::ELDEST, members::ELDEST_MODERATOR]) {
        let plan = plan(&connection, sql);
        assert!(plan.contains("USING COVERING INDEX"), "{sql}: {plan}");
    }
}

/// What is read from its beginning on, and why that is little.
const SCANS: [&str; 7] = [
    // What was found is counted over and over.
    "SCAN counted",
    // The journal is bounded, and in no order of rooms. Not asked when a message is sent or read.
    "SCAN j;",
    "SCAN journal;",
    // One row of it.
    "SCAN purges",
    // Indexes of just these rows, up to the limit.
    "SCAN users USING INDEX users_agents",
    "SCAN rooms USING COVERING INDEX rooms_not_noted",
    "SCAN r USING INDEX rooms_waiting",
];

static RUN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

fn note(event: TraceEvent<'_>) {
    if let TraceEvent::Stmt(statement, _) = event {
        RUN.lock().insert(statement.sql().into_owned());
    }
}

/// Opens stores that note each statement they run.
struct Noting(SqliteFactory);

impl Factory for Noting {
    fn fresh(&self) -> BoxFuture<'_, Arc<dyn Store>> {
        Box::pin(async {
            let options = SqliteOptions {
                readers: 1,
                ..self.0.options()
            };
            let store = SqliteStore::open(&self.0.path(), &options).unwrap();
            let trace = |connection: &Connection| {
                connection.trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, Some(note));
                Ok(())
            };
            let of_writer = store.writer().run(move |writer| trace(&writer.connection));
            of_writer.await.unwrap();
            let of_reader = store.readers().run(move |reader| trace(&reader.connection));
            of_reader.await.unwrap();
            Arc::new(store) as Arc<dyn Store>
        })
    }

    fn reopen(&self, store: Arc<dyn Store>) -> BoxFuture<'_, Arc<dyn Store>> {
        drop(store);
        self.fresh()
    }

    fn another<'a>(&'a self, _: &'a Arc<dyn Store>) -> BoxFuture<'a, Option<Arc<dyn Store>>> {
        Box::pin(async { None })
    }
}

macro_rules! noting {
    ($($module:ident::$case:ident)*) => {
        $(conformance::$module::$case(&Noting(SqliteFactory::merging_often())).await;)*
    };
}

/// Whatever the suite of the port makes a store run, on both of its threads.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_run_reads_what_is_asked_for_alone() {
    noting! {
        append::every_text_comes_back append::a_customers_message_reopens
        repeats::in_a_later_batch log::pages_in_both_directions log::pages_of_so_many_bytes
        rooms::opening_refreshes_what_the_caller_has rooms::claims_say_how_they_ended
        rooms::deleting_takes_everything rooms::heads_in_the_order_asked
        rooms::lists_are_ordered_and_limited
        member_rooms::a_direct_room_is_found_again members::removing_shuts_out members::roles
        members::an_owner_who_leaves_is_followed member_rooms::editing_a_room
        desk::releasing desk::handing_over desk::marks_of_agents desk::queue_positions
        desk::overdue_rooms_are_noted_once
        revisions::of_old_and_new_messages revisions::in_support_rooms
        inbox::reading_notifications inbox::deleting_notifications inbox::long_inboxes
        inbox::many_are_handled_a_piece_at_a_time inbox::a_repeated_notification_comes_once
        lists::members_are_paged lists::open_rooms_are_paged lists::a_users_rooms
        lists::unread_after_partial_reads lists::messages_without_events lists::acquaintances
        marks::merge_by_maximum marks::read_marks
        read_counts::of_messages read_counts::of_many_members
        search::in_a_room search::in_all_rooms search::goes_on_where_it_stopped
        retention::by_count retention::of_inboxes_and_the_feed
        retention::support_rooms_without_a_message
        users::parts_are_kept users::revoking_tokens
    }
    let connection = database();
    let run = RUN.lock();
    assert!(run.len() > 100, "only {} statements were run", run.len());
    let of_rows = |sql: &&String| {
        let verbs = ["SELECT", "INSERT", "UPDATE", "DELETE"];
        verbs.iter().any(|verb| sql.starts_with(verb))
    };
    for sql in run.iter().filter(of_rows) {
        let mut unknown = plan(&connection, sql);
        for known in SCANS {
            unknown = unknown.replace(known, "");
        }
        assert!(
            !unknown.contains("SCAN") && !unknown.contains("TEMP B-TREE"),
            "{sql}: {unknown}"
        );
    }
}

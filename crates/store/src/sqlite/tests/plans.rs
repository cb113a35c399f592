//! The hot statements find their rows by a key: no scan, no sort.

use rusqlite::Connection;

use crate::sqlite::{
    counted, create, desk, filter, lists, marks, members, messages, migrations, notifications,
    queue, read_counts, remove, retention, rooms, search, send, users,
};

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
        marks::FIRST_OWN,
        marks::LAST_OWN,
        members::ROLE,
        members::IS_REMOVED,
        members::LIST,
        members::SHARED,
        members::ELDEST,
        members::ELDEST_MODERATOR,
        create::FIND_DIRECT,
        queue::PLACE,
        notifications::UNREAD,
        notifications::GONE,
        search::FILTERS,
        search::TEXTS,
        filter::TEXTS,
        send::FIND_CLIENT_ID,
        users::FIND,
        users::REVOKED,
        retention::BEHIND,
        remove::OLDEST,
        "UPDATE members SET read_seq = ?3, read_n = ?4 WHERE user_no = ?1 AND room_no = ?2",
        "DELETE FROM messages WHERE room_no = ?1 AND seq BETWEEN ?2 AND ?3",
        "DELETE FROM journal WHERE arrival <= ?1",
        "UPDATE journal SET extra = ?2, text = ?3 WHERE arrival = ?1",
    ];
    let statements = statements.into_iter().chain(read_counts::STATEMENTS);
    // The journal alone is in no order of rooms.
    let purges = remove::PURGES
        .into_iter()
        .filter(|sql| !sql.contains("journal"));
    for sql in statements.chain(purges) {
        let plan = plan(&connection, sql);
        // Of a table: what was found is counted over and over.
        let plan = plan.replace("SCAN (subquery", "(subquery");
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

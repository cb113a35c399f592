//! The hot statements find their rows by a key: no scan, no sort.

use rusqlite::Connection;

use crate::sqlite::{marks, messages, migrations, rooms};

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
    let mut connection = Connection::open_in_memory().unwrap();
    migrations::apply(&mut connection).unwrap();
    for sql in [
        rooms::FIND,
        rooms::HEAD,
        messages::AFTER,
        messages::BEFORE,
        messages::ONE,
        marks::DELIVERED,
        rooms::OF_AGENT,
        "SELECT seq FROM client_ids WHERE room_no = ?1 AND digest = ?2",
        "DELETE FROM messages WHERE room_no = ?1 AND seq BETWEEN ?2 AND ?3",
        "DELETE FROM journal WHERE arrival <= ?1",
    ] {
        let plan = plan(&connection, sql);
        assert!(
            !plan.contains("SCAN") && !plan.contains("TEMP B-TREE"),
            "{sql}: {plan}"
        );
        assert!(plan.contains("SEARCH"), "{sql}: {plan}");
    }
    // The waiting rooms are an index of their own: read from its beginning, up to the limit.
    let waiting = plan(&connection, rooms::WAITING);
    assert!(waiting.contains("USING INDEX rooms_waiting"), "{waiting}");
    assert!(!waiting.contains("TEMP B-TREE"), "{waiting}");
}

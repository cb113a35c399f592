//! What is remembered of retired uploads is bounded.

use std::sync::Arc;

use madang_domain::ports::Store;
use madang_domain::room::RETIRED_FOR;

use super::SqliteFactory;
use crate::conformance::at;
use crate::sqlite::SqliteStore;
use crate::sqlite::writer::Writer;

#[tokio::test]
async fn retired_uploads_are_forgotten_faster_than_others_come() {
    let factory = SqliteFactory::new(100);
    let store = SqliteStore::open(&factory.path(), &factory.options()).unwrap();
    let retire = async |names: std::ops::Range<u32>, micros| {
        let links: Vec<Arc<str>> = names.map(|n| format!("/pictures/{n}").into()).collect();
        store.retire_uploads(&links, at(micros)).await.unwrap();
    };
    retire(0..100, 0).await;
    let two_days = i64::try_from(RETIRED_FOR.as_micros()).unwrap();
    retire(100..120, two_days).await;
    retire(120..140, two_days + 1).await;
    let count = |writer: &mut Writer| {
        let sql = "SELECT count(*) FROM uploads";
        let count = writer.connection.query_row(sql, [], |row| row.get(0));
        Ok(count.unwrap())
    };
    let left: i64 = store.writer().run(count).await.unwrap();
    assert_eq!(left, 40);
}

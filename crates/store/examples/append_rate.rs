//! What the store costs: appended messages per CPU-second of the writer thread's process, rows
//! read per second, the newest page of a long log. Run it in release on the disk in question:
//! `append_rate [directory] [rows per run] [one batch size, to measure only that]`.

#![expect(clippy::print_stdout, reason = "its figures are what it is for")]

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use madang_domain::command::OpenSupport;
use madang_domain::ports::{Commit, LogQuery, Store};
use madang_domain::{
    Actor, Caller, ClientId, Command, Draft, DraftGroup, Role, RoomAction, RoomCommand, RoomId,
    Seq, Timestamp, UserId,
};
use madang_store::sqlite::{SqliteOptions, SqliteStore};

type Failure = Box<dyn std::error::Error>;

/// CPU time of this process; the store is nearly all of it.
fn cpu_seconds() -> Result<f64, Failure> {
    let mut nanos = 0;
    for task in std::fs::read_dir("/proc/self/task")? {
        let text = std::fs::read_to_string(task?.path().join("schedstat"))?;
        nanos += text.split(' ').next().unwrap_or("0").parse::<u64>()?;
    }
    Ok(nanos as f64 / 1e9)
}

fn caller(n: usize) -> Result<Caller, Failure> {
    let user = UserId::new(&format!("customer-{n}@example.com"))?;
    Ok(Caller {
        name: Some(Arc::from("Kim Minji")),
        member_id: Some(Arc::from("1234567")),
        ..Caller::new(user, Role::User)
    })
}

async fn append(
    store: &SqliteStore,
    callers: &[Caller],
    batch: usize,
    rows: usize,
    text: &str,
) -> Result<(), Failure> {
    let mut slowest = std::time::Duration::ZERO;
    let (start, cpu) = (Instant::now(), cpu_seconds()?);
    for step in 0..rows / batch {
        let mut groups = Vec::with_capacity(batch);
        for index in 0..batch {
            let caller = &callers[(step * batch + index).wrapping_mul(0x9e37_79b1) % callers.len()];
            let id = ClientId::new(&format!("{:032x}", rand::random::<u128>()))?;
            let room = RoomId::new(caller.user.as_str())?;
            let now = Timestamp::from_micros(1_700_000_000_000_000 + step as i64);
            let draft = Draft::new(caller, room, text, Some(id), now)?;
            groups.push(Command::Send(DraftGroup::single(draft)));
        }
        let begun = Instant::now();
        let outcomes = store.commit(groups).await?;
        slowest = slowest.max(begun.elapsed());
        assert!(outcomes.iter().all(Result::is_ok));
    }
    let (wall, cpu) = (start.elapsed().as_secs_f64(), cpu_seconds()? - cpu);
    let rows = (rows / batch * batch) as f64;
    println!(
        "append rooms={} batch={batch}: {:.1} us CPU each, {:.0} rows/CPU-second, {:.0} rows/s, slowest batch {:.1} ms",
        callers.len(),
        cpu * 1e6 / rows,
        rows / cpu,
        rows / wall,
        slowest.as_secs_f64() * 1e3
    );
    Ok(())
}

async fn read(store: &SqliteStore, room: &RoomId, page: usize) -> Result<(), Failure> {
    let (mut seq, mut rows) = (Seq::ZERO, 0);
    let start = Instant::now();
    while rows < 100_000 {
        let Some(log) = store.read_log(room, LogQuery::After(seq), page).await? else {
            break;
        };
        let Some(last) = log.messages.last() else {
            break;
        };
        seq = last.position.seq;
        rows += log.messages.len();
    }
    println!(
        "read forward, pages of {page}: {rows} rows, {:.0} rows/s",
        rows as f64 / start.elapsed().as_secs_f64()
    );
    Ok(())
}

async fn long_log(
    store: &SqliteStore,
    caller: &[Caller],
    room: &RoomId,
    text: &str,
) -> Result<(), Failure> {
    append(store, caller, 1_000, 1_000_000, text).await?;
    for page in [200, 500] {
        read(store, room, page).await?;
    }
    for (name, query) in [
        ("newest", LogQuery::Before(Seq::MAX)),
        ("middle", LogQuery::Before(Seq::new(500_000))),
    ] {
        let start = Instant::now();
        for _ in 0..1_000 {
            store.read_log(room, query, 20).await?;
        }
        println!(
            "{name} page of 20 in a million: {:.3} ms",
            start.elapsed().as_secs_f64()
        );
    }
    Ok(())
}

async fn open_rooms(store: &SqliteStore, callers: &[Caller]) -> Result<Vec<RoomId>, Failure> {
    for caller in callers {
        let open = OpenSupport {
            customer: caller.clone(),
            at: Timestamp::from_micros(0),
        };
        let open = vec![Command::OpenSupport(Box::new(open))];
        for outcome in store.commit(open).await? {
            outcome?;
        }
    }
    let rooms = callers.iter().map(|c| Ok(RoomId::new(c.user.as_str())?));
    rooms.collect()
}

async fn delete(store: &SqliteStore, caller: &Caller, room: &RoomId) -> Result<(), Failure> {
    let start = Instant::now();
    let leave = RoomCommand {
        room: room.clone(),
        actor: Actor::from(caller),
        action: RoomAction::Leave,
        at: Timestamp::from_micros(0),
    };
    for outcome in store.commit(vec![Command::Room(Box::new(leave))]).await? {
        assert!(outcome?.deleted.is_some());
    }
    println!(
        "delete of a million: {:.1} ms",
        start.elapsed().as_secs_f64() * 1e3
    );
    Ok(())
}

fn close(store: SqliteStore, path: &Path) -> Result<(), Failure> {
    let start = Instant::now();
    drop(store);
    println!("close: {:.0} ms", start.elapsed().as_secs_f64() * 1e3);
    let start = Instant::now();
    drop(SqliteStore::open(path, &SqliteOptions::default())?);
    println!(
        "open and close: {:.0} ms",
        start.elapsed().as_secs_f64() * 1e3
    );
    for suffix in ["", "-wal", "-shm", ".lock"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", path.display()));
    }
    Ok(())
}

async fn run() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().map_or_else(std::env::temp_dir, Into::into);
    let rows: usize = arguments.next().map_or(Ok(200_000), |n| n.parse())?;
    let only: Option<usize> = arguments.next().map(|n| n.parse()).transpose()?;
    let text = "x".repeat(200);
    let path = directory.join(format!("append-rate-{}.db", std::process::id()));
    let store = SqliteStore::open(&path, &SqliteOptions::default())?;
    let callers = (0..1_000).map(caller).collect::<Result<Vec<_>, _>>()?;
    let rooms = open_rooms(&store, &callers).await?;
    if let Some(batch) = only {
        append(&store, &callers, batch, rows, &text).await?;
        return close(store, &path);
    }
    for (batch, rows) in [
        (64, rows),
        (1, rows / 10),
        (16, rows / 2),
        (64, rows),
        (256, rows),
    ] {
        append(&store, &callers, batch, rows, &text).await?;
    }
    let start = Instant::now();
    for _ in 0..100 {
        store.heads(&rooms).await?;
    }
    println!(
        "heads of 1000 rooms: {:.2} ms",
        start.elapsed().as_secs_f64() * 10.0
    );
    long_log(&store, &callers[..1], &rooms[0], &text).await?;
    delete(&store, &callers[0], &rooms[0]).await?;
    append(&store, &callers[1..], 64, rows / 4, &text).await?;
    close(store, &path)
}

fn main() -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(run())
}

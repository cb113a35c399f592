//! Filling a server with a data set, as far as it is not there yet.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use super::api::{self, Api, MEMBERS_AT_ONCE, USERS_AT_ONCE};
use super::dataset::DataSet;
use super::send_texts;
use super::target::progress;
use super::texts;
use crate::error::BenchError;
use crate::http::HttpConnection;
use crate::report::Report;
use crate::stop;

/// Requests of filling that are under way at a time.
const CONNECTIONS: usize = 16;

/// A data set on a server.
pub(super) struct Filled {
    /// Of each room of the data set.
    pub(super) ids: Vec<String>,
    /// What was done to get there.
    pub(super) report: Report,
}

/// What there is of a room.
#[derive(Clone, Default)]
pub(super) struct Found {
    pub(super) id: String,
    pub(super) members: u64,
    /// Its newest text's number.
    pub(super) messages: u32,
}

/// Makes what is missing of `data`: users, rooms, members, messages. The numbers of users are below
/// `users`, whom the host makes known by name.
///
/// # Errors
///
/// The server refuses something, or ends a connection. What was done stays, and need not be done
/// the next time.
pub(super) fn fill(api: &Api<'_>, data: &DataSet, users: u32) -> Result<Filled, BenchError> {
    let started = Instant::now();
    let mut found = find(api, data)?;
    let missing: Vec<usize> = (0..found.len()).filter(|n| found[*n].is_none()).collect();
    if !missing.is_empty() {
        upsert_users(api, users)?;
        let made = in_parallel(api, "making rooms", &missing, |connection, n| {
            let request = api.make_room(&data.title(n), &data.rooms[n]);
            let members = data.rooms[n].members.len().min(MEMBERS_AT_ONCE) as u64;
            let id = api::make(connection, &request)?;
            Ok(Found {
                id,
                members,
                messages: 0,
            })
        })?;
        for (n, room) in made {
            found[n] = Some(room);
        }
    }
    let found: Vec<Found> = found.into_iter().flatten().collect();
    let members_added = add_members(api, data, &found)?;
    let sent = send_texts::send(api.target, data, &found)?;
    let mut report = Report::default();
    report
        .text("data_set", &data.name)
        .count("rooms", data.rooms.len() as u64)
        .count("messages", data.messages())
        .count("rooms_made", missing.len() as u64)
        .count("members_added", members_added)
        .count("messages_sent", sent.messages)
        .number("seconds", started.elapsed().as_secs_f64());
    if sent.messages > 0 {
        report.number(
            "messages_sent_per_second",
            sent.messages as f64 / sent.seconds,
        );
    }
    let ids = found.into_iter().map(|room| room.id).collect();
    Ok(Filled { ids, report })
}

/// Looks for the rooms among those of their owners.
fn find(api: &Api<'_>, data: &DataSet) -> Result<Vec<Option<Found>>, BenchError> {
    let owners: Vec<usize> = data
        .owners()
        .into_iter()
        .map(|user| user as usize)
        .collect();
    let rooms = in_parallel(api, "looking for rooms", &owners, |connection, owner| {
        api.rooms_of(connection, owner as u32)
    })?;
    let mut found = vec![None; data.rooms.len()];
    for room in rooms.into_iter().flat_map(|(_, rooms)| rooms) {
        let title = room.title.as_deref().unwrap_or_default();
        let Some(n) = data.number_of(title) else {
            continue;
        };
        let last = room.last_message.as_ref();
        found[n] = Some(Found {
            id: room.id,
            members: room.member_count,
            messages: last
                .and_then(|last| texts::number_of(&last.text))
                .unwrap_or(0),
        });
    }
    Ok(found)
}

fn upsert_users(api: &Api<'_>, users: u32) -> Result<(), BenchError> {
    let firsts: Vec<usize> = (0..users as usize).step_by(USERS_AT_ONCE).collect();
    in_parallel(api, "naming users", &firsts, |connection, first| {
        let several = first as u32..users.min((first + USERS_AT_ONCE) as u32);
        api::ask(connection, &api.upsert_users(several, 0))
    })?;
    Ok(())
}

/// Adds the members that rooms lack; answers how many.
fn add_members(api: &Api<'_>, data: &DataSet, found: &[Found]) -> Result<u64, BenchError> {
    let mut connection = api.target.http()?;
    let mut added = 0;
    for (room, Found { id, members, .. }) in data.rooms.iter().zip(found) {
        if *members >= room.members.len() as u64 {
            continue;
        }
        let bar = progress("adding members", room.members.len() as u64);
        for several in room.members.chunks(MEMBERS_AT_ONCE) {
            api::ask(&mut connection, &api.add_members(id, several))?;
            bar.inc(several.len() as u64);
            if stop::requested() {
                return Err(BenchError::Stopped);
            }
        }
        bar.finish_and_clear();
        added += room.members.len() as u64 - members;
    }
    Ok(added)
}

/// Does `each` for all of `items`, several at a time, over connections of their own. The first
/// error ends it.
fn in_parallel<T: Send>(
    api: &Api<'_>,
    doing: &'static str,
    items: &[usize],
    each: impl Fn(&mut HttpConnection, usize) -> Result<T, BenchError> + Sync,
) -> Result<Vec<(usize, T)>, BenchError> {
    let bar = progress(doing, items.len() as u64);
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(items.len()));
    let work = || -> Result<(), BenchError> {
        let mut connection = api.target.http()?;
        while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
            if stop::requested() {
                return Err(BenchError::Stopped);
            }
            let done = each(&mut connection, *item).inspect_err(|_| {
                // Nobody else goes on.
                next.store(items.len(), Ordering::Relaxed);
            })?;
            results
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .push((*item, done));
            bar.inc(1);
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let threads = CONNECTIONS.min(items.len());
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().unwrap_or(Err(BenchError::Stopped)))
    })?;
    bar.finish_and_clear();
    Ok(results
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner))
}

//! The one thread that writes: its connection, transactions and what it remembers.

use std::collections::HashMap;
use std::sync::Arc;

use madang_domain::ports::StoreError;
use madang_domain::{ClientId, Message, Room, RoomId, UserId};
use rusqlite::{Connection, OptionalExtension, params};

use super::connection::{commit_failed, unavailable};
use super::delivered::Marks;
use super::digest::ClientIdKey;
use super::merge::Work;
use super::messages;
use super::rooms::{self, RoomRow};
use super::tail::{Tail, Unmerged};
use super::workers::Worker;

/// Rooms whose row the writer remembers. A full cache is emptied: refilling costs one look-up per
/// room, less than keeping an order of use.
const ROOM_CACHE: usize = 16_384;

/// Owned by the writer thread.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) tail: Arc<Tail>,
    pub(super) key: ClientIdKey,
    /// Rooms as of the last commit, or as of now within a transaction. Emptied when one fails.
    pub(super) rooms: HashMap<RoomId, CachedRoom>,
    /// Unmerged messages by what their senders call them; `client_ids` has the merged ones.
    pub(super) unmerged_ids: HashMap<(i64, UserId, ClientId), Arc<Message>>,
    /// The newest row of the journal that is committed.
    pub(super) arrival: i64,
    /// Messages that were accepted since the last piece of background work.
    pub(super) arrived: usize,
    pub(super) work: Work,
    pub(super) merge_rows: usize,
    pub(super) marks: Arc<Marks>,
    /// What the memory holds may differ from the database: reload before the next job.
    broken: bool,
}

/// A room as the writer sees it, its unmerged messages included.
#[derive(Debug, Clone)]
pub(super) struct CachedRoom {
    pub(super) room_no: i64,
    pub(super) room: Room,
}

impl Writer {
    pub(super) fn new(
        connection: Connection,
        tail: Arc<Tail>,
        marks: Arc<Marks>,
        merge_rows: usize,
    ) -> Result<Self, StoreError> {
        let key = ClientIdKey::load(&connection)?;
        let mut writer = Self {
            connection,
            tail,
            key,
            rooms: HashMap::new(),
            unmerged_ids: HashMap::new(),
            arrival: 0,
            arrived: 0,
            work: Work::start(),
            merge_rows: merge_rows.max(1),
            marks,
            broken: false,
        };
        writer.reload()?;
        Ok(writer)
    }

    /// Makes the memory agree with the journal, as after a crash.
    fn reload(&mut self) -> Result<(), StoreError> {
        self.rooms.clear();
        self.unmerged_ids.clear();
        self.work = Work::start();
        let unmerged = messages::unmerged(&self.connection)?;
        for item in &unmerged {
            self.remember_id(item.room_no, &item.message);
        }
        self.tail.replace(&unmerged);
        let newest =
            self.connection
                .query_row("SELECT coalesce(max(arrival), 0) FROM journal", [], |row| {
                    row.get::<_, i64>(0)
                });
        self.arrival = self.arrival.max(newest.map_err(unavailable)?);
        self.broken = false;
        Ok(())
    }

    pub(super) fn remember_id(&mut self, room_no: i64, message: &Arc<Message>) {
        if let Some(client_id) = &message.client_id {
            let key = (room_no, message.sender.clone(), client_id.clone());
            self.unmerged_ids.insert(key, Arc::clone(message));
        }
    }

    pub(super) fn forget_id(&mut self, room_no: i64, message: &Message) {
        if let Some(client_id) = &message.client_id {
            let key = (room_no, message.sender.clone(), client_id.clone());
            self.unmerged_ids.remove(&key);
        }
    }

    /// Runs `work` in one transaction: all of it is durable when this answers `Ok`, none of it is
    /// done otherwise, but for [`StoreError::OutcomeUnknown`].
    pub(super) fn transaction<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if self.broken {
            self.roll_back();
            self.reload()?;
        }
        self.execute("BEGIN IMMEDIATE").map_err(unavailable)?;
        let result = work(self).and_then(|answer| {
            self.execute("COMMIT").map_err(commit_failed)?;
            Ok(answer)
        });
        if result.is_err() {
            self.roll_back();
            self.rooms.clear();
        }
        result
    }

    fn roll_back(&mut self) {
        if self.connection.is_autocommit() {
            return;
        }
        if let Err(error) = self.execute("ROLLBACK") {
            tracing::error!(%error, "cannot roll back");
            self.broken = true;
        }
    }

    fn execute(&self, sql: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(sql)?.execute([]).map(drop)
    }

    /// The room as it is now; remembered.
    pub(super) fn load_room(&mut self, id: &RoomId) -> Result<Option<&mut CachedRoom>, StoreError> {
        if !self.rooms.contains_key(id) {
            let Some(RoomRow { room_no, mut room }) = rooms::find(&self.connection, id)? else {
                return Ok(None);
            };
            room.head.last = self.tail.last_of_writer(room_no, room.head.last);
            self.rooms.insert(id.clone(), CachedRoom { room_no, room });
        }
        Ok(self.rooms.get_mut(id))
    }

    /// Keeps the memory bounded; between transactions only.
    pub(super) fn trim_cache(&mut self) {
        if self.rooms.len() > ROOM_CACHE {
            self.rooms.clear();
        }
    }

    /// Commits a change of nothing, so that a database that cannot be written is found.
    pub(super) fn check(&mut self) -> Result<(), StoreError> {
        self.transaction(|writer| {
            writer
                .connection
                .prepare_cached("UPDATE settings SET value = value")
                .and_then(|mut statement| statement.execute([]))
                .map(drop)
                .map_err(unavailable)
        })
    }

    /// Undoes in memory what an append that did not commit had added.
    pub(super) fn take_back(&mut self, batch: &[Unmerged]) {
        self.tail.take_back(batch);
        for item in batch {
            self.forget_id(item.room_no, &item.message);
        }
    }

    /// The merged message that `sender` calls `client_id`.
    pub(super) fn find_merged(
        &self,
        room: &CachedRoom,
        sender: &UserId,
        client_id: &ClientId,
    ) -> Result<Option<Arc<Message>>, StoreError> {
        let digest = self.key.digest(sender, client_id);
        let find = || {
            let mut statement = self
                .connection
                .prepare_cached("SELECT seq FROM client_ids WHERE room_no = ?1 AND digest = ?2")?;
            let rows = statement.query_map(params![room.room_no, digest], |row| row.get(0))?;
            rows.collect::<rusqlite::Result<Vec<i64>>>()
        };
        for seq in find().map_err(unavailable)? {
            let message = messages::one(&self.connection, room, seq)?;
            let same = |m: &Message| m.sender == *sender && m.client_id.as_ref() == Some(client_id);
            if let Some(message) = message.filter(same) {
                return Ok(Some(Arc::new(message)));
            }
        }
        Ok(None)
    }
}

impl Worker for Writer {
    fn recover(&mut self) {
        self.broken = true;
        self.roll_back();
    }

    fn background(&mut self) -> bool {
        self.merge_some()
    }

    fn close(self) {
        // The readers are closed by now, so that the WAL can be emptied.
        let emptied = self
            .connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .optional();
        if let Err(error) = emptied {
            tracing::warn!(%error, "cannot checkpoint at close");
        }
    }
}

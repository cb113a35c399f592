//! Messages: merged ones in `messages`, the newest ones in `journal`.

use std::sync::Arc;

use madang_domain::ports::{LogPage, LogQuery, StoreError};
use madang_domain::{
    ClientId, Epoch, Message, Position, RoomId, SenderKind, Seq, Timestamp, UserId,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::connection::unavailable;
use super::reader::Reader;
use super::rooms::{damaged, find_head, number, seq, sql_limit};
use super::tail::{Outdated, Snapshot, Tail, Unmerged};
use super::writer::CachedRoom;

macro_rules! select_messages {
    ($rest:literal) => {
        concat!(
            "SELECT seq, sent_at, sender_kind, sender, sender_name, client_id, text
             FROM messages WHERE room_no = ?1 AND ",
            $rest
        )
    };
}

pub(super) const AFTER: &str = select_messages!("seq > ?2 ORDER BY seq LIMIT ?3");
pub(super) const BEFORE: &str = select_messages!("seq < ?2 ORDER BY seq DESC LIMIT ?3");
pub(super) const ONE: &str = select_messages!("seq = ?2");

pub(super) const fn kind_number(kind: SenderKind) -> i64 {
    match kind {
        SenderKind::Customer => 0,
        SenderKind::Agent => 1,
    }
}

/// Makes messages of one room's rows. Neighbours mostly have the same few senders: their texts
/// are shared.
struct Decoder<'a> {
    room: &'a RoomId,
    epoch: Epoch,
    senders: Vec<(UserId, Option<Arc<str>>)>,
}

/// Senders that a page remembers; a desk room has two.
const SENDERS_REMEMBERED: usize = 4;

impl<'a> Decoder<'a> {
    const fn new(room: &'a RoomId, epoch: Epoch) -> Self {
        Self {
            room,
            epoch,
            senders: Vec::new(),
        }
    }

    /// `first` is the column of `seq`; the others follow as in `select_messages`.
    fn message(&mut self, row: &Row<'_>, first: usize) -> rusqlite::Result<Message> {
        let sender_kind = match row.get::<_, u8>(first + 2)? {
            0 => SenderKind::Customer,
            1 => SenderKind::Agent,
            other => return Err(damaged(first + 2, format_args!("no such part: {other}"))),
        };
        let (sender, sender_name) = self.sender(row, first + 3)?;
        let client_id = match row.get_ref(first + 5)?.as_str_or_null()? {
            Some(text) => Some(ClientId::new(text).map_err(|error| damaged(first + 5, error))?),
            None => None,
        };
        Ok(Message {
            room: self.room.clone(),
            position: Position {
                epoch: self.epoch,
                seq: seq(row, first)?,
            },
            sender,
            sender_name,
            sender_kind,
            client_id,
            text: Arc::from(row.get_ref(first + 6)?.as_str()?),
            sent_at: Timestamp::from_micros(row.get(first + 1)?),
        })
    }

    fn sender(
        &mut self,
        row: &Row<'_>,
        column: usize,
    ) -> rusqlite::Result<(UserId, Option<Arc<str>>)> {
        let id = row.get_ref(column)?.as_str()?;
        let name = row.get_ref(column + 1)?.as_str_or_null()?;
        let known = |(user, known): &&(UserId, Option<Arc<str>>)| {
            user.as_str() == id && known.as_deref() == name
        };
        if let Some(found) = self.senders.iter().find(known) {
            return Ok(found.clone());
        }
        let user = UserId::new(id).map_err(|error| damaged(column, error))?;
        let sender = (user, name.map(Arc::from));
        if self.senders.len() < SENDERS_REMEMBERED {
            self.senders.push(sender.clone());
        }
        Ok(sender)
    }
}

/// Adds a message to its room's log.
pub(super) fn insert(
    connection: &Connection,
    room_no: i64,
    message: &Message,
    digest: Option<i64>,
) -> rusqlite::Result<()> {
    let seq = message.position.seq.get().cast_signed();
    connection
        .prepare_cached(
            "INSERT INTO messages (room_no, seq, sent_at, sender_kind, sender, sender_name,
                                   client_id, text)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            room_no,
            seq,
            message.sent_at.as_micros(),
            kind_number(message.sender_kind),
            message.sender.as_str(),
            message.sender_name.as_deref(),
            message.client_id.as_ref().map(ClientId::as_str),
            &*message.text,
        ])?;
    if let Some(digest) = digest {
        connection
            .prepare_cached("INSERT INTO client_ids (room_no, digest, seq) VALUES (?1, ?2, ?3)")?
            .execute([room_no, digest, seq])?;
    }
    Ok(())
}

/// A merged message.
pub(super) fn one(
    connection: &Connection,
    room: &CachedRoom,
    seq: i64,
) -> Result<Option<Message>, StoreError> {
    let mut decoder = Decoder::new(&room.room.id, room.room.head.epoch);
    connection
        .prepare_cached(ONE)
        .and_then(|mut statement| {
            let row = |row: &Row<'_>| decoder.message(row, 0);
            statement.query_row([room.room_no, seq], row).optional()
        })
        .map_err(unavailable)
}

/// What of the journal counts: rows of rooms that exist, not merged yet.
pub(super) fn unmerged(connection: &Connection) -> Result<Vec<Unmerged>, StoreError> {
    let read = || {
        let mut statement = connection.prepare(
            "SELECT j.arrival, j.room_no, r.id, r.epoch, j.seq, j.sent_at, j.sender_kind,
                    j.sender, j.sender_name, j.client_id, j.text
             FROM journal AS j CROSS JOIN rooms AS r ON r.room_no = j.room_no
                 CROSS JOIN logs AS l ON l.room_no = j.room_no
             WHERE j.seq > l.last_seq ORDER BY j.arrival",
        )?;
        let rows = statement.query_map([], |row| {
            let id = RoomId::new(row.get_ref(2)?.as_str()?).map_err(|error| damaged(2, error))?;
            let message = Decoder::new(&id, Epoch::new(number(row, 3)?)).message(row, 4)?;
            Ok(Unmerged {
                room_no: row.get(1)?,
                arrival: row.get(0)?,
                message: Arc::new(message),
            })
        })?;
        rows.collect::<rusqlite::Result<Vec<_>>>()
    };
    read().map_err(unavailable)
}

impl Reader {
    pub(super) fn read_log(
        &self,
        id: &RoomId,
        query: LogQuery,
        limit: usize,
    ) -> Result<Option<LogPage>, StoreError> {
        self.snapshot(|connection, snapshot, tail| {
            read_log(connection, snapshot, tail, id, query, limit)
        })
    }
}

fn read_log(
    connection: &Connection,
    snapshot: Snapshot,
    tail: &Tail,
    id: &RoomId,
    query: LogQuery,
    limit: usize,
) -> Result<Result<Option<LogPage>, Outdated>, StoreError> {
    let Some((room_no, mut head)) = find_head(connection, id)? else {
        // A missing room needs nothing of the tail.
        return Ok(Ok(None));
    };
    let merged = head.last;
    let (last, newer) = match tail.read(snapshot, room_no, merged, query, limit) {
        Ok(found) => found,
        Err(outdated) => return Ok(Err(outdated)),
    };
    head.last = last;
    let mut decoder = Decoder::new(id, head.epoch);
    let mut select = |sql, from: Seq, limit| {
        let mut statement = connection.prepare_cached(sql)?;
        let values = params![room_no, from.get().cast_signed(), sql_limit(limit)];
        let rows = statement.query_map(values, |row| decoder.message(row, 0).map(Arc::new))?;
        rows.collect::<rusqlite::Result<Vec<_>>>()
    };
    let messages = match query {
        LogQuery::After(seq) if seq >= merged => newer,
        LogQuery::After(seq) => {
            let mut messages = select(AFTER, seq, limit).map_err(unavailable)?;
            messages.extend(newer.into_iter().take(limit - messages.len().min(limit)));
            messages
        }
        LogQuery::Before(_) if newer.len() >= limit => newer,
        LogQuery::Before(seq) => {
            let rest = limit - newer.len();
            let mut messages = select(BEFORE, seq, rest).map_err(unavailable)?;
            messages.reverse();
            messages.extend(newer);
            messages
        }
    };
    Ok(Ok(Some(LogPage { head, messages })))
}

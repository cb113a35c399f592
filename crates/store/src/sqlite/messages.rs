//! Entries of rooms' logs: merged ones in `messages`, the newest ones in `journal`.

use std::sync::Arc;

use madang_domain::ports::{LogPage, LogQuery, PageSpace, StoreError};
use madang_domain::{ClientId, Epoch, Message, MessageKind, Position, RoomId, Seq, UserId};
use rusqlite::{Connection, Row, Statement, params};

use super::reader::{Halt, Read, Reader};
use super::rooms::{self, find_log};
use super::sql::{self, all, all_while, damaged, first, number, one_of, signed, sql_limit};
use super::tail::Unmerged;
use crate::{extra, numbers};

macro_rules! select_messages {
    ($rest:literal) => {
        concat!(
            "SELECT seq, kind, sent_at, sender_kind, sender, sender_name, client_id, extra, text, n
             FROM messages WHERE room_no = ?1 AND ",
            $rest
        )
    };
}
pub(super) use select_messages;

pub(super) const AFTER: &str = select_messages!("seq > ?2 ORDER BY seq LIMIT ?3");
pub(super) const BEFORE: &str = select_messages!("seq < ?2 ORDER BY seq DESC LIMIT ?3");
pub(super) const ONE: &str = select_messages!("seq = ?2");

/// Makes messages of one room's rows. Neighbours mostly have the same few senders: their texts
/// are shared.
pub(super) struct Decoder<'a> {
    room: &'a RoomId,
    epoch: Epoch,
    senders: Vec<(UserId, Option<Arc<str>>)>,
}

/// Senders that a page remembers.
const SENDERS_REMEMBERED: usize = 8;

impl<'a> Decoder<'a> {
    pub(super) const fn new(room: &'a RoomId, epoch: Epoch) -> Self {
        Self {
            room,
            epoch,
            senders: Vec::new(),
        }
    }

    /// `first` is the column of `seq`; the others follow as in `select_messages`.
    pub(super) fn message(&mut self, row: &Row<'_>, first: usize) -> rusqlite::Result<Message> {
        let (sender, sender_name) = self.sender(row, first + 4)?;
        let client_id = match row.get_ref(first + 6)?.as_str_or_null()? {
            Some(text) => Some(ClientId::new(text).map_err(|error| damaged(first + 6, error))?),
            None => None,
        };
        let extra = match row.get_ref(first + 7)?.as_str_or_null()? {
            Some(json) => Some(extra::decode(json).map_err(|error| damaged(first + 7, error))?),
            None => None,
        };
        Ok(Message {
            room: self.room.clone(),
            position: Position {
                epoch: self.epoch,
                seq: sql::seq(row, first)?,
            },
            kind: one_of(row, first + 1, MessageKind::from_number)?,
            sender,
            sender_name,
            sender_kind: one_of(row, first + 3, numbers::sender_kind)?,
            client_id,
            text: Arc::from(row.get_ref(first + 8)?.as_str()?),
            sent_at: sql::timestamp(row, first + 2)?,
            extra,
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

pub(super) const INSERT: &str =
    "INSERT INTO messages (room_no, seq, n, kind, sent_at, sender_kind, sender, sender_name,
                           client_id, extra, text)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";

/// Adds an entry to what is merged of its room's log: by [`INSERT`].
pub(super) fn insert(
    insert: &mut Statement<'_>,
    room_no: i64,
    message: &Message,
    n: u64,
) -> rusqlite::Result<()> {
    let values = params![
        room_no,
        signed(message.position.seq),
        n.cast_signed(),
        message.kind.number(),
        message.sent_at.as_micros(),
        numbers::of_sender_kind(message.sender_kind),
        message.sender.as_str(),
        message.sender_name.as_deref(),
        message.client_id.as_ref().map(ClientId::as_str),
        extra::encode(message.extra.as_deref()),
        &*message.text,
    ];
    insert.execute(values).map(drop)
}

/// A merged entry, and [`super::tail::End::n`] of it.
pub(super) fn one(
    connection: &Connection,
    room_no: i64,
    (room, epoch): (&RoomId, Epoch),
    seq: Seq,
) -> Result<Option<(Message, u64)>, StoreError> {
    let mut decoder = Decoder::new(room, epoch);
    first(connection, ONE, [room_no, signed(seq)], |row| {
        Ok((decoder.message(row, 0)?, number(row, 9)?))
    })
}

/// What of the journal counts: rows of rooms that exist, not merged yet.
pub(super) fn unmerged(connection: &Connection) -> Result<Vec<Unmerged>, StoreError> {
    // How far each log is counted, by its number.
    let mut counted = std::collections::HashMap::new();
    let find = "SELECT j.seq, j.kind, j.sent_at, j.sender_kind, j.sender, j.sender_name,
                       j.client_id, j.extra, j.text, j.arrival, j.room_no, r.id, r.epoch, l.last_n
                FROM journal AS j CROSS JOIN rooms AS r ON r.room_no = j.room_no
                    CROSS JOIN logs AS l ON l.room_no = j.room_no
                WHERE j.seq > l.last_seq ORDER BY j.arrival";
    all(connection, find, [], |row| {
        let id = rooms::room_id(row, 11)?;
        let message = Decoder::new(&id, Epoch::new(number(row, 12)?)).message(row, 0)?;
        let room_no = row.get(10)?;
        let merged = number(row, 13)?;
        let n = counted.entry(room_no).or_insert(merged);
        *n += u64::from(message.kind.counts());
        Ok(Unmerged {
            room_no,
            arrival: row.get(9)?,
            n: *n,
            message: Arc::new(message),
        })
    })
}

impl Reader {
    pub(super) fn read_log(
        &self,
        id: &RoomId,
        query: LogQuery,
        limit: usize,
    ) -> Result<Option<LogPage>, StoreError> {
        self.snapshot(|read| read.log(id, query, limit))
    }

    pub(super) fn message(
        &self,
        id: &RoomId,
        seq: Seq,
    ) -> Result<Option<Arc<Message>>, StoreError> {
        self.snapshot(|read| {
            let Some((head, log)) = find_log(read.connection, id)? else {
                return Ok(None);
            };
            if seq > log.end.seq {
                let newer = read.tail()?.one(head.room_no, log.end.seq, seq);
                return Ok(newer.map(|(message, _)| message));
            }
            let found = one(read.connection, head.room_no, (id, head.epoch), seq)?;
            Ok(found.map(|(message, _)| Arc::new(message)))
        })
    }
}

impl Read<'_> {
    fn log(&self, id: &RoomId, query: LogQuery, limit: usize) -> Result<Option<LogPage>, Halt> {
        let Some((found, log)) = find_log(self.connection, id)? else {
            return Ok(None);
        };
        let merged = log.end.seq;
        let (end, newer) = {
            let tail = self.tail()?;
            let newer = tail.log(found.room_no, merged, query, limit);
            (tail.end(found.room_no, log.end), newer)
        };
        let mut space = PageSpace::of(query);
        let mut decoder = Decoder::new(id, found.epoch);
        let mut select = |sql, from: Seq, limit| {
            let values = params![found.room_no, signed(from), sql_limit(limit)];
            let mut entry = |row: &Row<'_>| decoder.message(row, 0).map(Arc::new);
            all_while(self.connection, sql, values, &mut entry, |m| space.take(m))
        };
        let messages = match query {
            LogQuery::After(seq) | LogQuery::Within(seq, _) if seq >= merged => {
                within(newer, &mut space)
            }
            LogQuery::After(seq) | LogQuery::Within(seq, _) => {
                let (mut messages, may_follow) = select(AFTER, seq, limit)?;
                if may_follow {
                    let left = limit - messages.len().min(limit);
                    messages.extend(within(newer.into_iter().take(left), &mut space));
                }
                messages
            }
            LogQuery::Before(_) if newer.len() >= limit => newer,
            LogQuery::Before(seq) => {
                let (mut messages, _) = select(BEFORE, seq, limit - newer.len())?;
                messages.reverse();
                messages.extend(newer);
                messages
            }
        };
        let head = found.head(end.seq, log.oldest);
        Ok(Some(LogPage { head, messages }))
    }
}

/// The first ones that a page has space for.
fn within(
    messages: impl IntoIterator<Item = Arc<Message>>,
    space: &mut PageSpace,
) -> Vec<Arc<Message>> {
    let mut page = Vec::new();
    for message in messages {
        let may_follow = space.take(&message);
        page.push(message);
        if !may_follow {
            break;
        }
    }
    page
}

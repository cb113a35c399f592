//! Entries of rooms' logs, and pages of them.

use std::sync::Arc;

use madang_domain::ports::{LogPage, LogQuery, PageSpace, StoreError};
use madang_domain::{ClientId, Epoch, Message, MessageKind, Position, RoomId, Seq, UserId};

use super::database::{
    Database, Row, all_while, damaged, first, number, one_of, seq, sql_limit, timestamp, values,
};
use super::read::{Halt, Read};
use super::rooms::find_log;
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
pub(crate) use select_messages;

pub(crate) const AFTER: &str = select_messages!("seq > ?2 ORDER BY seq LIMIT ?3");
pub(crate) const BEFORE: &str = select_messages!("seq < ?2 ORDER BY seq DESC LIMIT ?3");
pub(crate) const ONE: &str = select_messages!("seq = ?2");

/// Makes messages of one room's rows. Neighbours mostly have the same few senders: their texts
/// are shared.
pub(crate) struct Decoder<'a> {
    room: &'a RoomId,
    epoch: Epoch,
    senders: Vec<(UserId, Option<Arc<str>>)>,
}

/// Senders that a page remembers.
const SENDERS_REMEMBERED: usize = 8;

impl<'a> Decoder<'a> {
    pub(crate) const fn new(room: &'a RoomId, epoch: Epoch) -> Self {
        Self {
            room,
            epoch,
            senders: Vec::new(),
        }
    }

    /// `first` is the column of `seq`; the others follow as in `select_messages`.
    pub(crate) fn message(&mut self, row: &dyn Row, first: usize) -> Result<Message, StoreError> {
        let (sender, sender_name) = self.sender(row, first + 4)?;
        let client_id = match row.opt_str(first + 6)? {
            Some(text) => Some(ClientId::new(text).map_err(|error| damaged(first + 6, error))?),
            None => None,
        };
        let extra = match row.opt_str(first + 7)? {
            Some(json) => Some(extra::decode(json).map_err(|error| damaged(first + 7, error))?),
            None => None,
        };
        Ok(Message {
            room: self.room.clone(),
            position: Position {
                epoch: self.epoch,
                seq: seq(row, first)?,
            },
            kind: one_of(row, first + 1, MessageKind::from_number)?,
            sender,
            sender_name,
            sender_kind: one_of(row, first + 3, numbers::sender_kind)?,
            client_id,
            text: Arc::from(row.str(first + 8)?),
            sent_at: timestamp(row, first + 2)?,
            extra,
        })
    }

    fn sender(
        &mut self,
        row: &dyn Row,
        column: usize,
    ) -> Result<(UserId, Option<Arc<str>>), StoreError> {
        let id = row.str(column)?;
        let name = row.opt_str(column + 1)?;
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

/// An entry that the table has, and [`super::log::End::n`] of it.
pub(crate) fn one(
    database: &dyn Database,
    room_no: i64,
    (room, epoch): (&RoomId, Epoch),
    seq: Seq,
) -> Result<Option<(Message, u64)>, StoreError> {
    let mut decoder = Decoder::new(room, epoch);
    first(database, ONE, values![room_no, seq], |row| {
        Ok((decoder.message(row, 0)?, number(row, 9)?))
    })
}

impl Read<'_> {
    pub(crate) fn message(&self, id: &RoomId, seq: Seq) -> Result<Option<Arc<Message>>, Halt> {
        let Some((head, log)) = find_log(self.database, id)? else {
            return Ok(None);
        };
        if seq > log.end.seq {
            return Ok(self.newest.one(head.room_no, log.end.seq, seq)?);
        }
        let found = one(self.database, head.room_no, (id, head.epoch), seq)?;
        Ok(found.map(|(message, _)| Arc::new(message)))
    }

    pub(crate) fn read_log(
        &self,
        id: &RoomId,
        query: LogQuery,
        limit: usize,
    ) -> Result<Option<LogPage>, Halt> {
        let Some((found, log)) = find_log(self.database, id)? else {
            return Ok(None);
        };
        let merged = log.end.seq;
        let newer = self.newest.log(found.room_no, merged, query, limit)?;
        let end = self.newest.end(found.room_no, log.end)?;
        let mut space = PageSpace::of(query);
        let mut decoder = Decoder::new(id, found.epoch);
        let mut select = |sql: &'static str, from: Seq, limit| {
            let values = values![found.room_no, from, sql_limit(limit)];
            let mut entry = |row: &dyn Row| decoder.message(row, 0).map(Arc::new);
            all_while(self.database, sql, values, &mut entry, |m| space.take(m))
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

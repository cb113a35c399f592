//! Appending entries to logs and changing what they say: the one way to do it.

use std::sync::Arc;

use madang_domain::ports::StoreError;
use madang_domain::{
    ClientId, Committed, Extra, Message, MessageKind, Person, RoomId, SenderKind, Seq, Timestamp,
    UserId,
};
use rusqlite::params;

use super::memory::CachedRoom;
use super::sql::{execute, signed};
use super::tail::Unmerged;
use super::writer::Writer;
use super::{filter, messages};
use crate::{extra, numbers};

/// An entry that has no place yet.
pub(super) struct NewEntry {
    pub(super) kind: MessageKind,
    pub(super) sender: Person,
    pub(super) sender_kind: SenderKind,
    pub(super) client_id: Option<ClientId>,
    pub(super) text: Arc<str>,
    pub(super) at: Timestamp,
    pub(super) extra: Extra,
}

impl NewEntry {
    /// Something that happened.
    pub(super) fn event(
        kind: MessageKind,
        (sender, sender_kind): (&Person, SenderKind),
        at: Timestamp,
        extra: Extra,
    ) -> Self {
        Self {
            kind,
            sender: sender.clone(),
            sender_kind,
            client_id: None,
            text: Arc::from(""),
            at,
            extra,
        }
    }
}

impl Writer {
    /// Appends to the log of a room that is there.
    pub(super) fn append(
        &mut self,
        id: &RoomId,
        new: NewEntry,
        done: &mut Committed,
    ) -> Result<Arc<Message>, StoreError> {
        if self.memory.room(id).is_none() {
            self.load_room(id)?;
        }
        let Some(cached) = self.memory.room_mut(id) else {
            return Err(StoreError::Corrupt("a room has no row".to_owned()));
        };
        let head = &mut cached.head;
        head.last = head.last.next();
        cached.n += u64::from(new.kind.counts());
        let (room_no, n) = (cached.room_no, cached.n);
        let extra = (new.extra != Extra::default()).then(|| Box::new(new.extra));
        let message = Arc::new(Message {
            room: id.clone(),
            position: head.position(),
            kind: new.kind,
            sender: new.sender.user,
            sender_name: new.sender.name,
            sender_kind: new.sender_kind,
            client_id: new.client_id,
            text: new.text,
            sent_at: new.at,
            extra,
        });
        let item = Unmerged {
            room_no,
            arrival: self.arrival + 1,
            n,
            message: Arc::clone(&message),
        };
        self.journal(&item)?;
        self.arrival = item.arrival;
        self.remember_id(room_no, &message);
        // Before the commit, or a reader could see it without finding its entries.
        self.tail.push(&item);
        self.pending.pushed.push(item);
        done.entries.push(Arc::clone(&message));
        Ok(message)
    }

    fn journal(&self, item: &Unmerged) -> Result<(), StoreError> {
        let message = &item.message;
        execute(
            &self.connection,
            "INSERT INTO journal (arrival, room_no, seq, kind, sent_at, sender_kind, sender,
                                  sender_name, client_id, extra, text)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            params![
                item.arrival,
                item.room_no,
                signed(message.position.seq),
                message.kind.number(),
                message.sent_at.as_micros(),
                numbers::of_sender_kind(message.sender_kind),
                message.sender.as_str(),
                message.sender_name.as_deref(),
                message.client_id.as_ref().map(ClientId::as_str),
                extra::encode(message.extra.as_deref()),
                &*message.text,
            ],
        )
        .map(drop)
    }

    /// An entry as it reads now, and how many countable ones the log had up to it.
    pub(super) fn entry(
        &self,
        id: &RoomId,
        room: &CachedRoom,
        seq: Seq,
    ) -> Result<Option<(Arc<Message>, u64)>, StoreError> {
        if seq > room.head.last || seq < room.head.oldest {
            return Ok(None);
        }
        if let Some((_, n, message)) = self.tail.one_of_writer(room.room_no, seq) {
            return Ok(Some((message, n)));
        }
        let of = (id, room.head.epoch);
        let found = messages::one(&self.connection, room.room_no, of, seq)?;
        Ok(found.map(|(message, n)| (Arc::new(message), n)))
    }

    /// Puts another text, and other extras, in the place of an entry's.
    pub(super) fn rewrite(&mut self, room_no: i64, message: Message) -> Result<(), StoreError> {
        self.pending.is_less = true;
        let seq = message.position.seq;
        let json = extra::encode(message.extra.as_deref());
        if let Some((arrival, _, _)) = self.tail.one_of_writer(room_no, seq) {
            execute(
                &self.connection,
                "UPDATE journal SET extra = ?2, text = ?3 WHERE arrival = ?1",
                params![arrival, json, &*message.text],
            )?;
            self.tail.revise(room_no, self.arrival, Arc::new(message));
            self.pending.revised.push((room_no, seq));
            return Ok(());
        }
        execute(
            &self.connection,
            "UPDATE messages SET extra = ?3, text = ?4 WHERE room_no = ?1 AND seq = ?2",
            params![room_no, signed(seq), json, &*message.text],
        )?;
        if !filter::is_searched(message.kind) {
            return Ok(());
        }
        filter::renew(&self.connection, room_no, seq)
    }

    /// Raises the access version, for the entry by which `user` loses the right to read.
    pub(super) fn revoke(
        &mut self,
        id: &RoomId,
        user: &UserId,
    ) -> Result<Option<(UserId, u64)>, StoreError> {
        let Some(cached) = self.memory.room_mut(id) else {
            return Ok(None);
        };
        cached.head.access_version += 1;
        let version = cached.head.access_version;
        execute(
            &self.connection,
            "UPDATE rooms SET access_version = ?2 WHERE room_no = ?1",
            [cached.room_no, version.cast_signed()],
        )?;
        Ok(Some((user.clone(), version)))
    }
}

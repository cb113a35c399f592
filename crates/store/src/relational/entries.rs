//! Appending entries to logs and changing what they say: the one way to do it.

use std::sync::Arc;

use madang_domain::ports::StoreError;
use madang_domain::{
    ClientId, Committed, Extra, Message, MessageKind, Person, RoomId, SenderKind, Seq, Timestamp,
    UserId,
};

use super::change::Change;
use super::database::{execute, values};
use super::log::Placed;
use super::memory::CachedRoom;
use super::{filter, messages};
use crate::extra;

/// An entry that has no place yet.
pub(crate) struct NewEntry {
    pub(crate) kind: MessageKind,
    pub(crate) sender: Person,
    pub(crate) sender_kind: SenderKind,
    pub(crate) client_id: Option<ClientId>,
    pub(crate) text: Arc<str>,
    pub(crate) at: Timestamp,
    pub(crate) extra: Extra,
}

impl NewEntry {
    /// Something that happened.
    pub(crate) fn event(
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

impl Change<'_> {
    /// Appends to the log of a room that is there.
    pub(crate) fn append(
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
        let entry = Placed {
            room_no,
            n,
            message: Arc::clone(&message),
        };
        self.log.append(self.database, entry)?;
        done.entries.push(Arc::clone(&message));
        Ok(message)
    }

    /// An entry as it reads now, and how many countable ones the log had up to it.
    pub(crate) fn entry(
        &self,
        id: &RoomId,
        room: &CachedRoom,
        seq: Seq,
    ) -> Result<Option<(Arc<Message>, u64)>, StoreError> {
        if seq > room.head.last || seq < room.head.oldest {
            return Ok(None);
        }
        if let Some(newest) = self.log.newest(room.room_no, seq) {
            return Ok(Some(newest));
        }
        let of = (id, room.head.epoch);
        let found = messages::one(self.database, room.room_no, of, seq)?;
        Ok(found.map(|(message, n)| (Arc::new(message), n)))
    }

    /// Puts another text, and other extras, in the place of an entry's.
    pub(crate) fn rewrite(&mut self, room_no: i64, message: Message) -> Result<(), StoreError> {
        self.log.note_less();
        let seq = message.position.seq;
        let Some(message) = self.log.rewrite(self.database, room_no, message)? else {
            return Ok(());
        };
        let json = extra::encode(message.extra.as_deref());
        execute(
            self.database,
            "UPDATE messages SET extra = ?3, text = ?4 WHERE room_no = ?1 AND seq = ?2",
            values![room_no, seq, &json, &*message.text],
        )?;
        if !filter::is_searched(message.kind) {
            return Ok(());
        }
        filter::renew(self.database, room_no, seq)
    }

    /// Raises the access version, for the entry by which `user` loses the right to read.
    pub(crate) fn revoke(
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
            self.database,
            "UPDATE rooms SET access_version = ?2 WHERE room_no = ?1",
            values![cached.room_no, version.cast_signed()],
        )?;
        Ok(Some((user.clone(), version)))
    }
}

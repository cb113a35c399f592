//! Logs as database servers keep them: entries go to their table with the transaction that accepts
//! them, all at once, right before it commits.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use madang_domain::ports::StoreError;
use madang_domain::receipt::ReadMark;
use madang_domain::{
    ClientId, Command, Draft, Message, MessageKind, RoomAction, RoomId, Seq, Standing, UserId,
};

use super::link::{Brand, Session};
use super::marks::Rooms;
use super::statements::{self, MESSAGE_COLUMNS};
use crate::relational::database::{Database, Value, first, one_of, user_id, values};
use crate::relational::digest::ClientIdKey;
use crate::relational::gathered::Mark;
use crate::relational::log::{End, Log, OfRoom, Placed, Purges, Step};
use crate::relational::memory::Memory;
use crate::relational::messages::{Decoder, select_messages};
use crate::relational::remove::{Traces, by_sender, uncount_own};
use crate::relational::{filter, memory};
use crate::{extra, numbers};

/// Rows of one statement; more are several statements.
pub(super) const ROWS_MAX: usize = 64;

/// What an open transaction is about to write. Made anew for each.
#[derive(Debug, Default)]
pub(super) struct Pending {
    entries: Vec<Placed>,
    /// Where each entry is in `entries`.
    places: HashMap<(i64, Seq), usize>,
    /// Where the logs that have entries here end.
    ends: HashMap<i64, End>,
    /// Entries by what their senders call them: of this transaction, and of those that were asked
    /// for, `None` where there is none.
    named: HashMap<(i64, UserId, ClientId), Option<Arc<Message>>>,
    /// What entries said before: to be put back.
    revised: Vec<(usize, Arc<Message>)>,
    deleted: Vec<i64>,
    /// Of marks.
    rooms: Rooms,
}

/// The log of one transaction.
pub(super) struct RemoteLog<'a, B: Brand> {
    pub(super) session: &'a Session<B>,
    pub(super) key: ClientIdKey,
    pub(super) pending: &'a mut Pending,
}

impl Pending {
    pub(super) fn has_deleted(&self) -> bool {
        !self.deleted.is_empty()
    }

    /// What is written of the entries.
    fn kept(&self) -> impl Iterator<Item = &Placed> {
        let deleted = &self.deleted;
        (self.entries.iter()).filter(move |entry| !deleted.contains(&entry.room_no))
    }

    fn note_entry(&mut self, index: usize, entry: &Placed) {
        let (room_no, message) = (entry.room_no, &entry.message);
        let end = End {
            seq: message.position.seq,
            n: entry.n,
            at: message.sent_at,
        };
        self.places.insert((room_no, end.seq), index);
        self.ends.insert(room_no, end);
        self.note_name(room_no, message);
    }

    /// Notes what is left of the entries; what others are called is asked for again.
    fn note_anew(&mut self) {
        self.places.clear();
        self.ends.clear();
        self.named.clear();
        let entries = std::mem::take(&mut self.entries);
        for (index, entry) in entries.iter().enumerate() {
            self.note_entry(index, entry);
        }
        self.entries = entries;
    }

    fn note_name(&mut self, room_no: i64, message: &Arc<Message>) {
        if let Some(client_id) = &message.client_id {
            let key = (room_no, message.sender.clone(), client_id.clone());
            self.named.insert(key, Some(Arc::clone(message)));
        }
    }
}

impl<B: Brand> RemoteLog<'_, B> {
    /// Writes what is pending.
    pub(super) fn flush(&self) -> Result<(), StoreError> {
        let entries: Vec<&Placed> = self.pending.kept().collect();
        if entries.is_empty() {
            return Ok(());
        }
        self.count_own(&entries)?;
        let last = self.update_logs(&entries)?;
        for entries in entries.chunks(ROWS_MAX) {
            self.insert(entries)?;
        }
        for (room_no, (first, entry)) in last {
            if !entry.message.room.is_internal() {
                let last = entry.message.position.seq;
                filter::complete(self.session, room_no, first.previous(), last)?;
            }
        }
        Ok(())
    }

    /// In the order of rooms and users, as everybody does: rows are locked.
    fn count_own(&self, entries: &[&Placed]) -> Result<(), StoreError> {
        let mut own: BTreeMap<(i64, &str), i64> = BTreeMap::new();
        for Placed {
            room_no, message, ..
        } in entries
        {
            if message.kind == MessageKind::Message {
                *own.entry((*room_no, message.sender.as_str())).or_default() += 1;
            }
        }
        let own: Vec<_> = own.into_iter().collect();
        for own in own.chunks(ROWS_MAX) {
            let mut values: Vec<Value<'_>> = Vec::with_capacity(own.len() * 3);
            for ((room_no, sender), count) in own {
                values.extend([Value::from(*room_no), (*sender).into(), (*count).into()]);
            }
            self.session
                .execute_rows(statements::count_own, own.len(), &values)?;
        }
        Ok(())
    }

    /// Answers each room's first and last new entry.
    fn update_logs<'e>(
        &self,
        entries: &[&'e Placed],
    ) -> Result<BTreeMap<i64, (Seq, &'e Placed)>, StoreError> {
        let mut last: BTreeMap<i64, (Seq, &Placed)> = BTreeMap::new();
        for entry in entries {
            let seq = entry.message.position.seq;
            let room = last.entry(entry.room_no).or_insert((seq, entry));
            room.1 = entry;
        }
        let rows: Vec<&Placed> = last.values().map(|(_, entry)| *entry).collect();
        for rows in rows.chunks(ROWS_MAX) {
            let mut values: Vec<Value<'_>> = Vec::with_capacity(rows.len() * 4);
            for Placed {
                room_no,
                n,
                message,
            } in rows
            {
                values.extend([
                    Value::from(*room_no),
                    message.position.seq.into(),
                    n.cast_signed().into(),
                    message.sent_at.into(),
                ]);
            }
            self.session
                .execute_rows(statements::update_logs, rows.len(), &values)?;
        }
        Ok(last)
    }

    fn insert(&self, entries: &[&Placed]) -> Result<(), StoreError> {
        let extras: Vec<Option<String>> = entries
            .iter()
            .map(|entry| extra::encode(entry.message.extra.as_deref()))
            .collect();
        let mut values: Vec<Value<'_>> = Vec::with_capacity(entries.len() * MESSAGE_COLUMNS);
        for (
            Placed {
                room_no,
                n,
                message,
            },
            extra,
        ) in entries.iter().zip(&extras)
        {
            let client_id = message.client_id.as_ref();
            let digest = client_id.map(|client_id| self.key.digest(&message.sender, client_id));
            values.extend([
                Value::from(*room_no),
                message.position.seq.into(),
                n.cast_signed().into(),
                message.sent_at.into(),
                digest.into(),
                message.kind.number().into(),
                numbers::of_sender_kind(message.sender_kind).into(),
                message.sender.as_str().into(),
                message.sender_name.as_deref().into(),
                client_id.map(ClientId::as_str).into(),
                extra.into(),
                (&*message.text).into(),
            ]);
        }
        let rows = entries.len();
        self.session
            .execute_rows(statements::insert_messages, rows, &values)?;
        Ok(())
    }

    /// Asks which of these entries there are, by what their senders call them.
    fn find_names(
        &mut self,
        drafts: &[(OfRoom<'_>, &UserId, &ClientId)],
    ) -> Result<(), StoreError> {
        let rooms: HashMap<i64, OfRoom<'_>> =
            drafts.iter().map(|(of, ..)| (of.room_no, *of)).collect();
        for drafts in drafts.chunks(ROWS_MAX) {
            let mut values: Vec<Value<'_>> = Vec::with_capacity(drafts.len() * 2);
            for (of, sender, client_id) in drafts {
                values.extend([
                    Value::from(of.room_no),
                    self.key.digest(sender, client_id).into(),
                ]);
                let key = (of.room_no, (*sender).clone(), (*client_id).clone());
                self.pending.named.insert(key, None);
            }
            let (rows, mut found) = (drafts.len(), Vec::new());
            (self.session).query_rows(statements::find_named, rows, &values, &mut |row| {
                let room_no = row.int(9)?;
                if let Some(of) = rooms.get(&room_no) {
                    let message = Decoder::new(of.id, of.epoch).message(row, 0)?;
                    found.push((room_no, Arc::new(message)));
                }
                Ok(true)
            })?;
            for (room_no, message) in &found {
                self.pending.note_name(*room_no, message);
            }
        }
        Ok(())
    }

    /// Asks what senders are to the rooms that they write into.
    fn find_roles(
        &self,
        memory: &mut Memory,
        pairs: &BTreeSet<(i64, &UserId)>,
    ) -> Result<(), StoreError> {
        let pairs: Vec<&(i64, &UserId)> = pairs.iter().collect();
        for pairs in pairs.chunks(ROWS_MAX) {
            let mut values: Vec<Value<'_>> = Vec::with_capacity(pairs.len() * 2);
            for (room_no, user) in pairs {
                values.extend([Value::from(*room_no), user.as_str().into()]);
            }
            let rows = pairs.len();
            (self.session).query_rows(statements::find_roles, rows, &values, &mut |row| {
                let role = one_of(row, 2, numbers::member_role)?;
                memory.set_standing(row.int(0)?, &user_id(row, 1)?, Standing::Member(role));
                Ok(true)
            })?;
        }
        Ok(())
    }
}

impl<B: Brand> Log for RemoteLog<'_, B> {
    /// Locks the rooms, and asks for all of them, their senders and repeats by a statement each.
    fn prepare(
        &mut self,
        database: &dyn Database,
        memory: &mut Memory,
        commands: &[Command],
    ) -> Result<(), StoreError> {
        // The rooms, the desk, inboxes: as everybody does.
        let named = rooms_of(commands);
        let (inboxes, rooms): (BTreeSet<&RoomId>, BTreeSet<&RoomId>) =
            named.iter().partition(|id| id.is_internal());
        memory::load_rooms(database, memory, &rooms)?;
        if commands.iter().any(|command| tells_desk(command, memory)) {
            memory::load_rooms(database, memory, &BTreeSet::from([&RoomId::desk()]))?;
        }
        memory::load_rooms(database, memory, &inboxes)?;
        let (mut named, mut writers) = (Vec::new(), BTreeSet::new());
        for draft in commands.iter().flat_map(drafts) {
            let Some(room) = memory.room(&draft.room) else {
                continue;
            };
            if room.detail.kind().has_members() {
                writers.insert((room.room_no, &draft.sender));
            }
            if let Some(client_id) = &draft.client_id {
                named.push((room.room_no, room.head.epoch, draft, client_id));
            }
        }
        let named: Vec<_> = named
            .into_iter()
            .map(|(room_no, epoch, draft, client_id)| {
                let id = &draft.room;
                (OfRoom { room_no, id, epoch }, &draft.sender, client_id)
            })
            .collect();
        self.find_names(&named)?;
        self.find_roles(memory, &writers)
    }

    fn end(&self, room_no: i64, kept: End) -> End {
        self.pending.ends.get(&room_no).copied().unwrap_or(kept)
    }

    fn append(&mut self, _: &dyn Database, entry: Placed) -> Result<(), StoreError> {
        let index = self.pending.entries.len();
        self.pending.note_entry(index, &entry);
        self.pending.entries.push(entry);
        Ok(())
    }

    fn newest(&self, room_no: i64, seq: Seq) -> Option<(Arc<Message>, u64)> {
        let index = self.pending.places.get(&(room_no, seq))?;
        let entry = &self.pending.entries[*index];
        Some((Arc::clone(&entry.message), entry.n))
    }

    fn rewrite(
        &mut self,
        _: &dyn Database,
        room_no: i64,
        message: Message,
    ) -> Result<Option<Message>, StoreError> {
        let place = (room_no, message.position.seq);
        let Some(index) = self.pending.places.get(&place).copied() else {
            // A repeat of it is answered as it reads from now on.
            let now = Arc::new(message.clone());
            self.pending.note_name(room_no, &now);
            return Ok(Some(message));
        };
        let message = Arc::new(message);
        self.pending.note_name(room_no, &message);
        let before = std::mem::replace(&mut self.pending.entries[index].message, message);
        self.pending.revised.push((index, before));
        Ok(None)
    }

    fn find_named(
        &self,
        database: &dyn Database,
        of: OfRoom<'_>,
        sender: &UserId,
        client_id: &ClientId,
    ) -> Result<Option<Arc<Message>>, StoreError> {
        let key = (of.room_no, sender.clone(), client_id.clone());
        if let Some(known) = self.pending.named.get(&key) {
            return Ok(known.clone());
        }
        let mut found = None;
        let digest = self.key.digest(sender, client_id);
        database.query(FIND_NAMED, values![of.room_no, digest], &mut |row| {
            let message = Decoder::new(of.id, of.epoch).message(row, 0)?;
            if message.sender == *sender && message.client_id.as_ref() == Some(client_id) {
                found = Some(Arc::new(message));
            }
            Ok(found.is_none())
        })?;
        Ok(found)
    }

    fn own_behind(
        &self,
        database: &dyn Database,
        user: &UserId,
        [_, room_no]: [i64; 2],
        place: Seq,
    ) -> Result<i64, StoreError> {
        let of = values![room_no, place, user.as_str()];
        Ok(first(database, statements::OWN_BEHIND, of, |row| row.int(0))?.unwrap_or(0))
    }

    fn remove_traces(
        &mut self,
        database: &dyn Database,
        memory: &mut Memory,
        room_no: i64,
        entries: &[Traces],
    ) -> Result<(), StoreError> {
        for (sender, seqs) in by_sender(entries) {
            if let Some(user_no) = memory::user_no(database, memory, sender)? {
                uncount_own(database, [user_no, room_no], &seqs)?;
            }
        }
        Ok(())
    }

    fn marks_of_rooms(
        &mut self,
        delivered: &[&Mark],
        read: &[&Mark],
    ) -> Result<Option<Vec<usize>>, StoreError> {
        let rooms = Rooms::of(self.session, delivered.iter().chain(read).copied())?;
        let of_rooms = (0..read.len()).filter(|index| rooms.changes_with(read[*index]));
        let of_rooms = of_rooms.collect();
        self.pending.rooms = rooms;
        Ok(Some(of_rooms))
    }

    fn keep_marks(
        &mut self,
        delivered: &[&Mark],
        read: &[&Mark],
    ) -> Result<Vec<Option<ReadMark>>, StoreError> {
        let rooms = &self.pending.rooms;
        let kept = rooms.keep_read(self.session, read)?;
        rooms.keep_delivered(self.session, delivered)?;
        Ok(kept)
    }

    fn note_deleted(&mut self, room_no: i64) {
        self.pending.deleted.push(room_no);
    }

    fn purges(&self) -> Purges {
        B::PURGES
    }

    fn step(&self) -> Step {
        Step {
            appended: self.pending.entries.len(),
            revised: self.pending.revised.len(),
        }
    }

    fn undo_to(&mut self, step: Step) {
        for (index, before) in self.pending.revised.drain(step.revised..).rev() {
            self.pending.entries[index].message = before;
        }
        self.pending.entries.truncate(step.appended);
        self.pending.note_anew();
    }
}

const FIND_NAMED: &str = select_messages!("digest = ?2");

fn drafts(command: &Command) -> &[Draft] {
    match command {
        Command::Send(group) => &group.drafts,
        _ => &[],
    }
}

/// The rooms that commands name.
fn rooms_of(commands: &[Command]) -> BTreeSet<RoomId> {
    let mut rooms = BTreeSet::new();
    for command in commands {
        match command {
            Command::Room(command) => drop(rooms.insert(command.room.clone())),
            Command::OpenSupport(open) => rooms.extend(RoomId::new(open.customer.user.as_str())),
            Command::Notify(notify) => rooms.extend(notify.users.iter().map(RoomId::inbox)),
            Command::Notifications { user, .. } => drop(rooms.insert(RoomId::inbox(user))),
            Command::Send(_) | Command::Create(_) | Command::AlertOverdue { .. } => {}
        }
        rooms.extend(drafts(command).iter().map(|draft| draft.room.clone()));
    }
    rooms
}

/// Whether a command is likely to append to the desk's feed. Noting rooms that wait locks them first.
fn tells_desk(command: &Command, memory: &Memory) -> bool {
    match command {
        Command::OpenSupport(open) => {
            let id = RoomId::new(open.customer.user.as_str());
            id.is_ok_and(|id| memory.room(&id).is_none())
        }
        Command::Room(command) => matches!(
            command.action,
            RoomAction::Claim
                | RoomAction::Release
                | RoomAction::HandOver(_)
                | RoomAction::Complete
                | RoomAction::Leave
                | RoomAction::Delete
        ),
        _ => false,
    }
}

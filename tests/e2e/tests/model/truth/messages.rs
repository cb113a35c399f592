//! Sending, editing, deleting, reading.

use super::rights::{may_revise, part_of, sees_members};
use super::{Body, Entry, HOST, Model, Moment, Room, State, Told, User};

/// What became of something that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Sent {
    pub(in super::super) seq: u64,
    /// Whether it had been sent before.
    pub(in super::super) repeat: bool,
}

/// How old a message is, for its sender to change it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Age {
    Fresh,
    Late,
}

impl Room {
    /// What the client id named, if it was the same thing.
    fn repeat(
        &self,
        (who, client_id): (User, Option<&str>),
        (kind, target): (&str, Option<u64>),
    ) -> Told<Option<Sent>> {
        let Some(client_id) = client_id else {
            return Ok(None);
        };
        let Some(seq) = self.named.get(&(who, client_id.to_owned())).copied() else {
            return Ok(None);
        };
        let is_same = |first: &Entry| first.kind == kind && first.target == target;
        match self.entry(seq).is_some_and(is_same) {
            true => Ok(Some(Sent { seq, repeat: true })),
            false => Err("PARAMETER_INVALID"),
        }
    }

    fn accept(&mut self, now: Moment, mut entry: Entry, client_id: Option<&str>) -> Sent {
        entry.client_id = client_id.map(str::to_owned);
        let sender = entry.sender;
        let seq = self.append(now, entry);
        if let Some(id) = client_id {
            self.named.insert((sender, id.to_owned()), seq);
        }
        Sent { seq, repeat: false }
    }

    fn at(&mut self, seq: u64) -> Option<&mut Entry> {
        let at = usize::try_from(seq).ok()?.checked_sub(1)?;
        self.log.get_mut(at)
    }
}

impl Model {
    pub(in super::super) fn send(
        &mut self,
        who: User,
        id: &str,
        body: &Body,
        client_id: Option<&str>,
    ) -> Told<Sent> {
        let now = self.tick();
        let room = self.room_mut(id)?;
        if let Some(sent) = room.repeat((who, client_id), ("message", None))? {
            return Ok(sent);
        }
        let mut entry = Entry::new("message", who, part_of(room, who)?);
        entry.body = body.clone();
        let sent = room.accept(now, entry, client_id);
        let is_done = room
            .support
            .as_ref()
            .is_some_and(|s| s.state == State::Completed);
        if is_done {
            self.reopen(id);
        }
        Ok(sent)
    }

    /// Another body for an entry, or none.
    pub(in super::super) fn revise(
        &mut self,
        who: User,
        id: &str,
        target: u64,
        body: Option<&Body>,
        (client_id, age): (Option<&str>, Age),
    ) -> Told<Sent> {
        let now = self.tick();
        let room = self.room_mut(id)?;
        let kind = if body.is_some() { "edited" } else { "deleted" };
        if let Some(sent) = room.repeat((who, client_id), (kind, Some(target)))? {
            return Ok(sent);
        }
        let part = part_of(room, who)?;
        let entry = room.entry(target).ok_or("MESSAGE_NOT_FOUND")?;
        may_revise(room, entry, who, age == Age::Late)?;
        let earlier = entry.edited_by;
        let mut change = Entry::new(kind, who, part);
        change.target = Some(target);
        change.body = body.cloned().unwrap_or_default();
        let sent = room.accept(now, change, client_id);
        if let Some(earlier) = earlier.and_then(|seq| room.at(seq)) {
            earlier.body = Body::default();
        }
        if let Some(entry) = room.at(target) {
            entry.body = body.cloned().unwrap_or_default();
            entry.edited = body.is_some();
            entry.deleted = body.is_none();
            entry.edited_by = Some(sent.seq).filter(|_| body.is_some());
        }
        Ok(sent)
    }

    /// The host's own words.
    pub(in super::super) fn notice(&mut self, id: &str, body: &Body) -> Told<Sent> {
        let now = self.tick();
        let room = self.room_mut(id)?;
        let mut entry = Entry::new("notice", HOST, "host");
        entry.body = body.clone();
        Ok(room.accept(now, entry, None))
    }

    /// Who has a mark raises it; who only looks on has none.
    pub(in super::super) fn read(&mut self, who: User, id: &str, to: u64) -> Told<()> {
        let room = self.room_mut(id)?;
        if !sees_members(room, who) {
            return Err("NOT_YOUR_ROOM");
        }
        let to = to.min(room.last());
        let Some(member) = room.members.get_mut(who) else {
            return Ok(());
        };
        if to <= member.read {
            return Ok(());
        }
        member.read = to;
        // What an agent reads counts for the next one, too.
        if let Some(support) = &mut room.support
            && support.state == State::Assigned(who)
        {
            support.desk_read = support.desk_read.max(to);
        }
        Ok(())
    }
}

//! Inboxes: rooms whose log is a user's notifications.

use std::collections::BTreeSet;
use std::sync::Arc;

use madang_domain::notification::HANDLED_AT_ONCE_MAX;
use madang_domain::ports::StoreError;
use madang_domain::{
    Answer, ClientId, Code, Committed, Extra, Message, MessageKind, Notification,
    NotificationAction, Notify, Person, Revision, RoomId, RoomKind, SenderKind, Seq, Timestamp,
    UserId, WhichNotifications,
};

use super::change::Change;
use super::commit::{Carried, Refused};
use super::create::Beginning;
use super::database::{execute, first, number, seq, sql_limit, values};
use super::entries::NewEntry;
use super::membership::gained;
use super::read::{Halt, Read};
use super::rooms::find_log;
use super::send::without_body;
use crate::notification;

/// What is counted of an inbox.
struct Inbox {
    /// All up to here were made read, or removed, by one command.
    read_to: Seq,
    deleted_to: Seq,
}

pub(crate) const UNREAD: &str = "SELECT handled FROM rooms WHERE room_no = ?1";
pub(crate) const GONE: &str = "SELECT gone FROM rooms WHERE room_no = ?1";

impl Change<'_> {
    pub(crate) fn notify(&mut self, notify: &Notify, done: &mut Committed) -> Carried {
        notify.notification.check()?;
        // Refused before anything is written.
        notification::data(&notify.notification)?;
        let sender = Person {
            user: notify.sender.clone(),
            name: None,
        };
        // Each once, in the order in which everybody locks inboxes.
        let users: BTreeSet<&UserId> = notify.users.iter().collect();
        for user in &users {
            let told = (&notify.notification, notify.client_id.as_ref());
            self.notify_one(user, told, &sender, notify.at, done)?;
        }
        Ok(Answer::Done(users.len()))
    }

    /// Appends to the user's inbox, made when it is missing; nothing, when the sender has named it
    /// so before.
    pub(crate) fn notify_one(
        &mut self,
        user: &UserId,
        (notification, client_id): (&Notification, Option<&ClientId>),
        sender: &Person,
        at: Timestamp,
        done: &mut Committed,
    ) -> Result<(), Refused> {
        let id = RoomId::inbox(user);
        if self.load_room(&id)?.is_none() {
            let (_, head) = self.insert_room(&Beginning {
                id: &id,
                kind: RoomKind::Inbox,
                owner: Some(user),
                at,
            })?;
            done.changes.push(gained(user, &id, &head));
        }
        if let Some(client_id) = client_id
            && self.find_named(&id, &sender.user, client_id)?.is_some()
        {
            return Ok(());
        }
        let extra = Extra {
            data: Some(notification::data(notification)?),
            ..Extra::default()
        };
        let part = (sender, SenderKind::Host);
        let mut entry = NewEntry::event(MessageKind::Notification, part, at, extra);
        entry.text = Arc::clone(&notification.content);
        entry.client_id = client_id.cloned();
        self.append(&id, entry, done)?;
        Ok(())
    }

    pub(crate) fn handle_notifications(
        &mut self,
        user: &UserId,
        (which, action): (WhichNotifications, NotificationAction),
        at: Timestamp,
        done: &mut Committed,
    ) -> Carried {
        let id = RoomId::inbox(user);
        let (target, targets, is_all) = match which {
            WhichNotifications::One(seq) => (seq, vec![self.notification(&id, seq)?], true),
            WhichNotifications::UpTo(seq) => self.notifications_to(&id, seq, action)?,
        };
        let changes: Vec<_> = targets
            .into_iter()
            .filter_map(|message| handled(&message, action, at))
            .collect();
        let (Some(room), false) = (self.memory.room(&id), changes.is_empty()) else {
            let changed = 0;
            return Ok(Answer::Handled { changed, is_all });
        };
        let room_no = room.room_no;
        let person = self.person(user)?;
        let kind = match action {
            NotificationAction::Read => MessageKind::NotificationRead,
            NotificationAction::Delete => MessageKind::NotificationDeleted,
        };
        let up_to = matches!(which, WhichNotifications::UpTo(_));
        let extra = Extra {
            target: Some(target),
            data: up_to.then(|| Arc::from(r#"{"upTo":true}"#)),
            ..Extra::default()
        };
        // First the entry: what it changes is seen from it on.
        let event = NewEntry::event(kind, (&person, SenderKind::Member), at, extra);
        self.append(&id, event, done)?;
        let changed = changes.len();
        let mut newly = 0;
        for (message, was_unread) in changes {
            newly += i64::from(was_unread);
            self.rewrite(room_no, message)?;
        }
        let gone = match action {
            NotificationAction::Read => 0,
            NotificationAction::Delete => sql_limit(changed),
        };
        let add = "UPDATE rooms SET handled = handled + ?2, gone = gone + ?3 WHERE room_no = ?1";
        execute(self.database, add, values![room_no, newly, gone])?;
        Ok(Answer::Handled { changed, is_all })
    }

    /// One that is there.
    fn notification(&mut self, id: &RoomId, seq: Seq) -> Result<Arc<Message>, Refused> {
        self.load_room(id)?;
        let room = self.memory.room(id).ok_or(Code::NotificationNotFound)?;
        let found = self.entry(id, room, seq)?.map(|(message, _)| message);
        let is_there = |message: &Arc<Message>| {
            let is_gone = matches!(message.revision(), Revision::Deleted(_));
            message.kind == MessageKind::Notification && !is_gone
        };
        found
            .filter(is_there)
            .ok_or_else(|| Code::NotificationNotFound.into())
    }

    /// Those up to a number that no earlier command of the kind has passed, as many as one command
    /// handles; the number up to which they go, and whether that is all there is.
    fn notifications_to(
        &mut self,
        id: &RoomId,
        to: Seq,
        action: NotificationAction,
    ) -> Result<(Seq, Vec<Arc<Message>>, bool), StoreError> {
        self.load_room(id)?;
        let Some(room) = self.memory.room(id) else {
            return Ok((to, Vec::new(), true));
        };
        let inbox = self.inbox(room.room_no)?;
        let passed = match action {
            NotificationAction::Read => inbox.read_to.max(inbox.deleted_to),
            NotificationAction::Delete => inbox.deleted_to,
        };
        let from = passed.next().max(room.head.oldest);
        let asked = to.min(room.head.last);
        let to = asked.min(Seq::new(from.previous().get() + HANDLED_AT_ONCE_MAX as u64));
        let mut found = Vec::new();
        for seq in from.get()..=to.get() {
            if let Some((message, _)) = self.entry(id, room, Seq::new(seq))? {
                found.push(message);
            }
        }
        if from <= to {
            self.pass(room.room_no, to, action)?;
        }
        Ok((to, found, to >= asked))
    }

    fn inbox(&self, room_no: i64) -> Result<Inbox, StoreError> {
        let find = "SELECT read_to, deleted_to FROM rooms WHERE room_no = ?1";
        let found = first(self.database, find, values![room_no], |row| {
            Ok(Inbox {
                read_to: seq(row, 0)?,
                deleted_to: seq(row, 1)?,
            })
        })?;
        found.ok_or_else(|| StoreError::Corrupt("an inbox has no row".to_owned()))
    }

    fn pass(&self, room_no: i64, to: Seq, action: NotificationAction) -> Result<(), StoreError> {
        let note = match action {
            NotificationAction::Read => "UPDATE rooms SET read_to = ?2 WHERE room_no = ?1",
            NotificationAction::Delete => "UPDATE rooms SET deleted_to = ?2 WHERE room_no = ?1",
        };
        execute(self.database, note, values![room_no, to]).map(drop)
    }
}

/// What becomes of an entry, if anything, and whether it was unread.
fn handled(
    message: &Message,
    action: NotificationAction,
    at: Timestamp,
) -> Option<(Message, bool)> {
    if message.kind != MessageKind::Notification {
        return None;
    }
    let (mut after, revision) = match (message.revision(), action) {
        (Revision::Deleted(_), _) | (Revision::Read(_), NotificationAction::Read) => return None,
        (_, NotificationAction::Read) => (message.clone(), Revision::Read(at)),
        (_, NotificationAction::Delete) => (without_body(message), Revision::Deleted(at)),
    };
    after.extra.get_or_insert_default().revision = revision;
    Some((after, message.revision() == Revision::None))
}

impl Read<'_> {
    pub(crate) fn notification_count(&self, user: &UserId) -> Result<u64, Halt> {
        self.kept_but(user, GONE)
    }

    pub(crate) fn unread_notifications(&self, user: &UserId) -> Result<u64, Halt> {
        self.kept_but(user, UNREAD)
    }

    /// How many notifications are kept, without those that the query counts.
    fn kept_but(&self, user: &UserId, query: &'static str) -> Result<u64, Halt> {
        let found = find_log(self.database, &RoomId::inbox(user))?;
        let Some((room, log)) = found else {
            return Ok(0);
        };
        let others = first(self.database, query, values![room.room_no], |row| {
            number(row, 0)
        })?;
        let end = self.newest.end(room.room_no, log.end)?;
        let kept = end.n - log.oldest_n;
        Ok(kept.saturating_sub(others.unwrap_or(0)))
    }
}

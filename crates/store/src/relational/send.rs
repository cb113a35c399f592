//! Drafts: messages, notices, edits, deletions.

use std::sync::Arc;

use madang_domain::policy::{self, Admission, Reviser};
use madang_domain::ports::StoreError;
use madang_domain::{
    Answer, Appended, Body, ClientId, Code, Committed, Content, Draft, Extra, Message, MessageKind,
    Person, Revision, RoomDetail, RoomId, Seq, Standing, Timestamp, UserId,
};

use super::change::Change;
use super::commit::{Carried, Refused};
use super::entries::NewEntry;
use super::log::OfRoom;
use super::memory::CachedRoom;

/// What a target says from now on; nothing, of a deleted one.
type NewBody<'a> = Option<&'a Body>;

impl Change<'_> {
    pub(crate) fn send(&mut self, drafts: &[Draft], done: &mut Committed) -> Carried {
        let appended = match drafts {
            // Refused before anything is written.
            [draft] => vec![self.send_one(draft, done)?],
            drafts => self.send_group(drafts, done)?,
        };
        Ok(Answer::Sent(appended))
    }

    fn send_group(
        &mut self,
        drafts: &[Draft],
        done: &mut Committed,
    ) -> Result<Vec<Appended>, Refused> {
        let group = |change: &mut Self| {
            let mut appended = Vec::with_capacity(drafts.len());
            for draft in drafts {
                match change.send_one(draft, done) {
                    Ok(one) => appended.push(one),
                    Err(Refused::Command(error)) => return Ok(Err(error)),
                    Err(Refused::All(error)) => return Err(error),
                }
            }
            Ok(Ok(appended))
        };
        Ok(self.all_or_nothing(group)??)
    }

    fn send_one(&mut self, draft: &Draft, done: &mut Committed) -> Result<Appended, Refused> {
        if self.load_room(&draft.room)?.is_none() {
            return Err(Code::RoomNotFound.into());
        }
        if let Some(first) = self.find_repeat(draft)? {
            draft.check_repeat(&first)?;
            return Ok(Appended::Repeat(first));
        }
        let message = match &draft.content {
            Content::Message(body) => {
                let standing = self.standing_of_sender(draft)?;
                let room = self.room_of(draft)?;
                let admission = policy::may_send(&room.detail, standing, &draft.sender, draft.role)
                    .map_err(|code| policy::why_unsent(code, &room.detail, standing))?;
                let message =
                    self.append_draft(draft, MessageKind::Message, body, admission, done)?;
                if admission.reopens {
                    self.reopen(draft, done)?;
                }
                message
            }
            Content::Notice(body) => {
                let kind = self.room_of(draft)?.detail.kind();
                let admission = policy::may_notice(kind, draft.role)?;
                self.append_draft(draft, MessageKind::Notice, body, admission, done)?
            }
            Content::Edit {
                target,
                body,
                within,
            } => self.revise(draft, *target, Some(body), *within, done)?,
            Content::Delete { target, within } => {
                self.revise(draft, *target, None, *within, done)?
            }
        };
        Ok(Appended::New(message))
    }

    fn room_of(&self, draft: &Draft) -> Result<&CachedRoom, Refused> {
        let room = self.memory.room(&draft.room);
        room.ok_or_else(|| Code::RoomNotFound.into())
    }

    /// Asked of rooms only that have members: the others tell by themselves.
    fn standing_of_sender(&mut self, draft: &Draft) -> Result<Standing, Refused> {
        let room = self.room_of(draft)?;
        if !room.detail.kind().has_members() {
            return Ok(Standing::Stranger);
        }
        let room_no = room.room_no;
        Ok(self.standing(room_no, &draft.sender)?)
    }

    fn append_draft(
        &mut self,
        draft: &Draft,
        kind: MessageKind,
        body: &Body,
        admission: Admission,
        done: &mut Committed,
    ) -> Result<Arc<Message>, StoreError> {
        let extra = Extra {
            data: body.data.clone(),
            ..Extra::default()
        };
        let new = new_entry(draft, kind, Arc::clone(&body.text), extra, admission);
        self.append(&draft.room, new, done)
    }

    fn find_repeat(&self, draft: &Draft) -> Result<Option<Arc<Message>>, StoreError> {
        match &draft.client_id {
            Some(client_id) => self.find_named(&draft.room, &draft.sender, client_id),
            None => Ok(None),
        }
    }

    /// The entry that its sender has named so, of a room that is loaded.
    pub(crate) fn find_named(
        &self,
        id: &RoomId,
        sender: &UserId,
        client_id: &ClientId,
    ) -> Result<Option<Arc<Message>>, StoreError> {
        let Some(room) = self.memory.room(id) else {
            return Ok(None);
        };
        let of = OfRoom {
            room_no: room.room_no,
            id,
            epoch: room.head.epoch,
        };
        (self.log).find_named(self.database, of, sender, client_id)
    }

    /// Edits or deletes a message; answers the entry that says so.
    fn revise(
        &mut self,
        draft: &Draft,
        target: Seq,
        body: NewBody<'_>,
        within: Option<std::time::Duration>,
        done: &mut Committed,
    ) -> Result<Arc<Message>, Refused> {
        let standing = self.standing_of_sender(draft)?;
        let room = self.room_of(draft)?;
        let room_no = room.room_no;
        let reviser = Reviser {
            user: &draft.sender,
            role: draft.role,
            standing,
            within,
            at: draft.sent_at,
        };
        let Some((message, _)) = self.entry(&draft.room, room, target)? else {
            // Whoever may not write there does not learn what there is.
            may_write(&room.detail, reviser)?;
            return Err(Code::MessageNotFound.into());
        };
        let admission = policy::may_revise(&room.detail, &message, reviser)
            .map_err(|code| policy::why_unrevised(code, &message))?;
        let edited_by = message.extra.as_ref().and_then(|extra| extra.edited_by);
        let earlier = match edited_by {
            Some(seq) => self.entry(&draft.room, room, seq)?,
            None => None,
        };
        let kind = match body {
            Some(_) => MessageKind::Edited,
            None => MessageKind::Deleted,
        };
        let text = body.map_or_else(|| Arc::from(""), |body| Arc::clone(&body.text));
        let extra = Extra {
            data: body.and_then(|body| body.data.clone()),
            target: Some(target),
            ..Extra::default()
        };
        // First the entry: what it changes is seen from it on.
        let new = new_entry(draft, kind, text, extra, admission);
        let event = self.append(&draft.room, new, done)?;
        let by = body.map_or(edited_by, |_| Some(event.position.seq));
        self.rewrite(room_no, revised(&message, body, by, draft.sent_at))?;
        if let Some((earlier, _)) = earlier {
            self.rewrite(room_no, without_body(&earlier))?;
        }
        Ok(event)
    }
}

fn may_write(detail: &RoomDetail, reviser: Reviser<'_>) -> Result<(), Code> {
    let admission = match reviser.role {
        madang_domain::Role::Service => policy::may_notice(detail.kind(), reviser.role),
        role => policy::may_send(detail, reviser.standing, reviser.user, role),
    };
    admission.map(drop)
}

fn new_entry(
    draft: &Draft,
    kind: MessageKind,
    text: Arc<str>,
    extra: Extra,
    admission: Admission,
) -> NewEntry {
    NewEntry {
        kind,
        sender: Person {
            user: draft.sender.clone(),
            name: draft.sender_name.clone(),
        },
        sender_kind: admission.sender_kind,
        client_id: draft.client_id.clone(),
        text,
        at: draft.sent_at,
        extra,
    }
}

/// The message with another body, or without one.
fn revised(message: &Message, body: NewBody<'_>, by: Option<Seq>, at: Timestamp) -> Message {
    let mut revised = without_body(message);
    let extra = revised.extra.get_or_insert_default();
    extra.edited_by = by;
    extra.revision = Revision::Deleted(at);
    if let Some(body) = body {
        extra.revision = Revision::Edited(at);
        extra.data.clone_from(&body.data);
        revised.text = Arc::clone(&body.text);
    }
    revised
}

pub(crate) fn without_body(message: &Message) -> Message {
    let mut bare = message.clone();
    bare.text = Arc::from("");
    if let Some(extra) = &mut bare.extra {
        extra.data = None;
    }
    bare
}

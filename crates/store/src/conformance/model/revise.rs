//! Drafts of the model: messages, notices, edits, deletions.

use madang_domain::policy::{self, Admission, Reviser};
use madang_domain::{
    Body, Code, Content, Draft, DraftGroup, Extra, Message, MessageKind, Person, Revision, Role,
    Seq,
};

use super::apply::{Answered, Done, NewEntry};
use super::world::World;

impl World {
    pub(super) fn send(&mut self, group: &DraftGroup, done: &mut Done) -> Result<Answered, Code> {
        let drafts = group.drafts.iter();
        let sent = drafts.map(|draft| self.send_one(draft, done));
        sent.collect::<Result<_, _>>().map(Answered::Sent)
    }

    fn send_one(&mut self, draft: &Draft, done: &mut Done) -> Result<(u64, bool), Code> {
        let room = self.rooms.get(&draft.room).ok_or(Code::RoomNotFound)?;
        let same = |m: &&Message| {
            m.client_id.is_some() && m.client_id == draft.client_id && m.sender == draft.sender
        };
        if let Some(first) = room.kept().iter().find(same) {
            draft.check_repeat(first).map_err(|error| error.code())?;
            return Ok((first.position.seq.get(), false));
        }
        let standing = room.right_of(&draft.sender);
        let seq = match &draft.content {
            Content::Message(body) => {
                let admission =
                    policy::may_send(&room.detail, standing, &draft.sender, draft.role)?;
                let seq = self.append_draft(
                    draft,
                    MessageKind::Message,
                    Some(body),
                    None,
                    admission,
                    done,
                );
                if admission.reopens {
                    self.reopen(&draft.room, &sender(draft), draft.sent_at, done);
                }
                seq
            }
            Content::Notice(body) => {
                let admission = policy::may_notice(room.detail.kind(), draft.role)?;
                self.append_draft(
                    draft,
                    MessageKind::Notice,
                    Some(body),
                    None,
                    admission,
                    done,
                )
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
        Ok((seq, true))
    }

    fn append_draft(
        &mut self,
        draft: &Draft,
        kind: MessageKind,
        body: Option<&Body>,
        target: Option<Seq>,
        admission: Admission,
        done: &mut Done,
    ) -> u64 {
        let entry = NewEntry {
            kind,
            sender: &sender(draft),
            sender_kind: admission.sender_kind,
            at: draft.sent_at,
            extra: Extra {
                data: body.and_then(|body| body.data.clone()),
                target,
                ..Extra::default()
            },
        };
        let text = body.map_or("", |body| &*body.text);
        self.append_text(&draft.room, entry, (text, draft.client_id.as_ref()), done)
    }

    fn revise(
        &mut self,
        draft: &Draft,
        target: Seq,
        body: Option<&Body>,
        within: Option<std::time::Duration>,
        done: &mut Done,
    ) -> Result<u64, Code> {
        let room = &self.rooms[&draft.room];
        let standing = room.right_of(&draft.sender);
        let Some(message) = room.entry(target.get()) else {
            match draft.role {
                Role::Service => policy::may_notice(room.detail.kind(), draft.role)?,
                role => policy::may_send(&room.detail, standing, &draft.sender, role)?,
            };
            return Err(Code::MessageNotFound);
        };
        let reviser = Reviser {
            user: &draft.sender,
            role: draft.role,
            standing,
            within,
            at: draft.sent_at,
        };
        let admission = policy::may_revise(&room.detail, message, reviser)?;
        let kind = body.map_or(MessageKind::Deleted, |_| MessageKind::Edited);
        let event = self.append_draft(draft, kind, body, Some(target), admission, done);
        let room = self.rooms.get_mut(&draft.room).expect("the room");
        let message = room.entry_mut(target.get()).expect("the target");
        message.text = body.map_or_else(|| "".into(), |body| body.text.clone());
        let extra = message.extra.get_or_insert_default();
        extra.data = body.and_then(|body| body.data.clone());
        let earlier = extra.edited_by;
        match body {
            Some(_) => {
                extra.revision = Revision::Edited(draft.sent_at);
                extra.edited_by = Some(Seq::new(event));
            }
            None => extra.revision = Revision::Deleted(draft.sent_at),
        }
        if let Some(earlier) = earlier.and_then(|seq| room.entry_mut(seq.get())) {
            earlier.text = "".into();
            earlier.extra.get_or_insert_default().data = None;
        }
        Ok(event)
    }
}

fn sender(draft: &Draft) -> Person {
    Person {
        user: draft.sender.clone(),
        name: draft.sender_name.clone(),
    }
}

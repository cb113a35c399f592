//! Messages, edits and deletions.

use std::time::Duration;

use madang_domain::policy::Reviser;
use madang_domain::{
    Answer, Appended, Code, Content, Draft, DraftGroup, Extra, MessageKind, Outcome, Person,
    Revision, SenderKind, Seq, SupportState, policy,
};

use super::log::NewEntry;
use super::state::{Done, State};

impl State {
    pub(super) fn send(&mut self, group: &DraftGroup) -> Outcome {
        let saved = (group.drafts.len() > 1).then(|| self.rooms.clone());
        let mut done = Done::default();
        let drafts = group.drafts.iter();
        let appended: Result<_, Code> = drafts.map(|d| self.accept(d, &mut done)).collect();
        match appended {
            Ok(appended) => done.answer(Answer::Sent(appended)),
            Err(code) => {
                // A single draft that is refused has changed nothing.
                if let Some(saved) = saved {
                    self.rooms = saved;
                }
                Err(code.into())
            }
        }
    }

    fn accept(&mut self, draft: &Draft, done: &mut Done) -> Result<Appended, Code> {
        let log = self.log(&draft.room)?;
        let key = draft.client_id.clone().map(|id| (draft.sender.clone(), id));
        let first = key.and_then(|key| log.repeats.get(&key).copied());
        if let Some(first) = first.and_then(|seq| log.entry(seq)) {
            draft.check_repeat(first).map_err(|error| error.code())?;
            return Ok(Appended::Repeat(first.clone()));
        }
        let standing = log.standing(&draft.sender);
        let (kind, body, target, admission) = match &draft.content {
            Content::Message(body) => {
                let admission = policy::may_send(&log.detail, standing, &draft.sender, draft.role);
                (MessageKind::Message, Some(body), None, admission?)
            }
            Content::Notice(body) => {
                let admission = policy::may_notice(log.detail.kind(), draft.role);
                (MessageKind::Notice, Some(body), None, admission?)
            }
            Content::Edit {
                target,
                body,
                within,
            } => {
                let admission = self.may_revise(draft, *target, *within)?;
                (MessageKind::Edited, Some(body), Some(*target), admission)
            }
            Content::Delete { target, within } => {
                let admission = self.may_revise(draft, *target, *within)?;
                (MessageKind::Deleted, None, Some(*target), admission)
            }
        };
        let person = Person {
            user: draft.sender.clone(),
            name: draft.sender_name.clone(),
        };
        let entry = NewEntry {
            kind,
            sender: person.clone(),
            sender_kind: admission.sender_kind,
            client_id: draft.client_id.clone(),
            body: body.cloned(),
            at: draft.sent_at,
            extra: Extra {
                target,
                ..Extra::default()
            },
        };
        let seq = self.append(&draft.room, entry, done);
        if let Some(target) = target {
            self.revise(draft, target, seq)?;
        }
        if admission.reopens {
            self.reopen(draft, &person, done);
        }
        let stored = self.log(&draft.room)?.entry(seq).cloned();
        stored.map(Appended::New).ok_or(Code::Internal)
    }

    fn may_revise(
        &mut self,
        draft: &Draft,
        target: Seq,
        within: Option<Duration>,
    ) -> Result<policy::Admission, Code> {
        let log = self.log(&draft.room)?;
        let is_kept = target.get() >= log.oldest;
        let message = log.entry(target).filter(|_| is_kept);
        let reviser = Reviser {
            user: &draft.sender,
            role: draft.role,
            standing: log.standing(&draft.sender),
            within,
            at: draft.sent_at,
        };
        policy::may_revise(&log.detail, message.ok_or(Code::MessageNotFound)?, reviser)
    }

    /// The target and the event that changed it before say no more what they said.
    fn revise(&mut self, draft: &Draft, target: Seq, event: Seq) -> Result<(), Code> {
        let log = self.log(&draft.room)?;
        let before = log.entry(target).and_then(|m| m.extra.as_ref()?.edited_by);
        if let Some(before) = before {
            log.revise(before, |message| message.text = "".into());
        }
        log.revise(target, |message| {
            let extra = message.extra.get_or_insert_default();
            extra.edited_by = Some(event);
            match &draft.content {
                Content::Edit { body, .. } => {
                    extra.revision = Revision::Edited(draft.sent_at);
                    extra.data.clone_from(&body.data);
                    message.text = body.text.clone();
                }
                _ => {
                    extra.revision = Revision::Deleted(draft.sent_at);
                    extra.data = None;
                    message.text = "".into();
                }
            }
        });
        Ok(())
    }

    /// A completed room waits again. Nobody's right to read changes.
    fn reopen(&mut self, draft: &Draft, customer: &Person, done: &mut Done) {
        let (room, at, kind) = (&draft.room, draft.sent_at, MessageKind::Waiting);
        if let Some(support) = self.rooms.get_mut(room).and_then(|log| log.support_mut()) {
            support.state = SupportState::Waiting;
            support.inquired_at = at;
        }
        let entry = NewEntry::event(kind, customer, SenderKind::Customer, Vec::new(), at);
        self.append(room, entry, done);
        self.tell_desk(kind, room, customer, Vec::new(), at, done);
        done.changed(room, [customer.user.clone()]);
    }
}

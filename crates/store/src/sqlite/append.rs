//! Accepting messages: one transaction per batch.

use std::sync::Arc;

use madang_domain::ports::{GroupOutcome, StoreError};
use madang_domain::{
    Appended, Code, Draft, DraftGroup, Message, Position, RoomId, SenderKind, Support,
    SupportState, policy,
};
use rusqlite::params;

use super::connection::unavailable;
use super::tail::Unmerged;
use super::writer::Writer;

/// Unmerged messages at most: reached only when merging fails again and again, as on a disk that
/// has space for the journal alone. Then nothing more is accepted. About 80 MiB of memory.
const UNMERGED_ROWS_MAX: usize = 131_072;

/// What will become of a draft if its whole group is accepted.
enum Plan {
    New {
        kind: SenderKind,
        reopens: bool,
    },
    Repeat(Arc<Message>),
    /// Of the group's draft with this index.
    RepeatInGroup(usize),
}

impl Writer {
    pub(super) fn append(
        &mut self,
        groups: &[DraftGroup],
    ) -> Result<Vec<GroupOutcome>, StoreError> {
        let unmerged = self.tail.size().0;
        if unmerged > UNMERGED_ROWS_MAX.max(self.merge_rows.saturating_mul(2)) {
            let reason = format!("{unmerged} messages wait to be merged");
            return Err(StoreError::Unavailable(reason));
        }
        let mut batch = Vec::new();
        let result = self.transaction(|writer| {
            let outcomes = groups
                .iter()
                .map(|group| writer.append_group(&group.drafts, &mut batch))
                .collect::<Result<Vec<_>, _>>()?;
            // Before the commit, or a reader could see it without finding its messages.
            writer.tail.push(&batch);
            Ok(outcomes)
        });
        match &result {
            Ok(_) => {
                self.arrival = batch.last().map_or(self.arrival, |item| item.arrival);
                self.arrived += batch.len();
            }
            Err(_) => self.take_back(&batch),
        }
        self.trim_cache();
        result
    }

    /// Decides about the whole group before it writes anything, so that nothing of a refused
    /// group has to be undone.
    fn append_group(
        &mut self,
        drafts: &[Draft],
        batch: &mut Vec<Unmerged>,
    ) -> Result<GroupOutcome, StoreError> {
        let plans = match self.plan_group(drafts)? {
            Ok(plans) => plans,
            Err(code) => return Ok(Err(code.into())),
        };
        let mut group: Vec<Appended> = Vec::with_capacity(drafts.len());
        for (draft, plan) in drafts.iter().zip(plans) {
            group.push(match plan {
                Plan::Repeat(message) => Appended::Repeat(message),
                Plan::RepeatInGroup(index) => Appended::Repeat(Arc::clone(group[index].message())),
                Plan::New { kind, reopens } => {
                    if reopens {
                        self.reopen(draft)?;
                    }
                    Appended::New(self.insert(draft, kind, batch)?)
                }
            });
        }
        Ok(Ok(group))
    }

    fn plan_group(&mut self, drafts: &[Draft]) -> Result<Result<Vec<Plan>, Code>, StoreError> {
        let mut plans = Vec::with_capacity(drafts.len());
        // Rooms as the group's earlier drafts would leave them.
        let mut changed: Vec<(RoomId, Support)> = Vec::new();
        for (index, draft) in drafts.iter().enumerate() {
            if self.load_room(&draft.room)?.is_none() {
                return Ok(Err(Code::RoomNotFound));
            }
            if let Some(repeat) = self.find_repeat(draft, &drafts[..index])? {
                plans.push(repeat);
                continue;
            }
            let Some(cached) = self.rooms.get(&draft.room) else {
                return Ok(Err(Code::RoomNotFound));
            };
            let before = changed.iter().rev().find(|(id, _)| *id == draft.room);
            let support = before.map_or(&cached.room.support, |(_, support)| support);
            match policy::may_send(support, &draft.sender, draft.role) {
                Err(code) => return Ok(Err(code)),
                Ok(admission) => {
                    if admission.reopens {
                        let mut support = support.clone();
                        support.state = SupportState::Waiting;
                        changed.push((draft.room.clone(), support));
                    }
                    plans.push(Plan::New {
                        kind: admission.sender_kind,
                        reopens: admission.reopens,
                    });
                }
            }
        }
        Ok(Ok(plans))
    }

    fn find_repeat(&self, draft: &Draft, earlier: &[Draft]) -> Result<Option<Plan>, StoreError> {
        let Some(client_id) = &draft.client_id else {
            return Ok(None);
        };
        let Some(room) = self.rooms.get(&draft.room) else {
            return Ok(None);
        };
        let same = |other: &Draft| {
            other.client_id == draft.client_id
                && other.sender == draft.sender
                && other.room == draft.room
        };
        if let Some(index) = earlier.iter().position(same) {
            return Ok(Some(Plan::RepeatInGroup(index)));
        }
        let key = (room.room_no, draft.sender.clone(), client_id.clone());
        if let Some(message) = self.unmerged_ids.get(&key) {
            return Ok(Some(Plan::Repeat(Arc::clone(message))));
        }
        let merged = self.find_merged(room, &draft.sender, client_id)?;
        Ok(merged.map(Plan::Repeat))
    }

    fn insert(
        &mut self,
        draft: &Draft,
        sender_kind: SenderKind,
        batch: &mut Vec<Unmerged>,
    ) -> Result<Arc<Message>, StoreError> {
        let arrival = batch.last().map_or(self.arrival, |item| item.arrival) + 1;
        let Some(cached) = self.rooms.get_mut(&draft.room) else {
            return Err(StoreError::Unavailable("the room is gone".to_owned()));
        };
        let head = &mut cached.room.head;
        head.last = head.last.next();
        let message = Arc::new(Message {
            room: cached.room.id.clone(),
            position: Position {
                epoch: head.epoch,
                seq: head.last,
            },
            sender: draft.sender.clone(),
            sender_name: draft.sender_name.clone(),
            sender_kind,
            client_id: draft.client_id.clone(),
            text: Arc::clone(&draft.text),
            sent_at: draft.sent_at,
        });
        let room_no = cached.room_no;
        self.connection
            .prepare_cached(
                "INSERT INTO journal (arrival, room_no, seq, sent_at, sender_kind, sender,
                                      sender_name, client_id, text)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )
            .and_then(|mut statement| {
                statement.execute(params![
                    arrival,
                    room_no,
                    message.position.seq.get().cast_signed(),
                    message.sent_at.as_micros(),
                    super::messages::kind_number(sender_kind),
                    message.sender.as_str(),
                    message.sender_name.as_deref(),
                    message
                        .client_id
                        .as_ref()
                        .map(madang_domain::ClientId::as_str),
                    &*message.text,
                ])
            })
            .map_err(unavailable)?;
        self.remember_id(room_no, &message);
        batch.push(Unmerged {
            room_no,
            arrival,
            message: Arc::clone(&message),
        });
        Ok(message)
    }

    fn reopen(&mut self, draft: &Draft) -> Result<(), StoreError> {
        let Some(cached) = self.rooms.get_mut(&draft.room) else {
            return Ok(());
        };
        let room = &mut cached.room;
        room.support.state = SupportState::Waiting;
        room.support.inquired_at = draft.sent_at;
        room.head.access_version += 1;
        self.connection
            .prepare_cached(
                "UPDATE rooms SET state = 0, inquired_at = ?2, access_version = access_version + 1
                 WHERE room_no = ?1 AND state = 2",
            )
            .and_then(|mut statement| {
                statement.execute(params![cached.room_no, draft.sent_at.as_micros()])
            })
            .map(drop)
            .map_err(unavailable)
    }
}

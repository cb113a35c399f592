//! One life of one room: its log with every version of every entry, and who belongs to it.

use std::collections::BTreeMap;
use std::sync::Arc;

use madang_domain::ports::{LogPage, LogQuery, PageSpace};
use madang_domain::{
    Body, ClientId, Epoch, Extra, MemberRole, Message, MessageKind, Person, Position, Profile,
    Role, Room, RoomDetail, RoomHead, RoomId, SenderKind, Seq, Standing, Support, Timestamp,
    UserId, policy,
};

#[derive(Clone)]
pub(super) struct RoomLog {
    pub(super) id: RoomId,
    pub(super) number: u64,
    pub(super) epoch: Epoch,
    pub(super) created_at: Timestamp,
    pub(super) detail: RoomDetail,
    pub(super) profile: Profile,
    /// Each with all that it ever said, the newest last.
    pub(super) entries: Vec<Vec<Arc<Message>>>,
    pub(super) oldest: u64,
    pub(super) access_version: u64,
    /// In what standing; who never belonged to it is not here.
    pub(super) standings: BTreeMap<UserId, Standing>,
    /// Members in the order in which they came.
    pub(super) order: Vec<UserId>,
    pub(super) marks: BTreeMap<UserId, Mark>,
    pub(super) repeats: BTreeMap<(UserId, ClientId), Seq>,
}

#[derive(Clone, Copy)]
pub(super) struct Mark {
    pub(super) read: Seq,
    pub(super) delivered: Seq,
}

impl Default for Mark {
    fn default() -> Self {
        Self {
            read: Seq::ZERO,
            delivered: Seq::ZERO,
        }
    }
}

/// Who belongs to a room at one moment.
#[derive(Clone)]
pub(super) struct Access {
    detail: RoomDetail,
    standings: BTreeMap<UserId, Standing>,
}

impl Access {
    pub(super) fn reads(&self, user: &UserId, role: Role) -> bool {
        let standing = self.standings.get(user).copied();
        let standing = standing.unwrap_or(Standing::Stranger);
        policy::reads(&self.detail, standing, user, role)
    }
}

/// An entry without its place.
pub(super) struct NewEntry {
    pub(super) kind: MessageKind,
    pub(super) sender: Person,
    pub(super) sender_kind: SenderKind,
    pub(super) client_id: Option<ClientId>,
    pub(super) body: Option<Body>,
    pub(super) at: Timestamp,
    pub(super) extra: Extra,
}

impl NewEntry {
    /// What was done to a room, about whom.
    pub(super) fn event(
        kind: MessageKind,
        sender: &Person,
        sender_kind: SenderKind,
        subjects: Vec<Person>,
        at: Timestamp,
    ) -> Self {
        Self {
            kind,
            sender: sender.clone(),
            sender_kind,
            client_id: None,
            body: None,
            at,
            extra: Extra {
                subjects,
                ..Extra::default()
            },
        }
    }
}

impl RoomLog {
    pub(super) fn new(
        id: RoomId,
        number: u64,
        epoch: Epoch,
        detail: RoomDetail,
        at: Timestamp,
    ) -> Self {
        Self {
            id,
            number,
            epoch,
            created_at: at,
            detail,
            profile: Profile::default(),
            entries: Vec::new(),
            oldest: 1,
            access_version: 1,
            standings: BTreeMap::new(),
            order: Vec::new(),
            marks: BTreeMap::new(),
            repeats: BTreeMap::new(),
        }
    }

    pub(super) fn last(&self) -> Seq {
        Seq::new(self.entries.len() as u64)
    }

    pub(super) fn head(&self) -> RoomHead {
        RoomHead {
            epoch: self.epoch,
            last: self.last(),
            oldest: Seq::new(self.oldest),
            access_version: self.access_version,
        }
    }

    pub(super) fn access(&self) -> Access {
        Access {
            detail: self.detail.clone(),
            standings: self.standings.clone(),
        }
    }

    pub(super) fn room(&self) -> Room {
        let owner = self
            .members()
            .find(|(_, role)| *role == MemberRole::Owner && self.detail != RoomDetail::Direct);
        let owner = owner.map(|(user, _)| user.clone());
        let owner = owner.or(self.support().map(|support| support.customer.clone()));
        Room {
            id: self.id.clone(),
            number: self.number,
            head: self.head(),
            created_at: self.created_at,
            detail: self.detail.clone(),
            profile: self.profile.clone(),
            owner: owner.map(|user| Person { user, name: None }),
            member_count: self.order.len() as u64,
        }
    }

    pub(super) fn support(&self) -> Option<&Support> {
        self.detail.support()
    }

    pub(super) fn support_mut(&mut self) -> Option<&mut Support> {
        match &mut self.detail {
            RoomDetail::Support(support) => Some(support),
            _ => None,
        }
    }

    pub(super) fn standing(&self, user: &UserId) -> Standing {
        let standing = self.standings.get(user).copied();
        standing.unwrap_or(Standing::Stranger)
    }

    /// In the order in which they came.
    pub(super) fn members(&self) -> impl Iterator<Item = (&UserId, MemberRole)> {
        let role = |user| Some((user, self.standing(user).role()?));
        self.order.iter().filter_map(role)
    }

    pub(super) fn takes_part(&self, user: &UserId, role: Role) -> bool {
        policy::takes_part(&self.detail, self.standing(user), user, role)
    }

    /// Whom a change of the room concerns besides the one who makes it.
    pub(super) fn participants(&self) -> Vec<UserId> {
        let support = self.support();
        let agent = support.and_then(|support| Some(support.assignee()?.user.clone()));
        let customer = support.map(|support| support.customer.clone());
        let members = self.order.iter().cloned();
        members.chain(customer).chain(agent).collect()
    }

    pub(super) fn append(&mut self, entry: NewEntry) -> Arc<Message> {
        let NewEntry {
            kind,
            sender,
            sender_kind,
            client_id,
            body,
            at,
            mut extra,
        } = entry;
        let text = body.as_ref().map(|body| Arc::clone(&body.text));
        extra.data = body.and_then(|body| body.data);
        let seq = self.last().next();
        if let Some(id) = &client_id {
            let key = (sender.user.clone(), id.clone());
            self.repeats.insert(key, seq);
        }
        let message = Arc::new(Message {
            room: self.id.clone(),
            position: Position {
                epoch: self.epoch,
                seq,
            },
            kind,
            sender: sender.user,
            sender_name: sender.name,
            sender_kind,
            client_id,
            text: text.unwrap_or_else(|| Arc::from("")),
            sent_at: at,
            extra: (extra != Extra::default()).then(|| Box::new(extra)),
        });
        self.entries.push(vec![Arc::clone(&message)]);
        message
    }

    /// Everything that the entry ever said; nothing when there is none.
    pub(super) fn versions(&self, seq: Seq) -> &[Arc<Message>] {
        let index = usize::try_from(seq.get()).ok();
        let index = index.and_then(|seq| seq.checked_sub(1));
        index
            .and_then(|index| self.entries.get(index))
            .map_or(&[], Vec::as_slice)
    }

    /// As it reads now, kept or not.
    pub(super) fn entry(&self, seq: Seq) -> Option<&Arc<Message>> {
        self.versions(seq).last()
    }

    pub(super) fn revise(&mut self, seq: Seq, revise: impl FnOnce(&mut Message)) {
        let index = usize::try_from(seq.get() - 1).expect("an index");
        let versions = &mut self.entries[index];
        let mut message = Message::clone(versions.last().expect("a version"));
        revise(&mut message);
        versions.push(Arc::new(message));
    }

    pub(super) fn kept(&self) -> impl DoubleEndedIterator<Item = &Arc<Message>> {
        let skipped = usize::try_from(self.oldest - 1).expect("an index");
        let kept = self.entries.iter().skip(skipped);
        kept.filter_map(|versions| versions.last())
    }

    pub(super) fn page(&self, query: LogQuery, limit: usize) -> LogPage {
        let (mut space, mut may_follow) = (PageSpace::of(query), true);
        let messages = match query {
            LogQuery::After(seq) | LogQuery::Within(seq, _) => self
                .kept()
                .filter(|m| m.position.seq > seq)
                .take(limit)
                .take_while(|m| std::mem::replace(&mut may_follow, space.take(m)))
                .cloned()
                .collect(),
            LogQuery::Before(seq) => {
                let before = self.kept().filter(|m| m.position.seq < seq);
                let before: Vec<_> = before.cloned().collect();
                before[before.len().saturating_sub(limit)..].to_vec()
            }
        };
        LogPage {
            head: self.head(),
            messages,
        }
    }

    /// Messages of others behind the user's mark.
    pub(super) fn unread(&self, user: &UserId) -> u64 {
        let read = self.marks.get(user).copied().unwrap_or_default().read;
        let unread = self
            .kept()
            .filter(|m| m.kind.counts() && m.position.seq > read && m.sender != *user);
        unread.count() as u64
    }
}

//! Calls of the port, shortened for the cases.

use std::sync::Arc;

use madang_domain::command::OpenSupport;
use madang_domain::ports::{LogQuery, RoomSummary, RoomsQuery, Store};
use madang_domain::{
    Actor, Agent, Answer, Appended, Body, Caller, ClaimOutcome, ClientId, Code, Command, Committed,
    Content, Draft, DraftGroup, MemberRole, Message, MessageKind, NewRoom, Outcome, Person,
    Position, Profile, Role, Room, RoomAction, RoomCommand, RoomId, RoomKind, RoomsChange, Seq,
    Standing, Timestamp, UserId,
};

pub(crate) fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

pub(crate) fn user(id: &str) -> UserId {
    UserId::new(id).unwrap()
}

pub(crate) fn person(id: &str) -> Person {
    Person {
        user: user(id),
        name: None,
    }
}

pub(crate) fn people(ids: &[&str]) -> Vec<Person> {
    ids.iter().map(|id| person(id)).collect()
}

pub(crate) fn room_id(id: &str) -> RoomId {
    RoomId::new(id).unwrap()
}

pub(crate) fn client_id(id: &str) -> Option<ClientId> {
    Some(ClientId::new(id).unwrap())
}

pub(crate) fn agent(id: &str) -> Agent {
    Agent {
        user: user(id),
        name: Arc::from(format!("{id} the agent")),
    }
}

pub(crate) fn caller(id: &str, role: Role) -> Caller {
    Caller::new(user(id), role)
}

/// `customer`'s draft for their own room.
pub(crate) fn draft(customer: &str, text: &str, id: Option<&str>) -> Draft {
    draft_of(customer, customer, Role::User, text, id)
}

pub(crate) fn draft_of(
    room: &str,
    sender: &str,
    role: Role,
    text: &str,
    id: Option<&str>,
) -> Draft {
    let id = id.and_then(client_id);
    Draft::new(&caller(sender, role), room_id(room), text, id, at(1)).unwrap()
}

/// What `sender` does to a message.
pub(crate) fn content_of(room: &str, sender: &str, role: Role, content: Content) -> Draft {
    Draft::of(&caller(sender, role), room_id(room), content, None, at(1))
}

pub(crate) fn edit(target: u64, text: &str) -> Content {
    Content::Edit {
        target: Seq::new(target),
        body: Body::new(text, None).unwrap(),
        within: None,
    }
}

pub(crate) fn delete(target: u64) -> Content {
    Content::Delete {
        target: Seq::new(target),
        within: None,
    }
}

/// Carries out one command; what it appended is consecutive in each log, and read as answered.
pub(crate) async fn commit(store: &dyn Store, command: Command) -> Outcome {
    let mut outcomes = store.commit(vec![command]).await.unwrap();
    assert_eq!(outcomes.len(), 1, "one answer per command");
    outcomes.remove(0)
}

pub(crate) async fn open(store: &dyn Store, customer: &str) -> Room {
    open_at(store, &caller(customer, Role::User), 0).await.0
}

/// The room, and whether it was made.
pub(crate) async fn open_at(store: &dyn Store, customer: &Caller, micros: i64) -> (Room, bool) {
    let open = OpenSupport {
        customer: customer.clone(),
        at: at(micros),
    };
    let done = commit(store, Command::OpenSupport(Box::new(open))).await;
    room_of(done.unwrap())
}

pub(crate) fn room_of(done: Committed) -> (Room, bool) {
    match done.answer {
        Answer::Room(room, made) => (*room, made),
        other => panic!("expected a room, got {other:?}"),
    }
}

pub(crate) fn count_of(done: Committed) -> usize {
    match done.answer {
        Answer::Done(count) => count,
        other => panic!("expected a number, got {other:?}"),
    }
}

pub(crate) async fn send(
    store: &dyn Store,
    groups: Vec<DraftGroup>,
) -> Vec<Result<Vec<Appended>, Code>> {
    let commands = groups.into_iter().map(Command::Send).collect();
    let outcomes = store.commit(commands).await.unwrap();
    let outcomes = outcomes.into_iter().map(|outcome| match outcome {
        Ok(done) => match done.answer {
            Answer::Sent(appended) => Ok(appended),
            other => panic!("expected messages, got {other:?}"),
        },
        Err(error) => Err(error.code()),
    });
    outcomes.collect()
}

/// Appends each draft as a group of its own.
pub(crate) async fn append(store: &dyn Store, drafts: Vec<Draft>) -> Vec<Result<Appended, Code>> {
    let groups = drafts.into_iter().map(DraftGroup::single).collect();
    let outcomes = send(store, groups).await.into_iter();
    let one = |mut appended: Vec<Appended>| {
        assert_eq!(appended.len(), 1, "one answer per draft");
        appended.remove(0)
    };
    outcomes.map(|outcome| outcome.map(one)).collect()
}

pub(crate) async fn append_one(store: &dyn Store, draft: Draft) -> Result<Appended, Code> {
    append(store, vec![draft]).await.remove(0)
}

/// Says something as a member of a room; answers its number.
pub(crate) async fn say(store: &dyn Store, room: &str, sender: &str, text: &str) -> u64 {
    let draft = draft_of(room, sender, Role::User, text, None);
    let appended = append_one(store, draft).await.unwrap();
    appended.message().position.seq.get()
}

/// As [`say`], at a moment.
pub(crate) async fn say_at(store: &dyn Store, room: &str, sender: &str, text: &str, micros: i64) {
    let mut draft = draft_of(room, sender, Role::User, text, None);
    draft.sent_at = at(micros);
    append_one(store, draft).await.unwrap();
}

/// Appends `count` messages of the customer in one batch.
pub(crate) async fn fill(store: &dyn Store, customer: &str, count: usize) {
    fill_of(store, customer, customer, count).await;
}

pub(crate) async fn fill_of(store: &dyn Store, room: &str, sender: &str, count: usize) {
    let text = |n| format!("message {n}");
    let drafts = (0..count).map(|n| draft_of(room, sender, Role::User, &text(n), None));
    for outcome in append(store, drafts.collect()).await {
        outcome.unwrap();
    }
}

pub(crate) fn new(outcome: &Result<Appended, Code>) -> &Arc<Message> {
    match outcome {
        Ok(Appended::New(message)) => message,
        other => panic!("expected a new message, got {other:?}"),
    }
}

pub(crate) fn repeat(outcome: &Result<Appended, Code>) -> &Arc<Message> {
    match outcome {
        Ok(Appended::Repeat(message)) => message,
        other => panic!("expected a repeat, got {other:?}"),
    }
}

pub(crate) async fn whole_log(store: &dyn Store, room: &str) -> Vec<Arc<Message>> {
    log_of(store, &room_id(room)).await
}

/// All that is kept.
pub(crate) async fn log_of(store: &dyn Store, room: &RoomId) -> Vec<Arc<Message>> {
    let mut all: Vec<Arc<Message>> = Vec::new();
    let mut since = None;
    loop {
        let query = LogQuery::After(since.unwrap_or(Seq::ZERO));
        let page = store.read_log(room, query, 1_000).await.unwrap();
        let page = page.expect("the room");
        let expected = since.map_or(page.head.oldest, Seq::next);
        let Some(last) = page.messages.last() else {
            assert_eq!(expected, page.head.last.next(), "the log ends at its head");
            return all;
        };
        assert_eq!(page.messages[0].position.seq, expected, "without a hole");
        since = Some(last.position.seq);
        all.extend(page.messages);
    }
}

pub(crate) fn seqs(messages: &[Arc<Message>]) -> Vec<u64> {
    messages.iter().map(|m| m.position.seq.get()).collect()
}

pub(crate) fn kinds(messages: &[Arc<Message>]) -> Vec<MessageKind> {
    messages.iter().map(|m| m.kind).collect()
}

pub(crate) fn texts(messages: &[Arc<Message>]) -> Vec<&str> {
    messages.iter().map(|m| &*m.text).collect()
}

/// What people said.
pub(crate) fn said(log: &[Arc<Message>]) -> Vec<Arc<Message>> {
    let said = log.iter().filter(|m| m.kind == MessageKind::Message);
    said.cloned().collect()
}

pub(crate) fn command(room: &str, actor: &str, role: Role, action: RoomAction) -> Command {
    let actor = Actor {
        person: person(actor),
        role,
    };
    Command::Room(Box::new(RoomCommand {
        room: room_id(room),
        actor,
        action,
        at: at(1),
    }))
}

pub(crate) async fn act_as(
    store: &dyn Store,
    room: &str,
    (actor, role): (&str, Role),
    action: RoomAction,
) -> Result<Committed, Code> {
    let outcome = commit(store, command(room, actor, role, action)).await;
    outcome.map_err(|error| error.code())
}

/// As a user.
pub(crate) async fn act(
    store: &dyn Store,
    room: &str,
    actor: &str,
    action: RoomAction,
) -> Result<Committed, Code> {
    act_as(store, room, (actor, Role::User), action).await
}

/// As an agent by the name that [`agent`] gives.
pub(crate) async fn serve(
    store: &dyn Store,
    room: &str,
    id: &str,
    action: RoomAction,
) -> Result<Committed, Code> {
    let actor = Actor {
        person: Person {
            user: user(id),
            name: Some(agent(id).name),
        },
        role: Role::Agent,
    };
    let command = RoomCommand {
        room: room_id(room),
        actor,
        action,
        at: at(1),
    };
    let outcome = commit(store, Command::Room(Box::new(command))).await;
    outcome.map_err(|error| error.code())
}

pub(crate) async fn claim(store: &dyn Store, room: &str, id: &str) -> ClaimOutcome {
    let done = serve(store, room, id, RoomAction::Claim).await.unwrap();
    match done.answer {
        Answer::Claim(outcome) => outcome,
        other => panic!("expected how a claim ended, got {other:?}"),
    }
}

/// Whether it was done.
pub(crate) async fn complete(store: &dyn Store, room: &str, id: &str) -> bool {
    match serve(store, room, id, RoomAction::Complete).await {
        Ok(done) => count_of(done) == 1,
        Err(Code::NotYourRoom | Code::RoomNotFound) => false,
        Err(other) => panic!("{other}"),
    }
}

/// The customer takes their room away; whether there was one.
pub(crate) async fn leave(store: &dyn Store, customer: &str) -> bool {
    match act(store, customer, customer, RoomAction::Leave).await {
        Ok(done) => {
            let (gone, _) = done.deleted.expect("the room is gone");
            assert_eq!(gone, room_id(customer));
            true
        }
        Err(Code::RoomNotFound) => false,
        Err(other) => panic!("{other}"),
    }
}

pub(crate) fn new_room(kind: RoomKind, id: &str, owner: Option<&str>, members: &[&str]) -> NewRoom {
    let members = people(members).into_iter();
    NewRoom {
        id: room_id(id),
        kind,
        profile: Profile::default(),
        owner: owner.map(person),
        members: members.map(|p| (p, MemberRole::Member)).collect(),
        at: at(0),
    }
}

pub(crate) async fn create(store: &dyn Store, new: NewRoom) -> (Room, bool) {
    room_of(commit(store, Command::Create(Box::new(new))).await.unwrap())
}

/// A group of its owner and members.
pub(crate) async fn group(store: &dyn Store, id: &str, owner: &str, members: &[&str]) -> Room {
    let new = new_room(RoomKind::Group, id, Some(owner), members);
    create(store, new).await.0
}

pub(crate) async fn room(store: &dyn Store, id: &str) -> Option<Room> {
    store.room(&room_id(id)).await.unwrap()
}

pub(crate) async fn standing(store: &dyn Store, room: &str, id: &str) -> Standing {
    let view = store.view_room(&room_id(room), &user(id)).await.unwrap();
    view.expect("the room").standing
}

/// Ids and roles, as the room's list has them.
pub(crate) async fn members(store: &dyn Store, room: &str) -> Vec<(String, MemberRole)> {
    let found = store.members(&room_id(room), None, usize::MAX).await;
    let found = found.unwrap().expect("the room").into_iter();
    found.map(|m| (m.person.user.to_string(), m.role)).collect()
}

pub(crate) async fn rooms_of(store: &dyn Store, id: &str) -> Vec<RoomSummary> {
    let query = RoomsQuery {
        limit: usize::MAX,
        ..RoomsQuery::default()
    };
    store.rooms_of(&user(id), &query).await.unwrap()
}

/// Ids of a user's rooms, newest activity first.
pub(crate) async fn room_ids(store: &dyn Store, id: &str) -> Vec<String> {
    let rooms = rooms_of(store, id).await.into_iter();
    rooms.map(|found| found.view.room.id.to_string()).collect()
}

/// Raises a read mark; where it stood and stands.
pub(crate) async fn read_to(store: &dyn Store, room: &str, id: &str, seq: u64) -> (u64, u64) {
    let epoch = store
        .room(&room_id(room))
        .await
        .unwrap()
        .unwrap()
        .head
        .epoch;
    let position = Position {
        epoch,
        seq: Seq::new(seq),
    };
    let (room, user) = (room_id(room), user(id));
    let mark = store.advance_read(&room, &user, position).await;
    let mark = mark.unwrap().expect("a member");
    assert_eq!(mark.epoch, epoch);
    (mark.before.get(), mark.now.get())
}

/// Unread messages in all rooms.
pub(crate) async fn unread(store: &dyn Store, id: &str) -> u64 {
    let summary = store.unread(&user(id), usize::MAX).await.unwrap();
    let sum: u64 = summary.rooms.iter().map(|(_, count)| count).sum();
    assert_eq!(summary.total, sum);
    summary.total
}

/// As [`members`] answers.
pub(crate) fn named(list: &[(&str, MemberRole)]) -> Vec<(String, MemberRole)> {
    let list = list.iter().map(|(id, role)| ((*id).to_owned(), *role));
    list.collect()
}

/// Where somebody's part in a room begins; `None` of one who has left.
pub(crate) fn since(change: &RoomsChange) -> Option<u64> {
    change.since.map(|position| position.seq.get())
}

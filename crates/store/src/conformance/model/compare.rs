//! Looks at everything that can be read.

use std::sync::Arc;

use madang_domain::ports::{LogQuery, RoomsQuery, Store};
use madang_domain::receipt::ReadCount;
use madang_domain::search::SearchQuery;
use madang_domain::{
    Answer, Epoch, Message, MessageKind, Outcome, Room, RoomId, RoomKind, Seq, Standing,
    SupportState, Timestamp, UserId,
};

use super::super::{at, log_of, room_id, seqs, user};
use super::apply::{Answered, Expected};
use super::random::{AGENTS, ROOMS, Random, USERS, WORDS};
use super::world::{ModelRoom, World};

/// As the model has it: of no particular life.
fn plain(message: &Message) -> Message {
    let mut plain = message.clone();
    plain.position.epoch = Epoch::new(1);
    plain
}

fn plain_log(log: &[Arc<Message>]) -> Vec<Message> {
    log.iter().map(|message| plain(message)).collect()
}

/// Without what only the store decides.
fn undecided(room: &Room) -> Room {
    let mut room = room.clone();
    room.number = 0;
    room.head.epoch = Epoch::new(1);
    room
}

pub(super) fn assert_same_outcome(
    found: &Outcome,
    expected: &Result<Expected, madang_domain::Code>,
    what: &str,
) {
    let (found, expected) = match (found, expected) {
        (Ok(found), Ok(expected)) => (found, expected),
        (found, expected) => {
            let codes = (
                found.as_ref().err().map(|error| error.code()),
                expected.as_ref().err().copied(),
            );
            assert_eq!(codes.0, codes.1, "{what}");
            return;
        }
    };
    assert_eq!(found.released, expected.released, "{what}");
    // In order in each log; between logs there is none.
    let by_log = |m: &Message| (m.room.clone(), m.position.seq);
    let mut entries = plain_log(&found.entries);
    let mut expected_entries = expected.entries.clone();
    for entries in [&mut entries, &mut expected_entries] {
        entries.sort_by_key(by_log);
    }
    assert_eq!(entries, expected_entries, "{what}");
    let since = |change: &madang_domain::RoomsChange| {
        let since = change.since.map(|position| position.seq.get());
        (change.user.clone(), change.room.clone(), since)
    };
    let mut changes: Vec<_> = found.changes.iter().map(since).collect();
    let mut expected_changes = expected.changes.clone();
    changes.sort_unstable();
    expected_changes.sort_unstable();
    assert_eq!(changes, expected_changes, "{what}");
    let deleted = found.deleted.as_ref().map(|(room, _)| room);
    assert_eq!(deleted, expected.deleted.as_ref(), "{what}");
    match (&found.answer, &expected.answer) {
        (Answer::Sent(found), Answered::Sent(expected)) => {
            let summary = found.iter().map(|appended| {
                let is_new = matches!(appended, madang_domain::Appended::New(_));
                (appended.message().position.seq.get(), is_new)
            });
            assert_eq!(summary.collect::<Vec<_>>(), *expected, "{what}");
        }
        (Answer::Room(found, made), Answered::Room(expected, expected_made)) => {
            assert_eq!(undecided(found), undecided(expected), "{what}");
            assert_eq!(made, expected_made, "{what}");
        }
        (Answer::Claim(found), Answered::Claim(expected)) => assert_eq!(found, expected, "{what}"),
        (Answer::Done(found), Answered::Done(expected)) => assert_eq!(found, expected, "{what}"),
        other => panic!("{what}: {other:?}"),
    }
}

pub(super) async fn compare(store: &dyn Store, world: &World, random: &mut Random) {
    let everybody: Vec<UserId> = USERS.iter().chain(AGENTS).map(|id| user(id)).collect();
    for id in ROOMS.iter().map(|id| room_id(id)) {
        let Some(room) = world.rooms.get(&id) else {
            assert_eq!(store.room(&id).await.unwrap(), None);
            assert_eq!(store.queue_position(&id).await.unwrap(), None);
            continue;
        };
        let expected = room.as_room(&id, &world.users);
        assert_eq!(store.room(&id).await.unwrap().as_ref(), Some(&expected));
        let by_number = store.room_by_number(room.number).await.unwrap();
        assert_eq!(by_number, Some(expected));
        compare_members(store, &id, room, world, &everybody).await;
        compare_log(store, &id, room, random).await;
        compare_counts(store, &id, room).await;
    }
    compare_log(
        store,
        &RoomId::desk(),
        &world.rooms[&RoomId::desk()],
        random,
    )
    .await;
    for user in &everybody {
        compare_lists(store, user, world, random).await;
        compare_search(store, user, world, random).await;
        let known = store
            .users(std::slice::from_ref(user))
            .await
            .unwrap()
            .remove(0);
        let known = known.map(|u| {
            (
                u.name,
                u.picture,
                u.role,
                u.revoked_at.map(Timestamp::as_micros),
            )
        });
        let expected = world.users.get(user).cloned();
        let expected = expected.map(|u| (u.name, u.picture, u.role, u.revoked_at));
        assert_eq!(known, expected, "{user}");
        let inbox = RoomId::inbox(user);
        let room = world.rooms.get(&inbox);
        let unread = store.unread_notifications(user).await.unwrap();
        assert_eq!(
            unread,
            room.map_or(0, ModelRoom::unread_notifications),
            "{user}"
        );
        let count = store.notification_count(user).await.unwrap();
        let expected = room.map_or(0, ModelRoom::notification_count);
        assert_eq!(count, expected, "{user}");
        match room {
            Some(room) => compare_log(store, &inbox, room, random).await,
            None => assert_eq!(store.room(&inbox).await.unwrap(), None),
        }
    }
    compare_desk(store, world).await;
}

async fn compare_members(
    store: &dyn Store,
    id: &RoomId,
    room: &ModelRoom,
    world: &World,
    everybody: &[UserId],
) {
    let delivered = |user: &UserId| room.delivered.get(user).copied().unwrap_or(0);
    for user in everybody {
        let view = store.view_room(id, user).await.unwrap().unwrap();
        assert_eq!(view.standing, room.standing(user), "{user} in {id}");
        let mark = store.delivered(id, user).await.unwrap().get();
        assert_eq!(mark, delivered(user), "{user} in {id}");
    }
    let listed = store.members(id, None, 100).await.unwrap().unwrap();
    let found = listed.iter().map(|m| {
        let person = (
            m.person.user.clone(),
            m.person.name.clone(),
            m.picture.clone(),
        );
        (
            person,
            m.role,
            m.joined_at.as_micros(),
            m.read.get(),
            m.delivered.get(),
        )
    });
    let expected = room.members.iter().map(|(user, m)| {
        let known = &world.users[user];
        let person = (user.clone(), known.name.clone(), known.picture.clone());
        (
            person,
            m.role,
            m.joined_at,
            m.read,
            m.read.max(delivered(user)),
        )
    });
    assert_eq!(
        found.collect::<Vec<_>>(),
        expected.collect::<Vec<_>>(),
        "{id}"
    );
    let marks = store.marks(id, 100).await.unwrap().unwrap();
    let reads: Vec<_> = marks.iter().map(|marks| marks.read.get()).collect();
    let mut expected: Vec<_> = room.members.values().map(|m| m.read).collect();
    expected.sort_unstable_by(|a, b| b.cmp(a));
    assert_eq!(reads, expected, "{id}");
}

async fn compare_log(store: &dyn Store, id: &RoomId, room: &ModelRoom, random: &mut Random) {
    let log = log_of(store, id).await;
    assert!(log.iter().all(|m| m.position.epoch == room.epoch));
    assert_eq!(plain_log(&log), room.kept(), "{id}");
    let seq = random.below(room.last() + 3);
    let page = store.read_log(id, LogQuery::Before(Seq::new(seq)), 5).await;
    let before = room.kept().iter().filter(|m| m.position.seq.get() < seq);
    let mut expected: Vec<_> = before.rev().take(5).cloned().collect();
    expected.reverse();
    assert_eq!(
        plain_log(&page.unwrap().unwrap().messages),
        expected,
        "{id} before {seq}"
    );
    let one = store.message(id, Seq::new(seq)).await.unwrap();
    assert_eq!(
        one.as_deref().map(plain).as_ref(),
        room.entry(seq),
        "{id} {seq}"
    );
    let counted: Vec<_> = room
        .kept()
        .iter()
        .filter(|m| m.kind.counts())
        .cloned()
        .collect();
    let skip = random.below(counted.len() as u64 + 2);
    let page = store.read_messages(id, skip, 4).await.unwrap().unwrap();
    assert_eq!(page.total, counted.len() as u64, "{id}");
    let high = counted.len().saturating_sub(skip as usize);
    let expected = &counted[high.saturating_sub(4)..high];
    assert_eq!(plain_log(&page.messages), expected, "{id} but {skip}");
}

async fn compare_counts(store: &dyn Store, id: &RoomId, room: &ModelRoom) {
    let asked: Vec<_> = (0..=room.last() + 1).map(Seq::new).collect();
    let found = store.read_counts(id, &asked).await.unwrap().unwrap();
    for (seq, found) in asked.iter().zip(found) {
        let mut expected = ReadCount::default();
        if let Some(message) = room.entry(seq.get()) {
            let others = room
                .members
                .iter()
                .filter(|(user, _)| **user != message.sender);
            for (_, member) in others.filter(|(_, member)| member.since < seq.get()) {
                if member.read >= seq.get() {
                    expected.read_by += 1;
                } else {
                    expected.not_read_by += 1;
                }
            }
        }
        assert_eq!(found, expected, "{id} {seq}");
    }
}

async fn compare_lists(store: &dyn Store, user: &UserId, world: &World, random: &mut Random) {
    let kind = match random.below(3) {
        0 => Some(RoomKind::ALL[random.below(6) as usize]),
        _ => None,
    };
    let own = world
        .rooms
        .iter()
        .filter(|(_, room)| room.members.contains_key(user));
    let mut expected: Vec<_> = own
        .map(|(id, room)| (room.active_at(), room.number, id))
        .collect();
    let total: u64 = expected
        .iter()
        .map(|(_, _, id)| world.rooms[*id].unread(user))
        .sum();
    let summary = store.unread(user, 1_000).await.unwrap();
    assert_eq!(summary.total, total, "{user}");
    for (id, count) in &summary.rooms {
        assert_eq!(*count, world.rooms[id].unread(user), "{user} in {id}");
    }
    expected.retain(|(_, _, id)| kind.is_none_or(|kind| world.rooms[*id].detail.kind() == kind));
    expected.sort_unstable_by(|a, b| b.cmp(a));
    let mut query = RoomsQuery {
        kind,
        after: None,
        limit: 1 + random.below(4) as usize,
    };
    let mut found = Vec::new();
    loop {
        let page = store.rooms_of(user, &query).await.unwrap();
        let Some(last) = page.last() else { break };
        query.after = Some((last.active_at, last.view.room.number));
        found.extend(page);
    }
    assert_eq!(found.len(), expected.len(), "{user} {kind:?}");
    for (found, (active_at, _, id)) in found.iter().zip(expected) {
        let room = &world.rooms[id];
        assert_eq!(found.view.room, room.as_room(id, &world.users));
        assert_eq!(
            found.view.standing,
            Standing::Member(room.members[user].role)
        );
        assert_eq!(found.active_at, at(active_at), "{user} in {id}");
        assert_eq!(found.read.get(), room.members[user].read);
        assert_eq!(found.unread, room.unread(user), "{user} in {id}");
        let newest = room
            .kept()
            .iter()
            .rev()
            .find(|m| m.kind == MessageKind::Message);
        assert_eq!(found.last_message.as_deref().map(plain).as_ref(), newest);
    }
    let everybody: Vec<UserId> = USERS
        .iter()
        .chain(AGENTS)
        .map(|id| self::user(id))
        .collect();
    let acquainted = store.acquainted(user, &everybody).await.unwrap();
    for (other, found) in everybody.iter().zip(acquainted) {
        let shared =
            |room: &ModelRoom| room.members.contains_key(user) && room.members.contains_key(other);
        let expected = other == user || world.rooms.values().any(shared);
        assert_eq!(found, expected, "{user} and {other}");
    }
}

async fn compare_search(store: &dyn Store, user: &UserId, world: &World, random: &mut Random) {
    let word = random.pick(WORDS);
    let words = match random.below(3) {
        0 => word.to_owned(),
        1 => word.chars().take(2).collect(),
        _ => format!("{word} {:02}", random.below(50)),
    };
    let query = SearchQuery::parse(&words).unwrap();
    let in_room = (random.below(2) == 0).then(|| room_id(random.pick(ROOMS)));
    let is_searched = |(id, room): &(&RoomId, &ModelRoom)| match &in_room {
        Some(searched) => *id == searched,
        None => room.members.contains_key(user),
    };
    let answers = |m: &&Message| {
        matches!(m.kind, MessageKind::Message | MessageKind::Notice) && query.is_in(&m.text)
    };
    let rooms = world.rooms.iter().filter(is_searched);
    let mut expected: Vec<_> = rooms
        .flat_map(|(_, room)| room.kept().iter().filter(answers).map(|m| (room.number, m)))
        .collect();
    expected.sort_by_key(|(number, m)| (m.sent_at, *number, m.position.seq));
    expected.reverse();
    let limit = 1 + random.below(30) as usize;
    let found = store
        .search(user, in_room.as_ref(), &query, None, limit)
        .await
        .unwrap();
    let expected: Vec<_> = expected
        .iter()
        .take(limit)
        .map(|(_, m)| (*m).clone())
        .collect();
    assert_eq!(
        plain_log(&found),
        expected,
        "{words} of {user} in {in_room:?}"
    );
}

async fn compare_desk(store: &dyn Store, world: &World) {
    let ids = |rooms: Vec<Room>| rooms.into_iter().map(|room| room.id).collect::<Vec<_>>();
    let waiting = world.desk_rooms(|_, support| support.state == SupportState::Waiting);
    assert_eq!(ids(store.waiting_rooms(100).await.unwrap()), waiting);
    for (place, id) in waiting.iter().enumerate() {
        let found = store.queue_position(id).await.unwrap();
        assert_eq!(found, Some(place as u64));
    }
    let not_noted = waiting.iter().find(|id| !world.rooms[*id].overdue);
    let since = not_noted.map(|id| world.rooms[id].detail.support().unwrap().inquired_at);
    assert_eq!(store.longest_waiting().await.unwrap(), since);
    for agent in AGENTS.iter().map(|id| user(id)) {
        let expected = world.desk_rooms(|_, support| support.is_assigned_to(&agent));
        let found = store.rooms_of_agent(&agent, 100).await.unwrap();
        assert_eq!(ids(found), expected, "{agent}");
    }
    let open = world
        .rooms
        .iter()
        .filter(|(_, room)| room.detail.kind() == RoomKind::Open);
    let mut open: Vec<_> = open.map(|(id, room)| (room.number, id.clone())).collect();
    open.sort_unstable_by(|a, b| b.cmp(a));
    let expected: Vec<_> = open.into_iter().map(|(_, id)| id).collect();
    assert_eq!(ids(store.open_rooms(None, 100).await.unwrap()), expected);
    let revoked = store.revocations(at(0), 100).await.unwrap();
    let expected = world
        .users
        .values()
        .filter(|user| user.revoked_at.is_some());
    assert_eq!(revoked.len(), expected.count());
    assert!(seqs(&log_of(store, &RoomId::desk()).await).is_sorted());
}

/// All that can be read of the model's rooms and users, but for what is random, as text.
pub(crate) async fn picture(store: &dyn Store) -> String {
    use std::fmt::Write;
    let mut picture = String::new();
    let everybody: Vec<UserId> = USERS.iter().chain(AGENTS).map(|id| user(id)).collect();
    let inboxes = everybody.iter().map(RoomId::inbox);
    let rooms = ROOMS
        .iter()
        .map(|id| room_id(id))
        .chain([RoomId::desk()])
        .chain(inboxes);
    for id in rooms {
        let Some(room) = store.room(&id).await.unwrap() else {
            continue;
        };
        let mut room = undecided(&room);
        room.created_at = at(0);
        let members = store.members(&id, None, 100).await.unwrap();
        let log = plain_log(&log_of(store, &id).await);
        writeln!(picture, "{room:#?}\n{members:#?}\n{log:#?}").unwrap();
        for user in &everybody {
            let view = store.view_room(&id, user).await.unwrap().unwrap();
            writeln!(picture, "{user}: {:?}", view.standing).unwrap();
        }
    }
    for user in &everybody {
        let query = RoomsQuery {
            limit: 100,
            ..RoomsQuery::default()
        };
        for summary in store.rooms_of(user, &query).await.unwrap() {
            let id = &summary.view.room.id;
            writeln!(
                picture,
                "{user} {id}: {:?} {}",
                summary.read, summary.unread
            )
            .unwrap();
        }
        let unread = store.unread_notifications(user).await.unwrap();
        writeln!(picture, "{user}: {unread} unread").unwrap();
    }
    picture
}

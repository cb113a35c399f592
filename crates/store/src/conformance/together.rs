//! Many at once: whatever happens in between, rooms, lists and logs agree.

use std::sync::Arc;

use madang_domain::ports::Store;
use madang_domain::{
    ClaimOutcome, Code, Command, Role, RoomAction, RoomKind, SupportState, UserChange,
};

use super::*;

/// A handle for the task of that number, of another node where there is one.
fn handle(store: &Arc<dyn Store>, other: Option<&Arc<dyn Store>>, task: usize) -> Arc<dyn Store> {
    let other = other.filter(|_| task % 2 == 1);
    Arc::clone(other.unwrap_or(store))
}

/// Each one's own view of a room fits that of the others.
async fn assert_consistent(store: &dyn Store, room: &str, users: &[String]) {
    let found = super::room(store, room).await.unwrap();
    let listed = members(store, room).await;
    assert_eq!(found.member_count, listed.len() as u64);
    let log = whole_log(store, room).await;
    assert_eq!(seqs(&log), (1..=log.len() as u64).collect::<Vec<_>>());
    for id in users {
        let is_listed = listed.iter().any(|(member, _)| member == id);
        assert_eq!(
            standing(store, room, id).await.is_member(),
            is_listed,
            "{id}"
        );
        assert_eq!(
            room_ids(store, id).await.iter().any(|of| of == room),
            is_listed
        );
        if let Some(summary) = rooms_of(store, id)
            .await
            .iter()
            .find(|s| s.view.room.id.as_str() == room)
        {
            let behind = said(&log)
                .into_iter()
                .filter(|m| m.position.seq > summary.read);
            let others = behind.filter(|m| m.sender.as_str() != id);
            assert_eq!(summary.unread, others.count() as u64, "{id}");
        }
    }
}

/// Joining, leaving, writing, reading, editing in one room: members alone write, everything fits.
pub async fn a_busy_open_room(factory: &dyn Factory) {
    let store = factory.fresh().await;
    let other = factory.another(&store).await;
    create(&*store, new_room(RoomKind::Open, "o", None, &[])).await;
    let users: Vec<String> = (0..8).map(|n| format!("u{n}")).collect();
    let tasks = users.iter().enumerate().map(|(task, id)| {
        let (store, id) = (handle(&store, other.as_ref(), task), id.clone());
        tokio::spawn(async move {
            for n in 0..30 {
                act(&*store, "o", &id, RoomAction::Join).await.unwrap();
                let seq = say(&*store, "o", &id, &format!("{id} {n}")).await;
                read_to(&*store, "o", &id, seq - seq % 3).await;
                let change = content_of("o", &id, Role::User, edit(seq, &format!("{id} {n}!")));
                append_one(&*store, change).await.unwrap();
                if (n + task) % 3 == 0 {
                    act(&*store, "o", &id, RoomAction::Leave).await.unwrap();
                    let refused = draft_of("o", &id, Role::User, "no", None);
                    assert_eq!(append_one(&*store, refused).await, Err(Code::NotYourRoom));
                }
            }
        })
    });
    let tasks: Vec<_> = tasks.collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_consistent(&*store, "o", &users).await;
    let log = whole_log(&*store, "o").await;
    assert!(said(&log).iter().all(|message| message.text.ends_with('!')));
    let store = if other.is_none() {
        factory.reopen(store).await
    } else {
        store
    };
    assert_consistent(&*store, "o", &users).await;
}

/// Members are added and removed while they write: nobody writes behind the entry that removed them.
pub async fn nobody_writes_behind_their_removal(factory: &dyn Factory) {
    let store = factory.fresh().await;
    let other = factory.another(&store).await;
    group(&*store, "g", "kim", &[]).await;
    let writer = |id: &'static str, task| {
        let store = handle(&store, other.as_ref(), task);
        tokio::spawn(async move {
            for n in 0..200 {
                let draft = draft_of("g", id, Role::User, &n.to_string(), None);
                match append_one(&*store, draft).await {
                    Ok(_) | Err(Code::NotYourRoom) => {}
                    Err(other) => panic!("{other}"),
                }
            }
        })
    };
    let writers = [writer("lee", 0), writer("park", 1)];
    for _ in 0..40 {
        for id in ["lee", "park"] {
            let add = RoomAction::Add(people(&[id]), madang_domain::MemberRole::Member);
            act(&*store, "g", "kim", add).await.unwrap();
            tokio::task::yield_now().await;
            let remove = RoomAction::Remove(user(id));
            act(&*store, "g", "kim", remove).await.unwrap();
        }
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let mut inside = std::collections::HashSet::new();
    for entry in whole_log(&*store, "g").await {
        let subjects = entry.subjects().iter().map(|person| person.user.clone());
        match entry.kind {
            madang_domain::MessageKind::Added => inside.extend(subjects),
            madang_domain::MessageKind::Removed => {
                let (whom, _) = entry.revokes().unwrap();
                assert!(inside.remove(whom));
            }
            _ => assert!(inside.contains(&entry.sender), "{entry:?}"),
        }
    }
}

/// Agents claim, hand over, release and complete at once: one has the room, the log tells how.
pub async fn a_busy_desk(factory: &dyn Factory) {
    let store = factory.fresh().await;
    let other = factory.another(&store).await;
    let agents: Vec<String> = (0..4).map(|n| format!("agent{n}")).collect();
    for id in &agents {
        let seen = UserChange::seen(&caller(id, Role::Agent));
        store.upsert_users(vec![seen]).await.unwrap();
    }
    open(&*store, "kim").await;
    let tasks = agents.iter().cloned().enumerate().map(|(task, id)| {
        let store = handle(&store, other.as_ref(), task);
        let next = format!("agent{}", (task + 1) % 4);
        tokio::spawn(async move {
            for n in 0..25 {
                if claim(&*store, "kim", &id).await == ClaimOutcome::NotWaiting {
                    say(&*store, "kim", "kim", "again").await;
                }
                let action = match n % 3 {
                    0 => RoomAction::HandOver(agent(&next)),
                    1 => RoomAction::Release,
                    _ => RoomAction::Complete,
                };
                match serve(&*store, "kim", &id, action).await {
                    Ok(_) | Err(Code::NotYourRoom) => {}
                    Err(other) => panic!("{other}"),
                }
            }
        })
    });
    let tasks: Vec<_> = tasks.collect();
    for task in tasks {
        task.await.unwrap();
    }
    use madang_domain::MessageKind as Kind;
    let log = whole_log(&*store, "kim").await;
    let mut holder: Option<String> = None;
    for entry in &log {
        let subject = entry
            .subjects()
            .first()
            .map(|person| person.user.to_string());
        match entry.kind {
            Kind::Assigned => assert!(holder.is_none() && subject.is_some()),
            Kind::HandedOver => assert_eq!(holder.as_deref(), Some(entry.sender.as_str())),
            Kind::Released | Kind::Completed => assert_eq!(holder, subject),
            _ => continue,
        }
        let leaves = matches!(entry.kind, Kind::Released | Kind::Completed);
        holder = subject.filter(|_| !leaves);
    }
    let found = room(&*store, "kim").await.unwrap();
    let assignee = found
        .support()
        .unwrap()
        .assignee()
        .map(|agent| agent.user.to_string());
    assert_eq!(assignee, holder);
    assert_consistent(&*store, "kim", &agents).await;
    let feed = log_of(&*store, &madang_domain::RoomId::desk()).await;
    let of_desk: Vec<_> = kinds(&feed).split_off(1);
    let events: Vec<_> = kinds(&log)
        .into_iter()
        .filter(|kind| *kind != Kind::Message)
        .collect();
    assert_eq!(of_desk, events, "the feed has them in the same order");
    let waits = found.support().unwrap().state == SupportState::Waiting;
    let waiting = store.waiting_rooms(9).await.unwrap();
    assert_eq!(waiting.len(), usize::from(waits));
}

/// Both ask for their direct room again and again, and leave it: never two of them.
pub async fn direct_rooms_are_one(factory: &dyn Factory) {
    let store = factory.fresh().await;
    let other = factory.another(&store).await;
    let tasks = (0..4).map(|task| {
        let store = handle(&store, other.as_ref(), task);
        tokio::spawn(async move {
            let (who, whom) = if task % 2 == 0 {
                ("kim", "lee")
            } else {
                ("lee", "kim")
            };
            for n in 0..40 {
                let id = format!("d{task}x{n}");
                let wanted = new_room(RoomKind::Direct, &id, Some(who), &[whom]);
                let (found, made) = create(&*store, wanted).await;
                assert_eq!(made, found.id.as_str() == id);
                if n % 5 == 4 {
                    let id = found.id.as_str();
                    match act(&*store, id, who, RoomAction::Leave).await {
                        Ok(_) | Err(Code::NotYourRoom | Code::RoomNotFound) => {}
                        Err(other) => panic!("{other}"),
                    }
                }
            }
        })
    });
    let tasks: Vec<_> = tasks.collect();
    for task in tasks {
        task.await.unwrap();
    }
    let wanted = new_room(RoomKind::Direct, "last", Some("kim"), &["lee"]);
    let (found, _) = create(&*store, wanted).await;
    for id in ["kim", "lee"] {
        assert_eq!(room_ids(&*store, id).await, [found.id.as_str()]);
    }
    assert_eq!(found.member_count, 2);
}

/// One call with commands of every kind: each sees what those before it did.
pub async fn commands_in_one_call(factory: &dyn Factory) {
    let store = factory.fresh().await;
    let say = |room: &str, who: &str, text: &str| {
        let draft = draft_of(room, who, Role::User, text, None);
        Command::Send(madang_domain::DraftGroup::single(draft))
    };
    let create = |room| Command::Create(Box::new(room));
    let user_command = |room: &str, who: &str, action| command(room, who, Role::User, action);
    let commands = vec![
        say("o", "kim", "too early"),
        create(new_room(RoomKind::Open, "o", Some("kim"), &[])),
        say("o", "lee", "not yet"),
        user_command("o", "lee", RoomAction::Join),
        say("o", "lee", "now"),
        user_command("o", "kim", RoomAction::Remove(user("lee"))),
        say("o", "lee", "no more"),
        user_command("o", "kim", RoomAction::Delete),
        say("o", "kim", "too late"),
        create(new_room(RoomKind::Open, "o", Some("park"), &[])),
        say("o", "park", "again"),
    ];
    let outcomes = store.commit(commands).await.unwrap();
    let codes: Vec<_> = outcomes
        .iter()
        .map(|o| o.as_ref().err().map(|e| e.code()))
        .collect();
    let (missing, not_yours) = (Some(Code::RoomNotFound), Some(Code::NotYourRoom));
    let expected = [
        missing, None, not_yours, None, None, None, not_yours, None, missing, None, None,
    ];
    assert_eq!(codes, expected);
    let store = factory.reopen(store).await;
    let log = whole_log(&*store, "o").await;
    assert_eq!((texts(&log), seqs(&log)), (vec!["again"], vec![1]));
    assert!(room_ids(&*store, "kim").await.is_empty());
}

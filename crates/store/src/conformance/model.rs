//! Random calls against a simple model: the states must be equal.

use std::collections::HashMap;

use madang_domain::ports::{GroupOutcome, LogQuery};
use madang_domain::{Code, DraftGroup, Epoch, Position, Role, Seq, SupportState, policy};

use super::*;

/// A small generator: a failure names its seed, which repeats the run.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len() as u64) as usize]
    }
}

#[derive(Clone)]
struct ModelRoom {
    epoch: Epoch,
    /// Sender, client id, text.
    log: Vec<(String, Option<String>, String)>,
    support: madang_domain::Support,
    delivered: HashMap<String, u64>,
}

type Model = HashMap<String, ModelRoom>;

const CUSTOMERS: &[&str] = &["kim", "lee", "park"];
const AGENTS: &[&str] = &["choi", "jung"];

/// Some thousand calls of every kind, with a look at everything now and then.
pub async fn random_calls_match_the_model(factory: &dyn Factory) {
    let seed = rand::random::<u64>() | 1;
    println!("seed {seed}");
    let mut random = Random(seed);
    let mut store = factory.fresh().await;
    let mut model = Model::new();
    for step in 0..2_000 {
        match random.below(14) {
            0 => open_step(&*store, &mut model, &mut random, step).await,
            1 => {
                let id = random.pick(CUSTOMERS);
                if random.below(3) == 0 {
                    let was = store.delete_room(&room_id(id)).await.unwrap();
                    assert_eq!(was, model.remove(id).is_some());
                }
            }
            2 | 3 => desk_step(&*store, &mut model, &mut random).await,
            4 => mark_step(&*store, &mut model, &mut random).await,
            5 if step % 20 == 0 => store = factory.reopen(store).await,
            _ => append_step(&*store, &mut model, &mut random, step).await,
        }
        if step % 50 == 0 {
            compare(&*store, &model).await;
        }
    }
    compare(&*store, &model).await;
}

async fn open_step(store: &dyn Store, model: &mut Model, random: &mut Random, step: i64) {
    let id = random.pick(CUSTOMERS);
    let found = store
        .open_support_room(&caller(id, Role::User), at(step))
        .await
        .unwrap();
    let room = model.entry(id.to_owned()).or_insert_with(|| ModelRoom {
        epoch: found.head.epoch,
        log: Vec::new(),
        support: madang_domain::Support {
            customer: user(id),
            member_id: None,
            nickname: None,
            state: SupportState::Waiting,
            inquired_at: at(step),
        },
        delivered: HashMap::new(),
    });
    assert_eq!(found.support, room.support);
}

async fn desk_step(store: &dyn Store, model: &mut Model, random: &mut Random) {
    let (id, who) = (random.pick(CUSTOMERS), random.pick(AGENTS));
    let room = model.get_mut(id);
    if random.below(2) == 0 {
        let expected = match room {
            None => ClaimOutcome::NoSuchRoom,
            Some(room) => match room.support.state.clone() {
                SupportState::Waiting => {
                    room.support.state = SupportState::Assigned(agent(who));
                    ClaimOutcome::Won
                }
                SupportState::Assigned(holder) if holder == agent(who) => {
                    ClaimOutcome::AlreadyYours
                }
                SupportState::Assigned(holder) => ClaimOutcome::TakenBy(holder),
                SupportState::Completed => ClaimOutcome::NotWaiting,
            },
        };
        assert_eq!(claim(store, id, who).await, expected);
    } else {
        let expected = room.is_some_and(|room| {
            let assigned = room.support.is_assigned_to(&user(who));
            if assigned {
                room.support.state = SupportState::Completed;
            }
            assigned
        });
        assert_eq!(complete(store, id, who).await, expected);
    }
}

async fn mark_step(store: &dyn Store, model: &mut Model, random: &mut Random) {
    let (id, who) = (random.pick(CUSTOMERS), random.pick(AGENTS));
    let seq = random.below(20);
    let epoch = match model.get_mut(id) {
        Some(room) if random.below(4) > 0 => {
            let mark = room.delivered.entry(who.to_owned()).or_default();
            *mark = seq.max(*mark);
            room.epoch
        }
        _ => Epoch::new(1),
    };
    let position = Position {
        epoch,
        seq: Seq::new(seq),
    };
    store
        .advance_delivered(&room_id(id), &user(who), position)
        .await
        .unwrap();
}

async fn append_step(store: &dyn Store, model: &mut Model, random: &mut Random, step: i64) {
    let groups: Vec<DraftGroup> = (0..1 + random.below(4))
        .map(|_| DraftGroup {
            drafts: (0..1 + random.below(3))
                .map(|_| random_draft(random, step))
                .collect(),
        })
        .collect();
    let expected: Vec<_> = groups.iter().map(|group| accept(model, group)).collect();
    let outcomes = store.append(groups).await.unwrap();
    let found: Vec<_> = outcomes.iter().map(summary).collect();
    assert_eq!(found, expected, "step {step}");
}

fn random_draft(random: &mut Random, step: i64) -> Draft {
    let room = random.pick(CUSTOMERS);
    let (sender, role) = match random.below(4) {
        0 => (random.pick(AGENTS), Role::Agent),
        _ => (room, Role::User),
    };
    let id = (random.below(2) == 0).then(|| random.below(40).to_string());
    let mut draft = draft_of(
        room,
        sender,
        role,
        &random.below(1_000).to_string(),
        id.as_deref(),
    );
    draft.sent_at = at(step);
    draft
}

/// Per draft: its number and whether it is new.
type Summary = Result<Vec<(u64, bool)>, Code>;

fn summary(outcome: &GroupOutcome) -> Summary {
    let one = |appended: &Appended| {
        let seq = appended.message().position.seq.get();
        (seq, matches!(appended, Appended::New(_)))
    };
    match outcome {
        Ok(appended) => Ok(appended.iter().map(one).collect()),
        Err(error) => Err(error.code()),
    }
}

fn accept(model: &mut Model, group: &DraftGroup) -> Summary {
    let mut after = model.clone();
    let mut answers = Vec::new();
    for draft in &group.drafts {
        let room = after
            .get_mut(draft.room.as_str())
            .ok_or(Code::RoomNotFound)?;
        let id = draft.client_id.as_ref().map(|id| id.as_str().to_owned());
        let sender = draft.sender.as_str().to_owned();
        let first = room
            .log
            .iter()
            .position(|(s, i, _)| i.is_some() && *i == id && *s == sender);
        if let Some(index) = first {
            answers.push((index as u64 + 1, false));
            continue;
        }
        if policy::may_send(&room.support, &draft.sender, draft.role)?.reopens {
            room.support.state = SupportState::Waiting;
            room.support.inquired_at = draft.sent_at;
        }
        room.log.push((sender, id, draft.text.to_string()));
        answers.push((room.log.len() as u64, true));
    }
    *model = after;
    Ok(answers)
}

async fn compare(store: &dyn Store, model: &Model) {
    for id in CUSTOMERS {
        let found = room(store, id).await;
        let Some(expected) = model.get(*id) else {
            assert_eq!(found, None);
            continue;
        };
        let found = found.unwrap();
        assert_eq!(found.head.epoch, expected.epoch);
        assert_eq!(found.support, expected.support);
        assert_eq!(found.head.last.get(), expected.log.len() as u64);
        let log = whole_log(store, id).await;
        let read = log.iter().map(|m| {
            let id = m.client_id.as_ref().map(|id| id.as_str().to_owned());
            (m.sender.as_str().to_owned(), id, m.text.to_string())
        });
        assert_eq!(read.collect::<Vec<_>>(), expected.log);
        for seq in [0, expected.log.len() / 2, expected.log.len()] {
            let page = store
                .read_log(&room_id(id), LogQuery::Before(Seq::new(seq as u64 + 1)), 5)
                .await;
            let page = page.unwrap().unwrap().messages;
            let first = seq.saturating_sub(4).max(1) as u64;
            assert_eq!(seqs(&page), (first..=seq as u64).collect::<Vec<_>>());
        }
        for who in AGENTS {
            let mark = expected.delivered.get(*who).copied().unwrap_or_default();
            assert_eq!(
                store
                    .delivered(&room_id(id), &user(who))
                    .await
                    .unwrap()
                    .get(),
                mark
            );
        }
    }
}

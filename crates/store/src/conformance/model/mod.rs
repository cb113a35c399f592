//! Random calls against a simple model of the port: the states must be equal.
//!
//! `world` is the model's state, `apply` and `desk` what commands do to it, `random` makes calls,
//! `compare` looks at everything that can be read.

mod apply;
mod compare;
mod desk;
mod people;
mod random;
mod revise;
mod world;

use std::sync::Arc;

use madang_domain::ports::Store;

use super::{Factory, at};
use compare::{assert_same_outcome, compare};
use random::Call;
use world::World;

pub(crate) use compare::picture;
pub(crate) use random::{Random, command_batch};

/// Some thousand calls of every kind, with a look at everything now and then.
pub async fn random_calls_match_the_model(factory: &dyn Factory) {
    let seed = std::env::var("MADANG_MODEL_SEED").map(|seed| seed.parse().unwrap());
    let seed = seed.unwrap_or_else(|_| rand::random::<u64>() | 1);
    println!("MADANG_MODEL_SEED={seed}");
    let mut random = Random::new(seed);
    let mut store = factory.fresh().await;
    let mut world = World::new();
    world.learn(&*store).await;
    for step in 1..=2_500 {
        match random.call(step) {
            Call::Reopen => store = factory.reopen(store).await,
            call => carry_out(&store, &mut world, call, step).await,
        }
        if step % 40 == 0 {
            compare(&*store, &world, &mut random).await;
        }
    }
    compare(&*store, &world, &mut random).await;
}

async fn carry_out(store: &Arc<dyn Store>, world: &mut World, call: Call, step: i64) {
    match call {
        Call::Commit(commands) => {
            let expected: Vec<_> = commands.iter().map(|c| world.apply(c)).collect();
            let found = store.commit(commands.clone()).await.unwrap();
            world.learn(&**store).await;
            assert_eq!(found.len(), expected.len());
            for ((command, found), expected) in commands.iter().zip(&found).zip(&expected) {
                assert_same_outcome(found, expected, &format!("step {step}: {command:?}"));
            }
        }
        Call::Delivered(room, user, seq) => {
            let position = world.position(&room, seq);
            store
                .advance_delivered(&room, &user, position)
                .await
                .unwrap();
            world.advance_delivered(&room, &user, seq);
        }
        Call::Read(room, user, seq) => {
            let position = world.position(&room, seq);
            let mark = store.advance_read(&room, &user, position).await.unwrap();
            let mark = mark.map(|mark| (mark.before.get(), mark.now.get()));
            assert_eq!(mark, world.advance_read(&room, &user, seq), "step {step}");
        }
        Call::Upsert(changes) => {
            store.upsert_users(changes.clone()).await.unwrap();
            changes.iter().for_each(|change| world.upsert(change));
        }
        Call::Revoke(user) => {
            store.revoke_tokens(&user, at(step)).await.unwrap();
            world.revoke(&user, step);
        }
        Call::Sweep(rules) => {
            let expected = world.sweep(&rules, step);
            let mut found = (0, 0);
            let mut after = None;
            loop {
                let swept = store.sweep(&rules, after, at(step)).await.unwrap();
                found = (found.0 + swept.entries, found.1 + swept.rooms);
                after = swept.next;
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(found, expected, "step {step}");
        }
        Call::Retire(links) => {
            let used = store.retire_uploads(&links, at(step)).await.unwrap();
            assert_eq!(used, world.retire(&links), "step {step}");
        }
        Call::Reopen => {}
    }
}

//! Random operations of several users against the real server and a simple model: answers, lists, counts,
//! histories and what is shown live equal the model's.

mod act;
mod compare;
mod draft;
mod draw;
mod filler;
mod json_shape;
mod live;
mod paths;
mod person;
mod run;
mod shown;
mod step;
mod truth;

use run::Run;

use crate::dice::{count, seed};

const STEPS: &str = "MADANG_E2E_STEPS";
const STEPS_DEFAULT: usize = 3_000;
/// Steps between two looks at one user's lists and one room.
const SOME: usize = 20;
/// Steps after which what was written counts as old.
const OLD: usize = 700;
/// Steps between two comparisons of everything.
const ALL: usize = 300;
const CRASHES_DEFAULT: usize = 6;
/// Steps between two kills.
const BETWEEN_CRASHES: usize = 60;

#[test]
fn whatever_people_do_every_door_says_what_a_simple_model_says() {
    let steps = count(STEPS, STEPS_DEFAULT);
    let mut run = Run::new(seed());
    for number in 1..=steps {
        run.step();
        if number % SOME == 0 {
            run.compare_some();
        }
        if number % OLD == 0 {
            run.age();
        }
        if number % ALL == 0 || number == steps {
            run.compare();
        }
    }
    println!("{steps} steps. {}", run.summary());
}

#[test]
fn a_server_that_is_killed_in_between_says_what_the_model_says() {
    let crashes = count("MADANG_E2E_CRASHES", CRASHES_DEFAULT);
    let mut run = Run::new(seed());
    for number in 0..crashes {
        (0..BETWEEN_CRASHES).for_each(|_| run.step());
        if number % 2 == 1 {
            // What was written is being moved to where old messages are.
            run.age();
        }
        run.crash();
        run.compare();
    }
    println!("{crashes} crashes. {}", run.summary());
}

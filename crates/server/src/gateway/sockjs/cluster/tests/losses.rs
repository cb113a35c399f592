//! A bus that drops, repeats and delays.

use tokio::task::JoinSet;

use super::fixture::{Cluster, Losses, OPTIONS, Options, opened};

/// What a client does that polls: sends numbers at one node after another, and polls at another one.
/// Answers what it got until all came, or the session was closed.
async fn numbers_at_every_node(losses: Losses) -> (Vec<String>, Option<String>) {
    let options = Options { losses, ..OPTIONS };
    let cluster = Cluster::of(3, options).await;
    cluster.settled().await;
    let session = opened(&cluster).await;
    let mut got = Vec::new();
    for number in 0..NUMBERS {
        let status = session.send(number % 3, &[&number.to_string()]).await;
        if status != 204 {
            return (got, Some(format!("status {status}")));
        }
        while got.len() <= number {
            let frame = session.poll((number + 1) % 3).await;
            match frame.trim_end().strip_prefix('a') {
                Some(texts) => got.extend(serde_json::from_str::<Vec<String>>(texts).unwrap()),
                None => return (got, Some(frame)),
            }
        }
    }
    (got, None)
}

const NUMBERS: usize = 40;

#[tokio::test]
async fn whatever_the_bus_does_texts_come_once_and_in_order() {
    let mut ended_well = 0;
    let mut runs = JoinSet::new();
    for seed in 0..8 {
        let losses = Losses {
            seed,
            dropped: 10,
            repeated: 20,
            delayed: 20,
        };
        runs.spawn(async move { (seed, numbers_at_every_node(losses).await) });
    }
    while let Some(run) = runs.join_next().await {
        let (seed, (got, end)) = run.unwrap();
        let expected: Vec<_> = (0..got.len()).map(|number| number.to_string()).collect();
        assert_eq!(got, expected, "seed {seed}");
        match end {
            None => ended_well += 1,
            // The client opens another session and resumes: nothing was lost in silence.
            Some(end) => assert!(
                end == "status 404" || end == "status 503" || end.starts_with('c') || end == "o\n",
                "seed {seed}: {end}"
            ),
        }
    }
    assert!(ended_well > 0, "what is lost is said again");
}

#[tokio::test]
async fn what_is_asked_twice_is_carried_out_once() {
    let losses = Losses {
        seed: 1,
        dropped: 0,
        repeated: 100,
        delayed: 0,
    };
    let (got, end) = numbers_at_every_node(losses).await;
    assert_eq!(end, None);
    assert_eq!(got.len(), NUMBERS);
}

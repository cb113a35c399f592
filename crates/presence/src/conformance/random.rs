//! Random calls against a simple model, by one node after another and by all at once.
//! `MADANG_PRESENCE_SEED=X` repeats a run; of calls at once it repeats who says what, not the order.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

const USERS: &[&str] = &["kim", "lee", "park", "choi", "jung"];
const SLOTS: usize = 4;

/// A small generator: a failure names its seed, which repeats the run.
struct Random(u64);

impl Random {
    fn from_environment() -> Self {
        let seed = std::env::var("MADANG_PRESENCE_SEED");
        let seed: u64 = seed.map_or_else(|_| rand::random(), |seed| seed.parse().unwrap());
        println!("MADANG_PRESENCE_SEED={seed}");
        Self(seed | 1)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }

    fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap()
    }

    fn user(&mut self) -> &'static str {
        USERS[self.index(USERS.len())]
    }

    /// From `-most` to `most`.
    fn skew(&mut self, most: u64) -> i64 {
        self.below(2 * most + 1).cast_signed() - most.cast_signed()
    }
}

/// Who has a lease, until when, and whom it says to be online.
#[derive(Default)]
struct Model {
    leases: BTreeMap<usize, (i64, BTreeSet<&'static str>)>,
    online: BTreeSet<&'static str>,
}

impl Model {
    fn is_said(&self, user: &str, now: i64) -> bool {
        let mut leases = self.leases.values();
        leases.any(|(until, users)| *until > now && users.contains(user))
    }

    fn is_valid(&self, node: usize, now: i64) -> bool {
        self.leases
            .get(&node)
            .is_some_and(|(until, _)| *until > now)
    }

    /// Of `users`, who is online and not said to be any more goes offline.
    fn leave(&mut self, users: &BTreeSet<&'static str>, now: i64, at: i64) -> Vec<Said> {
        let left = users
            .iter()
            .copied()
            .filter(|user| !self.is_said(user, now));
        let left: Vec<_> = left.collect();
        let left = left.into_iter().filter(|user| self.online.remove(user));
        left.map(|user| off(user, at)).collect()
    }

    fn renew(&mut self, node: usize, now: i64) -> (bool, Vec<Said>) {
        let ran_out = self.leases.extract_if(.., |_, (until, _)| *until <= now);
        let mut ran_out: Vec<_> = ran_out.map(|(_, lease)| lease).collect();
        ran_out.sort_by_key(|(until, _)| -until);
        let edges = ran_out.iter();
        let mut edges: Vec<_> = edges
            .flat_map(|(until, users)| self.leave(users, now, *until))
            .collect();
        edges.sort();
        let was_held = self.leases.contains_key(&node);
        self.leases.entry(node).or_default().0 = now + LEASE_SECONDS;
        (was_held, edges)
    }

    fn set(&mut self, node: usize, user: &'static str, online: bool, now: i64) -> Vec<Said> {
        let users = &mut self.leases.get_mut(&node).unwrap().1;
        if online {
            users.insert(user);
            let came = self.online.insert(user);
            return came.then(|| on(user, now)).into_iter().collect();
        }
        let users = users.take(user).into_iter().collect();
        self.leave(&users, now, now)
    }

    /// Its lease is no node's from now on.
    fn die(&mut self, node: usize, unused: usize) {
        let lease = self.leases.remove(&node);
        self.leases.extend(lease.map(|lease| (unused, lease)));
    }

    fn release(&mut self, node: usize, now: i64) -> Vec<Said> {
        let (until, users) = self.leases.remove(&node).unwrap_or_default();
        self.leave(&users, now, now.min(until))
    }
}

/// Some thousand calls of every kind by nodes with clocks of their own, one call at a time: each
/// answers what the model does.
pub async fn calls_match_the_model(cluster: &dyn Cluster) {
    let mut random = Random::from_environment();
    let mut model = Model::default();
    let mut nodes = Nodes::join(cluster, SLOTS).await;
    for node in 0..SLOTS {
        model.renew(node, 0);
    }
    let skews: Vec<_> = (0..SLOTS).map(|_| random.skew(5)).collect();
    let everybody: Vec<_> = USERS.iter().map(|id| user(id)).collect();
    let mut time = 10;
    for step in 0..4_000 {
        time += random.below(5).cast_signed();
        let node = random.index(SLOTS);
        let now = time + skews[node];
        match random.below(20) {
            0 => {
                nodes.nodes[node] = cluster.another().await;
                model.die(node, SLOTS + step);
            }
            1 => assert_eq!(nodes.release(node, now).await, model.release(node, now)),
            2..8 => assert_eq!(nodes.renew(node, now).await, model.renew(node, now)),
            _ => {
                let (id, online) = (random.user(), random.below(2) == 0);
                if model.is_valid(node, now) {
                    let said = nodes.say(node, id, online, now).await;
                    let expected = model.set(node, id, online, now);
                    assert_eq!(said, expected, "step {step}");
                } else {
                    nodes.is_refused(node, id, online, now).await;
                }
            }
        }
        let of = nodes.nodes[node].of(&everybody).await.unwrap();
        let online = of.iter().flatten().filter(|edge| edge.online);
        let online: BTreeSet<_> = online.map(|edge| edge.user.as_str()).collect();
        assert_eq!(online, model.online, "step {step}");
    }
}

/// A node that speaks beside others.
struct Speaker {
    node: Arc<dyn Presence>,
    random: Random,
    /// When its lease runs out.
    until: i64,
    said: BTreeSet<&'static str>,
    edges: Vec<PresenceEdge>,
}

impl Speaker {
    async fn speak(mut self, now: i64) -> Self {
        for _ in 0..self.random.below(40) {
            match self.random.below(12) {
                0 => self.release(now).await,
                1 | 2 => self.renew(now).await,
                _ => self.say(now).await,
            }
            tokio::task::yield_now().await;
        }
        self
    }

    async fn renew(&mut self, now: i64) {
        let renewed = self.node.renew(at(now), LEASE).await;
        let (was_held, edges) = renewed.unwrap();
        assert_eq!(was_held, self.until > now);
        if !was_held {
            self.said.clear();
        }
        self.until = now + LEASE_SECONDS;
        self.edges.extend(edges);
    }

    async fn say(&mut self, now: i64) {
        let (id, online) = (self.random.user(), self.random.below(2) == 0);
        let said = self.node.set(&[(user(id), online)], at(now)).await;
        assert_eq!(said.is_ok(), self.until > now);
        let Ok(edges) = said else {
            return;
        };
        self.edges.extend(edges);
        if online {
            self.said.insert(id);
        } else {
            self.said.remove(id);
        }
    }

    async fn release(&mut self, now: i64) {
        self.edges.extend(self.node.release(at(now)).await.unwrap());
        self.said.clear();
        self.until = now;
    }
}

/// Nodes say contrary things of few users at the same moment, miss renewals and release, some
/// thousand times. In the order of their epochs all edges tell one story, and its end is what the
/// nodes said last.
pub async fn nodes_that_speak_at_once_agree(cluster: &dyn Cluster) {
    let mut random = Random::from_environment();
    let mut seen = Seen::default();
    let watcher = cluster.another().await;
    let mut speakers = Vec::new();
    for _ in 0..SLOTS {
        speakers.push(Speaker {
            node: cluster.another().await,
            random: Random(random.below(u64::MAX) | 1),
            until: 0,
            said: BTreeSet::new(),
            edges: Vec::new(),
        });
    }
    let everybody: Vec<_> = USERS.iter().map(|id| user(id)).collect();
    for round in 1..300 {
        // Whose lease ran out is decided between rounds; who finds that, within.
        let now = round * (LEASE_SECONDS / 2);
        let (awake, mut rest): (Vec<_>, Vec<_>) =
            speakers.into_iter().partition(|_| random.below(2) == 0);
        let awake: Vec<_> = awake
            .into_iter()
            .map(|speaker| tokio::spawn(speaker.speak(now)))
            .collect();
        for speaker in awake {
            rest.push(speaker.await.unwrap());
        }
        speakers = rest;
        let (_, mut edges) = watcher.renew(at(now), LEASE).await.unwrap();
        for speaker in &mut speakers {
            edges.append(&mut speaker.edges);
        }
        seen.note(edges);
        seen.agrees(&*watcher, &everybody).await;
        for (id, user) in USERS.iter().zip(&everybody) {
            let mut valid = speakers.iter().filter(|speaker| speaker.until > now);
            let said = valid.any(|speaker| speaker.said.contains(id));
            let online = seen.last.get(user).is_some_and(|edge| edge.online);
            assert_eq!(online, said, "{id} in round {round}");
        }
    }
}

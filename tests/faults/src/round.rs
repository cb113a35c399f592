//! A round: people talk, something goes wrong again and again, everything is made good, and everybody gets everything.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use madang_e2e::dice::Dice;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::cast::Cast;
use crate::checker::{self, Verdict};
use crate::clients::{Phase, Rest, World, Writer, read_log};
use crate::cluster::{Cluster, token};
use crate::history::{Event, History, Name, What};
use crate::plan::{Plan, Step};

/// Within this time messages are accepted again after a fault. A driver may wait long for a server that is silent.
const PROGRESS_MAX: Duration = Duration::from_secs(60);

/// Within this time everybody has everything once all is made good.
pub(crate) const HEAL_MAX: Duration = Duration::from_secs(90);

/// What is told of at most, of what is missing.
const MISSING_MAX: usize = 40;

/// How a round went.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) verdict: Verdict,
    /// From when all was made good until everybody had everything; else what is missing.
    pub(crate) healed: Result<Duration, String>,
}

/// Runs it; `tag` makes the names of its people its own.
///
/// # Errors
/// It could not begin, or what was broken does not work again.
pub(crate) async fn run(
    cluster: &Arc<Cluster>,
    plan: &Plan,
    mut dice: Dice,
    tag: &str,
    file: &Path,
) -> Result<Done, String> {
    let history = History::create(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let history = Arc::new(history);
    let (phase, watched) = watch::channel(Phase::Talking);
    let world = World {
        address: cluster.address(),
        history: Arc::clone(&history),
        phase: watched,
    };
    let setting = timeout(PROGRESS_MAX, Cast::assemble(&world, tag, &mut dice));
    let cast = setting.await.map_err(|_| "the rooms cannot be made")??;
    let rooms = cast.rooms.clone();
    let admin = cast.admin.clone();
    let mut talk = Talk::begin(cast);
    inflict(cluster, plan, &history).await?;
    history.record(What::Healed);
    let begin = Instant::now();
    phase.send_replace(Phase::Ending);
    let healed = match timeout(HEAL_MAX, talk.end()).await {
        Ok(()) => Ok(begin.elapsed()),
        Err(_) => Err(missing(&history.events())),
    };
    let hidden = take_down_logs(cluster, &history, &rooms, &admin).await?;
    let mut verdict = checker::check(&history.events());
    hidden.into_iter().for_each(|room| verdict.other(room));
    Ok(Done { verdict, healed })
}

/// Everybody at work.
pub(crate) struct Talk {
    writers: JoinSet<Writer>,
    others: JoinSet<()>,
    readers: JoinSet<()>,
    /// Who says the last word in each room.
    closing: Vec<JoinSet<Writer>>,
}

impl Talk {
    pub(crate) fn begin(cast: Cast) -> Self {
        let mut talk = Self {
            writers: JoinSet::new(),
            others: JoinSet::new(),
            readers: JoinSet::new(),
            closing: Vec::new(),
        };
        for writer in cast.writers {
            talk.writers.spawn(writer.run());
        }
        for writer in cast.closing {
            let mut one = JoinSet::new();
            one.spawn(writer.run());
            talk.closing.push(one);
        }
        for agent in cast.agents {
            talk.others.spawn(agent.run());
        }
        for removal in cast.removals {
            talk.others.spawn(removal.run());
        }
        for reader in cast.readers {
            talk.readers.spawn(reader.run());
        }
        talk
    }

    /// Brings everything under way to its end, says the last words, and waits until they are read.
    async fn end(&mut self) {
        self.fall_silent().await;
        self.say_last_words().await;
        self.read_to_the_end().await;
    }

    /// Brings everything under way to its end, but for who says the last words.
    pub(crate) async fn fall_silent(&mut self) {
        while self.writers.join_next().await.is_some() {}
        while self.others.join_next().await.is_some() {}
    }

    pub(crate) async fn say_last_words(&mut self) {
        let mut last_words = JoinSet::new();
        for closing in &mut self.closing {
            if let Some(Ok(writer)) = closing.join_next().await {
                last_words.spawn(writer.end());
            }
        }
        while last_words.join_next().await.is_some() {}
    }

    pub(crate) async fn read_to_the_end(&mut self) {
        while self.readers.join_next().await.is_some() {}
    }
}

/// Goes through the plan.
async fn inflict(
    cluster: &Arc<Cluster>,
    plan: &Plan,
    history: &Arc<History>,
) -> Result<(), String> {
    let mut accepted = history.accepted();
    for step in &plan.steps {
        let until = *accepted.borrow() + step.after;
        let reached = accepted.wait_for(|accepted| *accepted >= until);
        match timeout(PROGRESS_MAX, reached).await {
            Ok(Ok(_)) => {}
            _ => {
                return Err(format!(
                    "nothing is accepted\n{}",
                    missing(&history.events())
                ));
            }
        }
        suffer(cluster, step, history).await?;
    }
    Ok(())
}

/// All faults of a step, each for as long as it lasts.
async fn suffer(cluster: &Arc<Cluster>, step: &Step, history: &Arc<History>) -> Result<(), String> {
    let mut faults = JoinSet::new();
    for &(fault, lasts) in &step.faults {
        let (cluster, history) = (Arc::clone(cluster), Arc::clone(history));
        faults.spawn(async move {
            let tell = |what| {
                let text = format!("{what} {fault}");
                history.record(What::Fault { text });
            };
            tell("begin");
            let healed = cluster.suffer(fault, lasts).await;
            tell("end");
            healed
        });
    }
    while let Some(ended) = faults.join_next().await {
        ended.map_err(|panicked| panicked.to_string())??;
    }
    Ok(())
}

/// What every node has. Answers which rooms a node does not show, and why: it has nothing of them, then.
pub(crate) async fn take_down_logs(
    cluster: &Cluster,
    history: &History,
    rooms: &[String],
    admin: &str,
) -> Result<Vec<String>, String> {
    let mut hidden = Vec::new();
    for (address, node) in cluster.node_addresses().into_iter().zip(1..) {
        let reader = Rest {
            address,
            token: token(admin, "ROLE_MADANG_ADMIN"),
        };
        for room in rooms {
            let log = timeout(HEAL_MAX, read_log(&reader, room)).await;
            let log = log.map_err(|_| format!("node {node} does not answer for {room}"))?;
            let log = log.unwrap_or_else(|code| {
                hidden.push(format!("node {node} does not show {room}: {code}"));
                Vec::new()
            });
            for entry in log {
                let room = room.clone();
                history.record(What::Log { node, room, entry });
            }
        }
    }
    Ok(hidden)
}

/// What everybody still waits for.
pub(crate) fn missing(events: &[Event]) -> String {
    let mut open: BTreeMap<&Name, u64> = BTreeMap::new();
    let mut reading: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for event in events {
        match &event.what {
            What::Sent { message } => *open.entry(message).or_default() += 1,
            What::Accepted { message, .. } | What::Refused { message, .. } => {
                open.remove(message);
            }
            What::Began {
                reader,
                room,
                behind,
            } => {
                reading.insert((reader, room), *behind);
            }
            What::Seen {
                reader,
                room,
                entry,
            } if entry.is_end() => {
                reading.remove(&(reader.as_str(), room.as_str()));
            }
            What::Seen {
                reader,
                room,
                entry,
            } => {
                reading.insert((reader, room), entry.seq);
            }
            What::Ended { reader, room } => {
                reading.remove(&(reader.as_str(), room.as_str()));
            }
            _ => {}
        }
    }
    let readers = reading
        .into_iter()
        .map(|((reader, room), seq)| format!("{reader} has {room} up to {seq}, not to its end"));
    let writers = open
        .into_iter()
        .map(|(name, attempts)| format!("{name:?} is not answered after {attempts} attempts"));
    let lines: Vec<String> = readers.chain(writers).take(MISSING_MAX).collect();
    lines.join("\n")
}

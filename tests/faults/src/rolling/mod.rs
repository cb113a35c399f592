//! Nodes restart one after the other, again and again, behind a balancer that knows nothing, while people talk over
//! WebSocket and SockJS. Then everything is checked that a round checks, and how long it all took is told.

mod crowd;
mod figures;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use madang_e2e::dice::Dice;
use madang_test_servers::target::profile_folder;
use serde_json::json;
use tokio::sync::watch;
use tokio::task::block_in_place;
use tokio::time::{Instant, sleep_until, timeout};

use crate::cast::{Cast, make_room};
use crate::checker::{self, Verdict};
use crate::clients::{Door, Phase, Reader, Rest, Start, World, Writer};
use crate::cluster::{Cluster, Drain, token};
use crate::history::{History, What};
use crate::plan::Fault;
use crate::report::last_line;
use crate::round::{HEAL_MAX, Talk, missing, take_down_logs};
use crate::spec::{BusKind, Combination, StoreKind};
use crowd::{Crowd, Person};
pub(crate) use figures::Figures;
use figures::{READY, RESTART};

const ROOMS: usize = 6;

/// Members of each room who write over WebSocket, besides its owner.
const MEMBERS: usize = 3;

/// Of each room, one client by each.
const TRANSPORTS: [&str; 2] = ["websocket", "xhr-polling"];

/// Longest pause of a person between two messages, in milliseconds.
const THINKING_MS_MAX: usize = 1_000;

/// Restart nodes one after the other, again and again, while people talk.
#[derive(Debug, Args)]
pub(crate) struct Rolling {
    /// How long people talk.
    #[arg(long, default_value_t = 30)]
    minutes: u64,
    /// Seconds from the beginning of one rolling restart of all nodes to the next; the first begins after half of it.
    #[arg(long, default_value_t = 120)]
    every: u64,
    #[arg(long, default_value = "postgres")]
    store: StoreKind,
    #[arg(long, default_value = "redis")]
    bus: BusKind,
    /// Where the history goes; a folder in the target directory when it is not given.
    #[arg(long)]
    histories: Option<PathBuf>,
}

impl Rolling {
    /// # Errors
    /// It could not begin, or a node did not come back, or not everybody had everything in time.
    pub(crate) async fn run(&self) -> Result<bool, String> {
        let (store, bus) = (self.store, self.bus);
        let combination = Combination { store, bus };
        let file = self.file()?;
        println!("{combination}; history in {}", file.display());
        let cluster = block_in_place(|| Arc::new(Cluster::start(combination, Drain::USUAL)));
        let ran = self.talk(&cluster, &file).await;
        keep_logs(&cluster, &file);
        let (verdict, figures) = ran?;
        verdict
            .findings
            .iter()
            .for_each(|finding| println!("{finding}"));
        println!("\n{}", figures.tables());
        println!("{}", last_line(&verdict));
        Ok(verdict.is_clean())
    }

    fn file(&self) -> Result<PathBuf, String> {
        let folder = self.histories.clone();
        let folder = folder.unwrap_or_else(|| profile_folder().join("../faults/rolling"));
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let folder = folder.canonicalize().map_err(|error| error.to_string())?;
        Ok(folder.join("history.jsonl"))
    }

    async fn talk(
        &self,
        cluster: &Arc<Cluster>,
        file: &Path,
    ) -> Result<(Verdict, Figures), String> {
        let history = History::create(file).map_err(|error| error.to_string())?;
        let (phase, watched) = watch::channel(Phase::Talking);
        let world = World {
            address: cluster.address(),
            history: Arc::new(history),
            phase: watched,
        };
        let history = Arc::clone(&world.history);
        let (cast, people) = assemble(&world).await?;
        let (rooms, admin) = (cast.rooms.clone(), cast.admin.clone());
        let mut talk = Talk::begin(cast);
        let mut crowd = Crowd::start(&world, &people, THINKING_MS_MAX).await?;
        tokio::select! {
            restarted = self.restart_all(cluster, &history) => restarted?,
            how = crowd.broke_off() => return Err(how),
        }
        history.record(What::Healed);
        phase.send_replace(Phase::Ending);
        let ending = timeout(HEAL_MAX, end(&mut talk, &mut crowd)).await;
        ending.map_err(|_| format!("not healed in time:\n{}", missing(&history.events())))??;
        let hidden = take_down_logs(cluster, &history, &rooms, &admin).await?;
        let events = history.events();
        let mut verdict = checker::check(&events);
        hidden.into_iter().for_each(|room| verdict.other(room));
        Ok((verdict, Figures::of(&events)))
    }

    /// Until people have talked for so long.
    async fn restart_all(&self, cluster: &Cluster, history: &History) -> Result<(), String> {
        let every = Duration::from_secs(self.every);
        let begin = Instant::now();
        let end = begin + Duration::from_secs(60 * self.minutes);
        let accepted = history.accepted();
        let mut next = begin + every / 2;
        let mut number = 0;
        while next < end {
            sleep_until(next).await;
            number += 1;
            for node in 0..cluster.node_addresses().len() {
                let tell = |text: String| history.record(What::Fault { text });
                tell(format!("{RESTART} {}", node + 1));
                cluster.suffer(Fault::Drain(node), Duration::ZERO).await?;
                cluster.ready(node).await?;
                tell(format!("{READY} {}", node + 1));
            }
            let (at, so_far) = (begin.elapsed().as_secs(), *accepted.borrow());
            println!("rolling restart {number} done at {at} s, accepted {so_far}");
            next = (next + every).max(Instant::now());
        }
        sleep_until(end).await;
        Ok(())
    }
}

/// Everything under way is brought to its end, and everybody reads to the last word.
async fn end(talk: &mut Talk, crowd: &mut Crowd) -> Result<(), String> {
    talk.fall_silent().await;
    crowd.fall_silent().await?;
    talk.say_last_words().await;
    talk.read_to_the_end().await;
    crowd.read_to_the_end().await
}

/// Groups, whose owners and members write over WebSocket and are read by two doors, and who are there by SockJS.
async fn assemble(world: &World) -> Result<(Cast, Vec<Person>), String> {
    let mut cast = Cast::nobody("rolling");
    let mut people = Vec::new();
    let mut dice = Dice::new(0, 0, 0);
    for number in 1..=ROOMS {
        let owner = format!("owner-{number}");
        let members: Vec<String> = (1..=MEMBERS)
            .map(|member| format!("member-{number}-{member}"))
            .collect();
        let by_sockjs = TRANSPORTS.map(|transport| format!("{transport}-{number}"));
        let all: Vec<&String> = members.iter().chain(&by_sockjs).collect();
        let maker = Rest {
            address: world.address,
            token: token(&owner, "ROLE_USER"),
        };
        let body = json!({"kind": "group", "title": "A group", "members": all});
        let (room, start) = make_room(&maker, &body).await?;
        cast.closing.push(writer(world, &room, &owner, &mut dice));
        for member in &members {
            cast.writers.push(writer(world, &room, member, &mut dice));
        }
        for user in [&owner, &members[0]] {
            for door in [Door::Stomp, Door::Json] {
                let place = (room.clone(), start.clone());
                cast.readers
                    .push(reader(world, user, door, place, &mut dice));
            }
        }
        for (user, transport) in by_sockjs.into_iter().zip(TRANSPORTS) {
            people.push(Person {
                token: token(&user, "ROLE_USER"),
                user,
                transport,
                room: room.clone(),
                position: start.position.clone(),
                seq: start.seq,
            });
        }
        cast.rooms.push(room);
    }
    Ok((cast, people))
}

fn writer(world: &World, room: &str, user: &str, dice: &mut Dice) -> Writer {
    let dice = Dice::new(dice.bits(), 0, 0);
    let writer = Writer::new(world.clone(), room, user, token(user, "ROLE_USER"), dice);
    writer.thinking(THINKING_MS_MAX)
}

fn reader(
    world: &World,
    user: &str,
    door: Door,
    place: (String, Start),
    dice: &mut Dice,
) -> Reader {
    let dice = Dice::new(dice.bits(), 0, 0);
    let name = format!("{user}/{}", door.name());
    let token = token(user, "ROLE_USER");
    Reader::new(world.clone(), name, token, door, &[place], dice).staying()
}

fn keep_logs(cluster: &Cluster, file: &Path) {
    for (lines, node) in cluster.logs().into_iter().zip(1..) {
        let file = file.with_file_name(format!("node-{node}.log"));
        match fs::write(&file, lines.join("\n")) {
            Ok(()) => println!("log of node {node}: {}", file.display()),
            Err(error) => eprintln!("{}: {error}", file.display()),
        }
    }
}

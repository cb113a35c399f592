//! What reading costs in a store that is full: 1,000,000 messages of 1,000 users in 10,000 rooms,
//! one user in all of them, and a room of 100,000 members. Run it in release:
//! `catalog [directory] [messages] [members of the great room]`.

#![expect(clippy::print_stdout, reason = "its figures are what it is for")]

use std::sync::Arc;
use std::time::Instant;

use madang_domain::ports::{Commit, LogQuery, RoomsQuery, Store};
use madang_domain::search::SearchQuery;
use madang_domain::{
    Body, Caller, Command, Content, Draft, DraftGroup, MemberRole, NewRoom, Person, Position,
    Profile, Role, RoomId, RoomKind, Seq, Timestamp, UserChange, UserId,
};
use madang_store::sqlite::{SqliteOptions, SqliteStore};

type Failure = Box<dyn std::error::Error>;

const ROOMS: u64 = 10_000;
const USERS: u64 = 1_000;
const OF_A_ROOM: u64 = 10;
const WORDS: u64 = 30_000;

struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }

    /// Few of them often, most of them seldom, as words are.
    fn rank(&mut self, n: u64) -> u64 {
        let part = (self.below(1 << 40) + 1) as f64 / (1_u64 << 40) as f64;
        ((n as f64).powf(part) - 1.0) as u64
    }
}

/// Words of 2 to 5 Korean syllables, and some of Latin letters.
fn vocabulary() -> Vec<String> {
    let mut random = Random(77);
    let word = |index: u64| {
        let letters = 2 + random.below(4);
        let letter = |_| match index % 8 {
            0 => char::from(b'a' + random.below(26) as u8),
            _ => char::from_u32(0xac00 + (random.rank(2_000) as u32 * 5) % 11_172).unwrap_or('가'),
        };
        (0..letters).map(letter).collect()
    };
    (0..WORDS).map(word).collect()
}

fn user(n: u64) -> Result<UserId, Failure> {
    Ok(UserId::new(&format!("user-{n}@example.com"))?)
}

fn person(n: u64) -> Result<Person, Failure> {
    Ok(Person {
        user: user(n)?,
        name: Some(Arc::from(format!("사용자 {n}"))),
    })
}

fn room(n: u64) -> Result<RoomId, Failure> {
    Ok(RoomId::new(&format!("room-{n}"))?)
}

fn at(n: u64) -> Timestamp {
    Timestamp::from_micros(1_700_000_000_000_000 + n as i64)
}

/// Who is in a room besides the user who is in all.
fn member(room: u64, index: u64) -> u64 {
    1 + (room * 7 + index * 97) % (USERS - 1)
}

async fn fill(store: &SqliteStore, words: &[String], messages: u64) -> Result<(), Failure> {
    for from in (0..ROOMS).step_by(100) {
        let mut commands = Vec::new();
        for n in from..from + 100 {
            let members = (0..OF_A_ROOM).map(|i| Ok((person(member(n, i))?, MemberRole::Member)));
            commands.push(Command::Create(Box::new(NewRoom {
                id: room(n)?,
                kind: RoomKind::Group,
                profile: Profile::default(),
                owner: Some(person(0)?),
                members: members.collect::<Result<_, Failure>>()?,
                at: at(0),
            })));
        }
        for outcome in store.commit(commands).await? {
            outcome?;
        }
    }
    let mut random = Random(99);
    let (start, cpu) = (Instant::now(), cpu_seconds()?);
    for from in (0..messages).step_by(250) {
        let mut commands = Vec::new();
        for n in from..from + 250 {
            let in_room = random.rank(ROOMS);
            let sender = match random.below(OF_A_ROOM + 1) {
                0 => 0,
                index => member(in_room, index - 1),
            };
            let said: Vec<&str> = (0..4 + random.below(8))
                .map(|_| words[random.rank(WORDS) as usize].as_str())
                .collect();
            let caller = Caller::new(user(sender)?, Role::User);
            let content = Content::Message(Body::new(&said.join(" "), None)?);
            let draft = Draft::of(&caller, room(in_room)?, content, None, at(n));
            commands.push(Command::Send(DraftGroup::single(draft)));
        }
        for outcome in store.commit(commands).await? {
            outcome?;
        }
    }
    let (seconds, cpu) = (start.elapsed().as_secs_f64(), cpu_seconds()? - cpu);
    println!(
        "filled: {:.0} messages/s, {:.1} us CPU each",
        messages as f64 / seconds,
        cpu * 1e6 / messages as f64
    );
    Ok(())
}

/// A room of many members, 1,000 messages, and marks everywhere.
async fn great_room(store: &SqliteStore, members: u64) -> Result<RoomId, Failure> {
    let id = RoomId::new("great")?;
    let all = (1..members).map(|n| Ok((person(n)?, MemberRole::Member)));
    let new = NewRoom {
        id: id.clone(),
        kind: RoomKind::Open,
        profile: Profile::default(),
        owner: Some(person(0)?),
        members: all.collect::<Result<_, Failure>>()?,
        at: at(0),
    };
    let start = Instant::now();
    store.commit(vec![Command::Create(Box::new(new))]).await?;
    println!(
        "a room of {members} made: {:.0} ms",
        start.elapsed().as_secs_f64() * 1e3
    );
    let caller = Caller::new(user(0)?, Role::User);
    let drafts = (0..1_000).map(|n| {
        let content = Content::Message(Body::new(&format!("소식 {n}"), None)?);
        let draft = Draft::of(&caller, id.clone(), content, None, at(n));
        Ok(Command::Send(DraftGroup::single(draft)))
    });
    for outcome in store
        .commit(drafts.collect::<Result<_, Failure>>()?)
        .await?
    {
        outcome?;
    }
    let head = store.heads(std::slice::from_ref(&id)).await?[0].ok_or("no room")?;
    let mut random = Random(5);
    let start = Instant::now();
    let users = (0..members).map(user).collect::<Result<Vec<_>, _>>()?;
    for users in users.chunks(500) {
        let marks = users.iter().map(|user| {
            let position = Position {
                epoch: head.epoch,
                seq: Seq::new(random.below(1_001)),
            };
            store.advance_read(&id, user, position)
        });
        // Each is queued when it is polled: together, as sessions do.
        let mut marks: Vec<_> = marks.collect();
        std::future::poll_fn(|context| {
            marks.retain_mut(|mark| mark.as_mut().poll(context).is_pending());
            if marks.is_empty() {
                std::task::Poll::Ready(())
            } else {
                std::task::Poll::Pending
            }
        })
        .await;
    }
    let each = start.elapsed().as_secs_f64() * 1e6 / members as f64;
    println!("read marks, 500 at once: {each:.1} us each");
    Ok(id)
}

/// CPU time of this process.
fn cpu_seconds() -> Result<f64, Failure> {
    let mut nanos = 0;
    for task in std::fs::read_dir("/proc/self/task")? {
        let text = std::fs::read_to_string(task?.path().join("schedstat"))?;
        nanos += text.split(' ').next().unwrap_or("0").parse::<u64>()?;
    }
    Ok(nanos as f64 / 1e9)
}

/// Prints the median and the 99th percentile of what `call` takes, and of its CPU time: on a busy
/// machine that alone tells what it costs.
async fn measure<T>(
    name: &str,
    rounds: u64,
    mut call: impl AsyncFnMut(u64) -> Result<T, Failure>,
) -> Result<(), Failure> {
    let (mut times, mut cpu_times) = (Vec::new(), Vec::new());
    for n in 0..rounds {
        let (start, cpu) = (Instant::now(), cpu_seconds()?);
        std::hint::black_box(call(n).await?);
        times.push(start.elapsed().as_secs_f64() * 1e3);
        cpu_times.push((cpu_seconds()? - cpu) * 1e3);
    }
    let mut of = |part: f64| {
        [&mut times, &mut cpu_times].map(|times| {
            times.sort_unstable_by(f64::total_cmp);
            times[((times.len() - 1) as f64 * part) as usize]
        })
    };
    let ([p50, cpu_p50], [p99, cpu_p99]) = (of(0.5), of(0.99));
    println!("{name}: p50 {p50:.3} ms, p99 {p99:.3} ms; of CPU {cpu_p50:.3} and {cpu_p99:.3} ms");
    Ok(())
}

async fn lists(store: &SqliteStore) -> Result<(), Failure> {
    let page = RoomsQuery {
        kind: None,
        after: None,
        limit: 50,
    };
    let all = user(0)?;
    measure("upsert of a changed user", 300, async |n| {
        let change = UserChange {
            id: user(n)?,
            name: Some(Some(Arc::from(format!("이름 {n}")))),
            picture: None,
            role: Some(Role::User),
        };
        Ok(store.upsert_users(vec![change]).await?)
    })
    .await?;
    measure("50 rooms of one who is in 10,000", 300, async |_| {
        Ok(store.rooms_of(&all, &page).await?)
    })
    .await?;
    measure("50 rooms of one who is in 100", 1_000, async |n| {
        Ok(store.rooms_of(&user(1 + n % 900)?, &page).await?)
    })
    .await?;
    measure("unread of one who is in 10,000", 300, async |_| {
        Ok(store.unread(&all, 100).await?)
    })
    .await?;
    measure("unread of one who is in 100", 1_000, async |n| {
        Ok(store.unread(&user(1 + n % 900)?, 100).await?)
    })
    .await?;
    measure("newest page of 50", 1_000, async |n| {
        let query = LogQuery::Before(Seq::MAX);
        Ok(store.read_log(&room(n * 37 % ROOMS)?, query, 50).await?)
    })
    .await
}

async fn searches(store: &SqliteStore, words: &[String]) -> Result<(), Failure> {
    let mut random = Random(123);
    let mut wanted = |letters: usize, latin: bool| {
        loop {
            let word = &words[random.rank(WORDS) as usize];
            if word.is_ascii() == latin {
                return word.chars().take(letters).collect::<String>();
            }
        }
    };
    for (name, letters, latin) in [
        ("2 Korean letters", 2, false),
        ("1 Korean letter", 1, false),
        ("a Korean word", 9, false),
        ("2 Latin letters", 2, true),
        ("a Latin word", 9, true),
    ] {
        measure(&format!("search in 100 rooms: {name}"), 300, async |n| {
            let query = SearchQuery::parse(&wanted(letters, latin))?;
            let user = user(1 + n % 900)?;
            Ok(store.search(&user, None, &query, None, 20).await?)
        })
        .await?;
        measure(&format!("search in 1,000 rooms: {name}"), 100, async |_| {
            let query = SearchQuery::parse(&wanted(letters, latin))?;
            Ok(store.search(&user(0)?, None, &query, None, 20).await?)
        })
        .await?;
    }
    measure("search in 1,000 rooms: what is not there", 50, async |_| {
        let query = SearchQuery::parse("쀏쀏")?;
        Ok(store.search(&user(0)?, None, &query, None, 20).await?)
    })
    .await?;
    measure(
        "search in the longest room: what is not there",
        100,
        async |_| {
            let query = SearchQuery::parse("쀏쀏")?;
            let room = room(0)?;
            Ok(store
                .search(&user(0)?, Some(&room), &query, None, 20)
                .await?)
        },
    )
    .await
}

async fn receipts(store: &SqliteStore, great: &RoomId, members: u64) -> Result<(), Failure> {
    for (name, from) in [("newest", 951), ("middle", 475), ("oldest", 1)] {
        let seqs: Vec<Seq> = (from..from + 50).map(Seq::new).collect();
        measure(
            &format!("read counts, {name} page, {members} members"),
            200,
            async |_| Ok(store.read_counts(great, &seqs).await?),
        )
        .await?;
    }
    measure("a page of 100 members", 500, async |n| {
        let after = user(n * 131 % members)?;
        Ok(store.members(great, Some(&after), 100).await?)
    })
    .await?;
    measure("what a user is to it", 1_000, async |n| {
        Ok(store.view_room(great, &user(n * 131 % members)?).await?)
    })
    .await
}

async fn run() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().map_or_else(std::env::temp_dir, Into::into);
    let messages: u64 = arguments.next().map_or(Ok(1_000_000), |n| n.parse())?;
    let members: u64 = arguments.next().map_or(Ok(100_000), |n| n.parse())?;
    let path = directory.join(format!("catalog-{}.db", std::process::id()));
    let store = SqliteStore::open(&path, &SqliteOptions::default())?;
    let words = vocabulary();
    fill(&store, &words, messages).await?;
    let great = great_room(&store, members).await?;
    lists(&store).await?;
    searches(&store, &words).await?;
    receipts(&store, &great, members).await?;
    drop(store);
    println!("file: {} MiB", std::fs::metadata(&path)?.len() >> 20);
    for suffix in ["", "-wal", "-shm", ".lock"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", path.display()));
    }
    Ok(())
}

fn main() -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(run())
}

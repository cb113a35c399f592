//! The commit pipeline over a store that follows a script.

use std::sync::Arc;

use madang_domain::ports::BoxFuture;
use madang_domain::{
    Actor, Body, Caller, Committed, Content, Draft, Epoch, Message, MessageKind, Position, Role,
    RoomAction, RoomCommand, RoomId, SenderKind, Seq, Timestamp, UserId,
};

use super::*;
use crate::telemetry::NoTelemetry;

/// What becomes of one call of `commit`.
#[derive(Clone, Copy)]
enum Act {
    Accept,
    Fail,
    LoseOutcome,
    /// Waits for [`Script::gate`], then accepts.
    Wait,
}

/// Acts as scripted, then accepts; keeps the texts of each call's groups.
struct Script {
    acts: Mutex<VecDeque<Act>>,
    calls: Mutex<Vec<Vec<String>>>,
    called: Notify,
    gate: Semaphore,
}

impl Script {
    fn new(acts: impl IntoIterator<Item = Act>) -> Arc<Self> {
        Arc::new(Self {
            acts: Mutex::new(acts.into_iter().collect()),
            calls: Mutex::default(),
            called: Notify::new(),
            gate: Semaphore::new(0),
        })
    }

    fn calls(&self) -> Vec<Vec<String>> {
        self.calls.lock().clone()
    }
}

fn stored(draft: &Draft) -> Appended {
    Appended::New(Arc::new(Message {
        room: draft.room.clone(),
        position: Position {
            epoch: Epoch::new(1),
            seq: Seq::new(1),
        },
        kind: MessageKind::Message,
        sender: draft.sender.clone(),
        sender_name: None,
        sender_kind: SenderKind::Customer,
        client_id: None,
        text: Arc::from(text(draft)),
        sent_at: draft.sent_at,
        extra: None,
    }))
}

fn text(draft: &Draft) -> &str {
    match &draft.content {
        Content::Message(Body { text, .. }) => text,
        _ => "",
    }
}

fn drafts(command: &Command) -> &[Draft] {
    match command {
        Command::Send(group) => &group.drafts,
        _ => &[],
    }
}

fn texts(command: &Command) -> String {
    let texts: Vec<_> = drafts(command).iter().map(text).collect();
    texts.join("+")
}

impl Commit for Script {
    fn commit(&self, commands: Vec<Command>) -> BoxFuture<'_, Result<Vec<Outcome>, StoreError>> {
        self.calls.lock().push(commands.iter().map(texts).collect());
        self.called.notify_one();
        let act = self.acts.lock().pop_front().unwrap_or(Act::Accept);
        Box::pin(async move {
            match act {
                Act::Accept => {}
                Act::Fail => return Err(StoreError::Unavailable("scripted".into())),
                Act::LoseOutcome => return Err(StoreError::OutcomeUnknown("scripted".into())),
                Act::Wait => self.gate.acquire().await.expect("never closed").forget(),
            }
            let stored = |command: &Command| {
                let appended = drafts(command).iter().map(stored).collect();
                Ok(Committed::only(Answer::Sent(appended)))
            };
            Ok(commands.iter().map(stored).collect())
        })
    }
}

/// Which group was answered, and with how many messages.
type Answers = Vec<(String, Result<usize, Code>)>;

/// A pipeline over a script, and the answers in the order in which they came.
struct Rig {
    pipeline: Arc<CommitPipeline>,
    script: Arc<Script>,
    answers: Arc<Mutex<Answers>>,
}

const LIMITS: CommitLimits = CommitLimits {
    batch_drafts_max: 100,
    batch_bytes_max: 1_000,
    queue_drafts_max: 100,
};

impl Rig {
    fn new(limits: CommitLimits, acts: impl IntoIterator<Item = Act>) -> Self {
        Self {
            pipeline: Arc::new(CommitPipeline::new(limits, 1, Arc::new(NoTelemetry))),
            script: Script::new(acts),
            answers: Arc::default(),
        }
    }

    /// A submission of a group of drafts with the texts between the `+` signs.
    fn submission(&self, group: &str) -> Submission {
        let caller = Caller::new(UserId::new("kim").unwrap(), Role::User);
        let room = RoomId::new("kim").unwrap();
        let now = Timestamp::from_micros(0);
        let drafts = group.split('+');
        let drafts = drafts.map(|text| Draft::new(&caller, room.clone(), text, None, now).unwrap());
        let group = DraftGroup {
            drafts: drafts.collect(),
        };
        let texts: Vec<_> = group.drafts.iter().map(text).collect();
        let (name, answers) = (texts.join("+"), Arc::clone(&self.answers));
        Submission::send(group, move |outcome| {
            let answer = outcome.map(|all| all.len()).map_err(|error| error.code());
            answers.lock().push((name, answer));
        })
    }

    fn submit_all(&self, groups: &[&str]) {
        for group in groups {
            assert!(
                self.pipeline.try_submit(self.submission(group)).is_ok(),
                "there is a place for {group}"
            );
        }
    }

    /// Runs until `pipeline` is closed, answering as the dispatcher does.
    fn run(&self) -> tokio::task::JoinHandle<()> {
        let (pipeline, script) = (Arc::clone(&self.pipeline), Arc::clone(&self.script));
        tokio::spawn(async move {
            let (sender, mut committed) = CommitPipeline::dispatch_channel();
            let running = pipeline.run(0, script, sender);
            let answering = async {
                while let Some(batch) = committed.recv().await {
                    batch
                        .outcomes
                        .into_iter()
                        .for_each(|(reply, outcome)| reply(outcome.map(|done| done.answer)));
                }
            };
            tokio::join!(running, answering);
        })
    }

    /// Commits what is queued and ends.
    async fn finish(&self) {
        self.pipeline.close();
        self.run().await.unwrap();
    }

    fn answers(&self) -> Answers {
        self.answers.lock().clone()
    }
}

fn accepted(names: &[&str]) -> Answers {
    let answer = |name: &&str| ((*name).to_owned(), Ok(name.split('+').count()));
    names.iter().map(answer).collect()
}

fn refused(names: &[&str], code: Code) -> Answers {
    let answer = |name: &&str| ((*name).to_owned(), Err(code));
    names.iter().map(answer).collect()
}

#[tokio::test]
async fn what_is_queued_is_one_transaction_in_the_order_of_submission() {
    let rig = Rig::new(LIMITS, []);
    rig.submit_all(&["a", "b+c", "d"]);
    rig.finish().await;
    assert_eq!(rig.script.calls(), [["a", "b+c", "d"]]);
    assert_eq!(rig.answers(), accepted(&["a", "b+c", "d"]));
}

#[tokio::test]
async fn what_arrives_during_a_transaction_is_the_next_one() {
    let rig = Rig::new(LIMITS, [Act::Wait]);
    let running = rig.run();
    rig.submit_all(&["a"]);
    rig.script.called.notified().await;
    rig.submit_all(&["b", "c"]);
    assert_eq!(rig.script.calls().len(), 1);
    rig.script.gate.add_permits(1);
    rig.pipeline.close();
    running.await.unwrap();
    assert_eq!(rig.script.calls(), [vec!["a"], vec!["b", "c"]]);
    assert_eq!(rig.answers(), accepted(&["a", "b", "c"]));
}

#[tokio::test]
async fn a_transaction_is_capped_by_drafts_and_by_bytes_and_takes_at_least_one_group() {
    let limits = CommitLimits {
        batch_drafts_max: 3,
        batch_bytes_max: 10,
        ..LIMITS
    };
    let rig = Rig::new(limits, []);
    let groups = [
        "a",
        "b+c",
        "d",
        "e+f+g+h",
        "123456",
        "7890!",
        "a text above the cap",
        "z",
    ];
    rig.submit_all(&groups);
    rig.finish().await;
    let expected = [
        vec!["a", "b+c"],
        vec!["d"],
        vec!["e+f+g+h"],
        vec!["123456"],
        vec!["7890!"],
        vec!["a text above the cap"],
        vec!["z"],
    ];
    assert_eq!(rig.script.calls(), expected);
    assert_eq!(rig.answers(), accepted(&groups));
}

#[tokio::test]
async fn a_failed_batch_is_tried_group_by_group() {
    let rig = Rig::new(LIMITS, [Act::Fail, Act::Accept, Act::Fail, Act::Accept]);
    rig.submit_all(&["a", "b", "c"]);
    rig.finish().await;
    let expected = [vec!["a", "b", "c"], vec!["a"], vec!["b"], vec!["c"]];
    assert_eq!(rig.script.calls(), expected);
    let mut answers = accepted(&["a"]);
    answers.extend(refused(&["b"], Code::Unavailable));
    answers.extend(accepted(&["c"]));
    assert_eq!(rig.answers(), answers);
}

#[tokio::test]
async fn a_store_that_is_down_is_not_asked_for_every_group() {
    let rig = Rig::new(LIMITS, [Act::Fail; 1 + CONSECUTIVE_FAILURES_MAX]);
    let groups = ["a", "b", "c", "d", "e", "f"];
    rig.submit_all(&groups);
    rig.finish().await;
    assert_eq!(rig.script.calls().len(), 1 + CONSECUTIVE_FAILURES_MAX);
    assert_eq!(rig.answers(), refused(&groups, Code::Unavailable));
}

#[tokio::test]
async fn what_may_have_been_stored_is_not_tried_again() {
    let rig = Rig::new(LIMITS, [Act::LoseOutcome]);
    rig.submit_all(&["a", "b"]);
    rig.finish().await;
    assert_eq!(rig.script.calls().len(), 1);
    assert_eq!(rig.answers(), refused(&["a", "b"], Code::Unavailable));
}

#[tokio::test]
async fn a_single_group_is_not_tried_twice() {
    let rig = Rig::new(LIMITS, [Act::Fail]);
    rig.submit_all(&["a"]);
    rig.finish().await;
    assert_eq!(rig.script.calls().len(), 1);
    assert_eq!(rig.answers(), refused(&["a"], Code::Unavailable));
}

#[tokio::test]
async fn a_full_queue_gives_back_and_holds_senders_until_a_commit() {
    let limits = CommitLimits {
        queue_drafts_max: 2,
        ..LIMITS
    };
    let rig = Rig::new(limits, [Act::Wait, Act::Fail, Act::Accept]);
    rig.submit_all(&["a+b"]);
    let back = rig.pipeline.try_submit(rig.submission("c"));
    assert_eq!(
        back.err().map(|back| texts(&back.command)).as_deref(),
        Some("c")
    );
    let running = rig.run();
    rig.script.called.notified().await;
    let held = tokio::spawn({
        let (pipeline, submission) = (Arc::clone(&rig.pipeline), rig.submission("c"));
        async move { pipeline.submit(submission).await }
    });
    tokio::task::yield_now().await;
    assert!(!held.is_finished(), "the places are taken until the commit");
    rig.script.gate.add_permits(1);
    held.await.unwrap();
    rig.script.called.notified().await;
    // The batch with `c` fails, which releases its place too.
    rig.pipeline.submit(rig.submission("d+e")).await;
    rig.pipeline.close();
    running.await.unwrap();
    let mut answers = accepted(&["a+b"]);
    answers.extend(refused(&["c"], Code::Unavailable));
    answers.extend(accepted(&["d+e"]));
    assert_eq!(rig.answers(), answers);
    assert_eq!(rig.pipeline.places.available_permits(), 2);
}

#[tokio::test]
async fn large_texts_take_places_by_their_size_and_give_them_back() {
    let limits = CommitLimits {
        queue_drafts_max: 10,
        ..LIMITS
    };
    let rig = Rig::new(limits, []);
    let (large, small) = ("x".repeat(4 * 1024), "x".repeat(2 * 1024));
    rig.submit_all(&[&large, &large]);
    assert!(rig.pipeline.try_submit(rig.submission(&large)).is_err());
    rig.submit_all(&[&small]);
    assert!(rig.pipeline.try_submit(rig.submission("a")).is_err());
    rig.finish().await;
    assert_eq!(rig.answers().len(), 3);
    assert_eq!(rig.pipeline.places.available_permits(), 10);
}

#[tokio::test]
async fn a_group_larger_than_the_queue_takes_it_whole() {
    let limits = CommitLimits {
        queue_drafts_max: 2,
        ..LIMITS
    };
    let rig = Rig::new(limits, []);
    rig.submit_all(&["a+b+c"]);
    assert!(rig.pipeline.try_submit(rig.submission("d")).is_err());
    rig.finish().await;
    assert_eq!(rig.answers(), accepted(&["a+b+c"]));
    assert_eq!(rig.pipeline.places.available_permits(), 2);
}

#[tokio::test]
async fn a_cancelled_wait_for_a_place_has_queued_nothing() {
    let limits = CommitLimits {
        queue_drafts_max: 1,
        ..LIMITS
    };
    let rig = Rig::new(limits, []);
    rig.submit_all(&["a"]);
    {
        let waiting = rig.pipeline.submit(rig.submission("b"));
        tokio::pin!(waiting);
        assert!(poll_once(waiting.as_mut()).await.is_none());
    }
    rig.finish().await;
    assert_eq!(rig.answers(), accepted(&["a"]));
    assert_eq!(rig.pipeline.places.available_permits(), 1);
}

async fn poll_once<F: Future + Unpin>(future: F) -> Option<F::Output> {
    tokio::select! {
        biased;
        output = future => Some(output),
        () = std::future::ready(()) => None,
    }
}

#[tokio::test]
async fn closing_commits_what_is_queued_and_refuses_what_comes_later() {
    let rig = Rig::new(LIMITS, [Act::Wait]);
    let running = rig.run();
    rig.submit_all(&["a"]);
    rig.script.called.notified().await;
    rig.submit_all(&["b"]);
    rig.pipeline.close();
    rig.submit_all(&["c+d"]);
    rig.pipeline.submit(rig.submission("e")).await;
    let late = refused(&["c+d", "e"], Code::Draining);
    assert_eq!(rig.answers(), late, "refused at once");
    rig.script.gate.add_permits(1);
    running.await.unwrap();
    assert_eq!(rig.answers(), [late, accepted(&["a", "b"])].concat());
    let free = rig.pipeline.places.available_permits();
    assert_eq!(free, LIMITS.queue_drafts_max);
}

#[tokio::test]
async fn rooms_are_unknown_only_after_a_lost_outcome_that_may_have_changed_them() {
    let join = Command::Room(Box::new(RoomCommand {
        room: RoomId::new("g").unwrap(),
        actor: Actor::from(&Caller::new(UserId::new("kim").unwrap(), Role::User)),
        action: RoomAction::Join,
        at: Timestamp::from_micros(0),
    }));
    let send = Command::Send(DraftGroup { drafts: Vec::new() });
    let alert = Command::AlertOverdue {
        since: Timestamp::from_micros(0),
        entries: 1,
        at: Timestamp::from_micros(0),
    };
    for (act, commands, expected) in [
        (Act::Accept, vec![join.clone()], false),
        (Act::Fail, vec![join.clone()], false),
        (Act::LoseOutcome, vec![send.clone()], false),
        (Act::LoseOutcome, vec![send, join], true),
        // It may have made an inbox.
        (Act::LoseOutcome, vec![alert], true),
    ] {
        let rig = Rig::new(LIMITS, [act]);
        let (_, unknown) = rig.pipeline.commit(&*rig.script, commands).await;
        assert_eq!(unknown, expected);
    }
}

/// Each lane's transaction waits until the other one's is under way, too.
struct Meeting(tokio::sync::Barrier);

impl Commit for Meeting {
    fn lanes(&self) -> usize {
        2
    }

    fn commit(&self, commands: Vec<Command>) -> BoxFuture<'_, Result<Vec<Outcome>, StoreError>> {
        Box::pin(async move {
            self.0.wait().await;
            let sent = |_: &Command| Ok(Committed::only(Answer::Sent(Vec::new())));
            Ok(commands.iter().map(sent).collect())
        })
    }
}

#[tokio::test]
async fn lanes_commit_side_by_side_and_end_together() {
    let store = Arc::new(Meeting(tokio::sync::Barrier::new(2)));
    let pipeline = CommitPipeline::new(LIMITS, store.lanes(), Arc::new(NoTelemetry));
    let (answered, answers) = std::sync::mpsc::channel();
    // One room of each lane.
    let open = |lane| {
        let mut names = (0..).map(|n| UserId::new(&format!("u{n}")).unwrap());
        let user = names.find(|user| madang_domain::lane_of(user.as_str(), 2) == lane);
        let customer = Caller::new(user.unwrap(), Role::User);
        let at = Timestamp::from_micros(0);
        Command::OpenSupport(Box::new(madang_domain::command::OpenSupport {
            customer,
            at,
        }))
    };
    for lane in 0..2 {
        let answered = answered.clone();
        let reply = Box::new(move |_: Result<Answer, Error>| answered.send(lane).unwrap());
        let command = open(lane);
        assert_eq!(command.lane(2), lane);
        let submission = Submission { command, reply };
        assert!(pipeline.try_submit(submission).is_ok());
    }
    pipeline.close();
    let (sender, mut committed) = CommitPipeline::dispatch_channel();
    let answering = async {
        while let Some(batch) = committed.recv().await {
            for (reply, outcome) in batch.outcomes {
                reply(outcome.map(|done| done.answer));
            }
        }
    };
    let first = pipeline.run(0, Arc::clone(&store) as Arc<dyn Commit>, sender.clone());
    let second = pipeline.run(1, store, sender);
    tokio::join!(first, second, answering);
    drop(answered);
    let mut lanes: Vec<usize> = answers.iter().collect();
    lanes.sort_unstable();
    assert_eq!(lanes, [0, 1]);
}

//! Calls that are carried out late, twice, or whose answer is lost.

use madang_test_servers::redis::RedisServer;

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros((1_800_000_000 + seconds) * 1_000_000)
}

const COMES: [&str; 2] = ["1", "kim"];
const LEAVES: [&str; 2] = ["0", "kim"];

fn kim() -> UserId {
    UserId::new("kim").unwrap()
}

fn node(server: &RedisServer) -> RedisPresence {
    RedisPresence::new(Place::parse(&server.url()).unwrap(), "test")
}

impl RedisPresence {
    /// A call of which the node itself knows nothing.
    async fn carry_out(&self, number: u64, heard: u64, said: &[&str]) -> Answer {
        let call = Call {
            node: &self.node,
            number,
            heard,
            now: at(1),
        };
        let command = script::SET.command(&self.keys, &call, said);
        self.commands.ask(&command).await.unwrap().pop().unwrap()
    }
}

async fn with_a_lease(server: &RedisServer) -> RedisPresence {
    let node = node(server);
    let lease = Duration::from_secs(30);
    assert_eq!(node.renew(at(0), lease).await.unwrap(), (false, vec![]));
    node
}

#[tokio::test]
async fn a_call_that_is_carried_out_late_changes_nothing() {
    let server = RedisServer::start();
    let node = with_a_lease(&server).await;
    assert_eq!(node.carry_out(3, 1, &LEAVES).await.status, Status::Done);
    let late = node.carry_out(2, 1, &COMES).await;
    assert_eq!((late.status, late.edges), (Status::Late, vec![]));
    assert_eq!(node.of(&[kim()]).await.unwrap(), [None]);
}

#[tokio::test]
async fn a_call_that_is_carried_out_twice_answers_the_same() {
    let server = RedisServer::start();
    let node = with_a_lease(&server).await;
    let both = [COMES, LEAVES].concat();
    let first = node.carry_out(2, 1, &both).await;
    let second = node.carry_out(2, 1, &both).await;
    assert_eq!(first.edges.len(), 2);
    assert_eq!((second.status, second.edges), (first.status, first.edges));
}

#[tokio::test]
async fn edges_whose_answer_was_lost_come_with_the_next() {
    let server = RedisServer::start();
    let node = with_a_lease(&server).await;
    let unheard = node.carry_out(2, 1, &COMES).await.edges;
    let unheard = [unheard, node.carry_out(3, 1, &LEAVES).await.edges];
    // The answer to the second of them has those of the first again.
    assert_eq!(unheard[1][..1], unheard[0]);
    node.told.lock().await.calls = 3;
    let next = node.set(&[(kim(), false)], at(2)).await.unwrap();
    assert_eq!(next, unheard[1]);
    assert_eq!(node.set(&[], at(3)).await.unwrap(), [], "once");
}

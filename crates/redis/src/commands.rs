//! Commands and their answers, over a connection that is made when it is needed and replaced when there is a doubt
//! about it.

use std::io;
use std::time::Duration;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster_async::ClusterConnection;
use redis::{Cmd, FromRedisValue, Pipeline, RedisError, RedisFuture, Value};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::ANSWER;
use crate::place::Place;

/// Asks one Redis. Connects when it is asked first; what fails leaves no connection behind.
pub struct Commands {
    place: Place,
    link: Mutex<Link>,
}

enum Link {
    None,
    Open(Connection),
    /// When, and why it could not be made.
    Failed(Instant, RedisError),
}

#[derive(Clone)]
enum Connection {
    Server(MultiplexedConnection),
    Cluster(ClusterConnection),
}

/// How long a failure to connect stands for others who ask: they wait for one attempt, not for each other's.
const FAILURE_STANDS: Duration = Duration::from_secs(1);

impl Commands {
    /// Not connected.
    #[must_use]
    pub fn new(place: Place) -> Self {
        Self {
            place,
            link: Mutex::new(Link::None),
        }
    }

    /// The answers to `commands`, which are about keys of one slot: one round trip, and some seconds at most. All are sent
    /// again when a connection that was made before turns out to be lost: they may be carried out twice.
    ///
    /// # Errors
    /// Redis cannot be reached, does not answer or refuses. Whether they were carried out is not known.
    pub async fn ask<T: FromRedisValue>(&self, commands: &Pipeline) -> Result<Vec<T>, RedisError> {
        let (mut connection, is_new) = self.connection().await?;
        let mut answers = within(commands.query_async(&mut connection)).await;
        if let Err(error) = &answers {
            self.disconnect().await;
            if !is_new && error.is_connection_dropped() {
                let (mut connection, _) = self.connection().await?;
                answers = within(commands.query_async(&mut connection)).await;
                if answers.is_err() {
                    self.disconnect().await;
                }
            }
        }
        answers
    }

    /// And whether it was made for this.
    async fn connection(&self) -> Result<(Connection, bool), RedisError> {
        let mut link = self.link.lock().await;
        match &*link {
            Link::Open(connection) => return Ok((connection.clone(), false)),
            Link::Failed(at, error) if at.elapsed() < FAILURE_STANDS => return Err(error.clone()),
            Link::None | Link::Failed(..) => {}
        }
        match within(self.connect()).await {
            Ok(connection) => {
                *link = Link::Open(connection.clone());
                Ok((connection, true))
            }
            Err(error) => {
                *link = Link::Failed(Instant::now(), error.clone());
                Err(error)
            }
        }
    }

    async fn connect(&self) -> Result<Connection, RedisError> {
        Ok(match &self.place {
            Place::Server(server) => Connection::Server(server.connect().await?),
            Place::Cluster(cluster) => Connection::Cluster(cluster.connect().await?),
        })
    }

    /// Whatever failed: a server that refuses may have become a replica.
    async fn disconnect(&self) {
        *self.link.lock().await = Link::None;
    }
}

async fn within<T>(doing: impl Future<Output = Result<T, RedisError>>) -> Result<T, RedisError> {
    let late = |_| io::Error::new(io::ErrorKind::TimedOut, "no answer in time");
    timeout(ANSWER, doing).await.map_err(late)?
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Server(connection) => connection.req_packed_command(cmd),
            Self::Cluster(connection) => connection.req_packed_command(cmd),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Server(connection) => connection.req_packed_commands(pipeline, offset, count),
            Self::Cluster(connection) => connection.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Server(connection) => connection.get_db(),
            Self::Cluster(connection) => connection.get_db(),
        }
    }
}

use std::collections::HashSet;
use std::net::Ipv4Addr;
use std::sync::OnceLock;

use madang_bus::LocalNetwork;
use madang_domain::ports::{BoxFuture, Clock, Store};
use madang_domain::{Caller, Code, Role, UserId};
use madang_engine::commit::CommitLimits;
use madang_engine::telemetry::NoTelemetry;
use madang_engine::{EngineOptions, Ports};
use madang_presence::LocalCluster;
use madang_store::sqlite::{SqliteOptions, SqliteStore, Synchronous};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;

use super::*;
use crate::auth::{DevelopmentKey, TokenCheck, TokenRequest, mint};
use crate::config::{all_options, assemble};
use crate::contracts::topics::TopicPrefixes;
use crate::gateway::{GatewayOptions, Identity, SessionLimits, TopicRights};
use crate::telemetry::metrics::Metrics;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Far more than any step takes: reached only where a promise is broken.
const PATIENCE: Duration = Duration::from_secs(20);

struct Now;

impl Clock for Now {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(jiff::Timestamp::now().as_microsecond())
    }
}

fn ago(duration: Duration) -> Timestamp {
    let micros = i64::try_from(duration.as_micros()).unwrap();
    Timestamp::from_micros(Now.now().as_micros() - micros)
}

/// Somebody is revoked while they come: after their token was looked at, before it is known whose
/// session it is.
struct Door {
    authenticator: Authenticator,
    revokes_as_they_come: Option<UserId>,
    gateway: OnceLock<Gateway>,
}

impl Identity for Door {
    fn token(&self, token: &str) -> TokenCheck {
        let caller = self.authenticator.token(token, Now.now());
        if let Some(user) = &self.revokes_as_they_come {
            self.authenticator.revoke(user, Now.now());
            self.gateway.get().unwrap().end_sessions_of(user);
        }
        TokenCheck::done(caller)
    }

    fn account<'a>(&'a self, _: &'a str, _: &'a str) -> BoxFuture<'a, Result<Caller, Error>> {
        Box::pin(async { Err(Code::CredentialsInvalid.into()) })
    }

    fn still_counts(&self, user: &UserId, issued_at: Option<Timestamp>) -> bool {
        self.authenticator.still_counts(user, issued_at)
    }
}

struct Node {
    directory: TempDir,
    store: Arc<SqliteStore>,
    engine: Arc<Engine>,
    authenticator: Authenticator,
    gateway: Gateway,
}

impl Node {
    fn start() -> Self {
        Self::revoking(None)
    }

    fn revoking(revokes_as_they_come: Option<UserId>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let options = SqliteOptions {
            synchronous: Synchronous::Normal,
            ..SqliteOptions::default()
        };
        let path = directory.path().join("madang.db");
        let store = Arc::new(SqliteStore::open(&path, &options).unwrap());
        let ports = Ports {
            store: Arc::clone(&store) as Arc<dyn Store>,
            bus: LocalNetwork::default().join(),
            presence: LocalCluster::default().join(),
            clock: Arc::new(Now),
            telemetry: Arc::new(NoTelemetry),
        };
        let engine = Engine::start(
            ports,
            EngineOptions::new(CommitLimits {
                batch_drafts_max: 64,
                batch_bytes_max: 1 << 20,
                queue_drafts_max: 64,
            }),
        );
        let data = all_options()
            .find(|spec| spec.path() == "server.data")
            .unwrap();
        let data = (data, directory.path().to_str().unwrap().to_owned());
        let config = assemble(None, &[], &[data]).unwrap().config;
        let authenticator = Authenticator::from_config(&config).unwrap();
        let door = Arc::new(Door {
            authenticator: authenticator.clone(),
            revokes_as_they_come,
            gateway: OnceLock::new(),
        });
        let options = GatewayOptions {
            limits: SessionLimits::default(),
            topics: TopicRights {
                publish: HashSet::new(),
                subscribe: HashSet::new(),
            },
            topic_prefixes: TopicPrefixes::default(),
            application_prefix: String::new(),
            support_desk: None,
            community: None,
            flushers: 1,
        };
        let gateway = Gateway::start(
            Arc::clone(&engine),
            Arc::clone(&door) as Arc<dyn Identity>,
            Arc::new(Metrics::new(Now.now())),
            options,
        );
        assert!(door.gateway.set(gateway.clone()).is_ok());
        Self {
            directory,
            store,
            engine,
            authenticator,
            gateway,
        }
    }

    fn token(&self, user: &str, issued_at: Timestamp) -> String {
        let key = DevelopmentKey::open(self.directory.path()).unwrap();
        let request = TokenRequest {
            user: user_id(user),
            role: Role::User,
            name: None,
            member_id: None,
            ttl: DAY * 1_000,
        };
        mint(&key, &request, issued_at).unwrap()
    }

    /// In the store alone.
    async fn revoke(&self, user: &str, at: Timestamp) {
        let user = user_id(user);
        self.store.revoke_tokens(&user, at).await.unwrap();
    }

    /// Connects with STOMP; answers the connection and the first frame on it.
    async fn connect(&self, token: &str) -> (TcpStream, String) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let client = TcpStream::connect(address);
        let (client, accepted) = tokio::join!(client, listener.accept());
        self.gateway.serve_tcp(accepted.unwrap().0.into());
        let mut client = client.unwrap();
        let connect =
            format!("CONNECT\naccept-version:1.2\nhost:x\nAuthorization:Bearer {token}\n\n\0");
        client.write_all(connect.as_bytes()).await.unwrap();
        let frame = frame(&mut client).await;
        (client, frame)
    }
}

fn user_id(id: &str) -> UserId {
    UserId::new(id).unwrap()
}

async fn frame(client: &mut TcpStream) -> String {
    let read = async {
        let mut frame = Vec::new();
        loop {
            match client.read_u8().await.unwrap() {
                0 => return String::from_utf8(frame).unwrap(),
                byte => frame.push(byte),
            }
        }
    };
    tokio::time::timeout(PATIENCE, read).await.unwrap()
}

#[track_caller]
fn is_revoked(frame: &str) {
    let is_error = frame.trim_start().starts_with("ERROR\n");
    assert!(is_error && frame.contains("code:TOKEN_REVOKED"), "{frame}");
}

#[tokio::test]
async fn a_revocation_holds_after_a_restart_however_old_it_is() {
    let node = Node::start();
    let (old, new) = (ago(DAY * 400), ago(DAY * 398));
    node.revoke("kim", ago(DAY * 399)).await;
    let (authenticator, gateway) = (node.authenticator.clone(), node.gateway.clone());
    heed(&node.engine, authenticator, gateway).await;
    let check = |at| node.authenticator.token(&node.token("kim", at), Now.now());
    assert_eq!(check(old).unwrap_err().code(), Code::TokenRevoked);
    assert!(check(new).is_ok());
}

#[tokio::test]
async fn whoever_is_revoked_while_they_come_does_not_get_in() {
    let node = Node::revoking(Some(user_id("kim")));
    let (_, first) = node.connect(&node.token("kim", ago(DAY))).await;
    is_revoked(&first);
    let (_, first) = node.connect(&node.token("lee", ago(DAY))).await;
    assert!(first.starts_with("CONNECTED\n"), "{first}");
}

#[tokio::test]
async fn a_revocation_that_was_missed_among_many_ends_the_users_sessions() {
    let node = Node::start();
    let (mut kim, first) = node.connect(&node.token("kim", ago(DAY))).await;
    assert!(first.starts_with("CONNECTED\n"), "{first}");
    // Nobody is told of it, and more than can wait follow.
    node.revoke("kim", Now.now()).await;
    let (told, revocations) = broadcast::channel(1);
    for other in ["lee", "park"] {
        told.send((user_id(other), Now.now())).unwrap();
    }
    let engine = Arc::downgrade(&node.engine);
    let (authenticator, gateway) = (node.authenticator.clone(), node.gateway.clone());
    tokio::spawn(run(engine, revocations, authenticator, gateway));
    is_revoked(&frame(&mut kim).await);
}

//! Options put together: whom to connect as, where to send what, and opening
//! all of it.

use std::collections::BTreeSet;
use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use madang_wire::stomp::{Command, Frame, Version};

use crate::cli::Common;
use crate::client::{ClientError, ConnectOptions};
use crate::error::BenchError;
use crate::http::HttpConnection;
use crate::identity::Tokens;
use crate::stamp::Stamp;
use crate::stop;
use crate::swarm::{self, Notice, Opening, Swarm, Transport};
use crate::template::{self, SendTemplate, Values};
use crate::url::Url;

/// The id of every subscription: the same one, so that what the server sends
/// to one connection is what it sends to all.
pub(super) const SUBSCRIPTION: &str = "s";

/// The receipt of SUBSCRIBE.
const SUBSCRIBED: &str = "subscribed";

/// How long one poll waits at most, so that Ctrl-C is soon noticed.
pub(super) const POLL_MAX: Duration = Duration::from_millis(50);

/// How long a server that gives no receipts gets to handle a SUBSCRIBE.
const UNCONFIRMED_PAUSE: Duration = Duration::from_millis(500);

/// A server, and how it is to be spoken to.
pub(super) struct Target<'a> {
    pub(super) common: &'a Common,
    pub(super) url: Url,
    pub(super) address: SocketAddr,
    /// Of other nodes.
    nodes: Vec<SocketAddr>,
    /// Where STOMP is spoken without HTTP.
    pub(super) tcp_address: Option<SocketAddr>,
    /// Tells this run's messages from those of others.
    pub(super) run: u16,
    tokens: Tokens,
}

/// One connection to open.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) user: usize,
    pub(super) transport: Transport,
    /// Without SUBSCRIBE the transport decides what a session gets.
    pub(super) subscribe: bool,
    pub(super) receive_buffer: Option<usize>,
}

impl Plan {
    pub(super) fn subscriber(user: usize) -> Plan {
        Plan {
            user,
            transport: Transport::StompWebSocket,
            subscribe: true,
            receive_buffer: None,
        }
    }
}

impl<'a> Target<'a> {
    pub(super) fn new(common: &'a Common) -> Result<Target<'a>, BenchError> {
        let (url, address) = resolved(&common.url)?;
        let nodes = common.node_url.iter();
        let nodes = nodes.map(|node| Ok(resolved(node)?.1));
        let nodes = nodes.collect::<Result<_, BenchError>>()?;
        let tokens = match (&common.token, &common.token_file, &common.token_command) {
            (Some(token), ..) => Tokens::Given(vec![token.clone()]),
            (_, Some(path), _) => Tokens::from_file(path)?,
            (.., Some(command)) => Tokens::Command(command.clone()),
            _ => match &common.jwt_key_file {
                Some(path) => Tokens::from_key_file(path, common.jwt_key_encoding)?,
                None => Tokens::None,
            },
        };
        Ok(Target {
            common,
            url,
            address,
            nodes,
            tcp_address: None,
            run: rand::random(),
            tokens,
        })
    }

    pub(super) fn user(&self, n: usize) -> String {
        let values = Values {
            n,
            ..Values::default()
        };
        template::fill(&self.common.user_template, &values)
    }

    pub(super) fn subscribe_destination(&self, n: usize) -> String {
        let own = self.common.subscribe_destination.as_deref();
        self.fill(own.unwrap_or(self.common.preset.templates()[0]), n)
    }

    /// SUBSCRIBE to the room of user `n`.
    pub(super) fn subscribe_frame(&self, n: usize) -> Frame {
        Frame::new(Command::Subscribe)
            .with("id", SUBSCRIPTION)
            .with("destination", &self.subscribe_destination(n))
    }

    /// SEND to the room of user `n`.
    pub(super) fn send_template(
        &self,
        n: usize,
        with_receipt: bool,
    ) -> Result<SendTemplate, BenchError> {
        let [_, destination, body] = self.common.preset.templates();
        let destination = self
            .common
            .send_destination
            .as_deref()
            .unwrap_or(destination);
        let user = self.user(n);
        let values = Values {
            n,
            user: &user,
            ..Values::default()
        };
        let body = self.common.body.as_deref().unwrap_or(body);
        let body = template::body(body, &values, self.common.body_bytes);
        let destination = self.fill(destination, n);
        let headers = &self.common.send_header;
        SendTemplate::new(Version::V1_2, &destination, headers, &body, with_receipt)
            .ok_or_else(|| BenchError::Options("the body has no {payload}".to_owned()))
    }

    /// The token of user `n`; empty if none is configured.
    pub(super) fn token(&self, n: usize) -> Result<String, BenchError> {
        self.tokens.token(n, &self.user(n))
    }

    /// A connection for requests over HTTP.
    pub(super) fn http(&self) -> Result<HttpConnection, BenchError> {
        HttpConnection::open(self.address, self.url.authority())
            .map_err(BenchError::io(format!("connect to {}", self.address)))
    }

    /// How user `n` connects.
    pub(super) fn opening(&self, plan: &Plan) -> Result<Opening, BenchError> {
        let user = self.user(plan.user);
        let token = self.token(plan.user)?;
        let values = Values {
            n: plan.user,
            user: &user,
            token: &token,
            payload: "",
        };
        let fill = |text: &str| template::fill(text, &values);
        let common = self.common;
        let mut options = ConnectOptions {
            accept_version: Some("1.2".to_owned()),
            subprotocols: vec!["v12.stomp".to_owned()],
            receive_buffer_bytes: plan.receive_buffer,
            http_headers: common.http_header.clone(),
            ..ConnectOptions::default()
        };
        for (name, value) in [("login", &common.login), ("passcode", &common.passcode)] {
            if let Some(value) = value {
                options = options.header(name, fill(value));
            }
        }
        for (name, value) in &common.header {
            options = options.header(name, fill(value));
        }
        if !token.is_empty() && !plan.transport.is_stomp() {
            options = options.http_header("Authorization", format!("Bearer {token}"));
        } else if !token.is_empty()
            && !common
                .header
                .iter()
                .any(|(_, value)| value.contains("{token}"))
        {
            options = options.bearer(&token);
        }
        Ok(Opening::Session {
            transport: plan.transport,
            url: self.url.clone(),
            options: Box::new(options),
        })
    }

    /// Opens a connection for every plan and waits until all are connected
    /// and subscribed. The first one that fails ends it.
    pub(super) fn open(&self, swarm: &mut Swarm, plans: &[Plan]) -> Result<(), BenchError> {
        let bar = progress("connecting", plans.len() as u64);
        let deadline = Instant::now() + self.common.setup_timeout;
        let first = swarm.len();
        let (mut started, mut ready) = (0, BTreeSet::new());
        let mut failed = None;
        while ready.len() < plans.len() {
            while started < plans.len() && started - ready.len() < self.common.connect_window {
                let opening = self.opening(&plans[started])?;
                let address = self.address(plans[started].transport, started)?;
                swarm
                    .connect(address, &opening)
                    .map_err(BenchError::io(format!("connect to {address}")))?;
                started += 1;
            }
            swarm
                .poll(POLL_MAX, |index, notice, outbox| {
                    // What was open before may go on talking meanwhile.
                    let Some(plan) = index.checked_sub(first).map(|at| &plans[at]) else {
                        return;
                    };
                    match self.opened(plan, notice) {
                        Ok(Step::Send(bytes, is_ready)) => {
                            outbox.send(index, &bytes);
                            if is_ready {
                                ready.insert(index);
                            }
                        }
                        Ok(Step::Ready) => drop(ready.insert(index)),
                        Ok(Step::Wait) => {}
                        Err(source) => {
                            failed.get_or_insert(BenchError::Connection { index, source });
                        }
                    }
                })
                .map_err(BenchError::io("poll"))?;
            bar.set_position(ready.len() as u64);
            if let Some(error) = failed.take() {
                return Err(error);
            }
            if stop::requested() {
                return Err(BenchError::Stopped);
            }
            if Instant::now() > deadline {
                let waiting_for = format!("{} of {} connections", ready.len(), plans.len());
                return Err(self.timed_out(waiting_for));
            }
        }
        bar.finish_and_clear();
        if self.common.no_subscribe_receipt {
            std::thread::sleep(UNCONFIRMED_PAUSE);
        }
        Ok(())
    }

    /// Subscribes to the room of user 0 and sends one message there, so that
    /// there is such a room, and waits until it is accepted.
    pub(super) fn open_room(&self) -> Result<(), BenchError> {
        let mut swarm = Swarm::new().map_err(BenchError::io("epoll"))?;
        self.open(&mut swarm, &[Plan::subscriber(0)])?;
        let stamp = Stamp {
            run: self.run,
            stream: 0,
            seq: 0,
            sent_ns: 0,
        };
        let mut template = self.send_template(0, true)?;
        swarm
            .send(0, template.render(&stamp, 0))
            .map_err(BenchError::io("open the room"))?;
        let deadline = Instant::now() + self.common.setup_timeout;
        let mut answer = None;
        while answer.is_none() {
            swarm
                .poll(POLL_MAX, |_, notice, _| match notice {
                    Notice::Answer { payload } => answer = answer.take().or(accepted(payload)),
                    Notice::Closed(error) => drop(answer.get_or_insert(Err(error))),
                    _ => {}
                })
                .map_err(BenchError::io("poll"))?;
            if stop::requested() {
                return Err(BenchError::Stopped);
            }
            if Instant::now() > deadline {
                return Err(self.timed_out("the first message to be accepted"));
            }
        }
        match answer {
            Some(Err(source)) => Err(BenchError::Connection { index: 0, source }),
            _ => Ok(()),
        }
    }

    pub(super) fn timed_out(&self, waiting_for: impl Into<String>) -> BenchError {
        BenchError::TimedOut {
            seconds: self.common.setup_timeout.as_secs(),
            waiting_for: waiting_for.into(),
        }
    }

    /// Where the connection with a number goes: each node in turn.
    fn address(&self, transport: Transport, number: usize) -> Result<SocketAddr, BenchError> {
        match transport {
            Transport::StompTcp => self
                .tcp_address
                .ok_or_else(|| BenchError::Options("stomp-tcp needs --tcp-url".to_owned())),
            _ => match number % (self.nodes.len() + 1) {
                0 => Ok(self.address),
                node => Ok(self.nodes[node - 1]),
            },
        }
    }

    fn opened(&self, plan: &Plan, notice: Notice<'_>) -> Result<Step, ClientError> {
        match notice {
            Notice::Open if plan.subscribe && plan.transport.is_stomp() => {
                let mut frame = self.subscribe_frame(plan.user);
                let unconfirmed = self.common.no_subscribe_receipt;
                if !unconfirmed {
                    frame = frame.with("receipt", SUBSCRIBED);
                }
                let mut bytes = Vec::new();
                frame.encode(Version::V1_2, &mut bytes);
                Ok(Step::Send(bytes, unconfirmed))
            }
            Notice::Open => Ok(Step::Ready),
            Notice::Message { .. } | Notice::Event { .. } => Ok(Step::Wait),
            Notice::Error(error) => Err(ClientError::Json(error)),
            Notice::Answer { payload } => {
                let mut step = Step::Wait;
                for frame in swarm::frames(payload)? {
                    match frame.command {
                        Command::Receipt if frame.get("receipt-id") == Some(SUBSCRIBED) => {
                            step = Step::Ready;
                        }
                        Command::Error => return Err(ClientError::Stomp(Box::new(frame))),
                        _ => {}
                    }
                }
                Ok(step)
            }
            Notice::Closed(error) => Err(error),
        }
    }

    fn fill(&self, template: &str, n: usize) -> String {
        let user = self.user(n);
        let values = Values {
            n,
            user: &user,
            ..Values::default()
        };
        template::fill(template, &values)
    }
}

fn resolved(url: &str) -> Result<(Url, SocketAddr), BenchError> {
    let url: Url = url
        .parse()
        .map_err(|error| BenchError::Options(format!("{error}")))?;
    let address = url
        .resolve()
        .map_err(BenchError::io(format!("resolve {}", url.host)))?;
    Ok((url, address))
}

/// Whether frames confirm or refuse; `None`: neither.
fn accepted(payload: &[u8]) -> Option<Result<(), ClientError>> {
    let frames = match swarm::frames(payload) {
        Ok(frames) => frames,
        Err(error) => return Some(Err(error)),
    };
    frames.into_iter().find_map(|frame| match frame.command {
        Command::Receipt => Some(Ok(())),
        Command::Error => Some(Err(ClientError::Stomp(Box::new(frame)))),
        _ => None,
    })
}

enum Step {
    Wait,
    /// To be sent; whether that is all.
    Send(Vec<u8>, bool),
    Ready,
}

/// A bar on the error output if that is a terminal.
pub(super) fn progress(doing: &'static str, total: u64) -> ProgressBar {
    let target = match std::io::stderr().is_terminal() {
        true => ProgressDrawTarget::stderr_with_hz(4),
        false => ProgressDrawTarget::hidden(),
    };
    let bar = ProgressBar::with_draw_target(Some(total), target).with_message(doing);
    if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}") {
        bar.set_style(style);
    }
    bar
}

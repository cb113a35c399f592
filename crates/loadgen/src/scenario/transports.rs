//! The options that say by which doors to measure.

use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};

use super::target::Target;
use crate::error::BenchError;
use crate::swarm::Transport;
use crate::url::Url;

/// By which doors to measure.
#[derive(Clone, Debug, Args)]
pub struct Transports {
    /// Compare these ways in, in turns; separated by commas. SockJS is looked
    /// for behind the path of --url, the JSON door at that path and /v1, the
    /// events at /api/v1/events.
    #[arg(long, value_enum, value_delimiter = ',')]
    pub transport: Vec<Choice>,
    /// Where the server speaks STOMP over TCP, as host:port; for stomp-tcp.
    #[arg(long)]
    pub tcp_url: Option<String>,
}

/// One transport, or all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// All of them.
    All,
    /// This one.
    One(Transport),
}

impl ValueEnum for Choice {
    fn value_variants<'a>() -> &'a [Choice] {
        const {
            &[
                Choice::One(Transport::ALL[0]),
                Choice::One(Transport::ALL[1]),
                Choice::One(Transport::ALL[2]),
                Choice::One(Transport::ALL[3]),
                Choice::One(Transport::ALL[4]),
                Choice::One(Transport::ALL[5]),
                Choice::One(Transport::ALL[6]),
                Choice::All,
            ]
        }
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Choice::One(transport) => PossibleValue::new(transport.name()).help(transport.help()),
            Choice::All => PossibleValue::new("all").help("one after the other"),
        })
    }
}

impl Transports {
    pub(super) fn is_given(&self) -> bool {
        !self.transport.is_empty()
    }

    /// Each that is asked for, once.
    pub(super) fn list(&self) -> Vec<Transport> {
        let mut list = Vec::new();
        for choice in &self.transport {
            let several = match choice {
                Choice::All => Transport::ALL.to_vec(),
                Choice::One(transport) => vec![*transport],
            };
            for transport in several {
                if !list.contains(&transport) {
                    list.push(transport);
                }
            }
        }
        list
    }

    /// Tells `target` where STOMP over TCP is spoken.
    ///
    /// # Errors
    ///
    /// The address is none, or missing though it is needed.
    pub(super) fn locate(&self, target: &mut Target<'_>) -> Result<(), BenchError> {
        if let Some(text) = &self.tcp_url {
            let authority = text.strip_prefix("tcp://").unwrap_or(text);
            let url: Url = format!("ws://{authority}")
                .parse()
                .map_err(|_| BenchError::Options(format!("{text:?} is not host:port")))?;
            let resolve = BenchError::io(format!("resolve {}", url.host));
            target.tcp_address = Some(url.resolve().map_err(resolve)?);
        }
        if target.tcp_address.is_none() && self.list().contains(&Transport::StompTcp) {
            return Err(BenchError::Options("stomp-tcp needs --tcp-url".to_owned()));
        }
        Ok(())
    }
}

/// A transport by its name.
pub(super) fn parse_transport(name: &str) -> Result<Transport, String> {
    Transport::ALL
        .into_iter()
        .find(|transport| transport.name() == name)
        .ok_or_else(|| format!("{name:?} is no transport"))
}

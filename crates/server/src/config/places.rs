//! Where the store, the bus and presence are, as their URLs say.

use super::options::{Bus, Config, Presence, Store};

/// Where everything accepted is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StorePlace<'a> {
    /// In a file of SQLite's; `None`: in the data directory.
    File(Option<&'a str>),
    /// On a database server, at this URL.
    Server(&'a str),
}

impl StorePlace<'_> {
    /// What a URL says.
    #[must_use]
    pub fn of(url: &str) -> StorePlace<'_> {
        match url.strip_prefix("sqlite:") {
            Some(path) => StorePlace::File((!path.is_empty()).then_some(path)),
            None => StorePlace::Server(url),
        }
    }
}

impl Store {
    /// Whether several nodes can have it.
    #[must_use]
    pub fn is_on_a_server(&self) -> bool {
        matches!(StorePlace::of(&self.url), StorePlace::Server(_))
    }
}

impl Bus {
    /// What the bus needs besides its URL.
    #[must_use]
    pub fn options(&self) -> madang_bus::Options {
        madang_bus::Options {
            prefix: self.prefix.clone(),
        }
    }

    /// Whether it reaches no other node.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.url.starts_with("local:")
    }

    fn is_redis(&self) -> bool {
        let scheme = self.url.split_once(':').map(|(scheme, _)| scheme);
        let kind = scheme.map(|scheme| scheme.split_once('+').map_or(scheme, |(kind, _)| kind));
        matches!(kind, Some("redis" | "rediss"))
    }
}

impl Presence {
    const LOCAL: &str = "local:";

    /// In the database server that `store.url` names.
    pub const STORE: &str = "store:";
}

impl Config {
    /// Where presence is kept: as it says; or else where all nodes have it, on the Redis of the bus or
    /// in the database; or in this process.
    #[must_use]
    pub fn presence_url(&self) -> &str {
        match &self.presence.url {
            Some(url) => url,
            None if self.bus.is_redis() => &self.bus.url,
            None if !self.bus.is_local() && self.store.is_on_a_server() => Presence::STORE,
            None => Presence::LOCAL,
        }
    }

    /// What presence needs besides its URL.
    #[must_use]
    pub fn presence_options(&self) -> madang_presence::Options {
        madang_presence::Options {
            prefix: self.bus.prefix.clone(),
        }
    }

    /// Whether this node tells others what happens, and none of them who is online.
    #[must_use]
    pub fn keeps_presence_to_itself(&self) -> bool {
        !self.bus.is_local() && self.presence_url() == Presence::LOCAL
    }
}

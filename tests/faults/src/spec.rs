//! What a run is made of: which store, which bus, how many nodes.

use std::fmt;

use clap::ValueEnum;

/// Where nodes keep what they accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum StoreKind {
    /// In one node's folder.
    Sqlite,
    Postgres,
    /// MariaDB stands for it.
    Mysql,
}

/// What carries hints between nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum BusKind {
    /// Nothing: there is one node.
    Local,
    Redis,
    Nats,
}

/// A cluster's make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Combination {
    pub(crate) store: StoreKind,
    pub(crate) bus: BusKind,
}

/// Nodes of a cluster.
const NODES: usize = 3;

impl Combination {
    /// All that are meant: of what is not said, each that many nodes can share.
    pub(crate) fn all(store: Option<StoreKind>, bus: Option<BusKind>) -> Vec<Self> {
        let stores = match store {
            Some(store) => vec![store],
            None => vec![StoreKind::Postgres, StoreKind::Mysql],
        };
        let buses = match bus {
            Some(bus) => vec![bus],
            None if store == Some(StoreKind::Sqlite) => vec![BusKind::Local],
            None => vec![BusKind::Redis, BusKind::Nats],
        };
        let of = |store| buses.iter().map(move |&bus| Self { store, bus });
        stores.into_iter().flat_map(of).collect()
    }

    /// One where the store is one process's, or nothing carries hints.
    pub(crate) const fn nodes(self) -> usize {
        match self {
            Self {
                store: StoreKind::Sqlite,
                ..
            }
            | Self {
                bus: BusKind::Local,
                ..
            } => 1,
            _ => NODES,
        }
    }

    pub(crate) fn has_store_server(self) -> bool {
        self.store != StoreKind::Sqlite
    }

    pub(crate) fn has_bus_server(self) -> bool {
        self.bus != BusKind::Local
    }
}

impl fmt::Display for Combination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} and {}", name(&self.store), name(&self.bus))
    }
}

/// As the command line has it.
pub(crate) fn name(kind: &impl ValueEnum) -> String {
    let value = kind.to_possible_value();
    value.map_or_else(String::new, |value| value.get_name().to_owned())
}

//! What a node is for. One process may have every role, or each its own: they find each other through the store, the bus
//! and presence only.

use std::fmt;

/// One of the parts that nodes are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NodeRole {
    /// REST, the host's back end, pictures, pages, and the jobs of the deployment. It has no sessions.
    Api,
    /// Sessions: WebSocket, SockJS, event streams, STOMP over TCP.
    Gateway,
}

impl NodeRole {
    /// Every role.
    pub const ALL: [Self; 2] = [Self::Api, Self::Gateway];

    /// As the configuration names it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Gateway => "gateway",
        }
    }

    /// The role of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

impl fmt::Display for NodeRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What one node is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeRoles {
    api: bool,
    gateway: bool,
}

impl NodeRoles {
    /// Everything.
    pub const ALL: Self = Self {
        api: true,
        gateway: true,
    };

    /// Whether this is one of them.
    #[must_use]
    pub const fn have(self, role: NodeRole) -> bool {
        match role {
            NodeRole::Api => self.api,
            NodeRole::Gateway => self.gateway,
        }
    }

    /// Whether there is none: such a node is for nothing.
    #[must_use]
    pub fn is_empty(self) -> bool {
        NodeRole::ALL.into_iter().all(|role| !self.have(role))
    }

    /// The first that is another node's.
    #[must_use]
    pub fn missing(self) -> Option<NodeRole> {
        NodeRole::ALL.into_iter().find(|role| !self.have(*role))
    }
}

impl FromIterator<NodeRole> for NodeRoles {
    fn from_iter<I: IntoIterator<Item = NodeRole>>(roles: I) -> Self {
        let mut some = Self {
            api: false,
            gateway: false,
        };
        for role in roles {
            match role {
                NodeRole::Api => some.api = true,
                NodeRole::Gateway => some.gateway = true,
            }
        }
        some
    }
}

//! Who comes in: how many connections there may be, in all and from one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::half_open::HalfOpen;
use crate::config::AddressRange;
use crate::telemetry::metrics::Metrics;

/// That something is full is said this often at most.
const WARNING_INTERVAL: Duration = Duration::from_secs(60);

/// The bounds that all listeners share.
#[derive(Debug, Clone)]
pub(crate) struct GateLimits {
    /// Open connections; one more is closed at once.
    pub(crate) connections_max: usize,
    /// Open connections from one IPv4 address or IPv6 /64 network; 0 is no bound.
    pub(crate) per_address_max: u32,
    /// Half-open connections; one more closes the oldest of them.
    pub(crate) half_open_max: usize,
    /// Addresses whose connections are not counted by address: proxies.
    pub(crate) trusted: Vec<AddressRange>,
}

/// Lets connections in, or not. One for all listeners.
#[derive(Debug)]
pub(crate) struct Gate {
    limits: GateLimits,
    counts: Mutex<Counts>,
    pub(super) half_open: Arc<HalfOpen>,
    pub(super) metrics: Arc<Metrics>,
}

#[derive(Debug, Default)]
struct Counts {
    total: usize,
    by_address: HashMap<Origin, u32>,
    total_warning: Warning,
    address_warning: Warning,
}

/// A line of the log that is not to be repeated too often.
#[derive(Debug, Default)]
struct Warning(Option<Instant>);

impl Warning {
    /// Whether it may be said now; it counts as said then.
    fn is_due(&mut self) -> bool {
        let now = Instant::now();
        let is_due = self
            .0
            .is_none_or(|last| now.duration_since(last) >= WARNING_INTERVAL);
        if is_due {
            self.0 = Some(now);
        }
        is_due
    }
}

/// What clients are counted by: an IPv6 client has a whole /64 to itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Origin {
    V4(u32),
    V6(u64),
}

impl Origin {
    /// That of this address; an IPv4 one that is written as IPv6 counts as what it is.
    pub(crate) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address.to_bits()),
            // The shift leaves 64 bits.
            IpAddr::V6(address) => Self::V6((address.to_bits() >> 64) as u64),
        }
    }
}

/// A connection's place among those that may be open: given back when it is dropped, so it must
/// be dropped behind the socket.
#[derive(Debug)]
pub(crate) struct Place {
    /// Only ever dropped.
    _held: Option<Held>,
}

#[derive(Debug)]
struct Held {
    gate: Arc<Gate>,
    /// `None` when it is not counted by address.
    origin: Option<Origin>,
}

/// Which bound keeps a connection out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    Total,
    Address,
}

impl Place {
    /// A connection that is counted nowhere.
    pub(crate) fn uncounted() -> Self {
        Self { _held: None }
    }
}

impl Gate {
    /// Nobody is in yet.
    pub(crate) fn new(limits: GateLimits, metrics: Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self {
            half_open: HalfOpen::new(limits.half_open_max),
            limits,
            counts: Mutex::default(),
            metrics,
        })
    }

    /// A place for a connection from `peer`, or the bound that keeps it out.
    pub(super) fn admit(self: &Arc<Self>, peer: IpAddr) -> Result<Place, Full> {
        let metrics = &self.metrics.connections;
        let origin = self.origin(peer);
        let mut counts = self.counts.lock();
        if counts.total >= self.limits.connections_max {
            if counts.total_warning.is_due() {
                let open = counts.total;
                tracing::warn!(open, "no more connections may be open: new ones are closed");
            }
            metrics.refused_total.inc();
            return Err(Full::Total);
        }
        if let Some(origin) = origin {
            let max = self.limits.per_address_max;
            let count = counts.by_address.entry(origin).or_default();
            // Never zero here: the bound is at least one.
            if *count >= max {
                if counts.address_warning.is_due() {
                    tracing::warn!(
                        %peer,
                        max,
                        "an address has as many connections as it may: new ones are closed \
                         (server.connections_per_address_max); if a proxy is there, name it in \
                         server.trusted_addresses"
                    );
                }
                metrics.refused_address.inc();
                return Err(Full::Address);
            }
            *count += 1;
        }
        counts.total += 1;
        drop(counts);
        metrics.accepted.inc();
        metrics.open.inc();
        let gate = Arc::clone(self);
        let held = Held { gate, origin };
        Ok(Place { _held: Some(held) })
    }

    fn origin(&self, peer: IpAddr) -> Option<Origin> {
        let is_trusted = || self.limits.trusted.iter().any(|range| range.contains(peer));
        if self.limits.per_address_max == 0 || is_trusted() {
            return None;
        }
        Some(Origin::of(peer))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut counts = self.gate.counts.lock();
        counts.total -= 1;
        if let Some(origin) = self.origin
            && let Some(count) = counts.by_address.get_mut(&origin)
        {
            *count -= 1;
            if *count == 0 {
                counts.by_address.remove(&origin);
            }
        }
        drop(counts);
        self.gate.metrics.connections.open.dec();
    }
}

#[cfg(test)]
mod tests {
    use madang_domain::Timestamp;

    use super::*;

    fn gate(connections_max: usize, per_address_max: u32, trusted: &[&str]) -> Arc<Gate> {
        let limits = GateLimits {
            connections_max,
            per_address_max,
            half_open_max: 1,
            trusted: trusted.iter().map(|range| range.parse().unwrap()).collect(),
        };
        Gate::new(limits, Arc::new(Metrics::new(Timestamp::from_micros(0))))
    }

    fn admit(gate: &Arc<Gate>, peer: &str) -> Result<Place, Full> {
        gate.admit(peer.parse().unwrap())
    }

    #[test]
    fn an_address_gets_its_share_and_back_what_it_gives_back() {
        let gate = gate(100, 2, &[]);
        let first = admit(&gate, "192.0.2.1").unwrap();
        let _second = admit(&gate, "::ffff:192.0.2.1").unwrap();
        assert_eq!(admit(&gate, "192.0.2.1").unwrap_err(), Full::Address);
        let _other = admit(&gate, "192.0.2.2").unwrap();
        drop(first);
        let _third = admit(&gate, "192.0.2.1").unwrap();
        assert_eq!(gate.metrics.connections.refused_address.get(), 1);
        assert_eq!(gate.metrics.connections.open.get(), 3);
    }

    #[test]
    fn an_ipv6_client_is_its_network() {
        let gate = gate(100, 1, &[]);
        let _one = admit(&gate, "2001:db8:0:1::1").unwrap();
        assert!(admit(&gate, "2001:db8:0:1:ffff::2").is_err());
        let _two = admit(&gate, "2001:db8:0:2::1").unwrap();
    }

    #[test]
    fn proxies_are_counted_in_all_but_not_by_address() {
        let gate = gate(3, 1, &["10.0.0.0/8"]);
        let places: Vec<_> = (0..3).map(|_| admit(&gate, "10.1.1.1").unwrap()).collect();
        assert_eq!(admit(&gate, "10.1.1.1").unwrap_err(), Full::Total);
        drop(places);
        assert!(admit(&gate, "10.1.1.1").is_ok());
        assert!(gate.counts.lock().by_address.is_empty());
        assert_eq!(gate.counts.lock().total, 0);
    }
}

//! Metrics of the listeners.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::metrics::{Label, counter, family, gauge};
use prometheus_client::metrics::family::Family;

/// What the listeners count.
#[derive(Debug)]
pub struct Connections {
    /// Connections that are open now, of all listeners.
    pub open: Gauge,
    /// Connections that were let in.
    pub accepted: Counter,
    /// Connections that were closed at once: as many as may be were open.
    pub refused_total: Counter,
    /// Connections that were closed at once: their address had as many as it may have.
    pub refused_address: Counter,
    /// Connections that were closed before their first request because newer ones came.
    pub evicted: Counter,
    /// TLS handshakes that failed or took too long.
    pub handshakes_failed: Counter,
    /// Times a new certificate was taken up.
    pub tls_reloaded: Counter,
    /// Times a new certificate could not be used.
    pub tls_refused: Counter,
    /// When the certificate in use ends to be valid, in seconds since 1970; 0 without TLS.
    pub tls_expiry: Gauge,
}

impl Connections {
    pub(super) fn registered(r: &mut Registry) -> Self {
        let refused = "Connections that were closed at once, by the bound that was reached";
        let refused: Family<Label, Counter> = family(r, "connections_refused", refused);
        let bound = |name| refused.get_or_create_owned(&[("bound", name)]);
        let reloads = "Changed certificate files that were read, by outcome";
        let reloads: Family<Label, Counter> = family(r, "tls_reloads", reloads);
        let outcome = |name| reloads.get_or_create_owned(&[("outcome", name)]);
        let open = "Connections that are open now, of all listeners";
        let accepted = "Connections that were let in";
        let evicted = "Connections closed before their first request because newer ones came";
        let failed = "TLS handshakes that failed or took too long";
        Self {
            open: gauge(r, "connections_open", open),
            accepted: counter(r, "connections_accepted", accepted),
            refused_total: bound("total"),
            refused_address: bound("address"),
            evicted: counter(r, "connections_evicted", evicted),
            handshakes_failed: counter(r, "tls_handshakes_failed", failed),
            tls_reloaded: outcome("loaded"),
            tls_refused: outcome("refused"),
            tls_expiry: expiry(r),
        }
    }
}

fn expiry(registry: &mut Registry) -> Gauge {
    let gauge = Gauge::default();
    let help = "When the certificate in use ends to be valid, in seconds since 1970; 0 without TLS";
    registry.register_with_unit(
        "tls_certificate_expiry_time",
        help,
        Unit::Seconds,
        gauge.clone(),
    );
    gauge
}

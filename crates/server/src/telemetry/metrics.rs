//! Counters, gauges and histograms, each a plain atomic handle: nothing on the way of a message
//! looks a label up.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use madang_domain::{Code, Timestamp};
use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::connections::Connections;
use super::history::History;
use super::limits::{Limit, Limits};
use super::{RUSTC, VERSION};

/// The media type of [`Metrics::encode`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What a session came in through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// A plain WebSocket.
    WebSocket,
    /// SockJS, over any of its transports.
    SockJs,
    /// STOMP over TCP.
    Tcp,
    /// Server-sent events.
    Sse,
}

impl Transport {
    /// Every transport, in the order of the variants.
    pub const ALL: [Self; 4] = [Self::WebSocket, Self::SockJs, Self::Tcp, Self::Sse];

    /// The value of the label `transport`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::WebSocket => "websocket",
            Self::SockJs => "sockjs",
            Self::Tcp => "tcp",
            Self::Sse => "sse",
        }
    }
}

pub(super) type Label = [(&'static str, &'static str); 1];
type HttpLabels = [(&'static str, String); 2];
type RouteLabel = [(&'static str, String); 1];
type Routes = Family<RouteLabel, Histogram, fn() -> Histogram>;

/// The reason of a session that its client ended in order.
const REASON_NORMAL: &str = "NORMAL";

/// Every metric of the process. Made once, shared by `Arc`.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    sessions: Sessions,
    errors: Vec<Counter>,
    http: Http,
    limits: Limits,
    /// What the listeners count.
    pub connections: Connections,
    /// Frames received from clients and understood, of all protocols; heart-beats do not count.
    pub frames_received: Counter,
    /// Messages handed to a session's connection, once for each subscription.
    pub deliveries: Counter,
    /// Bytes written to clients' connections.
    pub written_bytes: Counter,
    /// Messages in each committed transaction.
    pub commit_batch_drafts: Histogram,
    /// Seconds that each transaction took, the wait for the disk included.
    pub commit_seconds: Histogram,
    /// Messages that were stored.
    pub drafts_accepted: Counter,
    /// Messages whose client id was accepted before: answered, not stored again.
    pub drafts_repeated: Counter,
    /// Messages that policy or the store refused.
    pub drafts_refused: Counter,
    /// Messages that wait to be committed.
    pub pipeline_queue_drafts: Gauge,
    /// Times a subscription fell back to reading the log.
    pub catch_ups: Counter,
    /// Messages that subscriptions read from the log.
    pub catch_up_messages: Counter,
    /// Times a client was told that its position cannot be served.
    pub resets: Counter,
    /// What is kept of the newest messages.
    pub history: History,
}

#[derive(Debug)]
struct Sessions {
    open: [Gauge; Transport::ALL.len()],
    opened: [Counter; Transport::ALL.len()],
    closed: Vec<Counter>,
    closed_normally: Counter,
}

#[derive(Debug)]
struct Http {
    requests: Family<HttpLabels, Counter>,
    seconds: Routes,
}

impl Metrics {
    /// Registers every metric; all start at zero. `started_at` is when the process started.
    #[must_use]
    pub fn new(started_at: Timestamp) -> Self {
        let mut registry = Registry::default();
        about_the_process(&mut registry, started_at);
        let handles = Self::handles(registry.sub_registry_with_prefix("madang"));
        Self {
            registry,
            ..handles
        }
    }

    /// The handles alone, registered with `r`.
    fn handles(r: &mut Registry) -> Self {
        let drafts = "Messages that clients sent, by outcome";
        let drafts: Family<Label, Counter> = family(r, "drafts", drafts);
        let outcome = |name| drafts.get_or_create_owned(&[("outcome", name)]);
        let errors = family(r, "errors", "Errors that clients were told, by code");
        let frames = "Frames of all protocols that clients sent, without heart-beats";
        let deliveries = "Messages handed to connections, once for each subscription";
        let catch_ups = "Times a subscription fell back to reading the log";
        let resets = "Times a client was told that its position cannot be served";
        let read = "Messages that subscriptions read from the log";
        let queue = "Messages that wait to be committed";
        Self {
            sessions: Sessions::registered(r),
            errors: by_code(&errors, "code"),
            http: Http::registered(r),
            limits: Limits::registered(r),
            connections: Connections::registered(r),
            frames_received: counter(r, "frames_received", frames),
            deliveries: counter(r, "deliveries", deliveries),
            written_bytes: written_bytes(r),
            commit_batch_drafts: commit_batch_drafts(r),
            commit_seconds: commit_seconds(r),
            drafts_accepted: outcome("accepted"),
            drafts_repeated: outcome("repeated"),
            drafts_refused: outcome("refused"),
            pipeline_queue_drafts: gauge(r, "pipeline_queue_drafts", queue),
            catch_ups: counter(r, "catch_ups", catch_ups),
            catch_up_messages: counter(r, "catch_up_messages", read),
            resets: counter(r, "resets", resets),
            history: History::registered(r),
            registry: Registry::default(),
        }
    }

    /// A session was opened.
    pub fn session_opened(&self, transport: Transport) {
        self.sessions.open[transport as usize].inc();
        self.sessions.opened[transport as usize].inc();
    }

    /// A session ended; `reason` is `None` when its client ended it in order.
    pub fn session_closed(&self, transport: Transport, reason: Option<Code>) {
        self.sessions.open[transport as usize].dec();
        match reason {
            Some(code) => count(&self.sessions.closed, code),
            None => {
                self.sessions.closed_normally.inc();
            }
        }
    }

    /// A client was told an error.
    pub fn error(&self, code: Code) {
        count(&self.errors, code);
    }

    /// A session reached a bound.
    pub fn limit_reached(&self, limit: Limit) {
        self.limits.reached(limit);
    }

    /// An HTTP request was answered. `route` is the path's pattern, never the path: each value
    /// makes series of its own.
    pub fn http_request(&self, route: &str, status: u16, taken: Duration) {
        let labels = [("route", route.to_owned()), ("status", status.to_string())];
        self.http.requests.get_or_create(&labels).inc();
        let label = [("route", route.to_owned())];
        let seconds = taken.as_secs_f64();
        self.http.seconds.get_or_create(&label).observe(seconds);
    }

    /// All metrics as OpenMetrics text ([`CONTENT_TYPE`]).
    #[must_use]
    pub fn encode(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = text::encode(&mut text, &self.registry);
        text
    }
}

impl Sessions {
    fn registered(r: &mut Registry) -> Self {
        let open = "Sessions that are open now, by transport";
        let opened = "Sessions that were opened, by transport";
        let closed = "Sessions that ended, by reason: an error code, or NORMAL";
        let open: Family<Label, Gauge> = family(r, "sessions_open", open);
        let opened: Family<Label, Counter> = family(r, "sessions_opened", opened);
        let closed: Family<Label, Counter> = family(r, "sessions_closed", closed);
        let label = |transport: Transport| [("transport", transport.name())];
        Self {
            open: Transport::ALL.map(|t| open.get_or_create_owned(&label(t))),
            opened: Transport::ALL.map(|t| opened.get_or_create_owned(&label(t))),
            closed: by_code(&closed, "reason"),
            closed_normally: closed.get_or_create_owned(&[("reason", REASON_NORMAL)]),
        }
    }
}

impl Http {
    fn registered(r: &mut Registry) -> Self {
        let requests = "HTTP requests that were answered, by route and status";
        let requests = family(r, "http_requests", requests);
        let seconds = Routes::new_with_constructor(latency_histogram);
        let help = "Time from an HTTP request's head to its answer's head, by route";
        r.register_with_unit(
            "http_request_duration",
            help,
            Unit::Seconds,
            seconds.clone(),
        );
        Self { requests, seconds }
    }
}

fn by_code(family: &Family<Label, Counter>, label: &'static str) -> Vec<Counter> {
    let counter = |code: &Code| family.get_or_create_owned(&[(label, code.spec().name)]);
    Code::ALL.iter().map(counter).collect()
}

/// The handles stand in the order of `Code::ALL`, which is that of the variants.
fn count(by_code: &[Counter], code: Code) {
    if let Some(counter) = by_code.get(code as usize) {
        counter.inc();
    }
}

fn about_the_process(registry: &mut Registry, started_at: Timestamp) {
    let started = Gauge::<f64, AtomicU64>::default();
    #[allow(clippy::cast_precision_loss)]
    started.set(started_at.as_micros() as f64 / 1e6);
    registry.register_with_unit(
        "process_start_time",
        "When the process started, in seconds since 1970",
        Unit::Seconds,
        started,
    );
    registry.register(
        "madang_build",
        "Which version this is and which compiler built it",
        Info::new([("version", VERSION), ("rustc", RUSTC)]),
    );
}

pub(super) fn family<S, M>(registry: &mut Registry, name: &str, help: &str) -> Family<S, M>
where
    Family<S, M>: Default + Clone + prometheus_client::registry::Metric,
{
    let family = Family::<S, M>::default();
    registry.register(name, help, family.clone());
    family
}

pub(super) fn counter(registry: &mut Registry, name: &str, help: &str) -> Counter {
    let counter = Counter::default();
    registry.register(name, help, counter.clone());
    counter
}

fn written_bytes(registry: &mut Registry) -> Counter {
    let counter = Counter::default();
    let help = "Bytes written to clients' connections";
    registry.register_with_unit("written", help, Unit::Bytes, counter.clone());
    counter
}

pub(super) fn gauge(registry: &mut Registry, name: &str, help: &str) -> Gauge {
    let gauge = Gauge::default();
    registry.register(name, help, gauge.clone());
    gauge
}

fn commit_batch_drafts(registry: &mut Registry) -> Histogram {
    let histogram = Histogram::new(exponential_buckets(1.0, 2.0, 14));
    let help = "Messages in each committed transaction";
    registry.register("commit_batch_drafts", help, histogram.clone());
    histogram
}

fn commit_seconds(registry: &mut Registry) -> Histogram {
    let histogram = latency_histogram();
    let help = "Time that each transaction took, the wait for the disk included";
    registry.register_with_unit("commit_duration", help, Unit::Seconds, histogram.clone());
    histogram
}

/// From a quarter of a millisecond to eight seconds.
fn latency_histogram() -> Histogram {
    Histogram::new(exponential_buckets(0.000_25, 2.0, 16))
}

const REFERENCE_HEAD: &str = "\
# Metrics reference

<!-- Generated by `madang config reference metrics`: change crates/server/src/telemetry/metrics.rs
instead. -->

`GET /metrics` answers in the OpenMetrics text format. All counters start at zero with the process.

| metric | type | labels | meaning |
|---|---|---|---|
";

/// `docs/reference/metrics.md`, read off the registry.
#[must_use]
pub fn reference() -> String {
    let metrics = Metrics::new(Timestamp::from_micros(0));
    // Families without a member are not shown.
    metrics.http_request("/", 200, Duration::ZERO);
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    let mut current = String::new();
    for line in metrics.encode().lines() {
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some("HELP"), Some(name), Some(help)) => {
                name.clone_into(&mut current);
                help.clone_into(&mut rows.entry(current.clone()).or_default().help);
            }
            (Some("#"), Some("TYPE"), Some(_), Some(kind)) => {
                kind.clone_into(&mut rows.entry(current.clone()).or_default().kind);
            }
            (Some("#"), ..) => {}
            _ => rows.entry(current.clone()).or_default().labels = labels_of(line),
        }
    }
    let mut text = REFERENCE_HEAD.to_owned();
    for (name, row) in &rows {
        let (suffix, kind) = match row.kind.as_str() {
            "counter" => ("_total", "counter"),
            "info" => ("_info", "info"),
            other => ("", other),
        };
        let labels = row.labels.join(", ");
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| `{name}{suffix}` | {kind} | {labels} | {} |",
            row.help
        );
    }
    text
}

#[derive(Default)]
struct Row {
    help: String,
    kind: String,
    labels: Vec<String>,
}

fn labels_of(sample: &str) -> Vec<String> {
    let labels = sample
        .split_once('{')
        .and_then(|(_, rest)| rest.split_once('}'));
    let Some((labels, _)) = labels else {
        return Vec::new();
    };
    let names = labels
        .split("\",")
        .filter_map(|label| label.split_once('='));
    names
        .map(|(name, _)| name)
        .filter(|name| *name != "le")
        .map(|name| format!("`{name}`"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics() -> Metrics {
        Metrics::new(Timestamp::from_micros(1_500_000))
    }

    fn assert_has(metrics: &Metrics, line: &str) {
        let text = metrics.encode();
        assert!(text.lines().any(|l| l == line), "{line} in\n{text}");
    }

    #[test]
    fn each_code_and_transport_counts_for_itself() {
        let metrics = metrics();
        for (index, code) in Code::ALL.iter().enumerate() {
            assert_eq!(*code as usize, index, "{code}");
        }
        for transport in Transport::ALL {
            metrics.session_opened(transport);
            metrics.session_opened(transport);
            metrics.session_closed(transport, None);
            assert_has(
                &metrics,
                &format!(
                    "madang_sessions_open{{transport=\"{}\"}} 1",
                    transport.name()
                ),
            );
        }
        metrics.session_closed(Transport::Tcp, Some(Code::Draining));
        metrics.error(Code::Internal);
        assert_has(
            &metrics,
            "madang_sessions_opened_total{transport=\"sse\"} 2",
        );
        assert_has(
            &metrics,
            "madang_sessions_closed_total{reason=\"NORMAL\"} 4",
        );
        assert_has(
            &metrics,
            "madang_sessions_closed_total{reason=\"DRAINING\"} 1",
        );
        assert_has(&metrics, "madang_errors_total{code=\"INTERNAL\"} 1");
        assert_has(&metrics, "madang_errors_total{code=\"UNAVAILABLE\"} 0");
    }

    #[test]
    fn what_is_counted_is_encoded() {
        let metrics = metrics();
        metrics.written_bytes.inc_by(7);
        metrics.drafts_repeated.inc();
        metrics.pipeline_queue_drafts.set(3);
        metrics.commit_batch_drafts.observe(5.0);
        metrics.http_request("/healthz", 200, Duration::from_millis(1));
        assert_has(&metrics, "madang_written_bytes_total 7");
        assert_has(&metrics, "madang_drafts_total{outcome=\"repeated\"} 1");
        assert_has(&metrics, "madang_pipeline_queue_drafts 3");
        assert_has(&metrics, "madang_commit_batch_drafts_bucket{le=\"8.0\"} 1");
        assert_has(
            &metrics,
            "madang_http_requests_total{route=\"/healthz\",status=\"200\"} 1",
        );
        assert_has(&metrics, "process_start_time_seconds 1.5");
        assert!(metrics.encode().ends_with("# EOF\n"));
    }

    #[test]
    fn every_metric_says_what_it_is() {
        let reference = reference();
        assert!(
            reference
                .lines()
                .filter(|line| line.starts_with("| `"))
                .count()
                > 15
        );
        for line in reference.lines().filter(|line| line.starts_with("| `")) {
            let cells: Vec<_> = line.split('|').map(str::trim).collect();
            assert!(!cells[2].is_empty() && cells[4].len() > 10, "{line}");
        }
    }

    #[test]
    fn the_metrics_reference_is_fresh() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../docs/reference/metrics.md"
        );
        let kept = std::fs::read_to_string(path).unwrap_or_default();
        let command = "madang config reference metrics > docs/reference/metrics.md";
        assert!(
            kept == reference(),
            "docs/reference/metrics.md is stale: `{command}`"
        );
    }
}

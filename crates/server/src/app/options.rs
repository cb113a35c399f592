//! What the parts of the server are set up with, from the configuration.

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use madang_domain::RoomKind;
use madang_domain::ports::RetentionRule;
use madang_engine::commit::CommitLimits;
use madang_engine::{EngineOptions, PresenceOptions};
use madang_store::sqlite::{self, SqliteOptions};
use madang_wire::stomp::{self, HeartBeat};
use madang_wire::websocket;

use crate::config::{Config, Synchronous};
use crate::contracts::community::CommunityOptions;
use crate::contracts::support_desk::SupportDeskOptions;
use crate::gateway::sockjs::SockJsOptions;
use crate::gateway::{DrainWindow, GatewayOptions, SessionLimits, TopicRights, UserLimits};
use crate::http::TopicOptions;
use crate::listener::GateLimits;
use crate::roles::NodeRole;

const SECONDS_PER_DAY: u64 = 24 * 60 * 60;

pub(super) fn sqlite(config: &Config) -> SqliteOptions {
    SqliteOptions {
        synchronous: match config.store.synchronous {
            Synchronous::Full => sqlite::Synchronous::Full,
            Synchronous::Normal => sqlite::Synchronous::Normal,
        },
        readers: config.store.reader_threads,
        ..SqliteOptions::default()
    }
}

/// `room` is what the system allows.
pub(super) fn gate(config: &Config, room: usize) -> GateLimits {
    let server = &config.server;
    if server.connections_max > room {
        let wanted = server.connections_max;
        tracing::warn!(
            wanted,
            room,
            "the limit on open files is below server.connections_max"
        );
    }
    GateLimits {
        connections_max: match server.connections_max {
            0 => room,
            bound => bound,
        },
        per_address_max: server.connections_per_address_max,
        half_open_max: server.handshakes_max,
        trusted: server.trusted_addresses.clone(),
    }
}

pub(super) fn engine(config: &Config) -> EngineOptions {
    let roles = config.node.roles;
    let has_jobs = roles.have(NodeRole::Api);
    EngineOptions {
        commit: CommitLimits {
            batch_drafts_max: config.store.batch_drafts_max,
            batch_bytes_max: config.store.batch_bytes_max,
            queue_drafts_max: config.store.queue_drafts_max,
        },
        head_check_interval: Duration::from_secs(config.hub.head_check_seconds),
        revise_within: seconds_or_none(config.messages.revise_seconds),
        signal_interval: Duration::from_millis(config.messages.signal_interval_ms),
        added_per_user_per_day_max: u64::from(config.rooms.added_per_user_per_day_max),
        overdue_after: seconds_or_none(config.desk.overdue_seconds).filter(|_| has_jobs),
        presence: roles.have(NodeRole::Gateway).then(|| PresenceOptions {
            lease: Duration::from_secs(config.presence.lease_seconds),
            grace: Duration::from_secs(config.presence.grace_seconds),
        }),
        retention: RoomKind::ALL.map(|kind| match has_jobs {
            true => retention_rule(config, kind),
            false => RetentionRule::default(),
        }),
        sweep_interval: Duration::from_secs(config.retention.sweep_seconds),
        history_bytes_max: config.cache.history_bytes_max,
    }
}

fn retention_rule(config: &Config, kind: RoomKind) -> RetentionRule {
    let retention = &config.retention;
    let (days, entries) = match kind {
        RoomKind::Support => (retention.support_days, retention.support_entries_max),
        RoomKind::Direct => (retention.direct_days, retention.direct_entries_max),
        RoomKind::Group => (retention.group_days, retention.group_entries_max),
        RoomKind::Open => (retention.open_days, retention.open_entries_max),
        RoomKind::Desk => (retention.desk_days, 0),
        RoomKind::Inbox => (retention.inbox_days, retention.inbox_entries_max),
    };
    let completed = match kind {
        RoomKind::Support => retention.completed_support_days,
        _ => 0,
    };
    RetentionRule {
        age: seconds_or_none(days * SECONDS_PER_DAY),
        count: (entries > 0).then_some(entries),
        count_spares: match entries {
            0 => Duration::ZERO,
            _ => Duration::from_secs(retention.repeat_seconds),
        },
        completed: seconds_or_none(completed * SECONDS_PER_DAY),
    }
}

/// An option of which 0 switches something off.
fn seconds_or_none(seconds: u64) -> Option<Duration> {
    (seconds > 0).then(|| Duration::from_secs(seconds))
}

pub(super) fn gateway(config: &Config) -> GatewayOptions {
    let stomp = &config.stomp;
    let milliseconds = |ms: u64| u32::try_from(ms).unwrap_or(u32::MAX);
    GatewayOptions {
        limits: SessionLimits {
            stomp: stomp::Limits {
                header_count_max: stomp.header_count_max,
                header_line_bytes_max: stomp.header_line_bytes_max,
                body_bytes_max: stomp.body_bytes_max,
                ..stomp::Limits::default()
            },
            websocket: websocket::Limits {
                message_bytes_max: config.websocket.message_bytes_max,
            },
            heart_beat: HeartBeat {
                send_ms: milliseconds(stomp.heart_beat_send_ms),
                want_ms: milliseconds(stomp.heart_beat_want_ms),
            },
            connect_timeout: Duration::from_secs(stomp.connect_timeout_seconds),
            subscriptions_max: stomp.subscriptions_max,
            transactions_max: stomp.transactions_max,
            transaction_frames_max: stomp.transaction_frames_max,
            unanswered_max: stomp.unanswered_max,
            queue_bytes_max: config.session.queue_bytes_max,
            rooms_max: config.session.rooms_max,
            stream_rooms_max: config.session.stream_rooms_max,
            topic_queue_bytes_max: config.session.topic_queue_bytes_max,
            frames_per_second_max: config.session.frames_per_second_max,
            bytes_per_second_max: config.session.bytes_per_second_max,
            user: UserLimits {
                sessions_max: config.session.per_user_max,
                sockjs_sessions_max: config.sockjs.per_user_max,
            },
        },
        topics: TopicRights {
            publish: config.topics.publish.iter().copied().collect(),
            subscribe: config.topics.subscribe.iter().copied().collect(),
        },
        topic_prefixes: TopicOptions::of(config).prefixes,
        application_prefix: stomp.application_prefix.clone().unwrap_or_default(),
        support_desk: support_desk(config).map(Arc::new),
        community: community(config).map(Arc::new),
        flushers: tokio::runtime::Handle::current().metrics().num_workers(),
    }
}

pub(super) fn sockjs(config: &Config) -> SockJsOptions {
    let sockjs = &config.sockjs;
    SockJsOptions {
        websocket: sockjs.websocket,
        cookie_needed: sockjs.cookie,
        response_bytes_max: sockjs.response_bytes_max,
        heart_beat: Duration::from_secs(sockjs.heart_beat_seconds),
        disconnect_delay: Duration::from_secs(sockjs.disconnect_seconds),
        find_within: Duration::from_millis(sockjs.find_ms),
        sessions_max: sockjs.sessions_max,
        client_url: sockjs.client_url.clone(),
        ..SockJsOptions::default()
    }
}

pub(super) fn support_desk(config: &Config) -> Option<SupportDeskOptions> {
    let contracts = &config.contracts;
    contracts.support_desk.then(|| SupportDeskOptions {
        agent_name: Arc::from(contracts.support_desk_agent_name.as_str()),
        time_zone: time_zone(contracts.support_desk_time_zone.as_ref()),
    })
}

pub(super) fn community(config: &Config) -> Option<CommunityOptions> {
    let contracts = &config.contracts;
    contracts.community.then(|| CommunityOptions {
        time_zone: time_zone(contracts.community_time_zone.as_ref()),
    })
}

/// The machine's, where none is named.
fn time_zone(named: Option<&TimeZone>) -> TimeZone {
    named.cloned().unwrap_or_else(TimeZone::system)
}

/// Clients are sent away over half of the time, so that the other half is for their last answers.
pub(super) fn drain(config: &Config) -> DrainWindow {
    let deadline = Duration::from_secs(config.server.drain_seconds);
    DrainWindow {
        delay: Duration::from_secs(config.server.drain_delay_seconds),
        spread: deadline / 2,
        deadline,
    }
}

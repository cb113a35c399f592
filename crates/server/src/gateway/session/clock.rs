//! When a session has to act without being told: beats, silence, deadlines.

use std::sync::Weak;
use std::sync::atomic::Ordering;
use std::time::Duration;

use madang_domain::{Caller, Code, Timestamp};

use super::super::timers::TICK_MS;
use super::outbox::WriteState;
use super::{Session, wake};

/// When the session has to act. All in milliseconds; 0 stands for never.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Timing {
    pub(super) connect_by: u64,
    pub(super) expires_at: u64,
    pub(super) close_by: u64,
    /// The protocol's beats (STOMP), as they were negotiated.
    pub(super) beat_every: u64,
    /// The transport's own.
    pub(super) transport_beat_every: u64,
    pub(super) silence_max: u64,
    /// The client sends too fast: reading goes on then.
    pub(super) resume_at: u64,
    /// The transport's last beat.
    transport_beat_at: u64,
    /// Until then somebody has to come who receives.
    receiver_by: u64,
    /// When the clock is looked at next.
    look_at: u64,
}

impl Timing {
    /// Nothing but the end is waited for.
    pub(super) fn only_close_by(&mut self, close_by: u64) {
        *self = Self {
            close_by,
            receiver_by: self.receiver_by,
            look_at: self.look_at,
            ..Self::default()
        };
    }
}

impl Session {
    /// Does what is due and says when to look again.
    pub(in super::super) fn look_at_clock(&self) {
        let now = self.shared.now_ms();
        let timing = {
            let mut timing = self.timing.lock();
            if timing.look_at > now {
                // An earlier plan, which a change of timing has replaced.
                return;
            }
            timing.look_at = 0;
            *timing
        };
        let outbox = self.outbox();
        if outbox.state == WriteState::Dead {
            return;
        }
        let blocked = outbox.state == WriteState::Blocked;
        if outbox.reading_paused {
            // Its silence is our doing.
            self.last_read_ms.store(now, Ordering::Relaxed);
        }
        drop(outbox);
        let due = |at: u64| at != 0 && at <= now;
        if due(timing.close_by) || due(timing.receiver_by) {
            return self.abort();
        }
        if due(timing.connect_by) {
            self.end(Code::ConnectTimeout.into());
        }
        if due(timing.expires_at) {
            self.end(Code::TokenExpired.into());
        }
        if due(self.silent_at(timing).unwrap_or(0)) {
            self.end(Code::HeartBeatMissed.into());
        }
        if due(timing.resume_at) {
            wake(self.outbox().waker.take());
        }
        if blocked {
            self.timing.lock().transport_beat_at = now;
            // Nothing gets through, a beat least of all; look again when the next would be due.
            self.last_write_ms.store(now, Ordering::Relaxed);
        } else if due(self.next_beat(timing.beat_every).unwrap_or(0)) {
            // STOMP 1.2, "Heart-beating": the octet that says only that we are here.
            self.push(|buffer| self.framing.append_text(b"\n", buffer));
        } else if due(self.next_transport_beat(&timing).unwrap_or(0)) {
            self.timing.lock().transport_beat_at = now;
            self.push(|buffer| self.framing.append_beat(buffer));
        }
        self.reschedule(&mut self.timing.lock(), now);
    }

    /// Waits for CONNECT no more, and ends the session with its caller's token. `now` is the wall
    /// clock's; `change` sets what else the protocol has agreed on.
    pub(super) fn admit(&self, caller: &Caller, now: Timestamp, change: impl FnOnce(&mut Timing)) {
        let expires_in = caller.expires_at.map(|at| {
            let left = at.as_micros().saturating_sub(now.as_micros());
            u64::try_from(left / 1_000).unwrap_or(0)
        });
        // Never 0, which is for ever.
        let expires_at = expires_in.map_or(0, |left| (self.shared.now_ms() + left).max(1));
        self.set_timing(|timing| {
            timing.connect_by = 0;
            timing.expires_at = expires_at;
            change(timing);
        });
    }

    /// Changes what the clock is looked at for.
    pub(super) fn set_timing(&self, change: impl FnOnce(&mut Timing)) {
        let mut timing = self.timing.lock();
        change(&mut timing);
        self.reschedule(&mut timing, self.shared.now_ms());
    }

    /// A request receives what is written from now on.
    pub(in super::super) fn receiver_came(&self) {
        self.set_timing(|timing| timing.receiver_by = 0);
    }

    /// Nobody receives; the session ends unless somebody comes in time.
    pub(in super::super) fn receiver_left(&self, delay: Duration) {
        let delay = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX / 2);
        let receiver_by = self.shared.now_ms() + delay;
        self.set_timing(|timing| timing.receiver_by = receiver_by);
    }

    fn next_beat(&self, every: u64) -> Option<u64> {
        // Early: the peer counts from the last octet that it got, and the clock is coarse.
        let pause = every.saturating_sub(2 * TICK_MS).max(TICK_MS);
        let last = self.last_write_ms.load(Ordering::Relaxed);
        (every != 0).then_some(last + pause)
    }

    /// A peer that has to answer is asked whether anything was written to it or not: that says
    /// nothing of it.
    fn next_transport_beat(&self, timing: &Timing) -> Option<u64> {
        if timing.silence_max == 0 {
            return self.next_beat(timing.transport_beat_every);
        }
        let heard = self.last_read_ms.load(Ordering::Relaxed);
        let last = heard.max(timing.transport_beat_at);
        let every = timing.transport_beat_every;
        (every != 0).then_some(last + every)
    }

    fn silent_at(&self, timing: Timing) -> Option<u64> {
        let last = self.last_read_ms.load(Ordering::Relaxed);
        (timing.silence_max != 0).then_some(last + timing.silence_max)
    }

    /// One plan at a time: a session is in the wheel once, but for plans that were replaced by
    /// earlier ones.
    fn reschedule(&self, timing: &mut Timing, now: u64) {
        let fixed = [
            timing.connect_by,
            timing.expires_at,
            timing.close_by,
            timing.receiver_by,
            timing.resume_at,
        ];
        let fixed = fixed.into_iter().filter(|at| *at > now);
        let moving = [
            self.next_beat(timing.beat_every),
            self.next_transport_beat(timing),
            self.silent_at(*timing),
        ];
        let Some(next) = fixed.chain(moving.into_iter().flatten()).min() else {
            return;
        };
        let at = next.max(now + TICK_MS);
        if timing.look_at == 0 || at < timing.look_at {
            timing.look_at = self.shared.timers.schedule(Weak::clone(&self.me), at);
        }
    }
}

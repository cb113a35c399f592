use std::fmt;

/// What one side offers in its `heart-beat` header (STOMP 1.2, "Heart-beating").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeartBeat {
    /// The shortest interval in milliseconds at which this side can promise to
    /// send something. Zero: it cannot.
    pub send_ms: u32,
    /// The interval in milliseconds at which this side wants to hear something.
    /// Zero: it does not want to.
    pub want_ms: u32,
}

/// A `heart-beat` header that is not two non-negative integers with a comma between.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("heart-beat must be two non-negative integers, as in 10000,10000")]
pub struct BadHeartBeat;

impl HeartBeat {
    /// Reads the value of a `heart-beat` header. Absent means `0,0`: no beats in
    /// either direction. Intervals over `u32::MAX` (49 days) count as that.
    ///
    /// # Errors
    ///
    /// [`BadHeartBeat`] for anything but digits, one comma and digits: no
    /// signs, no spaces. The client is at fault and has to be refused.
    pub fn parse(header: Option<&str>) -> Result<HeartBeat, BadHeartBeat> {
        let Some(value) = header else {
            return Ok(HeartBeat::default());
        };
        let (send, want) = value.split_once(',').ok_or(BadHeartBeat)?;
        Ok(HeartBeat {
            send_ms: milliseconds(send)?,
            want_ms: milliseconds(want)?,
        })
    }

    /// Works out who has to send how often once both sides have spoken: first
    /// the interval in milliseconds of the server's beats, then that of the
    /// client's. `None`: that side need not send any. Otherwise the larger of
    /// what one side can and what the other wants.
    pub fn negotiate(server: HeartBeat, client: HeartBeat) -> (Option<u32>, Option<u32>) {
        (
            interval(server.send_ms, client.want_ms),
            interval(client.send_ms, server.want_ms),
        )
    }
}

impl fmt::Display for HeartBeat {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{},{}", self.send_ms, self.want_ms)
    }
}

fn interval(can_ms: u32, wanted_ms: u32) -> Option<u32> {
    (can_ms != 0 && wanted_ms != 0).then(|| can_ms.max(wanted_ms))
}

fn milliseconds(text: &str) -> Result<u32, BadHeartBeat> {
    if text.is_empty() || !text.bytes().all(|octet| octet.is_ascii_digit()) {
        return Err(BadHeartBeat);
    }
    // Only overflow is left to fail.
    Ok(text.parse().unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beat(send_ms: u32, want_ms: u32) -> HeartBeat {
        HeartBeat { send_ms, want_ms }
    }

    #[test]
    fn h5_absent_header_means_no_beats() {
        assert_eq!(HeartBeat::parse(None), Ok(beat(0, 0)));
    }

    #[test]
    fn h6_anything_but_two_non_negative_integers_is_refused() {
        for bad in [
            "", ",", "a,b", "5", "-1,0", "+1,0", "1,", ",1", "1,2,3", " 1,2", "1, 2", "1.5,2",
        ] {
            assert_eq!(HeartBeat::parse(Some(bad)), Err(BadHeartBeat), "{bad}");
        }
        assert_eq!(HeartBeat::parse(Some("0,0")), Ok(beat(0, 0)));
        assert_eq!(HeartBeat::parse(Some("4000,10000")), Ok(beat(4000, 10000)));
        assert_eq!(
            HeartBeat::parse(Some("99999999999,007")),
            Ok(beat(u32::MAX, 7))
        );
    }

    #[test]
    fn h2_the_larger_of_can_and_want_is_due_and_zero_means_none() {
        assert_eq!(
            HeartBeat::negotiate(beat(5000, 8000), beat(10_000, 1000)),
            (Some(5000), Some(10_000))
        );
        assert_eq!(
            HeartBeat::negotiate(beat(5000, 8000), beat(0, 0)),
            (None, None)
        );
        assert_eq!(
            HeartBeat::negotiate(beat(0, 8000), beat(1, 1)),
            (None, Some(8000))
        );
        assert_eq!(
            HeartBeat::negotiate(beat(1, 0), beat(1, 9)),
            (Some(9), None)
        );
    }

    #[test]
    fn h1_display_is_the_header_value() {
        assert_eq!(beat(1, 20).to_string(), "1,20");
    }
}

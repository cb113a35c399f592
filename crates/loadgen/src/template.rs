//! Texts with `{user}`, `{n}`, `{token}` and `{payload}` in them.

use madang_wire::stomp::{Command, Frame, Version};

use crate::stamp::{self, STAMP_LEN, Stamp};

/// What the places in a template stand for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Values<'a> {
    /// `{n}`: the number of the user, from 0.
    pub n: usize,
    /// `{user}`
    pub user: &'a str,
    /// `{token}`
    pub token: &'a str,
    /// `{payload}`
    pub payload: &'a str,
}

/// Fills the places of `template`. Other braces stay as they are, so that a
/// JSON body needs no escaping.
pub fn fill(template: &str, values: &Values<'_>) -> String {
    let n = values.n.to_string();
    let places = [
        ("{n}", n.as_str()),
        ("{user}", values.user),
        ("{token}", values.token),
        ("{payload}", values.payload),
    ];
    let mut out = String::with_capacity(template.len() + values.payload.len());
    let mut rest = template;
    while let Some(brace) = rest.find('{') {
        let (before, at) = rest.split_at(brace);
        out.push_str(before);
        match places.iter().find(|(name, _)| at.starts_with(name)) {
            Some((name, value)) => {
                out.push_str(value);
                rest = &at[name.len()..];
            }
            None => {
                out.push('{');
                rest = &at[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// A body of `bytes` octets, or as many as it needs if that is more, whose
/// payload is a blank stamp and padding.
pub fn body(template: &str, values: &Values<'_>, bytes: usize) -> String {
    let blank = Stamp {
        run: 0,
        stream: 0,
        seq: 0,
        sent_ns: 0,
    };
    let mut payload = String::from_utf8_lossy(&blank.encode()).into_owned();
    let shortest = fill(
        template,
        &Values {
            payload: &payload,
            ..*values
        },
    );
    payload.extend(std::iter::repeat_n(
        'x',
        bytes.saturating_sub(shortest.len()),
    ));
    fill(
        template,
        &Values {
            payload: &payload,
            ..*values
        },
    )
}

/// A SEND that is encoded once; number, time and receipt are overwritten.
#[derive(Clone, Debug)]
pub struct SendTemplate {
    bytes: Vec<u8>,
    stamp_at: usize,
    receipt_at: Option<usize>,
}

/// A receipt is a number in as many hexadecimal digits.
const RECEIPT_LEN: usize = 12;
const RECEIPT_BLANK: &str = "!receipt!!!!";

impl SendTemplate {
    /// Encodes a SEND of `body`, which [`body`] made, to `destination`.
    ///
    /// `None` if the body has no `{payload}`: then nothing could be counted.
    pub fn new(
        version: Version,
        destination: &str,
        headers: &[(String, String)],
        body: &str,
        with_receipt: bool,
    ) -> Option<SendTemplate> {
        let mut frame = Frame::new(Command::Send).with("destination", destination);
        if with_receipt {
            frame = frame.with("receipt", RECEIPT_BLANK);
        }
        frame
            .headers
            .extend(headers.iter().map(|(name, value)| (name, value)));
        let mut bytes = Vec::new();
        frame.with_body(body).encode(version, &mut bytes);
        Some(SendTemplate {
            stamp_at: stamp::position(&bytes)?,
            receipt_at: memchr::memmem::find(&bytes, RECEIPT_BLANK.as_bytes()),
            bytes,
        })
    }

    /// The frame of one message; valid until the next call.
    pub fn render(&mut self, stamp: &Stamp, receipt: u64) -> &[u8] {
        self.bytes[self.stamp_at..][..STAMP_LEN].copy_from_slice(&stamp.encode());
        if let Some(at) = self.receipt_at {
            stamp::hex(receipt, &mut self.bytes[at..][..RECEIPT_LEN]);
        }
        &self.bytes
    }
}

/// The number in the `receipt-id` that answers a [`SendTemplate`].
pub fn receipt_number(receipt_id: &str) -> Option<u64> {
    (receipt_id.len() == RECEIPT_LEN)
        .then(|| stamp::unhex(receipt_id.as_bytes()))
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_and_other_braces_stay() {
        let values = Values {
            n: 7,
            user: "user7@bench",
            token: "{n}",
            payload: "p",
        };
        assert_eq!(
            fill(
                r#"{"roomId":"{user}","n":{n},"m":"{payload}{token}{x"}"#,
                &values
            ),
            r#"{"roomId":"user7@bench","n":7,"m":"p{n}{x"}"#
        );
    }

    #[test]
    fn a_body_has_the_size_asked_for() {
        let values = Values::default();
        assert_eq!(body(r#"{"text":"{payload}"}"#, &values, 200).len(), 200);
        assert_eq!(body("{payload}", &values, 0).len(), STAMP_LEN);
    }

    #[test]
    fn number_and_receipt_are_overwritten_in_place() {
        let values = Values::default();
        let body = body("{payload}", &values, 50);
        let mut template = SendTemplate::new(Version::V1_2, "/d:1", &[], &body, true).unwrap();
        let stamp = Stamp {
            run: 1,
            stream: 2,
            seq: 3,
            sent_ns: 4,
        };
        let text = String::from_utf8(template.render(&stamp, 0xbeef).to_vec()).unwrap();
        let start = "SEND\ndestination:/d\\c1\nreceipt:00000000beef\ncontent-length:50\n\n@mb:0001";
        assert!(text.starts_with(start), "{text}");
        assert_eq!(receipt_number("00000000beef"), Some(0xbeef));
        assert_eq!(receipt_number("beef"), None);
        assert!(SendTemplate::new(Version::V1_2, "/d", &[], "no place", false).is_none());
    }
}

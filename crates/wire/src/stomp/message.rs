//! MESSAGE frames for many receivers: a head of its own for each subscription
//! and a tail that all receivers of one version share, so that an event is
//! rendered once per version and not once per receiver.

use super::command::Command;
use super::frame::{CONTENT_LENGTH, encode_header, encode_rest};
use super::version::Version;

/// Appends the beginning of a MESSAGE: command, `subscription`, `ack`.
///
/// `subscription` is the id of the SUBSCRIBE, absent only in 1.0 where it had
/// none; `ack` is what an ACK has to name, absent where the subscription's ack
/// mode is auto (STOMP 1.2, "MESSAGE"). What [`encode_tail`] wrote for the
/// same version has to follow.
pub fn encode_head(
    version: Version,
    subscription: Option<&str>,
    ack: Option<&str>,
    out: &mut Vec<u8>,
) {
    out.extend_from_slice(Command::Message.as_str().as_bytes());
    out.push(b'\n');
    for (name, value) in [("subscription", subscription), ("ack", ack)] {
        if let Some(value) = value {
            encode_header(version, name, value, out);
        }
    }
}

/// Appends the rest of a MESSAGE: `headers`, `content-length` if the body is
/// not empty, blank line, body, NUL. Escaped as in
/// [`Frame::encode`](super::Frame::encode).
///
/// The first of repeated headers counts, so the server's (`destination`,
/// `message-id`) go before the sender's. Headers called `subscription`, `ack`
/// and `content-length` are left out, since they would count for receivers
/// whose head has none.
pub fn encode_tail<'a>(
    version: Version,
    headers: impl IntoIterator<Item = (&'a str, &'a str)>,
    body: &[u8],
    out: &mut Vec<u8>,
) {
    for (name, value) in headers {
        if !is_ours(name) {
            encode_header(version, name, value, out);
        }
    }
    encode_rest(body, out);
}

/// Some receivers trim names, so padding makes no other name here.
fn is_ours(name: &str) -> bool {
    matches!(
        name.trim_matches(|padding: char| padding.is_whitespace() || padding == '\0'),
        "subscription" | "ack" | CONTENT_LENGTH
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(
        version: Version,
        subscription: Option<&str>,
        ack: Option<&str>,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> String {
        let mut out = Vec::new();
        encode_head(version, subscription, ack, &mut out);
        encode_tail(version, headers.iter().copied(), body, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn head_and_tail_make_one_message() {
        assert_eq!(
            message(
                Version::V1_2,
                Some("s:1"),
                Some("a1"),
                &[("destination", "/d")],
                b"hi"
            ),
            "MESSAGE\nsubscription:s\\c1\nack:a1\ndestination:/d\ncontent-length:2\n\nhi\0"
        );
        assert_eq!(
            message(Version::V1_0, None, None, &[], b""),
            "MESSAGE\n\n\0"
        );
    }

    #[test]
    fn m5_a_sender_cannot_forge_subscription_ack_or_content_length() {
        let forged = [
            ("subscription", "x"),
            ("subscription ", "x"),
            ("\nack", "x"),
            ("ack\0", "x"),
            ("content-length", "9"),
            ("x", "y"),
        ];
        for version in Version::ALL {
            assert_eq!(
                message(version, None, None, &forged, b""),
                "MESSAGE\nx:y\n\n\0"
            );
        }
    }

    #[test]
    fn m7_each_version_gets_its_own_encoding() {
        let headers = [("k:e", "a:b\nc")];
        let tail = |version| message(version, None, None, &headers, b"");
        assert_eq!(tail(Version::V1_2), "MESSAGE\nk\\ce:a\\cb\\nc\n\n\0");
        assert_eq!(tail(Version::V1_1), "MESSAGE\nk\\ce:a\\cb\\nc\n\n\0");
        assert_eq!(tail(Version::V1_0), "MESSAGE\nk e:a:b c\n\n\0");
    }
}

//! When a certificate ends to be valid: the one field that operators watch, read from its DER.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use madang_domain::Timestamp;

/// DER tags (X.690, section 8).
const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
/// `[0] EXPLICIT`: the version, which version 1 leaves out.
const VERSION: u8 = 0xA0;

/// `notAfter` of an X.509 certificate (RFC 5280, section 4.1.2.5). `None` for anything else.
pub(super) fn not_after(certificate: &[u8]) -> Option<Timestamp> {
    let (certificate, _) = expect(certificate, SEQUENCE)?;
    let (to_be_signed, _) = expect(certificate, SEQUENCE)?;
    let fields = match element(to_be_signed)? {
        (VERSION, _, rest) => rest,
        _ => to_be_signed,
    };
    let (_serial, fields) = expect(fields, INTEGER)?;
    let (_signature, fields) = expect(fields, SEQUENCE)?;
    let (_issuer, fields) = expect(fields, SEQUENCE)?;
    let (validity, _) = expect(fields, SEQUENCE)?;
    let (_, _not_before, rest) = element(validity)?;
    let (tag, not_after, _) = element(rest)?;
    let text = std::str::from_utf8(not_after).ok()?;
    match tag {
        UTC_TIME => time(two_digits(text)?, text.get(2..)?),
        GENERALIZED_TIME => time(text.get(..4)?.parse().ok()?, text.get(4..)?),
        _ => None,
    }
}

/// The year of a UTCTime: up to 49 it is in this century (RFC 5280, section 4.1.2.5.1).
fn two_digits(text: &str) -> Option<i16> {
    let year: i16 = text.get(..2)?.parse().ok()?;
    Some(year + if year < 50 { 2000 } else { 1900 })
}

/// `rest` is `MMDDHHMMSSZ`.
fn time(year: i16, rest: &str) -> Option<Timestamp> {
    let digits = rest.strip_suffix('Z')?;
    if digits.len() != 10 {
        return None;
    }
    let field = |at: usize| digits.get(at..at + 2)?.parse::<i8>().ok();
    let time = DateTime::new(
        year,
        field(0)?,
        field(2)?,
        field(4)?,
        field(6)?,
        field(8)?,
        0,
    );
    let time = TimeZone::UTC.to_timestamp(time.ok()?).ok()?;
    Some(Timestamp::from_micros(time.as_microsecond()))
}

/// The content of the first element, which must have this tag, and what is behind it.
fn expect(input: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, content, rest) = element(input)?;
    (found == tag).then_some((content, rest))
}

/// Tag and content of the first element, and what is behind it (X.690, section 8.1).
fn element(input: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, first], rest) = input.split_first_chunk::<2>()?;
    let (length, rest) = match first {
        0..=0x7F => (usize::from(first), rest),
        // At most four bytes of length: more is no certificate.
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7F))?;
            let length = bytes.iter().fold(0, |n, byte| n << 8 | usize::from(*byte));
            (length, rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(year: i32) -> Vec<u8> {
        let mut params = rcgen::CertificateParams::new(vec!["chat.test".to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(year, 2, 3);
        let key = rcgen::KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn both_forms_of_time_are_read() {
        for (year, date) in [
            (2031, "2031-02-03T00:00:00Z"),
            (2051, "2051-02-03T00:00:00Z"),
        ] {
            let expected: jiff::Timestamp = date.parse().unwrap();
            let read = not_after(&certificate(year)).unwrap();
            assert_eq!(read.as_micros(), expected.as_microsecond());
        }
    }

    #[test]
    fn what_is_no_certificate_has_no_end() {
        let certificate = certificate(2031);
        for end in 0..certificate.len() {
            // Cut or garbled, it may have none, but never panics.
            assert_eq!(not_after(&certificate[..end]), None);
            let mut garbled = certificate.clone();
            garbled[end] ^= 0xFF;
            let _ = not_after(&garbled);
        }
    }
}

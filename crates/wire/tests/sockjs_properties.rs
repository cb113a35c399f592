//! What holds for any texts and any bytes.

use madang_wire::sockjs::{
    Callback, Endpoint, Limits, Receiver, Revision, append_escaped, append_quoted, decode_body,
    decode_form, decode_frame, frame,
};
use madang_wire::sse::{self, Line};
use proptest::collection::vec;
use proptest::prelude::*;

const LIMITS: Limits = Limits {
    messages_max: 8,
    bytes_max: 200,
};
const FORM: Option<&str> = Some("application/x-www-form-urlencoded");

/// Text rich in what has to be escaped and in its neighbours, and with stretches
/// of what has not.
fn any_text() -> impl Strategy<Value = String> {
    let neighbours = [
        '\0',
        '\u{1f}',
        ' ',
        '"',
        '\\',
        '<',
        '\u{7f}',
        '\u{200b}',
        '\u{200c}',
        '\u{2010}',
        '\u{2027}',
        '\u{2028}',
        '\u{2030}',
        '\u{2060}',
        '\u{2070}',
        '\u{efff}',
        '\u{f000}',
        '\u{ffef}',
        '\u{fff0}',
        '\u{ffff}',
        '\u{10000}',
        '\u{10ffff}',
        '한',
        'x',
    ];
    let special = prop::sample::select(neighbours.to_vec()).prop_map(String::from);
    let one = any::<char>().prop_map(String::from);
    let piece = prop_oneof![2 => special, 1 => one, 1 => "[a-z가-힣]{1,40}"];
    vec(piece, 0..16).prop_map(|pieces| pieces.concat())
}

/// Bytes that look like what clients send most of the time.
fn any_payload() -> impl Strategy<Value = Vec<u8>> {
    let token = prop::sample::select(vec![
        &b"["[..],
        b"]",
        b"\"",
        b"\"",
        b",",
        b"\\",
        b"\\u",
        b"d8",
        b"3d",
        b"dc00",
        b"\\n",
        b" ",
        b"x",
        b"1",
        b"d=",
        b"&",
        b"%22",
        b"%5B",
        b"%5D",
        b"+",
        b"%",
    ]);
    let any_bytes = vec(any::<u8>(), 1..4);
    let piece = prop_oneof![8 => token.prop_map(<[u8]>::to_vec), 1 => any_bytes];
    vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn escaped(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    append_escaped(text.as_bytes(), &mut out);
    out
}

fn is_unsafe(char: char) -> bool {
    char.is_ascii_control() && char != '\u{7f}'
        || ('\u{200c}'..='\u{200f}').contains(&char)
        || ('\u{2028}'..='\u{202f}').contains(&char)
        || ('\u{2060}'..='\u{206f}').contains(&char)
        || char >= '\u{fff0}'
}

proptest! {
    #[test]
    fn the_escape_of_pieces_is_that_of_the_whole(pieces in vec(any_text(), 0..5)) {
        let in_pieces = pieces.iter().map(|piece| escaped(piece)).collect::<Vec<_>>().concat();
        prop_assert_eq!(in_pieces, escaped(&pieces.concat()));
    }

    #[test]
    fn what_is_quoted_is_json_of_the_same_text(text in any_text()) {
        let mut out = Vec::new();
        append_quoted(text.as_bytes(), &mut out);
        prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
    }

    #[test]
    fn what_is_unsafe_is_never_raw(text in any_text()) {
        let out = String::from_utf8(escaped(&text)).unwrap();
        prop_assert!(!out.contains(is_unsafe));
        if !text.contains(|char| is_unsafe(char) || char == '"' || char == '\\') {
            prop_assert_eq!(out, text);
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_escaped_without_a_panic(bytes in vec(any::<u8>(), 0..64)) {
        let mut out = Vec::new();
        append_escaped(&bytes, &mut out);
        prop_assert!(out.len() >= bytes.len());
    }

    #[test]
    fn frames_of_kept_pieces_equal_frames_of_whole_texts(texts in vec((any_text(), any_text()), 1..4)) {
        let mut kept = frame::MESSAGES_START.to_vec();
        for (index, (head, tail)) in texts.iter().enumerate() {
            if index > 0 {
                kept.extend_from_slice(frame::MESSAGES_SEPARATOR);
            }
            append_escaped(head.as_bytes(), &mut kept);
            kept.extend(escaped(tail));
        }
        kept.extend_from_slice(frame::MESSAGES_END);
        let whole: Vec<String> = texts.iter().map(|(head, tail)| format!("{head}{tail}")).collect();
        let mut out = Vec::new();
        frame::append_messages(whole.iter().map(String::as_bytes), &mut out);
        prop_assert_eq!(&kept, &out);
        prop_assert_eq!(serde_json::from_slice::<Vec<String>>(&out[1..]).unwrap(), whole);
    }

    #[test]
    fn scripts_give_the_frame_back(texts in vec(any_text(), 0..4)) {
        let mut frame = Vec::new();
        frame::append_messages(texts.iter().map(String::as_bytes), &mut frame);
        let jsonp = Receiver::Jsonp(Callback::new("c").unwrap());
        let mut out = Vec::new();
        jsonp.append_frame(&frame, Revision::V0_3_3, &mut out);
        let literal = out.strip_prefix(b"c(").unwrap().strip_suffix(b");\r\n").unwrap();
        prop_assert!(!literal.contains(&b'<'));
        prop_assert_eq!(serde_json::from_slice::<String>(literal).unwrap().into_bytes(), frame);
    }

    #[test]
    fn what_serde_json_writes_is_decoded(texts in vec(any_text(), 0..=8)) {
        let json = serde_json::to_vec(&texts).unwrap();
        let limits = Limits { bytes_max: json.len(), ..LIMITS };
        prop_assert_eq!(decode_body(&json, limits), Ok(texts.clone()));
        prop_assert_eq!(decode_frame(&json, limits), Ok(texts));
    }

    #[test]
    fn any_payload_is_decoded_as_serde_json_does_or_refused(payload in any_payload()) {
        let limits = Limits { messages_max: usize::MAX, bytes_max: usize::MAX };
        let decoded = decode_body(&payload, limits);
        if let Ok(theirs) = serde_json::from_slice::<Vec<String>>(&payload) {
            prop_assert_eq!(decoded, Ok(theirs));
        } else if let Ok(ours) = decoded {
            // Only half surrogate pairs are to be taken that serde_json refuses.
            prop_assert!(ours.concat().contains(char::REPLACEMENT_CHARACTER));
        }
        let _ = decode_frame(&payload, limits);
        let _ = decode_form(&payload, FORM, limits);
    }

    #[test]
    fn what_is_decoded_is_within_the_limits(payload in any_payload()) {
        for decoded in [
            decode_body(&payload, LIMITS),
            decode_frame(&payload, LIMITS),
            decode_form(&payload, FORM, LIMITS),
        ].into_iter().flatten() {
            prop_assert!(decoded.len() <= LIMITS.messages_max);
            prop_assert!(decoded.concat().len() <= LIMITS.bytes_max);
        }
    }

    #[test]
    fn any_path_is_an_endpoint_or_none(path in "[/a.]{0,4}(info|iframe|websocket|xhr|jsonp_send)?[/a.é]{0,4}(\\.html|xhr)?") {
        if let Some(Endpoint::Session { server, session, transport }) = Endpoint::parse(&path) {
            prop_assert_eq!(format!("/{server}/{session}/{}", transport.name()), path);
        }
    }

    #[test]
    fn any_query_names_a_safe_callback_or_none(query in "(c=)?(callback=)?[a-z%&=()<. 0-9é]{0,40}") {
        if let Ok(callback) = Callback::from_query(&query) {
            let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            prop_assert!(callback.as_str().bytes().all(is_safe));
        }
    }

    #[test]
    fn no_data_breaks_out_of_its_event(name in any_text(), data in any_text()) {
        let mut out = Vec::new();
        let name = Line::new(&name).ok();
        sse::append_event(name, &data, &mut out);
        let out = String::from_utf8(out).unwrap();
        let body = out.strip_suffix("\n\n").unwrap();
        let fields = body.split('\n').skip(usize::from(name.is_some()));
        let lines: Vec<&str> = fields.map(|field| field.strip_prefix("data: ").unwrap()).collect();
        prop_assert_eq!(lines.join("\n"), data.replace("\r\n", "\n").replace('\r', "\n"));
    }
}

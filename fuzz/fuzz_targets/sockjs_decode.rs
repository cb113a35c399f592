//! Any bytes, as a body, a form, a WebSocket message, a path and a query, are
//! taken or refused without a panic; what is taken stays within the limits,
//! and comes back when it is sent as a frame and decoded again.
//!
//! Input: one byte for the most messages, one for the most bytes, the payload.

#![no_main]

use libfuzzer_sys::fuzz_target;
use madang_wire::sockjs::{
    Callback, DecodeError, Endpoint, Limits, append_escaped, decode_body, decode_form,
    decode_frame, frame,
};

fn check(decoded: Result<Vec<String>, DecodeError>, limits: Limits) {
    let Ok(texts) = decoded else {
        return;
    };
    assert!(texts.len() <= limits.messages_max);
    assert!(texts.iter().map(String::len).sum::<usize>() <= limits.bytes_max);

    let mut sent = Vec::new();
    frame::append_messages(texts.iter().map(String::as_bytes), &mut sent);
    let again = Limits {
        bytes_max: sent.len(),
        ..limits
    };
    assert_eq!(decode_body(&sent[1..], again), Ok(texts));
}

fuzz_target!(|data: &[u8]| {
    let [messages_max, bytes_max, payload @ ..] = data else {
        return;
    };
    let limits = Limits {
        messages_max: usize::from(*messages_max),
        bytes_max: usize::from(*bytes_max) * 4,
    };
    check(decode_body(payload, limits), limits);
    check(decode_frame(payload, limits), limits);
    let content_type = Some("application/x-www-form-urlencoded");
    check(decode_form(payload, content_type, limits), limits);

    let mut escaped = Vec::new();
    append_escaped(payload, &mut escaped);
    assert!(escaped.len() >= payload.len() && escaped.iter().all(|byte| *byte >= 0x20));
    if let Ok(text) = str::from_utf8(payload) {
        let _ = (Endpoint::parse(text), Callback::from_query(text));
    }
});

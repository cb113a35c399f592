//! Any conversation, between our own two ends.

use madang_wire::websocket::{self, CloseCode, Kind, Role};
use proptest::prelude::*;

use crate::script::{Seen, chunk_lens, chunks, decode, other, role, script};

proptest! {
    #[test]
    fn what_one_end_encodes_the_other_decodes(
        script in script(),
        lens in chunk_lens(),
        receiver in role(),
    ) {
        let bytes = script.encode(other(receiver));
        let (seen, outcome) = decode(receiver, chunks(&bytes, &lens));
        prop_assert_eq!(outcome, Ok(()));
        prop_assert!(seen == script.events);
    }

    #[test]
    fn a_server_frame_is_decoded_as_it_was_meant(
        text in "\\PC{0,300}",
        binary in prop::collection::vec(any::<u8>(), 0..300),
        ping in prop::collection::vec(any::<u8>(), 0..126),
        reason in "[a-z한]{0,41}",
    ) {
        let mut out = Vec::new();
        websocket::encode_message(Kind::Text, text.as_bytes(), &mut out);
        websocket::encode_ping(&ping, &mut out);
        websocket::encode_message(Kind::Binary, &binary, &mut out);
        websocket::encode_pong(&ping, &mut out);
        websocket::encode_close(CloseCode::POLICY, &reason, &mut out);
        let expected = [
            Seen::Message(Kind::Text, text.into_bytes()),
            Seen::Ping(ping.clone()),
            Seen::Message(Kind::Binary, binary),
            Seen::Pong(ping),
            Seen::Close(Some(1008), reason),
        ];
        let (seen, outcome) = decode(Role::Client, [&out[..]]);
        prop_assert_eq!(outcome, Ok(()));
        prop_assert_eq!(seen, expected);
    }

    #[test]
    fn what_follows_a_close_is_neither_given_nor_judged(
        after in prop::collection::vec(any::<u8>(), 0..100),
        lens in chunk_lens(),
    ) {
        let mut out = Vec::new();
        websocket::encode_close(CloseCode::NORMAL, "", &mut out);
        out.extend(after);
        let (seen, outcome) = decode(Role::Client, chunks(&out, &lens));
        prop_assert_eq!(outcome, Ok(()));
        prop_assert_eq!(seen, [Seen::Close(Some(1000), String::new())]);
    }

    #[test]
    fn what_follows_an_error_gives_the_same_error(after in script()) {
        let mut bytes = vec![0xf1, 0x80];
        bytes.extend(after.encode(Role::Client));
        let error = Err(websocket::ProtocolError::ReservedBits);
        let (seen, outcome) = decode(Role::Server, chunks(&bytes, &[1, 100, 10]));
        prop_assert_eq!((seen, outcome), (Vec::new(), error));
    }
}

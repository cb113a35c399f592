//! Bytes that no honest peer sends. The decoding helper checks the limits on
//! the way.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::script::{chunk_lens, chunks, decode, mutate, mutations, other, role, script};

proptest! {
    #[test]
    fn chunking_random_bytes_changes_nothing(
        bytes in vec(any::<u8>(), 0..500),
        lens in chunk_lens(),
        role in role(),
    ) {
        prop_assert_eq!(decode(role, [&bytes[..]]), decode(role, chunks(&bytes, &lens)));
    }

    #[test]
    fn chunking_a_damaged_conversation_changes_nothing(
        script in script(),
        mutations in mutations(),
        lens in chunk_lens(),
        role in role(),
    ) {
        let mut bytes = script.encode(other(role));
        mutate(&mut bytes, &mutations);
        prop_assert!(decode(role, [&bytes[..]]) == decode(role, chunks(&bytes, &lens)));
    }
}

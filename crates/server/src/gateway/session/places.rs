//! Where several rooms stand, as the id of an event: so that one `Last-Event-ID` resumes all.
//!
//! A byte for the version, then for each room 8 bytes of its id's SHA-256, 6 of its epoch and the
//! number of the last message as a varint; in base64url. A room costs about 16 bytes.

use std::collections::HashMap;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use madang_domain::{Code, Epoch, Error, Position, RoomId, Seq};

const VERSION: u8 = 1;
const NAME_BYTES: usize = 8;
const EPOCH_BYTES: usize = 6;

/// A room's id, shortened: told apart among the rooms of one user.
type Name = [u8; NAME_BYTES];

/// Where one room stands.
#[derive(Debug)]
pub(super) struct Place {
    name: Name,
    pub(super) position: Position,
}

impl Place {
    pub(super) fn new(room: &RoomId, position: Position) -> Self {
        let name = name_of(room);
        Self { name, position }
    }
}

fn name_of(room: &RoomId) -> Name {
    let hash = digest(&SHA256, room.as_str().as_bytes());
    let mut name = Name::default();
    // A SHA-256 is longer.
    name.copy_from_slice(&hash.as_ref()[..NAME_BYTES]);
    name
}

/// The places as the line that names an event.
pub(super) fn id_line<'a>(places: impl Iterator<Item = &'a Place>) -> Vec<u8> {
    let mut bytes = vec![VERSION];
    for place in places {
        bytes.extend_from_slice(&place.name);
        let epoch = place.position.epoch.get().to_be_bytes();
        // Epochs have 48 bits.
        bytes.extend_from_slice(&epoch[8 - EPOCH_BYTES..]);
        push_varint(place.position.seq.get(), &mut bytes);
    }
    format!("id: {}\n", BASE64_URL_SAFE_NO_PAD.encode(bytes)).into_bytes()
}

/// Where the rooms of an earlier event stand.
#[derive(Debug, Default)]
pub(in super::super) struct Places(HashMap<Name, Position>);

impl Places {
    /// Reads an id that [`id_line`] wrote.
    ///
    /// # Errors
    /// [`Code::PositionInvalid`]: it is none. The client's fault.
    pub(in super::super) fn parse(text: &str) -> Result<Self, Error> {
        let decoded = BASE64_URL_SAFE_NO_PAD.decode(text).ok();
        let places = decoded.and_then(|bytes| parse_places(&bytes));
        places.map(Self).ok_or_else(|| Code::PositionInvalid.into())
    }

    /// How many rooms there are besides this one.
    pub(super) fn count_without(&self, room: &RoomId) -> usize {
        self.0.len() - usize::from(self.of(room).is_some())
    }

    pub(super) fn of(&self, room: &RoomId) -> Option<Position> {
        self.0.get(&name_of(room)).copied()
    }
}

fn parse_places(bytes: &[u8]) -> Option<HashMap<Name, Position>> {
    let (&version, mut rest) = bytes.split_first()?;
    if version != VERSION {
        return None;
    }
    let mut places = HashMap::new();
    while !rest.is_empty() {
        let (name, behind) = rest.split_first_chunk::<NAME_BYTES>()?;
        let (epoch, mut behind) = behind.split_first_chunk::<EPOCH_BYTES>()?;
        let number = epoch.iter().fold(0, |n, byte| n << 8 | u64::from(*byte));
        let seq = take_varint(&mut behind)?;
        if number == 0 || seq > Seq::MAX.get() {
            return None;
        }
        let position = Position {
            epoch: Epoch::new(number),
            seq: Seq::new(seq),
        };
        if places.insert(*name, position).is_some() {
            return None;
        }
        rest = behind;
    }
    Some(places)
}

/// LEB128: seven bits a byte, least first.
fn push_varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    // Ten would hold 64 bits; numbers have 63.
    for shift in (0..63).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn room(id: &str) -> RoomId {
        RoomId::new(id).unwrap()
    }

    fn position(epoch: u64, seq: u64) -> Position {
        Position {
            epoch: Epoch::new(epoch),
            seq: Seq::new(seq),
        }
    }

    fn text_of(places: &[Place]) -> String {
        let line = String::from_utf8(id_line(places.iter())).unwrap();
        let text = line.strip_prefix("id: ").unwrap();
        text.strip_suffix('\n').unwrap().to_owned()
    }

    proptest! {
        #[test]
        fn places_survive_their_text(rooms in proptest::collection::btree_map("[a-z고]{1,9}", (any::<u64>(), any::<u64>()), 0..9)) {
            let at = |(id, (epoch, seq)): (&String, &(u64, u64))| (room(id), position(*epoch, *seq));
            let rooms: Vec<_> = rooms.iter().map(at).collect();
            let places: Vec<_> = rooms.iter().map(|(room, at)| Place::new(room, *at)).collect();
            let read = Places::parse(&text_of(&places)).unwrap();
            for (room, at) in &rooms {
                prop_assert_eq!(read.of(room), Some(*at));
            }
            prop_assert_eq!(read.of(&room("UNKNOWN")), None);
        }

        #[test]
        fn no_other_text_makes_it_panic(text in "[A-Za-z0-9_-]{0,60}") {
            drop(Places::parse(&text));
        }
    }

    #[test]
    fn what_no_server_gave_out_is_refused() {
        let good = text_of(&[Place::new(&room("kim"), position(7, 300))]);
        assert!(Places::parse(&good).is_ok());
        let cut = &good[..good.len() - 2];
        for text in [
            "",
            "x",
            "9f3c1a2b4d5e-42",
            "한",
            cut,
            &format!("{good}A"),
            &format!("{good}AAAA"),
        ] {
            let error = Places::parse(text).unwrap_err();
            assert_eq!(error.code(), Code::PositionInvalid, "{text}");
        }
    }

    #[test]
    fn a_room_costs_about_sixteen_bytes() {
        let places: Vec<_> = (0..100)
            .map(|n| Place::new(&room(&n.to_string()), position(u64::MAX, 1000)))
            .collect();
        assert!(text_of(&places).len() < 100 * 16 * 4 / 3 + 8);
    }
}

//! What few entries have, as JSON: one form for every adapter. Absent parts are left out.

use std::sync::Arc;

use madang_domain::{Extra, Person, Revision, RoomId, Seq, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::numbers;

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Stored {
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Arc<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<u64>,
    /// Id and name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subjects: Vec<(Arc<str>, Option<Arc<str>>)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    of_room: Option<Arc<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revokes: Option<(Arc<str>, u64)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    edited: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    read: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    edited_by: Option<u64>,
}

/// The JSON of `extra`; `None` when there is nothing in it.
pub(crate) fn encode(extra: Option<&Extra>) -> Option<String> {
    let extra = extra.filter(|extra| **extra != Extra::default())?;
    let (mut edited, mut deleted, mut read) = (None, None, None);
    match extra.revision {
        Revision::None => {}
        Revision::Edited(at) => edited = Some(at.as_micros()),
        Revision::Deleted(at) => deleted = Some(at.as_micros()),
        Revision::Read(at) => read = Some(at.as_micros()),
    }
    let text = |text: &str| Arc::from(text);
    let person = |p: &Person| (text(p.user.as_str()), p.name.clone());
    let stored = Stored {
        data: extra.data.clone(),
        target: extra.target.map(Seq::get),
        subjects: extra.subjects.iter().map(person).collect(),
        role: extra.role.map(numbers::of_member_role),
        of_room: extra.of_room.as_ref().map(|id| text(id.as_str())),
        revokes: extra
            .revokes
            .as_ref()
            .map(|(user, version)| (text(user.as_str()), *version)),
        edited,
        deleted,
        read,
        edited_by: extra.edited_by.map(Seq::get),
    };
    // Texts and numbers always have a JSON.
    serde_json::to_string(&stored).ok()
}

/// What [`encode`] made.
///
/// # Errors
/// Says what it is otherwise.
pub(crate) fn decode(json: &str) -> Result<Box<Extra>, String> {
    let stored: Stored = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let user = |id: &str| UserId::new(id).map_err(|error| error.to_string());
    let at = Timestamp::from_micros;
    let revision = match (stored.edited, stored.deleted, stored.read) {
        (_, Some(micros), _) => Revision::Deleted(at(micros)),
        (Some(micros), _, _) => Revision::Edited(at(micros)),
        (_, _, Some(micros)) => Revision::Read(at(micros)),
        (None, None, None) => Revision::None,
    };
    let role = |number| numbers::member_role(number).ok_or(format!("no such role: {number}"));
    let subjects = stored.subjects.into_iter().map(|(id, name)| {
        let user = user(&id)?;
        Ok(Person { user, name })
    });
    Ok(Box::new(Extra {
        data: stored.data,
        target: stored.target.map(Seq::new),
        subjects: subjects.collect::<Result<_, String>>()?,
        role: stored.role.map(role).transpose()?,
        of_room: stored
            .of_room
            .map(|id| RoomId::kept(&id).map_err(|error| error.to_string()))
            .transpose()?,
        revokes: stored
            .revokes
            .map(|(id, version)| user(&id).map(|user| (user, version)))
            .transpose()?,
        revision,
        edited_by: stored.edited_by.map(Seq::new),
    }))
}

#[cfg(test)]
mod tests {
    use madang_domain::MemberRole;

    use super::*;

    #[test]
    fn whatever_an_entry_has_comes_back() {
        let user = |id| UserId::new(id).unwrap();
        let at = Timestamp::from_micros;
        for revision in [
            Revision::None,
            Revision::Edited(at(-3)),
            Revision::Deleted(at(i64::MAX)),
            Revision::Read(at(7)),
        ] {
            let extra = Extra {
                data: Some(Arc::from(r#"{"a": "\u0041 \"", "b":[1e400]}"#)),
                target: Some(Seq::MAX),
                subjects: vec![
                    Person {
                        user: user("김\"\\"),
                        name: Some(Arc::from("이름\n")),
                    },
                    Person {
                        user: user("lee"),
                        name: None,
                    },
                ],
                role: Some(MemberRole::Moderator),
                of_room: Some(RoomId::inbox(&user("kim"))),
                revokes: Some((user("lee"), 9)),
                revision,
                edited_by: Some(Seq::new(4)),
            };
            let json = encode(Some(&extra)).unwrap();
            assert_eq!(*decode(&json).unwrap(), extra, "{json}");
        }
    }

    #[test]
    fn nothing_is_stored_of_nothing() {
        assert_eq!(encode(None), None);
        assert_eq!(encode(Some(&Extra::default())), None);
        assert_eq!(*decode("{}").unwrap(), Extra::default());
    }

    #[test]
    fn what_we_did_not_write_is_refused() {
        for json in [
            "",
            "{",
            "[{}]",
            r#"{"role":9}"#,
            r#"{"subjects":[["",null]]}"#,
        ] {
            assert!(decode(json).is_err(), "{json}");
        }
    }
}

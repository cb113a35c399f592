//! What a notification's entry has beside its text, as JSON, and what the desk itself notifies of:
//! one form for every adapter.

use std::sync::Arc;

use madang_domain::{Code, Error, Notification, RoomId};
use serde::Serialize;
use serde_json::value::RawValue;

#[derive(Serialize)]
struct Stored<'a> {
    r#type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a RawValue>,
}

/// The structured body of the entry: `{"type", "url", "data"}`, what is absent left out.
///
/// # Errors
/// [`Code::BodyInvalid`]: the notification's data is not JSON.
pub(crate) fn data(notification: &Notification) -> Result<Arc<str>, Error> {
    let invalid = |_| Error::with_detail(Code::BodyInvalid, "data is not JSON");
    let data = notification.data.as_deref();
    let stored = Stored {
        r#type: &notification.kind,
        url: notification.url.as_deref(),
        data: data
            .map(serde_json::from_str)
            .transpose()
            .map_err(invalid)?,
    };
    let json = serde_json::to_string(&stored).map_err(invalid)?;
    Ok(Arc::from(json))
}

/// Tells a customer that an agent has their room.
pub(crate) fn assigned(room: &RoomId) -> Notification {
    of_room("desk.assigned", "상담원이 배정되었습니다.", room)
}

/// Tells an agent that a room has been waiting for long.
pub(crate) fn overdue(room: &RoomId) -> Notification {
    of_room("desk.overdue", "오래 기다리는 상담이 있습니다.", room)
}

fn of_room(kind: &str, content: &str, room: &RoomId) -> Notification {
    let data = serde_json::json!({ "roomId": room.as_str() });
    Notification {
        kind: Arc::from(kind),
        content: Arc::from(content),
        url: None,
        data: Some(Arc::from(data.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hosts_own_data_stands_in_it_as_it_was_given() {
        let mut notification = overdue(&RoomId::new("김\"").unwrap());
        assert_eq!(
            &*data(&notification).unwrap(),
            r#"{"type":"desk.overdue","data":{"roomId":"김\""}}"#
        );
        notification.url = Some(Arc::from("/rooms"));
        notification.data = Some(Arc::from(r#"{ "b": 1e3, "a":[] }"#));
        assert_eq!(
            &*data(&notification).unwrap(),
            r#"{"type":"desk.overdue","url":"/rooms","data":{ "b": 1e3, "a":[] }}"#
        );
        notification.data = Some(Arc::from("{"));
        assert_eq!(data(&notification).unwrap_err().code(), Code::BodyInvalid);
    }
}

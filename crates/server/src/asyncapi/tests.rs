//! The document leaves nothing out that the doors know.

mod samples;

use std::collections::BTreeSet;

use madang_domain::Code;
use madang_wire::stomp::Command;
use serde_json::{Value, json};

use super::{DoorSet, community, document, events, json as json_door, schemas, stomp};
use crate::authorization::{Door, ROWS};
use crate::contracts::community::notifications::{Gap, ListedNotification};
use crate::contracts::community::{Said, chat};
use crate::contracts::direct::{DirectMessage, DirectMessageBody};
use crate::contracts::inbox::InboxEntry;
use crate::contracts::native::{self, RoomNotice};
use crate::contracts::realtime::{
    ANSWERS, Accepted, Ack, COMMANDS, ClientCommand, EVENTS, ErrorBody, ErrorEnvelope, Request,
    RoomChange, RoomName, ServerEvent, echo,
};
use crate::gateway::doors::{DIRECT_PATH, JSON_PATH};

fn all() -> Value {
    document(DoorSet::ALL)
}

fn names<'a>(items: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    items.into_iter().map(str::to_owned).collect()
}

/// What the operations of a channel say, by the `name` of the message.
fn said(document: &Value, channel: &str, action: &str) -> BTreeSet<String> {
    let path = format!("#/channels/{channel}");
    let operations = document["operations"].as_object().unwrap().values();
    let of_channel =
        operations.filter(|one| one["channel"]["$ref"] == *path && one["action"] == action);
    let messages = of_channel.flat_map(|one| one["messages"].as_array().unwrap());
    let pointers =
        messages.map(|message| message["$ref"].as_str().unwrap().trim_start_matches('#'));
    let found = pointers.map(|pointer| {
        document
            .pointer(pointer)
            .unwrap_or_else(|| panic!("{pointer}"))
    });
    names(found.map(|message| message["name"].as_str().unwrap()))
}

#[test]
fn every_row_of_a_live_door_has_a_channel_and_an_operation() {
    let document = all();
    for row in ROWS {
        let (channel, action, name) = match row.door {
            Door::Stomp(command, "") => ("stomp".to_owned(), "receive", command.to_owned()),
            Door::Stomp(command, destination) => {
                let key = stomp::channel_key(destination);
                assert_eq!(document["channels"][&key]["title"], destination);
                (key, "receive", command.to_owned())
            }
            Door::StompRevision(destination, header) => {
                let key = stomp::channel_key(destination);
                let name = header.strip_suffix("-seq").unwrap();
                let message = &document["channels"][&key]["messages"][name];
                let required = message["headers"]["required"].as_array().unwrap();
                assert!(required.contains(&header.into()), "{message}");
                (key, "receive", "SEND".to_owned())
            }
            Door::Json(command) => ("json".to_owned(), "receive", command.to_owned()),
            Door::WebSocket(path) => {
                let key = match path {
                    JSON_PATH => "json",
                    DIRECT_PATH => "direct",
                    other => panic!("{other} is not described"),
                };
                assert_eq!(document["channels"][key]["address"], path);
                (key.to_owned(), "send", "message".to_owned())
            }
            Door::Http(_, path) if events::is_stream(path) => {
                let key = events::channel_key(path);
                assert_eq!(document["channels"][key]["address"], path);
                (key.to_owned(), "send", "message".to_owned())
            }
            Door::Http(_, path) if path == community::PATH => {
                assert_eq!(document["channels"][community::CHANNEL]["address"], path);
                (community::CHANNEL.to_owned(), "send", "sse".to_owned())
            }
            Door::Http(..) | Door::Event(..) => continue,
        };
        let said = said(&document, &channel, action);
        assert!(said.contains(&name), "{:?}: {said:?}", row.door);
        if matches!(row.door, Door::Stomp("SUBSCRIBE", _)) {
            assert!(
                self::said(&document, &channel, "send").contains("MESSAGE"),
                "{:?}",
                row.door
            );
        }
    }
}

#[test]
fn no_two_destinations_share_a_channel() {
    let destinations: BTreeSet<_> = ROWS
        .iter()
        .filter_map(|row| match row.door {
            Door::Stomp(_, destination) if !destination.is_empty() => Some(destination),
            _ => None,
        })
        .collect();
    let keys: BTreeSet<_> = destinations
        .iter()
        .map(|one| stomp::channel_key(one))
        .collect();
    assert_eq!(keys.len(), destinations.len());
    let streams = ROWS.iter().filter_map(|row| match row.door {
        Door::Http(_, path) if events::is_stream(path) => Some(events::channel_key(path)),
        _ => None,
    });
    let streams: Vec<_> = streams.collect();
    assert_eq!(streams, ["roomEvents", "events", "deskEvents"]);
}

#[test]
fn every_frame_of_stomp_is_there() {
    let document = all();
    let mut found = BTreeSet::new();
    for channel in document["channels"].as_object().unwrap().values() {
        let messages = channel["messages"].as_object().unwrap().values();
        found.extend(messages.map(|message| message["name"].as_str().unwrap().to_owned()));
    }
    for command in Command::ALL {
        assert!(found.contains(command.as_str()), "{}", command.as_str());
    }
}

#[test]
fn every_command_and_event_of_the_json_door_is_there() {
    let schemas = schemas::collect();
    let tags = |union| -> Vec<_> {
        schemas
            .variants(union)
            .into_iter()
            .map(|one| one.tag)
            .collect()
    };
    assert_eq!(
        tags("ClientCommand"),
        COMMANDS,
        "the enum and the list beside it"
    );
    assert_eq!(
        tags("ServerEvent"),
        EVENTS,
        "the enum and the list beside it"
    );

    let document = all();
    assert_eq!(said(&document, "json", "receive"), names(COMMANDS));
    let told = EVENTS.into_iter().filter(|event| !ANSWERS.contains(event));
    assert_eq!(said(&document, "json", "send"), names(told));
    let mut answers = BTreeSet::new();
    for operation in document["operations"].as_object().unwrap().values() {
        if operation["channel"]["$ref"] == "#/channels/json" {
            for message in operation["reply"]["messages"]
                .as_array()
                .into_iter()
                .flatten()
            {
                let pointer = message["$ref"].as_str().unwrap().trim_start_matches('#');
                answers.insert(
                    document.pointer(pointer).unwrap()["name"]
                        .as_str()
                        .unwrap()
                        .to_owned(),
                );
            }
        }
    }
    for answer in ANSWERS {
        assert!(
            answers.contains(answer),
            "nothing is answered with {answer}"
        );
    }
}

#[test]
fn every_event_of_the_streams_is_there() {
    let document = all();
    let told = || EVENTS.into_iter().filter(|event| !ANSWERS.contains(event));
    for channel in ["events", "roomEvents"] {
        assert_eq!(said(&document, channel, "send"), names(told()), "{channel}");
        for event in told() {
            let key = json_door::event_key(event);
            let message = &document["channels"][channel]["messages"][&key];
            assert_eq!(message["headers"]["properties"]["event"]["const"], event);
        }
    }
}

#[test]
fn every_error_code_is_there_as_the_registry_has_it() {
    let document = all();
    let codes = &document["components"]["schemas"]["ErrorCode"];
    assert_eq!(codes["enum"].as_array().unwrap().len(), Code::ALL.len());
    for (code, told) in Code::ALL.iter().zip(codes["x-codes"].as_array().unwrap()) {
        let spec = code.spec();
        let expected = json!({
            "name": spec.name, "text": spec.text, "retryable": spec.retryable,
            "closeCode": spec.close_code, "httpStatus": spec.http_status,
        });
        assert_eq!(*told, expected);
        let description = codes["description"].as_str().unwrap();
        assert!(
            description.contains(&format!("| `{}` | {} |", spec.name, spec.text)),
            "{code}"
        );
    }
    let desk = &document["components"]["schemas"]["DeskErrorCode"]["enum"];
    for code in Code::ALL {
        let (name, _) = crate::contracts::support_desk::error_code(*code);
        assert!(desk.as_array().unwrap().contains(&json!(name)), "{name}");
    }
    for schema in ["ErrorBody", "NoticeEnded"] {
        let code = &document["components"]["schemas"][schema]["properties"]["code"];
        assert_eq!(code["$ref"], "#/components/schemas/ErrorCode", "{schema}");
    }
}

#[test]
fn a_contract_that_is_off_is_not_described() {
    let set = DoorSet {
        support_desk: false,
        community: false,
        direct_websocket: false,
    };
    let document = document(set);
    for key in [
        "stompSubChatRoomRoomId",
        "stompPubMessage",
        "stompSubChatRoomId",
        "stompPubChatEnterRoomId",
        community::CHANNEL,
        "direct",
    ] {
        assert!(all()["channels"][key].is_object(), "{key}");
        assert!(document["channels"][key].is_null(), "{key}");
    }
    assert!(document["servers"]["direct"].is_null());
    assert!(document["servers"]["stompCommunity"].is_null());
}

#[test]
fn every_reference_leads_somewhere() {
    for on in [false, true] {
        let set = DoorSet {
            support_desk: on,
            community: on,
            direct_websocket: on,
        };
        let document = document(set);
        let text = document.to_string();
        for reference in text.split(r##""$ref":"#"##).skip(1) {
            let pointer = reference.split('"').next().unwrap();
            assert!(document.pointer(pointer).is_some(), "{pointer}");
        }
    }
}

/// The first example of a message.
fn example(document: &Value, channel: &str, message: &str) -> Value {
    let example = &document["channels"][channel]["messages"][message]["examples"][0]["payload"];
    assert!(!example.is_null(), "{channel} {message}");
    example.clone()
}

#[test]
fn the_commands_in_the_examples_are_understood() {
    let document = all();
    for command in COMMANDS {
        let example = example(&document, "json", &json_door::command_key(command));
        assert!(example["id"].is_string(), "{command}");
        let request = Request::parse(example.to_string().as_bytes()).unwrap();
        let parsed = request
            .command
            .unwrap_or_else(|error| panic!("{command}: {error}"));
        if let ClientCommand::Send { client_id, .. } = parsed {
            assert!(client_id.is_some(), "clientId is called something else");
        }
    }
    let send = example(&document, "stompRoomsId", "send");
    native::parse_send(send.to_string().as_bytes()).unwrap();
    let send = example(&document, "stompPubMessage", "send");
    crate::contracts::support_desk::parse_send(send.to_string().as_bytes()).unwrap();
    for channel in ["stompPubChatMessageRoomId", "stompPubTradechatMessageId"] {
        let send = example(&document, channel, "send");
        chat::parse_message(send.to_string().as_bytes()).unwrap();
    }
    let enter = example(&document, "stompPubChatEnterRoomId", "send");
    chat::check_enter(enter.to_string().as_bytes()).unwrap();
}

/// The names of all members, also of inner objects, without the values.
fn shape(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, inner) in members {
                let path = format!("{path}.{name}");
                found.insert(path.clone());
                shape(inner, &path, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| shape(item, path, found)),
        _ => {}
    }
}

#[track_caller]
fn assert_same_shape(example: &Value, written: &impl serde::Serialize) {
    let shape_of = |value: &Value| {
        let mut found = BTreeSet::new();
        shape(value, "", &mut found);
        found
    };
    let written = serde_json::to_value(written).unwrap();
    assert_eq!(
        shape_of(example),
        shape_of(&written),
        "{example}\n{written}"
    );
}

#[test]
fn what_the_json_door_writes_looks_as_the_examples_do() {
    use samples::{live_room, message};
    let document = all();
    let example = |event: &str| example(&document, "json", &json_door::event_key(event));
    let room = live_room();
    let message = message();
    let hello = ServerEvent::Hello {
        user: "u",
        session: "s",
        rooms: std::slice::from_ref(&room),
        more: true,
        inbox: Some(samples::live_inbox()),
    };
    assert_same_shape(&example("hello"), &hello);
    let shown = ServerEvent::Message {
        message: native::MessageBody::from(&message),
    };
    assert_same_shape(&example("message"), &shown);
    assert_same_shape(
        &example("room"),
        &ServerEvent::Room(RoomChange::Joined { room: &room }),
    );
    let left = ServerEvent::Room(RoomChange::Left {
        room: RoomName { id: "r" },
    });
    let examples = &document["channels"]["json"]["messages"]["roomEvent"]["examples"];
    assert_same_shape(&examples[2]["payload"], &left);
    assert_same_shape(&example("reset"), &samples::reset());
    let read = ServerEvent::Read {
        room: "r",
        user: "u",
        position: "p".into(),
        seq: 1,
        previous_seq: 1,
    };
    assert_same_shape(&example("read"), &read);
    let typing = ServerEvent::Typing {
        room: "r",
        user: "u",
        name: "n",
        active: true,
    };
    assert_same_shape(&example("typing"), &typing);
    let notification = ServerEvent::Notification {
        id: "1",
        destination: "/user/queue/x",
        headers: [].into(),
        body: "b",
    };
    assert_same_shape(&example("notification"), &notification);
}

#[test]
fn what_the_json_door_answers_looks_as_the_examples_do() {
    let document = all();
    let example = |event: &str| example(&document, "json", &json_door::event_key(event));
    let id = echo(Some("1"));
    let message = samples::message();
    let ack = Ack {
        id: id.as_deref(),
        accepted: Some(Accepted::from(&message)),
        unknown: None,
    };
    assert_same_shape(&example("ack"), &ServerEvent::Ack(ack));
    assert_same_shape(&example("pong"), &ServerEvent::Pong { id: id.as_deref() });
    let error = madang_domain::Error::from(Code::NotYourRoom);
    let told = ServerEvent::Error {
        id: id.as_deref(),
        error: ErrorBody::from(&error),
    };
    assert_same_shape(&example("error"), &told);
}

#[test]
fn what_is_transient_and_what_is_in_an_inbox_looks_as_the_examples_do() {
    let document = all();
    let example = |event: &str| example(&document, "json", &json_door::event_key(event));
    let receipts = ServerEvent::Receipts {
        room: "r",
        readers: 9,
    };
    assert_same_shape(&example("receipts"), &receipts);
    let presence = ServerEvent::Presence {
        user: "u",
        online: true,
        at: "t".into(),
    };
    assert_same_shape(&example("presence"), &presence);
    let notification = samples::notification();
    let added = ServerEvent::Inbox {
        entry: InboxEntry::new(&notification),
    };
    assert_same_shape(&example("inbox"), &added);
}

#[test]
fn what_the_other_doors_write_looks_as_the_examples_do() {
    let document = all();
    let message = samples::message();
    let error = madang_domain::Error::from(Code::NotYourRoom);
    let example = |channel: &str, key: &str| self::example(&document, channel, key);
    assert_same_shape(
        &example("stompRoomsId", "message"),
        &native::MessageBody::from(&message),
    );
    let envelope = ErrorEnvelope {
        error: ErrorBody::from(&error),
    };
    assert_same_shape(&example("stomp", "error"), &envelope);
    let reset = RoomNotice::Reset {
        oldest: "p".into(),
        head: "p".into(),
    };
    assert_same_shape(&example("stompRoomsId", "resetNotice"), &reset);
    assert_same_shape(
        &example("stompRoomsId", "endedNotice"),
        &RoomNotice::Ended { code: "X" },
    );
    let direct = DirectMessage {
        receive_user_id: "u",
        shared: DirectMessageBody::from(&message),
    };
    assert_same_shape(&example("direct", "message"), &direct);
}

#[test]
fn what_contract_2_writes_looks_as_the_examples_do() {
    let document = all();
    let message = samples::message();
    let example = |channel: &str, key: &str| self::example(&document, channel, key);
    let view = chat::View::open(chat::Shown::Chat, 17);
    let line: Value = serde_json::from_slice(&view.render(&message)).unwrap();
    for channel in [
        "stompSubChatRoomId",
        "stompSubEnterRoomId",
        "stompSubTradechatId",
    ] {
        assert_same_shape(&example(channel, "message"), &line);
    }
    let notification = samples::notification();
    let listed = ListedNotification::new(&notification, &jiff::tz::TimeZone::UTC).unwrap();
    assert_same_shape(&example(community::CHANNEL, "notification"), &listed);
    assert_same_shape(&example(community::CHANNEL, "reset"), &Gap { oldest: 1 });
    let said = Said::of(Code::Draining);
    assert_same_shape(&example(community::CHANNEL, "error"), &said);
}

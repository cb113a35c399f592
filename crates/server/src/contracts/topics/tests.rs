use proptest::prelude::*;

use super::*;

fn prefixes() -> TopicPrefixes {
    TopicPrefixes::default()
}

fn shared(topic: &str) -> PublishTarget {
    PublishTarget::Shared(Arc::from(topic))
}

fn user(id: &str, topic: &str) -> PublishTarget {
    PublishTarget::User(UserId::new(id).unwrap(), Arc::from(topic))
}

fn refused(destination: &str) -> Code {
    prefixes().parse_publish(destination).unwrap_err().code()
}

#[test]
fn a_message_goes_to_all_subscribers_or_to_one_user() {
    let parse = |destination| prefixes().parse_publish(destination).unwrap();
    assert_eq!(parse("/topic/prices"), shared("/topic/prices"));
    assert_eq!(parse("/queue/a/b"), shared("/queue/a/b"));
    assert_eq!(
        parse("/user/kim@example.com/queue/x"),
        user("kim@example.com", "/queue/x")
    );
    assert_eq!(
        parse("/user/queue/queue/x"),
        user("queue", "/queue/x"),
        "who is called queue"
    );
}

#[test]
fn of_a_users_id_only_an_encoded_slash_is_decoded() {
    let parse = |destination| prefixes().parse_publish(destination).unwrap();
    assert_eq!(parse("/user/a%2Fb/topic/x"), user("a/b", "/topic/x"));
    assert_eq!(parse("/user/a%40b/topic/x"), user("a%40b", "/topic/x"));
    assert_eq!(parse("/user/100%/topic/x"), user("100%", "/topic/x"));
    assert_eq!(parse("/user/a*/topic/x"), user("a*", "/topic/x"));
}

#[test]
fn what_is_no_topic_is_not_found() {
    for destination in [
        "",
        "/",
        "topic/x",
        "/topic",
        "/topic/",
        "/topics/x",
        "/rooms/kim",
        "/user",
        "/user/",
        "/user/kim",
        "/user/kim/",
        "/user/kim/queue",
        "/user/kim/queue/",
        "/user/kim/rooms/kim",
        "/user/queue/x",
        "/user/kim/user/lee/queue/x",
    ] {
        assert_eq!(refused(destination), Code::NotFound, "{destination}");
    }
}

#[test]
fn a_destination_that_nobody_can_mean_is_refused() {
    let long = format!("/topic/{}", "x".repeat(DESTINATION_BYTES_MAX));
    let long_id = format!("/user/{}/queue/x", "x".repeat(256));
    for destination in [
        "/topic/*",
        "/topic/a/**",
        "/user/kim/queue/*",
        "/topic/a\nb",
        "/topic/a\u{0}",
        "/user//queue/x",
        &long,
        &long_id,
    ] {
        assert_eq!(
            refused(destination),
            Code::ParameterInvalid,
            "{destination:?}"
        );
    }
}

#[test]
fn a_subscription_is_to_what_all_get_or_to_ones_own() {
    let parse = |destination| prefixes().parse_subscribe(destination);
    let own = |topic: &str| SubscribeSource::Own(Arc::from(topic));
    let shared = |topic: &str| SubscribeSource::Shared(Arc::from(topic));
    assert_eq!(parse("/topic/x"), Ok(shared("/topic/x")));
    assert_eq!(parse("/topic/*"), Ok(shared("/topic/*")));
    assert_eq!(parse("/user/queue/x"), Ok(own("/queue/x")));
    assert_eq!(parse("/user/queue/**"), Ok(own("/queue/**")));
    for other in ["/user/kim/queue/x", "/user/queue/", "/user", "/users/queue"] {
        assert_eq!(parse(other).unwrap_err().code(), Code::NotFound, "{other}");
    }
}

#[test]
fn other_prefixes_are_followed() {
    let prefixes = TopicPrefixes {
        broker: vec!["/sub/".to_owned()],
        user: "/me/own".to_owned(),
    };
    let publish = |destination| prefixes.parse_publish(destination);
    assert_eq!(publish("/sub/x"), Ok(shared("/sub/x")));
    assert_eq!(publish("/me/own/kim/sub/x"), Ok(user("kim", "/sub/x")));
    assert_eq!(publish("/topic/x").unwrap_err().code(), Code::NotFound);
    assert_eq!(
        prefixes.parse_subscribe("/me/own/sub/x"),
        Ok(SubscribeSource::Own(Arc::from("/sub/x")))
    );
}

#[test]
fn a_room_is_named_with_and_without_the_application_prefix() {
    let room = |destination, prefix| {
        let room = parse_room(destination, prefix);
        room.map(|room| room.map(|room| room.to_string()))
    };
    for prefix in ["", "/app"] {
        assert_eq!(room("/rooms/kim", prefix), Ok(Some("kim".to_owned())));
    }
    assert_eq!(room("/app/rooms/a/b", "/app"), Ok(Some("a/b".to_owned())));
    assert_eq!(room("/app/rooms/kim", ""), Ok(None));
    assert_eq!(room("/topic/x", "/app"), Ok(None));
    assert_eq!(room("/approoms/x", "/app"), Ok(None));
    assert_eq!(
        room("/app/rooms/", "/app").unwrap_err().code(),
        Code::RoomNotFound
    );
}

#[test]
fn a_publisher_cannot_write_the_servers_headers_or_break_a_frame() {
    assert!(check_header("priority", "high: very").is_ok());
    assert!(check_header("종류", "값").is_ok());
    let long = "x".repeat(HEADER_VALUE_BYTES_MAX + 1);
    for (name, value) in [
        ("", "x"),
        ("a:b", "x"),
        ("a\nb", "x"),
        ("a", "x\r\n"),
        ("a", "\u{0}"),
        ("Destination", "/topic/y"),
        ("Authorization", "Bearer x"),
        ("subscription", "0"),
        ("content-length", "0"),
        ("a", &long),
        (&long, "a"),
    ] {
        let code = check_header(name, value).unwrap_err().code();
        assert_eq!(code, Code::ParameterInvalid, "{name:?}");
    }
}

proptest! {
    #[test]
    fn whatever_id_a_user_has_a_message_for_them_reaches_no_other(
        id in "[^\\p{Cc}]{1,40}", name in "[a-z/]{1,20}",
    ) {
        // An id with an encoded slash of its own cannot be told from one with a slash.
        prop_assume!(!id.contains("%2F"));
        let destination = format!("/user/{}/queue/{name}", id.replace('/', "%2F"));
        let target = user(&id, &format!("/queue/{name}"));
        prop_assert_eq!(prefixes().parse_publish(&destination), Ok(target));
    }

    #[test]
    fn any_text_is_parsed_or_refused_and_what_is_parsed_is_bounded(
        text in "(/user)?(/[a-z%2F]{0,3})?(/topic|/queue|/)?/?\\PC{0,60}",
    ) {
        let is_topic = |topic: &str| {
            topic.len() <= DESTINATION_BYTES_MAX
                && (topic.starts_with("/topic/") || topic.starts_with("/queue/"))
        };
        match prefixes().parse_publish(&text) {
            Ok(PublishTarget::Shared(topic)) => prop_assert!(is_topic(&topic) && *topic == *text),
            Ok(PublishTarget::User(_, topic)) => {
                prop_assert!(is_topic(&topic) && text.ends_with(&*topic));
            }
            Err(_) => {}
        }
        match prefixes().parse_subscribe(&text) {
            Ok(SubscribeSource::Shared(topic)) => prop_assert!(is_topic(&topic)),
            Ok(SubscribeSource::Own(topic)) => {
                prop_assert_eq!(text, format!("/user{topic}"));
                prop_assert!(is_topic(&topic));
            }
            Err(_) => {}
        }
    }
}

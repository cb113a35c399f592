//! The grammar of destinations: application topics, users' own, and native rooms; and which
//! headers a publisher may give to a topic's message. The same for every door.

use std::sync::Arc;

use madang_domain::{Code, Error, RoomId, UserId};
use madang_engine::{DestinationPattern, Destinations, TopicSource, TopicTarget};

/// Native room destinations: `/rooms/{id}`.
pub const ROOMS: &str = "/rooms/";

/// Longest destination of a topic, in bytes.
pub const DESTINATION_BYTES_MAX: usize = 1024;

/// Longest name of a publisher's header, in bytes.
pub const HEADER_NAME_BYTES_MAX: usize = 128;
/// Longest value of a publisher's header, in bytes.
pub const HEADER_VALUE_BYTES_MAX: usize = 1024;

/// Characters of a destination that an error repeats.
const SHOWN_CHARS_MAX: usize = 64;

/// Headers that speak to the server and are no business of a topic's subscribers.
const OWN_HEADERS: [&str; 11] = [
    "destination",
    "message-id",
    "receipt",
    "transaction",
    "client-id",
    "authorization",
    "event",
    "position",
    "receipt-id",
    "login",
    "passcode",
];

/// Headers that the server writes into each MESSAGE itself (STOMP 1.2, "MESSAGE").
const MESSAGE_HEADERS: [&str; 3] = ["subscription", "ack", "content-length"];

/// Which destinations are topics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicPrefixes {
    /// What topics begin with; each begins and ends with a slash.
    pub broker: Vec<String>,
    /// What users' own destinations begin with; no slash at its end.
    pub user: String,
}

impl Default for TopicPrefixes {
    fn default() -> Self {
        Self {
            broker: vec!["/topic/".to_owned(), "/queue/".to_owned()],
            user: "/user".to_owned(),
        }
    }
}

/// Where a message for a topic goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublishTarget {
    /// To everybody who is subscribed to this destination: `/topic/x`.
    Shared(Arc<str>),
    /// To this user's own subscriptions to this destination: `/queue/x` of `/user/{id}/queue/x`.
    User(UserId, Arc<str>),
}

/// What a subscription to a topic listens to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubscribeSource {
    /// What is published to this destination: `/topic/x`.
    Shared(Arc<str>),
    /// What is published to this destination for the subscriber: `/queue/x` of `/user/queue/x`.
    Own(Arc<str>),
}

impl TopicPrefixes {
    /// Where a message to `destination` goes.
    ///
    /// In `/user/{id}/queue/x` the id ends at the next slash; `%2F` in it is a slash and everything
    /// else stands for itself, as in Spring's `DefaultUserDestinationResolver`.
    ///
    /// # Errors
    /// The publisher's fault. [`Code::NotFound`]: it is no topic. [`Code::ParameterInvalid`]: it is
    /// longer than [`DESTINATION_BYTES_MAX`], has control characters or a wildcard (`*`), or
    /// names a user that nobody can be.
    pub fn parse_publish(&self, destination: &str) -> Result<PublishTarget, Error> {
        check_text(destination)?;
        let Some(rest) = self.of_a_user(destination) else {
            let topic = self.topic(destination)?;
            check_no_wildcard(topic)?;
            return Ok(PublishTarget::Shared(Arc::from(topic)));
        };
        let id = rest.split('/').next().unwrap_or_default();
        let topic = self.topic(&rest[id.len()..])?;
        check_no_wildcard(topic)?;
        let user = UserId::new(&id.replace("%2F", "/")).map_err(|reason| {
            Error::with_detail(Code::ParameterInvalid, format!("the user id {reason}"))
        })?;
        Ok(PublishTarget::User(user, Arc::from(topic)))
    }

    /// What a subscription to `destination` listens to. A wildcard is left in it, for whoever
    /// matches it.
    ///
    /// # Errors
    /// The subscriber's fault. [`Code::NotFound`]: it is no topic. [`Code::ParameterInvalid`]: it
    /// is longer than [`DESTINATION_BYTES_MAX`] or has control characters.
    pub fn parse_subscribe(&self, destination: &str) -> Result<SubscribeSource, Error> {
        check_text(destination)?;
        match self.of_a_user(destination) {
            // The slash in front of the topic was cut off with the prefix.
            Some(rest) => {
                let topic = self.topic(&destination[destination.len() - rest.len() - 1..])?;
                Ok(SubscribeSource::Own(Arc::from(topic)))
            }
            None => Ok(SubscribeSource::Shared(Arc::from(self.topic(destination)?))),
        }
    }

    /// The engine's target: users are shown their own destinations as they subscribe to them.
    #[must_use]
    pub fn target(&self, target: PublishTarget) -> TopicTarget {
        match target {
            PublishTarget::Shared(topic) => TopicTarget::Shared(topic),
            PublishTarget::User(user, topic) => TopicTarget::User(user, self.own(&topic)),
        }
    }

    /// The engine's source of a subscription of `user`.
    ///
    /// # Errors
    /// [`Code::ParameterInvalid`]: the pattern cannot be matched. The subscriber's fault.
    pub fn source(&self, source: SubscribeSource, user: &UserId) -> Result<TopicSource, Error> {
        let parse = |destination: &str| {
            Destinations::parse(destination)
                .map_err(|error| Error::with_detail(Code::ParameterInvalid, error.to_string()))
        };
        Ok(match source {
            SubscribeSource::Shared(topic) => TopicSource::Shared(parse(&topic)?),
            SubscribeSource::Own(topic) => {
                TopicSource::Own(user.clone(), parse(&self.own(&topic))?)
            }
        })
    }

    /// A user's own destination, as they subscribe to it.
    fn own(&self, topic: &str) -> Arc<str> {
        Arc::from(format!("{}{topic}", self.user))
    }

    /// What stands behind `/user/`.
    fn of_a_user<'d>(&self, destination: &'d str) -> Option<&'d str> {
        destination.strip_prefix(&self.user)?.strip_prefix('/')
    }

    fn topic<'d>(&self, destination: &'d str) -> Result<&'d str, Error> {
        let has_name = |prefix: &String| {
            let name = destination.strip_prefix(prefix.as_str());
            name.is_some_and(|name| !name.is_empty())
        };
        if self.broker.iter().any(has_name) {
            return Ok(destination);
        }
        let shown: String = destination.chars().take(SHOWN_CHARS_MAX).collect();
        let (topics, user) = (self.broker.join(", "), &self.user);
        let detail = format!(
            "{shown} is no destination: topics begin with {topics}; a user's own with {user} to \
             subscribe and {user}/{{id}} to publish; rooms with {ROOMS}"
        );
        Err(Error::with_detail(Code::NotFound, detail))
    }
}

fn check_text(destination: &str) -> Result<(), Error> {
    if destination.len() > DESTINATION_BYTES_MAX {
        let detail = format!("the destination has more than {DESTINATION_BYTES_MAX} bytes");
        return Err(Error::with_detail(Code::ParameterInvalid, detail));
    }
    // STOMP 1.0 has no escapes: in its frames a line end would begin another header.
    if destination.chars().any(char::is_control) {
        let detail = "the destination has control characters";
        return Err(Error::with_detail(Code::ParameterInvalid, detail));
    }
    Ok(())
}

fn check_no_wildcard(topic: &str) -> Result<(), Error> {
    if DestinationPattern::is_pattern(topic) {
        let detail = "a destination to publish to has no wildcards (*, ?, {})";
        return Err(Error::with_detail(Code::ParameterInvalid, detail));
    }
    Ok(())
}

/// The room that a native destination names: `/rooms/{id}`, or the same behind
/// `application_prefix` (`/app`; empty for none). `None` when it names something else.
///
/// # Errors
/// [`Code::RoomNotFound`]: no room can have this id. The client's fault.
pub fn parse_room(destination: &str, application_prefix: &str) -> Result<Option<RoomId>, Error> {
    let behind_prefix = destination.strip_prefix(application_prefix);
    let id = destination
        .strip_prefix(ROOMS)
        .or_else(|| behind_prefix?.strip_prefix(ROOMS));
    let room = id.map(RoomId::new).transpose();
    room.map_err(|_| Code::RoomNotFound.into())
}

/// Whether a header of a message speaks to the server and does not go out to subscribers. Whatever
/// its case: a token must not go out because it was spelt otherwise.
#[must_use]
pub fn is_own_header(name: &str) -> bool {
    is_one_of(&OWN_HEADERS, name)
}

/// Checks a header that a publisher gives to a message.
///
/// # Errors
/// [`Code::ParameterInvalid`]: it is the server's own, too long, or one that some version of STOMP
/// cannot write. The publisher's fault.
pub fn check_header(name: &str, value: &str) -> Result<(), Error> {
    let refuse = |detail| Err(Error::with_detail(Code::ParameterInvalid, detail));
    if name.is_empty() || name.len() > HEADER_NAME_BYTES_MAX {
        return refuse(format!(
            "a header's name has 1 to {HEADER_NAME_BYTES_MAX} bytes"
        ));
    }
    // STOMP 1.0 has no escapes: a colon in a name would end it, a line end begin another header.
    if name.contains(':') || name.chars().any(char::is_control) {
        return refuse("a header's name has no colon and no control characters".to_owned());
    }
    if is_own_header(name) || is_one_of(&MESSAGE_HEADERS, name) {
        return refuse(format!("the header {name} is the server's own"));
    }
    if value.len() > HEADER_VALUE_BYTES_MAX || value.chars().any(char::is_control) {
        return refuse(format!(
            "the value of the header {name} has more than {HEADER_VALUE_BYTES_MAX} bytes or \
             control characters"
        ));
    }
    Ok(())
}

fn is_one_of(names: &[&str], name: &str) -> bool {
    names.iter().any(|own| own.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests;

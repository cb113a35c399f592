//! Every answer to bad input or bad luck that a client can see, in one registry.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// How a code is rendered at the doors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeSpec {
    /// Stable text: STOMP ERROR header `code`, JSON `code`. Never reused for another meaning.
    pub name: &'static str,
    /// What it says to a person when there is no detail.
    pub text: &'static str,
    /// Whether the same request can succeed later without being changed.
    pub retryable: bool,
    /// REST status.
    pub http_status: u16,
    /// WebSocket close code where the door closes after it (RFC 6455, section 7.4.1).
    pub close_code: u16,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $status:literal, $close:literal, $retryable:literal, $text:literal;)*) => {
        /// What went wrong, as clients see it. The variant's comment is its line in the reference.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[$doc])* $variant,)* }

        impl Code {
            /// Every code, in the order of the reference.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// How this code is rendered.
            #[must_use]
            pub const fn spec(self) -> CodeSpec {
                match self {
                    $(Self::$variant => CodeSpec {
                        name: $name,
                        text: $text,
                        retryable: $retryable,
                        http_status: $status,
                        close_code: $close,
                    },)*
                }
            }
        }
    };
}

codes! {
    /// No token, login or API key came with a request that needs one.
    AuthenticationRequired = "AUTHENTICATION_REQUIRED", 401, 1008, false, "authentication is required";
    /// The token is malformed, signed by another key, or lacks a needed claim.
    TokenInvalid = "TOKEN_INVALID", 401, 1008, false, "the token is not valid";
    /// The token was valid and has expired: get a new one and connect again.
    TokenExpired = "TOKEN_EXPIRED", 401, 1008, false, "the token has expired";
    /// The token was issued before the user's tokens were revoked: sign in again.
    TokenRevoked = "TOKEN_REVOKED", 401, 1008, false, "the token was revoked";
    /// Login or passcode of a service account is wrong; which of them is not told.
    CredentialsInvalid = "CREDENTIALS_INVALID", 401, 1008, false, "login or passcode is wrong";
    /// The support desk is open to agents only.
    AgentsOnly = "AGENTS_ONLY", 403, 1008, false, "this is for agents only";
    /// The caller has no right to this room.
    NotYourRoom = "NOT_YOUR_ROOM", 403, 1008, false, "you have no access to this room";
    /// The configuration does not let this caller publish to the destination.
    PublishForbidden = "PUBLISH_FORBIDDEN", 403, 1008, false, "you may not publish to this destination";
    /// The configuration does not let this caller subscribe to the destination.
    SubscribeForbidden = "SUBSCRIBE_FORBIDDEN", 403, 1008, false, "you may not subscribe to this destination";
    /// The API key may do other things than this; its scopes are set when it is made.
    ScopeMissing = "SCOPE_MISSING", 403, 1008, false, "this needs a scope that the caller does not have";
    /// A browser page of an origin that is not in the list tried to connect.
    OriginForbidden = "ORIGIN_FORBIDDEN", 403, 1008, false, "this origin is not allowed";
    /// There is no such room.
    RoomNotFound = "ROOM_NOT_FOUND", 404, 1008, false, "there is no such room";
    /// Nothing is served at this path or destination.
    NotFound = "NOT_FOUND", 404, 1008, false, "nothing is served here";
    /// The path is served, but not for this method.
    MethodNotAllowed = "METHOD_NOT_ALLOWED", 405, 1008, false, "this method is not allowed here";
    /// Another agent has the room.
    RoomTaken = "ROOM_TAKEN", 409, 1008, false, "the room is assigned to another agent";
    /// Several rooms are meant by what the request names: name one by its id.
    RoomAmbiguous = "ROOM_AMBIGUOUS", 409, 1008, false, "several rooms are meant";
    /// The room is completed: nobody waits there.
    RoomNotWaiting = "ROOM_NOT_WAITING", 409, 1008, false, "the room is not waiting for an agent";
    /// A member's role in the room, such as owner or moderator, is needed.
    RoleRequired = "ROLE_REQUIRED", 403, 1008, false, "your role in this room does not allow it";
    /// A visitor without an account may not: sign in.
    NotForGuests = "NOT_FOR_GUESTS", 403, 1008, false, "guests may not do this";
    /// The message is too old to be edited or deleted by its sender.
    TooLate = "TOO_LATE", 403, 1008, false, "the message is too old for that";
    /// There is no such message, it is deleted, or it is no message of a person.
    MessageNotFound = "MESSAGE_NOT_FOUND", 404, 1008, false, "there is no such message";
    /// Whom it is about does not belong to the room.
    MemberNotFound = "MEMBER_NOT_FOUND", 404, 1008, false, "there is no such member";
    /// Nothing is known of such a user.
    UserNotFound = "USER_NOT_FOUND", 404, 1008, false, "there is no such user";
    /// Whom a room is handed over to has never come as an agent.
    AgentNotFound = "AGENT_NOT_FOUND", 404, 1008, false, "there is no such agent";
    /// There is no such notification.
    NotificationNotFound = "NOTIFICATION_NOT_FOUND", 404, 1008, false, "there is no such notification";
    /// The room has as many members as it may have.
    RoomFull = "ROOM_FULL", 409, 1008, false, "the room is full";
    /// The message is empty, too long, or not text.
    MessageInvalid = "MESSAGE_INVALID", 400, 1007, false, "the message is not valid";
    /// The body is not the JSON that is expected here.
    BodyInvalid = "BODY_INVALID", 400, 1007, false, "the body is not valid";
    /// A query parameter or path segment is out of its range.
    ParameterInvalid = "PARAMETER_INVALID", 400, 1008, false, "a parameter is not valid";
    /// `since` is not a position that this server gave out.
    PositionInvalid = "POSITION_INVALID", 400, 1008, false, "the position is not valid";
    /// A STOMP frame, header or escape breaks the protocol.
    FrameInvalid = "FRAME_INVALID", 400, 1002, false, "the frame is not valid";
    /// A WebSocket frame breaks RFC 6455.
    WebSocketInvalid = "WEBSOCKET_INVALID", 400, 1002, false, "the WebSocket frame is not valid";
    /// No version of the protocol is spoken by both sides.
    VersionUnsupported = "VERSION_UNSUPPORTED", 400, 1002, false, "no common protocol version";
    /// A frame, header, body or request is larger than the configured limit.
    TooLarge = "TOO_LARGE", 413, 1009, false, "larger than the limit";
    /// More subscriptions, transactions or unanswered frames than the configured limit.
    TooMany = "TOO_MANY", 429, 1008, true, "more than the limit";
    /// The peer was silent for longer than the heart-beat it promised.
    HeartBeatMissed = "HEART_BEAT_MISSED", 408, 1002, true, "no heart-beat arrived in time";
    /// The peer did not send CONNECT in time.
    ConnectTimeout = "CONNECT_TIMEOUT", 408, 1002, true, "the client did not say who it is in time";
    /// A subscriber of an application topic read too slowly; topics are not stored, so a hole
    /// would be silent. Connect again. Rooms never get this.
    SlowConsumer = "SLOW_CONSUMER", 408, 1008, true, "the client reads too slowly";
    /// The server is shutting down; connect again, to any node.
    Draining = "DRAINING", 503, 1012, true, "the server is restarting";
    /// More work is queued than the server takes at once; nothing was accepted.
    Overloaded = "OVERLOADED", 503, 1013, true, "the server is overloaded";
    /// The store could not be reached or refused to write; the message is not accepted.
    Unavailable = "UNAVAILABLE", 503, 1013, true, "the service is unavailable";
    /// A defect of the server. The log has the cause.
    Internal = "INTERNAL", 500, 1011, true, "an internal error";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.spec().name)
    }
}

/// What a client is told: a code and, where it helps, what exactly. Never an internal cause, a
/// token or a message body; those who handle a cause log it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    code: Code,
    detail: Option<Cow<'static, str>>,
    retry_after: Option<Duration>,
}

impl Error {
    /// An error that says what exactly is wrong, in words fit for the client.
    #[must_use]
    pub fn with_detail(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            detail: Some(detail.into()),
            retry_after: None,
        }
    }

    /// The same, with how long it takes until the same request can succeed.
    #[must_use]
    pub fn retry_after(self, wait: Duration) -> Self {
        Self {
            retry_after: Some(wait),
            ..self
        }
    }

    /// How long it takes until the same request can succeed; `None` when that is not known.
    #[must_use]
    pub const fn wait(&self) -> Option<Duration> {
        self.retry_after
    }

    /// What went wrong.
    #[must_use]
    pub const fn code(&self) -> Code {
        self.code
    }

    /// The detail, or the code's own text.
    #[must_use]
    pub fn message(&self) -> &str {
        self.detail.as_deref().unwrap_or(self.code.spec().text)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message())
    }
}

impl std::error::Error for Error {}

impl From<Code> for Error {
    fn from(code: Code) -> Self {
        Self {
            code,
            detail: None,
            retry_after: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_code_has_a_name_of_its_own() {
        let names: HashSet<_> = Code::ALL.iter().map(|code| code.spec().name).collect();
        assert_eq!(names.len(), Code::ALL.len());
    }

    #[test]
    fn a_server_fault_is_retryable_and_a_clients_fault_is_not() {
        for code in Code::ALL {
            let spec = code.spec();
            assert!((400..600).contains(&spec.http_status), "{code}");
            if spec.http_status >= 500 {
                assert!(spec.retryable, "{code}");
            }
            if matches!(spec.http_status, 400 | 401 | 403 | 404 | 413) {
                assert!(!spec.retryable, "{code}");
            }
        }
    }
}

use std::fmt;

/// One of the two sides of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Peer {
    /// The side that sends CONNECT.
    Client,
    /// The side that answers CONNECTED.
    Server,
}

impl Peer {
    /// The header by which this side names versions in its first frame. Its
    /// absence means 1.0 (STOMP 1.2, "Protocol Negotiation").
    pub(super) const fn version_header(self) -> &'static str {
        match self {
            Peer::Client => "accept-version",
            Peer::Server => "version",
        }
    }
}

/// The command of a frame. Case sensitive on the wire (STOMP 1.2, "STOMP Frames").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    /// Opens a session.
    Connect,
    /// CONNECT under a name that HTTP cannot be mistaken for; 1.1 and later.
    Stomp,
    /// Sends a message to a destination.
    Send,
    /// Asks for the messages of a destination.
    Subscribe,
    /// Ends a subscription.
    Unsubscribe,
    /// Says that a message was consumed.
    Ack,
    /// Says that a message was not consumed; 1.1 and later.
    Nack,
    /// Opens a transaction.
    Begin,
    /// Makes a transaction's frames take effect.
    Commit,
    /// Discards a transaction's frames.
    Abort,
    /// Ends the session.
    Disconnect,
    /// The server's answer to CONNECT and STOMP.
    Connected,
    /// A message of a subscription.
    Message,
    /// Says that a frame with a `receipt` header was processed.
    Receipt,
    /// Says what went wrong; the connection is closed after it.
    Error,
}

impl Command {
    /// Every command.
    pub const ALL: [Command; 15] = [
        Command::Connect,
        Command::Stomp,
        Command::Send,
        Command::Subscribe,
        Command::Unsubscribe,
        Command::Ack,
        Command::Nack,
        Command::Begin,
        Command::Commit,
        Command::Abort,
        Command::Disconnect,
        Command::Connected,
        Command::Message,
        Command::Receipt,
        Command::Error,
    ];

    /// Length in octets of the longest command, UNSUBSCRIBE.
    pub(super) const NAME_BYTES_MAX: usize = 11;

    /// The command as it stands on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Command::Connect => "CONNECT",
            Command::Stomp => "STOMP",
            Command::Send => "SEND",
            Command::Subscribe => "SUBSCRIBE",
            Command::Unsubscribe => "UNSUBSCRIBE",
            Command::Ack => "ACK",
            Command::Nack => "NACK",
            Command::Begin => "BEGIN",
            Command::Commit => "COMMIT",
            Command::Abort => "ABORT",
            Command::Disconnect => "DISCONNECT",
            Command::Connected => "CONNECTED",
            Command::Message => "MESSAGE",
            Command::Receipt => "RECEIPT",
            Command::Error => "ERROR",
        }
    }

    pub(super) fn from_bytes(name: &[u8]) -> Option<Command> {
        Some(match name {
            b"CONNECT" => Command::Connect,
            b"STOMP" => Command::Stomp,
            b"SEND" => Command::Send,
            b"SUBSCRIBE" => Command::Subscribe,
            b"UNSUBSCRIBE" => Command::Unsubscribe,
            b"ACK" => Command::Ack,
            b"NACK" => Command::Nack,
            b"BEGIN" => Command::Begin,
            b"COMMIT" => Command::Commit,
            b"ABORT" => Command::Abort,
            b"DISCONNECT" => Command::Disconnect,
            b"CONNECTED" => Command::Connected,
            b"MESSAGE" => Command::Message,
            b"RECEIPT" => Command::Receipt,
            b"ERROR" => Command::Error,
            _ => return None,
        })
    }

    /// The only side that may send this command (STOMP 1.2, "Client Frames", "Server Frames").
    pub const fn sender(self) -> Peer {
        match self {
            Command::Connected | Command::Message | Command::Receipt | Command::Error => {
                Peer::Server
            }
            _ => Peer::Client,
        }
    }

    /// Whether a frame with this command may have a body (STOMP 1.2, "Body").
    pub const fn may_have_body(self) -> bool {
        matches!(self, Command::Send | Command::Message | Command::Error)
    }

    /// Whether the headers of this command are escaped in the versions that
    /// escape at all. STOMP counts as CONNECT (STOMP 1.2, "Value Encoding").
    pub const fn is_escaped(self) -> bool {
        !matches!(self, Command::Connect | Command::Stomp | Command::Connected)
    }
}

impl fmt::Display for Command {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_read_back_from_its_name() {
        for command in Command::ALL {
            let name = command.as_str();
            assert_eq!(Command::from_bytes(name.as_bytes()), Some(command));
            assert_eq!(Command::from_bytes(name.to_lowercase().as_bytes()), None);
            assert!(name.len() <= Command::NAME_BYTES_MAX);
        }
    }
}

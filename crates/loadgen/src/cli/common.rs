use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

// Clap makes a line end of an n in braces, so that no text here can name that place.

/// How a key is written in its file. White space behind it is not of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum KeyEncoding {
    /// As it is.
    Raw,
    /// Base64 of the standard alphabet.
    Base64,
    /// Two digits for each byte.
    Hex,
}

/// Options that all scenarios have.
#[derive(Clone, Debug, Args)]
pub struct Common {
    /// Where the server listens. TLS is not spoken.
    #[arg(long, default_value = "ws://127.0.0.1:8080/ws")]
    pub url: String,
    /// Another node of the same cluster: connections go to each in turn. Repeatable.
    #[arg(long)]
    pub node_url: Vec<String>,
    /// Destinations and body of a kind of server.
    #[arg(long, value_enum, default_value_t = Preset::SupportDesk)]
    pub preset: Preset,
    /// Destination of SUBSCRIBE, in place of the preset's; a template.
    #[arg(long)]
    pub subscribe_destination: Option<String>,
    /// Destination of SEND, in place of the preset's; a template.
    #[arg(long)]
    pub send_destination: Option<String>,
    /// Body of SEND, in place of the preset's; a template with a {payload}.
    #[arg(long)]
    pub body: Option<String>,
    /// Size of a body in bytes; {payload} is filled up to it.
    #[arg(long, default_value_t = 200)]
    pub body_bytes: usize,
    /// Header of SEND, as 'name: value'. Repeatable.
    #[arg(long, value_parser = parse_header)]
    pub send_header: Vec<(String, String)>,

    /// Header of CONNECT, as 'name: value'; a template that may have a {token}.
    /// Repeatable. With a token and no header that has {token} in it,
    /// 'Authorization: Bearer {token}' is sent.
    #[arg(long, value_parser = parse_header)]
    pub header: Vec<(String, String)>,
    /// Header of the HTTP request, as 'name: value'. Repeatable.
    #[arg(long, value_parser = parse_header)]
    pub http_header: Vec<(String, String)>,
    /// Header login of CONNECT; a template.
    #[arg(long)]
    pub login: Option<String>,
    /// Header passcode of CONNECT; a template.
    #[arg(long)]
    pub passcode: Option<String>,
    /// Name of a user. Templates may have {user} and, as here, the number of
    /// the user, counted from 0.
    #[arg(long, default_value = "user{n}@bench")]
    pub user_template: String,
    /// One token for all users.
    #[arg(long, group = "tokens")]
    pub token: Option<String>,
    /// File with a token per line, one for all users or one for each.
    #[arg(long, group = "tokens")]
    pub token_file: Option<PathBuf>,
    /// Shell command that prints the token of a user; a template. Run once for
    /// each connection.
    #[arg(long, group = "tokens")]
    pub token_command: Option<String>,
    /// Key to sign tokens with here (HS256; sub, auth ROLE_USER, exp).
    #[arg(long, group = "tokens")]
    pub jwt_key_file: Option<PathBuf>,
    /// How the key in --jwt-key-file is written. What Madang keeps in `jwt.key` is hex.
    #[arg(long, requires = "jwt_key_file", value_enum, default_value_t = KeyEncoding::Raw)]
    pub jwt_key_encoding: KeyEncoding,

    /// Process of the server, for its CPU time and memory over exactly the
    /// measured interval.
    #[arg(long)]
    pub server_pid: Option<u32>,
    /// Process of another node, whose usage is added. Repeatable.
    #[arg(long, requires = "server_pid")]
    pub node_pid: Vec<u32>,
    /// CPU for all threads of the server.
    #[arg(long, requires = "server_pid")]
    pub pin_server: Option<usize>,
    /// CPU for this process.
    #[arg(long)]
    pub pin_client: Option<usize>,

    /// Seconds to measure.
    #[arg(long, default_value = "10", value_parser = parse_seconds)]
    pub duration: Duration,
    /// Seconds of the same load before that.
    #[arg(long, default_value = "1", value_parser = parse_seconds)]
    pub warmup: Duration,
    /// Seconds that setting up may take.
    #[arg(long, default_value = "120", value_parser = parse_seconds)]
    pub setup_timeout: Duration,
    /// Seconds after which an answer or a delivery counts as missing.
    #[arg(long, default_value = "5", value_parser = parse_seconds)]
    pub answer_timeout: Duration,
    /// Connections that may be opening at a time.
    #[arg(long, default_value_t = 64)]
    pub connect_window: usize,
    /// Do not ask for a receipt of SUBSCRIBE, for servers that give none.
    #[arg(long)]
    pub no_subscribe_receipt: bool,
    /// How to print the report.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// Destinations and body of a kind of server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Preset {
    /// /sub/chat/room/{user} and /pub/message, {"roomId","message"}.
    SupportDesk,
    /// /rooms/{user} for both, {"text"}.
    Room,
    /// /topic/{user} for both, the payload alone.
    Topic,
}

/// How to print the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table.
    Text,
    /// One JSON object with the same fields.
    Json,
}

impl Preset {
    /// Destination of SUBSCRIBE, destination of SEND, body.
    pub fn templates(self) -> [&'static str; 3] {
        match self {
            Preset::SupportDesk => [
                "/sub/chat/room/{user}",
                "/pub/message",
                r#"{"roomId":"{user}","message":"{payload}"}"#,
            ],
            Preset::Room => ["/rooms/{user}", "/rooms/{user}", r#"{"text":"{payload}"}"#],
            Preset::Topic => ["/topic/{user}", "/topic/{user}", "{payload}"],
        }
    }
}

/// Reads seconds with a fraction, up to a day.
pub(crate) fn parse_seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.0..=86_400.0).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("must be seconds, from 0 to 86400".to_owned()),
    }
}

fn parse_header(text: &str) -> Result<(String, String), String> {
    match text.split_once(':') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err("must be 'name: value'".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_headers_are_checked() {
        assert_eq!(parse_seconds("0.5"), Ok(Duration::from_millis(500)));
        for bad in ["-1", "NaN", "inf", "x", "100000"] {
            assert!(parse_seconds(bad).is_err(), "{bad}");
        }
        let header = parse_header("Authorization: Bearer a:b").unwrap();
        assert_eq!(
            header,
            ("Authorization".to_owned(), "Bearer a:b".to_owned())
        );
        assert!(parse_header(": x").is_err());
    }
}

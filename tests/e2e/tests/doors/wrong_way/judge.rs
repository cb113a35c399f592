//! Whether an answer is of the kind that is promised for its door.

use std::collections::BTreeSet;

use madang_e2e::doors::sockjs::Frames;
use madang_wire::websocket::{Decoder, Event, Limits, Role};
use serde_json::Value;

/// The codes of the registry.
pub(super) struct Judge {
    pub(super) codes: BTreeSet<String>,
}

/// Whether the answer says with a code what was wrong; the fault, where it is not as promised.
pub(super) type Verdict = Result<bool, String>;

/// What came on a WebSocket.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// The messages.
    pub(super) texts: Vec<Vec<u8>>,
    /// Whether the close code says that something was wrong.
    pub(super) blamed: bool,
}

/// What the support desk's destinations say in place of the registry's codes (contract 1).
const CONTRACT_CODES: &[&str] = &[
    "BAD_REQUEST",
    "CHAT-400",
    "CHAT-403",
    "CHAT-409",
    "METHOD_NOT_ALLOWED",
    "NOT_FOUND",
    "PAYLOAD_TOO_LARGE",
    "REQUEST_TIMEOUT",
    "TOO_MANY_REQUESTS",
    "UNAUTHORIZED",
];

/// SockJS's own answers with status 500, as sockjs-protocol's tests have them.
const SOCKJS_500: &[&str] = &[
    "Payload expected",
    "Broken JSON encoding.",
    "\"callback\" parameter required",
    "invalid \"callback\" parameter",
];

impl Judge {
    fn registered(&self, code: &Value) -> Verdict {
        match code.as_str() {
            Some("INTERNAL") => Err("an internal error".to_owned()),
            Some(code) if self.codes.contains(code) || CONTRACT_CODES.contains(&code) => Ok(true),
            _ => Err(format!("{code} is no code of the registry")),
        }
    }

    /// An answer over HTTP; empty where the server just closed.
    pub(super) fn http(&self, answer: &[u8]) -> Verdict {
        if answer.is_empty() {
            return Ok(false);
        }
        let text = String::from_utf8_lossy(answer);
        let (head, body) = text.split_once("\r\n\r\n").ok_or("no whole head")?;
        let status = head.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5));
        let status: u16 = status
            .and_then(|status| status.parse().ok())
            .ok_or("no status")?;
        if status >= 500 && !SOCKJS_500.iter().any(|said| body.contains(said)) {
            return Err(format!("a status of {status}: {body:?}"));
        }
        // What a broken request left behind may have been taken for another one.
        if body.starts_with("HTTP/1.") {
            return self.http(body.as_bytes());
        }
        let is_problem = head
            .to_ascii_lowercase()
            .contains("application/problem+json");
        if !is_problem || body.is_empty() {
            return Ok(status >= 400);
        }
        // Chunked or not, the problem is the first object of the body.
        let object = body.find('{').ok_or("no problem details")?;
        let mut objects = serde_json::Deserializer::from_str(&body[object..]).into_iter();
        let problem: Value = objects
            .next()
            .ok_or("no problem details")?
            .map_err(|error| format!("problem details: {error}"))?;
        if problem["status"] != status {
            return Err(format!("the status is {status}, not that of {problem}"));
        }
        self.registered(&problem["code"])
    }

    /// Everything that a STOMP server said.
    pub(super) fn stomp(&self, mut octets: &[u8]) -> Verdict {
        let mut told = false;
        while let Some(first) = octets.first() {
            if *first == b'\n' {
                octets = &octets[1..];
                continue;
            }
            let (frame, length) = madang_e2e::stomp::parse(octets, true).ok_or("half a frame")?;
            octets = &octets[length..];
            match frame.command.as_str() {
                "CONNECTED" | "MESSAGE" | "RECEIPT" => {}
                "ERROR" => {
                    self.registered(&Value::from(frame.get("code")))?;
                    // The body repeats the code.
                    told = self.error_object(&frame.json())?;
                    // EOLs may follow a frame (STOMP 1.2, "STOMP Frames").
                    if octets.iter().any(|octet| *octet != b'\n') {
                        return Err("more behind the ERROR".to_owned());
                    }
                }
                other => return Err(format!("a frame {other:?}")),
            }
        }
        Ok(told)
    }

    /// Everything that came on a WebSocket: the server's own frames keep RFC 6455.
    pub(super) fn websocket(mut bytes: Vec<u8>) -> Result<Heard, String> {
        let limits = Limits {
            message_bytes_max: 16 << 20,
        };
        let mut decoder = Decoder::new(Role::Client, limits);
        let mut input = bytes.as_mut_slice();
        let mut heard = Heard::default();
        loop {
            let event = decoder.decode(&mut input);
            match event.map_err(|error| format!("the server's own frame: {error}"))? {
                None => break,
                Some(Event::Message { payload, .. }) => heard.texts.push(payload.to_vec()),
                Some(Event::Close { code, .. }) => {
                    // 1011 is a defect of the server's (RFC 6455, section 7.4.1).
                    if code == Some(1011) {
                        return Err("closed with 1011".to_owned());
                    }
                    heard.blamed = !matches!(code, None | Some(1000 | 1001));
                }
                Some(Event::Ping(_) | Event::Pong(_)) => {}
            }
        }
        Ok(heard)
    }

    /// What a STOMP server said on a WebSocket.
    pub(super) fn stomp_on_websocket(&self, heard: &Heard) -> Verdict {
        Ok(self.stomp(&heard.texts.concat())? || heard.blamed)
    }

    /// What a STOMP server said in SockJS frames.
    pub(super) fn stomp_in_sockjs(&self, heard: &Heard) -> Verdict {
        let mut frames = Frames::default();
        for text in &heard.texts {
            frames.take_in(str::from_utf8(text).map_err(|error| error.to_string())?);
        }
        Ok(self.stomp(&frames.texts().concat())? || heard.blamed)
    }

    /// What the JSON door said.
    pub(super) fn json(&self, heard: &Heard) -> Verdict {
        let mut told = heard.blamed;
        for text in &heard.texts {
            let event: Value = serde_json::from_slice(text).map_err(|error| error.to_string())?;
            match event["type"].as_str() {
                Some("error") => told |= self.error_object(&event)?,
                Some(_) => {}
                None => return Err(format!("no type in {event}")),
            }
        }
        Ok(told)
    }

    fn error_object(&self, body: &Value) -> Verdict {
        let error = &body["error"];
        if !error["message"].is_string() || !error["retryable"].is_boolean() {
            return Err(format!("{body} is not the error object"));
        }
        self.registered(&error["code"])
    }
}

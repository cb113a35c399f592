//! Requests: one connection each, a short patience, and what can be said of an answer that did not come.

use std::net::SocketAddr;

use madang_loadgen::http::{HttpConnection, Request, encoded};
use serde_json::Value;
use tokio::task::spawn_blocking;

use super::{ANSWER_PATIENCE, Backoff};
use crate::history::Entry;

/// Entries of a page.
const PAGE: usize = 200;

/// Somebody who asks.
#[derive(Debug, Clone)]
pub(crate) struct Rest {
    pub(crate) address: SocketAddr,
    pub(crate) token: String,
}

/// What was answered.
#[derive(Debug)]
pub(crate) enum Asked {
    Done(Value),
    /// With a code that no retry changes.
    Refused(String),
    /// By nobody, or with an error that a retry may change.
    Unanswered,
}

impl Rest {
    pub(crate) async fn ask(&self, method: &'static str, path: String, body: &Value) -> Asked {
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        let request = Request::get(path, self.token.clone()).with(method, body);
        let address = self.address;
        let asking = spawn_blocking(move || {
            let mut connection =
                HttpConnection::open_within(address, address.to_string(), ANSWER_PATIENCE)?;
            let answer = connection.ask(&request)?;
            let body: Value = serde_json::from_slice(answer.body).unwrap_or_default();
            std::io::Result::Ok((answer.is_success(), body))
        });
        let Ok(Ok((success, body))) = asking.await else {
            return Asked::Unanswered;
        };
        match (success, body["code"].as_str()) {
            (true, _) => Asked::Done(body),
            (false, Some(code)) if body["retryable"] == false => Asked::Refused(code.to_owned()),
            (false, _) => Asked::Unanswered,
        }
    }

    /// Asks until it is answered: what is safe to repeat.
    ///
    /// # Errors
    /// The code that refuses.
    pub(crate) async fn insist(
        &self,
        method: &'static str,
        path: &str,
        body: &Value,
    ) -> Result<Value, String> {
        let mut backoff = Backoff::new();
        loop {
            match self.ask(method, path.to_owned(), body).await {
                Asked::Done(answer) => return Ok(answer),
                Asked::Refused(code) => return Err(code),
                Asked::Unanswered => backoff.pause().await,
            }
        }
    }
}

/// A room's whole log.
///
/// # Errors
/// The code that refuses.
pub(crate) async fn read_log(reader: &Rest, room: &str) -> Result<Vec<Entry>, String> {
    let mut log = Vec::new();
    let mut after = Value::from(0);
    loop {
        let path = format!(
            "/api/v1/rooms/{}/messages?after={after}&limit={PAGE}",
            encoded(room)
        );
        let page = reader.insist("GET", &path, &Value::Null).await?;
        let entries = page["messages"].as_array().into_iter().flatten();
        log.extend(entries.map(entry));
        if page["hasMore"] != true {
            return Ok(log);
        }
        after = page["next"].clone();
    }
}

/// An entry as every door shows it.
pub(super) fn entry(message: &Value) -> Entry {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let subjects = message["subjects"].as_array().into_iter().flatten();
    Entry {
        seq: message["seq"].as_u64().unwrap_or_default(),
        kind: text(&message["type"]),
        sender: text(&message["sender"]["id"]),
        subjects: subjects.map(|subject| text(&subject["id"])).collect(),
        text: text(&message["text"]),
    }
}

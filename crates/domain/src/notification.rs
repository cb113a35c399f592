//! Notifications: entries of a user's inbox, which is a log like any other.

use std::sync::Arc;

use crate::error::{Code, Error};
use crate::ids::{ClientId, UserId};
use crate::position::Seq;
use crate::time::Timestamp;

/// Longest text of a notification, in bytes of UTF-8.
pub const CONTENT_BYTES_MAX: usize = 4 * 1024;

/// Longest type, in bytes.
pub const TYPE_BYTES_MAX: usize = 64;

/// Longest link, in bytes.
pub const URL_BYTES_MAX: usize = 2 * 1024;

/// Entries of an inbox that one command marks or removes at most: a transaction must stay short.
pub const HANDLED_AT_ONCE_MAX: usize = 250;

/// What a user is notified of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// What it is about, in the host's or our own words: `desk.assigned`, `trade.opened`, …
    pub kind: Arc<str>,
    /// What a person reads.
    pub content: Arc<str>,
    /// Where it leads, by `http` or `https`, or a path; `None` for nowhere.
    pub url: Option<Arc<str>>,
    /// The host's own JSON.
    pub data: Option<Arc<str>>,
}

impl Notification {
    /// Bytes of all its texts.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let maybe = [&self.url, &self.data].into_iter().flatten();
        let parts = [&self.kind, &self.content].into_iter().chain(maybe);
        parts.map(|text| text.len()).sum()
    }

    /// Tells whether every part keeps its bound.
    ///
    /// # Errors
    /// [`Code::BodyInvalid`] says which does not. The client's fault; not retryable.
    pub fn check(&self) -> Result<(), Error> {
        let none: Arc<str> = Arc::from("");
        let parts = [
            ("type", &self.kind, TYPE_BYTES_MAX),
            ("content", &self.content, CONTENT_BYTES_MAX),
            ("url", self.url.as_ref().unwrap_or(&none), URL_BYTES_MAX),
            (
                "data",
                self.data.as_ref().unwrap_or(&none),
                CONTENT_BYTES_MAX,
            ),
        ];
        for (name, text, maximum) in parts {
            if text.len() > maximum || text.contains('\0') {
                let detail = format!("{name} is longer than {maximum} bytes or has a NUL in it");
                return Err(Error::with_detail(Code::BodyInvalid, detail));
            }
        }
        if self.url.as_deref().is_some_and(|url| !leads_somewhere(url)) {
            let detail = "url is a link with http or https, or a path";
            return Err(Error::with_detail(Code::BodyInvalid, detail));
        }
        if self.kind.is_empty() {
            return Err(Error::with_detail(Code::BodyInvalid, "type is empty"));
        }
        Ok(())
    }
}

/// Whether clients may follow it: nothing that a browser would run or take for its own.
fn leads_somewhere(url: &str) -> bool {
    let begins_with = |scheme: &str| {
        url.get(..scheme.len())
            .is_some_and(|begin| begin.eq_ignore_ascii_case(scheme))
    };
    let is_path = url.starts_with('/') && !url.starts_with("//") && !url.starts_with("/\\");
    is_path || begins_with("http://") || begins_with("https://")
}

/// Which notifications of a user are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhichNotifications {
    /// The one with this number in the user's inbox.
    One(Seq),
    /// All up to this number, the oldest [`HANDLED_AT_ONCE_MAX`] entries of those that no earlier
    /// command of the kind has passed.
    UpTo(Seq),
}

/// What is done to notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotificationAction {
    /// They are read.
    Read,
    /// They are gone: their content is removed.
    Delete,
}

/// Notifications for some users.
#[derive(Debug, Clone)]
pub struct Notify {
    /// Who gets it; each once.
    pub users: Vec<UserId>,
    /// What it says.
    pub notification: Notification,
    /// Who says so: a service's name, or a user.
    pub sender: UserId,
    /// The sender's own name for it, unique among theirs in each inbox: whoever got it is not
    /// notified again. `None`: each attempt is another one.
    pub client_id: Option<ClientId>,
    /// When.
    pub at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notification_leads_to_a_path_or_over_http_and_runs_nothing() {
        let check = |url: &str| {
            let notification = Notification {
                kind: "order".into(),
                content: "".into(),
                url: Some(url.into()),
                data: None,
            };
            notification.check().map_err(|error| error.code())
        };
        for url in [
            "/orders/7",
            "/",
            "https://example.com/a",
            "HTTP://example.com",
        ] {
            assert_eq!(check(url), Ok(()), "{url}");
        }
        for url in [
            "javascript:alert(1)",
            " javascript:alert(1)",
            "data:text/html,x",
            "//example.com",
            "/\\example.com",
            "orders/7",
            "",
        ] {
            assert_eq!(check(url), Err(Code::BodyInvalid), "{url}");
        }
    }
}

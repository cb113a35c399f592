//! Part of a log: which is asked for, and how it is answered.

use std::sync::Arc;

use axum::Json;
use axum::response::{IntoResponse, Response};
use madang_domain::ports::{LogPage, LogQuery};
use madang_domain::{Code, Error, Message, RoomHead, Seq};
use madang_engine::Conversation;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::contracts::native::{MessageBody, is_older_kept};
use crate::contracts::rooms::Head;
use crate::http::extract::limit;

const LIMIT_DEFAULT: usize = 20;

/// Part of a room's log.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct Messages<'a> {
    /// In rising order of `seq`; consecutive, unless events are left out.
    messages: Vec<MessageBody<'a>>,
    /// The log's bounds at the moment of reading.
    head: Head,
    /// Whether more are kept in the direction of reading.
    has_more: bool,
    /// Hand it back to go on, as `after` if the query had `after`, otherwise as `before`; absent
    /// when nothing is left.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 17)]
    next: Option<u64>,
}

/// Which part to read.
#[derive(Debug, Deserialize)]
pub(in crate::http) struct Range {
    before: Option<u64>,
    after: Option<u64>,
    limit: Option<usize>,
}

impl Range {
    /// # Errors
    /// [`Code::ParameterInvalid`].
    pub(in crate::http) fn query(&self) -> Result<(LogQuery, usize), Error> {
        let query = match (self.before, self.after) {
            (Some(_), Some(_)) => {
                let detail = "give either before or after, not both";
                return Err(Error::with_detail(Code::ParameterInvalid, detail));
            }
            (Some(before), None) => LogQuery::Before(Seq::new(before)),
            (None, Some(after)) => LogQuery::After(Seq::new(after)),
            (None, None) => LogQuery::Before(Seq::MAX),
        };
        Ok((query, limit(self.limit, LIMIT_DEFAULT)?))
    }
}

/// A part of a log as it is.
pub(in crate::http) fn answer_page(page: &LogPage, query: LogQuery) -> Response {
    answer(&page.messages, &page.head, next(page, query))
}

/// Messages without the events between them.
pub(in crate::http) fn answer_conversation(page: &Conversation) -> Response {
    let next = page.next.map(|next| match next {
        LogQuery::Before(seq) | LogQuery::After(seq) | LogQuery::Within(seq, _) => seq.get(),
    });
    answer(&page.messages, &page.head, next)
}

fn answer(messages: &[Arc<Message>], head: &RoomHead, next: Option<u64>) -> Response {
    let messages = Messages {
        messages: bodies(messages),
        head: Head::from(head),
        has_more: next.is_some(),
        next,
    };
    Json(messages).into_response()
}

fn bodies(messages: &[Arc<Message>]) -> Vec<MessageBody<'_>> {
    let messages = messages.iter();
    messages
        .map(|message| MessageBody::from(&**message))
        .collect()
}

/// The last entry that was read, if more are kept behind it in the direction of reading.
fn next(page: &LogPage, query: LogQuery) -> Option<u64> {
    let seq_of = |message: &Arc<Message>| message.position.seq;
    let next = match query {
        LogQuery::After(_) | LogQuery::Within(..) => {
            let last = page.messages.last().map(seq_of);
            last.filter(|last| *last < page.head.last)
        }
        LogQuery::Before(_) => {
            let first = page.messages.first().map(seq_of);
            first.filter(|_| is_older_kept(first, page.head.oldest))
        }
    };
    next.map(Seq::get)
}

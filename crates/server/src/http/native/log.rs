//! Part of a log: which is asked for, and how it is answered.

use std::sync::Arc;

use axum::Json;
use axum::response::{IntoResponse, Response};
use madang_domain::ports::{LogPage, LogQuery};
use madang_domain::{Code, Error, Message, Seq};
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
    /// Where events are left out: hand it back as `before` or `after` to go on; absent when nothing
    /// is left.
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
    answer(Messages {
        messages: bodies(&page.messages),
        head: Head::from(&page.head),
        has_more: has_more(page, query),
        next: None,
    })
}

/// Messages without the events between them.
pub(in crate::http) fn answer_conversation(page: &Conversation) -> Response {
    let next = page.next.map(|next| match next {
        LogQuery::Before(seq) | LogQuery::After(seq) | LogQuery::Within(seq, _) => seq.get(),
    });
    answer(Messages {
        messages: bodies(&page.messages),
        head: Head::from(&page.head),
        has_more: next.is_some(),
        next,
    })
}

fn answer(messages: Messages<'_>) -> Response {
    Json(messages).into_response()
}

fn bodies(messages: &[Arc<Message>]) -> Vec<MessageBody<'_>> {
    let messages = messages.iter();
    messages
        .map(|message| MessageBody::from(&**message))
        .collect()
}

fn has_more(page: &LogPage, query: LogQuery) -> bool {
    let seq_of = |message: Option<&Arc<Message>>| message.map(|message| message.position.seq);
    match query {
        LogQuery::After(_) | LogQuery::Within(..) => {
            seq_of(page.messages.last()).is_some_and(|last| last < page.head.last)
        }
        LogQuery::Before(_) => is_older_kept(seq_of(page.messages.first()), page.head.oldest),
    }
}

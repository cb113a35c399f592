//! Notifications: entries of a user's inbox.

use std::sync::Arc;

use madang_domain::ports::{LogQuery, MessagePage};
use madang_domain::{
    Answer, Caller, ClientId, Code, Command, Error, Message, MessageKind, Notification,
    NotificationAction, Notify, Revision, RoomId, Seq, UserId, WhichNotifications,
};

use crate::engine::{Engine, store_failed};

/// Users that one call notifies at most.
pub const NOTIFIED_AT_ONCE_MAX: usize = 1_000;

/// Entries of an inbox that are read at once where deleted ones are passed over.
const READ_AT_ONCE: usize = 200;

/// Users that one command notifies at most: a transaction must stay short.
const NOTIFIED_BY_ONE_COMMAND: usize = 100;

impl Engine {
    /// Notifies each of `users` once, with `sender`'s words; nobody again whom `sender` has notified
    /// with the same `client_id`. Stored, and shown live to those who
    /// listen.
    ///
    /// # Errors
    /// [`Code::BodyInvalid`]: a part is out of its bounds, or there are too many users.
    /// [`Code::Unavailable`]: retryable; some may have been notified.
    pub async fn notify(
        &self,
        sender: &UserId,
        mut users: Vec<UserId>,
        notification: Notification,
        client_id: Option<ClientId>,
    ) -> Result<usize, Error> {
        notification.check()?;
        users.sort_unstable();
        users.dedup();
        if users.len() > NOTIFIED_AT_ONCE_MAX {
            let detail = format!("at most {NOTIFIED_AT_ONCE_MAX} users are notified at once");
            return Err(Error::with_detail(Code::BodyInvalid, detail));
        }
        for chunk in users.chunks(NOTIFIED_BY_ONE_COMMAND) {
            let notify = Notify {
                users: chunk.to_vec(),
                notification: notification.clone(),
                sender: sender.clone(),
                client_id: client_id.clone(),
                at: self.now(),
            };
            self.carry_out(Command::Notify(Box::new(notify))).await?;
        }
        Ok(users.len())
    }

    /// Page `number` (from 1) of `size` of the caller's notifications, newest page first, oldest
    /// first within it; without those that were deleted. Nothing when there never was one. Where
    /// some were deleted, it costs by those passed over.
    ///
    /// # Errors
    /// [`Code::ParameterInvalid`]: `number` is 0. [`Code::Unavailable`]: retryable.
    pub async fn notifications(
        &self,
        caller: &Caller,
        number: u64,
        size: usize,
    ) -> Result<MessagePage, Error> {
        let total = self.store.notification_count(&caller.user).await;
        let total = total.map_err(|e| store_failed(&e))?;
        let skip = number.saturating_sub(1).saturating_mul(size as u64);
        if number > 0 && skip >= total {
            let messages = Vec::new();
            return Ok(MessagePage { messages, total });
        }
        let inbox = RoomId::inbox(&caller.user);
        let page = match self.read_page(caller, &inbox, number, size).await {
            Err(error) if error.code() == Code::RoomNotFound => MessagePage {
                messages: Vec::new(),
                total: 0,
            },
            page => page?,
        };
        if page.total == total {
            return Ok(page);
        }
        let messages = self.passing_over_deleted(&inbox, skip, size).await?;
        Ok(MessagePage { messages, total })
    }

    /// The newest notifications that are there, `skip` of them passed over; oldest first.
    async fn passing_over_deleted(
        &self,
        inbox: &RoomId,
        skip: u64,
        size: usize,
    ) -> Result<Vec<Arc<Message>>, Error> {
        let (mut found, mut to_skip, mut before) = (Vec::with_capacity(size), skip, Seq::MAX);
        while found.len() < size {
            // By number and not by how many were looked at: more may come in between.
            let query = LogQuery::Before(before);
            let page = self.store.read_log(inbox, query, READ_AT_ONCE).await;
            let page = page.map_err(|e| store_failed(&e))?;
            let messages = page.map(|page| page.messages).unwrap_or_default();
            let Some(oldest) = messages.first() else {
                break;
            };
            before = oldest.position.seq;
            for message in messages.into_iter().rev().filter(|m| is_there(m)) {
                if to_skip > 0 {
                    to_skip -= 1;
                } else if found.len() < size {
                    found.push(message);
                }
            }
        }
        found.reverse();
        Ok(found)
    }

    /// How many of the caller's notifications are unread.
    ///
    /// # Errors
    /// [`Code::Unavailable`]: retryable.
    pub async fn unread_notifications(&self, caller: &Caller) -> Result<u64, Error> {
        let unread = self.store.unread_notifications(&caller.user).await;
        unread.map_err(|e| store_failed(&e))
    }

    /// Marks or deletes notifications of the caller, many of them a piece at a time. Answers how many
    /// changed.
    ///
    /// # Errors
    /// [`Code::NotificationNotFound`]: the one that is meant is not there.
    /// [`Code::Unavailable`]: retryable; some may have changed.
    pub async fn revise_notifications(
        &self,
        caller: &Caller,
        which: WhichNotifications,
        action: NotificationAction,
    ) -> Result<usize, Error> {
        let mut all = 0;
        loop {
            let command = Command::Notifications {
                user: caller.user.clone(),
                which,
                action,
                at: self.now(),
            };
            let Answer::Handled { changed, is_all } = self.carry_out(command).await? else {
                // No store answers so: a defect.
                return Err(Code::Internal.into());
            };
            all += changed;
            if is_all {
                return Ok(all);
            }
        }
    }
}

/// Whether an entry of an inbox is a notification that was not deleted.
fn is_there(entry: &Message) -> bool {
    entry.kind == MessageKind::Notification && !matches!(entry.revision(), Revision::Deleted(_))
}

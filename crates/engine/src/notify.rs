//! Notifications: entries of a user's inbox.

use std::sync::Arc;

use madang_domain::ports::MessagePage;
use madang_domain::{
    Answer, Caller, Code, Command, Error, Message, Notification, NotificationAction, Notify,
    Revision, RoomId, UserId, WhichNotifications,
};

use crate::engine::{Engine, store_failed};

/// Users that one call notifies at most.
pub const NOTIFIED_AT_ONCE_MAX: usize = 1_000;

/// Entries of an inbox that are read at once where deleted ones are passed over.
const READ_AT_ONCE: usize = 200;

/// Users that one command notifies at most: a transaction must stay short.
const NOTIFIED_BY_ONE_COMMAND: usize = 100;

impl Engine {
    /// Notifies each of `users` once, with `sender`'s words. Stored, and shown live to those who
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
        let skip = (number - 1).saturating_mul(size as u64);
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
        let (mut found, mut to_skip, mut looked_at) = (Vec::with_capacity(size), skip, 0);
        while found.len() < size {
            let page = self.store.read_messages(inbox, looked_at, READ_AT_ONCE);
            let page = page.await.map_err(|e| store_failed(&e))?;
            let messages = page.map(|page| page.messages).unwrap_or_default();
            looked_at += messages.len() as u64;
            let is_last = messages.len() < READ_AT_ONCE;
            let there = messages.into_iter().rev();
            for message in there.filter(|m| !matches!(m.revision(), Revision::Deleted(_))) {
                if to_skip > 0 {
                    to_skip -= 1;
                } else if found.len() < size {
                    found.push(message);
                }
            }
            if is_last {
                break;
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

    /// Marks or deletes notifications of the caller. Answers how many changed.
    ///
    /// # Errors
    /// [`Code::NotificationNotFound`]: the one that is meant is not there.
    /// [`Code::Unavailable`]: retryable.
    pub async fn revise_notifications(
        &self,
        caller: &Caller,
        which: WhichNotifications,
        action: NotificationAction,
    ) -> Result<usize, Error> {
        let command = Command::Notifications {
            user: caller.user.clone(),
            which,
            action,
            at: self.now(),
        };
        match self.carry_out(command).await? {
            Answer::Done(changed) => Ok(changed),
            Answer::Sent(_) | Answer::Room(..) | Answer::Claim(_) => Err(Code::Internal.into()),
        }
    }
}

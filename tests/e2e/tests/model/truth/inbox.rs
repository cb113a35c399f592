//! Notifications: a log of each user's.

use serde_json::Value;

use super::{Entry, HOST, Model, Told, User, entry_in};

/// What is done to notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Handling {
    Read,
    Delete,
}

impl Model {
    /// Each user is notified once.
    pub(in super::super) fn notify(&mut self, users: &[User], content: &str, data: &Value) {
        let mut users = users.to_vec();
        users.sort_unstable();
        users.dedup();
        for user in users {
            self.notify_one(user, HOST, content, data.clone());
        }
    }

    pub(super) fn notify_one(&mut self, user: User, sender: User, content: &str, data: Value) {
        let mut entry = Entry::new("notification", sender, "host");
        entry.body.text = content.to_owned();
        entry.body.data = Some(data);
        self.inboxes.entry(user).or_default().push(entry);
    }

    /// One notification, or all up to a number.
    pub(in super::super) fn handle(
        &mut self,
        who: User,
        seq: u64,
        up_to: bool,
        how: Handling,
    ) -> Told<()> {
        let inbox = self.inboxes.get(who).map_or(&[][..], Vec::as_slice);
        let is_there = |entry: &Entry| entry.kind == "notification" && !entry.deleted;
        if !up_to && !entry_in(inbox, seq).is_some_and(is_there) {
            return Err("NOTIFICATION_NOT_FOUND");
        }
        let target = seq.min(inbox.len() as u64);
        let mut changed = false;
        for (entry, number) in self.inboxes.entry(who).or_default().iter_mut().zip(1..) {
            let is_meant = if up_to {
                number <= target
            } else {
                number == target
            };
            let is_done = how == Handling::Read && entry.read;
            if is_meant && is_there(entry) && !is_done {
                changed = true;
                entry.read = true;
                if how == Handling::Delete {
                    entry.deleted = true;
                    entry.body = Default::default();
                }
            }
        }
        if changed {
            let kind = match how {
                Handling::Read => "notificationRead",
                Handling::Delete => "notificationDeleted",
            };
            let mut entry = Entry::new(kind, who, "member");
            entry.target = Some(target);
            entry.up_to = up_to;
            self.inboxes.entry(who).or_default().push(entry);
        }
        Ok(())
    }

    /// What is there of the notifications, newest first, by number.
    pub(in super::super) fn notifications(&self, who: User) -> Vec<(u64, &Entry)> {
        let inbox = self.inboxes.get(who).map_or(&[][..], Vec::as_slice);
        let all = (1..).zip(inbox);
        let there = all.filter(|(_, entry)| entry.kind == "notification" && !entry.deleted);
        let mut there: Vec<_> = there.collect();
        there.reverse();
        there
    }
}

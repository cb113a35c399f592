//! Small changes that nobody appends: marks, and what is known of users. Those that wait together
//! are kept by one commit: readers acknowledge far more often than they write, and a commit is a
//! sync of the disk.

use madang_domain::ports::StoreError;
use madang_domain::receipt::ReadMark;
use madang_domain::{Position, RoomId, UserChange, UserId};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::writer::Writer;

/// What is to be kept.
#[derive(Debug)]
pub(super) enum Wish {
    Delivered(Mark),
    Read(Mark),
    Users(Vec<UserChange>),
}

#[derive(Debug)]
pub(super) struct Mark {
    pub(super) room: RoomId,
    pub(super) user: UserId,
    pub(super) position: Position,
}

/// The read mark, of a wish that is about one.
type Kept = Result<Option<ReadMark>, String>;

/// What waits for the writer. Bounded by the callers, who wait for their answers.
#[derive(Debug, Default)]
pub(super) struct Gathered(Mutex<Vec<(Wish, oneshot::Sender<Kept>)>>);

impl Gathered {
    /// Adds a wish; what became of it is told after the next [`Writer::keep_gathered`].
    pub(super) fn push(&self, wish: Wish) -> oneshot::Receiver<Kept> {
        let (answer, receiver) = oneshot::channel();
        self.0.lock().push((wish, answer));
        receiver
    }
}

impl Writer {
    /// Keeps all that waits.
    pub(super) fn keep_gathered(&mut self) {
        let wishes = std::mem::take(&mut *self.gathered.0.lock());
        if wishes.is_empty() {
            // An earlier call took them.
            return;
        }
        let kept = self.transaction(|writer| {
            let wishes = wishes.iter();
            wishes
                .map(|(wish, _)| writer.keep(wish))
                .collect::<Result<Vec<_>, _>>()
        });
        let failed = kept.as_ref().err().map(ToString::to_string);
        let mut kept = kept.into_iter().flatten();
        for (_, answer) in wishes {
            let result = match &failed {
                Some(error) => Err(error.clone()),
                None => Ok(kept.next().flatten()),
            };
            // A caller that went away does not undo what is done.
            let _ = answer.send(result);
        }
    }

    fn keep(&mut self, wish: &Wish) -> Result<Option<ReadMark>, StoreError> {
        match wish {
            Wish::Delivered(mark) => self.keep_delivered(mark).map(|()| None),
            Wish::Read(mark) => self.keep_read(mark),
            Wish::Users(changes) => {
                changes
                    .iter()
                    .try_for_each(|change| self.keep_user(change))?;
                Ok(None)
            }
        }
    }
}

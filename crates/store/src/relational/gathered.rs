//! Small changes that nobody appends: marks, and what is known of users. Those that wait together
//! are kept by one commit: readers acknowledge far more often than they write, and a commit is a
//! sync of the disk.

use madang_domain::ports::StoreError;
use madang_domain::receipt::ReadMark;
use madang_domain::{Position, RoomId, UserChange, UserId};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::change::{Change, Changes};

/// What is to be kept.
#[derive(Debug)]
pub(crate) enum Wish {
    Delivered(Mark),
    Read(Mark),
    Users(Vec<UserChange>),
}

#[derive(Debug)]
pub(crate) struct Mark {
    pub(crate) room: RoomId,
    pub(crate) user: UserId,
    pub(crate) position: Position,
}

/// The read mark, of a wish that is about one.
type Kept = Result<Option<ReadMark>, String>;

/// What waits for the writer. Each has a job in the writer's queue: so it is bounded.
#[derive(Debug, Default)]
pub(crate) struct Gathered(Mutex<Vec<Waiting>>);

type Waiting = (Wish, oneshot::Sender<Kept>);

/// After so many failures in a row the others are failed without a try: the store is down, and each
/// try may wait for a time-out.
const FAILURES_MAX: usize = 3;

impl Gathered {
    /// Adds a wish; what became of it is told after the next [`Gathered::keep`].
    pub(crate) fn push(&self, wish: Wish) -> oneshot::Receiver<Kept> {
        let (answer, receiver) = oneshot::channel();
        self.0.lock().push((wish, answer));
        receiver
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.0.lock().len()
    }

    /// Keeps all that waits: together, and one by one when that fails, so that one wish cannot fail
    /// the others.
    pub(crate) fn keep(&self, writer: &mut impl Changes) {
        let wishes = std::mem::take(&mut *self.0.lock());
        if wishes.is_empty() {
            // An earlier call took them.
            return;
        }
        let together = writer.change(|change| {
            let wishes = wishes.iter();
            wishes
                .map(|(wish, _)| change.keep(wish))
                .collect::<Result<Vec<_>, _>>()
        });
        match together {
            Ok(kept) => {
                for ((_, answer), kept) in wishes.into_iter().zip(kept) {
                    // A caller that went away does not undo what is done.
                    let _ = answer.send(Ok(kept));
                }
            }
            Err(error) => keep_one_by_one(writer, wishes, &error),
        }
    }
}

fn keep_one_by_one(writer: &mut impl Changes, wishes: Vec<Waiting>, error: &StoreError) {
    tracing::warn!(%error, wishes = wishes.len(), "marks were not kept together");
    let is_one = wishes.len() == 1;
    let mut failures = if is_one { FAILURES_MAX } else { 0 };
    let mut last = error.to_string();
    for (wish, answer) in wishes {
        let kept = match failures {
            FAILURES_MAX.. => Err(last.clone()),
            _ => writer
                .change(|change| change.keep(&wish))
                .map_err(|error| error.to_string()),
        };
        match &kept {
            Ok(_) => failures = 0,
            Err(error) => {
                failures += 1;
                last.clone_from(error);
            }
        }
        let _ = answer.send(kept);
    }
}

impl Change<'_> {
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

//! Small changes that nobody appends: marks, and what is known of users. Those that wait together
//! are kept by one commit: readers acknowledge far more often than they write, and a commit is a
//! sync of the disk.

use std::collections::BTreeSet;

use madang_domain::ports::StoreError;
use madang_domain::receipt::ReadMark;
use madang_domain::{Position, RoomId, UserChange, UserId};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::change::{Change, Changes};
use super::memory;

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
            let wishes: Vec<&Wish> = wishes.iter().map(|(wish, _)| wish).collect();
            change.keep_all(&wishes)
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
    /// Answers the read mark of each wish that is about one.
    fn keep_all(&mut self, wishes: &[&Wish]) -> Result<Vec<Option<ReadMark>>, StoreError> {
        let delivered = wishes.iter().filter_map(|wish| match wish {
            Wish::Delivered(mark) => Some(mark),
            _ => None,
        });
        let read = wishes
            .iter()
            .enumerate()
            .filter_map(|(at, wish)| match wish {
                Wish::Read(mark) => Some((at, mark)),
                _ => None,
            });
        let (places, read): (Vec<usize>, Vec<&Mark>) = read.unzip();
        let delivered: Vec<&Mark> = delivered.collect();
        let Some(of_rooms) = self.log.marks_of_rooms(&delivered, &read)? else {
            return wishes.iter().map(|wish| self.keep(wish)).collect();
        };
        let mut answers = vec![None; wishes.len()];
        // The rooms first, as whoever writes into them: before rows of their members.
        let rooms: BTreeSet<&RoomId> = of_rooms.iter().map(|at| &read[*at].room).collect();
        memory::load_rooms(self.database, self.memory, &rooms)?;
        for at in &of_rooms {
            answers[places[*at]] = self.keep_read(read[*at])?;
        }
        let others: Vec<usize> = (0..read.len())
            .filter(|at| !of_rooms.contains(at))
            .collect();
        let marks: Vec<&Mark> = others.iter().map(|at| read[*at]).collect();
        let kept = self.log.keep_marks(&delivered, &marks)?;
        for (at, mark) in others.into_iter().zip(kept) {
            answers[places[at]] = mark;
        }
        for wish in wishes {
            if let Wish::Users(_) = wish {
                self.keep(wish)?;
            }
        }
        Ok(answers)
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

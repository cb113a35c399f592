//! What bounds the uploads that are under way: so many of each person, so many bytes that came and
//! are not stored yet, and so many writes to the store at once. A slow sender holds what it has
//! sent, and no more.

use std::collections::HashMap;

use madang_domain::{Code, Error, UserId};
use parking_lot::Mutex;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Uploads of one person at the same time.
pub(super) const PER_PERSON_MAX: usize = 2;

pub(super) struct UnderWay {
    /// How many each person has; whoever has none is not in it.
    persons: Mutex<HashMap<UserId, usize>>,
    bytes: Semaphore,
    writes: Semaphore,
}

/// One upload of a person, until it is dropped.
pub(super) struct OfPerson<'a> {
    under_way: &'a UnderWay,
    person: UserId,
}

impl UnderWay {
    /// For so many uploads of so many bytes each.
    pub(super) fn new(uploads_max: usize, bytes_max: usize) -> Self {
        let bytes = uploads_max.saturating_mul(bytes_max);
        Self {
            persons: Mutex::default(),
            bytes: Semaphore::new(bytes.min(Semaphore::MAX_PERMITS)),
            writes: Semaphore::new(uploads_max),
        }
    }

    /// # Errors
    /// [`Code::TooMany`]: the person has [`PER_PERSON_MAX`].
    pub(super) fn begin(&self, person: &UserId) -> Result<OfPerson<'_>, Error> {
        let mut persons = self.persons.lock();
        let uploads = persons.entry(person.clone()).or_default();
        if *uploads == PER_PERSON_MAX {
            let detail = format!("you have {PER_PERSON_MAX} uploads under way already");
            return Err(Error::with_detail(Code::TooMany, detail));
        }
        *uploads += 1;
        Ok(OfPerson {
            under_way: self,
            person: person.clone(),
        })
    }

    /// Adds to the bytes that an upload holds.
    ///
    /// # Errors
    /// [`Code::Overloaded`]: there are too many in all; retryable.
    pub(super) fn hold<'a>(
        &'a self,
        held: &mut Option<SemaphorePermit<'a>>,
        bytes: usize,
    ) -> Result<(), Error> {
        let bytes = u32::try_from(bytes).map_err(|_| Code::TooLarge)?;
        let more = self.bytes.try_acquire_many(bytes);
        let more = more.map_err(|_| Code::Overloaded)?;
        match held {
            Some(held) => held.merge(more),
            None => *held = Some(more),
        }
        Ok(())
    }

    /// Waits for a place for a write to the store, which is given back when it is dropped. What waits
    /// holds its bytes.
    ///
    /// # Errors
    /// None: nobody closes the places.
    pub(super) async fn write(&self) -> Result<SemaphorePermit<'_>, Error> {
        let place = self.writes.acquire().await;
        place.map_err(|_| Code::Overloaded.into())
    }
}

impl Drop for OfPerson<'_> {
    fn drop(&mut self) {
        let mut persons = self.under_way.persons.lock();
        if let Some(uploads) = persons.get_mut(&self.person) {
            *uploads -= 1;
            if *uploads == 0 {
                persons.remove(&self.person);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_counted_only_while_they_upload() {
        let under_way = UnderWay::new(1, 1);
        let [kim, lee] = ["kim", "lee"].map(|id| UserId::new(id).unwrap());
        let first = under_way.begin(&kim).unwrap();
        let second = under_way.begin(&kim).unwrap();
        let refused = under_way.begin(&kim).err().unwrap();
        assert_eq!(refused.code(), Code::TooMany);
        drop(under_way.begin(&lee).unwrap());
        drop(first);
        let again = under_way.begin(&kim).unwrap();
        drop((second, again));
        assert!(under_way.persons.lock().is_empty());
    }

    #[test]
    fn an_upload_holds_what_came_of_it_and_gives_it_back() {
        let under_way = UnderWay::new(2, 100);
        let (mut slow, mut other) = (None, None);
        under_way.hold(&mut slow, 1).unwrap();
        under_way.hold(&mut other, 100).unwrap();
        under_way.hold(&mut other, 99).unwrap();
        let refused = under_way.hold(&mut slow, 1).unwrap_err();
        assert_eq!(refused.code(), Code::Overloaded);
        drop(other);
        under_way.hold(&mut slow, 199).unwrap();
    }
}

//! Removes what was uploaded and no room has.
//!
//! # Why it removes no picture that a room has or gets
//! The database decides, in transactions one after another: `retire` answers which uploads rooms
//! have, and by the same transaction no room can take the others from then on. A room that takes one
//! does so either before, and the sweep is told so, or after, and is refused. No clock is part of
//! that.
//!
//! The database remembers which uploads are retired for [`RETIRED_FOR`], two days, and need not for
//! longer: a room may take only what [`may_be_taken`], less than a day old, and an upload whose
//! retirement is forgotten is gone or two days old. What clocks differ by, and what a room's
//! transaction comes later than it was asked, may together be the day in between.
//!
//! [`RETIRED_FOR`]: madang_domain::room::RETIRED_FOR

use std::fs::DirEntry;
use std::path::Path as FilePath;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::{StreamExt, TryStreamExt, stream};
use madang_domain::Error;
use object_store::ObjectMeta;
use object_store::path::Path;
use tokio::time::{MissedTickBehavior, interval};

use super::{PictureKey, PictureStore, UPLOADS, reason};

/// How old an upload is at least that is swept away.
const UNUSED_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// How old an upload is at most that a room may take.
const TAKEN_WITHIN: Duration = Duration::from_secs(23 * 60 * 60);

/// How often it is looked for. Every node does; that another was there before does no harm.
const INTERVAL: Duration = Duration::from_secs(60 * 60);

/// Uploads that the database is asked about at once.
const BATCH: usize = 256;

/// Whether an upload is young enough for a room to take it, by when the store says it was written.
pub(super) fn may_be_taken(upload: &ObjectMeta, now: SystemTime) -> bool {
    SystemTime::from(upload.last_modified) + TAKEN_WITHIN > now
}

/// Sweeps now, and then once an hour, until `stop` is done. What fails is tried again at the next
/// time. `retire` answers which links rooms have, in the order asked, and sees to it that no room
/// can take the others any more; what fails there is logged there.
pub async fn sweep_until(
    store: Arc<PictureStore>,
    retire: impl AsyncFn(&[Arc<str>]) -> Result<Vec<bool>, Error>,
    stop: impl Future<Output = ()>,
) {
    let mut stop = pin!(stop);
    let mut hours = interval(INTERVAL);
    hours.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let sweeping = async {
        loop {
            hours.tick().await;
            store.sweep(&retire).await;
        }
    };
    tokio::select! {
        () = &mut stop => {}
        () = sweeping => {}
    }
}

impl PictureStore {
    /// Removes every upload that is a day old, by when the store says it was written, and that no
    /// room has. `retire` as of [`sweep_until`].
    pub(crate) async fn sweep(
        &self,
        retire: impl AsyncFn(&[Arc<str>]) -> Result<Vec<bool>, Error>,
    ) {
        let before = SystemTime::now() - UNUSED_MAX;
        let listed = self.objects.list(Some(&self.root.clone().join(UPLOADS)));
        let overdue = listed
            .try_filter_map(|object| std::future::ready(Ok(self.overdue(&object, before))))
            .try_chunks(BATCH);
        let mut overdue = pin!(overdue);
        let mut count = 0;
        while let Some(batch) = overdue.next().await {
            let keys = match batch {
                Ok(keys) => keys,
                Err(stream::TryChunksError(_, error)) => {
                    log_failure(&error);
                    break;
                }
            };
            let links: Vec<Arc<str>> = keys.iter().map(|key| key.link().into()).collect();
            let Ok(used) = retire(&links).await else {
                break;
            };
            let unused = keys.iter().zip(used).filter(|(_, is_used)| !is_used);
            let unused: Vec<_> = unused.map(|(key, _)| self.path(key)).collect();
            count += self.remove(unused).await;
        }
        if count > 0 {
            tracing::info!(count, "unused pictures were swept away");
        }
        if let Some(folder) = self.folder.clone() {
            // A panic there is a defect that the runtime reports.
            drop(tokio::task::spawn_blocking(move || sweep_torn(&folder, before)).await);
        }
    }

    /// Files that others put there are left alone.
    fn overdue(&self, object: &ObjectMeta, before: SystemTime) -> Option<PictureKey> {
        let key = object.location.filename().and_then(PictureKey::parse)?;
        let is_ours = object.location == self.path(&key);
        let is_old = SystemTime::from(object.last_modified) < before;
        (is_ours && is_old).then_some(key)
    }

    /// Answers how many were there.
    async fn remove(&self, objects: Vec<Path>) -> u64 {
        let objects = stream::iter(objects.into_iter().map(Ok)).boxed();
        let mut removals = self.objects.delete_stream(objects);
        let mut count = 0;
        while let Some(removal) = removals.next().await {
            match removal {
                Ok(_) => count += 1,
                Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => log_failure(&error),
            }
        }
        count
    }
}

fn log_failure(error: &object_store::Error) {
    let error = reason(error);
    tracing::error!(error, "unused pictures could not be swept away");
}

/// Removes what a process that was killed left of writing a file: `KEY#1`. It is no object yet, so
/// that the store does not list it.
fn sweep_torn(folder: &FilePath, before: SystemTime) {
    let torn = std::fs::read_dir(folder.join(UPLOADS))
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter(|file| is_torn(file, before));
    for file in torn {
        if let Err(error) = std::fs::remove_file(file.path()) {
            tracing::error!(%error, "a torn picture could not be swept away");
        }
    }
}

fn is_torn(file: &DirEntry, before: SystemTime) -> bool {
    let name = file.file_name();
    let key = name.to_str().and_then(|name| name.split_once('#'));
    let is_ours = key.is_some_and(|(key, _)| PictureKey::parse(key).is_some());
    let modified = file.metadata().and_then(|metadata| metadata.modified());
    is_ours && modified.is_ok_and(|modified| modified < before)
}

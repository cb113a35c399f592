//! Removes what was uploaded and never used.

use std::fs::DirEntry;
use std::path::Path as FilePath;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::{StreamExt, TryStreamExt};
use object_store::ObjectMeta;
use tokio::time::{MissedTickBehavior, interval};

use super::{KEPT, PictureKey, PictureStore, UNUSED, reason};

/// How long an upload may be unused.
const UNUSED_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// How often it is looked for. Every node does; that another was there before does no harm.
const INTERVAL: Duration = Duration::from_secs(60 * 60);

/// Sweeps now, and then once an hour, until `stop` is done. What fails is tried again at the next
/// time.
pub async fn sweep_until(store: Arc<PictureStore>, stop: impl Future<Output = ()>) {
    let mut stop = pin!(stop);
    let mut hours = interval(INTERVAL);
    hours.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let sweeping = async {
        loop {
            hours.tick().await;
            store.sweep().await;
        }
    };
    tokio::select! {
        () = &mut stop => {}
        () = sweeping => {}
    }
}

impl PictureStore {
    /// Removes every upload that has been unused for a day, by when the store says it was written.
    pub(super) async fn sweep(&self) {
        let before = SystemTime::now() - UNUSED_MAX;
        let listed = self.objects.list(Some(&self.root.clone().join(UNUSED)));
        let overdue = listed
            .try_filter_map(move |object| std::future::ready(Ok(is_overdue(&object, before))))
            .boxed();
        let mut removed = self.objects.delete_stream(overdue);
        let mut count = 0_u64;
        while let Some(removal) = removed.next().await {
            match removal {
                Ok(_) => count += 1,
                Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => {
                    let error = reason(&error);
                    tracing::error!(error, "unused pictures could not be swept away");
                    break;
                }
            }
        }
        if count > 0 {
            tracing::info!(count, "unused pictures were swept away");
        }
        if let Some(folder) = self.folder.clone() {
            // A panic there is a defect that the runtime reports.
            drop(tokio::task::spawn_blocking(move || sweep_torn(&folder, before)).await);
        }
    }
}

/// Files that others put there are left alone.
fn is_overdue(object: &ObjectMeta, before: SystemTime) -> Option<object_store::path::Path> {
    let is_ours = object.location.filename().and_then(PictureKey::parse);
    let is_old = SystemTime::from(object.last_modified) < before;
    (is_ours.is_some() && is_old).then(|| object.location.clone())
}

/// Removes what a process that was killed left of writing a file: `KEY#1`. It is no object yet, so
/// that the store does not list it.
fn sweep_torn(folder: &FilePath, before: SystemTime) {
    let torn = [UNUSED, KEPT]
        .into_iter()
        .filter_map(|state| std::fs::read_dir(folder.join(state)).ok())
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

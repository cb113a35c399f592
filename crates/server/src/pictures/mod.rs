//! Room pictures that are uploaded to this server, in the object store that the configuration
//! names. Knows keys and bytes, neither rooms nor HTTP.
//!
//! An upload is an object under `unused/` until a room takes it ([`PictureStore::keep`]), which
//! puts it under `kept/`. What stays unused for a day is swept away. Whether a picture is used is
//! thus told by its path, which every kind of store has, and a sweep can never reach a picture that
//! a room has.

mod format;
mod key;
mod place;
mod released;
mod sweep;
#[cfg(test)]
mod tests;

use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use madang_domain::{Caller, Code, Error, Role, Timestamp, policy};
use madang_engine::Allowance;
use object_store::path::Path;
use object_store::{GetOptions, GetResult, ObjectStore, ObjectStoreExt, PutMode};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::config::Pictures;
use place::Place;

pub use format::PictureFormat;
pub(crate) use key::PICTURES_PATH;
pub use key::PictureKey;
pub use place::PicturesError;
pub use released::remove_released;
pub use sweep::sweep_until;

const UNUSED: &str = "unused";
const KEPT: &str = "kept";

/// The pictures of rooms. Cheap to ask; shared by all handlers of the node.
pub struct PictureStore {
    objects: Arc<dyn ObjectStore>,
    root: Path,
    /// Where the objects are files.
    folder: Option<PathBuf>,
    takes_uploads: bool,
    bytes_max: usize,
    places: Semaphore,
    allowance: Allowance,
}

/// A place among the uploads that are under way, given back when it is dropped. Nothing is stored
/// before [`finish`](Self::finish).
pub struct Upload<'a> {
    store: &'a PictureStore,
    _place: SemaphorePermit<'a>,
}

/// A picture on its way out.
pub struct Picture {
    /// Its length, in bytes.
    pub size: u64,
    /// Its bytes in order, read as they are asked for. After an error, which is logged, nothing
    /// more comes.
    pub content: BoxStream<'static, Result<Bytes, object_store::Error>>,
}

impl PictureStore {
    /// Makes the folder when it is missing; a bucket is not asked yet. `data` is the data directory.
    ///
    /// # Errors
    /// [`PicturesError`]: the operator's fault.
    pub fn open(options: &Pictures, data: &FilePath) -> Result<Self, PicturesError> {
        let Place {
            objects,
            root,
            folder,
        } = Place::open(options, data)?;
        Ok(Self {
            objects,
            root,
            folder,
            takes_uploads: options.upload,
            bytes_max: options.bytes_max,
            places: Semaphore::new(options.uploads_max),
            allowance: Allowance::per_day(u64::from(options.per_user_per_day_max)),
        })
    }

    /// Whether pictures may be uploaded.
    #[must_use]
    pub const fn takes_uploads(&self) -> bool {
        self.takes_uploads
    }

    /// Most bytes of one picture.
    #[must_use]
    pub const fn bytes_max(&self) -> usize {
        self.bytes_max
    }

    /// Lets `caller` upload one picture, which counts from now on. Never waits.
    ///
    /// # Errors
    /// [`Code::NotForGuests`]. [`Code::Overloaded`]: too many uploads are under way; retryable.
    /// [`Code::TooMany`]: too many of this person in 24 hours; retryable then.
    pub fn begin(&self, caller: &Caller) -> Result<Upload<'_>, Error> {
        policy::may_upload(caller.role)?;
        let Ok(place) = self.places.try_acquire() else {
            return Err(Code::Overloaded.into());
        };
        if caller.role != Role::Service {
            let taken = self.allowance.take(&caller.user, 1, now());
            taken.map_err(|wait| {
                let detail = "you have uploaded too many pictures in the last 24 hours";
                Error::with_detail(Code::TooMany, detail).retry_after(wait)
            })?;
        }
        Ok(Upload {
            store: self,
            _place: place,
        })
    }

    /// The picture of that key, used by a room or not; `None` when there is none.
    ///
    /// # Errors
    /// [`Code::Unavailable`]: the store cannot be reached or refuses; retryable.
    pub async fn get(&self, key: &PictureKey) -> Result<Option<Picture>, Error> {
        let found = self.find(key, GetOptions::new()).await?;
        Ok(found.map(|found| Picture {
            size: found.meta.size,
            content: found.into_stream().inspect_err(log_cut).boxed(),
        }))
    }

    /// Whether there is a picture of that key, used by a room or not.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn contains(&self, key: &PictureKey) -> Result<bool, Error> {
        let found = self.find(key, GetOptions::new().with_head(true)).await?;
        Ok(found.is_some())
    }

    /// Takes an upload for a room, which has it alone: from now on it stays until
    /// [`delete`](Self::delete). To be called before the room is told to have it; when the room then
    /// does not get it, delete it. Poll it to its end: dropped half-way, it may have kept a picture
    /// that no room has.
    ///
    /// # Errors
    /// [`Code::BodyInvalid`]: there is no such upload, it was left unused for too long, or a room
    /// took it before, this one included; the client's fault. [`Code::Unavailable`]: the store
    /// cannot be reached or refuses; retryable.
    pub async fn keep(&self, key: &PictureKey) -> Result<(), Error> {
        let unused = self.path(UNUSED, key);
        let content = match self.objects.get(&unused).await {
            Ok(found) => found.bytes().await,
            Err(error) => Err(error),
        };
        let content = match content {
            Ok(content) => content,
            Err(object_store::Error::NotFound { .. }) => return Err(not_for_taking()),
            Err(error) => return Err(unavailable(&error)),
        };
        // Of two rooms that want it at once one gets it: an object of that name is not replaced.
        let kept = self.path(KEPT, key);
        let put = self
            .objects
            .put_opts(&kept, content.into(), PutMode::Create.into());
        match put.await {
            Ok(_) => {}
            Err(object_store::Error::AlreadyExists { .. }) => return Err(not_for_taking()),
            Err(error) => return Err(unavailable(&error)),
        }
        // What is left here the sweep takes.
        drop(self.remove(&unused).await);
        Ok(())
    }

    /// Removes a picture, used or not. Safe to repeat: that there is none is no error.
    ///
    /// # Errors
    /// [`Code::Unavailable`]: the store cannot be reached or refuses; retryable.
    pub async fn delete(&self, key: &PictureKey) -> Result<(), Error> {
        self.remove(&self.path(UNUSED, key)).await?;
        self.remove(&self.path(KEPT, key)).await
    }

    /// `options` must set no condition.
    async fn find(
        &self,
        key: &PictureKey,
        options: GetOptions,
    ) -> Result<Option<GetResult>, Error> {
        // A room may take it between the first two looks; then it is where it was not before.
        for state in [KEPT, UNUSED, KEPT] {
            let path = self.path(state, key);
            match self.objects.get_opts(&path, options.clone()).await {
                Ok(found) => return Ok(Some(found)),
                Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(unavailable(&error)),
            }
        }
        Ok(None)
    }

    async fn remove(&self, path: &Path) -> Result<(), Error> {
        match self.objects.delete(path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(unavailable(&error)),
        }
    }

    fn path(&self, state: &'static str, key: &PictureKey) -> Path {
        self.root.clone().join(state).join(key.to_string())
    }
}

impl Upload<'_> {
    /// Stores the picture, unused by any room as yet. Once this is answered it is durable; dropped
    /// before, it is either there as a whole or not at all.
    ///
    /// # Errors
    /// [`Code::TooLarge`], [`Code::BodyInvalid`]: it has more than `bytes_max` bytes, or is no
    /// picture of a kind that is taken; the client's fault. [`Code::Unavailable`]: the store cannot
    /// be reached or refuses; retryable.
    pub async fn finish(self, content: Bytes) -> Result<PictureKey, Error> {
        if content.len() > self.store.bytes_max {
            return Err(self.store.too_large());
        }
        let Some(format) = PictureFormat::of(&content) else {
            let detail = "the file is not a picture in PNG, JPEG, GIF or WebP";
            return Err(Error::with_detail(Code::BodyInvalid, detail));
        };
        let key = PictureKey::random(format);
        let path = self.store.path(UNUSED, &key);
        match self.store.objects.put(&path, content.into()).await {
            Ok(_) => Ok(key),
            Err(error) => Err(unavailable(&error)),
        }
    }
}

impl PictureStore {
    /// What an upload of more bytes than it may have is told.
    pub(crate) fn too_large(&self) -> Error {
        let detail = format!("a picture has at most {} bytes", self.bytes_max);
        Error::with_detail(Code::TooLarge, detail)
    }
}

fn now() -> Timestamp {
    Timestamp::from_micros(jiff::Timestamp::now().as_microsecond())
}

fn not_for_taking() -> Error {
    let detail = "the picture is not there, or is a room's already: upload it anew";
    Error::with_detail(Code::BodyInvalid, detail)
}

/// The head of the answer is out by then: the client sees that the rest is missing.
fn log_cut(error: &object_store::Error) {
    let error = reason(error);
    tracing::error!(error, "a picture could not be read to its end");
}

/// Logs why, which is not for the client.
fn unavailable(error: &object_store::Error) -> Error {
    let error = reason(error);
    tracing::error!(error, "the store of pictures failed");
    Code::Unavailable.into()
}

/// Why a store failed, for the log: the innermost cause, since the outer ones tell the key, which
/// is all that one needs to get the picture. Of a bucket's answer only its code: the rest repeats
/// the request, a session's token included.
fn reason(error: &object_store::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let text = cause.to_string();
    let Some((told, answer)) = text.split_once('<') else {
        return text;
    };
    let code = answer.split_once("Code>");
    let code = code.and_then(|(_, rest)| rest.split_once('<'));
    code.map_or_else(|| told.to_owned(), |(code, _)| format!("{told}{code}"))
}

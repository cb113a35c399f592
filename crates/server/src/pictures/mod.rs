//! Room pictures that are uploaded to this server, in the object store that the configuration
//! names. Knows keys and bytes, neither rooms nor HTTP.
//!
//! An upload is one object for all its life. Whether a room has it is told by the room alone, which
//! the database keeps: the sweep lists what is a day old, and removes what no room has. Why it never
//! removes what a room is about to take is written down in `sweep`.

mod format;
mod key;
mod place;
mod released;
mod sweep;
#[cfg(test)]
mod tests;
mod under_way;

use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use madang_domain::{Caller, Code, Error, Role, Timestamp, policy};
use madang_engine::Allowance;
use object_store::path::Path;
use object_store::{GetOptions, GetResult, ObjectMeta, ObjectStore, ObjectStoreExt};
use tokio::sync::SemaphorePermit;

use crate::config::Pictures;
use place::Place;
use under_way::{OfPerson, UnderWay};

pub use format::PictureFormat;
pub use key::PictureKey;
pub use place::PicturesError;
pub use released::remove_released;
pub use sweep::sweep_until;

/// Where the objects are, below the place that the configuration names: nothing else is listed.
const UPLOADS: &str = "uploads";

/// What a form may have around its file: boundaries, and the head of the part.
pub(crate) const ENVELOPE_BYTES_MAX: usize = 4 * 1024;

/// The pictures of rooms. Cheap to ask; shared by all handlers of the node.
pub struct PictureStore {
    objects: Arc<dyn ObjectStore>,
    root: Path,
    /// Where the objects are files.
    folder: Option<PathBuf>,
    takes_uploads: bool,
    bytes_max: usize,
    under_way: UnderWay,
    allowance: Allowance,
}

/// An upload that is under way. What it holds is given back when it is dropped. Nothing is stored
/// before [`finish`](Self::finish).
pub struct Upload<'a> {
    store: &'a PictureStore,
    /// Of an upload of a person.
    _of_person: Option<OfPerson<'a>>,
    held: Option<SemaphorePermit<'a>>,
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
            under_way: UnderWay::new(
                options.uploads_max,
                options.bytes_max.saturating_add(ENVELOPE_BYTES_MAX),
            ),
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

    /// Lets `caller` upload one picture, which counts from now on. Never waits. A back end is not
    /// bounded.
    ///
    /// # Errors
    /// [`Code::NotForGuests`]. [`Code::TooMany`]: too many of this person at the same time, or in 24 hours;
    /// retryable then.
    pub fn begin(&self, caller: &Caller) -> Result<Upload<'_>, Error> {
        policy::may_upload(caller.role)?;
        let is_person = caller.role != Role::Service;
        let of_person = is_person.then(|| self.under_way.begin(&caller.user));
        let of_person = of_person.transpose()?;
        if is_person {
            let taken = self.allowance.take(&caller.user, 1, now());
            taken.map_err(|wait| {
                let detail = "you have uploaded too many pictures in the last 24 hours";
                Error::with_detail(Code::TooMany, detail).retry_after(wait)
            })?;
        }
        Ok(Upload {
            store: self,
            _of_person: of_person,
            held: None,
        })
    }

    /// The picture of that key; `None` when there is none.
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

    /// Whether there is a picture of that key.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn contains(&self, key: &PictureKey) -> Result<bool, Error> {
        Ok(self.head(key).await?.is_some())
    }

    /// Whether a room may take this upload: it is there, and young enough that the sweep is not
    /// about to look at it. To be asked right before; whether another room has it, the database says.
    ///
    /// # Errors
    /// [`Code::BodyInvalid`]: there is none, or it was left unused for too long; the client's fault.
    /// [`Code::Unavailable`]: the store cannot be reached or refuses; retryable.
    pub async fn check_for_taking(&self, key: &PictureKey) -> Result<(), Error> {
        let head = self.head(key).await?;
        if head.is_some_and(|head| sweep::may_be_taken(&head, SystemTime::now())) {
            return Ok(());
        }
        let detail = "the picture is not there any more: upload it anew";
        Err(Error::with_detail(Code::BodyInvalid, detail))
    }

    /// Removes a picture, whoever has it. Safe to repeat: that there is none is no error.
    ///
    /// # Errors
    /// [`Code::Unavailable`]: the store cannot be reached or refuses; retryable.
    pub async fn delete(&self, key: &PictureKey) -> Result<(), Error> {
        match self.objects.delete(&self.path(key)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(unavailable(&error)),
        }
    }

    async fn head(&self, key: &PictureKey) -> Result<Option<ObjectMeta>, Error> {
        let found = self.find(key, GetOptions::new().with_head(true)).await?;
        Ok(found.map(|found| found.meta))
    }

    /// `options` must set no condition.
    async fn find(
        &self,
        key: &PictureKey,
        options: GetOptions,
    ) -> Result<Option<GetResult>, Error> {
        match self.objects.get_opts(&self.path(key), options).await {
            Ok(found) => Ok(Some(found)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(unavailable(&error)),
        }
    }

    fn path(&self, key: &PictureKey) -> Path {
        self.root.clone().join(UPLOADS).join(key.to_string())
    }
}

impl Upload<'_> {
    /// Counts bytes of its body that came, before they are kept.
    ///
    /// # Errors
    /// [`Code::Overloaded`]: the bodies of all uploads that are under way have too many; retryable.
    pub fn hold(&mut self, bytes: usize) -> Result<(), Error> {
        self.store.under_way.hold(&mut self.held, bytes)
    }

    /// Stores the picture, which has come as a whole. Once this is answered it is durable; dropped
    /// before, it is either there as a whole or not at all.
    ///
    /// # Errors
    /// [`Code::TooLarge`], [`Code::BodyInvalid`]: it has more than `bytes_max` bytes, or is no
    /// picture of a kind that is taken; the client's fault. [`Code::Unavailable`]: the store cannot
    /// be reached or refuses; retryable.
    pub async fn finish(self, content: Bytes) -> Result<PictureKey, Error> {
        if content.len() > self.store.bytes_max {
            return Err(self.too_large());
        }
        let Some(format) = PictureFormat::of(&content) else {
            let detail = "the file is not a picture in PNG, JPEG, GIF or WebP";
            return Err(Error::with_detail(Code::BodyInvalid, detail));
        };
        let _place = self.store.under_way.write().await?;
        let key = PictureKey::random(format);
        let path = self.store.path(&key);
        match self.store.objects.put(&path, content.into()).await {
            Ok(_) => Ok(key),
            Err(error) => Err(unavailable(&error)),
        }
    }
}

impl Upload<'_> {
    /// What an upload of more bytes than it may have is told.
    pub(crate) fn too_large(&self) -> Error {
        let detail = format!("a picture has at most {} bytes", self.store.bytes_max);
        Error::with_detail(Code::TooLarge, detail)
    }
}

fn now() -> Timestamp {
    Timestamp::from_micros(jiff::Timestamp::now().as_microsecond())
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

//! A store of a test's own, and what is put into it.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt;
use madang_domain::{Caller, Code, Role, UserId};
use serde_json::Value;
use tempfile::TempDir;

use crate::config::assemble;
use crate::pictures::{PictureKey, PictureStore, UPLOADS};

/// Pictures of one pixel, as Pillow writes them.
pub(super) const PNG: &[u8] =
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0\x90wS\xde\0\0\0\x0cIDATx\
    \x9cc8\xc1\xc5\x05\0\x02z\0\xddg'B}\0\0\0\0IEND\xaeB`\x82";
pub(super) const GIF: &[u8] =
    b"GIF87a\x01\0\x01\0\x81\0\0\xc8\n\n\0\0\0\0\0\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x08\x04\0\
    \x01\x04\x04\0;";
pub(super) const JPEG: &[u8] =
    b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xff\xdb\0C\0\xff\xff\xff\xff\xff\
    \xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\
    \xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\
    \xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xc0\0\x0b\x08\0\x01\0\
    \x01\x01\x01\x11\0\xff\xc4\0\x14\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x02\xff\xc4\0\x14\
    \x10\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xff\xda\0\x08\x01\x01\0\0?\0/\xff\xd9";
pub(super) const WEBP: &[u8] =
    b"RIFF\x1e\0\0\0WEBPVP8L\x11\0\0\0/\0\0\0\0\x07P\x85\"W\xa1\xff\x81\x88\xe8\x7f\0\0";
pub(super) const WEBP_LOSSY: &[u8] =
    b"RIFF0\0\0\0WEBPVP8\x20$\0\0\0p\x01\0\x9d\x01*\x01\0\x01\0\x0c\xc0\xce%\xa0\x02t\x01@\0\0\
    \xfe\xe0\xb9\x08\xc3[\xaf\xc5\x0el\xee\x05@\0\0";

pub(super) struct Fixture {
    pub(super) store: PictureStore,
    directory: TempDir,
}

impl Fixture {
    /// On a folder, with these options of the section.
    pub(super) fn new(options: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let variable = |(name, value): &(&str, &str)| {
            let name = format!("MADANG_PICTURES__{}", name.to_uppercase());
            (name, (*value).to_owned())
        };
        let variables: Vec<_> = options.iter().map(variable).collect();
        let config = assemble(None, &variables, &[]).unwrap().config;
        let store = PictureStore::open(&config.pictures, directory.path()).unwrap();
        Self { store, directory }
    }

    /// One on a folder, and one in the bucket that `MADANG_TEST_S3` describes, if it is set: the
    /// end-to-end tests start a server and set it.
    pub(super) fn on_every_store(options: &[(&str, &str)]) -> Vec<Self> {
        let folder = Self::new(options);
        let Ok(bucket) = std::env::var("MADANG_TEST_S3") else {
            return vec![folder];
        };
        let bucket: Value = serde_json::from_str(&bucket).unwrap();
        let tell = |what: &str| bucket[what].as_str().unwrap();
        let place = format!("s3://{}/{:016x}", tell("bucket"), rand::random::<u64>());
        let mut options = options.to_vec();
        options.extend([
            ("store", place.as_str()),
            ("s3_endpoint", tell("endpoint")),
            ("s3_access_key", tell("accessKey")),
            ("s3_secret_key", tell("secretKey")),
        ]);
        vec![folder, Self::new(&options)]
    }

    pub(super) async fn put(&self, content: &'static [u8]) -> Result<PictureKey, Code> {
        let upload = self.store.begin(&caller(Role::Service)).unwrap();
        let put = upload.finish(Bytes::from_static(content)).await;
        put.map_err(|error| error.code())
    }

    pub(super) async fn content(&self, key: &PictureKey) -> Option<Vec<u8>> {
        let Some(picture) = self.store.get(key).await.unwrap() else {
            assert!(!self.store.contains(key).await.unwrap());
            return None;
        };
        let pieces: Vec<Bytes> = picture.content.try_collect().await.unwrap();
        let content = pieces.concat();
        assert_eq!(picture.size, content.len() as u64);
        assert!(self.store.contains(key).await.unwrap());
        Some(content)
    }

    /// Every object, by its path below the store's.
    pub(super) async fn objects(&self) -> Vec<String> {
        let store = &self.store;
        let listed: Vec<_> = store
            .objects
            .list(Some(&store.root))
            .try_collect()
            .await
            .unwrap();
        let mut paths: Vec<_> = listed
            .iter()
            .map(|object| object.location.prefix_match(&store.root).unwrap())
            .map(|parts| {
                parts
                    .map(|part| part.as_ref().to_owned())
                    .collect::<Vec<_>>()
                    .join("/")
            })
            .collect();
        paths.sort();
        paths
    }

    /// Where an object of the folder is.
    pub(super) fn file(&self, name: impl ToString) -> PathBuf {
        let folder = self.directory.path().join("pictures").join(UPLOADS);
        folder.join(name.to_string())
    }

    /// One sweep, while rooms have these.
    pub(super) async fn sweep(&self, used: &[PictureKey]) {
        let used: Vec<_> = used.iter().map(PictureKey::link).collect();
        let is_used = |link: &Arc<str>| used.iter().any(|used| **used == **link);
        let retire = async |links: &[Arc<str>]| Ok(links.iter().map(is_used).collect());
        self.store.sweep(retire).await;
    }
}

pub(super) fn caller(role: Role) -> Caller {
    Caller::new(UserId::new("kim").unwrap(), role)
}

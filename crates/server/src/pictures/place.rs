//! Opens the object store that the configuration names: a folder, or a bucket over S3. May touch
//! the file system and the environment; asks no server yet.

use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use object_store::StaticCredentialProvider;
use object_store::aws::{AmazonS3Builder, AwsCredential};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};
use thiserror::Error;

use crate::config::{PicturePlace, Pictures};

/// The folder inside the data directory.
const FOLDER: &str = "pictures";

/// What a bucket's server may take: to accept a connection, and to answer or send on. What it
/// sends has no bound in all: a slow reader of a picture takes its time.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// Requests that a bucket's server did not answer, or with a failure of its own, are made again:
/// so often, and within a time that leaves some of the client's own.
const RETRIES_MAX: usize = 2;
const RETRY_TIMEOUT: Duration = Duration::from_secs(10);
const BACKOFF: BackoffConfig = BackoffConfig {
    init_backoff: Duration::from_millis(100),
    max_backoff: Duration::from_secs(1),
    base: 2.0,
};

/// Why pictures cannot be kept. The operator's fault.
#[derive(Debug, Error)]
pub enum PicturesError {
    /// The folder cannot be made or entered.
    #[error("pictures.store: the folder {path} cannot be used: {source}")]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The settings of the bucket do not make a client, those of the environment included.
    #[error("pictures.store: the bucket cannot be used: {0}")]
    Bucket(object_store::Error),
}

/// An object store, and where in it the pictures are.
pub(super) struct Place {
    pub(super) objects: Arc<dyn ObjectStore>,
    pub(super) root: Path,
    /// Where the objects are files.
    pub(super) folder: Option<PathBuf>,
}

impl Place {
    /// `data` is the data directory.
    pub(super) fn open(options: &Pictures, data: &FilePath) -> Result<Self, PicturesError> {
        match &options.store {
            PicturePlace::Data => Self::folder(data.join(FOLDER)),
            PicturePlace::Folder(path) => Self::folder(path.clone()),
            PicturePlace::Bucket { name, prefix } => Ok(Self {
                objects: bucket(options, name)?,
                root: Path::from(prefix.as_str()),
                folder: None,
            }),
        }
    }

    fn folder(path: PathBuf) -> Result<Self, PicturesError> {
        let opened = std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)
            .and_then(|()| Ok(LocalFileSystem::new_with_prefix(&path)?));
        match opened {
            Ok(objects) => Ok(Self {
                // An answered upload is on the disk.
                objects: Arc::new(objects.with_fsync(true)),
                root: Path::ROOT,
                folder: Some(path),
            }),
            Err(source) => Err(PicturesError::Folder { path, source }),
        }
    }
}

fn bucket(options: &Pictures, name: &str) -> Result<Arc<dyn ObjectStore>, PicturesError> {
    let client = ClientOptions::new()
        .with_connect_timeout(CONNECT_TIMEOUT)
        .with_read_timeout(READ_TIMEOUT)
        .with_timeout_disabled();
    let mut builder = AmazonS3Builder::from_env()
        .with_client_options(client)
        .with_bucket_name(name)
        // Many stores that speak S3 do not have it.
        .with_disable_bulk_delete(true)
        .with_retry(RetryConfig {
            backoff: BACKOFF,
            max_retries: RETRIES_MAX,
            retry_timeout: RETRY_TIMEOUT,
        });
    if let Some(endpoint) = &options.s3_endpoint {
        builder = builder
            .with_endpoint(endpoint.trim_end_matches('/'))
            .with_allow_http(endpoint.starts_with("http:"));
    }
    if let Some(region) = &options.s3_region {
        builder = builder.with_region(region);
    }
    if let (Some(id), Some(secret)) = (&options.s3_access_key, &options.s3_secret_key) {
        // Not beside a session token of the environment, which belongs to another key.
        let credential = AwsCredential {
            key_id: id.clone(),
            secret_key: secret.expose().to_owned(),
            token: None,
        };
        builder = builder.with_credentials(Arc::new(StaticCredentialProvider::new(credential)));
    }
    Ok(Arc::new(builder.build().map_err(PicturesError::Bucket)?))
}

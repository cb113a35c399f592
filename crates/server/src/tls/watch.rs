//! Hearing from the kernel that certificate files may have changed.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use super::Files;

#[cfg(target_os = "linux")]
pub(super) use linux::Watch;
#[cfg(not(target_os = "linux"))]
pub(super) use nowhere::Watch;

impl Files {
    /// Files are replaced by new names as often as they are written in place, and names may be
    /// links (certbot, Kubernetes secrets): so it is the directories that are watched.
    fn directories(&self) -> BTreeSet<PathBuf> {
        let mut directories = BTreeSet::new();
        for file in [&self.certificate, &self.key] {
            directories.insert(directory(file));
            if let Ok(target) = file.canonicalize() {
                directories.insert(directory(&target));
            }
        }
        directories
    }
}

fn directory(file: &Path) -> PathBuf {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::mem::MaybeUninit;
    use std::os::fd::OwnedFd;

    use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
    use rustix::io::Errno;
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    use super::{Files, io};

    /// Room for the longest event (`NAME_MAX`) and some more.
    const EVENT_BYTES: usize = 4096;

    /// The directories of the files.
    pub(in super::super) struct Watch(AsyncFd<OwnedFd>);

    impl Watch {
        /// Watches nothing yet: see [`Watch::renew`].
        ///
        /// # Errors
        /// The system's limit on watchers is reached.
        #[expect(
            deprecated,
            reason = "its successor is unsafe for types whose descriptor may change; this one's does not"
        )]
        pub(in super::super) fn new() -> io::Result<Self> {
            let events = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
            Ok(Self(AsyncFd::with_interest(events, Interest::READABLE)?))
        }

        /// Watches where the files are now: links may lead elsewhere than they did.
        ///
        /// # Errors
        /// A directory cannot be watched; the others are.
        pub(in super::super) fn renew(&self, files: &Files) -> io::Result<()> {
            let flags = WatchFlags::CLOSE_WRITE | WatchFlags::CREATE | WatchFlags::MOVED_TO;
            let mut outcome = Ok(());
            for directory in files.directories() {
                let watched = inotify::add_watch(&self.0, &directory, flags);
                outcome = outcome.and(watched.map(drop).map_err(io::Error::from));
            }
            outcome
        }

        /// Ends when something in the directories has changed since it ended last.
        pub(in super::super) async fn changed(&self) -> io::Result<()> {
            loop {
                let mut ready = self.0.readable().await?;
                let mut buffer = [MaybeUninit::uninit(); EVENT_BYTES];
                let mut events = inotify::Reader::new(ready.get_inner(), &mut buffer);
                let mut any = false;
                loop {
                    match events.next() {
                        Ok(_) => any = true,
                        Err(Errno::WOULDBLOCK) => break,
                        Err(error) => return Err(error.into()),
                    }
                }
                ready.clear_ready();
                if any {
                    return Ok(());
                }
            }
        }
    }
}

/// Where the kernel does not tell, SIGHUP does.
#[cfg(not(target_os = "linux"))]
mod nowhere {
    use super::{Files, io};

    pub(in super::super) struct Watch;

    impl Watch {
        pub(in super::super) fn new() -> io::Result<Self> {
            Ok(Self)
        }

        pub(in super::super) fn renew(&self, files: &Files) -> io::Result<()> {
            let _ = files.directories();
            Ok(())
        }

        pub(in super::super) async fn changed(&self) -> io::Result<()> {
            std::future::pending().await
        }
    }
}

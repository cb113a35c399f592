//! How many connections the system lets this process have: each is an open file.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that are no connections: the database and its readers, logs, listeners.
const RESERVED: usize = 256;

/// Raises the limit on open files as far as the system lets this process, and answers how many
/// connections that leaves room for.
pub(crate) fn raise_open_files() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let in_force = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(error) => {
            tracing::warn!(%error, "the limit on open files cannot be raised");
            limit.current
        }
    };
    // No limit at all is none here either.
    let files = in_force.map_or(usize::MAX, |files| {
        usize::try_from(files).unwrap_or(usize::MAX)
    });
    room(files)
}

/// With few files, half of them: the reserve must not leave nothing.
fn room(files: usize) -> usize {
    files.saturating_sub(RESERVED).max(files / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_get_the_files_that_nothing_else_needs() {
        assert_eq!(room(1_048_576), 1_048_576 - RESERVED);
        assert_eq!(room(300), 150);
        assert_eq!(room(usize::MAX), usize::MAX - RESERVED);
    }

    #[test]
    fn the_soft_limit_is_raised_to_the_hard_one() {
        raise_open_files();
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(limit.current, limit.maximum);
    }
}

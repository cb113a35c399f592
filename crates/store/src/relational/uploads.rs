//! Which uploads rooms have as their pictures, and which no room may take any more.
//!
//! An upload that a room has or had is a row of `uploads`: whoever makes it first, the room that takes
//! the upload or the sweep that retires it, has decided what becomes of it.

use std::sync::Arc;

use madang_domain::ports::StoreError;
use madang_domain::room::RETIRED_FOR;
use madang_domain::{Code, Error, Timestamp};

use super::change::Change;
use super::commit::Refused;
use super::database::{Database, all, execute, first, text, values};

pub(crate) const FIND: &str = "SELECT retired_at FROM uploads WHERE link = ?1";
/// More than come at once, so that those that are remembered in vain do not pile up.
pub(crate) const FORGOTTEN: &str =
    "SELECT link FROM uploads WHERE retired_at < ?1 ORDER BY retired_at LIMIT 8";

/// Fails where another has decided meanwhile: an upsert would retire what a room has just taken.
const RETIRE: &str = "INSERT INTO uploads (link, retired_at) VALUES (?1, ?2)";
const RETIRE_AGAIN: &str = "UPDATE uploads SET retired_at = ?2 WHERE link = ?1 AND retired_at < ?2";

/// What became of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Used,
    Retired,
}

fn fate(database: &dyn Database, link: &str) -> Result<Option<Fate>, StoreError> {
    let retired_at = first(database, FIND, values![link], |row| row.opt_int(0))?;
    Ok(retired_at.map(|at| at.map_or(Fate::Used, |_| Fate::Retired)))
}

impl Change<'_> {
    /// Lets a room take an upload that no room has or had.
    pub(crate) fn take_upload(&self, link: &str) -> Result<(), Refused> {
        if fate(self.database, link)?.is_some() {
            let detail = "the picture is a room's already, or was, or is too old: upload it anew";
            return Err(Error::with_detail(Code::BodyInvalid, detail).into());
        }
        execute(
            self.database,
            "INSERT INTO uploads (link) VALUES (?1)",
            values![link],
        )?;
        Ok(())
    }

    /// The room that has an upload lets it go: no room may take it from now on.
    pub(crate) fn release_upload(&self, link: &str, at: Timestamp) -> Result<(), StoreError> {
        self.forget_retired(at)?;
        let values = values![link, at];
        let retire = "UPDATE uploads SET retired_at = ?2 WHERE link = ?1";
        if execute(self.database, retire, values)? == 0 {
            execute(self.database, RETIRE, values)?;
        }
        Ok(())
    }

    /// Retires those that no room has; answers which rooms have.
    pub(crate) fn retire_uploads(
        &mut self,
        links: &[Arc<str>],
        at: Timestamp,
    ) -> Result<Vec<bool>, StoreError> {
        let mut used = Vec::with_capacity(links.len());
        for link in links {
            let values = values![&**link, at];
            let fate = fate(self.database, link)?;
            used.push(fate == Some(Fate::Used));
            match fate {
                Some(Fate::Used) => {}
                Some(Fate::Retired) => {
                    execute(self.database, RETIRE_AGAIN, values)?;
                }
                None => {
                    self.forget_retired(at)?;
                    execute(self.database, RETIRE, values)?;
                }
            }
        }
        Ok(used)
    }

    fn forget_retired(&self, at: Timestamp) -> Result<(), StoreError> {
        let before = values![at.before(RETIRED_FOR)];
        let forgotten = all(self.database, FORGOTTEN, before, |row| text(row, 0))?;
        for link in forgotten.iter().flatten() {
            let forget = "DELETE FROM uploads WHERE link = ?1 AND retired_at < ?2";
            execute(
                self.database,
                forget,
                values![&**link, at.before(RETIRED_FOR)],
            )?;
        }
        Ok(())
    }
}

/// Whether rooms have all of them: nothing would be retired.
pub(crate) fn are_used(database: &dyn Database, links: &[Arc<str>]) -> Result<bool, StoreError> {
    for link in links {
        if fate(database, link)? != Some(Fate::Used) {
            return Ok(false);
        }
    }
    Ok(true)
}

//! Which uploads rooms have as their pictures, and which no room may take any more.

use std::sync::Arc;

use madang_domain::ports::StoreError;
use madang_domain::room::RETIRED_FOR;
use madang_domain::{Code, Error, Timestamp};
use rusqlite::{Connection, params};

use super::commit::Refused;
use super::reader::Reader;
use super::sql::{execute, first};
use super::writer::Writer;

pub(super) const USED: &str = "SELECT 1 FROM rooms INDEXED BY rooms_uploads
     WHERE picture = ?1 AND picture GLOB '/pictures/*'";
pub(super) const RETIRED: &str = "SELECT 1 FROM retired_uploads WHERE link = ?1";
/// More than come at once, so that those that are remembered in vain do not pile up.
pub(super) const FORGET: &str = "DELETE FROM retired_uploads WHERE link IN (
     SELECT link FROM retired_uploads WHERE retired_at < ?1 ORDER BY retired_at LIMIT 8)";

fn is_used(connection: &Connection, link: &str) -> Result<bool, StoreError> {
    Ok(first(connection, USED, [link], |_| Ok(()))?.is_some())
}

impl Writer {
    /// Lets a room take an upload that no room has or had.
    pub(super) fn check_upload(&self, link: &str) -> Result<(), Refused> {
        let is_retired = first(&self.connection, RETIRED, [link], |_| Ok(()))?.is_some();
        if is_retired || is_used(&self.connection, link)? {
            let detail = "the picture is a room's already, or was, or is too old: upload it anew";
            return Err(Error::with_detail(Code::BodyInvalid, detail).into());
        }
        Ok(())
    }

    /// Lets no room take the upload from now on.
    pub(super) fn retire_upload(&self, link: &str, at: Timestamp) -> Result<(), StoreError> {
        let forgotten = at.before(RETIRED_FOR).as_micros();
        execute(&self.connection, FORGET, [forgotten])?;
        execute(
            &self.connection,
            "INSERT INTO retired_uploads (link, retired_at) VALUES (?1, ?2)
             ON CONFLICT (link) DO UPDATE SET retired_at = max(retired_at, excluded.retired_at)",
            params![link, at.as_micros()],
        )
        .map(drop)
    }

    /// Retires those that no room has; answers which rooms have.
    pub(super) fn retire_uploads(
        &mut self,
        links: &[Arc<str>],
        at: Timestamp,
    ) -> Result<Vec<bool>, StoreError> {
        self.transaction(|writer| {
            let mut used = Vec::with_capacity(links.len());
            for link in links {
                let is_used = is_used(&writer.connection, link)?;
                if !is_used {
                    writer.retire_upload(link, at)?;
                }
                used.push(is_used);
            }
            Ok(used)
        })
    }
}

impl Reader {
    /// Whether rooms have all of them: nothing would be retired.
    pub(super) fn are_used(&self, links: &[Arc<str>]) -> Result<bool, StoreError> {
        for link in links {
            if !is_used(&self.connection, link)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

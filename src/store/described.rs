//! What orgs said of their objects, kept from one start of the program to the next.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::{Store, StoreError, unreadable};

/// The form of the bodies; raised when what is kept of a describe grows, so that it is read anew.
const FORMAT: i64 = 1;

/// Whose view of which org it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Viewer {
    /// Organization id.
    pub org: String,
    /// Login name: each user sees other fields.
    pub username: String,
    /// API version.
    pub version: String,
}

/// Something that was read of an org.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// JSON.
    pub body: String,
    /// The server's own date of it.
    pub modified: Option<String>,
    /// When the body came.
    pub read_at: Timestamp,
    /// When it was last known to be true.
    pub checked_at: Timestamp,
}

impl Store {
    /// What was read of `item`, unless another version of this program wrote it.
    pub fn kept(&self, viewer: &Viewer, item: &str) -> Result<Option<Kept>, StoreError> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(
            "SELECT body, modified, read_at, checked_at FROM described \
             WHERE org = ?1 AND username = ?2 AND version = ?3 AND item = ?4 AND format = ?5",
        )?;
        let found: Option<(String, Option<String>, String, String)> = statement
            .query_row(params![viewer.org, viewer.username, viewer.version, item, FORMAT], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })
            .optional()?;
        let Some((body, modified, read_at, checked_at)) = found else { return Ok(None) };
        let time = |text: String| text.parse::<Timestamp>().map_err(unreadable);
        Ok(Some(Kept { body, modified, read_at: time(read_at)?, checked_at: time(checked_at)? }))
    }

    /// Keeps what was read of `item`.
    pub fn keep(&self, viewer: &Viewer, item: &str, kept: &Kept) -> Result<(), StoreError> {
        self.lock().execute(
            "INSERT OR REPLACE INTO described (org, username, version, item, format, body, modified, read_at, checked_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            params![
                viewer.org,
                viewer.username,
                viewer.version,
                item,
                FORMAT,
                kept.body,
                kept.modified,
                kept.read_at.to_string(),
                kept.checked_at.to_string(),
            ],
        )?;
        Ok(())
    }

    /// Writes down that what was read of `item` is still true.
    pub fn still_true(&self, viewer: &Viewer, item: &str, now: Timestamp) -> Result<(), StoreError> {
        self.lock().execute(
            "UPDATE described SET checked_at = ?5 WHERE org = ?1 AND username = ?2 AND version = ?3 AND item = ?4",
            params![viewer.org, viewer.username, viewer.version, item, now.to_string()],
        )?;
        Ok(())
    }

    /// Forgets what was read of `item`: it is not there any more.
    pub fn forget(&self, viewer: &Viewer, item: &str) -> Result<(), StoreError> {
        self.lock().execute(
            "DELETE FROM described WHERE org = ?1 AND username = ?2 AND version = ?3 AND item = ?4",
            params![viewer.org, viewer.username, viewer.version, item],
        )?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_viewer_has_an_own_view_and_it_can_be_forgotten() {
        let store = Store::in_memory().unwrap();
        let viewer = |username: &str| Viewer { org: "00D".into(), username: username.into(), version: "65.0".into() };
        let then: Timestamp = "2025-11-12T10:00:00Z".parse().unwrap();
        let kept = Kept { body: "{}".into(), modified: Some("then".into()), read_at: then, checked_at: then };
        store.keep(&viewer("a"), "object contact", &kept).unwrap();
        assert_eq!(store.kept(&viewer("a"), "object contact").unwrap(), Some(kept.clone()));
        assert_eq!(store.kept(&viewer("b"), "object contact").unwrap(), None);
        let now: Timestamp = "2025-11-12T11:00:00Z".parse().unwrap();
        store.still_true(&viewer("a"), "object contact", now).unwrap();
        assert_eq!(store.kept(&viewer("a"), "object contact").unwrap(), Some(Kept { checked_at: now, ..kept }));
        store.forget(&viewer("a"), "object contact").unwrap();
        assert_eq!(store.kept(&viewer("a"), "object contact").unwrap(), None);
    }
}

//! Records that a scan brought, kept while a plan is made.

use rusqlite::params;

use super::{RunId, Store, StoreError, from_json, to_json};
use crate::destination::Record;

impl Store {
    /// Keeps records under the keys that rows look for.
    pub fn keep_found(&self, run: RunId, records: &[(Vec<String>, Record)]) -> Result<(), StoreError> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        {
            let mut insert = transaction
                .prepare_cached("INSERT OR REPLACE INTO found (run, key, id, record) VALUES (?1, ?2, ?3, ?4)")?;
            for (keys, record) in records {
                let text = to_json(record)?;
                for key in keys {
                    insert.execute(params![run.0, key, record.id, text])?;
                }
            }
        }
        Ok(transaction.commit()?)
    }

    /// The records under these keys, each once.
    pub fn found(&self, run: RunId, keys: &[String]) -> Result<Vec<Record>, StoreError> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached("SELECT id, record FROM found WHERE run = ?1 AND key = ?2")?;
        let mut seen = std::collections::HashSet::new();
        let mut records = Vec::new();
        for key in keys {
            let mut rows = statement.query(params![run.0, key])?;
            while let Some(row) = rows.next()? {
                if seen.insert(row.get::<_, String>(0)?) {
                    records.push(from_json(&row.get::<_, String>(1)?)?);
                }
            }
        }
        Ok(records)
    }

    /// Forgets them.
    pub fn forget_found(&self, run: RunId) -> Result<(), StoreError> {
        self.lock().execute("DELETE FROM found WHERE run = ?1", [run.0])?;
        Ok(())
    }
}

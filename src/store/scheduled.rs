//! Which moments of a schedule were run. A moment is claimed before its run begins, so that of two
//! schedulers, or of one that was started anew, only one runs it.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, TransactionBehavior, params};

use super::{Store, StoreError, unreadable};
use crate::schedule::Kept;

impl Store {
    /// What is remembered of a mapping's schedule.
    pub fn scheduled(&self, mapping: &str) -> Result<Option<Kept>, StoreError> {
        let found: Option<(String, i64)> = self
            .lock()
            .prepare_cached(
                "SELECT schedule, moment FROM scheduled JOIN mapping ON mapping.id = scheduled.mapping \
                 WHERE mapping.name = ?1",
            )?
            .query_row([mapping], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        found.map(kept).transpose()
    }

    /// Remembers `new`, if what is remembered still is `old`; false when somebody else was first.
    pub fn claim_moment(&self, mapping: &str, old: Option<&Kept>, new: &Kept) -> Result<bool, StoreError> {
        let number = self.mapping_number(mapping)?;
        let mut connection = self.lock();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let found: Option<(String, i64)> = transaction
            .query_row("SELECT schedule, moment FROM scheduled WHERE mapping = ?1", [number], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        if found.map(kept).transpose()?.as_ref() != old {
            return Ok(false);
        }
        transaction.execute(
            "INSERT OR REPLACE INTO scheduled (mapping, schedule, moment) VALUES (?1, ?2, ?3)",
            params![number, new.schedule, new.moment.as_second()],
        )?;
        transaction.commit()?;
        Ok(true)
    }

    /// Takes a claim back, if it still stands: its run could not begin and is left for later.
    pub fn give_moment_back(&self, mapping: &str, old: Option<&Kept>, new: &Kept) -> Result<(), StoreError> {
        let number = self.mapping_number(mapping)?;
        let connection = self.lock();
        let claimed = params![number, new.schedule, new.moment.as_second()];
        let of_it = "WHERE mapping = ?1 AND schedule = ?2 AND moment = ?3";
        match old {
            None => connection.execute(&format!("DELETE FROM scheduled {of_it}"), claimed)?,
            Some(old) => connection.execute(
                &format!("UPDATE scheduled SET schedule = ?4, moment = ?5 {of_it}"),
                params![number, new.schedule, new.moment.as_second(), old.schedule, old.moment.as_second()],
            )?,
        };
        Ok(())
    }
}

fn kept((schedule, moment): (String, i64)) -> Result<Kept, StoreError> {
    Ok(Kept { schedule, moment: Timestamp::from_second(moment).map_err(unreadable)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_claimed_once_and_can_be_given_back() {
        let store = Store::in_memory().unwrap();
        let at = |second| Kept { schedule: "every 15m".into(), moment: Timestamp::from_second(second).unwrap() };
        assert_eq!(store.scheduled("customers/contacts").unwrap(), None);
        assert!(store.claim_moment("customers/contacts", None, &at(900)).unwrap());
        assert!(!store.claim_moment("customers/contacts", None, &at(900)).unwrap(), "somebody was first");
        assert!(store.claim_moment("customers/contacts", Some(&at(900)), &at(1800)).unwrap());
        assert!(!store.claim_moment("customers/contacts", Some(&at(900)), &at(1800)).unwrap());
        store.give_moment_back("customers/contacts", Some(&at(900)), &at(1800)).unwrap();
        assert_eq!(store.scheduled("customers/contacts").unwrap(), Some(at(900)));
        store.give_moment_back("customers/contacts", None, &at(1800)).unwrap();
        assert_eq!(store.scheduled("customers/contacts").unwrap(), Some(at(900)), "not the claim that stands");
        store.give_moment_back("customers/contacts", None, &at(900)).unwrap();
        assert_eq!(store.scheduled("customers/contacts").unwrap(), None);
    }
}

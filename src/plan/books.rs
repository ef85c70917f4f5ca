//! The counts of a run and the equations that must hold between them (DESIGN §5.8).

use serde::{Deserialize, Serialize};

use super::{Action, Change, Outcome};

/// Rows by change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "one count for each word")]
pub struct Changes {
    pub added: u64,
    pub updated: u64,
    pub unchanged: u64,
    pub removed: u64,
    pub invalid: u64,
}

/// Rows by action.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "one count for each word")]
pub struct Actions {
    pub create: u64,
    pub update: u64,
    pub delete: u64,
    pub skip: u64,
    pub hold: u64,
    pub reject: u64,
}

/// Rows by outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "one count for each word")]
pub struct Outcomes {
    pub created: u64,
    pub updated: u64,
    pub deleted: u64,
    pub unchanged: u64,
    pub failed: u64,
    pub unprocessed: u64,
}

impl Changes {
    /// The count of one word.
    pub fn of(&mut self, change: Change) -> &mut u64 {
        match change {
            Change::Added => &mut self.added,
            Change::Updated => &mut self.updated,
            Change::Unchanged => &mut self.unchanged,
            Change::Removed => &mut self.removed,
            Change::Invalid => &mut self.invalid,
        }
    }
}

impl Actions {
    /// The count of one word.
    pub fn of(&mut self, action: Action) -> &mut u64 {
        match action {
            Action::Create => &mut self.create,
            Action::Update => &mut self.update,
            Action::Delete => &mut self.delete,
            Action::Skip => &mut self.skip,
            Action::Hold => &mut self.hold,
            Action::Reject => &mut self.reject,
        }
    }

    /// Rows that calls are made for.
    pub fn writes(&self) -> u64 {
        self.create + self.update + self.delete
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.writes() + self.skip + self.hold + self.reject
    }
}

impl Outcomes {
    /// The count of one word.
    pub fn of(&mut self, outcome: Outcome) -> &mut u64 {
        match outcome {
            Outcome::Created => &mut self.created,
            Outcome::Updated => &mut self.updated,
            Outcome::Deleted => &mut self.deleted,
            Outcome::Unchanged => &mut self.unchanged,
            Outcome::Failed => &mut self.failed,
            Outcome::Unprocessed => &mut self.unprocessed,
        }
    }
}

/// Everything that was counted in a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Books {
    /// Rows received from the query.
    pub extracted: u64,
    /// Changes that the mapping's `rows` selects, and the invalid ones.
    pub selected: u64,
    /// By change.
    pub changes: Changes,
    /// By action.
    pub actions: Actions,
    /// By outcome.
    pub outcomes: Outcomes,
}

impl Books {
    /// Checks the equations; `finished` adds those about outcomes. The error names the one that
    /// does not hold.
    pub fn balance(&self, finished: bool) -> Result<(), String> {
        let Self { extracted, selected, changes, actions, outcomes } = *self;
        let counted = changes.added + changes.updated + changes.unchanged + changes.invalid;
        if extracted != counted {
            return Err(format!("extracted {extracted}, but added + updated + unchanged + invalid = {counted}"));
        }
        if selected != actions.total() {
            return Err(format!("{selected} rows selected, but {} actions", actions.total()));
        }
        if !finished {
            return Ok(());
        }
        let written = outcomes.created + outcomes.updated + outcomes.deleted + outcomes.failed + outcomes.unprocessed;
        if actions.writes() != written {
            return Err(format!(
                "create + update + delete = {}, but created + updated + deleted + failed + unprocessed = {written}",
                actions.writes()
            ));
        }
        if actions.skip != outcomes.unchanged {
            return Err(format!("skip {}, but unchanged {}", actions.skip, outcomes.unchanged));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_row_is_noticed() {
        let mut books = Books { extracted: 3, selected: 2, ..Books::default() };
        *books.changes.of(Change::Added) = 2;
        *books.changes.of(Change::Unchanged) = 1;
        *books.actions.of(Action::Create) = 1;
        *books.actions.of(Action::Skip) = 1;
        assert_eq!(books.balance(false), Ok(()));
        *books.outcomes.of(Outcome::Unchanged) = 1;
        assert!(books.balance(true).unwrap_err().starts_with("create + update + delete = 1"));
        *books.outcomes.of(Outcome::Unprocessed) = 1;
        assert_eq!(books.balance(true), Ok(()));
        books.extracted = 4;
        assert!(books.balance(true).is_err());
    }
}

//! Sending rows: journal, call, settle.
//!
//! [`calls`] keeps several calls in flight, [`packing`] says which rows go together, [`pacing`] when
//! the next call may start, [`doubt`] finds out what a lost call did; [`jobs`] sends rows through
//! Bulk jobs instead and [`recovery`] finds the jobs of a worker that was killed.

mod calls;
mod doubt;
mod jobs;
mod joining;
mod pacing;
mod packing;
mod recovery;

use super::EngineError;
use super::applying::Applying;
use crate::destination::{Api, DestinationError, WriteKind, WriteRow};
use crate::plan::{Action, Outcome};
use crate::store::{RunRow, StoreError};

/// Why a run does not go on.
pub(super) enum Stop {
    /// A person asked for it.
    Asked,
    /// The destination refuses everything.
    Destination(DestinationError),
    /// Our own side failed.
    Engine(EngineError),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Engine(error.into())
    }
}

impl From<EngineError> for Stop {
    fn from(error: EngineError) -> Self {
        Self::Engine(error)
    }
}

impl From<DestinationError> for Stop {
    fn from(error: DestinationError) -> Self {
        Self::Destination(error)
    }
}

/// What became of one row: position, outcome, id, error.
type Settled = (u64, Outcome, Option<String>, Option<DestinationError>);

/// The rows of one action, and what it means for them to arrive.
#[derive(Debug, Clone, Copy)]
struct Lane {
    action: Action,
    kind: WriteKind,
    done: Outcome,
}

impl Lane {
    /// In this order: what frees a value comes before what takes it.
    const ALL: [Self; 3] = [
        Self { action: Action::Update, kind: WriteKind::Update, done: Outcome::Updated },
        Self { action: Action::Create, kind: WriteKind::Create, done: Outcome::Created },
        Self { action: Action::Delete, kind: WriteKind::Delete, done: Outcome::Deleted },
    ];

    /// The lane of an action's word in the journal.
    fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|lane| lane.action.as_str() == word)
    }

    /// What a refusal means: a record that was to be deleted and is gone already needs nothing.
    fn refused(self, error: DestinationError) -> (Outcome, Option<DestinationError>) {
        let gone = self.kind == WriteKind::Delete
            && matches!(error.code.as_str(), "ENTITY_IS_DELETED" | "INVALID_CROSS_REFERENCE_KEY");
        if !gone {
            return (Outcome::Failed, Some(error));
        }
        let message = "its record was deleted by somebody else".to_owned();
        (Outcome::Unchanged, Some(DestinationError { code: "RECORD_GONE".to_owned(), message, hint: None, ..error }))
    }

    /// A row as it is sent.
    fn sent(self, row: &RunRow) -> WriteRow {
        WriteRow {
            id: row.id.clone().filter(|_| self.kind != WriteKind::Create),
            fields: row.fields.iter().map(|change| (change.field.clone(), change.new.clone())).collect(),
        }
    }
}

pub(super) use recovery::take_up;

/// Writes every row that is to be written and has no outcome yet.
pub(super) async fn write_all(run: &mut Applying) -> Result<(), Stop> {
    for lane in Lane::ALL {
        if run.route.api == Api::Bulk {
            jobs::write(run, lane).await?;
        }
        // Everything, or what a job cannot carry and what it says to try again.
        calls::write(run, lane).await?;
    }
    Ok(())
}

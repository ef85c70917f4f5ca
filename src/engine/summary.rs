//! A run in numbers, as screens and `--json` show it.

use serde_json::json;

use crate::destination::OrgInfo;
use crate::mapping::Mapping;
use crate::plan::{Books, Forecast, MassDelete};
use crate::store::{RunId, RunRecord, RunStatus};

/// The counts and costs of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunSummary {
    /// Its number.
    pub run: RunId,
    /// `model/mapping`.
    pub mapping: String,
    /// Where it is.
    pub status: RunStatus,
    /// When its plan was begun (RFC 3339, UTC).
    pub started_at: String,
    /// When it ended.
    pub finished_at: Option<String>,
    /// The org it is for.
    pub org: OrgInfo,
    /// The mapping as it was.
    pub definition: Mapping,
    /// The counts.
    pub books: Books,
    /// What applying the plan would cost.
    pub forecast: Option<Forecast>,
    /// API calls, planning included.
    pub api_calls: u64,
    /// Seconds of work, planning included.
    pub seconds: f64,
    /// Why it ended as it did.
    pub message: Option<String>,
    /// Set when it takes away more than is likely meant; then a person has to say that it is.
    pub mass_delete: Option<MassDelete>,
}

impl From<RunRecord> for RunSummary {
    fn from(run: RunRecord) -> Self {
        Self {
            run: run.id,
            mapping: run.mapping,
            status: run.status,
            started_at: run.started_at,
            finished_at: run.finished_at,
            org: run.org,
            definition: run.definition,
            books: run.books,
            forecast: run.forecast,
            api_calls: run.api_calls,
            seconds: run.seconds,
            message: run.message,
            mass_delete: run.mass_delete,
        }
    }
}

impl RunSummary {
    /// Whether some rows failed, were not processed, or were held or rejected.
    pub fn has_leftovers(&self) -> bool {
        let Books { actions, outcomes, .. } = self.books;
        actions.hold + actions.reject + outcomes.failed + outcomes.unprocessed > 0
    }

    /// The exit code of a command that ends with this run (DESIGN §7).
    pub fn exit_code(&self) -> u8 {
        match self.status {
            RunStatus::Failed => 1,
            RunStatus::Stopped => 130,
            _ if self.has_leftovers() => 3,
            _ => 0,
        }
    }

    /// The `summary` event of DESIGN §7. A plan counts as succeeded, or partial when rows are left
    /// to a person.
    pub fn to_json(&self) -> serde_json::Value {
        let status = match self.status {
            RunStatus::Planned if self.has_leftovers() => "partial",
            RunStatus::Planned => "succeeded",
            other => other.as_str(),
        };
        json!({
            "event": "summary",
            "run": self.run,
            "mapping": self.mapping,
            "status": status,
            "extracted": self.books.extracted,
            "changes": self.books.changes,
            "actions": self.books.actions,
            "outcomes": self.books.outcomes,
            "api_calls": self.api_calls,
            "seconds": (self.seconds * 1000.0).round() / 1000.0,
            "forecast": self.forecast,
            "message": self.message,
            "mass_delete": self.mass_delete,
        })
    }
}

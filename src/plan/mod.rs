//! What a run would do: which rows changed, which record each one means, and field by field what
//! would be written. Pure: rows and records in, decisions out.

mod books;
mod candidates;
mod decide;
mod parents;
mod removed;
mod replan;
mod route;
mod words;

pub use books::{Actions, Books, Changes, Outcomes};
pub use candidates::{Candidates, MatchValues, record_keys, row_keys};
pub use decide::{Decision, FieldChange, PARENT_FIELD, Planned, RowFacts, Rules, decide};
pub use parents::{Parent, Parents};
pub use removed::{MassDelete, RemovedRules, Trace, clearable, decide_removed, keep_removed, removed_twice};
pub use replan::{Review, review};
pub use route::{Forecast, Reason, Route};
pub use words::{Action, Change, Outcome};

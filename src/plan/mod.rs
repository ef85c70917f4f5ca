//! What a run would do: which rows changed, which record each one means, and field by field what
//! would be written. Pure: rows and records in, decisions out.

mod books;
mod candidates;
mod decide;
mod words;

pub use books::{Actions, Books, Changes, Forecast, Outcomes, forecast};
pub use candidates::{Candidates, MatchValues};
pub use decide::{Decision, FieldChange, Rules, decide};
pub use words::{Action, Change, Outcome};

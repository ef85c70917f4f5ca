//! From columns to fields: what a mapping is, what it makes of a row, and what is wrong with it.
//!
//! Pure: no I/O, no clock. A mapping is a value that can be compared and kept in an undo stack.

pub mod automatch;
mod check;
mod mapper;
mod model;
mod nearest;
mod persons;
mod places;
mod record_types;
#[cfg(test)]
mod tests;
mod transform;
mod wire;

pub use check::{Finding, Place, Severity, check};
pub use mapper::{MappedRow, Mapper, Sources};
pub use model::{
    ApiChoice, DuplicateRule, Link, Lookup, Mapping, MatchMode, MatchTerm, Missing, NullPolicy, OnRemoved, Operation,
    RecordMatcher, RowSelection, Source, TooLong, WritePolicy,
};
pub use nearest::nearest;
pub use persons::{IS_PERSON, are_persons, has_persons, is_person_contact, is_required};
pub use places::{Place as AddressPlace, places, refused as refused_place};
pub use record_types::{is_record_type, named as named_record_type};
pub use transform::{Transform, TransformError};
pub use wire::{check_match_value, comparable_text, is_email, wire_equal};

//! Plain data that every other folder speaks: cell values, columns, fields, batches of rows.
//!
//! Depends on nothing of ours and does no I/O.

mod column;
mod decimal;
mod field;
mod key;
mod object_summary;
mod record_type;
mod value;

pub use column::{Column, ColumnType, RowBatch, Schema};
pub use decimal::Decimal;
pub use field::{Field, FieldType, ObjectDescribe, PicklistValue};
pub use key::{KeyColumns, RowKey};
pub use object_summary::ObjectSummary;
pub use record_type::{MASTER_RECORD_TYPE, RecordType};
pub use value::Value;

//! The source side: columns of a query and batches of its rows.

use std::fmt;
use std::sync::Arc;

use super::Value;

/// What Snowflake says a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ColumnType {
    /// NUMBER(precision, scale).
    Number {
        /// Digits in all, at most 38.
        precision: u8,
        /// Digits after the point.
        scale: u8,
    },
    /// FLOAT.
    Float,
    /// VARCHAR(length in characters).
    Text {
        /// Characters; 16,777,216 when none was declared.
        length: u32,
    },
    /// BOOLEAN.
    Bool,
    /// DATE.
    Date,
    /// TIME.
    Time,
    /// TIMESTAMP_NTZ.
    TimestampNtz,
    /// TIMESTAMP_LTZ.
    TimestampLtz,
    /// TIMESTAMP_TZ.
    TimestampTz,
    /// BINARY.
    Binary,
    /// VARIANT, OBJECT, ARRAY.
    Json,
    /// A type this version does not know; its values arrive as text.
    Other,
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number { precision, scale } => write!(f, "NUMBER({precision},{scale})"),
            Self::Float => f.write_str("FLOAT"),
            Self::Text { length: 16_777_216 } => f.write_str("VARCHAR"),
            Self::Text { length } => write!(f, "VARCHAR({length})"),
            Self::Bool => f.write_str("BOOLEAN"),
            Self::Date => f.write_str("DATE"),
            Self::Time => f.write_str("TIME"),
            Self::TimestampNtz => f.write_str("TIMESTAMP_NTZ"),
            Self::TimestampLtz => f.write_str("TIMESTAMP_LTZ"),
            Self::TimestampTz => f.write_str("TIMESTAMP_TZ"),
            Self::Binary => f.write_str("BINARY"),
            Self::Json => f.write_str("VARIANT"),
            Self::Other => f.write_str("OTHER"),
        }
    }
}

/// One column of a query's result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// As Snowflake names it (unquoted identifiers arrive in upper case).
    pub name: String,
    /// Its type.
    pub kind: ColumnType,
    /// Whether NULL may occur.
    pub nullable: bool,
}

/// The columns of a result, shared by its batches.
pub type Schema = Arc<[Column]>;

/// Some rows of a result, in order.
#[derive(Debug, Clone)]
pub struct RowBatch {
    /// The columns; every row has one value for each.
    pub schema: Schema,
    /// The rows.
    pub rows: Vec<Vec<Value>>,
}

//! One cell of a row.

use std::fmt;

use jiff::civil;

use super::Decimal;

/// A cell as Snowflake means it. NULL, empty text and a missing cell are three things: a missing
/// cell is an absent column, NULL is [`Value::Null`], empty text is `Text("")`.
///
/// Instants are kept as civil times beside their offset, because the year 9999 (the usual
/// "valid for ever") must survive and does not fit every timestamp type.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// SQL NULL.
    #[default]
    Null,
    /// BOOLEAN.
    Bool(bool),
    /// NUMBER with its digits and its scale.
    Number(Decimal),
    /// FLOAT, NaN and infinities included.
    Float(f64),
    /// VARCHAR.
    Text(String),
    /// DATE: a day of the calendar, in no zone.
    Date(civil::Date),
    /// TIME: a time of day, in no zone.
    Time(civil::Time),
    /// TIMESTAMP_NTZ: a wall-clock reading whose zone is not known.
    TimestampNtz(civil::DateTime),
    /// TIMESTAMP_LTZ: an instant, as the civil time in UTC.
    TimestampLtz(civil::DateTime),
    /// TIMESTAMP_TZ: an instant and the offset it was written with.
    TimestampTz {
        /// The civil time in UTC.
        utc: civil::DateTime,
        /// Minutes east of UTC.
        offset_minutes: i16,
    },
    /// BINARY.
    Binary(Vec<u8>),
    /// VARIANT, OBJECT or ARRAY: JSON text as Snowflake printed it.
    Json(String),
}

impl Value {
    /// Whether this is SQL NULL.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether this is NULL or text of white space only: nothing that could identify a record.
    pub fn is_blank(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Text(text) => text.trim().is_empty(),
            _ => false,
        }
    }

    /// The text of a text value.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// Prints the value as Snowflake's own clients would, NULL as nothing.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => Ok(()),
            Self::Bool(b) => write!(f, "{b}"),
            Self::Number(n) => write!(f, "{n}"),
            Self::Float(x) => write!(f, "{x}"),
            Self::Text(t) | Self::Json(t) => f.write_str(t),
            Self::Date(d) => write!(f, "{d}"),
            Self::Time(t) => write!(f, "{t}"),
            Self::TimestampNtz(t) => write!(f, "{} {}", t.date(), t.time()),
            Self::TimestampLtz(t) => write!(f, "{} {}Z", t.date(), t.time()),
            Self::TimestampTz { utc, offset_minutes } => {
                let local = utc.checked_add(jiff::Span::new().minutes(i64::from(*offset_minutes))).unwrap_or(*utc);
                let (sign, minutes) = if *offset_minutes < 0 { ('-', -offset_minutes) } else { ('+', *offset_minutes) };
                write!(f, "{} {} {sign}{:02}:{:02}", local.date(), local.time(), minutes / 60, minutes % 60)
            }
            Self::Binary(bytes) => bytes.iter().try_for_each(|b| write!(f, "{b:02X}")),
        }
    }
}

//! Dates, instants, times of day. A date never shifts; an instant always has a zone.

use jiff::civil;
use serde_json::json;

use super::{rejection, unreadable};
use crate::destination::{DestinationError, Wire};
use crate::types::{Field, Value};

/// The last day that Salesforce stores (dates run from 1700-01-01 to 4000-12-31).
const LAST_DAY: civil::Date = civil::date(4000, 12, 31);
const FIRST_DAY: civil::Date = civil::date(1700, 1, 1);

pub(super) fn date(value: &Value, field: &Field) -> Result<Wire, DestinationError> {
    let date = match value {
        Value::Date(date) => *date,
        // A wall clock's day needs no zone; an instant's day does, so those are refused.
        Value::TimestampNtz(wall) => wall.date(),
        Value::Text(text) => {
            text.trim().parse::<civil::Date>().map_err(|_| unreadable(value, field, "a date such as 2024-01-31"))?
        }
        other => return Err(unreadable(other, field, "a date")),
    };
    in_range(date, field)?;
    Ok(json!(date.to_string()))
}

fn in_range(date: civil::Date, field: &Field) -> Result<(), DestinationError> {
    if (FIRST_DAY..=LAST_DAY).contains(&date) {
        return Ok(());
    }
    Err(rejection(
        "DATE_OUT_OF_RANGE",
        field,
        format!("{}: {date} is outside 1700-01-01 … 4000-12-31, all that Salesforce stores", field.name),
        Some("Turn such a date into NULL in the query."),
    ))
}

pub(super) fn date_time(value: &Value, field: &Field) -> Result<Wire, DestinationError> {
    let utc = match value {
        Value::TimestampLtz(utc) | Value::TimestampTz { utc, .. } => *utc,
        Value::TimestampNtz(_) => {
            return Err(rejection(
                "ZONE_NEEDED",
                field,
                format!("{}: a timestamp without a zone could be any of 24 instants", field.name),
                Some("Add the transform \"zone:Europe/Berlin\" (your zone) to this link."),
            ));
        }
        Value::Text(text) => {
            let instant: jiff::Timestamp = text
                .trim()
                .parse()
                .map_err(|_| unreadable(value, field, "a date and time with a zone, such as 2024-01-31T10:00:00Z"))?;
            jiff::tz::TimeZone::UTC.to_datetime(instant)
        }
        other => return Err(unreadable(other, field, "a date and time")),
    };
    in_range(utc.date(), field)?;
    Ok(json!(utc.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()))
}

/// `10:00:00.000Z`: a time of day has no zone, and Salesforce writes a Z behind it all the same.
pub(super) fn time(value: &Value, field: &Field) -> Result<Wire, DestinationError> {
    let time = match value {
        Value::Time(time) => *time,
        Value::Text(text) => parse_time(text).ok_or_else(|| unreadable(value, field, "a time such as 10:30:00"))?,
        other => return Err(unreadable(other, field, "a time such as 10:30:00")),
    };
    Ok(json!(time.strftime("%H:%M:%S%.3fZ").to_string()))
}

/// Reads `10:30`, `10:30:00`, `10:30:00.000Z`.
pub(super) fn parse_time(text: &str) -> Option<civil::Time> {
    text.trim().trim_end_matches('Z').parse().ok()
}

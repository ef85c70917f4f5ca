//! Cells that arrive as text: real text, and every type of a result in Snowflake's JSON format
//! (SHOW, DESCRIBE, sessions that ask for it).

use jiff::civil;
use snowflake_api::SnowflakeType;

use super::convert::{civil_at, date};
use crate::types::Value;

/// A cell by its type; `None` when the text is not of that type.
pub(super) fn read(kind: &SnowflakeType, scale: u8, text: String) -> Option<Value> {
    Some(match kind {
        SnowflakeType::Fixed => Value::Number(text.parse().ok()?),
        SnowflakeType::Real => Value::Float(text.trim().to_lowercase().parse().ok()?),
        SnowflakeType::Boolean => match text.to_ascii_lowercase().as_str() {
            "1" | "true" => Value::Bool(true),
            "0" | "false" => Value::Bool(false),
            _ => return None,
        },
        SnowflakeType::Date => Value::Date(date(text.parse().ok()?)?),
        SnowflakeType::Time => {
            let (seconds, nanos) = seconds(&text, scale)?;
            Value::Time(civil::Time::midnight().checked_add(jiff::SignedDuration::new(seconds, nanos)).ok()?)
        }
        SnowflakeType::TimestampNtz => {
            let (seconds, nanos) = seconds(&text, scale)?;
            Value::TimestampNtz(civil_at(seconds, nanos)?)
        }
        SnowflakeType::TimestampLtz => {
            let (seconds, nanos) = seconds(&text, scale)?;
            Value::TimestampLtz(civil_at(seconds, nanos)?)
        }
        SnowflakeType::TimestampTz => {
            let (when, zone) = text.split_once(' ')?;
            let (seconds, nanos) = seconds(when, scale)?;
            let offset_minutes = i16::try_from(zone.trim().parse::<i32>().ok()? - 1_440).ok()?;
            Value::TimestampTz { utc: civil_at(seconds, nanos)?, offset_minutes }
        }
        SnowflakeType::Binary => Value::Binary(hex(&text)?),
        SnowflakeType::Variant | SnowflakeType::Object | SnowflakeType::Array => Value::Json(text),
        _ => Value::Text(text),
    })
}

/// `1580645594.500000000` as seconds and nanoseconds to add; `-1.500` is -2 s + 0.5 s.
fn seconds(text: &str, _scale: u8) -> Option<(i64, i32)> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let seconds: i64 = whole.parse().ok()?;
    let nanos: i32 = format!("{part:0<9}").get(..9)?.parse().ok()?;
    if whole.starts_with('-') && nanos > 0 {
        Some((seconds - 1, 1_000_000_000 - nanos))
    } else {
        Some((seconds, nanos))
    }
}

fn hex(text: &str) -> Option<Vec<u8>> {
    text.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Decimal;

    #[test]
    fn recorded_forms() {
        let cell = |kind: SnowflakeType, text: &str| read(&kind, 9, text.to_owned()).unwrap();
        assert_eq!(cell(SnowflakeType::Fixed, "22.00"), Value::Number(Decimal::new(2_200, 2)));
        assert_eq!(cell(SnowflakeType::Date, "19048"), Value::Date(civil::date(2022, 2, 25)));
        assert_eq!(
            cell(SnowflakeType::TimestampNtz, "1580645594.500000000"),
            Value::TimestampNtz(civil::date(2020, 2, 2).at(12, 13, 14, 500_000_000))
        );
        assert_eq!(
            cell(SnowflakeType::TimestampTz, "1645747200.000000000 1860"),
            Value::TimestampTz { utc: civil::date(2022, 2, 25).at(0, 0, 0, 0), offset_minutes: 420 }
        );
        assert_eq!(
            cell(SnowflakeType::TimestampNtz, "-1.500000000"),
            Value::TimestampNtz(civil::date(1969, 12, 31).at(23, 59, 58, 500_000_000))
        );
        assert_eq!(cell(SnowflakeType::Binary, "0AFF"), Value::Binary(vec![10, 255]));
        assert_eq!(read(&SnowflakeType::Boolean, 0, "maybe".to_owned()), None);
    }
}

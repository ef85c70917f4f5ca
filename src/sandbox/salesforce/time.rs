//! Dates and times as the wire spells them. The org's clock and zone are UTC.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// 2025-01-01, when the org's first record was made.
pub const BEGINNING: i64 = 1_735_689_600_000;

/// Milliseconds since 1970.
pub fn now_milliseconds() -> i64 {
    Timestamp::now().as_millisecond()
}

/// `2024-01-31T10:00:00.000+0000`.
pub fn format_milliseconds(milliseconds: i64) -> String {
    let stamp = Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH);
    let time = TimeZone::UTC.to_datetime(stamp);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}+0000",
        time.year(),
        time.month(),
        time.day(),
        time.hour(),
        time.minute(),
        time.second(),
        time.millisecond()
    )
}

/// `Wed, 01 Jan 2025 00:00:00 GMT`.
pub fn format_http_date(milliseconds: i64) -> String {
    let stamp = Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH);
    jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&stamp).unwrap_or_default()
}

/// Milliseconds since 1970 of a date as HTTP headers spell it.
pub fn read_http_date(text: &str) -> Option<i64> {
    let zoned = jiff::fmt::rfc2822::DateTimeParser::new().parse_zoned_datetime(text).ok()?;
    Some(zoned.timestamp().as_millisecond())
}

/// A day's first moment.
pub fn start_of(day: Date) -> String {
    format!("{day}T00:00:00.000+0000")
}

/// A date and time with a zone, in the wire's own spelling; `None` when it is not one.
pub fn read_datetime(text: &str) -> Option<String> {
    let (date, rest) = text.split_once('T')?;
    read_date(date)?;
    // The zone must be there; `+0000` and `+00:00` are both taken.
    let zoned = rest.ends_with('Z') || rest.bytes().rev().take(6).any(|byte| byte == b'+' || byte == b'-');
    if !zoned {
        return None;
    }
    let text = match rest.as_bytes() {
        [.., b'+' | b'-', _, _, _, _] if !rest.ends_with('Z') => {
            let (head, minutes) = text.split_at(text.len() - 2);
            format!("{head}:{minutes}")
        }
        _ => text.to_owned(),
    };
    text.parse::<Timestamp>().ok().map(|stamp| format_milliseconds(stamp.as_millisecond()))
}

/// A calendar date, `2024-01-31`.
pub fn read_date(text: &str) -> Option<Date> {
    let shape = text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    if shape { text.parse().ok() } else { None }
}

/// The days a date literal stands for: the first, and the first that is no longer in it.
pub fn literal(name: &str, count: Option<i64>) -> Option<(Date, Date)> {
    let today = TimeZone::UTC.to_datetime(Timestamp::now()).date();
    let days =
        |from: i64, until: i64| Some((today.checked_add(from.days()).ok()?, today.checked_add(until.days()).ok()?));
    let month = |offset: i64| {
        let first = today.first_of_month().checked_add(offset.months()).ok()?;
        Some((first, first.checked_add(1.month()).ok()?))
    };
    let year = |offset: i64| {
        let first = today.first_of_year().checked_add(offset.years()).ok()?;
        Some((first, first.checked_add(1.year()).ok()?))
    };
    match (name.to_ascii_uppercase().as_str(), count) {
        ("TODAY", None) => days(0, 1),
        ("YESTERDAY", None) => days(-1, 0),
        ("TOMORROW", None) => days(1, 2),
        ("THIS_MONTH", None) => month(0),
        ("LAST_MONTH", None) => month(-1),
        ("NEXT_MONTH", None) => month(1),
        ("THIS_YEAR", None) => year(0),
        ("LAST_YEAR", None) => year(-1),
        ("NEXT_YEAR", None) => year(1),
        ("LAST_N_DAYS", Some(count)) if (0..=100_000).contains(&count) => days(-count, 1),
        ("NEXT_N_DAYS", Some(count)) if (0..=100_000).contains(&count) => days(1, count + 1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datetimes_come_back_in_utc_with_milliseconds() {
        for (text, wire) in [
            ("2024-01-31T10:00:00Z", "2024-01-31T10:00:00.000+0000"),
            ("2024-01-31T10:00:00.25+02:00", "2024-01-31T08:00:00.250+0000"),
            ("2024-01-31T10:00:00.000-0500", "2024-01-31T15:00:00.000+0000"),
        ] {
            assert_eq!(read_datetime(text).as_deref(), Some(wire), "{text}");
        }
        for text in ["2024-01-31", "2024-01-31T10:00:00", "2024-01-31 10:00:00Z", "2024-02-30T10:00:00Z", "soon"] {
            assert_eq!(read_datetime(text), None, "{text}");
        }
    }

    #[test]
    fn dates_are_days_that_exist() {
        assert!(read_date("9999-12-31").is_some());
        assert!(read_date("2023-02-29").is_none());
        assert!(read_date("2023-2-9").is_none());
    }
}

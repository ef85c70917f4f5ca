//! A length of time as people write it: `30s`, `15m`, `6h`, `1d`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// The units, largest first, with their seconds.
const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// A longer one is a mistake.
const LONGEST: u64 = 366 * 86_400;

/// Whole seconds, at least one, at most a year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Length(u64);

impl Length {
    /// In seconds.
    pub fn seconds(self) -> u64 {
        self.0
    }

    /// As the standard library has it.
    pub fn duration(self) -> Duration {
        Duration::from_secs(self.0)
    }
}

impl FromStr for Length {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let no =
            || format!("`{text}` is no length of time. Write a number and s, m, h or d, such as 30s, 15m, 6h or 1d");
        let text = text.trim();
        let unit = text.chars().last().ok_or_else(no)?;
        let (_, seconds) = UNITS.into_iter().find(|(known, _)| *known == unit).ok_or_else(no)?;
        let number: u64 = text[..text.len() - unit.len_utf8()].trim().parse().map_err(|_| no())?;
        match number.checked_mul(seconds) {
            Some(0) => Err(format!("`{text}` is no time at all. Write at least 1s")),
            Some(seconds) if seconds <= LONGEST => Ok(Self(seconds)),
            _ => Err(format!("`{text}` is more than a year. Write a shorter time, or `cron`")),
        }
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, seconds) =
            UNITS.into_iter().find(|(_, seconds)| self.0.is_multiple_of(*seconds)).unwrap_or(('s', 1));
        write!(f, "{}{unit}", self.0 / seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_and_printed() {
        for (text, seconds, printed) in [
            ("30s", 30, "30s"),
            ("15m", 900, "15m"),
            ("6h", 21_600, "6h"),
            ("1d", 86_400, "1d"),
            ("90m", 5_400, "90m"),
            ("60s", 60, "1m"),
        ] {
            let length: Length = text.parse().unwrap();
            assert_eq!((length.seconds(), length.to_string().as_str()), (seconds, printed));
        }
        for bad in ["", "m", "15", "15x", "-3m", "1.5h", "0s", "9999d", "15 min", "99999999999999999999d"] {
            let error = bad.parse::<Length>().unwrap_err();
            assert!(error.contains("Write"), "{error}");
        }
    }
}

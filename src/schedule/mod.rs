//! When a model runs by itself: `[schedule]` of `model.toml`, and the moments that it means.
//!
//! Pure: nothing here reads a clock, a file or the state. Whoever asks says what time it is.

mod due;
mod file;
mod length;
mod moments;

use std::fmt;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::civil;
use jiff::tz::TimeZone;

pub use due::{Kept, Standing};
pub use length::Length;

/// When a model runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// Which moments.
    pub when: When,
    /// Where the times of day are told; its IANA name is kept for people.
    pub zone: Zone,
    /// A run starts up to this long after its moment, so that not all begin in the same second.
    pub jitter: Option<Length>,
}

/// Which moments a schedule means.
#[derive(Debug, Clone, PartialEq)]
pub enum When {
    /// None: it runs when a person says so.
    Manual,
    /// Every so often, counted from 1970-01-01 00:00 UTC, so that all who ask get the same moments.
    Every(Length),
    /// At these times of each day.
    At(Vec<civil::Time>),
    /// As a line of cron says.
    Cron(CronLine),
}

/// A time zone with the name it was given by.
#[derive(Debug, Clone, PartialEq)]
pub struct Zone {
    name: String,
    zone: TimeZone,
}

impl Zone {
    /// UTC.
    pub fn utc() -> Self {
        Self { name: "UTC".to_owned(), zone: TimeZone::UTC }
    }

    /// The zone of an IANA name. The error says what to write.
    pub fn named(name: &str) -> Result<Self, String> {
        if name.eq_ignore_ascii_case("utc") {
            return Ok(Self::utc());
        }
        match TimeZone::get(name) {
            Ok(zone) => Ok(Self { name: zone.iana_name().unwrap_or(name).to_owned(), zone }),
            Err(_) => {
                let known: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
                let near = known
                    .iter()
                    .map(|known| (strsim::jaro_winkler(&known.to_lowercase(), &name.to_lowercase()), known))
                    .filter(|(likeness, _)| *likeness > 0.8)
                    .max_by(|a, b| a.0.total_cmp(&b.0))
                    .map_or_else(
                        || "Write an IANA name such as Europe/Berlin".to_owned(),
                        |(_, near)| format!("Did you mean `{near}`?"),
                    );
                let none = if known.is_empty() { " (this machine has no time zones: install tzdata)" } else { "" };
                Err(format!("there is no time zone `{name}`{none}. {near}"))
            }
        }
    }

    /// Its IANA name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The zone itself.
    pub fn time_zone(&self) -> &TimeZone {
        &self.zone
    }
}

/// The five fields of a line of cron.
#[derive(Debug, Clone, PartialEq)]
pub struct CronLine {
    text: String,
    fields: Cron,
    times: Vec<civil::Time>,
}

impl CronLine {
    /// Reads the five fields: minute, hour, day of month, month, day of week. The error says what to
    /// write.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts = text.split_whitespace().count();
        if parts != 5 {
            return Err(format!(
                "a line of cron has five fields, and `{text}` has {parts}: minute hour day month weekday, such as \
                 \"0 7 * * 1-5\""
            ));
        }
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let fields = parser.parse(text).map_err(|error| {
            let why = error.to_string();
            let why = why.split_once(": ").map_or(why.as_str(), |(_, why)| why).trim_end_matches('.');
            format!("`{text}` is no line of cron: {why}. Write minute hour day month weekday, such as \"0 7 * * 1-5\"")
        })?;
        let hours: Vec<u32> = (0..24).filter(|hour| fields.pattern.hour_match(*hour).unwrap_or(false)).collect();
        let minutes: Vec<u32> =
            (0..60).filter(|minute| fields.pattern.minute_match(*minute).unwrap_or(false)).collect();
        let times = hours
            .iter()
            .flat_map(|hour| minutes.iter().map(move |minute| civil::time(*hour as i8, *minute as i8, 0, 0)))
            .collect();
        Ok(Self { text: text.split_whitespace().collect::<Vec<_>>().join(" "), fields, times })
    }

    /// Whether it has moments on this day.
    fn is_on(&self, day: civil::Date) -> bool {
        let (year, month, number) = (i32::from(day.year()), day.month() as u32, day.day() as u32);
        let weekday =
            croner::time::Weekday::from_days_from_sunday(day.weekday().to_sunday_zero_offset().unsigned_abs().into());
        self.fields.pattern.month_match(month).unwrap_or(false)
            && self.fields.pattern.day_match(year, month, number, weekday).unwrap_or(false)
    }
}

impl Schedule {
    /// No moments.
    pub fn manual() -> Self {
        Self { when: When::Manual, zone: Zone::utc(), jitter: None }
    }

    /// Whether it runs only when a person says so.
    pub fn is_manual(&self) -> bool {
        self.when == When::Manual
    }
}

/// The moments in a few words: `every 15m`, `at 07:00, 19:00 Europe/Berlin`. Two schedules that
/// print alike mean the same moments.
impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.when {
            // No time of day, so no zone.
            When::Manual => return f.write_str("manual"),
            When::Every(length) => return write!(f, "every {length}"),
            When::At(times) => {
                let short = |time: &civil::Time| {
                    let text = time.strftime(if time.second() == 0 { "%H:%M" } else { "%H:%M:%S" });
                    text.to_string()
                };
                write!(f, "at {}", times.iter().map(short).collect::<Vec<_>>().join(", "))?;
            }
            When::Cron(line) => write!(f, "cron {}", line.text)?,
        }
        write!(f, " {}", self.zone.name)
    }
}

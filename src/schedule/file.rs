//! `[schedule]` as it stands in `model.toml`. Errors point at the value and say what to write.

use std::fmt;
use std::marker::PhantomData;

use jiff::civil::Time;
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{CronLine, Length, Schedule, When, Zone};

/// The keys; exactly one of the first three, or none.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    every: Option<Word<Length>>,
    at: Option<Times>,
    cron: Option<Word<CronLine>>,
    zone: Option<Word<Zone>>,
    jitter: Option<Word<Length>>,
}

impl<'de> Deserialize<'de> for Schedule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Keys { every, at, cron, zone, jitter } = Keys::deserialize(deserializer)?;
        let mut given = Vec::new();
        given.extend(every.map(|every| ("every", When::Every(every.0))));
        given.extend(at.map(|at| ("at", When::At(at.0))));
        given.extend(cron.map(|cron| ("cron", When::Cron(cron.0))));
        if given.len() > 1 {
            let names: Vec<&str> = given.iter().map(|(name, _)| *name).collect();
            return Err(D::Error::custom(format!("{} cannot stand together. Keep one of them", names.join(" and "))));
        }
        let when = given.pop().map_or(When::Manual, |(_, when)| when);
        let jitter = jitter.map(|jitter| jitter.0);
        if let (When::Every(every), Some(jitter)) = (&when, &jitter)
            && jitter >= every
        {
            return Err(D::Error::custom(format!(
                "jitter {jitter} is not shorter than every {every}. Write a shorter jitter"
            )));
        }
        let schedule = Self { when, zone: zone.map_or_else(Zone::utc, |zone| zone.0), jitter };
        if let When::Cron(line) = &schedule.when
            && schedule.next_after(jiff::Timestamp::UNIX_EPOCH).is_none()
        {
            return Err(D::Error::custom(format!("`{}` never comes: no month has that day", line.text)));
        }
        Ok(schedule)
    }
}

/// Something that is written as a text.
trait FromWord: Sized {
    /// What is expected, for an error.
    const WHAT: &'static str;
    fn from_word(text: &str) -> Result<Self, String>;
}

impl FromWord for Length {
    const WHAT: &'static str = "a length of time in quotes, such as \"15m\"";
    fn from_word(text: &str) -> Result<Self, String> {
        text.parse()
    }
}

impl FromWord for CronLine {
    const WHAT: &'static str = "a line of cron in quotes, such as \"0 7 * * 1-5\"";
    fn from_word(text: &str) -> Result<Self, String> {
        Self::parse(text)
    }
}

impl FromWord for Zone {
    const WHAT: &'static str = "a time zone in quotes, such as \"Europe/Berlin\"";
    fn from_word(text: &str) -> Result<Self, String> {
        Self::named(text)
    }
}

#[derive(Debug)]
struct Word<T>(T);

impl<'de, T: FromWord> Deserialize<'de> for Word<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reads<T>(PhantomData<T>);
        impl<T: FromWord> Visitor<'_> for Reads<T> {
            type Value = Word<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(T::WHAT)
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Word<T>, E> {
                T::from_word(text).map(Word).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Reads(PhantomData))
    }
}

/// One time of day.
#[derive(Debug)]
struct Clock(Time);

impl FromWord for Clock {
    const WHAT: &'static str = "a time of day in quotes, such as \"07:00\"";
    fn from_word(text: &str) -> Result<Self, String> {
        let is_clock = text.len() >= 5 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b':');
        match text.parse::<Time>() {
            Ok(time) if is_clock => Ok(Self(time)),
            _ => Err(format!("`{text}` is no time of day. Write hours and minutes, such as 07:00 or 19:30")),
        }
    }
}

/// Times of day, in order, each once; a single one needs no list.
#[derive(Debug)]
struct Times(Vec<Time>);

impl<'de> Deserialize<'de> for Times {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reads;
        impl<'de> Visitor<'de> for Reads {
            type Value = Times;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("times of day, such as [\"07:00\", \"19:00\"]")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Times, E> {
                Clock::from_word(text).map(|clock| Times(vec![clock.0])).map_err(E::custom)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Times, A::Error> {
                let mut times = Vec::new();
                while let Some(Word(Clock(time))) = list.next_element()? {
                    times.push(time);
                }
                if times.is_empty() {
                    return Err(A::Error::custom("at has no time. Write at least one, such as [\"07:00\"]"));
                }
                times.sort_unstable();
                times.dedup();
                Ok(Times(times))
            }
        }
        deserializer.deserialize_any(Reads)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Schedule, toml::de::Error> {
        toml::from_str(text)
    }

    #[test]
    fn each_kind_is_read_and_prints_itself() {
        for (text, printed) in [
            ("", "manual"),
            ("every = \"15m\"", "every 15m"),
            ("at = [\"19:00\", \"07:00\", \"07:00\"]", "at 07:00, 19:00 UTC"),
            ("at = \"07:00\"\nzone = \"Europe/Berlin\"", "at 07:00 Europe/Berlin"),
            ("cron = \"0  7 * * 1-5\"\nzone = \"europe/berlin\"\njitter = \"30s\"", "cron 0 7 * * 1-5 Europe/Berlin"),
        ] {
            assert_eq!(read(text).unwrap().to_string(), printed);
        }
    }

    #[test]
    fn a_day_that_no_month_has_never_comes() {
        assert!(read("cron = \"0 0 31 2 *\"").unwrap_err().message().contains("never comes"));
    }

    #[test]
    fn what_is_wrong_is_pointed_at() {
        for (text, parts) in [
            ("every = \"15x\"", &["`15x`", "15m"][..]),
            ("every = 15", &["\"15m\""]),
            ("every = \"15m\"\nat = [\"07:00\"]", &["every and at", "Keep one"]),
            ("at = []", &["at has no time"]),
            ("at = [\"7 am\"]", &["`7 am`", "07:00"]),
            ("at = [\"25:00\"]", &["`25:00`"]),
            ("at = 7", &["[\"07:00\", \"19:00\"]"]),
            ("cron = \"0 7 * *\"", &["five fields", "has 4"]),
            ("at = [\"07:00\"]\nzone = \"Europe/Berln\"", &["`Europe/Berln`", "Did you mean `Europe/Berlin`?"]),
            ("every = \"1m\"\njitter = \"2m\"", &["not shorter"]),
            ("evry = \"1m\"", &["unknown field `evry`"]),
        ] {
            let error = read(text).unwrap_err();
            for part in parts {
                assert!(error.message().contains(part), "`{part}` is not in `{}`", error.message());
            }
            // Two keys that exclude each other are the table's; within a file its head is pointed at.
            assert!(error.span().is_some() || text.lines().count() > 1, "{text}");
        }
    }
}

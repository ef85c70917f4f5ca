//! What can be done to a value on its way: small pure steps, written as text in the mapping.

use std::fmt;
use std::str::FromStr;

use jiff::civil;
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use unicode_segmentation::UnicodeSegmentation;

use crate::types::Value;

/// One step. NULL passes through every step but `default`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transform {
    /// `trim`: no white space at either end.
    Trim,
    /// `lower`: lower case.
    Lower,
    /// `upper`: upper case.
    Upper,
    /// `title`: First Letters Of Words.
    Title,
    /// `digits`: only 0–9 and a leading plus sign.
    Digits,
    /// `default:X`: X in the place of NULL and of blank text.
    Default(String),
    /// `date:FMT`: text read as a date by a strftime pattern, such as `date:%d.%m.%Y`.
    Date(String),
    /// `zone:TZ`: a timestamp without a zone is a wall clock in this one, such as `zone:Europe/Berlin`.
    Zone(String),
    /// `truncate`: text is cut at the field's length (as `too_long = "truncate"`).
    Truncate,
    /// `map:{"reseller":"Partner"}`: one text for another; texts that are not listed stay.
    Map(Vec<(String, String)>),
}

/// A step that cannot be read, or a value that a step cannot take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TransformError(pub String);

const NAMES: &[&str] = &["trim", "lower", "upper", "title", "digits", "default", "date", "zone", "truncate", "map"];

impl Transform {
    /// The value after this step.
    pub fn apply(&self, value: Value) -> Result<Value, TransformError> {
        if let Self::Default(text) = self {
            return Ok(if value.is_blank() { Value::Text(text.clone()) } else { value });
        }
        if value.is_null() {
            return Ok(value);
        }
        Ok(match self {
            Self::Trim => on_text(value, |text| text.trim().to_owned()),
            Self::Lower => on_text(value, str::to_lowercase),
            Self::Upper => on_text(value, str::to_uppercase),
            Self::Title => on_text(value, title),
            Self::Digits => Value::Text(digits(&value.to_string())),
            Self::Date(pattern) => {
                match value {
                    Value::Text(text) => Value::Date(civil::Date::strptime(pattern, text.trim()).map_err(|_| {
                        TransformError(format!("`{}` is not a date of the form {pattern}", text.trim()))
                    })?),
                    other => other,
                }
            }
            Self::Zone(name) => in_zone(value, name)?,
            Self::Map(pairs) => {
                let text = value.to_string();
                pairs
                    .iter()
                    .find(|(from, _)| from.eq_ignore_ascii_case(text.trim()))
                    .map_or(value, |(_, to)| Value::Text(to.clone()))
            }
            // The mapper applies it, because only the mapper knows the field's length.
            Self::Truncate | Self::Default(_) => value,
        })
    }
}

fn on_text(value: Value, change: impl FnOnce(&str) -> String) -> Value {
    match value {
        Value::Text(text) => Value::Text(change(&text)),
        other => other,
    }
}

fn title(text: &str) -> String {
    text.split_word_bounds()
        .map(|word| {
            let mut letters = word.chars();
            letters.next().map_or_else(String::new, |first| {
                first.to_uppercase().collect::<String>() + &letters.as_str().to_lowercase()
            })
        })
        .collect()
}

fn digits(text: &str) -> String {
    let text = text.trim();
    let plus = if text.starts_with('+') { "+" } else { "" };
    text.chars().filter(char::is_ascii_digit).fold(plus.to_owned(), |mut all, digit| {
        all.push(digit);
        all
    })
}

fn in_zone(value: Value, name: &str) -> Result<Value, TransformError> {
    let Value::TimestampNtz(wall) = value else { return Ok(value) };
    let zone = TimeZone::get(name).map_err(|_| TransformError(format!("`{name}` is not a known time zone")))?;
    let offset = zone
        .to_ambiguous_timestamp(wall)
        .compatible()
        .map(|instant| zone.to_offset(instant))
        .map_err(|_| TransformError(format!("{wall} cannot be placed in the zone {name}")))?;
    let utc = wall
        .checked_sub(jiff::Span::new().seconds(offset.seconds()))
        .map_err(|_| TransformError(format!("{wall} in {name} is out of range")))?;
    Ok(Value::TimestampTz { utc, offset_minutes: i16::try_from(offset.seconds() / 60).unwrap_or(0) })
}

impl FromStr for Transform {
    type Err = TransformError;

    fn from_str(text: &str) -> Result<Self, TransformError> {
        let (name, argument) =
            text.split_once(':').map_or((text.trim(), None), |(name, rest)| (name.trim(), Some(rest)));
        let needed = || {
            argument
                .filter(|argument| !argument.is_empty())
                .map(str::to_owned)
                .ok_or_else(|| TransformError(format!("the transform `{name}` needs a value: `{name}:…`")))
        };
        match name {
            "trim" => Ok(Self::Trim),
            "lower" => Ok(Self::Lower),
            "upper" => Ok(Self::Upper),
            "title" => Ok(Self::Title),
            "digits" => Ok(Self::Digits),
            "truncate" => Ok(Self::Truncate),
            "default" => Ok(Self::Default(argument.unwrap_or_default().to_owned())),
            "date" => needed().map(Self::Date),
            "zone" => {
                let zone = needed()?;
                TimeZone::get(&zone).map_err(|_| {
                    TransformError(format!("`{zone}` is not a known time zone (such as Europe/Berlin)"))
                })?;
                Ok(Self::Zone(zone))
            }
            "map" => parse_map(&needed()?).map(Self::Map),
            _ => {
                let near =
                    NAMES.iter().max_by(|a, b| strsim::jaro_winkler(a, name).total_cmp(&strsim::jaro_winkler(b, name)));
                Err(TransformError(format!(
                    "there is no transform `{name}`; did you mean `{}`? (known: {})",
                    near.unwrap_or(&"trim"),
                    NAMES.join(", ")
                )))
            }
        }
    }
}

/// Reads a JSON object, or the shorter `{reseller=Partner, business=Direct}`.
fn parse_map(text: &str) -> Result<Vec<(String, String)>, TransformError> {
    if let Ok(serde_json::Value::Object(object)) = serde_json::from_str(text) {
        return Ok(object
            .into_iter()
            .map(|(from, to)| (from, to.as_str().map_or_else(|| to.to_string(), str::to_owned)))
            .collect());
    }
    let inner = text
        .trim()
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
        .ok_or_else(|| TransformError(format!("`map:{text}` is not of the form map:{{from=to, …}}")))?;
    inner
        .split(',')
        .map(|pair| {
            pair.split_once('=')
                .map(|(from, to)| (from.trim().to_owned(), to.trim().to_owned()))
                .ok_or_else(|| TransformError(format!("`{}` in map:{{…}} has no `=`", pair.trim())))
        })
        .collect()
}

impl fmt::Display for Transform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trim => f.write_str("trim"),
            Self::Lower => f.write_str("lower"),
            Self::Upper => f.write_str("upper"),
            Self::Title => f.write_str("title"),
            Self::Digits => f.write_str("digits"),
            Self::Truncate => f.write_str("truncate"),
            Self::Default(text) => write!(f, "default:{text}"),
            Self::Date(pattern) => write!(f, "date:{pattern}"),
            Self::Zone(name) => write!(f, "zone:{name}"),
            Self::Map(pairs) => {
                let object: serde_json::Map<_, _> =
                    pairs.iter().map(|(from, to)| (from.clone(), to.clone().into())).collect();
                write!(f, "map:{}", serde_json::Value::Object(object))
            }
        }
    }
}

impl Serialize for Transform {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Transform {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn run(step: &str, text: &str) -> Value {
        step.parse::<Transform>().unwrap().apply(Value::from(text)).unwrap()
    }

    #[test]
    fn each_step_does_what_it_says() {
        assert_eq!(run("trim", "  a b "), Value::from("a b"));
        assert_eq!(run("title", "dana o'brien-smith"), Value::from("Dana O'brien-Smith"));
        assert_eq!(run("digits", " +1 (415) 555-0100"), Value::from("+14155550100"));
        assert_eq!(run("default:n/a", "  "), Value::from("n/a"));
        assert_eq!(run("date:%d.%m.%Y", "31.12.9999"), Value::Date(civil::date(9999, 12, 31)));
        assert_eq!(run("map:{reseller=Partner, x=y}", "Reseller"), Value::from("Partner"));
    }

    #[test]
    fn a_zone_makes_a_wall_clock_an_instant() {
        let wall = Value::TimestampNtz(civil::date(2024, 7, 1).at(12, 0, 0, 0));
        let step: Transform = "zone:Europe/Berlin".parse().unwrap();
        assert_eq!(
            step.apply(wall).unwrap(),
            Value::TimestampTz { utc: civil::date(2024, 7, 1).at(10, 0, 0, 0), offset_minutes: 120 }
        );
    }

    #[test]
    fn an_unknown_step_names_the_nearest() {
        let error = "trimm".parse::<Transform>().unwrap_err().to_string();
        assert!(error.contains("did you mean `trim`"), "{error}");
    }

    proptest! {
        #[test]
        fn steps_survive_the_file(text in "[a-zA-Z ]{1,12}") {
            for step in [Transform::Trim, Transform::Default(text.clone()), Transform::Map(vec![(text.clone(), text.clone())])] {
                prop_assert_eq!(step.to_string().parse::<Transform>().unwrap(), step);
            }
        }

        #[test]
        fn text_steps_never_fail_and_null_stays_null(text in "\\PC{0,20}") {
            for step in ["trim", "lower", "upper", "title", "digits"] {
                let step: Transform = step.parse().unwrap();
                prop_assert!(step.apply(Value::Text(text.clone())).is_ok());
                prop_assert!(step.apply(Value::Null).unwrap().is_null());
            }
        }
    }
}

//! Checkboxes and numbers.

use serde_json::{Number, json};

use super::{rejection, unreadable};
use crate::destination::{DestinationError, Wire};
use crate::types::{Decimal, Field, FieldType, Value};

pub(super) fn boolean(value: &Value, field: &Field) -> Result<Wire, DestinationError> {
    match value {
        Value::Bool(b) => Ok(json!(b)),
        Value::Number(n) if n.normalized() == Decimal::new(1, 0) => Ok(json!(true)),
        Value::Number(n) if n.unscaled == 0 => Ok(json!(false)),
        Value::Text(text) => match text.trim().to_lowercase().as_str() {
            "true" | "t" | "yes" | "y" | "1" | "on" => Ok(json!(true)),
            "false" | "f" | "no" | "n" | "0" | "off" => Ok(json!(false)),
            _ => Err(unreadable(value, field, "true or false")),
        },
        other => Err(unreadable(other, field, "true or false")),
    }
}

pub(super) fn number(value: &Value, field: &Field) -> Result<Wire, DestinationError> {
    let whole = matches!(field.kind, FieldType::Int | FieldType::Long);
    let what = if whole { "a whole number" } else { "a number" };
    let decimal = match value {
        Value::Number(n) => *n,
        Value::Text(text) => text.parse().map_err(|_| unreadable(value, field, what))?,
        Value::Float(x) if x.is_finite() && !whole => {
            in_range(*x, field)?;
            return Number::from_f64(*x).map(Wire::Number).ok_or_else(|| unreadable(value, field, what));
        }
        Value::Float(x) if x.is_finite() => x.to_string().parse().map_err(|_| unreadable(value, field, what))?,
        other => return Err(unreadable(other, field, what)),
    }
    .normalized();
    in_range(decimal.to_f64(), field)?;
    if decimal.scale == 0
        && let Ok(n) = i64::try_from(decimal.unscaled)
    {
        return Ok(json!(n));
    }
    if whole {
        return Err(unreadable(value, field, what));
    }
    // JSON numbers are read as doubles: refuse what a double cannot hold rather than change a digit.
    let double = decimal.to_f64();
    match double.to_string().parse::<Decimal>() {
        Ok(back) if back.normalized() == decimal => {
            Number::from_f64(double).map(Wire::Number).ok_or_else(|| unreadable(value, field, what))
        }
        _ => Err(rejection(
            "NUMBER_OUTSIDE_VALID_RANGE",
            field,
            format!("{}: {decimal} has more digits than a JSON number keeps", field.name),
            Some("Round it in the query."),
        )),
    }
}

/// Whether the digits before the point fit; those after it are rounded by Salesforce.
fn in_range(number: f64, field: &Field) -> Result<(), DestinationError> {
    let refused = |limits: String| {
        rejection(
            "NUMBER_OUTSIDE_VALID_RANGE",
            field,
            format!("{}: {number} is outside {limits}", field.name),
            Some("Correct it in the source, or leave such rows out of the query."),
        )
    };
    // The two parts of a geolocation, and of an address, are degrees.
    let is =
        |part: &str| field.name.ends_with(&format!("__{part}__s")) || (!field.custom && field.name.ends_with(part));
    let degrees = if is("Latitude") { Some(90.0) } else { is("Longitude").then_some(180.0) };
    if let Some(limit) = degrees.filter(|limit| number.abs() > *limit) {
        return Err(refused(format!("-{limit} … {limit} degrees")));
    }
    let digits = field.precision.saturating_sub(field.scale);
    // Salesforce keeps 18 digits at most; a field that does not say has the widest.
    if field.precision > 0 && digits < 18 && number.abs() >= 10f64.powi(i32::try_from(digits).unwrap_or(18)) {
        return Err(refused(format!("the {digits} digits before the point that fit")));
    }
    if field.kind == FieldType::Int && number.abs() > f64::from(i32::MAX) {
        return Err(refused(format!("-{0} … {0}", i32::MAX)));
    }
    Ok(())
}

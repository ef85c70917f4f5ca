//! Snowflake's Arrow encodings → our values.
//!
//! The encoding of a column may change from batch to batch (a NUMBER is the smallest integer that
//! fits), so each array is read by what it is, with the scale that the result's row type gives.
//! Source: recorded metadata, and the open source of Snowflake's own drivers.

use arrow::array::{
    Array, AsArray, BinaryArray, BooleanArray, Float64Array, LargeStringArray, StringArray, StructArray,
};
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Int8Type, Int16Type, Int32Type, Int64Type};
use arrow::record_batch::RecordBatch;
use jiff::{SignedDuration, civil};
use snowflake_api::{FieldSchema, SnowflakeType};

use super::errors::{Kind, SnowflakeError};
use super::text_cells;
use crate::types::{Column, ColumnType, Decimal, Value};

const EPOCH: civil::DateTime = civil::date(1970, 1, 1).at(0, 0, 0, 0);

/// A column as the result's row type describes it.
pub(super) fn column_of(field: &FieldSchema) -> Column {
    let small = |number: Option<i64>| number.and_then(|n| u8::try_from(n).ok());
    let kind = match field.type_ {
        SnowflakeType::Fixed => ColumnType::Number {
            precision: small(field.precision).unwrap_or(38),
            scale: small(field.scale).unwrap_or(0),
        },
        SnowflakeType::Real => ColumnType::Float,
        SnowflakeType::Text => ColumnType::Text {
            length: field.length.and_then(|length| u32::try_from(length).ok()).unwrap_or(16_777_216),
        },
        SnowflakeType::Boolean => ColumnType::Bool,
        SnowflakeType::Date => ColumnType::Date,
        SnowflakeType::Time => ColumnType::Time,
        SnowflakeType::TimestampNtz => ColumnType::TimestampNtz,
        SnowflakeType::TimestampLtz => ColumnType::TimestampLtz,
        SnowflakeType::TimestampTz => ColumnType::TimestampTz,
        SnowflakeType::Binary => ColumnType::Binary,
        SnowflakeType::Variant | SnowflakeType::Object | SnowflakeType::Array => ColumnType::Json,
        _ => ColumnType::Other,
    };
    Column { name: field.name.clone(), kind, nullable: field.nullable }
}

/// The rows of a batch; of all columns, or of those at these places.
pub(super) fn rows_of(
    fields: &[FieldSchema],
    batch: &RecordBatch,
    only: Option<&[usize]>,
) -> Result<Vec<Vec<Value>>, SnowflakeError> {
    if fields.len() != batch.num_columns() {
        return Err(SnowflakeError::new(
            Kind::Protocol,
            format!("{} columns were announced and {} arrived", fields.len(), batch.num_columns()),
        ));
    }
    let wanted = only.map_or(fields.len(), <[usize]>::len);
    let mut rows: Vec<Vec<Value>> = (0..batch.num_rows()).map(|_| Vec::with_capacity(wanted)).collect();
    for (at, (field, array)) in fields.iter().zip(batch.columns()).enumerate() {
        if only.is_none_or(|only| only.contains(&at)) {
            read_column(field, array.as_ref(), &mut rows)?;
        }
    }
    Ok(rows)
}

fn unreadable(field: &FieldSchema, what: impl std::fmt::Display) -> SnowflakeError {
    SnowflakeError::new(Kind::Protocol, format!("the column {} cannot be read: {what}", field.name))
        .with_hint("Convert it in the query, for example with TO_VARCHAR.")
}

/// Appends one value to each row.
fn read_column(field: &FieldSchema, array: &dyn Array, rows: &mut [Vec<Value>]) -> Result<(), SnowflakeError> {
    let scale = field.scale.and_then(|scale| u8::try_from(scale).ok()).unwrap_or(0);
    let bad = || unreadable(field, format!("{:?} as {}", field.type_, array.data_type()));
    // One closure a column: the type is looked at once, not for every cell.
    let mut cell: Box<dyn FnMut(usize) -> Option<Value>> = match (&field.type_, array.data_type()) {
        (_, DataType::Null) => Box::new(|_| Some(Value::Null)),
        (_, DataType::Utf8) => {
            let texts: StringArray = array.as_string::<i32>().clone();
            text_reader(field.type_.clone(), scale, move |at| texts.value(at).to_owned())
        }
        (_, DataType::LargeUtf8) => {
            let texts: LargeStringArray = array.as_string::<i64>().clone();
            text_reader(field.type_.clone(), scale, move |at| texts.value(at).to_owned())
        }
        (SnowflakeType::Fixed, DataType::Decimal128(_, own)) => {
            let own = u8::try_from(*own).unwrap_or(scale);
            let numbers = array.as_primitive::<Decimal128Type>().clone();
            Box::new(move |at| Some(Value::Number(Decimal::new(numbers.value(at), own))))
        }
        (SnowflakeType::Fixed, _) => {
            let numbers = integers(array).ok_or_else(bad)?;
            Box::new(move |at| Some(Value::Number(Decimal::new(i128::from(numbers(at)), scale))))
        }
        (SnowflakeType::Real, DataType::Float64) => {
            let numbers: Float64Array = array.as_primitive().clone();
            Box::new(move |at| Some(Value::Float(numbers.value(at))))
        }
        (SnowflakeType::Boolean, DataType::Boolean) => {
            let flags: BooleanArray = array.as_boolean().clone();
            Box::new(move |at| Some(Value::Bool(flags.value(at))))
        }
        (SnowflakeType::Date, DataType::Date32) => {
            let days = array.as_primitive::<Date32Type>().clone();
            Box::new(move |at| date(i64::from(days.value(at))).map(Value::Date))
        }
        (SnowflakeType::Time, _) => {
            let ticks = integers(array).ok_or_else(bad)?;
            Box::new(move |at| time_of_day(ticks(at), scale).map(Value::Time))
        }
        (SnowflakeType::TimestampNtz | SnowflakeType::TimestampLtz, _) => {
            let local = field.type_ == SnowflakeType::TimestampLtz;
            let instants = instants(array, scale).ok_or_else(bad)?;
            Box::new(move |at| {
                let (seconds, nanos) = instants(at);
                let when = civil_at(seconds, nanos)?;
                Some(if local { Value::TimestampLtz(when) } else { Value::TimestampNtz(when) })
            })
        }
        (SnowflakeType::TimestampTz, DataType::Struct(_)) => {
            let parts: StructArray = array.as_struct().clone();
            // Two children when the scale is at most 3: the epoch is scaled, there is no fraction.
            let instants = instants(array, if parts.num_columns() == 2 { scale } else { 0 }).ok_or_else(bad)?;
            let zone = parts.column_by_name("timezone").and_then(|zone| integers(zone.as_ref())).ok_or_else(bad)?;
            Box::new(move |at| {
                let (seconds, nanos) = instants(at);
                let offset_minutes = i16::try_from(zone(at) - 1_440).ok()?;
                Some(Value::TimestampTz { utc: civil_at(seconds, nanos)?, offset_minutes })
            })
        }
        (_, DataType::Binary) => {
            let bytes: BinaryArray = array.as_binary::<i32>().clone();
            Box::new(move |at| Some(Value::Binary(bytes.value(at).to_vec())))
        }
        _ => return Err(bad()),
    };
    for (at, row) in rows.iter_mut().enumerate() {
        row.push(if array.is_null(at) {
            Value::Null
        } else {
            cell(at).ok_or_else(|| unreadable(field, format!("row {at} is out of range")))?
        });
    }
    Ok(())
}

/// Text columns, and results that Snowflake sends as JSON, where every cell is text.
fn text_reader(
    kind: SnowflakeType,
    scale: u8,
    text: impl Fn(usize) -> String + 'static,
) -> Box<dyn FnMut(usize) -> Option<Value>> {
    Box::new(move |at| text_cells::read(&kind, scale, text(at)))
}

/// Any integer array, widened.
fn integers(array: &dyn Array) -> Option<Box<dyn Fn(usize) -> i64>> {
    Some(match array.data_type() {
        DataType::Int8 => {
            let numbers = array.as_primitive::<Int8Type>().clone();
            Box::new(move |at| i64::from(numbers.value(at)))
        }
        DataType::Int16 => {
            let numbers = array.as_primitive::<Int16Type>().clone();
            Box::new(move |at| i64::from(numbers.value(at)))
        }
        DataType::Int32 => {
            let numbers = array.as_primitive::<Int32Type>().clone();
            Box::new(move |at| i64::from(numbers.value(at)))
        }
        DataType::Int64 => {
            let numbers = array.as_primitive::<Int64Type>().clone();
            Box::new(move |at| numbers.value(at))
        }
        _ => return None,
    })
}

/// Reads seconds and nanoseconds since 1970 at an index.
type Instants = Box<dyn Fn(usize) -> (i64, i32)>;

/// A scaled integer, or a struct of seconds and nanoseconds.
fn instants(array: &dyn Array, scale: u8) -> Option<Instants> {
    if let DataType::Struct(_) = array.data_type() {
        let parts = array.as_struct();
        let epoch = integers(parts.column_by_name("epoch")?.as_ref())?;
        let Some(fraction) = parts.column_by_name("fraction") else {
            return Some(Box::new(move |at| split(epoch(at), scale)));
        };
        let fraction = integers(fraction.as_ref())?;
        return Some(Box::new(move |at| (epoch(at), i32::try_from(fraction(at)).unwrap_or(0))));
    }
    let ticks = integers(array)?;
    Some(Box::new(move |at| split(ticks(at), scale)))
}

/// `ticks × 10^-scale` seconds, as whole seconds and nanoseconds that are added to them.
fn split(ticks: i64, scale: u8) -> (i64, i32) {
    let scale = u32::from(scale.min(9));
    let unit = 10i64.pow(scale);
    let nanos = ticks.rem_euclid(unit) * 10i64.pow(9 - scale);
    (ticks.div_euclid(unit), i32::try_from(nanos).unwrap_or(0))
}

pub(super) fn civil_at(seconds: i64, nanos: i32) -> Option<civil::DateTime> {
    EPOCH.checked_add(SignedDuration::new(seconds, nanos)).ok()
}

pub(super) fn date(days: i64) -> Option<civil::Date> {
    EPOCH.date().checked_add(SignedDuration::from_hours(days.checked_mul(24)?)).ok()
}

fn time_of_day(ticks: i64, scale: u8) -> Option<civil::Time> {
    let (seconds, nanos) = split(ticks, scale);
    civil::Time::midnight().checked_add(SignedDuration::new(seconds, nanos)).ok()
}

#[cfg(test)]
mod tests;

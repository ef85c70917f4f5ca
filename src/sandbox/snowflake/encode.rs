//! Arrow as Snowflake sends it: scaled integers of the smallest width that fits this batch, times
//! as ticks or structs, and each field's logical type in its metadata.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, Decimal128Array, Int8Array, Int16Array, Int32Array, Int64Array, StructArray,
};
use datafusion::arrow::buffer::NullBuffer;
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{
    DataType, Decimal128Type, Field, Fields, Schema, TimeUnit, TimestampMicrosecondType,
};
use datafusion::arrow::ipc::writer::StreamWriter;
use datafusion::arrow::record_batch::RecordBatch;
use serde_json::{Value, json};

use super::tables::LENGTH;
use super::{DATABASE, Error, SCHEMA};

/// Snowflake's name for the longest VARCHAR.
const LONGEST: i64 = 16_777_216;
/// The scale of a timestamp that names none.
const NANOSECONDS: i64 = 9;

/// A column's type in Snowflake's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Logical {
    /// As in `rowtype`: fixed, real, text, …
    pub(super) kind: &'static str,
    pub(super) precision: i64,
    pub(super) scale: i64,
    /// Characters of a text.
    pub(super) length: Option<i64>,
}

impl Logical {
    /// The type of a column of DataFusion's.
    pub(super) fn of(field: &Field) -> Self {
        let plain = |kind| Self { kind, precision: 0, scale: 0, length: None };
        let fixed = |precision, scale| Self { kind: "fixed", precision, scale, length: None };
        let timed = |kind| Self { scale: NANOSECONDS, ..plain(kind) };
        match field.data_type() {
            DataType::Decimal128(precision, scale) => fixed(i64::from(*precision), i64::from(*scale)),
            DataType::Int8
            | DataType::Int16
            | DataType::Int32
            | DataType::Int64
            | DataType::UInt8
            | DataType::UInt16
            | DataType::UInt32
            | DataType::UInt64 => fixed(38, 0),
            DataType::Float16 | DataType::Float32 | DataType::Float64 => plain("real"),
            DataType::Boolean => plain("boolean"),
            DataType::Date32 | DataType::Date64 => plain("date"),
            DataType::Time32(_) | DataType::Time64(_) => timed("time"),
            DataType::Timestamp(_, None) => timed("timestamp_ntz"),
            DataType::Timestamp(_, Some(_)) => timed("timestamp_tz"),
            DataType::Binary | DataType::LargeBinary => Self { length: Some(8_388_608), ..plain("binary") },
            _ => {
                let length = field.metadata().get(LENGTH).and_then(|text| text.parse().ok()).unwrap_or(LONGEST);
                Self { length: Some(length), ..plain("text") }
            }
        }
    }

    /// As INFORMATION_SCHEMA names it.
    pub(super) fn sql_name(&self) -> &'static str {
        match self.kind {
            "fixed" => "NUMBER",
            "real" => "FLOAT",
            "boolean" => "BOOLEAN",
            "date" => "DATE",
            "time" => "TIME",
            "timestamp_ntz" => "TIMESTAMP_NTZ",
            "timestamp_tz" => "TIMESTAMP_TZ",
            "binary" => "BINARY",
            _ => "TEXT",
        }
    }
}

/// The `rowtype` of a result.
pub(super) fn row_type(schema: &Schema) -> Value {
    schema
        .fields()
        .iter()
        .map(|field| {
            let logical = Logical::of(field);
            let is_fixed = logical.kind == "fixed";
            let is_timed = logical.kind.starts_with("time");
            let bytes = logical.length.map(|length| (length * 4).min(LONGEST));
            json!({
                "name": field.name(),
                "database": DATABASE,
                "schema": SCHEMA,
                "table": "",
                "nullable": field.is_nullable(),
                "type": logical.kind,
                "precision": if is_fixed { json!(logical.precision) } else if is_timed { json!(0) } else { Value::Null },
                "scale": if is_fixed || is_timed { json!(logical.scale) } else { Value::Null },
                "length": logical.length,
                "byteLength": bytes,
                "collation": Value::Null,
            })
        })
        .collect()
}

/// Batches as one Arrow IPC stream in Snowflake's encodings. The width of a column is chosen for
/// this stream, so that it may change from one chunk to the next.
pub(super) fn ipc(schema: &Schema, batches: &[RecordBatch]) -> Result<Vec<u8>, Error> {
    let columns: Vec<Vec<ArrayRef>> = schema
        .fields()
        .iter()
        .enumerate()
        .map(|(at, field)| column(field, batches.iter().map(|batch| batch.column(at))))
        .collect::<Result<_, _>>()?;
    let fields: Vec<Field> =
        schema.fields().iter().zip(&columns).map(|(field, arrays)| wire_field(field, arrays.first())).collect();
    let wire = Arc::new(Schema::new(fields));
    let mut bytes = Vec::new();
    let mut writer = StreamWriter::try_new(&mut bytes, &wire)?;
    for at in 0..batches.len() {
        let arrays = columns.iter().map(|column| column[at].clone()).collect();
        writer.write(&RecordBatch::try_new(wire.clone(), arrays)?)?;
    }
    writer.finish()?;
    drop(writer);
    Ok(bytes)
}

/// The field with Snowflake's metadata.
fn wire_field(field: &Field, array: Option<&ArrayRef>) -> Field {
    let logical = Logical::of(field);
    let data_type = array.map_or(DataType::Utf8, |array| array.data_type().clone());
    let is_fixed = logical.kind == "fixed";
    let bytes = match &data_type {
        DataType::Int8 => 1,
        DataType::Int16 => 2,
        DataType::Int32 => 4,
        DataType::Int64 => 8,
        DataType::Decimal128(..) | DataType::Struct(_) => 16,
        _ => logical.length.map_or(0, |length| (length * 4).min(LONGEST)),
    };
    let timed = logical.kind.starts_with("time");
    let precision = if is_fixed {
        logical.precision
    } else if timed {
        0
    } else {
        38
    };
    let metadata = HashMap::from([
        ("logicalType".to_owned(), logical.kind.to_uppercase()),
        ("precision".to_owned(), precision.to_string()),
        ("scale".to_owned(), logical.scale.to_string()),
        ("charLength".to_owned(), logical.length.unwrap_or(0).to_string()),
        ("byteLength".to_owned(), bytes.to_string()),
        ("finalType".to_owned(), "T".to_owned()),
    ]);
    Field::new(field.name(), data_type, true).with_metadata(metadata)
}

/// One column of all batches of a stream.
fn column<'a>(field: &Field, arrays: impl Iterator<Item = &'a ArrayRef>) -> Result<Vec<ArrayRef>, Error> {
    let logical = Logical::of(field);
    let arrays: Vec<&ArrayRef> = arrays.collect();
    match logical.kind {
        "fixed" => fixed(&arrays, &logical),
        "real" => arrays.iter().map(|array| Ok(cast(array, &DataType::Float64)?)).collect(),
        "boolean" => arrays.iter().map(|array| Ok(cast(array, &DataType::Boolean)?)).collect(),
        "date" => arrays.iter().map(|array| Ok(cast(array, &DataType::Date32)?)).collect(),
        "binary" => arrays.iter().map(|array| Ok(cast(array, &DataType::Binary)?)).collect(),
        "time" => arrays
            .iter()
            .map(|array| {
                let nanoseconds = cast(array, &DataType::Time64(TimeUnit::Nanosecond))?;
                Ok(cast(&nanoseconds, &DataType::Int64)?)
            })
            .collect(),
        "timestamp_ntz" => arrays.iter().map(|array| timestamp(array, false)).collect(),
        "timestamp_tz" => arrays.iter().map(|array| timestamp(array, true)).collect(),
        _ => arrays.iter().map(|array| Ok(cast(array, &DataType::Utf8)?)).collect(),
    }
}

fn fixed(arrays: &[&ArrayRef], logical: &Logical) -> Result<Vec<ArrayRef>, Error> {
    let scale = i8::try_from(logical.scale).unwrap_or(0);
    let wide: Vec<ArrayRef> =
        arrays.iter().map(|array| cast(array, &DataType::Decimal128(38, scale))).collect::<Result<_, _>>()?;
    let values = || wide.iter().flat_map(|array| array.as_primitive::<Decimal128Type>().iter().flatten());
    let (least, most) = (values().min().unwrap_or(0), values().max().unwrap_or(0));
    let fits = |low: i128, high: i128| low <= least && most <= high;
    Ok(wide
        .iter()
        .map(|array| -> ArrayRef {
            let numbers: &Decimal128Array = array.as_primitive();
            if fits(i8::MIN.into(), i8::MAX.into()) {
                Arc::new(numbers.iter().map(|n| n.and_then(|n| i8::try_from(n).ok())).collect::<Int8Array>())
            } else if fits(i16::MIN.into(), i16::MAX.into()) {
                Arc::new(numbers.iter().map(|n| n.and_then(|n| i16::try_from(n).ok())).collect::<Int16Array>())
            } else if fits(i32::MIN.into(), i32::MAX.into()) {
                Arc::new(numbers.iter().map(|n| n.and_then(|n| i32::try_from(n).ok())).collect::<Int32Array>())
            } else if fits(i64::MIN.into(), i64::MAX.into()) {
                Arc::new(numbers.iter().map(|n| n.and_then(|n| i64::try_from(n).ok())).collect::<Int64Array>())
            } else {
                array.clone()
            }
        })
        .collect())
}

/// Seconds and nanoseconds in a struct, NULL at the struct; with the offset (UTC is 1440) for TZ.
fn timestamp(array: &ArrayRef, zoned: bool) -> Result<ArrayRef, Error> {
    let zone = match array.data_type() {
        DataType::Timestamp(_, zone) => zone.clone(),
        _ => None,
    };
    let micros = cast(array, &DataType::Timestamp(TimeUnit::Microsecond, zone))?;
    let micros = micros.as_primitive::<TimestampMicrosecondType>();
    let epoch: Int64Array = micros.iter().map(|at| Some(at.unwrap_or(0).div_euclid(1_000_000))).collect();
    let fraction: Int32Array = micros
        .iter()
        .map(|at| Some(i32::try_from(at.unwrap_or(0).rem_euclid(1_000_000) * 1_000).unwrap_or(0)))
        .collect();
    let mut fields = vec![Field::new("epoch", DataType::Int64, false), Field::new("fraction", DataType::Int32, false)];
    let mut children: Vec<ArrayRef> = vec![Arc::new(epoch), Arc::new(fraction)];
    if zoned {
        fields.push(Field::new("timezone", DataType::Int32, false));
        children.push(Arc::new(Int32Array::from(vec![1_440; micros.len()])));
    }
    let nulls: Option<NullBuffer> = micros.nulls().cloned();
    Ok(Arc::new(StructArray::try_new(Fields::from(fields), children, nulls)?))
}

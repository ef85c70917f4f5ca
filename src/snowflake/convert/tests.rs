//! Values written in Snowflake's encodings are read back, and recorded results are read whole.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Decimal128Array, Int8Array, Int16Array, Int32Array, Int64Array, StructArray, new_null_array,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{Field, Fields};
use arrow::ipc::reader::StreamReader;
use base64::Engine as _;
use proptest::prelude::*;

use super::*;

fn field(kind: SnowflakeType, scale: i64) -> FieldSchema {
    FieldSchema {
        name: "C".into(),
        type_: kind,
        byte_length: None,
        length: None,
        scale: Some(scale),
        precision: Some(38),
        nullable: true,
        ext_type_name: None,
        vector_dimension: None,
        fields: Vec::new(),
    }
}

fn read(kind: SnowflakeType, scale: i64, array: &dyn Array) -> Vec<Value> {
    let mut rows = vec![Vec::new(); array.len()];
    read_column(&field(kind, scale), array, &mut rows).unwrap();
    rows.into_iter().flatten().collect()
}

fn parts(children: Vec<(&str, ArrayRef)>, nulls: Option<NullBuffer>) -> StructArray {
    let fields: Fields =
        children.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), false)).collect();
    StructArray::new(fields, children.into_iter().map(|(_, array)| array).collect(), nulls)
}

#[test]
fn a_number_may_change_its_width_between_batches() {
    let seven = Value::Number(Decimal::new(700, 2));
    let arrays: [&dyn Array; 5] = [
        &Int8Array::from(vec![Some(70)]),
        &Int16Array::from(vec![700]),
        &Int32Array::from(vec![700]),
        &Int64Array::from(vec![700]),
        &Decimal128Array::from(vec![700]).with_precision_and_scale(38, 2).unwrap(),
    ];
    assert_eq!(read(SnowflakeType::Fixed, 1, arrays[0]), [Value::Number(Decimal::new(70, 1))]);
    for array in &arrays[1..] {
        assert_eq!(read(SnowflakeType::Fixed, 2, *array), std::slice::from_ref(&seven));
    }
}

#[test]
fn the_end_of_time_and_null_structs() {
    let last = 253_402_300_799;
    let array = parts(
        vec![
            ("epoch", Arc::new(Int64Array::from(vec![last, 0])) as ArrayRef),
            ("fraction", Arc::new(Int32Array::from(vec![999_999_999, 0]))),
        ],
        Some(NullBuffer::from(vec![true, false])),
    );
    let wanted = civil::date(9999, 12, 31).at(23, 59, 59, 999_999_999);
    assert_eq!(read(SnowflakeType::TimestampNtz, 9, &array), [Value::TimestampNtz(wanted), Value::Null]);
}

#[test]
fn a_zoned_timestamp_keeps_its_offset_in_both_forms() {
    let wanted = Value::TimestampTz { utc: civil::date(2024, 1, 2).at(3, 4, 5, 600_000_000), offset_minutes: -480 };
    let seconds = 1_704_164_645;
    let zone = || Arc::new(Int32Array::from(vec![1_440 - 480])) as ArrayRef;
    let short = parts(vec![("epoch", Arc::new(Int64Array::from(vec![seconds * 10 + 6]))), ("timezone", zone())], None);
    assert_eq!(read(SnowflakeType::TimestampTz, 1, &short), std::slice::from_ref(&wanted));
    let long = parts(
        vec![
            ("epoch", Arc::new(Int64Array::from(vec![seconds]))),
            ("fraction", Arc::new(Int32Array::from(vec![600_000_000]))),
            ("timezone", zone()),
        ],
        None,
    );
    assert_eq!(read(SnowflakeType::TimestampTz, 9, &long), [wanted]);
}

#[test]
fn an_array_of_nulls_is_null() {
    let array = new_null_array(&DataType::Int64, 2);
    assert_eq!(read(SnowflakeType::TimestampLtz, 3, array.as_ref()), [Value::Null, Value::Null]);
}

proptest! {
    #[test]
    fn scaled_timestamps_round_trip(seconds in -62_135_596_800_i64..=253_402_300_799, scale in 0u32..=3, tick in 0i64..1000) {
        let unit = 10i64.pow(scale);
        let tick = tick % unit;
        let array = Int64Array::from(vec![seconds * unit + tick]);
        let wanted = civil_at(seconds, i32::try_from(tick * (1_000_000_000 / unit)).unwrap()).unwrap();
        prop_assert_eq!(read(SnowflakeType::TimestampNtz, i64::from(scale), &array), vec![Value::TimestampNtz(wanted)]);
    }

    #[test]
    fn numbers_round_trip(unscaled in any::<i64>(), scale in 0u8..=37) {
        let array = Int64Array::from(vec![unscaled]);
        let wanted = Value::Number(Decimal::new(i128::from(unscaled), scale));
        prop_assert_eq!(read(SnowflakeType::Fixed, i64::from(scale), &array), vec![wanted]);
    }

    #[test]
    fn times_of_day_round_trip(nanos in 0i64..86_400_000_000_000) {
        let array = Int64Array::from(vec![nanos]);
        let Value::Time(time) = read(SnowflakeType::Time, 9, &array).remove(0) else { panic!("not a time") };
        prop_assert_eq!(i64::from(time.hour()) * 3_600_000_000_000 + i64::from(time.minute()) * 60_000_000_000
            + i64::from(time.second()) * 1_000_000_000 + i64::from(time.subsec_nanosecond()), nanos);
    }
}

/// The row type that Snowflake's own field metadata gives.
fn field_of(field: &Field) -> FieldSchema {
    let metadata = field.metadata();
    let kind: SnowflakeType =
        serde_json::from_value(metadata["logicalType"].to_lowercase().into()).unwrap_or(SnowflakeType::Text);
    let number = |key: &str| metadata.get(key).and_then(|text| text.parse().ok());
    FieldSchema { name: field.name().clone(), scale: number("scale"), ..self::field(kind, 0) }
}

#[test]
fn recorded_results_are_read_whole() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/fixtures/snowflake/snowflake_arrow");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("skipped: no recorded results in {}", folder.display());
        return;
    };
    let mut read = 0;
    for path in entries.map(|entry| entry.unwrap().path()) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let bytes = std::fs::read(&path).unwrap();
        let bytes = match name.rsplit('.').next() {
            Some("b64") => base64::engine::general_purpose::STANDARD.decode(bytes.trim_ascii()).unwrap(),
            Some("arrow") => bytes,
            _ => continue,
        };
        for batch in StreamReader::try_new(std::io::Cursor::new(bytes), None).unwrap() {
            let batch = batch.unwrap();
            let fields: Vec<FieldSchema> = batch.schema().fields().iter().map(|field| field_of(field)).collect();
            let rows = rows_of(&fields, &batch, None).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(rows.len(), batch.num_rows());
            read += rows.len();
        }
    }
    assert!(read > 1_000, "{read}");
}

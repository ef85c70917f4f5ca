//! Rows as an Arrow IPC stream, for `query --format arrow`.

use std::io::Write;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, Float64Builder, StringBuilder,
};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;
use jiff::civil;

use crate::engine::EngineError;
use crate::types::{Column, ColumnType, RowBatch, Value};

/// Writes batches; times of day and timestamps are ISO text, because no Arrow type holds their
/// whole range and offset.
pub(super) struct ArrowOut<W: Write> {
    writer: StreamWriter<W>,
    schema: Arc<Schema>,
    columns: Vec<Column>,
}

fn failed(error: impl std::fmt::Display) -> EngineError {
    EngineError::failed(format!("cannot write Arrow: {error}"))
}

fn data_type(kind: ColumnType) -> DataType {
    match kind {
        ColumnType::Number { precision, scale } => {
            DataType::Decimal128(precision.clamp(1, 38), i8::try_from(scale).unwrap_or(0))
        }
        ColumnType::Float => DataType::Float64,
        ColumnType::Bool => DataType::Boolean,
        ColumnType::Date => DataType::Date32,
        ColumnType::Binary => DataType::Binary,
        _ => DataType::Utf8,
    }
}

impl<W: Write> ArrowOut<W> {
    pub(super) fn new(target: W, columns: &[Column]) -> Result<Self, EngineError> {
        let fields: Vec<Field> =
            columns.iter().map(|column| Field::new(&column.name, data_type(column.kind), true)).collect();
        let schema = Arc::new(Schema::new(fields));
        let writer = StreamWriter::try_new(target, &schema).map_err(failed)?;
        Ok(Self { writer, schema, columns: columns.to_vec() })
    }

    pub(super) fn write(&mut self, batch: &RowBatch) -> Result<(), EngineError> {
        let arrays = self
            .columns
            .iter()
            .enumerate()
            .map(|(at, column)| array(column, batch.rows.iter().map(|row| &row[at])))
            .collect::<Result<Vec<_>, _>>()?;
        let batch = RecordBatch::try_new(self.schema.clone(), arrays).map_err(failed)?;
        self.writer.write(&batch).map_err(failed)
    }

    pub(super) fn finish(mut self) -> Result<(), EngineError> {
        self.writer.finish().map_err(failed)?;
        self.writer.into_inner().map_err(failed)?.flush().map_err(failed)
    }
}

fn array<'a>(column: &Column, values: impl Iterator<Item = &'a Value>) -> Result<ArrayRef, EngineError> {
    Ok(match data_type(column.kind) {
        DataType::Decimal128(precision, scale) => {
            let mut out = Decimal128Builder::new().with_precision_and_scale(precision, scale).map_err(failed)?;
            values.for_each(|value| match value {
                Value::Number(n) => out.append_value(n.unscaled),
                _ => out.append_null(),
            });
            Arc::new(out.finish())
        }
        DataType::Float64 => {
            let mut out = Float64Builder::new();
            values.for_each(|value| match value {
                Value::Float(x) => out.append_value(*x),
                _ => out.append_null(),
            });
            Arc::new(out.finish())
        }
        DataType::Boolean => {
            let mut out = BooleanBuilder::new();
            values.for_each(|value| match value {
                Value::Bool(b) => out.append_value(*b),
                _ => out.append_null(),
            });
            Arc::new(out.finish())
        }
        DataType::Date32 => {
            let mut out = Date32Builder::new();
            values.for_each(|value| match value {
                Value::Date(date) => {
                    out.append_option(date.since(civil::date(1970, 1, 1)).ok().map(|span| span.get_days()));
                }
                _ => out.append_null(),
            });
            Arc::new(out.finish())
        }
        DataType::Binary => {
            let mut out = BinaryBuilder::new();
            values.for_each(|value| match value {
                Value::Binary(bytes) => out.append_value(bytes),
                _ => out.append_null(),
            });
            Arc::new(out.finish())
        }
        _ => {
            let mut out = StringBuilder::new();
            values.for_each(|value| match value {
                Value::Null => out.append_null(),
                other => out.append_value(other.to_string()),
            });
            Arc::new(out.finish())
        }
    })
}

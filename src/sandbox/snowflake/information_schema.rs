//! `INFORMATION_SCHEMA`: what there is, under Snowflake's own column names.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Int64Array, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::datasource::MemTable;
use datafusion::execution::context::SessionContext;
use datafusion::sql::TableReference;

use super::encode::Logical;
use super::{DATABASE, Error, ROLE, SCHEMA};

/// Writes TABLES, COLUMNS and SCHEMATA anew from the tables that there are.
pub(super) async fn refresh(context: &SessionContext) -> Result<(), Error> {
    let mut tables: Vec<[String; 4]> = Vec::new();
    let mut columns: Vec<ColumnRow> = Vec::new();
    let Some(schema) = context.catalog(DATABASE).and_then(|catalog| catalog.schema(SCHEMA)) else { return Ok(()) };
    let mut names = schema.table_names();
    names.sort();
    for name in names {
        let Some(table) = schema.table(&name).await? else { continue };
        tables.push([DATABASE.into(), SCHEMA.into(), name.clone(), "BASE TABLE".into()]);
        for (at, field) in table.schema().fields().iter().enumerate() {
            columns.push(ColumnRow::of(&name, at, field));
        }
    }
    let tables_batch = texts(&["TABLE_CATALOG", "TABLE_SCHEMA", "TABLE_NAME", "TABLE_TYPE"], &tables)?;
    let schemata: Vec<[String; 3]> =
        [SCHEMA, "INFORMATION_SCHEMA"].map(|name| [DATABASE.into(), name.into(), ROLE.into()]).into();
    let schemata_batch = texts(&["CATALOG_NAME", "SCHEMA_NAME", "SCHEMA_OWNER"], &schemata)?;
    for (name, batch) in
        [("TABLES", tables_batch), ("SCHEMATA", schemata_batch), ("COLUMNS", ColumnRow::batch(&columns)?)]
    {
        let reference = TableReference::full(DATABASE, "INFORMATION_SCHEMA", name);
        context.deregister_table(reference.clone())?;
        let table = MemTable::try_new(batch.schema(), vec![vec![batch]])?;
        context.register_table(reference, Arc::new(table))?;
    }
    Ok(())
}

fn texts<const N: usize>(names: &[&str; N], rows: &[[String; N]]) -> Result<RecordBatch, Error> {
    let fields: Vec<Field> = names.iter().map(|name| Field::new(*name, DataType::Utf8, true)).collect();
    let columns: Vec<ArrayRef> =
        (0..N).map(|at| Arc::new(StringArray::from_iter_values(rows.iter().map(|row| &row[at]))) as ArrayRef).collect();
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}

/// One row of COLUMNS.
struct ColumnRow {
    table: String,
    name: String,
    position: i64,
    nullable: &'static str,
    data_type: &'static str,
    length: Option<i64>,
    precision: Option<i64>,
    scale: Option<i64>,
}

impl ColumnRow {
    fn of(table: &str, at: usize, field: &Field) -> Self {
        let logical = Logical::of(field);
        let is_number = logical.kind == "fixed";
        Self {
            table: table.to_owned(),
            name: field.name().clone(),
            position: at as i64 + 1,
            nullable: if field.is_nullable() { "YES" } else { "NO" },
            data_type: logical.sql_name(),
            length: logical.length,
            precision: is_number.then_some(logical.precision),
            scale: is_number.then_some(logical.scale),
        }
    }

    fn batch(rows: &[Self]) -> Result<RecordBatch, Error> {
        let text =
            |of: &dyn Fn(&Self) -> String| -> ArrayRef { Arc::new(StringArray::from_iter_values(rows.iter().map(of))) };
        let number =
            |of: &dyn Fn(&Self) -> Option<i64>| -> ArrayRef { Arc::new(rows.iter().map(of).collect::<Int64Array>()) };
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("TABLE_CATALOG", text(&|_| DATABASE.to_owned())),
            ("TABLE_SCHEMA", text(&|_| SCHEMA.to_owned())),
            ("TABLE_NAME", text(&|row| row.table.clone())),
            ("COLUMN_NAME", text(&|row| row.name.clone())),
            ("ORDINAL_POSITION", number(&|row| Some(row.position))),
            ("IS_NULLABLE", text(&|row| row.nullable.to_owned())),
            ("DATA_TYPE", text(&|row| row.data_type.to_owned())),
            ("CHARACTER_MAXIMUM_LENGTH", number(&|row| row.length)),
            ("NUMERIC_PRECISION", number(&|row| row.precision)),
            ("NUMERIC_SCALE", number(&|row| row.scale)),
        ];
        Ok(RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)))?)
    }
}

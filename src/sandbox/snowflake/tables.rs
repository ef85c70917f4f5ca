//! The seeded tables, as Arrow in memory.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Decimal128Builder, Int64Builder, StringBuilder,
    TimestampMicrosecondBuilder,
};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::catalog::{MemorySchemaProvider, SchemaProvider};
use datafusion::datasource::MemTable;
use datafusion::execution::config::SessionConfig;
use datafusion::execution::context::SessionContext;
use datafusion::sql::TableReference;

use super::{DATABASE, Error, SCHEMA};
use crate::sandbox::seed::{self, Customer};

/// Rows of one batch of a table.
const BATCH: usize = 8_192;
/// Orders for each customer, at most.
const ORDERS: i64 = 2;
/// Metadata key: the declared length of a VARCHAR.
pub(super) const LENGTH: &str = "gondola.length";

/// A context with the seeded tables under `DEMO.SALES`.
pub(super) fn seeded(seed: u64, rows: usize) -> Result<SessionContext, Error> {
    let mut config = SessionConfig::new()
        .with_default_catalog_and_schema(DATABASE, SCHEMA)
        .with_create_default_catalog_and_schema(true)
        // One partition: the same query gives the same order, as a small Snowflake table does.
        .with_target_partitions(1)
        .with_batch_size(BATCH);
    let options = &mut config.options_mut().sql_parser;
    // Names are folded to upper case before DataFusion sees them.
    options.enable_ident_normalization = false;
    options.parse_float_as_decimal = true;
    options.map_string_types_to_utf8view = false;
    let context = SessionContext::new_with_config(config);
    context
        .register_table(TableReference::bare("CUSTOMERS"), table(customer_schema(), customer_batches(seed, rows)?)?)?;
    context.register_table(TableReference::bare("ORDERS"), table(order_schema(), order_batches(seed, rows)?)?)?;
    context.register_table(TableReference::bare("ACCOUNTS"), table(account_schema(), account_batches()?)?)?;
    if let Some(catalog) = context.catalog(DATABASE) {
        let schema: Arc<dyn SchemaProvider> = Arc::new(MemorySchemaProvider::new());
        catalog.register_schema("INFORMATION_SCHEMA", schema)?;
    }
    futures::executor::block_on(super::information_schema::refresh(&context))?;
    Ok(context)
}

fn table(schema: SchemaRef, batches: Vec<RecordBatch>) -> Result<Arc<MemTable>, Error> {
    Ok(Arc::new(MemTable::try_new(schema, vec![batches])?))
}

fn text(name: &str, length: u32) -> Field {
    Field::new(name, DataType::Utf8, true).with_metadata(HashMap::from([(LENGTH.to_owned(), length.to_string())]))
}

fn number(name: &str, scale: i8) -> Field {
    if scale == 0 {
        Field::new(name, DataType::Int64, true)
    } else {
        Field::new(name, DataType::Decimal128(12, scale), true)
    }
}

fn customer_schema() -> SchemaRef {
    let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into()));
    Arc::new(Schema::new(vec![
        Field::new("CUSTOMER_ID", DataType::Int64, false),
        text("FIRST_NAME", 80),
        text("LAST_NAME", 80),
        text("EMAIL", 255),
        text("PHONE", 40),
        text("TITLE", 400),
        text("COMPANY", 120),
        text("ACCOUNT_NUMBER", 20),
        text("CUSTOMER_TYPE", 20),
        text("CITY", 80),
        text("STATE", 40),
        text("COUNTRY", 60),
        Field::new("BIRTHDATE", DataType::Date32, true),
        number("LIFETIME_VALUE", 2),
        Field::new("IS_VIP", DataType::Boolean, true),
        Field::new("UPDATED_AT", DataType::Timestamp(TimeUnit::Microsecond, None), true),
        Field::new("LAST_ORDER_AT", utc, true),
        Field::new("VALID_TO", DataType::Date32, true),
    ]))
}

fn customer_batches(seed: u64, rows: usize) -> Result<Vec<RecordBatch>, Error> {
    let schema = customer_schema();
    let mut batches = Vec::new();
    let mut all = seed::customers(seed, rows).peekable();
    while all.peek().is_some() {
        let some: Vec<Customer> = all.by_ref().take(BATCH).collect();
        batches.push(RecordBatch::try_new(schema.clone(), customer_columns(&some)?)?);
    }
    Ok(batches)
}

fn texts<'a>(values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    let mut out = StringBuilder::new();
    values.for_each(|value| out.append_option(value));
    Arc::new(out.finish())
}

fn customer_columns(some: &[Customer]) -> Result<Vec<ArrayRef>, Error> {
    let text = |of: fn(&Customer) -> &Option<String>| texts(some.iter().map(|one| of(one).as_deref()));
    let days = |of: fn(&Customer) -> Option<i32>| -> ArrayRef {
        let mut out = Date32Builder::new();
        some.iter().for_each(|one| out.append_option(of(one)));
        Arc::new(out.finish())
    };
    let mut ids = Int64Builder::new();
    let mut money = Decimal128Builder::new().with_precision_and_scale(12, 2)?;
    let mut vip = BooleanBuilder::new();
    let mut updated = TimestampMicrosecondBuilder::new();
    let mut ordered = TimestampMicrosecondBuilder::new().with_timezone("+00:00");
    for one in some {
        ids.append_value(one.customer_id);
        money.append_value(i128::from(one.lifetime_value));
        vip.append_value(one.vip);
        updated.append_value(one.updated_at);
        ordered.append_option(one.last_order_at);
    }
    Ok(vec![
        Arc::new(ids.finish()),
        text(|one| &one.first_name),
        text(|one| &one.last_name),
        text(|one| &one.email),
        text(|one| &one.phone),
        text(|one| &one.title),
        text(|one| &one.company),
        text(|one| &one.account_number),
        texts(some.iter().map(|one| Some(one.customer_type))),
        text(|one| &one.city),
        text(|one| &one.state),
        text(|one| &one.country),
        days(|one| one.birthdate),
        Arc::new(money.finish()),
        Arc::new(vip.finish()),
        Arc::new(updated.finish()),
        Arc::new(ordered.finish()),
        days(|one| Some(one.valid_to)),
    ])
}

fn order_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("ORDER_ID", DataType::Int64, false),
        Field::new("CUSTOMER_ID", DataType::Int64, false),
        number("AMOUNT", 2),
        Field::new("ORDERED_ON", DataType::Date32, true),
    ]))
}

fn order_batches(seed: u64, rows: usize) -> Result<Vec<RecordBatch>, Error> {
    let mut ids = Int64Builder::new();
    let mut customers = Int64Builder::new();
    let mut amounts = Decimal128Builder::new().with_precision_and_scale(12, 2)?;
    let mut days = Date32Builder::new();
    // A thousand customers have orders, however many there are.
    for one in seed::customers(seed, rows.min(1_000)) {
        for order in 0..ORDERS.min(one.lifetime_value % 3) {
            ids.append_value(one.customer_id * 10 + order);
            customers.append_value(one.customer_id);
            amounts.append_value(i128::from(one.lifetime_value / (order + 2)));
            days.append_value(19_500 + i32::try_from(one.customer_id % 400).unwrap_or(0));
        }
    }
    let columns: Vec<ArrayRef> =
        vec![Arc::new(ids.finish()), Arc::new(customers.finish()), Arc::new(amounts.finish()), Arc::new(days.finish())];
    Ok(vec![RecordBatch::try_new(order_schema(), columns)?])
}

fn account_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![text("ACCOUNT_NUMBER", 20), text("NAME", 120)]))
}

fn account_batches() -> Result<Vec<RecordBatch>, Error> {
    let (numbers, names): (Vec<String>, Vec<&str>) = seed::accounts().unzip();
    let columns =
        vec![texts(numbers.iter().map(|text| Some(text.as_str()))), texts(names.iter().map(|name| Some(*name)))];
    Ok(vec![RecordBatch::try_new(account_schema(), columns)?])
}

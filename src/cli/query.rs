//! `gondola query`

use std::io::Write;
use std::path::PathBuf;

use clap::ValueEnum;
use tokio_util::sync::CancellationToken;

use super::arrow::ArrowOut;
use super::{confirm, report};
use crate::engine::{Engine, EngineError, ErrorClass};
use crate::snowflake::QueryOptions;
use crate::types::{Column, RowBatch, Value};

/// Rows of a table on the screen when no limit is given.
const TABLE_ROWS: u64 = 100;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A model, by its folder's name.
    #[arg(required_unless_present = "sql", conflicts_with = "sql")]
    model: Option<String>,
    /// Another query instead of a model's.
    #[arg(long, requires = "connection")]
    sql: Option<String>,
    /// The Snowflake connection for --sql.
    #[arg(long)]
    connection: Option<String>,
    /// At most this many rows (tables: 100 when left out).
    #[arg(long)]
    limit: Option<u64>,
    /// How rows are printed.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// The same as --format jsonl.
    #[arg(long)]
    json: bool,
    /// Write there instead of to stdout.
    #[arg(long)]
    out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Csv,
    Jsonl,
    Arrow,
}

pub(super) async fn run(arguments: Arguments, engine: &Engine) -> Result<u8, EngineError> {
    let (connection, sql) = match (arguments.model, arguments.sql, arguments.connection) {
        (Some(slug), _, _) => {
            let model = engine.workspace().model(&slug)?;
            (model.connection, model.sql)
        }
        (None, Some(sql), Some(connection)) => (connection, sql),
        _ => return Err(EngineError::configuration("name a model, or give --connection and --sql")),
    };
    let format = if arguments.json { Format::Jsonl } else { arguments.format };
    let text = sql.trim().trim_end_matches(';').trim_end();
    let limit = arguments.limit.or((format == Format::Table).then_some(TABLE_ROWS));
    let cancel = confirm::cancel_on_interrupt();
    let wrote = stream(engine, &connection, text, limit, format, arguments.out.as_ref(), cancel).await;
    wrote.map_err(|error| report::with_excerpt(text, error))
}

async fn stream(
    engine: &Engine,
    connection: &str,
    sql: &str,
    limit: Option<u64>,
    format: Format,
    out: Option<&PathBuf>,
    cancel: CancellationToken,
) -> Result<u8, EngineError> {
    let source = engine.source(connection).await?;
    let mut stream = source.query(sql, QueryOptions::default(), cancel).await?;
    let schema = stream.schema();
    // The file is begun only once the query has answered: an error leaves an older file alone.
    let target: Box<dyn Write + Send> = match out {
        Some(path) => Box::new(std::io::BufWriter::new(
            std::fs::File::create(path)
                .map_err(|error| EngineError::failed(format!("cannot write {}: {error}", path.display())))?,
        )),
        None => Box::new(std::io::BufWriter::new(std::io::stdout())),
    };
    let mut sink = Sink::new(format, &schema, target)?;
    let (mut rows, mut more) = (0u64, false);
    'batches: while let Some(mut batch) = stream.next_batch().await? {
        if let Some(limit) = limit
            && rows + batch.rows.len() as u64 > limit
        {
            batch.rows.truncate(usize::try_from(limit - rows).unwrap_or(usize::MAX));
            more = true;
        }
        rows += batch.rows.len() as u64;
        sink.write(&batch)?;
        if more {
            break 'batches;
        }
    }
    sink.finish()?;
    note!("{rows} rows{}", if more { " (there are more: --limit N)" } else { "" });
    Ok(0)
}

/// Where rows go, in one of the formats.
enum Sink {
    Table { table: comfy_table::Table, target: Box<dyn Write + Send> },
    Csv(Box<csv::Writer<Box<dyn Write + Send>>>),
    Jsonl { target: Box<dyn Write + Send> },
    Arrow(Box<ArrowOut<Box<dyn Write + Send>>>),
}

fn write_error(error: impl Into<std::io::Error>) -> EngineError {
    let error: std::io::Error = error.into();
    let mut failed = EngineError::failed(format!("cannot write the rows: {error}"));
    if error.kind() == std::io::ErrorKind::BrokenPipe {
        failed.class = ErrorClass::Stopped;
    }
    failed
}

impl Sink {
    fn new(format: Format, schema: &[Column], target: Box<dyn Write + Send>) -> Result<Self, EngineError> {
        let names: Vec<&str> = schema.iter().map(|column| column.name.as_str()).collect();
        Ok(match format {
            Format::Table => Self::Table { table: report::table(&names), target },
            Format::Csv => {
                let mut csv = csv::Writer::from_writer(target);
                csv.write_record(&names).map_err(write_error)?;
                Self::Csv(Box::new(csv))
            }
            Format::Jsonl => Self::Jsonl { target },
            Format::Arrow => Self::Arrow(Box::new(ArrowOut::new(target, schema)?)),
        })
    }

    fn write(&mut self, batch: &RowBatch) -> Result<(), EngineError> {
        match self {
            Self::Table { table, .. } => {
                for row in &batch.rows {
                    table.add_row(row.iter().map(|value| match value {
                        Value::Null => "NULL".to_owned(),
                        other => report::shown(&other.to_string()),
                    }));
                }
            }
            Self::Csv(csv) => {
                for row in &batch.rows {
                    csv.write_record(row.iter().map(ToString::to_string)).map_err(write_error)?;
                }
            }
            Self::Jsonl { target } => {
                for row in &batch.rows {
                    let object: serde_json::Map<_, _> = batch
                        .schema
                        .iter()
                        .zip(row)
                        .map(|(column, value)| (column.name.clone(), value_json(value)))
                        .collect();
                    writeln!(target, "{}", serde_json::Value::Object(object)).map_err(write_error)?;
                }
            }
            Self::Arrow(out) => out.write(batch)?,
        }
        Ok(())
    }

    fn finish(self) -> Result<(), EngineError> {
        match self {
            Self::Table { table, mut target } => {
                for text in table.lines() {
                    writeln!(target, "{}", text.strip_prefix(' ').unwrap_or(&text).trim_end()).map_err(write_error)?;
                }
                target.flush().map_err(write_error)
            }
            Self::Csv(mut csv) => csv.flush().map_err(write_error),
            Self::Jsonl { mut target } => target.flush().map_err(write_error),
            Self::Arrow(out) => out.finish(),
        }
    }
}

/// A value as JSON: numbers that JSON readers keep stay numbers, others become text.
fn value_json(value: &Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(b) => (*b).into(),
        Value::Number(n) => match i64::try_from(n.unscaled) {
            Ok(whole) if n.scale == 0 => whole.into(),
            _ => n.to_string().into(),
        },
        Value::Float(x) => serde_json::Number::from_f64(*x).map_or_else(|| x.to_string().into(), Into::into),
        Value::Json(text) => serde_json::from_str(text).unwrap_or_else(|_| text.clone().into()),
        other => other.to_string().into(),
    }
}

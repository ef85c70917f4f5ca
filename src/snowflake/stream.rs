//! The rows of a result, batch by batch, counted.

use std::collections::VecDeque;
use std::io::Cursor;

use arrow::ipc::reader::StreamReader;
use arrow::record_batch::RecordBatch;
use futures::StreamExt;
use snowflake_api::{ArrowChunkStream, FieldSchema, QueryMetadata, SnowflakeApiError};
use tokio_util::sync::CancellationToken;

use super::convert::{column_of, rows_of};
use super::errors::{Kind, SnowflakeError};
use crate::types::{RowBatch, Schema};

/// Rows that one batch holds at most: a chunk can be millions of cells.
const BATCH_ROWS: usize = 4_096;

const RUN_AGAIN: &str = "Run it again; nothing was done with the rows that arrived.";

/// A download that failed half-way, or a link to it that has expired.
fn broken_off(error: SnowflakeApiError) -> SnowflakeError {
    let error = SnowflakeError::from(error);
    let message = format!("the result broke off: {}", error.message);
    SnowflakeError { message, hint: Some(RUN_AGAIN.to_owned()), ..error }
}

/// The rows of a result, in order. Memory holds a few chunks, however large the result is.
pub struct RowStream {
    schema: Schema,
    fields: Vec<FieldSchema>,
    /// The places of the columns that are read; all of them when it is not said.
    only: Option<Vec<usize>>,
    query_id: String,
    warehouse: Option<String>,
    chunks: ArrowChunkStream,
    waiting: VecDeque<RecordBatch>,
    /// Rows that the server announced; `None` when it was asked to cut them off.
    announced: Option<u64>,
    received: u64,
    cancel: CancellationToken,
}

impl std::fmt::Debug for RowStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RowStream")
            .field("query_id", &self.query_id)
            .field("received", &self.received)
            .finish_non_exhaustive()
    }
}

impl RowStream {
    pub(super) fn new(
        metadata: QueryMetadata,
        chunks: ArrowChunkStream,
        counted: bool,
        cancel: CancellationToken,
    ) -> Self {
        Self {
            schema: metadata.column_schema.iter().map(column_of).collect(),
            announced: metadata.total_rows.filter(|_| counted).and_then(|rows| u64::try_from(rows).ok()),
            fields: metadata.column_schema,
            only: None,
            query_id: metadata.query_id,
            warehouse: metadata.warehouse,
            chunks,
            waiting: VecDeque::new(),
            received: 0,
            cancel,
        }
    }

    /// The columns.
    pub fn schema(&self) -> Schema {
        self.schema.clone()
    }

    /// Reads only the columns that `wanted` means, from the next batch on: the others cost time.
    pub fn keep_columns(&mut self, wanted: impl Fn(&str) -> bool) {
        let places: Vec<usize> = (0..self.fields.len()).filter(|at| wanted(&self.fields[*at].name)).collect();
        self.schema = places.iter().map(|at| column_of(&self.fields[*at])).collect();
        self.only = Some(places);
    }

    /// Whether every row has arrived, by the server's own count.
    pub fn is_complete(&self) -> bool {
        self.waiting.is_empty() && self.announced == Some(self.received)
    }

    /// Snowflake's id of the query.
    pub fn query_id(&self) -> &str {
        &self.query_id
    }

    /// The warehouse that ran it.
    pub fn warehouse(&self) -> Option<&str> {
        self.warehouse.as_deref()
    }

    /// The next rows, or `None` at the end. The end is an error when rows are missing.
    pub async fn next_batch(&mut self) -> Result<Option<RowBatch>, SnowflakeError> {
        loop {
            if let Some(batch) = self.waiting.pop_front() {
                let rows = rows_of(&self.fields, &batch, self.only.as_deref())?;
                self.received += rows.len() as u64;
                return Ok(Some(RowBatch { schema: self.schema.clone(), rows }));
            }
            let next = tokio::select! {
                next = self.chunks.next() => next,
                () = self.cancel.cancelled() => return Err(SnowflakeError::cancelled()),
            };
            let Some(bytes) = next.transpose().map_err(broken_off)? else {
                return match self.announced {
                    Some(announced) if announced != self.received => Err(SnowflakeError::new(
                        Kind::Protocol,
                        format!(
                            "{announced} rows were announced and {} arrived (query {})",
                            self.received, self.query_id
                        ),
                    )
                    .with_hint(RUN_AGAIN)),
                    _ => Ok(None),
                };
            };
            let broken = |error: arrow::error::ArrowError| {
                SnowflakeError::new(Kind::Protocol, format!("a part of the result cannot be read: {error}"))
                    .with_hint(RUN_AGAIN)
            };
            for batch in StreamReader::try_new(Cursor::new(bytes), None).map_err(broken)? {
                let batch = batch.map_err(broken)?;
                for from in (0..batch.num_rows()).step_by(BATCH_ROWS) {
                    self.waiting.push_back(batch.slice(from, BATCH_ROWS.min(batch.num_rows() - from)));
                }
            }
        }
    }
}

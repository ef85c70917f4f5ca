//! Statements: run, held, polled, aborted; their results in pages and chunks.

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::arrow::record_batch::RecordBatch;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::StreamExt;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::statement::{Parsed, first_word, parse, plan, run};
use super::{DATABASE, Error, ROLE, SCHEMA, State, WAREHOUSE, encode, errors, login, show};

/// How long a statement is waited for before the client is told to poll.
const HOLD: Duration = Duration::from_secs(45);
/// Rows of the page inside the answer.
const INLINE: usize = 500;
/// Rows of a chunk.
const CHUNK: usize = 5_000;
/// Rows of a batch inside a chunk, so that a chunk has several.
const BATCH: usize = 2_048;
/// Results that are kept for polling and chunks.
const KEPT: usize = 64;

/// What a client asks for.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Request {
    sql_text: String,
    #[serde(default)]
    async_exec: bool,
    #[serde(default)]
    describe_only: bool,
    #[serde(default)]
    parameters: Option<HashMap<String, Value>>,
}

/// The end of a statement.
#[derive(Debug)]
enum End {
    Rows { schema: SchemaRef, total: usize, inline: Vec<u8>, chunks: Vec<Chunk> },
    Text { row_type: Value, rows: Value },
    Described(Value),
    Failed(Error),
}

/// A compressed part of a result.
#[derive(Debug)]
struct Chunk {
    rows: usize,
    size: usize,
    gzip: Vec<u8>,
}

/// One statement, running or ended.
#[derive(Debug, Clone)]
struct Running {
    id: String,
    cancel: CancellationToken,
    end: watch::Receiver<Option<Arc<End>>>,
}

/// Statements by request id and by query id.
#[derive(Debug, Default)]
pub(super) struct Queries(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    by_request: HashMap<String, String>,
    by_id: HashMap<String, Running>,
    order: Vec<String>,
}

impl Queries {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        *self.lock() = Inner::default();
    }

    fn by_id(&self, id: &str) -> Option<Running> {
        self.lock().by_id.get(id).cloned()
    }

    fn by_request(&self, request: &str) -> Option<Running> {
        let inner = self.lock();
        inner.by_id.get(inner.by_request.get(request)?).cloned()
    }

    fn keep(&self, request: &str, running: &Running) {
        let mut inner = self.lock();
        inner.by_request.insert(request.to_owned(), running.id.clone());
        inner.by_id.insert(running.id.clone(), running.clone());
        inner.order.push(running.id.clone());
        if inner.order.len() > KEPT {
            let oldest = inner.order.remove(0);
            inner.by_id.remove(&oldest);
            inner.by_request.retain(|_, id| *id != oldest);
        }
    }
}

/// Answers `query-request`.
pub(super) async fn start(state: &Arc<State>, request_id: &str, body: &[u8], base: &str) -> Value {
    let request: Request = match serde_json::from_slice(body) {
        Ok(request) => request,
        Err(error) => return failure(&Error::new("390400", "22000", format!("Bad request: {error}")), "", ""),
    };
    state.stats.count(if request.describe_only { "snowflake.describe" } else { "snowflake.query" });
    // A client that got no answer asks again with the same id: the statement does not run twice.
    let running = match state.queries.by_request(request_id) {
        Some(known) => known,
        None => {
            let id = login::query_id();
            let cancel = CancellationToken::new();
            let (done, end) = watch::channel(None);
            let running = Running { id, cancel: cancel.clone(), end };
            state.queries.keep(request_id, &running);
            let state = state.clone();
            let is_async = request.async_exec;
            tokio::spawn(async move {
                let work = async {
                    tokio::time::sleep(state.latency).await;
                    execute(&state, &request).await
                };
                let end = tokio::select! {
                    end = work => end.unwrap_or_else(End::Failed),
                    () = cancel.cancelled() => End::Failed(Error::cancelled()),
                };
                // Nobody may be waiting any more.
                let _ = done.send(Some(Arc::new(end)));
            });
            if is_async {
                return in_progress(
                    &running.id,
                    "333334",
                    "Asynchronous execution in progress. Use provided query id to perform query monitoring and management.",
                );
            }
            running
        }
    };
    wait(running, base).await
}

/// Answers `/queries/ID/result`.
pub(super) async fn result(state: &State, id: &str, base: &str) -> Value {
    match state.queries.by_id(id) {
        Some(running) => wait(running, base).await,
        None => failure(&Error::new("000709", "02000", format!("Statement {id} not found")), id, ""),
    }
}

async fn wait(mut running: Running, base: &str) -> Value {
    let ended = running.end.clone();
    let waited = tokio::time::timeout(HOLD, running.end.wait_for(Option::is_some)).await;
    if waited.is_err() {
        return in_progress(&running.id, "333333", "Query execution in progress...");
    }
    let end = ended.borrow().clone();
    match end {
        Some(end) => answer(&end, &running.id, base),
        None => failure(&Error::cancelled(), &running.id, ""),
    }
}

/// Answers `abort-request`: whether something was stopped.
pub(super) fn abort(state: &State, request_id: &str) -> Value {
    match state.queries.by_request(request_id).filter(|running| running.end.borrow().is_none()) {
        Some(running) => {
            running.cancel.cancel();
            login::nothing()
        }
        None => failure(&Error::new("000605", "01000", "Identified SQL statement is not currently executing."), "", ""),
    }
}

/// Answers `/monitoring/queries/ID`.
pub(super) fn monitor(state: &State, id: &str) -> Value {
    let queries: Vec<Value> = state
        .queries
        .by_id(id)
        .map(|running| {
            let end = running.end.borrow().clone();
            let (status, code, message) = match end.as_deref() {
                None => ("RUNNING", "", Value::Null),
                Some(End::Failed(error)) => ("FAILED_WITH_ERROR", error.code, json!(error.message)),
                Some(_) => ("SUCCESS", "", Value::Null),
            };
            json!({"id": id, "status": status, "state": status, "errorCode": code, "errorMessage": message})
        })
        .into_iter()
        .collect();
    json!({"data": {"queries": queries}, "code": Value::Null, "message": Value::Null, "success": true})
}

/// A chunk's gzip bytes.
pub(super) fn chunk(state: &State, id: &str, number: usize) -> Option<Vec<u8>> {
    let end = state.queries.by_id(id)?.end.borrow().clone()?;
    match end.as_ref() {
        End::Rows { chunks, .. } => chunks.get(number).map(|chunk| chunk.gzip.clone()),
        _ => None,
    }
}

async fn execute(state: &State, request: &Request) -> Result<End, Error> {
    let sql = request.sql_text.trim().trim_end_matches(';');
    let context = state.context();
    if matches!(first_word(sql).as_str(), "SHOW" | "DESCRIBE" | "DESC") {
        return Ok(text_end(&show::answer(&context, sql)));
    }
    let statement = match parse(sql)? {
        Parsed::Query(statement) => *statement,
        Parsed::Session => return Ok(text_end(&show::status("Statement executed successfully."))),
        Parsed::Change => return Err(Error::denied("table of the schema 'SALES'")),
    };
    let plan = plan(&context, sql, statement).await?;
    if request.describe_only {
        return Ok(End::Described(encode::row_type(plan.schema().as_arrow())));
    }
    let (schema, mut stream) = run(&context, sql, plan).await?;
    let limit = request
        .parameters
        .as_ref()
        .and_then(|parameters| parameters.get("ROWS_PER_RESULTSET"))
        .and_then(|rows| rows.as_u64().or_else(|| rows.as_str()?.parse().ok()))
        .filter(|rows| *rows > 0)
        .and_then(|rows| usize::try_from(rows).ok())
        .unwrap_or(usize::MAX);
    let mut pages = Pages::new(schema);
    while let Some(batch) = stream.next().await {
        let batch = batch.map_err(|error| errors::from_datafusion(sql, &error))?;
        let left = limit - pages.total;
        pages.push(&batch.slice(0, batch.num_rows().min(left)))?;
        if pages.total >= limit {
            break;
        }
    }
    pages.finish()
}

fn text_end(table: &show::Table) -> End {
    End::Text { row_type: table.row_type(), rows: json!(table.rows) }
}

/// Cuts a result into the inline page and chunks, each encoded once.
struct Pages {
    schema: SchemaRef,
    total: usize,
    inline: Option<Vec<u8>>,
    chunks: Vec<Chunk>,
    waiting: Vec<RecordBatch>,
    rows: usize,
}

impl Pages {
    fn new(schema: SchemaRef) -> Self {
        Self { schema, total: 0, inline: None, chunks: Vec::new(), waiting: Vec::new(), rows: 0 }
    }

    fn size(&self) -> usize {
        if self.inline.is_none() { INLINE } else { CHUNK }
    }

    fn push(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        self.total += batch.num_rows();
        let mut from = 0;
        while from < batch.num_rows() {
            let take = (batch.num_rows() - from).min(self.size() - self.rows).min(BATCH);
            self.waiting.push(batch.slice(from, take));
            self.rows += take;
            from += take;
            if self.rows == self.size() {
                self.close()?;
            }
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), Error> {
        let bytes = encode::ipc(&self.schema, &self.waiting)?;
        if self.inline.is_none() {
            self.inline = Some(bytes);
        } else {
            let internal = |error: std::io::Error| Error::new("000603", "XX000", error.to_string());
            let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
            gzip.write_all(&bytes).map_err(internal)?;
            let gzip = gzip.finish().map_err(internal)?;
            self.chunks.push(Chunk { rows: self.rows, size: bytes.len(), gzip });
        }
        self.waiting.clear();
        self.rows = 0;
        Ok(())
    }

    fn finish(mut self) -> Result<End, Error> {
        if self.rows > 0 {
            self.close()?;
        }
        let inline = self.inline.unwrap_or_default();
        Ok(End::Rows { schema: self.schema, total: self.total, inline, chunks: self.chunks })
    }
}

fn in_progress(id: &str, code: &str, message: &str) -> Value {
    json!({
        "data": {
            "queryId": id, "getResultUrl": format!("/queries/{id}/result"), "queryAbortsAfterSecs": 300,
            "progressDesc": Value::Null,
        },
        "code": code, "message": message, "success": true,
    })
}

/// A failure in the recorded shape.
pub(super) fn failure(error: &Error, id: &str, kind: &str) -> Value {
    let mut data = json!({
        "internalError": false, "errorCode": error.code, "age": 0, "sqlState": error.sqlstate, "queryId": id,
    });
    if error.message.starts_with("SQL compilation error") || !kind.is_empty() {
        data["line"] = json!(-1);
        data["pos"] = json!(-1);
        data["type"] = json!("COMPILATION");
    }
    json!({"data": data, "code": error.code, "message": error.message, "success": false, "headers": Value::Null})
}

fn answer(end: &End, id: &str, base: &str) -> Value {
    let mut data = json!({
        "parameters": login::parameters(),
        "rowtype": Value::Null,
    });
    let put = |data: &mut Value, key: &str, value: Value| data[key] = value;
    let (total, format) = match end {
        End::Failed(error) => return failure(error, id, ""),
        End::Rows { schema, total, inline, chunks } => {
            put(&mut data, "rowtype", encode::row_type(schema_of(schema)));
            put(&mut data, "rowsetBase64", json!(login::base64(inline)));
            if !chunks.is_empty() {
                let list: Vec<Value> = chunks
                    .iter()
                    .enumerate()
                    .map(|(number, chunk)| {
                        json!({
                            "url": format!("{base}/chunks/{id}/{number}"), "rowCount": chunk.rows,
                            "uncompressedSize": chunk.size, "compressedSize": chunk.gzip.len(),
                        })
                    })
                    .collect();
                put(&mut data, "chunks", json!(list));
                put(&mut data, "chunkHeaders", json!({}));
                put(&mut data, "qrmk", Value::Null);
            }
            (*total, "arrow")
        }
        End::Text { row_type, rows } => {
            put(&mut data, "rowtype", row_type.clone());
            put(&mut data, "rowset", rows.clone());
            (rows.as_array().map_or(0, Vec::len), "json")
        }
        End::Described(row_type) => {
            put(&mut data, "rowtype", row_type.clone());
            put(&mut data, "rowset", json!([]));
            (0, "json")
        }
    };
    for (key, value) in [
        ("total", json!(total)),
        ("returned", json!(total)),
        ("queryId", json!(id)),
        ("databaseProvider", Value::Null),
        ("finalDatabaseName", json!(DATABASE)),
        ("finalSchemaName", json!(SCHEMA)),
        ("finalWarehouseName", json!(WAREHOUSE)),
        ("finalRoleName", json!(ROLE)),
        ("numberOfBinds", json!(0)),
        ("arrayBindSupported", json!(false)),
        ("statementTypeId", json!(4096)),
        ("version", json!(1)),
        ("sendResultTime", json!(1_750_110_502_822_i64)),
        ("queryResultFormat", json!(format)),
        (
            "queryContext",
            json!({"entries": [{"id": 0, "timestamp": 1_748_552_075_465_658_i64, "priority": 0, "context": "CAQ="}]}),
        ),
    ] {
        put(&mut data, key, value);
    }
    json!({"data": data, "code": Value::Null, "message": Value::Null, "success": true})
}

fn schema_of(schema: &SchemaRef) -> &Schema {
    schema.as_ref()
}

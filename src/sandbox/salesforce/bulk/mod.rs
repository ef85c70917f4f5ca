//! Bulk API 2.0: ingest jobs and query jobs.
//!
//! A job is made and closed by calls; the work is done behind them, a chunk at a time, so that other
//! calls get their turn in between and a poll may see the job in progress.

mod csv;
mod ingest;
mod job;
mod query;
pub mod work;

use std::collections::BTreeMap;

use super::call::{Answer, Call};
use super::errors::Refusal;
use super::ids;
use super::org::Org;
use ingest::Ingest;
use query::QueryJob;

/// The prefix of a job's id.
const PREFIX: &str = "750";
/// Jobs in a page of a list.
const PAGE: usize = 1_000;

/// All jobs of the org. They do not outlive the process.
#[derive(Debug, Default)]
pub struct Jobs {
    made: u64,
    ingest: BTreeMap<String, Ingest>,
    queries: BTreeMap<String, QueryJob>,
    queued: Vec<String>,
}

impl Jobs {
    fn next_id(&mut self) -> String {
        self.made += 1;
        ids::make(PREFIX, self.made)
    }

    /// Forgets every job; ids go on, so that work on an old job cannot hit a new one.
    pub fn clear(&mut self) {
        *self = Self { made: self.made, ..Self::default() };
    }

    /// The jobs that work is to begin on.
    pub fn take_queued(&mut self) -> Vec<String> {
        std::mem::take(&mut self.queued)
    }
}

/// Answers a call to `…/jobs…`.
pub fn answer(org: &mut Org, call: &Call, version: &str, rest: &[&str]) -> Result<Answer, Refusal> {
    let method = call.method.as_str();
    match rest {
        ["ingest"] => match method {
            "POST" => ingest::create(org, call, version),
            "GET" => ingest::list(org, call, version),
            _ => Err(Refusal::method(method, "GET,POST")),
        },
        ["ingest", id] => match method {
            "GET" => ingest::tell(org, id),
            "PATCH" => ingest::turn(org, call, id),
            "DELETE" => ingest::delete(org, id),
            _ => Err(Refusal::method(method, "GET,PATCH,DELETE")),
        },
        ["ingest", id, "batches"] => match method {
            "PUT" => ingest::upload(org, call, id),
            _ => Err(Refusal::method(method, "PUT")),
        },
        [
            "ingest",
            id,
            which @ ("successfulResults" | "failedResults" | "unprocessedrecords" | "unprocessedRecords"),
        ] => match method {
            "GET" => ingest::results(org, id, which),
            _ => Err(Refusal::method(method, "GET")),
        },
        ["query"] => match method {
            "POST" => query::create(org, call, version),
            "GET" => query::list(org, call, version),
            _ => Err(Refusal::method(method, "GET,POST")),
        },
        ["query", id] => match method {
            "GET" => query::tell(org, id),
            "PATCH" => query::abort(org, call, id),
            "DELETE" => query::delete(org, id),
            _ => Err(Refusal::method(method, "GET,PATCH,DELETE")),
        },
        ["query", id, "results"] => match method {
            "GET" => query::results(org, call, id),
            _ => Err(Refusal::method(method, "GET")),
        },
        _ => Err(Refusal::not_found()),
    }
}

/// What stands in the path for a job: its id of 15 or 18 characters.
fn job_id(text: &str) -> Result<String, Refusal> {
    ids::parse(text).filter(|id| id.starts_with(PREFIX)).ok_or_else(Refusal::not_found)
}

/// A page of a list of jobs.
fn page(all: Vec<serde_json::Value>, call: &Call, version: &str, kind: &str) -> Answer {
    let start = call.parameter("queryLocator").and_then(|text| text.parse().ok()).unwrap_or(0);
    let end = all.len().min(start + PAGE);
    let done = end == all.len();
    let next = (!done).then(|| format!("/services/data/{version}/jobs/{kind}?queryLocator={end}"));
    let records: Vec<_> = all.into_iter().skip(start).take(PAGE).collect();
    Answer::ok(serde_json::json!({ "done": done, "records": records, "nextRecordsUrl": next }))
}

//! The wire: reads requests, lets faults happen, writes answers.

use std::collections::HashSet;
use std::io;
use std::io::Read as _;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};

use super::Salesforce;
use super::bulk::work;
use super::call::{Answer, Call, RowFault};
use super::endpoint::Endpoint;
use super::errors::Refusal;
use super::locks::{self, Held};
use super::org::DAILY_CALLS;
use super::{route, sign_in};
use crate::sandbox::fault::{Action, Fault, Point};

/// The longest address, in bytes.
const LONGEST_ADDRESS: usize = 16_384;
/// Answers from this size on, in bytes, are packed for clients that take gzip.
const PACKED_FROM: usize = 2_048;
/// The largest body, in bytes, as it travels and unpacked.
const LARGEST_BODY: usize = 50 * 1024 * 1024;
/// The largest upload of a Bulk job, in bytes.
const LARGEST_UPLOAD: usize = 150 * 1024 * 1024;

/// Answers one request.
pub async fn handle(State(salesforce): State<Salesforce>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let target = parts.uri.path_and_query().map_or("/", |it| it.as_str()).to_owned();
    if target.len() > LONGEST_ADDRESS {
        salesforce.stats.count("salesforce.refused");
        return html(StatusCode::URI_TOO_LONG, "<h1>URI Too Long</h1>");
    }
    let most = if parts.method == "PUT" { LARGEST_UPLOAD } else { LARGEST_BODY };
    let Some(body) = read_body(&parts.headers, body, most).await else {
        salesforce.stats.count("salesforce.refused");
        return html(StatusCode::PAYLOAD_TOO_LARGE, "<h1>Content Too Large</h1>");
    };
    // What has arrived is done to its end, whether or not its sender still listens: one that was
    // killed has sent it all the same.
    let work = tokio::spawn(serve(salesforce, parts, target, body));
    work.await.unwrap_or_else(|_| dropped())
}

/// Does what a request asks for.
async fn serve(salesforce: Salesforce, parts: Parts, target: String, body: Bytes) -> Response {
    let mut call = call(parts.method.as_str(), &target, &parts.headers, &body);
    let endpoint = Endpoint::of(&call);
    salesforce.stats.count(&endpoint.name);
    endpoint.inside.iter().for_each(|inside| salesforce.stats.count_inside(inside));
    let fault = salesforce.faults.fire_at(&endpoint.points);
    // Taken before the wait: a call holds its rows for as long as it is under way.
    let held = hold(&salesforce, &mut call).await;
    if !salesforce.latency.is_zero() {
        tokio::time::sleep(salesforce.latency).await;
    }
    if let Some(fault) = &fault {
        match fault.action {
            Action::DropBefore => return dropped(),
            Action::Status => return asked_for(fault, &endpoint),
            Action::Delay => tokio::time::sleep(Duration::from_millis(fault.delay_ms.unwrap_or(1_000))).await,
            Action::ExpireSession => salesforce.org().sessions.expire(),
            Action::RowError => {
                call.row_fault = RowFault::new(fault);
            }
            _ => {}
        }
    }
    let headers = parts.headers;
    let packed = headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.split(',').any(|it| it.trim() == "gzip"));
    let authorization =
        headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let worker = salesforce.clone();
    let answered = tokio::task::spawn_blocking(move || {
        let (answer, limits) = answer(&worker, &call, &authorization, &held.refused);
        (answer, limits, worker.org().jobs.take_queued())
    });
    let Ok((answer, limits, queued)) = answered.await else { return dropped() };
    for id in queued {
        tokio::spawn(work::run(salesforce.clone(), id));
    }
    match fault.map(|fault| fault.action) {
        Some(Action::DropAfterCommit) => dropped(),
        Some(Action::Truncate) => respond(&answer, limits.as_deref(), Sent::Half),
        _ if packed => respond(&answer, limits.as_deref(), Sent::Packed),
        _ => respond(&answer, limits.as_deref(), Sent::Plain),
    }
}

/// Takes the locks of a call, where the org is set up to have any.
async fn hold(salesforce: &Salesforce, call: &mut Call) -> Held {
    if !salesforce.locks.are_on() {
        return salesforce.locks.take(HashSet::new());
    }
    let (worker, mine) = (salesforce.clone(), std::mem::take(call));
    let looked = tokio::task::spawn_blocking(move || (locks::accounts_of(&worker.org(), &mine), mine));
    let Ok((accounts, mine)) = looked.await else { return salesforce.locks.take(HashSet::new()) };
    *call = mine;
    salesforce.locks.take(accounts)
}

/// The answer, and what `Sforce-Limit-Info` says of it.
fn answer(
    salesforce: &Salesforce,
    call: &Call,
    authorization: &str,
    locked: &HashSet<String>,
) -> (Answer, Option<String>) {
    let mut org = salesforce.org();
    if let Some(answer) = sign_in::answer(&mut org, call, authorization) {
        return (answer, None);
    }
    let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    match segments.as_slice() {
        ["services", "data"] if call.method == "GET" => (route::answer(&mut org, call), None),
        ["services", "data", ..] => {
            if !org.sessions.knows(sign_in::bearer(authorization)) {
                return (Answer::refused(&[Refusal::session()]), None);
            }
            let answer = if org.used() >= DAILY_CALLS {
                Answer::refused(&[Refusal::call(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")])
            } else {
                org.calls += 1;
                org.records.locked.clone_from(locked);
                let answer = route::answer(&mut org, call);
                org.records.locked.clear();
                answer
            };
            (answer, Some(format!("api-usage={}/{DAILY_CALLS}", org.used())))
        }
        _ => (Answer::refused(&[Refusal::not_found()]), None),
    }
}

fn call(method: &str, target: &str, headers: &HeaderMap, body: &Bytes) -> Call {
    let mut call = Call { method: method.to_ascii_uppercase(), raw: body.clone(), ..Call::default() };
    call.set_target(target);
    // An upload is not JSON, and may be large.
    if !body.is_empty() && method != "PUT" {
        match serde_json::from_slice(body) {
            Ok(json) => call.body = Some(json),
            Err(error) => {
                let (line, column) = (error.line(), error.column());
                call.bad_body = Some(format!("{error} at [line:{line}, column:{column}]"));
            }
        }
    }
    let option = |name: &str, key: &str| {
        let text = headers.get(name)?.to_str().ok()?;
        text.split([';', ','])
            .filter_map(|part| part.split_once('='))
            .find(|(it, _)| it.trim().eq_ignore_ascii_case(key))
            .map(|(_, value)| value.trim().to_owned())
    };
    call.batch_size = option("Sforce-Query-Options", "batchSize").and_then(|text| text.parse().ok());
    call.allow_duplicates =
        option("Sforce-Duplicate-Rule-Header", "allowSave").is_some_and(|text| text.eq_ignore_ascii_case("true"));
    call.duplicate_details = option("Sforce-Duplicate-Rule-Header", "includeRecordDetails")
        .is_some_and(|text| text.eq_ignore_ascii_case("true"));
    call.modified_since = headers
        .get(header::IF_MODIFIED_SINCE)
        .and_then(|value| value.to_str().ok())
        .and_then(super::time::read_http_date);
    call
}

async fn read_body(headers: &HeaderMap, body: Body, largest: usize) -> Option<Bytes> {
    let bytes = to_bytes(body, largest).await.ok()?;
    let packed = headers.get(header::CONTENT_ENCODING).is_some_and(|value| value.as_bytes() == b"gzip");
    if !packed {
        return Some(bytes);
    }
    let mut unpacked = Vec::new();
    let most = u64::try_from(largest).unwrap_or(u64::MAX) + 1;
    flate2::read::GzDecoder::new(bytes.as_ref()).take(most).read_to_end(&mut unpacked).ok()?;
    (unpacked.len() <= largest).then(|| unpacked.into())
}

/// The answer that a status fault asks for.
fn asked_for(fault: &Fault, endpoint: &Endpoint) -> Response {
    let status = fault.status.unwrap_or(503);
    let code = fault.error.clone().unwrap_or_else(|| {
        match status {
            401 => "INVALID_SESSION_ID",
            403 => "REQUEST_LIMIT_EXCEEDED",
            500 => "UNKNOWN_EXCEPTION",
            _ => "SERVER_UNAVAILABLE",
        }
        .to_owned()
    });
    let message = fault.message.clone().unwrap_or_else(|| {
        match code.as_str() {
            "INVALID_SESSION_ID" => "Session expired or invalid",
            "REQUEST_LIMIT_EXCEEDED" => "TotalRequests Limit exceeded.",
            "SERVER_UNAVAILABLE" => "The server is temporarily unavailable. Please try again later.",
            _ => "An unexpected error occurred.",
        }
        .to_owned()
    });
    let answer = if endpoint.points.contains(&Point::Token) {
        let error = fault.error.clone().unwrap_or_else(|| "server_error".to_owned());
        Answer::status(status, json!({ "error": error, "error_description": message }))
    } else {
        Answer::refused(&[Refusal::call(status, &code, message)])
    };
    let answer = match fault.retry_after {
        Some(seconds) => answer.with_header("Retry-After", seconds.to_string()),
        None => answer,
    };
    respond(&answer, None, Sent::Plain)
}

/// No answer at all: a body that fails before the head was sent ends the connection.
fn dropped() -> Response {
    let failed = futures::stream::once(async { Err::<Bytes, io::Error>(io::ErrorKind::ConnectionReset.into()) });
    Response::new(Body::from_stream(failed))
}

/// How a body goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    Plain,
    Packed,
    Half,
}

fn respond(answer: &Answer, limits: Option<&str>, sent: Sent) -> Response {
    let bytes = match (&answer.text, &answer.body) {
        (Some((_, text)), _) | (None, Some(Value::String(text))) => Some(text.clone().into_bytes()),
        (None, body) => body.as_ref().map(|body| body.to_string().into_bytes()),
    };
    let mut response = Response::builder().status(answer.status);
    if let Some(limits) = limits {
        response = response.header("Sforce-Limit-Info", limits);
    }
    for (name, value) in &answer.headers {
        response = response.header(*name, value);
    }
    if bytes.is_some() {
        let kind = answer.text.as_ref().map_or("application/json;charset=UTF-8", |(kind, _)| kind);
        response = response.header(header::CONTENT_TYPE, kind);
    }
    let body = match bytes {
        Some(bytes) if sent == Sent::Packed && bytes.len() >= PACKED_FROM => {
            response = response.header(header::CONTENT_ENCODING, "gzip");
            Body::from(pack(&bytes))
        }
        Some(bytes) if sent == Sent::Half => {
            response = response.header(header::CONTENT_LENGTH, bytes.len());
            cut(bytes)
        }
        Some(bytes) => Body::from(bytes),
        None => Body::empty(),
    };
    response.body(body).unwrap_or_else(|_| dropped())
}

fn pack(bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    // Reading from memory cannot fail.
    let _ = flate2::read::GzEncoder::new(bytes, flate2::Compression::fast()).read_to_end(&mut packed);
    packed
}

/// The first half of the bytes, then the end of the connection.
fn cut(mut bytes: Vec<u8>) -> Body {
    bytes.truncate(bytes.len() / 2);
    let first = futures::stream::once(async move { Ok::<Bytes, io::Error>(bytes.into()) });
    let end = futures::stream::once(async {
        // Lets the first half leave before the connection dies.
        tokio::time::sleep(Duration::from_millis(20)).await;
        Err(io::ErrorKind::ConnectionReset.into())
    });
    Body::from_stream(futures::StreamExt::chain(first, end))
}

fn html(status: StatusCode, text: &'static str) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/html"));
    response
}

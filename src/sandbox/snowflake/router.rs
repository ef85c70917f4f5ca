//! The endpoints: who may call, what goes wrong on purpose, who answers.

use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State as Extract};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{State, login, query};
use crate::sandbox::fault::{Action, Fault, Point};

type Server = Extract<Arc<State>>;

/// All endpoints under the root.
pub(super) fn router(state: Arc<State>) -> Router {
    Router::new()
        .route("/session/v1/login-request", post(login_request))
        .route("/session/token-request", post(token_request))
        .route("/session/heartbeat", post(heartbeat))
        .route("/session", post(logout))
        .route("/session/logout-request", post(logout))
        .route("/telemetry/send", post(telemetry))
        .route("/queries/v1/query-request", post(query_request))
        .route("/queries/v1/abort-request", post(abort_request))
        .route("/queries/{id}/result", get(query_result))
        .route("/monitoring/queries/{id}", get(monitoring))
        .route("/chunks/{id}/{number}", get(chunk))
        .fallback(|| async { (StatusCode::NOT_FOUND, "<html><body>404</body></html>") })
        .with_state(state)
}

fn body(headers: &HeaderMap, bytes: &Bytes) -> Vec<u8> {
    let gzip = headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding == "gzip");
    if gzip {
        let mut plain = Vec::new();
        if flate2::read::GzDecoder::new(bytes.as_ref()).read_to_end(&mut plain).is_ok() {
            return plain;
        }
    }
    bytes.to_vec()
}

fn token(headers: &HeaderMap) -> &str {
    headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.strip_prefix("Snowflake Token=\""))
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or_default()
}

fn base(headers: &HeaderMap) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("127.0.0.1");
    format!("http://{host}")
}

fn json_response(body: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

async fn login_request(Extract(state): Server, headers: HeaderMap, bytes: Bytes) -> Response {
    state.stats.count("snowflake.login");
    match login::login(&state, &body(&headers, &bytes)) {
        login::Answer::Json(answer) => json_response(&answer),
        login::Answer::NoAccount => {
            (StatusCode::FORBIDDEN, [(header::CONTENT_TYPE, "text/html")], "<html><body>403 Forbidden</body></html>")
                .into_response()
        }
    }
}

async fn token_request(Extract(state): Server, headers: HeaderMap) -> Response {
    state.stats.count("snowflake.renew");
    json_response(&login::renew(&state, token(&headers)))
}

async fn heartbeat(Extract(state): Server, headers: HeaderMap) -> Response {
    state.stats.count("snowflake.heartbeat");
    json_response(&denied(&state, &headers).unwrap_or_else(login::nothing))
}

async fn logout(Extract(state): Server, headers: HeaderMap) -> Response {
    state.stats.count("snowflake.logout");
    state.sessions.end(token(&headers));
    json_response(&login::nothing())
}

async fn telemetry() -> Response {
    json_response(&login::nothing())
}

/// The answer to a token that is not good.
fn denied(state: &State, headers: &HeaderMap) -> Option<Value> {
    let why = state.sessions.check(token(headers)).err()?;
    let (code, message) = why.code_and_text();
    let data =
        json!({"age": 0, "errorCode": code, "internalError": false, "queryId": Value::Null, "sqlState": "08001"});
    Some(json!({"data": data, "code": code, "message": message, "success": false, "headers": Value::Null}))
}

#[derive(Debug, Deserialize)]
struct RequestId {
    #[serde(rename = "requestId", default)]
    request_id: String,
}

async fn query_request(
    Extract(state): Server,
    Query(RequestId { request_id }): Query<RequestId>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Response {
    let fault = state.faults.fire(Point::SnowflakeQuery);
    if let Some(spoilt) = before(&state, fault.as_ref()).await {
        return spoilt;
    }
    if let Some(denied) = denied(&state, &headers) {
        return json_response(&denied);
    }
    let answer = query::start(&state, &request_id, &body(&headers, &bytes), &base(&headers)).await;
    after(json_response(&answer), fault.as_ref(), answer.to_string().as_bytes())
}

async fn query_result(Extract(state): Server, Path(id): Path<String>, headers: HeaderMap) -> Response {
    if let Some(denied) = denied(&state, &headers) {
        return json_response(&denied);
    }
    state.stats.count("snowflake.result");
    json_response(&query::result(&state, &id, &base(&headers)).await)
}

async fn monitoring(Extract(state): Server, Path(id): Path<String>, headers: HeaderMap) -> Response {
    if let Some(denied) = denied(&state, &headers) {
        return json_response(&denied);
    }
    state.stats.count("snowflake.monitoring");
    json_response(&query::monitor(&state, &id))
}

async fn abort_request(Extract(state): Server, headers: HeaderMap, bytes: Bytes) -> Response {
    if let Some(denied) = denied(&state, &headers) {
        return json_response(&denied);
    }
    state.stats.count("snowflake.abort");
    let asked: Option<Value> = serde_json::from_slice(&body(&headers, &bytes)).ok();
    let request = asked.as_ref().and_then(|body| body["requestId"].as_str()).unwrap_or_default();
    json_response(&query::abort(&state, request))
}

async fn chunk(Extract(state): Server, Path((id, number)): Path<(String, usize)>) -> Response {
    state.stats.count("snowflake.chunk");
    let fault = state.faults.fire(Point::Chunk);
    if let Some(spoilt) = before(&state, fault.as_ref()).await {
        return spoilt;
    }
    match query::chunk(&state, &id, number) {
        Some(gzip) => {
            let headers = [(header::CONTENT_TYPE, "binary/octet-stream"), (header::CONTENT_ENCODING, "gzip")];
            after((headers, gzip.clone()).into_response(), fault.as_ref(), &gzip)
        }
        None => (
            StatusCode::FORBIDDEN,
            [(header::CONTENT_TYPE, "application/xml")],
            "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>",
        )
            .into_response(),
    }
}

/// What a fault does before the work.
async fn before(state: &State, fault: Option<&Fault>) -> Option<Response> {
    let fault = fault?;
    match fault.action {
        Action::Status => {
            let status = fault.status.and_then(|status| StatusCode::from_u16(status).ok());
            Some((status.unwrap_or(StatusCode::SERVICE_UNAVAILABLE), "Service Unavailable").into_response())
        }
        Action::DropBefore => Some(cut(Vec::new())),
        Action::Delay => {
            tokio::time::sleep(Duration::from_millis(fault.delay_ms.unwrap_or(1_000))).await;
            None
        }
        Action::ExpireSession => {
            state.sessions.expire_all();
            None
        }
        _ => None,
    }
}

/// What a fault does to an answer.
fn after(response: Response, fault: Option<&Fault>, whole: &[u8]) -> Response {
    match fault.map(|fault| fault.action) {
        Some(Action::DropAfterCommit) => cut(Vec::new()),
        Some(Action::Truncate) => cut(whole[..whole.len() / 2].to_vec()),
        _ => response,
    }
}

/// An answer that breaks off: the connection dies in the middle of the body.
fn cut(bytes: Vec<u8>) -> Response {
    let parts = futures::stream::iter([
        Ok(Bytes::from(bytes)),
        Err(std::io::Error::new(std::io::ErrorKind::ConnectionReset, "cut off on purpose")),
    ]);
    Body::from_stream(parts).into_response()
}

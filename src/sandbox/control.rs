//! The control endpoints: what a test asks of the sandbox itself.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};

use super::fault::{Fault, Faults};
use super::salesforce::Salesforce;
use super::snowflake::Snowflake;
use super::stats::Stats;

/// What the endpoints work on.
#[derive(Clone)]
pub(super) struct Control {
    pub snowflake: Snowflake,
    pub salesforce: Salesforce,
    pub faults: Faults,
    pub stats: Stats,
}

/// The router of `/stats`, `/reset`, `/sql` and `/fault`.
pub(super) fn router(control: Control) -> Router {
    Router::new()
        .route("/stats", get(stats))
        .route("/reset", post(reset))
        .route("/sql", post(sql))
        .route("/fault", post(fault))
        .with_state(control)
}

fn answer(status: StatusCode, body: &Value) -> Response {
    (status, [("content-type", "application/json")], body.to_string()).into_response()
}

fn failed(status: StatusCode, error: &dyn ToString) -> Response {
    answer(status, &json!({ "error": error.to_string() }))
}

async fn stats(State(control): State<Control>) -> Response {
    control.stats.touch();
    match control.salesforce.record_counts() {
        Ok(records) => {
            let body = json!({
                "calls": control.stats.calls(),
                "subrequests": control.stats.calls_inside(),
                "records": records,
                "api_calls": control.salesforce.api_calls(),
            });
            answer(StatusCode::OK, &body)
        }
        Err(error) => failed(StatusCode::INTERNAL_SERVER_ERROR, &error),
    }
}

async fn reset(State(control): State<Control>) -> Response {
    control.stats.touch();
    control.faults.clear();
    let (snowflake, salesforce) = (control.snowflake.clone(), control.salesforce.clone());
    let seeded = tokio::task::spawn_blocking(move || {
        snowflake.reset().map_err(|error| error.to_string())?;
        salesforce.reset().map_err(|error| error.to_string())
    });
    match seeded.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return failed(StatusCode::INTERNAL_SERVER_ERROR, &error),
        Err(error) => return failed(StatusCode::INTERNAL_SERVER_ERROR, &error),
    }
    control.stats.clear();
    answer(StatusCode::OK, &json!({ "reset": true }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sql {
    sql: String,
}

async fn sql(State(control): State<Control>, body: Bytes) -> Response {
    control.stats.touch();
    let asked: Sql = match serde_json::from_slice(&body) {
        Ok(asked) => asked,
        Err(error) => return failed(StatusCode::BAD_REQUEST, &error),
    };
    match control.snowflake.sql(&asked.sql).await {
        Ok(result) => answer(StatusCode::OK, &json!({ "result": result })),
        Err(error) => failed(StatusCode::BAD_REQUEST, &error),
    }
}

async fn fault(State(control): State<Control>, body: Bytes) -> Response {
    control.stats.touch();
    match serde_json::from_slice::<Fault>(&body) {
        Ok(fault) => {
            if let Err(error) = fault.check() {
                return failed(StatusCode::BAD_REQUEST, &error);
            }
            if !fault.on.is_standing() {
                control.faults.add(fault);
                return answer(StatusCode::OK, &json!({ "added": true }));
            }
            let salesforce = control.salesforce.clone();
            match tokio::task::spawn_blocking(move || salesforce.turn(&fault)).await {
                Ok(Ok(())) => answer(StatusCode::OK, &json!({ "added": true })),
                Ok(Err(error)) => failed(StatusCode::INTERNAL_SERVER_ERROR, &error),
                Err(error) => failed(StatusCode::INTERNAL_SERVER_ERROR, &error),
            }
        }
        Err(error) => failed(StatusCode::BAD_REQUEST, &error),
    }
}

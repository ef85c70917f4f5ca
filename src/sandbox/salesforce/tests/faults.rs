//! Faults and the control endpoints.

use std::time::{Duration, Instant};

use serde_json::json;

use super::Bench;
use crate::sandbox::{Options, Sandbox};

fn one(name: &str) -> serde_json::Value {
    json!({ "records": [{ "attributes": { "type": "Contact" }, "LastName": name }] })
}

#[tokio::test]
async fn a_link_that_drops_after_the_commit_leaves_the_row_behind() {
    let bench = Bench::start().await;
    bench.get("limits").await;
    bench.fault(json!({ "on": "collections", "do": "drop-after-commit" })).await;
    let sent = bench.request("POST", "composite/sobjects").json(&one("Chen")).send().await;
    let error = sent.unwrap_err();
    assert!(error.is_request() && !error.is_timeout(), "{error:?}");
    assert_eq!(bench.contacts().await, 1);
}

#[tokio::test]
async fn a_link_that_drops_before_leaves_nothing() {
    let bench = Bench::start().await;
    bench.fault(json!({ "on": "collections", "do": "drop-before" })).await;
    assert!(bench.request("POST", "composite/sobjects").json(&one("Chen")).send().await.is_err());
    assert_eq!(bench.contacts().await, 0);
    bench.create(json!([{ "LastName": "Chen" }])).await;
}

#[tokio::test]
async fn a_dropped_connection_carries_no_bytes() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let bench = Bench::start().await;
    bench.fault(json!({ "on": "token", "do": "drop-before" })).await;
    let address = bench.sandbox.ready.salesforce.instance_url.trim_start_matches("http://").to_owned();
    let mut link = tokio::net::TcpStream::connect(address).await.unwrap();
    link.write_all(b"POST /services/oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").await.unwrap();
    let mut bytes = Vec::new();
    let _ = link.read_to_end(&mut bytes).await;
    assert_eq!(String::from_utf8_lossy(&bytes), "");
}

#[tokio::test]
async fn a_truncated_answer_breaks_off_in_the_body() {
    let bench = Bench::start().await;
    bench.fault(json!({ "on": "collections", "do": "truncate" })).await;
    let answer = bench.request("POST", "composite/sobjects").json(&one("Chen")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.bytes().await.is_err());
    assert_eq!(bench.contacts().await, 1);
}

#[tokio::test]
async fn statuses_and_codes_are_as_asked() {
    let bench = Bench::start().await;
    for (fault, status, code, message) in [
        (json!({ "on": "soql", "do": "status" }), 503, "SERVER_UNAVAILABLE", None),
        (
            json!({ "on": "soql", "do": "status", "status": 403 }),
            403,
            "REQUEST_LIMIT_EXCEEDED",
            Some("TotalRequests Limit exceeded."),
        ),
        (
            json!({ "on": "soql", "do": "status", "status": 400, "error": "QUERY_TIMEOUT", "message": "too slow" }),
            400,
            "QUERY_TIMEOUT",
            Some("too slow"),
        ),
    ] {
        bench.fault(fault).await;
        let (told_status, body) = bench.query("SELECT Id FROM Contact").await;
        assert_eq!((told_status, &body[0]["errorCode"]), (status, &json!(code)));
        if let Some(message) = message {
            assert_eq!(body[0]["message"], message);
        }
        assert_eq!(bench.query("SELECT Id FROM Contact").await.0, 200);
    }
    bench.fault(json!({ "on": "token", "do": "status" })).await;
    let answer = bench.client.post(bench.url("/services/oauth2/token")).send().await.unwrap();
    let (status, body) = super::read(answer).await;
    assert_eq!((status, &body["error"]), (503, &json!("server_error")));
}

#[tokio::test]
async fn the_first_rows_of_a_call_fail_and_are_not_written() {
    let bench = Bench::start().await;
    bench.fault(json!({ "on": "collections", "do": "row-error", "rows": 2, "after": 1 })).await;
    let contact = json!({ "type": "Contact" });
    let rows = json!({ "records": [
        { "attributes": contact, "LastName": "A" }, { "attributes": contact, "LastName": "B" }, { "attributes": contact, "LastName": "C" },
    ] });
    let (_, first) = bench.send("POST", "composite/sobjects", Some(rows.clone())).await;
    assert!(first.as_array().unwrap().iter().all(|row| row["success"] == true));
    let (_, second) = bench.send("POST", "composite/sobjects", Some(rows)).await;
    assert_eq!(second[0]["errors"][0]["statusCode"], "UNABLE_TO_LOCK_ROW");
    assert_eq!((&second[1]["success"], &second[2]["success"]), (&json!(false), &json!(true)));
    assert_eq!(bench.contacts().await, 4);
}

#[tokio::test]
async fn faults_reach_into_composite_calls() {
    let bench = Bench::start().await;
    bench.fault(json!({ "on": "collections", "do": "row-error", "error": "UNABLE_TO_LOCK_ROW" })).await;
    let sub = |name: &str| json!({ "method": "POST", "url": "/services/data/v65.0/composite/sobjects", "referenceId": name, "body": one(name) });
    let (_, told) = bench.send("POST", "composite", Some(json!({ "compositeRequest": [sub("a"), sub("b")] }))).await;
    assert_eq!(told["compositeResponse"][0]["body"][0]["success"], json!(false));
    assert_eq!(told["compositeResponse"][1]["body"][0]["success"], json!(true));
}

#[tokio::test]
async fn calls_take_at_least_their_latency() {
    let bench =
        Bench::with(Options { contacts: Some(0), rows: 5, latency: Duration::from_millis(60), ..Options::default() })
            .await;
    let begun = Instant::now();
    bench.get("limits").await;
    assert!(begun.elapsed() >= Duration::from_millis(60));
    bench.fault(json!({ "on": "soql", "do": "delay", "delay_ms": 100 })).await;
    let begun = Instant::now();
    assert_eq!(bench.query("SELECT Id FROM Contact").await.0, 200);
    assert!(begun.elapsed() >= Duration::from_millis(160));
}

#[tokio::test]
async fn a_fault_that_is_not_understood_is_refused_by_name() {
    let bench = Bench::start().await;
    for (body, words) in [
        (r#"{"on":"soql","do":"status","tims":2}"#, "tims"),
        (r#"{"on":"soap","do":"status"}"#, "soap"),
        (r#"{"do":"status"}"#, "on"),
        ("nonsense", "line 1"),
    ] {
        let (status, told) = bench.control("POST", "/fault", body).await;
        assert_eq!(status, 400);
        assert!(told["error"].as_str().unwrap().contains(words), "{told}");
    }
}

#[tokio::test]
async fn a_reset_puts_everything_back() {
    let bench = Bench::with(Options { rows: 60, ..Options::default() }).await;
    let (_, before) = bench.query("SELECT Id, Name, Email, Phone, Account.Name FROM Contact ORDER BY Id").await;
    bench.create(json!([{ "LastName": "Chen" }])).await;
    bench.fault(json!({ "on": "soql", "do": "status" })).await;
    assert_eq!(bench.control("POST", "/reset", "").await.0, 200);
    let (_, stats) = bench.control("GET", "/stats", "").await;
    assert_eq!((&stats["calls"], &stats["api_calls"]), (&json!({}), &json!(0)));
    let (status, after) = bench.query("SELECT Id, Name, Email, Phone, Account.Name FROM Contact ORDER BY Id").await;
    assert_eq!((status, after), (200, before));
}

#[tokio::test]
async fn records_in_a_file_outlive_the_sandbox() {
    let folder = tempfile::tempdir().unwrap();
    let options =
        Options { rows: 10, contacts: Some(0), state: Some(folder.path().join("org.db")), ..Options::default() };
    let bench = Bench::with(options.clone()).await;
    let ids = bench.create(json!([{ "LastName": "Chen" }])).await;
    drop(bench);
    let again = Bench::with(options).await;
    assert_eq!(again.ids("SELECT Id FROM Contact").await, ids);
}

#[tokio::test]
async fn it_ends_when_nobody_calls() {
    let options =
        Options { rows: 5, contacts: Some(0), idle_exit: Some(Duration::from_millis(50)), ..Options::default() };
    let sandbox = Sandbox::start(options).await.unwrap();
    tokio::time::timeout(Duration::from_secs(20), sandbox.stopped()).await.unwrap();
    assert!(reqwest::get(format!("{}/stats", sandbox.ready.control_url)).await.is_err());
}

#[tokio::test]
async fn the_ready_file_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = Bench::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/ready.json");
    bench.sandbox.ready.write(&path).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(crate::sandbox::Ready::read(&path).unwrap(), bench.sandbox.ready);
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = Sandbox::start(Options { port: Some(port), ..Options::default() }).await.unwrap_err();
    assert!(error.to_string().contains(&port.to_string()), "{error}");
}

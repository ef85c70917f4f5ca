//! Several calls in one: Composite (which counts once) and Composite Batch (which counts each).

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::call::{Answer, Call};
use super::errors::Refusal;
use super::org::Org;
use super::{route, time};

/// Subrequests in a call.
const MOST: usize = 25;
/// Of these, queries and Collections.
const MOST_HEAVY: usize = 5;
/// Subrequests in a graph.
const MOST_NODES: usize = 500;

/// `POST …/composite`.
pub fn composite(org: &mut Org, call: &Call) -> Result<Answer, Refusal> {
    let body = call.json()?;
    let all_or_none = body.get("allOrNone").and_then(Value::as_bool).unwrap_or(false);
    let requests = body
        .get("compositeRequest")
        .and_then(Value::as_array)
        .ok_or_else(|| Refusal::call(400, "JSON_PARSER_ERROR", "The request must have a list compositeRequest"))?;
    limit(requests, MOST)?;
    let heavy = requests.iter().filter(|request| is_heavy(request)).count();
    if heavy > MOST_HEAVY {
        let message = format!(
            "Composite request limit exceeded: at most {MOST_HEAVY} queries and sObject Collections are allowed"
        );
        return Err(Refusal::call(400, "PROCESSING_HALTED", message));
    }
    let (results, _) = run(org, call, requests, all_or_none)?;
    Ok(Answer::ok(json!({ "compositeResponse": results })))
}

/// `POST …/composite/graph`: each graph is a transaction.
pub fn graph(org: &mut Org, call: &Call) -> Result<Answer, Refusal> {
    let body = call.json()?;
    let list = |value: &Value, key: &str| value.get(key).and_then(Value::as_array).cloned();
    let missing = |key: &str| Refusal::call(400, "JSON_PARSER_ERROR", format!("The request must have a list {key}"));
    let graphs = list(body, "graphs").ok_or_else(|| missing("graphs"))?;
    let mut told = Vec::new();
    for graph in &graphs {
        let requests = list(graph, "compositeRequest").ok_or_else(|| missing("compositeRequest"))?;
        limit(&requests, MOST_NODES)?;
        let (results, good) = run(org, call, &requests, true)?;
        told.push(json!({
            "graphId": text(graph, "graphId"),
            "graphResponse": { "compositeResponse": results },
            "isSuccessful": good,
        }));
    }
    Ok(Answer::ok(json!({ "graphs": told })))
}

fn limit(requests: &[Value], most: usize) -> Result<(), Refusal> {
    if (1..=most).contains(&requests.len()) {
        return Ok(());
    }
    let message = format!("Composite request limit exceeded: 1 to {most} subrequests are allowed");
    Err(Refusal::call(400, "PROCESSING_HALTED", message))
}

/// Makes the calls in order; gives their results, and whether none failed.
fn run(org: &mut Org, call: &Call, requests: &[Value], all_or_none: bool) -> Result<(Vec<Value>, bool), Refusal> {
    org.records.begin()?;
    let mut known: HashMap<String, Value> = HashMap::new();
    let mut results: Vec<(String, Answer)> = Vec::new();
    for request in requests {
        let answer = one(org, call, request, &known);
        let reference = text(request, "referenceId");
        if let Some(body) = answer.body.as_ref().filter(|_| answer.status < 400) {
            known.insert(reference.clone(), body.clone());
        }
        results.push((reference, answer));
    }
    let good = results.iter().all(|(_, answer)| answer.status < 400);
    if good || !all_or_none {
        org.records.commit()?;
    } else {
        org.records.roll_back()?;
        for (_, answer) in results.iter_mut().filter(|(_, answer)| answer.status < 400) {
            let message = "The transaction was rolled back since another operation in the same transaction failed.";
            *answer = Answer::refused(&[Refusal::call(400, "PROCESSING_HALTED", message)]);
        }
    }
    let told = |(reference, answer): (String, Answer)| {
        let headers: Map<String, Value> =
            answer.headers.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
        json!({
            "body": answer.body,
            "httpHeaders": headers,
            "httpStatusCode": answer.status,
            "referenceId": reference,
        })
    };
    Ok((results.into_iter().map(told).collect(), good))
}

/// Makes one of the calls.
fn one(org: &mut Org, call: &Call, request: &Value, known: &HashMap<String, Value>) -> Answer {
    let filled = request.get("body").map(|body| fill_in(body, known)).transpose();
    let target = fill_in(&json!(text(request, "url")), known);
    let (body, target) = match (filled, target) {
        (Ok(body), Ok(target)) => (body, target),
        (Err(refusal), _) | (_, Err(refusal)) => return Answer::refused(&[refusal]),
    };
    let mut sub = Call {
        method: text(request, "method").to_ascii_uppercase(),
        body,
        batch_size: call.batch_size,
        allow_duplicates: call.allow_duplicates,
        duplicate_details: call.duplicate_details,
        row_fault: call.row_fault.clone(),
        ..Call::default()
    };
    sub.set_target(target.as_str().unwrap_or_default());
    let header = |name: &str| request.get("httpHeaders").and_then(|headers| headers.get(name)).and_then(Value::as_str);
    sub.modified_since = header("If-Modified-Since").and_then(time::read_http_date);
    let answer = route::answer(org, &sub);
    // What this one took of the faults is gone for the next.
    call.row_fault.clone_from_left(&sub.row_fault);
    answer
}

/// `POST …/composite/batch`.
pub fn batch(org: &mut Org, call: &Call) -> Result<Answer, Refusal> {
    let body = call.json()?;
    let halt = body.get("haltOnError").and_then(Value::as_bool).unwrap_or(false);
    let requests = body
        .get("batchRequests")
        .and_then(Value::as_array)
        .filter(|requests| !requests.is_empty() && requests.len() <= MOST)
        .ok_or_else(|| {
            Refusal::call(400, "JSON_PARSER_ERROR", "The request must have a list batchRequests of 1 to 25")
        })?;
    let mut failed = false;
    let mut results = Vec::new();
    // Each counts, and the call that carries them does not.
    org.calls = org.calls.saturating_sub(1);
    for request in requests {
        let answer = if failed && halt {
            let message = "The request was not processed because an earlier one failed and haltOnError is set.";
            Answer::refused(&[Refusal::call(412, "BATCH_PROCESSING_HALTED", message)])
        } else {
            org.calls += 1;
            let mut sub = Call {
                method: text(request, "method").to_ascii_uppercase(),
                body: request.get("richInput").cloned(),
                ..Call::default()
            };
            let url = text(request, "url");
            let target = if url.starts_with("/services/") {
                url
            } else {
                format!("/services/data/{}", url.trim_start_matches('/'))
            };
            sub.set_target(&target);
            route::answer(org, &sub)
        };
        failed |= answer.status >= 400;
        results.push(json!({ "statusCode": answer.status, "result": answer.body }));
    }
    Ok(Answer::ok(json!({ "hasErrors": failed, "results": results })))
}

fn text(request: &Value, key: &str) -> String {
    request.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn is_heavy(request: &Value) -> bool {
    let url = text(request, "url");
    let path = url.split('?').next().unwrap_or_default();
    path.contains("/composite/sobjects") || path.contains("/query")
}

/// Puts earlier answers where `@{name.id}` stands.
fn fill_in(value: &Value, known: &HashMap<String, Value>) -> Result<Value, Refusal> {
    Ok(match value {
        Value::String(text) if text.contains("@{") => Value::String(fill_in_text(text, known)?),
        Value::Array(all) => Value::Array(all.iter().map(|value| fill_in(value, known)).collect::<Result<_, _>>()?),
        Value::Object(map) => {
            let fields = map.iter().map(|(key, value)| Ok((key.clone(), fill_in(value, known)?)));
            Value::Object(fields.collect::<Result<_, Refusal>>()?)
        }
        other => other.clone(),
    })
}

fn fill_in_text(text: &str, known: &HashMap<String, Value>) -> Result<String, Refusal> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("@{") {
        filled.push_str(before);
        let Some((name, tail)) = after.split_once('}') else {
            filled.push_str("@{");
            rest = after;
            continue;
        };
        let mut parts = name.split('.');
        let reference = parts.next().unwrap_or_default();
        // `query.records[0].Id`, and `[0].id` of a Collections answer.
        let (reference, first) = reference.split_once('[').map_or((reference, None), |(it, at)| (it, Some(at)));
        let mut found = known.get(reference);
        for part in first.into_iter().chain(parts) {
            let pointer = format!("/{}", part.replace('[', "/").replace(']', ""));
            found = found.and_then(|value| value.pointer(&pointer));
        }
        match found {
            Some(Value::String(text)) => filled.push_str(text),
            Some(value) => filled.push_str(&value.to_string()),
            None => {
                let message =
                    format!("Invalid reference specified. No value for {name} found in {reference}. Could not execute");
                return Err(Refusal::call(400, "PROCESSING_HALTED", message));
            }
        }
        rest = tail;
    }
    filled.push_str(rest);
    Ok(filled)
}

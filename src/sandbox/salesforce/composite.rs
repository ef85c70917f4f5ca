//! Several calls in one: Composite (which counts once) and Composite Batch (which counts each).

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::call::{Answer, Call};
use super::errors::Refusal;
use super::org::Org;
use super::route;

/// Subrequests in a call.
const MOST: usize = 25;
/// Of these, queries and Collections.
const MOST_HEAVY: usize = 5;

/// `POST …/composite`.
pub fn composite(org: &mut Org, call: &Call) -> Result<Answer, Refusal> {
    let body = call.json()?;
    let all_or_none = body.get("allOrNone").and_then(Value::as_bool).unwrap_or(false);
    let requests = body
        .get("compositeRequest")
        .and_then(Value::as_array)
        .ok_or_else(|| Refusal::call(400, "JSON_PARSER_ERROR", "The request must have a list compositeRequest"))?;
    if requests.is_empty() || requests.len() > MOST {
        let message = format!("Composite request limit exceeded: 1 to {MOST} subrequests are allowed");
        return Err(Refusal::call(400, "PROCESSING_HALTED", message));
    }
    let heavy = requests.iter().filter(|request| is_heavy(request)).count();
    if heavy > MOST_HEAVY {
        let message = format!(
            "Composite request limit exceeded: at most {MOST_HEAVY} queries and sObject Collections are allowed"
        );
        return Err(Refusal::call(400, "PROCESSING_HALTED", message));
    }
    org.records.begin()?;
    let mut known: HashMap<String, Value> = HashMap::new();
    let mut results: Vec<(String, Answer)> = Vec::new();
    for request in requests {
        let reference = text(request, "referenceId");
        let mut sub = Call {
            method: text(request, "method").to_ascii_uppercase(),
            body: request.get("body").map(|body| fill_in(body, &known)),
            batch_size: call.batch_size,
            allow_duplicates: call.allow_duplicates,
            row_fault: call.row_fault.clone(),
            ..Call::default()
        };
        sub.set_target(fill_in(&json!(text(request, "url")), &known).as_str().unwrap_or_default());
        let answer = route::answer(org, &sub);
        // What this one took of the faults is gone for the next.
        call.row_fault.clone_from_left(&sub.row_fault);
        if let Some(body) = &answer.body {
            known.insert(reference.clone(), body.clone());
        }
        results.push((reference, answer));
    }
    if all_or_none && results.iter().any(|(_, answer)| answer.status >= 400) {
        org.records.roll_back()?;
        for (_, answer) in results.iter_mut().filter(|(_, answer)| answer.status < 400) {
            let message = "The transaction was rolled back since another operation in the same transaction failed.";
            *answer = Answer::refused(&[Refusal::call(400, "PROCESSING_HALTED", message)]);
        }
    } else {
        org.records.commit()?;
    }
    let results: Vec<Value> = results
        .into_iter()
        .map(|(reference, answer)| {
            let headers: Map<String, Value> =
                answer.headers.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
            json!({
                "body": answer.body,
                "httpHeaders": headers,
                "httpStatusCode": answer.status,
                "referenceId": reference,
            })
        })
        .collect();
    Ok(Answer::ok(json!({ "compositeResponse": results })))
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
fn fill_in(value: &Value, known: &HashMap<String, Value>) -> Value {
    match value {
        Value::String(text) if text.contains("@{") => {
            let mut filled = String::new();
            let mut rest = text.as_str();
            while let Some((before, after)) = rest.split_once("@{") {
                filled.push_str(before);
                let Some((name, tail)) = after.split_once('}') else {
                    filled.push_str("@{");
                    rest = after;
                    continue;
                };
                let mut parts = name.split('.');
                let mut found = parts.next().and_then(|reference| known.get(reference));
                for part in parts {
                    let pointer = format!("/{}", part.replace('[', "/").replace(']', ""));
                    found = found.and_then(|value| value.pointer(&pointer));
                }
                match found {
                    Some(Value::String(text)) => filled.push_str(text),
                    Some(value) => filled.push_str(&value.to_string()),
                    None => filled.extend(["@{", name, "}"]),
                }
                rest = tail;
            }
            filled.push_str(rest);
            Value::String(filled)
        }
        Value::Array(all) => all.iter().map(|value| fill_in(value, known)).collect(),
        Value::Object(map) => {
            Value::Object(map.iter().map(|(key, value)| (key.clone(), fill_in(value, known))).collect())
        }
        other => other.clone(),
    }
}

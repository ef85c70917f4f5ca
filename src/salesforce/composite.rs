//! Several requests in one call (`POST …/composite`), which counts once against the daily limit.
//!
//! At most 25 requests, of which at most five may be queries or Collections; they are worked off one
//! after the other, so such a call takes as long as its parts together.

use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::client::Client;
use super::collections::{Request, headers, results};
use super::errors::{Effect, bad_answer, from_answer};
use crate::destination::{DestinationError, PartResult, Refusal, WriteKind, WriteOptions, WriteRow};

/// Queries or Collections in one call.
pub(crate) const PARTS: usize = 5;

/// The answer's entry for one request, in the order of the requests.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    #[serde(default)]
    body: Json,
    pub(super) http_status_code: u16,
    pub(super) reference_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    pub(super) composite_response: Vec<Entry>,
}

impl Entry {
    /// The body of a good answer, or what a bad one means.
    pub(super) fn outcome(&self, effect: Effect) -> Result<Vec<u8>, DestinationError> {
        let body = self.body.to_string().into_bytes();
        match StatusCode::from_u16(self.http_status_code) {
            Ok(status) if status.is_success() => Ok(body),
            Ok(status) => Err(from_answer(status, &body, effect, None).error),
            Err(_) => {
                Err(bad_answer(effect, format!("A part of the answer has the status {}.", self.http_status_code)))
            }
        }
    }
}

/// Whether a text would be read as a reference to another part's answer (`@{part0.id}`).
pub(crate) fn has_reference(text: &str) -> bool {
    text.contains("@{")
}

/// Whether a row may stand in such a call.
pub(crate) fn takes(row: &WriteRow) -> bool {
    !row.fields.values().any(|value| value.as_str().is_some_and(has_reference))
}

/// Writes each part as one Collections request, all in one call that is never repeated by itself.
pub(crate) async fn write(
    client: &Client,
    kind: WriteKind,
    object: &str,
    parts: &[Vec<WriteRow>],
    options: WriteOptions,
) -> Result<Vec<PartResult>, Refusal> {
    let requests: Vec<Request> =
        parts.iter().map(|rows| Request::new(client, kind, object, rows)).collect::<Result<_, _>>()?;
    let inner: Map<String, Json> =
        headers(options).into_iter().map(|(name, value)| (name.to_owned(), Json::from(value))).collect();
    let requests = requests.into_iter().map(|request| {
        let mut json = json!({"method": request.method.as_str(), "url": request.path, "httpHeaders": inner});
        if let Some(body) = request.body {
            json["body"] = body;
        }
        json
    });
    let body = whole(requests.collect());
    let answer = client.write(Method::POST, &client.data_path("/composite"), Some(&body), &headers(options)).await?;
    let entries = entries(&answer, parts.len(), Effect::Write)?;
    Ok(entries
        .iter()
        .zip(parts)
        .map(|(entry, rows)| entry.outcome(Effect::Write).and_then(|body| results(&body, rows.len())))
        .collect())
}

/// Reads several paths in one call; the bodies in the order of the paths.
pub(crate) async fn read(client: &Client, paths: &[String]) -> Result<Vec<Vec<u8>>, DestinationError> {
    let requests = paths.iter().map(|path| json!({"method": "GET", "url": path}));
    let body = whole(requests.collect());
    let answer = client.post_read(&client.data_path("/composite"), &body).await?;
    entries(&answer, paths.len(), Effect::Read)?.iter().map(|entry| entry.outcome(Effect::Read)).collect()
}

fn whole(mut requests: Vec<Json>) -> Json {
    for (at, request) in requests.iter_mut().enumerate() {
        request["referenceId"] = Json::from(format!("part{at}"));
    }
    json!({"allOrNone": false, "compositeRequest": requests})
}

/// One entry a request, in order; anything else says that the call's end is not known.
fn entries(answer: &[u8], sent: usize, effect: Effect) -> Result<Vec<Entry>, DestinationError> {
    let answer: Answer = serde_json::from_slice(answer)
        .map_err(|error| bad_answer(effect, format!("The answer to a Composite call cannot be read: {error}")))?;
    let entries = answer.composite_response;
    let in_order = entries.iter().enumerate().all(|(at, entry)| entry.reference_id == format!("part{at}"));
    if entries.len() != sent || !in_order {
        let message = format!("{sent} requests were sent in one call, but the answer does not hold each in its place.");
        return Err(bad_answer(effect, message));
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destination::ErrorKind;

    #[test]
    fn each_part_has_its_own_end() {
        let answer = json!({"compositeResponse": [
            {"body": [{"id": "003000000000001AAA", "success": true, "errors": []}], "httpHeaders": {}, "httpStatusCode": 200,
             "referenceId": "part0"},
            {"body": [{"errorCode": "SERVER_UNAVAILABLE", "message": "busy"}], "httpHeaders": {}, "httpStatusCode": 503,
             "referenceId": "part1"},
        ]});
        let entries = entries(answer.to_string().as_bytes(), 2, Effect::Write).unwrap();
        assert_eq!(results(&entries[0].outcome(Effect::Write).unwrap(), 1).unwrap().len(), 1);
        assert_eq!(entries[1].outcome(Effect::Write).unwrap_err().kind, ErrorKind::Transient);
    }

    #[test]
    fn an_answer_out_of_order_is_in_doubt() {
        let answer = json!({"compositeResponse": [
            {"body": [], "httpStatusCode": 200, "referenceId": "part1"},
            {"body": [], "httpStatusCode": 200, "referenceId": "part0"},
        ]});
        let Err(error) = entries(answer.to_string().as_bytes(), 2, Effect::Write) else { panic!() };
        assert_eq!(error.kind, ErrorKind::InDoubt);
    }
}

//! What a call is counted as, and which faults wait for it.

use serde_json::Value;

use super::call::Call;
use crate::sandbox::fault::Point;

/// A kind of call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// As in `GET /stats`: `salesforce.collections.create`.
    pub name: String,
    /// The faults that it meets.
    pub points: Vec<Point>,
    /// The calls inside a Composite call.
    pub inside: Vec<String>,
}

impl Endpoint {
    /// The kind of this call.
    pub fn of(call: &Call) -> Self {
        let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
        let (name, points) = plain(call, &segments);
        let mut endpoint = Self { name: format!("salesforce.{name}"), points, inside: Vec::new() };
        if matches!(segments.as_slice(), ["services", "data", _, ..]) {
            endpoint.points.push(Point::Api);
        }
        if matches!(segments.as_slice(), ["services", "data", _, "composite", ..]) {
            endpoint.take_in(call);
        }
        endpoint
    }

    /// A Composite call meets the faults of the calls inside it.
    fn take_in(&mut self, call: &Call) {
        let Some(body) = &call.body else { return };
        let list = |body: &Value, key: &str| body.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
        let mut requests = list(body, "compositeRequest");
        requests.extend(list(body, "batchRequests"));
        for graph in list(body, "graphs") {
            requests.extend(list(&graph, "compositeRequest"));
        }
        for request in requests {
            let text = |key: &str| request.get(key).and_then(Value::as_str).unwrap_or_default();
            let mut inner = Call { method: text("method").to_ascii_uppercase(), ..Call::default() };
            let url = text("url");
            if url.starts_with("/services/") {
                inner.set_target(url);
            } else {
                inner.set_target(&format!("/services/data/{}", url.trim_start_matches('/')));
            }
            let segments: Vec<&str> = inner.segments.iter().map(String::as_str).collect();
            let (name, points) = plain(&inner, &segments);
            self.inside.push(format!("salesforce.{name}"));
            for point in points {
                if !self.points.contains(&point) {
                    self.points.push(point);
                }
            }
        }
    }
}

fn plain(call: &Call, segments: &[&str]) -> (&'static str, Vec<Point>) {
    let method = call.method.as_str();
    match segments {
        ["services", "oauth2", "token"] => ("token", vec![Point::Token]),
        ["services", "Soap", "u", ..] => ("soap.login", vec![Point::Token]),
        ["services", "oauth2", "userinfo"] | ["id", ..] => ("userinfo", vec![]),
        ["services", "oauth2", ..] => ("oauth", vec![]),
        ["services", "data"] => ("versions", vec![]),
        ["services", "data", _] => ("resources", vec![]),
        ["services", "data", _, "limits", ..] => ("limits", vec![]),
        ["services", "data", _, "query" | "queryAll", ..] => ("query", vec![Point::Soql]),
        ["services", "data", _, "tooling", "query", ..] => ("tooling.query", vec![]),
        ["services", "data", _, "ui-api", ..] => ("ui-api", vec![]),
        ["services", "data", _, "sobjects", _, "describe"] => ("describe", vec![Point::Describe]),
        ["services", "data", _, "sobjects"] => ("sobjects", vec![]),
        ["services", "data", _, "sobjects", _, ..] => match (method, segments.len()) {
            ("POST", _) => ("row.create", vec![Point::Row]),
            ("PATCH", 6) => ("row.update", vec![Point::Row]),
            ("PATCH", _) => ("row.upsert", vec![Point::Row]),
            ("DELETE", _) => ("row.delete", vec![Point::Row]),
            (_, 5) => ("sobjects", vec![]),
            _ => ("row.get", vec![Point::Row]),
        },
        ["services", "data", _, "composite"] => ("composite", vec![Point::Composite]),
        ["services", "data", _, "composite", "batch"] => ("composite.batch", vec![Point::Composite]),
        ["services", "data", _, "composite", "graph"] => ("composite.graph", vec![Point::Composite]),
        ["services", "data", _, "composite", "sobjects"] => match method {
            "POST" => ("collections.create", vec![Point::Collections]),
            "PATCH" => ("collections.update", vec![Point::Collections]),
            _ => ("collections.delete", vec![Point::Collections]),
        },
        ["services", "data", _, "composite", "sobjects", _] => ("collections.retrieve", vec![]),
        ["services", "data", _, "composite", "sobjects", ..] => ("collections.upsert", vec![Point::Collections]),
        ["services", "data", _, "jobs", rest @ ..] => bulk(call, method, rest),
        _ => ("unknown", vec![]),
    }
}

fn bulk(call: &Call, method: &str, rest: &[&str]) -> (&'static str, Vec<Point>) {
    let (name, point) = match (rest, method) {
        (["ingest"], "POST") => ("bulk.create", Point::BulkCreate),
        (["ingest"], _) => ("bulk.list", Point::Bulk),
        (["ingest", _], "PATCH") => {
            let aborts = call.body.as_ref().is_some_and(|body| body.get("state") == Some(&Value::from("Aborted")));
            (if aborts { "bulk.abort" } else { "bulk.close" }, Point::BulkClose)
        }
        (["ingest", _], "DELETE") => ("bulk.delete", Point::Bulk),
        (["ingest", _], _) => ("bulk.status", Point::BulkStatus),
        (["ingest", _, "batches"], _) => ("bulk.upload", Point::BulkUpload),
        (["ingest", _, "successfulResults"], _) => ("bulk.successful", Point::BulkResults),
        (["ingest", _, "failedResults"], _) => ("bulk.failed", Point::BulkResults),
        (["ingest", _, ..], _) => ("bulk.unprocessed", Point::BulkResults),
        (["query"], "POST") => ("bulk.query.create", Point::BulkQuery),
        (["query"], _) => ("bulk.query.list", Point::BulkQuery),
        (["query", _], "PATCH") => ("bulk.query.abort", Point::BulkQuery),
        (["query", _], "DELETE") => ("bulk.query.delete", Point::BulkQuery),
        (["query", _], _) => ("bulk.query.status", Point::BulkQuery),
        (["query", ..], _) => return ("bulk.query.results", vec![Point::Bulk, Point::BulkQuery, Point::BulkResults]),
        _ => ("bulk.unknown", Point::Bulk),
    };
    (name, if point == Point::Bulk { vec![point] } else { vec![Point::Bulk, point] })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn endpoint(method: &str, target: &str, body: Option<Value>) -> Endpoint {
        let mut call = Call { method: method.to_owned(), body, ..Call::default() };
        call.set_target(target);
        Endpoint::of(&call)
    }

    #[test]
    fn calls_are_told_apart() {
        for (method, target, name) in [
            ("PATCH", "/services/data/v65.0/composite/sobjects/Contact/Email", "salesforce.collections.upsert"),
            ("PUT", "/services/data/v65.0/jobs/ingest/750/batches", "salesforce.bulk.upload"),
            ("GET", "/services/data/v65.0/jobs/ingest/750/unprocessedrecords", "salesforce.bulk.unprocessed"),
            ("GET", "/services/data/v65.0/jobs/query/750/results?maxRecords=2", "salesforce.bulk.query.results"),
            ("PATCH", "/services/data/v65.0/sobjects/Contact/003", "salesforce.row.update"),
            ("PATCH", "/services/data/v65.0/sobjects/Contact/Email/a@b.co", "salesforce.row.upsert"),
        ] {
            assert_eq!(endpoint(method, target, None).name, name);
        }
        let abort = endpoint("PATCH", "/services/data/v65.0/jobs/ingest/750", Some(json!({ "state": "Aborted" })));
        assert_eq!(abort.name, "salesforce.bulk.abort");
    }

    #[test]
    fn a_composite_call_meets_the_faults_of_what_is_inside() {
        let body = json!({ "compositeRequest": [
            { "method": "GET", "url": "/services/data/v65.0/query?q=SELECT+Id+FROM+Contact", "referenceId": "a" },
            { "method": "PATCH", "url": "/services/data/v65.0/composite/sobjects", "referenceId": "b" },
        ] });
        let endpoint = endpoint("POST", "/services/data/v65.0/composite", Some(body));
        assert_eq!(endpoint.inside, ["salesforce.query", "salesforce.collections.update"]);
        for point in [Point::Composite, Point::Soql, Point::Collections, Point::Api] {
            assert!(endpoint.points.contains(&point), "{point:?}");
        }
    }
}

//! Which address does what.

use super::call::{Answer, Call};
use super::errors::Refusal;
use super::org::{self, Org, VERSIONS};
use super::save::Refusals;
use super::{bulk, collections, composite, describe, query, record_types, rows, time};

/// Answers a call to `/services/data…` of somebody who is signed in.
pub fn answer(org: &mut Org, call: &Call) -> Answer {
    route(org, call).unwrap_or_else(|refusals| Answer::refused(&refusals))
}

fn one(refusal: Refusal) -> Refusals {
    vec![refusal]
}

fn route(org: &mut Org, call: &Call) -> Result<Answer, Refusals> {
    let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    let ["services", "data", rest @ ..] = segments.as_slice() else { return Err(one(Refusal::not_found())) };
    let [version, rest @ ..] = rest else { return Ok(Answer::ok(org::versions())) };
    let number = version.strip_prefix('v').and_then(|text| text.strip_suffix(".0")).and_then(|text| text.parse().ok());
    if !number.is_some_and(|number| VERSIONS.contains(&number)) {
        return Err(one(Refusal::not_found()));
    }
    let method = call.method.as_str();
    let only = |allowed: &str| -> Result<(), Refusals> {
        let fits = allowed.split(',').any(|it| it == method) || (method == "HEAD" && allowed.contains("GET"));
        if fits { Ok(()) } else { Err(one(Refusal::method(method, allowed))) }
    };
    match rest {
        [] => {
            only("HEAD,GET")?;
            Ok(Answer::ok(org::resources(version, &org.instance_url)))
        }
        ["limits"] => {
            only("HEAD,GET")?;
            Ok(Answer::ok(org.limits()))
        }
        ["limits", "recordCount"] => {
            only("HEAD,GET")?;
            org.record_count(call).map_err(one)
        }
        ["query" | "queryAll", rest @ ..] => {
            only("HEAD,GET")?;
            ask(org, call, version, rest, false).map_err(one)
        }
        ["sobjects"] => {
            only("HEAD,GET")?;
            Ok(fresh(org, call, |org| describe::global(&org.records, version)))
        }
        ["sobjects", name, rest @ ..] => {
            let object = org.records.schema.object(name).ok_or_else(|| one(Refusal::not_found()))?;
            match (rest, method) {
                ([], "GET" | "HEAD") => Ok(Answer::ok(describe::basic(&org.records, object, version))),
                ([], "POST") => rows::create(org, call, version, object),
                ([], _) => Err(one(Refusal::method(method, "HEAD,GET,POST"))),
                (["describe"], _) => {
                    only("HEAD,GET")?;
                    Ok(fresh(org, call, |org| describe::full(&org.records, object, version, &org.instance_url)))
                }
                ([id], "GET" | "HEAD") => rows::read(org, call, version, object, id),
                ([id], "PATCH") => rows::update(org, call, object, id),
                ([id], "DELETE") => rows::delete(org, object, id),
                ([_], _) => Err(one(Refusal::method(method, "HEAD,GET,PATCH,DELETE"))),
                ([key, value], _) => rows::by_key(org, call, version, object, key, value),
                _ => Err(one(Refusal::not_found())),
            }
        }
        ["composite"] => {
            only("POST")?;
            composite::composite(org, call).map_err(one)
        }
        ["composite", "batch"] => {
            only("POST")?;
            composite::batch(org, call).map_err(one)
        }
        ["composite", "sobjects"] => match method {
            "POST" => collections::create(org, call, version).map_err(one),
            "PATCH" => collections::update(org, call).map_err(one),
            "DELETE" => collections::delete(org, call).map_err(one),
            _ => Err(one(Refusal::method(method, "POST,PATCH,DELETE"))),
        },
        ["composite", "sobjects", object] => match method {
            "GET" | "POST" => collections::retrieve(org, call, version, object).map_err(one),
            _ => Err(one(Refusal::method(method, "GET,POST"))),
        },
        ["composite", "sobjects", object, key] => {
            only("PATCH")?;
            collections::upsert(org, call, version, object, key).map_err(one)
        }
        ["composite", "graph"] => {
            only("POST")?;
            composite::graph(org, call).map_err(one)
        }
        ["tooling", "query", rest @ ..] => {
            only("HEAD,GET")?;
            ask(org, call, version, rest, true).map_err(one)
        }
        ["ui-api", "object-info", name, "picklist-values", record_type, rest @ ..] => {
            only("GET")?;
            let object = org.records.schema.object(name).ok_or_else(|| one(Refusal::not_found()))?;
            let field = rest.first().copied();
            record_types::picklist_values(object, version, record_type, field).map(Answer::ok).map_err(one)
        }
        ["jobs", rest @ ..] => bulk::answer(org, call, version, rest).map_err(one),
        _ => Err(one(Refusal::not_found())),
    }
}

/// A describe, unless the client has it as it is.
fn fresh(org: &Org, call: &Call, body: impl FnOnce(&Org) -> serde_json::Value) -> Answer {
    // HTTP's dates have no fractions.
    let changed = org.described_at / 1_000;
    let answer = if call.modified_since.is_some_and(|known| known / 1_000 >= changed) {
        Answer::bare(304)
    } else {
        Answer::ok(body(org))
    };
    answer
        .with_header("ETag", format!("\"{changed:x}\""))
        .with_header("Last-Modified", time::format_http_date(changed * 1_000))
}

fn ask(org: &mut Org, call: &Call, version: &str, rest: &[&str], tooling: bool) -> Result<Answer, Refusal> {
    let whole = org.records.schema;
    let schema = whole.tooling.as_deref().filter(|_| tooling).unwrap_or(whole);
    let deleted = call.segments.iter().any(|segment| segment == "queryAll");
    let body = match rest {
        [] => {
            let text = call
                .parameter("q")
                .ok_or_else(|| Refusal::call(400, "MALFORMED_QUERY", "A query string has to be specified"))?;
            if call.parameter("columns") == Some("true") {
                return Ok(Answer::ok(query::columns(schema, text)?));
            }
            query::run(&org.records, schema, &mut org.cursors, version, text, deleted, call.batch_size)?
        }
        [locator] => query::more(&org.cursors, version, locator, call.batch_size)?,
        _ => return Err(Refusal::not_found()),
    };
    Ok(Answer::ok(body))
}

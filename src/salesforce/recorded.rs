//! Every recorded body of a real org, read by the code that reads it in a run: nothing of it is lost.

use serde_json::Value as Json;

use super::collections::results;
use super::composite::{Answer, Entry};
use super::describe;
use super::errors::{Effect, from_answer};
use super::stub::{fixture, fixtures};
use super::{Organization, limits, query};
use crate::destination::{ErrorKind, RowResult};

/// What a recorded call was of, so that none of a new kind is passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Query,
    Collections,
    Composite,
    Row,
    Describe,
    Objects,
    Counts,
    Refusal,
    SoapLogin,
    /// Bulk API 1.0, which is XML and not spoken here.
    OldBulk,
}

fn kind(exchange: &Json) -> Kind {
    let path = exchange["path"].as_str().unwrap();
    let path = path.split('?').next().unwrap().trim_end_matches('/');
    let status = exchange["status"].as_u64().unwrap();
    match path.splitn(5, '/').nth(4).unwrap_or_default() {
        _ if path.starts_with("/services/async/") => Kind::OldBulk,
        _ if path.starts_with("/services/Soap/u/") => Kind::SoapLogin,
        _ if status >= 400 => Kind::Refusal,
        "query" => Kind::Query,
        "limits/recordCount" => Kind::Counts,
        "composite" => Kind::Composite,
        "sobjects" => Kind::Objects,
        rest if rest.starts_with("composite/sobjects") => Kind::Collections,
        rest if rest.starts_with("sobjects/") && rest.ends_with("/describe") => Kind::Describe,
        rest if rest.starts_with("sobjects/") => Kind::Row,
        other => panic!("nobody reads {other}"),
    }
}

fn assert_rows(body: &Json) {
    let read = query::page(body.to_string().as_bytes()).unwrap();
    let rows: Vec<Json> = read.records.into_iter().map(Json::Object).collect();
    assert_eq!(&Json::from(rows), &body["records"]);
    assert_eq!(read.total_size.map(Json::from).as_ref(), Some(&body["totalSize"]));
    assert_eq!((read.done, read.next_records_url.is_some()), (body["done"] == true, body["done"] == false));
}

fn assert_results(body: &Json) {
    let told = body.as_array().unwrap();
    let read = results(body.to_string().as_bytes(), told.len()).unwrap();
    for (read, told) in read.iter().zip(told) {
        match read {
            RowResult::Ok(id) => assert_eq!((told["success"] == true, told["id"].as_str()), (true, Some(id.as_str()))),
            RowResult::Err(error) => {
                assert_eq!(told["success"], false);
                assert!(error.kind == ErrorKind::Data && error.hint.is_some(), "{error}");
                assert_eq!(told["errors"][0]["statusCode"], error.code.as_str());
                for one in told["errors"].as_array().unwrap() {
                    assert!(error.message.contains(one["message"].as_str().unwrap()), "{one} in {error}");
                    let fields = one["fields"].as_array().into_iter().flatten().filter_map(Json::as_str);
                    assert!(fields.into_iter().all(|field| error.fields.iter().any(|known| known == field)));
                }
            }
        }
    }
}

fn assert_parts(body: &Json) {
    let read: Answer = serde_json::from_value(body.clone()).unwrap();
    let told = body["compositeResponse"].as_array().unwrap();
    assert_eq!(read.composite_response.len(), told.len());
    for (entry, told) in read.composite_response.iter().zip(told) {
        let Entry { http_status_code, reference_id, .. } = entry;
        assert_eq!(
            (told["httpStatusCode"].as_u64(), told["referenceId"].as_str()),
            (Some(u64::from(*http_status_code)), Some(reference_id.as_str()))
        );
        match entry.outcome(Effect::Read) {
            Ok(body) => assert_eq!(serde_json::from_slice::<Json>(&body).unwrap(), told["body"]),
            // 304 answers a question that is only asked outside of such calls.
            Err(error) if told["body"].is_null() => assert_eq!(error.code, "HTTP_304"),
            Err(error) => {
                assert_eq!(told["body"][0]["errorCode"], error.code.as_str());
                assert_eq!(told["body"][0]["message"], error.message.as_str());
            }
        }
    }
}

fn assert_describe(body: &Json) {
    let read = describe::parse(body.to_string().as_bytes()).unwrap();
    let told = body["fields"].as_array().unwrap();
    assert_eq!((read.name.as_str(), read.fields.len()), (body["name"].as_str().unwrap(), told.len()));
    assert_eq!(read.record_types.len(), body["recordTypeInfos"].as_array().unwrap().len());
    for (field, told) in read.fields.iter().zip(told) {
        assert_eq!(told["name"], field.name.as_str());
        assert_eq!(told["label"], field.label.as_str());
        assert_eq!(told["length"], field.length);
        let flags = [
            ("createable", field.createable),
            ("updateable", field.updateable),
            ("nillable", field.nillable),
            ("filterable", field.filterable),
            ("idLookup", field.id_lookup),
            ("externalId", field.external_id),
            ("unique", field.unique),
        ];
        for (name, flag) in flags {
            assert_eq!(told[name], flag, "{}.{name}", field.name);
        }
        let active = told["picklistValues"].as_array().unwrap().iter().filter(|value| value["active"] == true);
        assert_eq!(active.count(), field.picklist.iter().filter(|value| value.active).count(), "{}", field.name);
        assert_eq!(told["referenceTo"].as_array().unwrap().len(), field.reference_to.len());
    }
}

fn assert_refusal(exchange: &Json) {
    let body = &exchange["response"];
    let text = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
    let status = u16::try_from(exchange["status"].as_u64().unwrap()).unwrap().try_into().unwrap();
    let error = from_answer(status, text.as_bytes(), Effect::Read, None).error;
    if body.is_array() {
        assert_eq!(
            (&body[0]["errorCode"], &body[0]["message"]),
            (&error.code.as_str().into(), &error.message.as_str().into())
        );
    }
    assert!(!error.message.is_empty() && error.hint.is_some(), "{error:?}");
}

#[test]
fn every_recorded_body_is_read_without_loss() {
    let mut seen = std::collections::BTreeMap::new();
    for file in fixtures() {
        for exchange in fixture(&file).unwrap() {
            let (kind, body) = (kind(&exchange), &exchange["response"]);
            *seen.entry(kind).or_insert(0) += 1;
            match kind {
                Kind::Query => assert_rows(body),
                Kind::Collections => assert_results(body),
                Kind::Composite => assert_parts(body),
                Kind::Describe => assert_describe(body),
                Kind::Refusal => assert_refusal(&exchange),
                Kind::Objects => {
                    let read = describe::parse_list(body.to_string().as_bytes()).unwrap();
                    let told = body["sobjects"].as_array().unwrap();
                    assert_eq!(read.len(), told.iter().filter(|one| one["deprecatedAndHidden"] != true).count());
                }
                Kind::Counts => {
                    let read = limits::counts(body.to_string().as_bytes()).unwrap();
                    assert_eq!(
                        read,
                        body["sObjects"]
                            .as_array()
                            .unwrap()
                            .iter()
                            .map(|one| one["count"].as_u64().unwrap())
                            .collect::<Vec<_>>()
                    );
                }
                Kind::Row if body["attributes"]["type"] == "Organization" => {
                    let read: Organization = serde_json::from_value(body.clone()).unwrap();
                    assert_eq!(
                        (body["Id"].as_str(), body["Name"].as_str()),
                        (Some(read.id.as_str()), read.name.as_deref())
                    );
                    assert_eq!(body["IsSandbox"], read.is_sandbox);
                }
                // One row is never created or read alone; in a Collections answer it looks the same.
                Kind::Row if body["success"].is_boolean() => assert_results(&Json::from(vec![body.clone()])),
                Kind::Row => assert!(body["attributes"]["type"].is_string(), "{body}"),
                // Signing in by SOAP is tested with these bodies where it is done (`auth`).
                Kind::SoapLogin | Kind::OldBulk => {}
            }
        }
    }
    println!("{seen:?}");
    if !seen.is_empty() {
        assert!(seen.len() == 10, "{seen:?}");
    }
}

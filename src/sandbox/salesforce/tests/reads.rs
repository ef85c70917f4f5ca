//! What clients and doctors read of an org, and the composite calls.

use serde_json::{Value, json};

use super::Bench;
use crate::sandbox::Options;

#[tokio::test]
async fn the_setup_can_be_read() {
    let bench = Bench::start().await;
    for (soql, rows) in [
        ("SELECT Id, Name, PermissionsApiEnabled FROM Profile", 1),
        ("SELECT Profile.Name, Username FROM User", 1),
        ("SELECT PermissionsApiEnabled FROM UserPermissionAccess", 1),
        ("SELECT Id, Name, IsOwnedByProfile FROM PermissionSet WHERE IsOwnedByProfile = true", 1),
        ("SELECT PermissionSet.Name, Assignee.Username FROM PermissionSetAssignment", 1),
        (
            "SELECT Field, PermissionsEdit FROM FieldPermissions WHERE Field = 'Contact.Email' AND Parent.IsOwnedByProfile = true",
            1,
        ),
        ("SELECT SobjectType, PermissionsCreate FROM ObjectPermissions WHERE SobjectType IN ('Contact')", 1),
        ("SELECT Id, DeveloperName FROM RecordType WHERE SobjectType = 'Contact' AND DeveloperName = 'Private'", 1),
        ("SELECT Id, DeveloperName, MasterLabel, IsActive, SobjectType FROM DuplicateRule", 1),
    ] {
        let (status, body) = bench.query(soql).await;
        assert_eq!((status, &body["totalSize"]), (200, &json!(rows)), "{soql}: {body}");
    }
    let (status, body) = bench.query("SELECT Id FROM ScratchOrgInfo LIMIT 1").await;
    assert_eq!((status, &body[0]["errorCode"]), (400, &json!("INVALID_TYPE")));
    let (status, counts) = bench.get("limits/recordCount?sObjects=Contact,Account").await;
    assert_eq!((status, &counts["sObjects"][0]["name"]), (200, &json!("Contact")));
    let (_, resources) = bench.get("/services/data/v58.0").await;
    assert!(resources["identity"].as_str().unwrap().contains("/id/00D"));
    for name in ["jobs", "tooling", "composite", "ui-api", "query", "limits"] {
        assert!(resources[name].as_str().unwrap().starts_with("/services/data/v58.0/"), "{name}");
    }
}

#[tokio::test]
async fn record_types_narrow_picklists() {
    let bench = Bench::start().await;
    let (_, describe) = bench.get("sobjects/Contact/describe").await;
    let infos = describe["recordTypeInfos"].as_array().unwrap();
    let names: Vec<&str> = infos.iter().map(|it| it["developerName"].as_str().unwrap()).collect();
    assert_eq!(names, ["Business", "Private", "Master"]);
    let private = infos[1]["recordTypeId"].as_str().unwrap();
    let (status, values) = bench.get(&format!("ui-api/object-info/Contact/picklist-values/{private}")).await;
    assert_eq!(status, 200);
    let tiers = &values["picklistFieldValues"]["Tier__c"]["values"];
    let tiers: Vec<&str> = tiers.as_array().unwrap().iter().map(|it| it["value"].as_str().unwrap()).collect();
    assert_eq!(tiers, ["Bronze", "Silver"]);
    let (status, one) = bench.get(&format!("ui-api/object-info/Contact/picklist-values/{private}/Tier__c")).await;
    assert_eq!((status, &one["values"]), (200, &values["picklistFieldValues"]["Tier__c"]["values"]));
    assert_eq!(bench.get("ui-api/object-info/Contact/picklist-values/012gL0000000099QAA").await.0, 404);
    let row = |tier: &str| json!({ "LastName": "A", "RecordTypeId": private, "Tier__c": tier });
    assert_eq!(bench.send("POST", "sobjects/Contact", Some(row("Silver"))).await.0, 201);
    let (_, told) = bench.send("POST", "sobjects/Contact", Some(row("Gold"))).await;
    assert_eq!(told[0]["errorCode"], "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST");
    assert_eq!(
        bench.query("SELECT RecordType.DeveloperName FROM Contact").await.1["records"][0]["RecordType"]["DeveloperName"],
        "Private"
    );
}

#[tokio::test]
async fn states_and_countries_follow_their_codes_where_the_org_has_them() {
    let options = Options { rows: 5, contacts: Some(0), state_country_picklists: true, ..Options::default() };
    let bench = Bench::with(options).await;
    let create = async |fields: Value| bench.send("POST", "sobjects/Contact", Some(fields)).await;
    let (status, made) = create(json!({ "LastName": "A", "MailingStateCode": "CA", "MailingCountryCode": "US" })).await;
    assert_eq!(status, 201, "{made}");
    let path = format!("sobjects/Contact/{}", made["id"].as_str().unwrap());
    let (_, record) = bench.get(&path).await;
    assert_eq!((&record["MailingState"], &record["MailingCountry"]), (&json!("California"), &json!("United States")));
    assert_eq!(record["MailingAddress"]["stateCode"], "CA");
    assert_eq!(bench.send("PATCH", &path, Some(json!({ "MailingState": "Texas" }))).await.0, 204);
    assert_eq!(bench.get(&path).await.1["MailingStateCode"], "TX");
    for (fields, code, words) in [
        (json!({ "MailingState": "California" }), "FIELD_INTEGRITY_EXCEPTION", "must be specified before"),
        (json!({ "MailingCountry": "Narnia" }), "FIELD_INTEGRITY_EXCEPTION", "problem with this country"),
        (
            json!({ "MailingCountry": "Germany", "MailingState": "Texas" }),
            "FIELD_INTEGRITY_EXCEPTION",
            "problem with this state",
        ),
        (json!({ "MailingCountryCode": "XX" }), "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "XX"),
    ] {
        let mut row = fields.clone();
        row["LastName"] = json!("B");
        let (status, told) = create(row).await;
        assert_eq!((status, &told[0]["errorCode"]), (400, &json!(code)), "{fields}");
        assert!(told[0]["message"].as_str().unwrap().contains(words), "{told}");
    }
    let (_, describe) = bench.get("sobjects/Contact/describe").await;
    let field =
        |name: &str| describe["fields"].as_array().unwrap().iter().find(|it| it["name"] == name).unwrap().clone();
    let state = field("MailingStateCode");
    assert_eq!((&state["dependentPicklist"], &state["controllerName"]), (&json!(true), &json!("MailingCountryCode")));
    assert_eq!(state["picklistValues"][0]["label"], "California");
    assert_eq!(state["picklistValues"][0]["validFor"], "gA==");
    let plain = Bench::start().await.get("sobjects/Contact/describe").await.1;
    assert!(!plain["fields"].as_array().unwrap().iter().any(|it| it["name"] == "MailingStateCode"));
}

#[tokio::test]
async fn a_describe_that_did_not_change_is_not_sent_again() {
    let bench = Bench::start().await;
    let answer = bench.request("GET", "sobjects/Contact/describe").send().await.unwrap();
    let changed = answer.headers()["last-modified"].clone();
    let again = async || {
        let request = bench.request("GET", "sobjects/Contact/describe").header("If-Modified-Since", changed.clone());
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(again().await, 304);
    bench.fault(json!({ "on": "field", "do": "read-only", "field": "Title" })).await;
    assert_eq!(again().await, 200);
}

#[tokio::test]
async fn five_collections_travel_in_one_call() {
    let bench = Bench::start().await;
    let part = |nth: usize| {
        let rows: Vec<Value> = (0..200)
            .map(|row| json!({ "attributes": { "type": "Contact" }, "LastName": "A", "External_Id__c": format!("E{nth}-{row}") }))
            .collect();
        json!({
            "method": "PATCH", "url": "/services/data/v65.0/composite/sobjects/Contact/External_Id__c",
            "referenceId": format!("part{nth}"), "body": { "allOrNone": false, "records": rows },
        })
    };
    let parts: Vec<Value> = (0..5).map(part).collect();
    let body = json!({ "allOrNone": false, "compositeRequest": parts });
    let (status, told) = bench.send("POST", "composite", Some(body)).await;
    assert_eq!((status, &told["compositeResponse"][4]["body"][199]["created"]), (200, &json!(true)));
    let (_, stats) = bench.control("GET", "/stats", "").await;
    assert_eq!((&stats["api_calls"], &stats["records"]["Contact"]), (&json!(1), &json!(1_000)));
    assert_eq!(stats["subrequests"], json!({ "salesforce.collections.upsert": 5 }));
    assert_eq!(stats["calls"], json!({ "salesforce.composite": 1 }));
}

#[tokio::test]
async fn graphs_are_transactions_and_batches_count_each() {
    let bench = Bench::start().await;
    let node = |reference: &str, fields: Value| json!({ "method": "POST", "url": "/services/data/v65.0/sobjects/Contact", "referenceId": reference, "body": fields });
    let body = json!({ "graphs": [
        { "graphId": "good", "compositeRequest": [node("a", json!({ "LastName": "A" })), node("b", json!({ "LastName": "B", "ReportsToId": "@{a.id}" }))] },
        { "graphId": "bad", "compositeRequest": [node("c", json!({ "LastName": "C" })), node("d", json!({}))] },
    ] });
    let (_, told) = bench.send("POST", "composite/graph", Some(body)).await;
    let good: Vec<bool> = told["graphs"].as_array().unwrap().iter().map(|it| it["isSuccessful"] == true).collect();
    assert_eq!(good, [true, false]);
    assert_eq!(bench.contacts().await, 2);
    let lost = json!({ "compositeRequest": [node("a", json!({})), node("b", json!({ "LastName": "B", "ReportsToId": "@{a.id}" }))] });
    let (_, told) = bench.send("POST", "composite", Some(lost)).await;
    assert_eq!(told["compositeResponse"][1]["body"][0]["errorCode"], "PROCESSING_HALTED");

    bench.control("POST", "/reset", "").await;
    let part = json!({ "method": "GET", "url": "v65.0/limits" });
    let (_, told) = bench.send("POST", "composite/batch", Some(json!({ "batchRequests": [part, part, part] }))).await;
    assert_eq!(told["hasErrors"], false);
    assert_eq!(bench.control("GET", "/stats", "").await.1["api_calls"], 3);
}

//! What `/fault` switches on and off in the org.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Bench, read};
use crate::sandbox::Options;

fn contact(fields: Value) -> Value {
    let mut record = fields;
    record["attributes"] = json!({ "type": "Contact" });
    record
}

impl Bench {
    /// The result of creating one contact.
    async fn try_create(&self, fields: Value) -> Value {
        let body = json!({ "records": [contact(fields)] });
        self.send("POST", "composite/sobjects", Some(body)).await.1[0].clone()
    }
}

#[tokio::test]
async fn the_day_has_so_many_calls() {
    let bench = Bench::start().await;
    bench.fault(json!({ "on": "limit", "remaining": 2 })).await;
    let (_, limits) = bench.get("limits").await;
    assert_eq!(limits["DailyApiRequests"], json!({ "Max": 15_000, "Remaining": 1 }));
    let answer = bench.request("GET", "limits").send().await.unwrap();
    assert_eq!(answer.headers()["sforce-limit-info"], "api-usage=15000/15000");
    let (status, told) = bench.get("limits").await;
    let words = json!([{ "message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED" }]);
    assert_eq!((status, told), (403, words));
    bench.fault(json!({ "on": "limit", "remaining": 100 })).await;
    assert_eq!(bench.get("limits").await.0, 200);
    let (_, stats) = bench.control("GET", "/stats", "").await;
    assert_eq!(stats["api_calls"], 3, "calls that were refused are not counted");
}

#[tokio::test]
async fn rights_are_taken_away_and_told() {
    let bench = Bench::start().await;
    bench.fault(json!({ "on": "field", "do": "read-only", "field": "Title" })).await;
    let told = bench.try_create(json!({ "LastName": "A", "Title": "VP" })).await;
    assert_eq!(told["errors"][0]["statusCode"], "INVALID_FIELD_FOR_INSERT_UPDATE");
    assert_eq!(told["errors"][0]["fields"], json!(["Title"]));
    let (_, describe) = bench.get("sobjects/Contact/describe").await;
    let field = |describe: &Value| {
        describe["fields"].as_array().unwrap().iter().find(|it| it["name"] == "Title").unwrap()["updateable"].clone()
    };
    assert_eq!(field(&describe), false);
    let soql = "SELECT PermissionsEdit FROM FieldPermissions WHERE Field = 'Contact.Title' AND SobjectType = 'Contact'";
    assert_eq!(bench.query(soql).await.1["records"][0]["PermissionsEdit"], false);
    bench.fault(json!({ "on": "field", "do": "off", "field": "Title" })).await;
    assert_eq!(field(&bench.get("sobjects/Contact/describe").await.1), true);

    bench.fault(json!({ "on": "object", "do": "no-create" })).await;
    let told = bench.try_create(json!({ "LastName": "A" })).await;
    assert_eq!(told["errors"][0]["statusCode"], "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY");
    assert_eq!(told["errors"][0]["message"], "entity type cannot be inserted: Contact");
    assert_eq!(bench.get("sobjects/Contact/describe").await.1["createable"], false);
}

#[tokio::test]
async fn rules_are_switched() {
    let bench = Bench::start().await;
    let soql = "SELECT Id, ValidationName, Active, ErrorMessage, ErrorDisplayField FROM ValidationRule \
                WHERE EntityDefinition.QualifiedApiName = 'Contact' AND Active = true";
    let rules = async || {
        let request = bench.request("GET", "tooling/query").query(&[("q", soql)]);
        read(request.send().await.unwrap()).await.1["totalSize"].clone()
    };
    assert_eq!(rules().await, 1);
    bench.fault(json!({ "on": "validation-rule", "do": "on" })).await;
    assert_eq!(rules().await, 2);
    let told = bench.try_create(json!({ "LastName": "A" })).await;
    assert_eq!(told["errors"][0]["message"], "A contact needs a phone number.");
    bench.fault(json!({ "on": "validation-rule", "do": "off" })).await;

    let chen = || json!({ "LastName": "Chen", "Email": "chen@example.com" });
    assert_eq!(bench.try_create(chen()).await["success"], true);
    let again = async |header: &str| {
        let body = json!({ "records": [contact(chen())] });
        let request = bench.request("POST", "composite/sobjects").json(&body);
        read(request.header("Sforce-Duplicate-Rule-Header", header).send().await.unwrap()).await.1[0].clone()
    };
    let duplicate = |told: &Value| told["errors"][0]["duplicateResult"].clone();
    let told = duplicate(&again("allowSave=false; includeRecordDetails=true").await);
    assert_eq!(told["allowSave"], true);
    assert_eq!(told["matchResults"][0]["matchRecords"][0]["record"]["Email"], "chen@example.com");
    bench.fault(json!({ "on": "duplicate-rule", "do": "block" })).await;
    let told = duplicate(&again("allowSave=true").await);
    assert_eq!((&told["allowSave"], &told["duplicateRule"]), (&json!(false), &json!("Contact_Same_Name_And_Email")));
    assert!(told["matchResults"][0]["matchRecords"][0]["record"].get("Email").is_none());
    bench.fault(json!({ "on": "duplicate-rule", "do": "off" })).await;
    assert_eq!(again("allowSave=false").await["success"], true);
    let rule = "SELECT Id, DeveloperName, MasterLabel, IsActive, SobjectType FROM DuplicateRule";
    assert_eq!(bench.query(rule).await.1["records"][0]["IsActive"], false);
}

#[tokio::test]
async fn concurrent_calls_lock_accounts_from_each_other() {
    let bench =
        Bench::with(Options { rows: 5, contacts: Some(0), latency: Duration::from_millis(80), ..Options::default() })
            .await;
    let accounts = bench.ids("SELECT Id FROM Account LIMIT 2").await;
    let ids = bench
        .create(json!([
            { "LastName": "A", "AccountId": accounts[0] }, { "LastName": "B", "AccountId": accounts[0] },
            { "LastName": "C", "AccountId": accounts[1] },
        ]))
        .await;
    let update = |places: &[usize]| {
        let rows: Vec<Value> = places.iter().map(|&at| contact(json!({ "id": ids[at], "Title": "VP" }))).collect();
        json!({ "records": rows })
    };
    let both = async || {
        let first = bench.send("PATCH", "composite/sobjects", Some(update(&[0])));
        let second = bench.send("PATCH", "composite/sobjects", Some(update(&[1, 2])));
        let (first, second) = tokio::join!(first, second);
        let mut codes = Vec::new();
        for row in [&first.1[0], &second.1[0], &second.1[1]] {
            codes.push(row["errors"][0]["statusCode"].as_str().map(str::to_owned));
        }
        codes
    };
    assert_eq!(both().await, [None, None, None]);
    bench.fault(json!({ "on": "locks", "do": "on" })).await;
    let codes = both().await;
    // Which of the two came first is open; that one of them goes without is not.
    let locked = codes.iter().filter(|code| code.as_deref() == Some("UNABLE_TO_LOCK_ROW")).count();
    assert_eq!(locked, 1, "{codes:?}");
    assert_eq!(codes[2], None);
    let (_, told) = bench.send("PATCH", "composite/sobjects", Some(update(&[0, 1, 2]))).await;
    assert!(told.as_array().unwrap().iter().all(|row| row["success"] == true), "one call does not lock itself out");
}

#[tokio::test]
async fn calls_in_flight_wait_side_by_side() {
    let bench =
        Bench::with(Options { rows: 5, contacts: Some(0), latency: Duration::from_millis(300), ..Options::default() })
            .await;
    let begun = Instant::now();
    let call = |name: &'static str| bench.send("POST", "sobjects/Contact", Some(json!({ "LastName": name })));
    let (a, b, c, d) = tokio::join!(call("A"), call("B"), call("C"), call("D"));
    assert!([a, b, c, d].iter().all(|(status, _)| *status == 201));
    assert!(begun.elapsed() < Duration::from_millis(900), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn row_errors_hit_every_tenth_and_statuses_say_when_to_come_back() {
    let bench = Bench::start().await;
    bench.fault(json!({ "on": "collections", "do": "row-error", "every": 10 })).await;
    let rows: Vec<Value> = (0..40).map(|row| contact(json!({ "LastName": format!("A{row}") }))).collect();
    let (_, told) = bench.send("POST", "composite/sobjects", Some(json!({ "records": rows }))).await;
    let failed: Vec<usize> = (0..40).filter(|&at| told[at]["success"] == false).collect();
    assert_eq!(failed, [9, 19, 29, 39]);
    bench
        .fault(
            json!({ "on": "api", "do": "status", "status": 429, "error": "REQUEST_LIMIT_EXCEEDED", "retry_after": 3 }),
        )
        .await;
    let answer = bench.request("GET", "sobjects").send().await.unwrap();
    assert_eq!((answer.status().as_u16(), &answer.headers()["retry-after"]), (429, &"3".parse().unwrap()));
}

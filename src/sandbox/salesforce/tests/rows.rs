//! One record a call.

use serde_json::{Value, json};

use super::Bench;

#[tokio::test]
async fn a_record_lives_and_dies() {
    let bench = Bench::start().await;
    let (status, made) = bench.send("POST", "sobjects/Contact/", Some(json!({ "LastName": "Chen" }))).await;
    assert_eq!(status, 201);
    let id = made["id"].as_str().unwrap().to_owned();
    assert_eq!(made, json!({ "id": id, "success": true, "errors": [] }));
    assert!(id.starts_with("003") && id.len() == 18);

    let path = format!("sobjects/Contact/{id}");
    assert_eq!(bench.send("PATCH", &path, Some(json!({ "Title": "VP" }))).await, (204, json!("")));
    let (status, read) = bench.get(&format!("sobjects/Contact/{}?fields=Title,LastName", &id[..15])).await;
    assert_eq!(status, 200);
    let url = format!("/services/data/v65.0/sobjects/Contact/{id}");
    assert_eq!(read, json!({ "attributes": { "type": "Contact", "url": url }, "Title": "VP", "LastName": "Chen" }));

    let (status, told) = bench.send("PATCH", &path, Some(json!({ "Foo": 1 }))).await;
    assert_eq!((status, &told[0]["errorCode"]), (400, &json!("INVALID_FIELD")));
    assert_eq!(bench.send("DELETE", &path, None).await, (204, json!("")));
    assert_eq!(bench.get(&path).await.0, 404);
    let (status, told) = bench.send("PATCH", &path, Some(json!({ "Title": "x" }))).await;
    assert_eq!((status, &told[0]["errorCode"]), (404, &json!("ENTITY_IS_DELETED")));
    assert_eq!(bench.send("DELETE", &path, None).await.0, 404);
}

#[tokio::test]
async fn an_upsert_by_external_id_creates_then_updates() {
    let bench = Bench::start().await;
    let path = "sobjects/Contact/External_Id__c/A%2F1";
    let (status, made) = bench.send("PATCH", path, Some(json!({ "LastName": "Chen" }))).await;
    assert_eq!((status, &made["created"]), (201, &json!(true)));
    let (status, again) = bench.send("PATCH", path, Some(json!({ "Title": "VP" }))).await;
    assert_eq!((status, &again["created"], &again["id"]), (200, &json!(false), &made["id"]));
    let (_, read) = bench.get(path).await;
    assert_eq!((&read["External_Id__c"], &read["Title"]), (&json!("A/1"), &json!("VP")));
    let (status, told) = bench.send("PATCH", path, Some(json!({ "External_Id__c": "B" }))).await;
    assert_eq!((status, &told[0]["errorCode"]), (400, &json!("INVALID_FIELD")));

    bench
        .create(json!([{ "LastName": "A", "Email": "t@example.com" }, { "LastName": "B", "Email": "t@example.com" }]))
        .await;
    let (status, several) =
        bench.send("PATCH", "sobjects/Contact/Email/t@example.com", Some(json!({ "Title": "x" }))).await;
    assert_eq!((status, several.as_array().unwrap().len()), (300, 2));
}

#[tokio::test]
async fn a_body_that_is_not_json_is_refused() {
    let bench = Bench::start().await;
    for body in ["{\"LastName\": ", "[1,", ""] {
        let request = bench.request("POST", "sobjects/Contact").body(body);
        let (status, told) = super::read(request.send().await.unwrap()).await;
        assert_eq!((status, &told[0]["errorCode"]), (400, &json!("JSON_PARSER_ERROR")), "{body}");
    }
    let (status, told) = bench.send("POST", "composite/sobjects", Some(json!({ "records": 1 }))).await;
    assert_eq!((status, &told[0]["errorCode"]), (400, &json!("JSON_PARSER_ERROR")));
    let (status, _) = bench.send("POST", "composite/sobjects", Some(json!({ "records": [{ "LastName": "A" }] }))).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn gzip_goes_both_ways() {
    use std::io::Write as _;
    let bench = Bench::start().await;
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(br#"{"LastName":"Chen"}"#).unwrap();
    let request = bench.request("POST", "sobjects/Contact").header("Content-Encoding", "gzip");
    let (status, _) = super::read(request.body(packer.finish().unwrap()).send().await.unwrap()).await;
    assert_eq!(status, 201);
    // By hand, because the client's own unpacking hides the header.
    let client = reqwest::Client::builder().no_gzip().build().unwrap();
    let request = client.get(bench.url("/services/data/v65.0/sobjects/Contact/describe"));
    let request = request.bearer_auth(&bench.sandbox.ready.salesforce.access_token).header("Accept-Encoding", "gzip");
    let answer = request.send().await.unwrap();
    assert_eq!(answer.headers()["content-encoding"], "gzip");
    let described: Value =
        serde_json::from_reader(flate2::read::GzDecoder::new(&*answer.bytes().await.unwrap())).unwrap();
    assert_eq!(described["name"], "Contact");
}

#[tokio::test]
async fn counts_by_object_are_told() {
    let bench = Bench::start().await;
    bench.create(json!([{ "LastName": "A" }])).await;
    let (_, told) = bench.get("limits/recordCount?sObjects=Contact").await;
    assert_eq!(told, json!({ "sObjects": [{ "count": 1, "name": "Contact" }] }));
    let (_, stats) = bench.control("GET", "/stats", "").await;
    assert_eq!(stats["records"]["Contact"], 1);
    assert_eq!(stats["calls"]["salesforce.collections.create"], 1);
    assert!(matches!(&stats["calls"], Value::Object(_)));
}

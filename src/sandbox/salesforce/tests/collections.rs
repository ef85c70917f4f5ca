//! Collections and Composite.

use serde_json::{Value, json};

use super::Bench;

fn contacts(records: Value) -> Value {
    let mut records = records;
    for record in records.as_array_mut().unwrap() {
        record["attributes"] = json!({ "type": "Contact" });
    }
    json!({ "allOrNone": false, "records": records })
}

#[tokio::test]
async fn each_row_error_has_its_code_and_words() {
    let bench = Bench::start().await;
    let long = "x".repeat(81);
    let cases = [
        (json!({}), "REQUIRED_FIELD_MISSING", "Required fields are missing: [LastName]", vec!["LastName"]),
        (
            json!({ "LastName": "  " }),
            "REQUIRED_FIELD_MISSING",
            "Required fields are missing: [LastName]",
            vec!["LastName"],
        ),
        (
            json!({ "LastName": "A", "Email": "a b@c.de" }),
            "INVALID_EMAIL_ADDRESS",
            "Email: invalid email address: a b@c.de",
            vec!["Email"],
        ),
        (
            json!({ "LastName": long }),
            "STRING_TOO_LONG",
            &*format!("Last Name: data value too large: {long} (max length=80)"),
            vec!["LastName"],
        ),
        (
            json!({ "LastName": "A", "Tier__c": "Tin" }),
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            "Tier: bad value for restricted picklist field: Tin",
            vec!["Tier__c"],
        ),
        (
            json!({ "LastName": "A", "Foo__c": 1 }),
            "INVALID_FIELD",
            "No such column 'Foo__c' on sobject of type Contact",
            vec![],
        ),
        (
            json!({ "LastName": "A", "CreatedDate": "2024-01-31T10:00:00Z", "Name": "B" }),
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            "Unable to create/update fields: CreatedDate, Name. Please check the security settings of this field and \
             verify that it is read/write for your profile or permission set.",
            vec!["CreatedDate", "Name"],
        ),
        (
            json!({ "LastName": "A", "Tier__c": "Platinum" }),
            "FIELD_CUSTOM_VALIDATION_EXCEPTION",
            "A platinum contact needs a phone number.",
            vec!["Phone"],
        ),
        (
            json!({ "LastName": "A", "AccountId": "abc" }),
            "MALFORMED_ID",
            "Account ID: id value of incorrect type: abc",
            vec!["AccountId"],
        ),
        (
            json!({ "LastName": "A", "AccountId": "001gL0000000077QAA" }),
            "INVALID_CROSS_REFERENCE_KEY",
            "invalid cross reference id",
            vec![],
        ),
        (
            json!({ "LastName": "A", "Lifetime_Value__c": 1e17 }),
            "NUMBER_OUTSIDE_VALID_RANGE",
            "Lifetime Value: value outside of valid range on numeric field: 1e+17",
            vec!["Lifetime_Value__c"],
        ),
        (
            json!({ "LastName": "A", "Birthdate": "9999-12-31" }),
            "FIELD_INTEGRITY_EXCEPTION",
            "Birthdate: invalid date: 9999-12-31",
            vec!["Birthdate"],
        ),
        (
            json!({ "LastName": "A", "VIP__c": null }),
            "INVALID_TYPE_ON_FIELD_IN_RECORD",
            "VIP: value not of required type: ",
            vec!["VIP__c"],
        ),
    ];
    for (record, code, message, fields) in cases {
        let (status, body) = bench.send("POST", "composite/sobjects", Some(contacts(json!([record])))).await;
        assert_eq!(status, 200);
        let expected =
            json!([{ "success": false, "errors": [{ "statusCode": code, "message": message, "fields": fields }] }]);
        assert_eq!(body, expected, "{record}");
    }
    for (field, value, words) in [
        ("Birthdate", json!("31.01.2024"), "instance of date from VALUE_STRING value 31.01.2024"),
        (
            "Last_Order_At__c",
            json!("2024-01-31 10:00"),
            "instance of datetime from VALUE_STRING value 2024-01-31 10:00",
        ),
        ("Customer_Number__c", json!("many"), "instance of double from VALUE_STRING value many"),
        ("VIP__c", json!("perhaps"), "instance of boolean from VALUE_STRING value perhaps"),
        ("Title", json!(7), "instance of string from VALUE_NUMBER_INT value 7"),
    ] {
        let record = json!({ "LastName": "A", field: value });
        let (_, body) = bench.send("POST", "composite/sobjects", Some(contacts(json!([record])))).await;
        let error = &body[0]["errors"][0];
        assert_eq!(error["statusCode"], "JSON_PARSER_ERROR", "{field}");
        assert!(error["message"].as_str().unwrap().contains(words), "{error}");
    }
    assert_eq!(bench.contacts().await, 0);
}

#[tokio::test]
async fn rows_are_answered_by_position_and_all_or_none_undoes_them() {
    let bench = Bench::start().await;
    let mut body = contacts(json!([{ "LastName": "A" }, { "LastName": null }, { "LastName": "C" }]));
    let (_, mixed) = bench.send("POST", "composite/sobjects", Some(body.clone())).await;
    let told: Vec<bool> = mixed.as_array().unwrap().iter().map(|it| it["success"] == true).collect();
    assert_eq!(told, [true, false, true]);
    assert_eq!(bench.contacts().await, 2);

    body["allOrNone"] = json!(true);
    let (_, none) = bench.send("POST", "composite/sobjects", Some(body)).await;
    let codes: Vec<&str> =
        none.as_array().unwrap().iter().map(|it| it["errors"][0]["statusCode"].as_str().unwrap()).collect();
    assert_eq!(
        codes,
        ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "REQUIRED_FIELD_MISSING", "ALL_OR_NONE_OPERATION_ROLLED_BACK"]
    );
    assert_eq!(bench.contacts().await, 2);
}

#[tokio::test]
async fn two_hundred_rows_fit_and_no_more() {
    let bench = Bench::start().await;
    let rows = |count: usize| contacts(Value::Array(vec![json!({ "LastName": "A" }); count]));
    let (status, body) = bench.send("POST", "composite/sobjects", Some(rows(200))).await;
    assert_eq!((status, body.as_array().unwrap().len()), (200, 200));
    let (status, body) = bench.send("POST", "composite/sobjects", Some(rows(201))).await;
    assert_eq!((status, &body[0]["errorCode"]), (400, &json!("EXCEEDED_ID_LIMIT")));
    assert_eq!(body[0]["message"], "record limit reached. cannot submit more than 200 records in this call");
    assert_eq!(bench.contacts().await, 200);
}

#[tokio::test]
async fn upserts_by_email_by_external_id_and_by_id() {
    let bench = Bench::start().await;
    let ids = bench
        .create(json!([
            { "LastName": "One", "Email": "One@Example.com", "External_Id__c": "E1" },
            { "LastName": "Twin", "FirstName": "A", "Email": "twin@example.com" },
            { "LastName": "Twin's", "FirstName": "B", "Email": "TWIN@example.com" },
        ]))
        .await;
    let body = contacts(json!([
        { "Email": "one@example.com ", "LastName": "Uno" },
        { "Email": "twin@example.com", "LastName": "X" },
        { "Email": "new@example.com", "LastName": "New" },
        { "Email": null, "LastName": "Nobody" },
    ]));
    let (_, told) = bench.send("PATCH", "composite/sobjects/Contact/Email", Some(body)).await;
    assert_eq!(told[0], json!({ "id": ids[0], "success": true, "errors": [], "created": false }));
    assert_eq!(told[1]["errors"][0]["statusCode"], "DUPLICATE_EXTERNAL_ID");
    assert_eq!(told[2]["created"], json!(true));
    assert_eq!(told[3]["errors"][0]["statusCode"], "MISSING_ARGUMENT");

    let body =
        contacts(json!([{ "External_Id__c": "e1", "Title": "VP" }, { "External_Id__c": "E2", "LastName": "Two" }]));
    let (_, told) = bench.send("PATCH", "composite/sobjects/Contact/External_Id__c", Some(body)).await;
    assert_eq!((&told[0]["id"], &told[0]["created"]), (&json!(ids[0]), &json!(false)));
    assert_eq!(told[1]["created"], json!(true));
    let (_, told) = bench.send("PATCH", "composite/sobjects/Contact/Title", Some(contacts(json!([])))).await;
    assert_eq!(told[0]["errorCode"], "INVALID_FIELD");

    let (_, told) = bench
        .send("POST", "composite/sobjects", Some(contacts(json!([{ "LastName": "Z", "External_Id__c": "E1" }]))))
        .await;
    assert_eq!(
        told[0]["errors"][0]["message"],
        format!("duplicate value found: External_Id__c duplicates value on record with id: {}", ids[0])
    );
    assert_eq!(told[0]["errors"][0]["statusCode"], "DUPLICATE_VALUE");
}

#[tokio::test]
async fn text_is_trimmed_blank_is_null_and_the_name_is_made() {
    let bench = Bench::start().await;
    let ids = bench
        .create(json!([{ "FirstName": " Dana ", "LastName": "O'Brien ", "Title": "", "Phone": "  ", "Lifetime_Value__c": 12.345 }]))
        .await;
    let (_, record) = bench.get(&format!("sobjects/Contact/{}", ids[0])).await;
    assert_eq!(record["Name"], "Dana O'Brien");
    assert_eq!((&record["Title"], &record["Phone"]), (&Value::Null, &Value::Null));
    assert_eq!(record["Lifetime_Value__c"], json!(12.35));
    assert_eq!(record["VIP__c"], json!(false));
    let stamp = record["SystemModstamp"].as_str().unwrap();
    assert!(stamp.len() == 28 && stamp.ends_with("+0000") && stamp.as_bytes()[19] == b'.', "{stamp}");

    bench.send("PATCH", &format!("sobjects/Contact/{}", ids[0]), Some(json!({ "FirstName": null }))).await;
    let (_, after) = bench.get(&format!("sobjects/Contact/{}?fields=Name,SystemModstamp,CreatedDate", ids[0])).await;
    assert_eq!(after["Name"], "O'Brien");
    assert!(after["SystemModstamp"].as_str().unwrap() > stamp);
    assert_eq!(after["CreatedDate"], record["CreatedDate"]);
}

#[tokio::test]
async fn the_duplicate_rule_blocks_and_can_be_overruled() {
    let bench = Bench::start().await;
    let same = json!([{ "LastName": "Chen", "Email": "chen@example.com" }]);
    let ids = bench.create(same.clone()).await;
    let (_, told) = bench.send("POST", "composite/sobjects", Some(contacts(same.clone()))).await;
    let error = &told[0]["errors"][0];
    assert_eq!(error["statusCode"], "DUPLICATES_DETECTED");
    assert_eq!(error["duplicateResult"]["matchResults"][0]["matchRecords"][0]["record"]["Id"], json!(ids[0]));
    let (status, told) = bench.send("POST", "sobjects/Contact", Some(same[0].clone())).await;
    assert_eq!((status, &told[0]["errorCode"]), (400, &json!("DUPLICATES_DETECTED")));
    // Another last name at the same address is somebody else.
    bench.create(json!([{ "LastName": "Li", "Email": "chen@example.com" }])).await;
    let request = bench.request("POST", "composite/sobjects").json(&contacts(same));
    let request = request.header("Sforce-Duplicate-Rule-Header", "allowSave=true; includeRecordDetails=true");
    let (_, told) = super::read(request.send().await.unwrap()).await;
    assert_eq!(told[0]["success"], json!(true));
}

#[tokio::test]
async fn deleting_and_retrieving() {
    let bench = Bench::start().await;
    let ids = bench.create(json!([{ "LastName": "A" }, { "LastName": "B" }])).await;
    let path = format!("composite/sobjects?ids={},003gL0000000099QAA,abc&allOrNone=false", ids[0]);
    let (_, told) = bench.send("DELETE", &path, None).await;
    assert_eq!(told[0], json!({ "id": ids[0], "success": true, "errors": [] }));
    assert_eq!(told[1]["errors"][0]["statusCode"], "INVALID_CROSS_REFERENCE_KEY");
    assert_eq!(told[2]["errors"][0]["statusCode"], "MALFORMED_ID");
    let body = contacts(json!([{ "id": ids[0], "LastName": "C" }]));
    let (_, told) = bench.send("PATCH", "composite/sobjects", Some(body)).await;
    assert_eq!(told[0]["errors"][0]["statusCode"], "ENTITY_IS_DELETED");

    let body = json!({ "ids": [ids[1], ids[0]], "fields": ["LastName", "Email"] });
    let (_, told) = bench.send("POST", "composite/sobjects/Contact", Some(body)).await;
    assert_eq!((&told[0]["LastName"], &told[1]), (&json!("B"), &Value::Null));
    assert_eq!(bench.ids("SELECT Id FROM Contact").await, [ids[1].as_str()]);
    let (_, all) = super::read(
        bench.request("GET", "queryAll").query(&[("q", "SELECT Id, IsDeleted FROM Contact")]).send().await.unwrap(),
    )
    .await;
    assert_eq!(all["totalSize"], 2);
}

#[tokio::test]
async fn a_composite_call_counts_once_and_passes_ids_on() {
    let bench = Bench::start().await;
    let body = json!({ "allOrNone": false, "compositeRequest": [
        { "method": "POST", "url": "/services/data/v65.0/sobjects/Account", "referenceId": "acme", "body": { "Name": "Acme" } },
        { "method": "POST", "url": "/services/data/v65.0/sobjects/Contact", "referenceId": "dana", "body": { "LastName": "Chen", "AccountId": "@{acme.id}" } },
        { "method": "GET", "url": "/services/data/v65.0/query?q=SELECT Account.Name FROM Contact", "referenceId": "all" },
    ] });
    let (_, before) = bench.control("GET", "/stats", "").await;
    let (_, told) = bench.send("POST", "composite", Some(body)).await;
    let (_, after) = bench.control("GET", "/stats", "").await;
    assert_eq!(told["compositeResponse"][2]["body"]["records"][0]["Account"]["Name"], "Acme", "{told}");
    assert_eq!(told["compositeResponse"][0]["httpStatusCode"], 201);
    assert_eq!(after["api_calls"].as_u64().unwrap() - before["api_calls"].as_u64().unwrap(), 1);
    assert_eq!(after["calls"]["salesforce.composite"], 1);
    let heavy =
        json!({ "method": "GET", "url": "/services/data/v65.0/query?q=SELECT Id FROM Contact", "referenceId": "q" });
    let (status, _) = bench.send("POST", "composite", Some(json!({ "compositeRequest": vec![heavy; 6] }))).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn a_parent_is_named_by_its_external_id() {
    let bench = Bench::start().await;
    let account = json!([{ "attributes": { "type": "Account" }, "Name": "Acme", "External_Id__c": "A1" }]);
    bench.create(account).await;
    bench.create(json!([{ "LastName": "Chen", "Account": { "External_Id__c": "A1" } }])).await;
    assert_eq!(bench.ids("SELECT Id FROM Contact WHERE Account.Name = 'acme'").await.len(), 1);
    let lost = contacts(json!([{ "LastName": "Li", "Account": { "External_Id__c": "A9" } }]));
    let (_, told) = bench.send("POST", "composite/sobjects", Some(lost)).await;
    assert_eq!(
        told[0]["errors"][0]["message"],
        "Foreign key external ID: a9 not found for field External_Id__c in entity Account"
    );
}

//! SOQL.

use serde_json::{Value, json};

use super::Bench;

async fn filled() -> (Bench, Vec<String>) {
    let bench = Bench::start().await;
    let accounts =
        bench.create(json!([{ "attributes": { "type": "Account" }, "Name": "Acme", "AnnualRevenue": 350_000 }])).await;
    let ids = bench
        .create(json!([
            { "LastName": "O'Brien", "FirstName": "Dana", "Email": "Dana@Example.com", "Title": "VP", "Customer_Number__c": 1,
              "AccountId": accounts[0], "Customer_Since__c": "2020-02-29", "Last_Order_At__c": "2024-01-31T10:00:00+02:00" },
            { "LastName": "Back\\slash", "Title": "100%_sure", "Customer_Number__c": 2, "Lifetime_Value__c": 10.5 },
            { "LastName": "Zoë", "Email": "zoe@example.com", "VIP__c": true, "Customer_Number__c": 3, "Lifetime_Value__c": 4 },
            { "LastName": "zz", "Title": "vp" },
        ]))
        .await;
    (bench, ids)
}

#[tokio::test]
async fn conditions_find_what_they_should() {
    let (bench, ids) = filled().await;
    let cases: &[(&str, &[usize])] = &[
        (r"LastName = 'O\'Brien'", &[0]),
        (r"LastName = 'o\'brien  '", &[0]),
        (r"LastName = 'Back\\slash'", &[1]),
        ("LastName = 'ZOË'", &[2]),
        ("Email = 'DANA@EXAMPLE.COM'", &[0]),
        ("Email IN ('dana@example.com', 'ZOE@example.com ')", &[0, 2]),
        ("Email NOT IN ('dana@example.com')", &[1, 2, 3]),
        ("Email = null", &[1, 3]),
        ("Email = ''", &[1, 3]),
        ("Email != null", &[0, 2]),
        ("Title != 'vp'", &[1, 2]),
        ("Title LIKE 'v%'", &[0, 3]),
        (r"Title LIKE '100\%\_s___'", &[1]),
        ("(NOT Title LIKE 'v%')", &[1, 2]),
        ("NOT (Title = 'vp' OR VIP__c = true)", &[1]),
        ("VIP__c = false AND Customer_Number__c >= 2", &[1]),
        ("Customer_Number__c < 3 AND (Title = 'VP' OR Lifetime_Value__c > 10.4)", &[0, 1]),
        ("Customer_Since__c = 2020-02-29", &[0]),
        ("Last_Order_At__c = 2024-01-31T08:00:00Z", &[0]),
        ("Last_Order_At__c < 2024-01-31T10:00:01+02:00", &[0]),
        ("CreatedDate = TODAY", &[0, 1, 2, 3]),
        ("CreatedDate < YESTERDAY", &[]),
        ("CreatedDate > LAST_N_DAYS:3", &[]),
        ("CreatedDate >= LAST_N_DAYS:3", &[0, 1, 2, 3]),
        ("Account.Name = 'ACME'", &[0]),
        ("Account.Name = null", &[1, 2, 3]),
        ("Account.AnnualRevenue > 1 AND Owner.Username LIKE '%example'", &[0]),
        ("Contact.LastName LIKE 'z%'", &[2, 3]),
    ];
    for (condition, expected) in cases {
        let found = bench.ids(&format!("SELECT Id FROM Contact WHERE {condition}")).await;
        let expected: Vec<&str> = expected.iter().map(|&at| ids[at].as_str()).collect();
        assert_eq!(found, expected, "{condition}");
    }
    let found = bench.ids(&format!("SELECT Id FROM Contact WHERE Id IN ('{}')", &ids[1][..15])).await;
    assert_eq!(found, [ids[1].as_str()]);
}

#[tokio::test]
async fn order_limit_and_parents() {
    let (bench, ids) = filled().await;
    let order = async |tail: &str| -> Vec<usize> {
        let found = bench.ids(&format!("SELECT Id FROM Contact {tail}")).await;
        found.iter().map(|id| ids.iter().position(|it| it == id).unwrap()).collect()
    };
    assert_eq!(order("ORDER BY LastName").await, [1, 0, 2, 3]);
    assert_eq!(order("ORDER BY Customer_Number__c DESC NULLS LAST, Id").await, [2, 1, 0, 3]);
    assert_eq!(order("ORDER BY Customer_Number__c").await, [3, 0, 1, 2]);
    assert_eq!(order("ORDER BY LastName DESC LIMIT 2 OFFSET 1").await, [2, 0]);

    let (_, body) = bench
        .query("select id, account.name, Account.Owner.Name, MailingAddress from Contact order by id limit 2")
        .await;
    let record = &body["records"][0];
    let keys: Vec<&String> = record.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["attributes", "Id", "Account", "MailingAddress"]);
    assert_eq!(record["Account"]["Name"], "Acme");
    assert_eq!(record["Account"]["attributes"]["type"], "Account");
    assert_eq!(record["Account"]["Owner"]["Name"], "Demo User");
    assert_eq!(body["records"][1]["Account"], Value::Null);
}

#[tokio::test]
async fn counts_and_groups() {
    let (bench, _) = filled().await;
    let (_, body) = bench.query("SELECT COUNT() FROM Contact WHERE Title = 'VP'").await;
    assert_eq!(body, json!({ "totalSize": 2, "done": true, "records": [] }));
    let (_, body) = bench
        .query("SELECT Title, COUNT(Id), SUM(Customer_Number__c) total FROM Contact GROUP BY Title HAVING COUNT(Id) > 1 ORDER BY COUNT(Id) DESC")
        .await;
    let group = json!({ "attributes": { "type": "AggregateResult" }, "Title": "VP", "expr0": 2, "total": 1.0 });
    assert_eq!(body, json!({ "totalSize": 1, "done": true, "records": [group] }));
    let (_, body) = bench
        .query("SELECT MIN(LastName), MAX(Lifetime_Value__c) best, AVG(Lifetime_Value__c), COUNT_DISTINCT(Title) FROM Contact")
        .await;
    assert_eq!(
        body["records"][0],
        json!({ "attributes": { "type": "AggregateResult" }, "expr0": "Back\\slash", "best": 10.5, "expr1": 7.25, "expr2": 2 })
    );
    let (_, body) = bench
        .query("SELECT Account.Name, COUNT(Id) n FROM Contact GROUP BY Account.Name ORDER BY COUNT(Id) LIMIT 1")
        .await;
    assert_eq!((&body["records"][0]["Name"], &body["records"][0]["n"]), (&json!("Acme"), &json!(1)));
}

#[tokio::test]
async fn bad_queries_are_told_with_their_place() {
    let (bench, _) = filled().await;
    let cases = [
        (
            "SELECT Foo FROM Contact",
            "INVALID_FIELD",
            "ERROR at Row:1:Column:8\nNo such column 'Foo' on entity 'Contact'.",
        ),
        (
            "SELECT Id FROM Contact WHERE Foo__c = 1",
            "INVALID_FIELD",
            "ERROR at Row:1:Column:30\nNo such column 'Foo__c'",
        ),
        (
            "SELECT Id FROM Contact WHERE Boss.Name = 'x'",
            "INVALID_FIELD",
            "Didn't understand relationship 'Boss' in field path.",
        ),
        (
            "SELECT Id FROM Contact WHERE Customer_Number__c = '1'",
            "INVALID_FIELD",
            "value of filter criterion for field 'Customer_Number__c' must be of type double and should not be enclosed in quotes",
        ),
        (
            "SELECT Id FROM Contact WHERE CreatedDate > '2024-01-01T00:00:00Z'",
            "INVALID_FIELD",
            "value of filter criterion for field 'CreatedDate' must be of type dateTime and should not be enclosed in quotes",
        ),
        (
            "SELECT Id FROM Contact WHERE LastName = 5",
            "INVALID_FIELD",
            "value of filter criterion for field 'LastName' must be of type string and should be enclosed in quotes",
        ),
        (
            "SELECT Id FROM Contact WHERE Description = 'x'",
            "INVALID_FIELD",
            "field 'Description' can not be filtered in a query call",
        ),
        ("SELECT Id FROM Contact WHERE Id = 'abc'", "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field: abc"),
        (
            r"SELECT Id FROM Contact WHERE Name = 'a\q'",
            "MALFORMED_QUERY",
            "Illegal character sequence '\\q' in string literal.",
        ),
        ("SELECT Title, COUNT(Id) FROM Contact", "MALFORMED_QUERY", "Field must be grouped or aggregated: Title"),
        ("SELECT Id FROM Contact ORDER", "MALFORMED_QUERY", "unexpected token: '<EOF>'"),
        (
            "SELECT Id FROM Contact LIMIT 1 OFFSET 3000",
            "NUMBER_OUTSIDE_VALID_RANGE",
            "Maximum SOQL offset allowed is 2000",
        ),
        ("", "MALFORMED_QUERY", "SOQL statement cannot be empty."),
    ];
    for (soql, code, words) in cases {
        let (status, body) = bench.query(soql).await;
        assert_eq!((status, &body[0]["errorCode"]), (400, &json!(code)), "{soql}: {body}");
        assert!(body[0]["message"].as_str().unwrap().contains(words), "{soql}: {body}");
    }
    let long = format!("SELECT Id FROM Contact WHERE Name = '{}'", "x".repeat(100_000));
    let body = json!({ "compositeRequest": [{ "method": "GET", "url": format!("/services/data/v65.0/query?q={long}"), "referenceId": "q" }] });
    let (_, told) = bench.send("POST", "composite", Some(body)).await;
    assert_eq!(told["compositeResponse"][0]["httpStatusCode"], 400);
}

#[tokio::test]
async fn long_answers_come_in_pages() {
    let bench = Bench::start().await;
    for _ in 0..3 {
        let rows: Vec<Value> = (0..200).map(|at| json!({ "LastName": format!("n{at}") })).collect();
        bench.create(Value::Array(rows)).await;
    }
    let request = bench.request("GET", "query").query(&[("q", "SELECT Id FROM Contact")]);
    let (_, mut page) =
        super::read(request.header("Sforce-Query-Options", "batchSize=250").send().await.unwrap()).await;
    let mut sizes = Vec::new();
    loop {
        assert_eq!(page["totalSize"], 600);
        sizes.push(page["records"].as_array().unwrap().len());
        let Some(next) = page["nextRecordsUrl"].as_str() else { break };
        assert_eq!(page["done"], json!(false));
        assert!(next.starts_with("/services/data/v65.0/query/01g"), "{next}");
        let request = bench.request("GET", next).header("Sforce-Query-Options", "batchSize=250");
        page = super::read(request.send().await.unwrap()).await.1;
    }
    assert_eq!(sizes, [250, 250, 100]);
    assert_eq!(page["done"], json!(true));
    let (status, told) = bench.get("query/01g000000000000AAA-2000").await;
    assert_eq!((status, &told[0]["errorCode"]), (400, &json!("INVALID_QUERY_LOCATOR")));
}

#[tokio::test]
async fn columns_are_described_for_the_command_line_client() {
    let bench = Bench::start().await;
    let soql = [("q", "SELECT Id, VIP__c, Account.Name FROM Contact"), ("columns", "true")];
    let (_, told) = super::read(bench.request("GET", "query").query(&soql).send().await.unwrap()).await;
    assert_eq!(
        (&told["entityName"], &told["idSelected"], &told["keyPrefix"]),
        (&json!("Contact"), &json!(true), &json!("003"))
    );
    let columns = &told["columnMetadata"];
    assert_eq!((&columns[1]["columnName"], &columns[1]["booleanType"]), (&json!("VIP__c"), &json!(true)));
    assert_eq!(
        (&columns[2]["columnName"], &columns[2]["joinColumns"][0]["columnName"]),
        (&json!("Account"), &json!("Name"))
    );
}

#[tokio::test]
async fn any_text_survives_the_way_in_and_back() {
    let bench = Bench::start().await;
    let texts = ["O'Brien", r"a\b", r"\'", r"\\'", "100%", "_", "q\"q", "ü é 日本", "a\nb", "semi;colon --", "{}&+#?"];
    let rows: Vec<Value> = texts.iter().map(|text| json!({ "LastName": text })).collect();
    let ids = bench.create(Value::Array(rows)).await;
    for (text, id) in texts.iter().zip(&ids) {
        let escaped = text.replace('\\', r"\\").replace('\'', r"\'");
        let (_, found) =
            bench.query(&format!("SELECT Id, LastName FROM Contact WHERE LastName IN ('{escaped}')")).await;
        assert_eq!((&found["totalSize"], &found["records"][0]["Id"]), (&json!(1), &json!(id)), "{text}");
        assert_eq!(found["records"][0]["LastName"], *text);
    }
}

#[tokio::test]
async fn records_that_refer_to_one_come_with_it() {
    let bench = Bench::start().await;
    let accounts = bench.ids("SELECT Id FROM Account ORDER BY Name LIMIT 2").await;
    bench
        .create(json!([{ "LastName": "A", "AccountId": accounts[0] }, { "LastName": "B", "AccountId": accounts[0] }]))
        .await;
    let soql = "SELECT Name, (SELECT LastName, Account.Name FROM Contacts WHERE LastName != 'B' ORDER BY LastName) \
                FROM Account ORDER BY Name LIMIT 2";
    let (status, body) = bench.query(soql).await;
    assert_eq!(status, 200, "{body}");
    let contacts = &body["records"][0]["Contacts"];
    assert_eq!((&contacts["totalSize"], &contacts["done"]), (&json!(1), &json!(true)));
    assert_eq!(contacts["records"][0]["LastName"], "A");
    assert_eq!(body["records"][1]["Contacts"], serde_json::Value::Null);
    for (soql, code) in [
        ("SELECT Name, (SELECT Id FROM Nobody) FROM Account", "INVALID_TYPE"),
        ("SELECT Name, (SELECT COUNT() FROM Contacts) FROM Account", "MALFORMED_QUERY"),
        ("SELECT Name, (SELECT Id FROM Contacts FROM Account", "MALFORMED_QUERY"),
    ] {
        let (status, body) = bench.query(soql).await;
        assert_eq!((status, &body[0]["errorCode"]), (400, &json!(code)), "{soql}");
    }
}

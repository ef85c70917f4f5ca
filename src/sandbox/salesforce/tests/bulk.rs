//! Bulk API 2.0.

use std::time::Duration;

use serde_json::{Value, json};

use super::Bench;

impl Bench {
    async fn job(&self, settings: Value) -> Value {
        let (status, job) = self.send("POST", "jobs/ingest", Some(settings)).await;
        assert_eq!((status, &job["state"]), (200, &json!("Open")), "{job}");
        job
    }

    async fn upload(&self, job: &Value, csv: &str) -> (u16, Value) {
        let path = format!("/{}", job["contentUrl"].as_str().unwrap());
        let request = self.request("PUT", &path).header("Content-Type", "text/csv");
        super::read(request.body(csv.to_owned()).send().await.unwrap()).await
    }

    async fn close(&self, job: &Value) -> (u16, Value) {
        let path = format!("jobs/ingest/{}", job["id"].as_str().unwrap());
        self.send("PATCH", &path, Some(json!({ "state": "UploadComplete" }))).await
    }

    /// The job once nothing happens to it any more.
    async fn settled(&self, kind: &str, job: &Value) -> Value {
        let path = format!("jobs/{kind}/{}", job["id"].as_str().unwrap());
        let settled = async {
            loop {
                let (status, told) = self.get(&path).await;
                assert_eq!(status, 200, "{told}");
                if ["JobComplete", "Failed", "Aborted"].contains(&told["state"].as_str().unwrap()) {
                    return told;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(60), settled).await.unwrap()
    }

    async fn ingest(&self, settings: Value, csv: &str) -> Value {
        let job = self.job(settings).await;
        assert_eq!(self.upload(&job, csv).await.0, 201);
        assert_eq!(self.close(&job).await.0, 200);
        self.settled("ingest", &job).await
    }

    /// Lines of a result, sorted, without the header; and the header.
    async fn results(&self, job: &Value, which: &str) -> (String, Vec<String>) {
        let path = format!("jobs/ingest/{}/{which}", job["id"].as_str().unwrap());
        let (status, text) = self.get(&path).await;
        assert_eq!(status, 200, "{text}");
        let mut lines = text.as_str().unwrap().lines().map(str::to_owned);
        let header = lines.next().unwrap();
        let mut lines: Vec<String> = lines.collect();
        lines.sort();
        (header, lines)
    }
}

fn insert() -> Value {
    json!({ "object": "Contact", "operation": "insert", "lineEnding": "LF", "columnDelimiter": "COMMA", "contentType": "CSV" })
}

fn numbered(rows: usize) -> String {
    use std::fmt::Write as _;
    let mut csv = "LastName,External_Id__c\n".to_owned();
    (0..rows).for_each(|row| writeln!(csv, "Chen {row},E{row}").unwrap());
    csv
}

#[tokio::test]
async fn rows_end_as_successes_and_failures() {
    let bench = Bench::start().await;
    let csv =
        "LastName,Email,VIP__c,Description\nChen,chen@example.com,1,\"two\nlines\"\n,x@example.com,,\nLi,badone,no,\n";
    let job = bench.ingest(insert(), csv).await;
    for (key, value) in [
        ("state", json!("JobComplete")),
        ("numberRecordsProcessed", json!(3)),
        ("numberRecordsFailed", json!(2)),
        ("jobType", json!("V2Ingest")),
        ("apiVersion", json!(65.0)),
        ("concurrencyMode", json!("Parallel")),
        ("retries", json!(0)),
        ("apexProcessingTime", json!(0)),
    ] {
        assert_eq!(job[key], value, "{key}");
    }
    let (status, told) = bench.get(&format!("jobs/ingest/{}/successfulResults", job["id"].as_str().unwrap())).await;
    assert_eq!(status, 200);
    let told = told.as_str().unwrap();
    assert!(told.starts_with("\"sf__Id\",\"sf__Created\",\"LastName\",\"Email\",\"VIP__c\",\"Description\"\n\"003"));
    assert!(told.ends_with("\",\"true\",\"Chen\",\"chen@example.com\",\"1\",\"two\nlines\"\n"), "{told}");
    let (header, failed) = bench.results(&job, "failedResults").await;
    assert_eq!(header, "\"sf__Id\",\"sf__Error\",\"LastName\",\"Email\",\"VIP__c\",\"Description\"");
    assert_eq!(
        failed,
        [
            "\"\",\"INVALID_EMAIL_ADDRESS:Email: invalid email address: badone:Email --\",\"Li\",\"badone\",\"no\",\"\"",
            "\"\",\"REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --\",\"\",\"x@example.com\",\"\",\"\"",
        ]
    );
    assert_eq!(bench.results(&job, "unprocessedrecords").await.1, Vec::<String>::new());
    let (_, found) = bench.query("SELECT LastName, VIP__c, Description FROM Contact").await;
    let record = &found["records"][0];
    assert_eq!((&record["VIP__c"], &record["Description"]), (&json!(true), &json!("two\nlines")));
}

#[tokio::test]
async fn upsert_finds_by_external_id_and_parents_by_theirs() {
    let bench = Bench::start().await;
    bench.create(json!([{ "attributes": { "type": "Account" }, "Name": "Acme", "External_Id__c": "A-1" }])).await;
    let ids = bench.create(json!([{ "LastName": "One", "External_Id__c": "E1", "Title": "CFO", "Phone": "1" }])).await;
    let settings = json!({ "object": "Contact", "operation": "upsert", "externalIdFieldName": "External_Id__c", "columnDelimiter": "SEMICOLON", "lineEnding": "CRLF" });
    let csv = "External_Id__c;LastName;Title;Phone;Account.External_Id__c\r\n\
               E1;Uno;#N/A;;A-1\r\nE2;Two;;;\r\nE3;Three;;;A-9\r\n;Nobody;;;\r\ne2;Again;;;\r\n";
    let job = bench.ingest(settings, csv).await;
    assert_eq!((&job["numberRecordsProcessed"], &job["numberRecordsFailed"]), (&json!(5), &json!(3)));
    assert_eq!(job["externalIdFieldName"], "External_Id__c");
    let (_, done) = bench.results(&job, "successfulResults").await;
    assert!(done.iter().any(|line| line.starts_with(&format!("\"{}\";\"false\";\"E1\"", ids[0]))), "{done:?}");
    let (_, failed) = bench.results(&job, "failedResults").await;
    let failed = failed.join("\n");
    for words in [
        "INVALID_FIELD:Foreign key external ID: a-9 not found for field External_Id__c in entity Account:--",
        "MISSING_ARGUMENT:External_Id__c not specified:External_Id__c --",
        "DUPLICATE_VALUE:Duplicate external id specified: e2:--",
    ] {
        assert!(failed.contains(words), "{failed}");
    }
    let (_, found) =
        bench.query("SELECT LastName, Title, Phone, Account.Name FROM Contact WHERE External_Id__c = 'E1'").await;
    let record = &found["records"][0];
    assert_eq!((&record["LastName"], &record["Title"], &record["Phone"]), (&json!("Uno"), &Value::Null, &json!("1")));
    assert_eq!(record["Account"]["Name"], "Acme");
}

#[tokio::test]
async fn update_delete_and_hard_delete_go_by_id() {
    let bench = Bench::start().await;
    let ids = bench.create(json!([{ "LastName": "A" }, { "LastName": "B" }, { "LastName": "C" }])).await;
    let settings = |operation: &str| json!({ "object": "Contact", "operation": operation });
    let job = bench.ingest(settings("update"), &format!("Id,Title\n{},VP\n{},\nabc,X\n", ids[0], ids[0])).await;
    assert_eq!(job["numberRecordsFailed"], 2, "{:?}", bench.results(&job, "failedResults").await);
    let job = bench.ingest(settings("delete"), &format!("Id\n{}\n", ids[1])).await;
    assert_eq!((&job["state"], &job["numberRecordsFailed"]), (&json!("JobComplete"), &json!(0)));
    let job = bench.ingest(settings("hardDelete"), &format!("Id\n{}\n", ids[2])).await;
    assert_eq!(job["numberRecordsFailed"], 0);
    assert_eq!(bench.ids("SELECT Id FROM Contact WHERE Title = 'VP'").await, [ids[0].as_str()]);
    let all = bench.request("GET", "queryAll").query(&[("q", "SELECT Id FROM Contact")]);
    assert_eq!(super::read(all.send().await.unwrap()).await.1["totalSize"], 2);
    let job = bench.ingest(settings("delete"), &format!("Id,Title\n{},x\n", ids[0])).await;
    assert_eq!(job["errorMessage"], "InvalidBatch : Field name not found : Title");
}

#[tokio::test]
async fn jobs_that_cannot_be_are_refused() {
    let bench = Bench::start().await;
    for (settings, code) in [
        (json!({ "object": "Nothing", "operation": "insert" }), "INVALIDENTITY"),
        (json!({ "object": "User", "operation": "insert" }), "INVALIDENTITY"),
        (json!({ "object": "Contact", "operation": "merge" }), "JSON_PARSER_ERROR"),
        (json!({ "object": "Contact", "operation": "upsert" }), "INVALIDJOB"),
        (json!({ "object": "Contact", "operation": "upsert", "externalIdFieldName": "Email" }), "INVALIDJOB"),
        (json!({ "object": "Contact", "operation": "insert", "contentType": "XML" }), "INVALIDJOB"),
        (json!({ "object": "Contact", "operation": "insert", "lineEnding": "CR" }), "JSON_PARSER_ERROR"),
        (json!({ "object": "Contact", "operation": "insert", "speed": 9 }), "JSON_PARSER_ERROR"),
    ] {
        let (status, told) = bench.send("POST", "jobs/ingest", Some(settings.clone())).await;
        assert_eq!((status, &told[0]["errorCode"]), (400, &json!(code)), "{settings}");
    }
    let unknown = json!([{ "message": "The requested resource does not exist", "errorCode": "NOT_FOUND" }]);
    assert_eq!(bench.get("jobs/ingest/750gL0000000099QAA").await, (404, unknown));
}

#[tokio::test]
async fn a_job_goes_through_its_states_in_order() {
    let bench = Bench::start().await;
    let job = bench.job(insert()).await;
    let path = format!("jobs/ingest/{}", job["id"].as_str().unwrap());
    let state = |told: &Value| told[0]["errorCode"].clone();
    assert_eq!(state(&bench.close(&job).await.1), "INVALIDJOBSTATE");
    assert_eq!(state(&bench.send("DELETE", &path, None).await.1), "INVALIDJOBSTATE");
    assert_eq!(state(&bench.get(&format!("{path}/successfulResults")).await.1), "INVALIDJOBSTATE");
    assert_eq!(bench.upload(&job, &numbered(3)).await.0, 201);
    let (status, told) = bench.upload(&job, &numbered(3)).await;
    assert_eq!((status, &told[0]["errorCode"]), (400, &json!("INVALIDBATCH")));
    bench.fault(json!({ "on": "bulk", "do": "job-delay", "delay_ms": 60_000 })).await;
    let (status, told) = bench.close(&job).await;
    assert_eq!((status, &told["state"]), (200, &json!("UploadComplete")));
    tokio::time::timeout(Duration::from_secs(20), async { while bench.get(&path).await.1["state"] != "InProgress" {} })
        .await
        .unwrap();
    assert_eq!(bench.upload(&job, &numbered(3)).await.0, 400);
    let (status, told) = bench.send("PATCH", &path, Some(json!({ "state": "Aborted" }))).await;
    assert_eq!((status, &told["state"]), (200, &json!("Aborted")));
    assert_eq!(bench.get("jobs/ingest").await.1["records"][0]["state"], "Aborted");
    assert_eq!(bench.send("DELETE", &path, None).await.0, 204);
    assert_eq!(bench.get(&path).await.0, 404);
    assert_eq!(bench.contacts().await, 0);
    let job = bench.ingest(insert(), &numbered(3)).await;
    let path = format!("jobs/ingest/{}", job["id"].as_str().unwrap());
    let (status, told) = bench.send("PATCH", &path, Some(json!({ "state": "Aborted" }))).await;
    assert_eq!((status, &told[0]["message"]), (400, &json!("Aborting already Completed Job not allowed")));
}

#[tokio::test]
async fn an_upload_that_cannot_be_read_fails_the_job() {
    let bench = Bench::start().await;
    for (csv, error) in [
        ("LastName,Foo__c\nA,1\n", "InvalidBatch : Field name not found : Foo__c"),
        ("LastName,Account.Foo\nA,1\n", ""),
        (
            "LastName\r\nA\r\n",
            "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is LF",
        ),
    ] {
        let job = bench.ingest(insert(), csv).await;
        if error.is_empty() {
            assert_eq!(job["numberRecordsFailed"], 1, "{job}");
        } else {
            assert_eq!((&job["state"], &job["errorMessage"]), (&json!("Failed"), &json!(error)));
        }
    }
}

#[tokio::test]
async fn faults_end_jobs_as_asked() {
    let bench = Bench::start().await;
    for (fault, state, done, failed, unprocessed) in [
        (json!({ "on": "bulk", "do": "job-failed", "rows": 2 }), "Failed", 2, 0, 8),
        (json!({ "on": "bulk", "do": "job-aborted" }), "Aborted", 0, 0, 10),
        (json!({ "on": "bulk", "do": "unprocessed" }), "JobComplete", 5, 0, 5),
        (json!({ "on": "bulk", "do": "row-error", "every": 5 }), "JobComplete", 8, 2, 0),
    ] {
        bench.control("POST", "/reset", "").await;
        bench.fault(fault.clone()).await;
        let job = bench.ingest(insert(), &numbered(10)).await;
        assert_eq!(job["state"], state, "{fault}");
        let mut counts = Vec::new();
        for which in ["successfulResults", "failedResults", "unprocessedrecords"] {
            counts.push(bench.results(&job, which).await.1.len());
        }
        assert_eq!(counts, [done, failed, unprocessed], "{fault}");
        assert_eq!(usize::try_from(bench.contacts().await).unwrap(), done);
    }
    bench.fault(json!({ "on": "bulk-upload", "do": "drop-after-commit" })).await;
    let job = bench.job(insert()).await;
    let path = format!("/{}", job["contentUrl"].as_str().unwrap());
    assert!(bench.request("PUT", &path).body(numbered(1)).send().await.is_err());
    assert_eq!(bench.upload(&job, &numbered(1)).await.1[0]["errorCode"], "INVALIDBATCH");
}

#[tokio::test]
async fn each_call_of_a_job_counts_and_its_rows_do_not() {
    let bench = Bench::start().await;
    let job = bench.ingest(insert(), &numbered(450)).await;
    for which in ["successfulResults", "failedResults", "unprocessedrecords"] {
        bench.results(&job, which).await;
    }
    let (_, stats) = bench.control("GET", "/stats", "").await;
    let polls = stats["calls"]["salesforce.bulk.status"].as_u64().unwrap();
    assert_eq!(stats["api_calls"].as_u64().unwrap() - polls, 6);
    assert_eq!(stats["records"]["Contact"], 450);
    for name in ["create", "upload", "close", "successful", "failed", "unprocessed"] {
        assert_eq!(stats["calls"][format!("salesforce.bulk.{name}")], 1, "{name}");
    }
}

#[tokio::test]
async fn queries_come_as_pages_of_csv() {
    let bench = Bench::start().await;
    bench.create(json!([{ "attributes": { "type": "Account" }, "Name": "Acme", "External_Id__c": "A1" }])).await;
    let rows: Vec<Value> =
        (0..5).map(|row| json!({ "LastName": format!("Chen {row}"), "Account": { "External_Id__c": "A1" } })).collect();
    bench.create(Value::Array(rows)).await;
    let settings = json!({ "operation": "query", "query": "SELECT LastName, VIP__c, Account.Name, Email FROM Contact ORDER BY LastName" });
    let (status, job) = bench.send("POST", "jobs/query", Some(settings)).await;
    assert_eq!((status, &job["object"], &job["state"]), (200, &json!("Contact"), &json!("UploadComplete")), "{job}");
    let told = bench.settled("query", &job).await;
    assert_eq!((&told["numberRecordsProcessed"], &told["jobType"]), (&json!(5), &json!("V2Query")));
    let path = format!("jobs/query/{}/results", job["id"].as_str().unwrap());
    let mut locator = String::new();
    let mut lines = Vec::new();
    let mut pages = Vec::new();
    loop {
        let request = bench.request("GET", &path).query(&[("maxRecords", "2"), ("locator", &locator)]);
        let answer = request.send().await.unwrap();
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        pages.push(header("sforce-numberofrecords"));
        locator = header("sforce-locator");
        let text = answer.text().await.unwrap();
        assert!(text.starts_with("\"LastName\",\"VIP__c\",\"Account.Name\",\"Email\"\n"), "{text}");
        lines.extend(text.lines().skip(1).map(str::to_owned));
        if locator == "null" {
            break;
        }
    }
    assert_eq!(pages, ["2", "2", "1"]);
    assert_eq!(lines.len(), 5);
    assert_eq!(lines[4], "\"Chen 4\",\"false\",\"Acme\",\"\"");
    assert_eq!(bench.send("DELETE", &format!("jobs/query/{}", job["id"].as_str().unwrap()), None).await.0, 204);
    for soql in ["SELECT Foo FROM Contact", "SELECT COUNT() FROM Contact", "SELECT MailingAddress FROM Contact"] {
        let settings = json!({ "operation": "query", "query": soql });
        assert_eq!(bench.send("POST", "jobs/query", Some(settings)).await.0, 400, "{soql}");
    }
}

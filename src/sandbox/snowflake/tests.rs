//! Through HTTP, as a driver would; the bodies held against recorded ones.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::*;

/// A server on loopback and a client that speaks the raw wire.
struct Wire {
    base: String,
    http: reqwest::Client,
    stats: Stats,
    faults: Faults,
}

impl Wire {
    async fn start(rows: usize) -> Self {
        let (faults, stats) = (Faults::default(), Stats::default());
        let options = Options { rows, ..Options::default() };
        let server = Snowflake::new(&options, faults.clone(), stats.clone()).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, server.router()).await.unwrap() });
        Self { base, http: reqwest::Client::builder().no_proxy().build().unwrap(), stats, faults }
    }

    async fn post(&self, path: &str, token: &str, body: Value) -> Value {
        let request = self.http.post(format!("{}{path}", self.base)).json(&body);
        let answer = request.header("Authorization", format!("Snowflake Token=\"{token}\"")).send().await.unwrap();
        answer.json().await.unwrap()
    }

    async fn login(&self, data: Value) -> Value {
        self.post("/session/v1/login-request", "", json!({"data": data})).await
    }

    async fn token(&self) -> String {
        let answer = self.login(json!({"ACCOUNT_NAME": "demo", "LOGIN_NAME": "demo", "PASSWORD": "demo"})).await;
        answer["data"]["token"].as_str().unwrap().to_owned()
    }

    async fn query(&self, token: &str, sql: &str) -> Value {
        let id = uuid::Uuid::new_v4();
        self.post(&format!("/queries/v1/query-request?requestId={id}"), token, json!({"sqlText": sql})).await
    }
}

fn fixture(name: &str) -> Option<Value> {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/fixtures/snowflake").join(name);
    match std::fs::read(&path) {
        Ok(bytes) => Some(serde_json::from_slice(&bytes).unwrap()),
        Err(_) => {
            println!("skipped: no recorded body {}", path.display());
            None
        }
    }
}

/// The first object in a recorded file that holds these keys.
fn find<'a>(value: &'a Value, keys: &[&str]) -> Option<&'a Value> {
    if keys.iter().all(|key| value.get(key).is_some()) {
        return Some(value);
    }
    match value {
        Value::Object(map) => map.values().find_map(|value| find(value, keys)),
        Value::Array(list) => list.iter().find_map(|value| find(value, keys)),
        _ => None,
    }
}

fn keys(value: &Value) -> BTreeSet<String> {
    value.as_object().unwrap().keys().cloned().collect()
}

#[tokio::test]
async fn a_login_has_the_recorded_keys() {
    let wire = Wire::start(5).await;
    let answer = wire.login(json!({"ACCOUNT_NAME": "DEMO", "LOGIN_NAME": "demo", "PASSWORD": "demo"})).await;
    assert_eq!(answer["success"], true);
    if let Some(recorded) = fixture("gosnowflake/auth__password__successful_flow.json") {
        let recorded = find(&recorded, &["masterToken", "sessionInfo"]).unwrap();
        let missing: Vec<String> = keys(recorded).difference(&keys(&answer["data"])).cloned().collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}

#[tokio::test]
async fn wrong_credentials_are_refused_with_the_real_codes() {
    let wire = Wire::start(5).await;
    let wrong = wire.login(json!({"ACCOUNT_NAME": "demo", "LOGIN_NAME": "demo", "PASSWORD": "x"})).await;
    assert_eq!(
        (&wrong["code"], &wrong["message"]),
        (&json!("390100"), &json!("Incorrect username or password was specified."))
    );
    let token = wire.login(json!({"ACCOUNT_NAME": "demo", "LOGIN_NAME": "demo", "AUTHENTICATOR": "PROGRAMMATIC_ACCESS_TOKEN", "TOKEN": "x"})).await;
    assert_eq!(token["code"], "394400");
    if let Some(recorded) = fixture("gosnowflake/auth__pat__invalid_token.json") {
        let recorded = find(&recorded, &["success", "code", "data"]).unwrap();
        assert_eq!(keys(recorded), keys(&token));
        assert_eq!(recorded["message"], token["message"]);
    }
    let jwt = wire
        .login(
            json!({"ACCOUNT_NAME": "demo", "LOGIN_NAME": "demo", "AUTHENTICATOR": "SNOWFLAKE_JWT", "TOKEN": "x.y.z"}),
        )
        .await;
    assert_eq!(jwt["code"], "390144");
    let nobody = wire
        .http
        .post(format!("{}/session/v1/login-request", wire.base))
        .json(&json!({"data": {"ACCOUNT_NAME": "nope", "LOGIN_NAME": "demo", "PASSWORD": "demo"}}))
        .send()
        .await
        .unwrap();
    assert_eq!(nobody.status(), 403);
}

#[tokio::test]
async fn a_result_has_the_recorded_keys_and_types() {
    let wire = Wire::start(5).await;
    let token = wire.token().await;
    let answer = wire.query(&token, "select 1, 'a' as x, '9999-12-31'::timestamp_ntz t").await;
    assert_eq!((&answer["success"], &answer["data"]["total"]), (&json!(true), &json!(1)));
    let names: Vec<&str> =
        answer["data"]["rowtype"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["1", "X", "T"]);
    if let Some(recorded) = fixture("gosnowflake/select1.json") {
        let recorded = find(&recorded, &["rowtype", "queryId"]).unwrap();
        let missing: Vec<String> = keys(recorded)
            .difference(&keys(&answer["data"]))
            // A page is either Arrow or JSON.
            .filter(|key| !key.starts_with("rowset"))
            .cloned()
            .collect();
        assert!(missing.is_empty(), "{missing:?}");
        assert_eq!(keys(&recorded["rowtype"][0]), keys(&answer["data"]["rowtype"][0]));
    }
}

#[tokio::test]
async fn errors_have_the_recorded_shape_and_a_place() {
    let wire = Wire::start(5).await;
    let token = wire.token().await;
    for (sql, code, text) in [
        ("selec 1", "001003", "syntax error line 1 at position 0 unexpected 'selec'."),
        ("select *\nform t", "001003", "syntax error line 2 at position 0 unexpected 'form'."),
        ("select * from nope", "002003", "Object 'DEMO.SALES.NOPE' does not exist or not authorized."),
        ("select nope from customers", "000904", "error line 1 at position 7\ninvalid identifier 'NOPE'"),
        ("select 1; select 2", "000006", "Multiple SQL statements"),
        ("select 1/0", "100051", "Division by zero"),
        ("delete from customers", "003001", "Insufficient privileges"),
    ] {
        let answer = wire.query(&token, sql).await;
        assert_eq!(answer["code"], code, "{sql}: {answer}");
        assert!(answer["message"].as_str().unwrap().contains(text), "{sql}: {answer}");
        assert_eq!((&answer["data"]["errorCode"], &answer["data"]["age"]), (&json!(code), &json!(0)));
    }
    if let Some(recorded) = fixture("nodejs/query_request_failed_with_qcc.json") {
        let recorded = find(&recorded, &["errorCode", "sqlState"]).unwrap();
        let answer = wire.query(&token, "select 1/0").await;
        for key in keys(recorded).into_iter().filter(|key| key != "queryContext") {
            assert!(answer["data"].get(&key).is_some(), "{key}");
        }
    }
}

#[tokio::test]
async fn names_fold_and_functions_speak_snowflake() {
    let wire = Wire::start(50).await;
    let token = wire.token().await;
    for sql in [
        "select Customer_Id, c.EMAIL from demo.sales.Customers c where c.customer_id < 3 order by 1",
        "select iff(is_vip, 'y', 'n') as v, nvl(title, '-') t, zeroifnull(null) z from customers limit 2",
        "select count_if(is_vip), count(distinct customer_type) from customers",
        "select to_varchar(lifetime_value), lifetime_value::number(10,1), email::string from customers limit 1",
        "select dateadd(day, 1, birthdate) from customers where birthdate is not null limit 1",
        "select current_user(), current_role(), current_warehouse(), current_database(), current_schema()",
        "with a as (select customer_id as id from customers) select * from a qualify row_number() over (order by id) = 1",
        "select \"EMAIL\" from \"CUSTOMERS\" limit 1",
        "select table_name, column_name from information_schema.columns where table_name = 'CUSTOMERS'",
        "select c.email, o.amount from customers c join orders o on o.customer_id = c.customer_id limit 1",
        "use warehouse demo_wh",
        "show tables in schema demo.sales",
    ] {
        let answer = wire.query(&token, sql).await;
        assert_eq!(answer["success"], true, "{sql}: {answer}");
    }
    let missing = wire.query(&token, "select \"email\" from customers").await;
    assert_eq!(missing["code"], "000904", "quoted names are exact");
}

#[tokio::test]
async fn the_same_request_runs_once_and_a_describe_runs_nothing() {
    let wire = Wire::start(5).await;
    let token = wire.token().await;
    let path = "/queries/v1/query-request?requestId=one";
    let first = wire.post(path, &token, json!({"sqlText": "select 1"})).await;
    let again = wire.post(path, &token, json!({"sqlText": "select 1"})).await;
    assert_eq!(first["data"]["queryId"], again["data"]["queryId"]);
    let described = wire
        .post(
            "/queries/v1/query-request?requestId=two",
            &token,
            json!({"sqlText": "select * from customers", "describeOnly": true}),
        )
        .await;
    assert_eq!(described["data"]["total"], 0);
    assert_eq!(described["data"]["rowtype"].as_array().unwrap().len(), 18);
}

#[tokio::test]
async fn an_aborted_statement_stops() {
    let wire = Wire::start(5).await;
    let token = wire.token().await;
    let slow = "select count(*) from customers a, customers b, customers c, customers d, customers e, customers f, \
                customers g, customers h, customers i, customers j, customers k, customers l, customers m, customers n";
    let running = wire.post("/queries/v1/query-request?requestId=slow", &token, json!({"sqlText": slow}));
    let abort = async {
        loop {
            let answer = wire.post("/queries/v1/abort-request", &token, json!({"requestId": "slow"})).await;
            if answer["success"] == true {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    let (answer, ()) =
        tokio::time::timeout(Duration::from_secs(20), async { tokio::join!(running, abort) }).await.unwrap();
    assert_eq!((&answer["code"], &answer["message"]), (&json!("000604"), &json!("SQL execution canceled")));
    let nothing = wire.post("/queries/v1/abort-request", &token, json!({"requestId": "slow"})).await;
    assert_eq!(nothing["code"], "000605");
}

#[tokio::test]
async fn long_results_have_gzip_chunks_and_old_tokens_are_told() {
    let wire = Wire::start(12_000).await;
    let token = wire.token().await;
    let answer = wire.query(&token, "select * from customers").await;
    let chunks = answer["data"]["chunks"].as_array().unwrap();
    let rows: u64 = chunks.iter().map(|chunk| chunk["rowCount"].as_u64().unwrap()).sum();
    assert_eq!((rows + 500, &answer["data"]["total"]), (12_000, &json!(12_000)));
    let raw = reqwest::Client::builder().no_proxy().gzip(false).build().unwrap();
    let chunk = raw.get(chunks[0]["url"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(chunk.headers()["content-encoding"], "gzip");
    assert_eq!(raw.get(format!("{}/chunks/none/0", wire.base)).send().await.unwrap().status(), 403);
    assert!(wire.stats.calls()["snowflake.chunk"] >= 2);

    wire.faults.add(serde_json::from_value(json!({"on": "snowflake-query", "do": "expire-session"})).unwrap());
    assert_eq!(wire.query(&token, "select 1").await["code"], "390112");
    assert_eq!(wire.query("nobody's", "select 1").await["code"], "390104");
}

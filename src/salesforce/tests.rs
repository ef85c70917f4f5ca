//! The whole client against canned answers: what is sent, what is repeated, what is in doubt.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;

use super::stub::{Reply, Stub, contact};
use super::*;
use crate::destination::RowResult;
use crate::types::Value;

fn settings(stub: &Stub) -> Settings {
    Settings {
        login_url: stub.url.clone(),
        auth: Auth::ClientCredentials { client_id: "app".to_owned(), client_secret: "s3cret".into() },
        api_version: None,
        api_floor: None,
    }
}

/// Writes one part.
async fn write(
    salesforce: &Salesforce,
    kind: WriteKind,
    object: &str,
    rows: &[WriteRow],
) -> Result<Vec<RowResult>, DestinationError> {
    let parts = [rows.to_vec()];
    match salesforce.write(kind, object, &parts, WriteOptions::default()).await {
        Ok(mut results) => results.remove(0),
        Err(refusal) => Err(refusal.error),
    }
}

fn connect(settings: Settings) -> Salesforce {
    Salesforce::over(Client::new(settings).unwrap().with_first_wait(Duration::from_millis(1)))
}

fn create(last_name: &str) -> WriteRow {
    WriteRow { id: None, fields: [("LastName".to_owned(), Json::from(last_name))].into() }
}

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|&name| name.to_owned()).collect()
}

fn emails(values: impl IntoIterator<Item = String>) -> Vec<FieldIn> {
    vec![FieldIn { field: "Email".to_owned(), values: values.into_iter().map(Value::Text).collect() }]
}

/// Answers with each reply in turn, then with the last for ever.
fn script(replies: Vec<Reply>) -> impl Fn(&stub::Seen) -> Option<Reply> + Send + Sync + 'static {
    let next = AtomicUsize::new(0);
    move |seen| {
        if seen.is_sign_in() {
            return None;
        }
        let at = next.fetch_add(1, Ordering::SeqCst).min(replies.len() - 1);
        Some(replies[at].clone())
    }
}

fn done(count: usize) -> Reply {
    let rows: Vec<Json> =
        (0..count).map(|n| json!({"id": format!("003{n:012}AAA"), "success": true, "errors": []})).collect();
    Reply::json(200, &Json::Array(rows))
}

fn no_rows() -> Reply {
    Reply::json(200, &json!({"totalSize": 0, "done": true, "records": []}))
}

fn session_ended() -> Reply {
    Reply::json(401, &json!([{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]))
}

#[tokio::test]
async fn an_ended_session_is_renewed_once_and_the_write_sent_again() {
    let stub = Stub::start(script(vec![session_ended(), done(1)])).await;
    let salesforce = connect(settings(&stub));
    let results = write(&salesforce, WriteKind::Create, "Contact", &[create("O'Brien")]).await.unwrap();
    assert_eq!(results, [RowResult::Ok("003000000000000AAA".to_owned())]);
    let calls = stub.calls();
    assert_eq!((calls.len(), stub.sign_ins().len(), salesforce.calls()), (2, 2, 2));
    assert_eq!(calls[0].body, calls[1].body);
    assert_ne!(calls[0].headers["authorization"], calls[1].headers["authorization"]);
    assert_eq!(
        calls[1].json(),
        json!({"allOrNone": false, "records": [{"attributes": {"type": "Contact"}, "LastName": "O'Brien"}]})
    );
    assert_eq!(salesforce.usage(), Some(ApiUsage { used: 18, max: 15_000, floor: 300 }));

    let stub = Stub::start(script(vec![session_ended()])).await;
    let error = write(&connect(settings(&stub)), WriteKind::Create, "Contact", &[create("X")]).await.unwrap_err();
    assert_eq!((error.kind, stub.calls().len()), (ErrorKind::Auth, 2), "no third try");
}

#[tokio::test]
async fn a_given_access_token_cannot_be_renewed() {
    let stub = Stub::start(script(vec![session_ended()])).await;
    let auth = Auth::AccessToken { instance_url: stub.url.clone(), access_token: "00D!given".into() };
    let error = connect(Settings { login_url: String::new(), auth, api_version: None, api_floor: None })
        .ask_usage()
        .await
        .unwrap_err();
    assert_eq!((error.kind, stub.calls().len(), stub.sign_ins().len()), (ErrorKind::Auth, 1, 0));
    assert!(error.hint.unwrap().contains("new access token"));
}

#[tokio::test]
async fn a_write_that_may_have_happened_is_in_doubt_and_sent_once() {
    let page = "<html><title>Bad Gateway</title></html>".to_owned();
    for reply in [
        Reply::Close,
        Reply::Cut(200, "[{\"id\":".to_owned()),
        Reply::Http(200, "", "<html>".to_owned()),
        Reply::Http(502, "", page.clone()),
        Reply::Http(503, "", page),
        Reply::json(500, &json!([{"errorCode": "UNKNOWN_EXCEPTION", "message": "An unexpected error occurred."}])),
        done(1),
        done(3),
    ] {
        let stub = Stub::start(script(vec![reply.clone()])).await;
        let salesforce = connect(settings(&stub));
        let error = write(&salesforce, WriteKind::Create, "Contact", &[create("A"), create("B")]).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::InDoubt, "{reply:?}: {error}");
        assert_eq!((stub.calls().len(), salesforce.calls()), (1, 1), "{reply:?}");
    }
}

#[tokio::test]
async fn a_write_that_was_refused_whole_is_not_in_doubt() {
    let refused = |status: u16, code: &str| Reply::json(status, &json!([{"errorCode": code, "message": "m"}]));
    for (reply, kind) in [
        (refused(503, "SERVER_UNAVAILABLE"), ErrorKind::Transient),
        (Reply::Http(429, "Retry-After: 7\r\n", String::new()), ErrorKind::Transient),
        (refused(403, "REQUEST_LIMIT_EXCEEDED"), ErrorKind::Limit),
        (refused(400, "JSON_PARSER_ERROR"), ErrorKind::Data),
        (refused(400, "INVALID_FIELD"), ErrorKind::Configuration),
    ] {
        let stub = Stub::start(script(vec![reply.clone()])).await;
        let error = write(&connect(settings(&stub)), WriteKind::Create, "Contact", &[create("A")]).await.unwrap_err();
        assert_eq!((error.kind, stub.calls().len()), (kind, 1), "{reply:?}");
    }
}

#[tokio::test]
async fn nothing_listening_is_transient_even_for_a_write() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let auth = Auth::AccessToken { instance_url: url, access_token: "t".into() };
    let salesforce = connect(Settings { login_url: String::new(), auth, api_version: None, api_floor: None });
    let error = write(&salesforce, WriteKind::Create, "Contact", &[create("A")]).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Transient, "CONNECTION_FAILED"));
}

#[tokio::test]
async fn reads_are_repeated_and_in_the_end_fail() {
    let busy = || Reply::Http(503, "", String::new());
    let stub = Stub::start(script(vec![busy(), Reply::Close, Reply::Cut(200, "{".to_owned()), no_rows()])).await;
    let salesforce = connect(settings(&stub));
    let found = salesforce.find(&contact(), &[], &emails(["a@b.c".to_owned()]), Api::Collections).await.unwrap();
    assert!(found.is_empty());
    assert_eq!((stub.calls().len(), salesforce.calls()), (4, 4));

    let stub = Stub::start(script(vec![busy()])).await;
    let error = connect(settings(&stub)).ask_usage().await.unwrap_err();
    assert_eq!((error.kind, stub.calls().len()), (ErrorKind::Transient, 5));
}

#[tokio::test]
async fn ten_thousand_addresses_take_few_calls_and_every_address_is_asked() {
    let stub = Stub::start(script(vec![no_rows()])).await;
    let salesforce = connect(settings(&stub));
    let values: Vec<String> = (0..10_000).map(|n| format!(" First.Last{n}@customer-{}.example.COM ", n % 97)).collect();
    salesforce
        .find(&contact(), &names(&["Email", "LastName"]), &emails(values.clone()), Api::Collections)
        .await
        .unwrap();
    let calls = stub.calls();
    assert!(calls.len() <= 40, "{} calls", calls.len());
    assert_eq!(stub.sign_ins().len(), 1);
    let asked: std::collections::HashSet<String> = calls
        .iter()
        .flat_map(|call| {
            assert!(call.target.len() <= 15_500, "{} bytes", call.target.len());
            let soql = call.soql();
            let list =
                soql.strip_prefix("SELECT Id,SystemModstamp,Email,LastName FROM Contact WHERE Email IN ('").unwrap();
            list.strip_suffix("')").unwrap().split("','").map(str::to_owned).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(asked, values.iter().map(|value| value.trim().to_ascii_lowercase()).collect());
}

#[tokio::test]
async fn finds_over_pages_and_fields_each_record_once() {
    let row = |id: u8, email: &str| {
        json!({"attributes": {"type": "Contact", "url": "/x"}, "Id": format!("003{id:012}AAA"),
               "SystemModstamp": "2024-01-31T10:00:00.000+0000", "Email": email, "Phone": null})
    };
    let first = json!({"totalSize": 3, "done": false, "nextRecordsUrl": "/services/data/v65.0/query/01g-2000",
                       "records": [row(1, "OBrien@x.com"), row(2, "b@x.com")]});
    let last = json!({"totalSize": 3, "done": true, "records": [row(1, "OBrien@x.com")]});
    let stub = Stub::start(script(vec![Reply::json(200, &first), Reply::json(200, &last)])).await;
    let any_of = [
        FieldIn {
            field: "email".to_owned(),
            values: vec!["o'brien@x.com".into(), " ".into(), "O'Brien@X.com".into(), Value::Null],
        },
        FieldIn {
            field: "Birthdate".to_owned(),
            values: [1980, 9999].map(|year| Value::Date(jiff::civil::date(year, 2, 28))).into(),
        },
    ];
    let found = connect(settings(&stub))
        .find(&contact(), &names(&["email", "Phone"]), &any_of, Api::Collections)
        .await
        .unwrap();
    assert_eq!(
        found.iter().map(|record| record.id.as_str()).collect::<Vec<_>>(),
        ["003000000000001AAA", "003000000000002AAA"]
    );
    assert_eq!(found[0].modstamp.as_deref(), Some("2024-01-31T10:00:00.000+0000"));
    assert_eq!(found[0].fields["email"], "OBrien@x.com");
    assert_eq!(found[0].fields["Phone"], Json::Null);
    assert_eq!(
        stub.calls()[0].soql(),
        r"SELECT Id,SystemModstamp,Email,Phone FROM Contact WHERE Email IN ('o\'brien@x.com') OR Birthdate IN (1980-02-28)"
    );
    assert_eq!(stub.calls()[1].target, "/services/data/v65.0/query/01g-2000");
}

#[tokio::test]
async fn a_next_page_elsewhere_and_missing_rows_are_refused() {
    for page in [
        json!({"totalSize": 1, "done": false, "nextRecordsUrl": "https://evil.example/services/data/", "records": []}),
        json!({"totalSize": 1, "done": false, "nextRecordsUrl": "@evil.example/", "records": []}),
        json!({"totalSize": 2, "done": true, "records": [{"Id": "003000000000001AAA"}]}),
    ] {
        let stub = Stub::start(script(vec![Reply::json(200, &page)])).await;
        let error = connect(settings(&stub))
            .find(&contact(), &[], &emails(["a@b.c".to_owned()]), Api::Collections)
            .await
            .unwrap_err();
        assert_eq!(error.code, "BAD_ANSWER");
        assert_eq!(stub.calls().len(), 1);
    }
}

#[tokio::test]
async fn nothing_to_look_for_takes_no_call() {
    let stub = Stub::start(script(vec![no_rows()])).await;
    let salesforce = connect(settings(&stub));
    assert!(
        salesforce
            .find(&contact(), &[], &emails([String::new(), "  ".to_owned(), "x".repeat(81)]), Api::Collections)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(salesforce.retrieve(&contact(), &[], &[]).await.unwrap().is_empty());
    assert!(write(&salesforce, WriteKind::Update, "Contact", &[]).await.unwrap().is_empty());
    assert_eq!((salesforce.calls(), stub.sign_ins().len()), (0, 0));
}

#[tokio::test]
async fn retrieves_by_id_without_those_that_are_gone() {
    let answer = json!([null, {"attributes": {"type": "Contact"}, "Id": "003000000000002AAA", "SystemModstamp": "m", "LastName": "B"}]);
    let stub = Stub::start(script(vec![Reply::json(200, &answer)])).await;
    let ids = names(&["003000000000001AAA", "003000000000002AAA", "003000000000001AAA"]);
    let found = connect(settings(&stub)).retrieve(&contact(), &names(&["LastName"]), &ids).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].fields["LastName"].as_str(), found[0].modstamp.as_deref()), (Some("B"), Some("m")));
    let call = &stub.calls()[0];
    assert_eq!((call.method.as_str(), call.path()), ("POST", "/services/data/v65.0/composite/sobjects/Contact"));
    assert_eq!(
        call.json(),
        json!({"ids": ["003000000000001AAA", "003000000000002AAA"], "fields": ["Id", "SystemModstamp", "LastName"]})
    );
}

#[tokio::test]
async fn updates_and_deletes_go_by_id_with_results_by_position() {
    let answer = json!([
        {"id": "003000000000001AAA", "success": true, "errors": []},
        {"success": false, "errors": [{"statusCode": "UNABLE_TO_LOCK_ROW", "message": "busy", "fields": []}]}
    ]);
    let stub = Stub::start(script(vec![Reply::json(200, &answer)])).await;
    let salesforce = connect(settings(&stub));
    let row =
        |n: u8| WriteRow { id: Some(format!("003{n:012}AAA")), fields: [("Phone".to_owned(), Json::Null)].into() };
    let results = write(&salesforce, WriteKind::Update, "Contact", &[row(1), row(2)]).await.unwrap();
    assert_eq!(results[0], RowResult::Ok("003000000000001AAA".to_owned()));
    assert!(
        matches!(&results[1], RowResult::Err(error) if error.kind == ErrorKind::Transient && error.message == "busy")
    );
    write(&salesforce, WriteKind::Delete, "Contact", &[row(1), row(2)]).await.unwrap();
    let calls = stub.calls();
    assert_eq!(calls[0].method, "PATCH");
    assert_eq!(
        calls[0].json()["records"][0],
        json!({"attributes": {"type": "Contact"}, "id": "003000000000001AAA", "Phone": null})
    );
    assert_eq!(calls[1].method, "DELETE");
    assert_eq!(
        calls[1].target,
        "/services/data/v65.0/composite/sobjects?ids=003000000000001AAA,003000000000002AAA&allOrNone=false"
    );
}

#[tokio::test]
async fn full_batches_travel_compressed() {
    let stub = Stub::start(script(vec![done(200)])).await;
    let rows: Vec<WriteRow> = (0..200).map(|n| create(&format!("Name {n}"))).collect();
    let salesforce = connect(settings(&stub));
    assert_eq!(write(&salesforce, WriteKind::Create, "Contact", &rows).await.unwrap().len(), 200);
    assert_eq!(stub.calls()[0].headers["content-encoding"], "gzip");
    assert_eq!(stub.calls()[0].json()["records"].as_array().unwrap().len(), 200);
    let too_many: Vec<WriteRow> = (0..201).map(|n| create(&n.to_string())).collect();
    assert!(write(&salesforce, WriteKind::Create, "Contact", &too_many).await.is_err());
    assert_eq!(stub.calls().len(), 1);
}

#[tokio::test]
async fn bad_ids_and_names_never_leave_this_machine() {
    let stub = Stub::start(script(vec![done(1)])).await;
    let salesforce = connect(settings(&stub));
    let row = |id: &str| WriteRow { id: Some(id.to_owned()), fields: [].into() };
    assert!(write(&salesforce, WriteKind::Delete, "Contact", &[row("003&allOrNone=tr")]).await.is_err());
    assert!(write(&salesforce, WriteKind::Create, "Contact", &[row("003000000000001AAA")]).await.is_err());
    assert!(write(&salesforce, WriteKind::Create, "Contact/../x", &[create("A")]).await.is_err());
    assert!(salesforce.describe("Contact/describe?").await.is_err());
    let attributes = WriteRow { id: None, fields: [("attributes".to_owned(), json!({"type": "User"}))].into() };
    assert!(write(&salesforce, WriteKind::Create, "Contact", &[attributes]).await.is_err());
    assert!(
        salesforce
            .find(&contact(), &names(&["Id FROM User"]), &emails(["a".to_owned()]), Api::Collections)
            .await
            .is_err()
    );
    assert!(stub.calls().is_empty());
}

#[tokio::test]
async fn a_describe_is_read_again_only_when_it_has_changed() {
    const THEN: &str = "Wed, 12 Nov 2025 10:00:00 GMT";
    let body = json!({"name": "Contact", "label": "Contact", "fields": [{"name": "Id", "type": "id"}]}).to_string();
    let stub = Stub::start(move |seen| {
        if seen.is_sign_in() {
            return None;
        }
        Some(match seen.headers.get("if-modified-since") {
            Some(since) if since == THEN => Reply::Http(304, "", String::new()),
            _ => Reply::Http(200, "Last-Modified: Wed, 12 Nov 2025 10:00:00 GMT\r\n", body.clone()),
        })
    })
    .await;
    let salesforce = connect(settings(&stub));
    let Asked::Changed { value, modified } = salesforce.describe_since("Contact", None).await.unwrap() else {
        panic!("unchanged since never");
    };
    assert_eq!((value.name.as_str(), modified.as_deref()), ("Contact", Some(THEN)));
    assert_eq!(salesforce.describe_since("Contact", modified.as_deref()).await.unwrap(), Asked::Unchanged);
    assert_eq!(salesforce.describe("contact").await.unwrap(), value);
    assert_eq!(salesforce.calls(), 3);
}

#[tokio::test]
async fn says_which_org_and_which_user() {
    let stub = Stub::start(|seen| {
        Some(match seen.path() {
            "/services/oauth2/token" => return None,
            "/services/oauth2/userinfo" => Reply::Http(403, "", "Bad_OAuth_Token".to_owned()),
            _ if seen.soql().contains("FROM User") => {
                Reply::json(200, &json!({"totalSize": 1, "done": true, "records": [{"Username": "sync@acme.example"}]}))
            }
            _ => Reply::json(
                200,
                &json!({"totalSize": 1, "done": true, "records": [
                    {"Id": "00D000000000001AAA", "Name": "Acme", "IsSandbox": true, "InstanceName": "CS1", "OrganizationType": "Developer Edition"}]}),
            ),
        })
    })
    .await;
    let org = connect(settings(&stub)).org().await.unwrap();
    assert_eq!((org.id.as_str(), org.name.as_str(), org.sandbox), ("00D000000000001AAA", "Acme", true));
    assert_eq!((org.username.as_str(), org.api_version.as_str()), ("sync@acme.example", "65.0"));
    assert_eq!(org.instance_url, stub.url);
}

#[tokio::test]
async fn many_calls_at_once_share_one_sign_in_and_one_refusal() {
    let stub = Stub::start(|seen| {
        seen.is_sign_in().then(|| {
            Reply::json(400, &json!({"error": "invalid_client", "error_description": "invalid client credentials"}))
        })
    })
    .await;
    let salesforce = connect(settings(&stub));
    let (a, b, c) = tokio::join!(salesforce.ask_usage(), salesforce.ask_usage(), salesforce.ask_usage());
    for error in [a, b, c].map(Result::unwrap_err) {
        assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Auth, "invalid_client"));
    }
    assert_eq!((stub.sign_ins().len(), salesforce.calls()), (1, 0));
    salesforce.ask_usage().await.unwrap_err();
    assert_eq!(stub.sign_ins().len(), 2, "a later call tries again");
}

#[tokio::test]
async fn each_way_to_sign_in_sends_its_form() {
    let limits = json!({"DailyApiRequests": {"Max": 15000, "Remaining": 14998}});
    let password = Auth::Password {
        client_id: "app".into(),
        client_secret: "s".into(),
        username: "u@x.com".into(),
        password: "p&w".into(),
        security_token: Some("TOK".into()),
    };
    let refresh = Auth::RefreshToken { client_id: "app".into(), client_secret: None, refresh_token: "r1".into() };
    for (auth, form) in [
        (password, "grant_type=password&client_id=app&client_secret=s&username=u%40x.com&password=p%26wTOK"),
        (refresh, "grant_type=refresh_token&client_id=app&refresh_token=r1"),
    ] {
        let stub = Stub::start(script(vec![Reply::json(200, &limits)])).await;
        let salesforce =
            connect(Settings { login_url: stub.url.clone(), auth, api_version: Some("59".into()), api_floor: None });
        assert_eq!(salesforce.ask_usage().await.unwrap(), ApiUsage { used: 2, max: 15_000, floor: 300 });
        let sign_in = &stub.sign_ins()[0];
        assert_eq!((sign_in.body.as_str(), sign_in.target.as_str()), (form, "/services/oauth2/token"));
        let call = &stub.calls()[0];
        assert_eq!(call.target, "/services/data/v59.0/limits");
        assert_eq!(call.headers["user-agent"], concat!("gondola/", env!("CARGO_PKG_VERSION")));
        assert_eq!(call.headers["accept-encoding"], "gzip");
    }
}

#[tokio::test]
async fn a_token_for_another_host_is_not_used() {
    for instance in
        ["https://acme.salesforce.com.evil.example", "https://acme.my.salesforce.com", "http://evil.example"]
    {
        let stub =
            Stub::start(move |_| Some(Reply::json(200, &json!({"access_token": "t", "instance_url": instance})))).await;
        let error = connect(settings(&stub)).ask_usage().await.unwrap_err();
        assert_eq!((error.code.as_str(), stub.calls().len()), ("INVALID_URL", 0), "{instance}");
    }
}

#[tokio::test]
async fn secrets_do_not_print() {
    let stub = Stub::start(script(vec![no_rows()])).await;
    let salesforce = connect(settings(&stub));
    salesforce.query(&Soql::organization()).await.unwrap();
    let printed = format!("{salesforce:?} {:?}", settings(&stub));
    assert!(printed.contains("app") && !printed.contains("s3cret") && !printed.contains("00D!"), "{printed}");
}

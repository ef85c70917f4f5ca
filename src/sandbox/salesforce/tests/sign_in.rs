//! Tokens, sessions, versions, limits.

use serde_json::{Value, json};

use super::super::session;
use super::{Bench, read};

async fn token(bench: &Bench, form: &[(&str, &str)]) -> (u16, Value) {
    let url = bench.url("/services/oauth2/token");
    read(bench.client.post(url).form(form).send().await.unwrap()).await
}

#[tokio::test]
async fn each_grant_opens_a_session() {
    let bench = Bench::start().await;
    let app = [("client_id", session::CLIENT_ID), ("client_secret", session::CLIENT_SECRET)];
    let with_token = format!("{}{}", session::PASSWORD, session::SECURITY_TOKEN);
    let grants: [&[(&str, &str)]; 4] = [
        &[("grant_type", "client_credentials")],
        &[("grant_type", "password"), ("username", session::USERNAME), ("password", session::PASSWORD)],
        &[("grant_type", "password"), ("username", session::USERNAME), ("password", &with_token)],
        &[("grant_type", "refresh_token"), ("refresh_token", session::REFRESH_TOKEN)],
    ];
    for grant in grants {
        let (status, body) = token(&bench, &[grant, &app].concat()).await;
        assert_eq!(status, 200, "{body}");
        assert_eq!(body["instance_url"], bench.sandbox.ready.salesforce.instance_url.as_str());
        assert_eq!(body["token_type"], "Bearer");
        let request = bench.client.get(bench.url("/services/data/v65.0/limits"));
        let answer = request.bearer_auth(body["access_token"].as_str().unwrap()).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert!(answer.headers()["sforce-limit-info"].to_str().unwrap().starts_with("api-usage="));
    }
}

#[tokio::test]
async fn wrong_credentials_are_refused_in_oauths_words() {
    let bench = Bench::start().await;
    let (id, secret) = (session::CLIENT_ID, session::CLIENT_SECRET);
    type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, &'a str);
    let cases: [Case<'_>; 6] = [
        (
            &[("grant_type", "client_credentials"), ("client_id", "nobody"), ("client_secret", secret)],
            "invalid_client_id",
            "client identifier invalid",
        ),
        (
            &[("grant_type", "client_credentials"), ("client_id", id), ("client_secret", "wrong")],
            "invalid_client",
            "invalid client credentials",
        ),
        (
            &[
                ("grant_type", "password"),
                ("client_id", id),
                ("client_secret", secret),
                ("username", session::USERNAME),
                ("password", "wrong"),
            ],
            "invalid_grant",
            "authentication failure",
        ),
        (
            &[("grant_type", "refresh_token"), ("client_id", id), ("refresh_token", "old")],
            "invalid_grant",
            "expired access/refresh token",
        ),
        (
            &[("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", "x")],
            "invalid_grant",
            "invalid assertion",
        ),
        (&[("grant_type", "magic")], "unsupported_grant_type", "grant type not supported"),
    ];
    for (form, error, description) in cases {
        let (status, body) = token(&bench, form).await;
        assert_eq!((status, &body), (400, &json!({ "error": error, "error_description": description })));
    }
}

#[tokio::test]
async fn a_token_that_is_wrong_or_expired_is_refused() {
    let bench = Bench::start().await;
    let expired = json!([{ "message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID" }]);
    let request = bench.client.get(bench.url("/services/data/v65.0/limits"));
    assert_eq!(read(request.bearer_auth("nonsense").send().await.unwrap()).await, (401, expired.clone()));
    let request = bench.client.get(bench.url("/services/data/v65.0/limits"));
    assert_eq!(read(request.send().await.unwrap()).await, (401, expired.clone()));
    let request = bench.client.get(bench.url("/services/oauth2/userinfo"));
    assert_eq!(read(request.send().await.unwrap()).await, (403, json!("Bad_OAuth_Token")));

    bench.fault(json!({ "on": "soql", "do": "expire-session" })).await;
    assert_eq!(bench.query("SELECT Id FROM Contact").await, (401, expired.clone()));
    assert_eq!(bench.get("limits").await, (401, expired));
}

#[tokio::test]
async fn who_am_i_and_which_versions() {
    let bench = Bench::start().await;
    let (_, info) = bench.get("/services/oauth2/userinfo").await;
    let user = bench.get(&format!("/services/data/v51.0/sobjects/User/{}", info["user_id"].as_str().unwrap())).await;
    assert_eq!((user.0, &user.1["Username"]), (200, &json!(session::USERNAME)));
    let (_, org) = bench.query("SELECT Id, Name, IsSandbox, InstanceName, OrganizationType FROM Organization").await;
    assert_eq!(org["records"][0]["Id"], info["organization_id"]);
    assert_eq!(org["records"][0]["IsSandbox"], json!(true));

    let versions = bench.client.get(bench.url("/services/data")).send().await.unwrap();
    let (status, versions) = read(versions).await;
    assert_eq!(status, 200);
    assert_eq!(versions[15], json!({ "label": "Winter '26", "url": "/services/data/v65.0", "version": "65.0" }));
    for version in ["v50.0", "v65.0"] {
        assert_eq!(bench.get(&format!("/services/data/{version}/limits")).await.0, 200);
    }
    for version in ["v49.0", "v66.0", "v65", "65.0"] {
        let (status, body) = bench.get(&format!("/services/data/{version}/limits")).await;
        assert_eq!((status, &body[0]["errorCode"]), (404, &json!("NOT_FOUND")), "{version}");
    }
}

#[tokio::test]
async fn calls_are_counted_against_the_limit() {
    let bench = Bench::start().await;
    let (_, before) = bench.get("limits").await;
    bench.query("SELECT COUNT() FROM Contact").await;
    let answer = bench.request("GET", "limits").send().await.unwrap();
    assert_eq!(answer.headers()["sforce-limit-info"], "api-usage=3/15000");
    let (_, after) = read(answer).await;
    let remaining = |body: &Value| body["DailyApiRequests"]["Remaining"].as_u64().unwrap();
    assert_eq!(remaining(&before) - remaining(&after), 2);
}

#[tokio::test]
async fn addresses_that_lead_nowhere() {
    let bench = Bench::start().await;
    for path in ["sobjects/Foo", "sobjects/Foo/describe", "nonsense", "sobjects/Contact/003gL0000000009QAA"] {
        let (status, body) = bench.get(path).await;
        let expected = json!([{ "message": "The requested resource does not exist", "errorCode": "NOT_FOUND" }]);
        assert_eq!((status, body), (404, expected), "{path}");
    }
    let (status, body) = bench.send("PUT", "sobjects/Contact/003gL0000000009QAA", None).await;
    assert_eq!((status, &body[0]["errorCode"]), (405, &json!("METHOD_NOT_ALLOWED")));
    assert_eq!(body[0]["message"], "HTTP Method 'PUT' not allowed. Allowed are HEAD,GET,PATCH,DELETE");
    let long = format!("query?q=SELECT+Id+FROM+Contact+WHERE+Name='{}'", "x".repeat(16_400));
    assert_eq!(bench.get(&long).await.0, 414);
}

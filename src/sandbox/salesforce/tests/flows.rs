//! Sign-in flows of more than one step, JWT assertions, and the SOAP login.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::super::session::{CLIENT_ID, CLIENT_SECRET, PASSWORD, REFRESH_TOKEN, SECURITY_TOKEN, USERNAME};
use super::{Bench, read};

const CALLBACK: &str = "http://localhost:1717/OauthRedirect";
const VERIFIER: &str = "a-verifier-of-at-least-forty-three-characters-0123456789";

impl Bench {
    async fn token(&self, form: &[(&str, &str)]) -> (u16, Value) {
        let url = self.url("/services/oauth2/token");
        read(self.client.post(url).form(form).send().await.unwrap()).await
    }

    async fn is_open(&self, body: &Value) -> bool {
        let token = body["access_token"].as_str().unwrap();
        let request = self.client.get(self.url("/services/data/v65.0/limits")).bearer_auth(token);
        request.send().await.unwrap().status() == 200
    }

    async fn login(&self, username: &str, password: &str) -> (u16, String) {
        let envelope = format!(
            "<se:Envelope xmlns:se=\"http://schemas.xmlsoap.org/soap/envelope/\"><se:Header/><se:Body>\
             <login xmlns=\"urn:partner.soap.sforce.com\"><username>{username}</username><password>{password}</password>\
             </login></se:Body></se:Envelope>"
        );
        let request = self.client.post(self.url("/services/Soap/u/64.0")).header("SOAPAction", "login");
        let answer = request.header("Content-Type", "text/xml").body(envelope).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Where a browser would be sent.
    async fn authorize(&self, parameters: &[(&str, &str)]) -> (u16, Option<url::Url>) {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let request = client.get(self.url("/services/oauth2/authorize")).query(parameters);
        let answer = request.send().await.unwrap();
        let target = answer.headers().get("location").map(|it| it.to_str().unwrap().parse().unwrap());
        (answer.status().as_u16(), target)
    }
}

fn parameter(url: &url::Url, name: &str) -> String {
    url.query_pairs().find(|(key, _)| key == name).unwrap_or_else(|| panic!("{url}")).1.into_owned()
}

fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

fn assertion(bench: &Bench, change: impl FnOnce(&mut Value)) -> String {
    let mut claims =
        json!({ "iss": CLIENT_ID, "sub": USERNAME, "aud": "https://test.salesforce.com", "exp": now() + 120 });
    change(&mut claims);
    let key = EncodingKey::from_rsa_pem(bench.sandbox.ready.salesforce.private_key.as_bytes()).unwrap();
    encode(&Header::new(Algorithm::RS256), &claims, &key).unwrap()
}

#[tokio::test]
async fn assertions_are_checked_claim_by_claim() {
    let bench = Bench::start().await;
    let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
    let own = bench.sandbox.ready.salesforce.login_url.clone();
    for good in [assertion(&bench, |_| ()), assertion(&bench, |claims| claims["aud"] = json!(own))] {
        let (status, body) = bench.token(&[("grant_type", grant), ("assertion", &good)]).await;
        assert_eq!(status, 200, "{body}");
        assert!(bench.is_open(&body).await);
        assert!(body.get("refresh_token").is_none() && body.get("issued_at").is_none());
    }
    let mut forged = assertion(&bench, |_| ());
    forged.replace_range(forged.len() - 6..forged.len() - 2, "AAAA");
    let key = EncodingKey::from_secret(b"x");
    let other = encode(&Header::new(Algorithm::HS256), &json!({ "iss": CLIENT_ID, "exp": now() + 60 }), &key).unwrap();
    for (assertion, error, description) in [
        (forged, "invalid_grant", "invalid assertion"),
        (other, "invalid_grant", "invalid assertion"),
        (assertion(&bench, |claims| claims["iss"] = json!("x")), "invalid_client_id", "client identifier invalid"),
        (assertion(&bench, |claims| claims["aud"] = json!("https://x.com")), "invalid_grant", "audience is invalid"),
        (assertion(&bench, |claims| claims["exp"] = json!(now() - 9)), "invalid_grant", "expired authorization code"),
        (assertion(&bench, |claims| claims["exp"] = Value::Null), "invalid_grant", "invalid assertion"),
        (
            assertion(&bench, |claims| claims["sub"] = json!("x@y.z")),
            "invalid_grant",
            "user hasn't approved this consumer",
        ),
    ] {
        let told = bench.token(&[("grant_type", grant), ("assertion", &assertion)]).await;
        assert_eq!(told, (400, json!({ "error": error, "error_description": description })));
    }
}

#[tokio::test]
async fn a_code_is_good_once_and_with_its_verifier() {
    let bench = Bench::start().await;
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
    let ask = [
        ("response_type", "code"),
        ("client_id", CLIENT_ID),
        ("redirect_uri", CALLBACK),
        ("state", "xyz=1"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    let (status, target) = bench.authorize(&ask).await;
    let target = target.unwrap();
    assert_eq!((status, parameter(&target, "state").as_str()), (302, "xyz=1"));
    assert!(target.as_str().starts_with(CALLBACK) && target.as_str().contains("%3D%3D"), "{target}");
    let code = parameter(&target, "code");
    let form = |code: &str, verifier: &str| {
        [
            ("grant_type", "authorization_code"),
            ("client_id", CLIENT_ID),
            ("redirect_uri", CALLBACK),
            ("code", code),
            ("code_verifier", verifier),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
    };
    let send = async |form: [(String, String); 5]| {
        let form: Vec<(&str, &str)> = form.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        bench.token(&form).await
    };
    assert_eq!(send(form("nothing", VERIFIER)).await.1["error_description"], "invalid authorization code");
    assert_eq!(send(form(&code, "other")).await.1["error_description"], "invalid code verifier");
    assert_eq!(send(form(&code, VERIFIER)).await.1["error_description"], "expired authorization code");
    let code = parameter(&bench.authorize(&ask).await.1.unwrap(), "code");
    let (status, body) = send(form(&code, VERIFIER)).await;
    assert_eq!(status, 200, "{body}");
    let refresh = body["refresh_token"].as_str().unwrap();
    let form = [("grant_type", "refresh_token"), ("client_id", CLIENT_ID), ("refresh_token", refresh)];
    assert!(bench.is_open(&bench.token(&form).await.1).await);

    assert_eq!(bench.authorize(&[("client_id", "x")]).await, (400, None));
    let elsewhere = [("response_type", "code"), ("client_id", CLIENT_ID), ("redirect_uri", "https://evil.example/")];
    assert_eq!(bench.authorize(&elsewhere).await, (400, None));
}

#[tokio::test]
async fn a_device_waits_to_be_approved() {
    let bench = Bench::start().await;
    let ask = [("response_type", "device_code"), ("client_id", CLIENT_ID), ("scope", "api refresh_token")];
    let (status, device) = bench.token(&ask).await;
    assert_eq!(status, 200);
    assert!(device["verification_uri"].as_str().unwrap().ends_with("/setup/connect"));
    assert_eq!(device["user_code"].as_str().unwrap().len(), 8);
    let poll = [("grant_type", "device"), ("client_id", CLIENT_ID), ("code", device["device_code"].as_str().unwrap())];
    for _ in 0..2 {
        let (status, body) = bench.token(&poll).await;
        assert_eq!((status, &body["error"]), (400, &json!("authorization_pending")));
    }
    let (status, body) = bench.token(&poll).await;
    assert_eq!(status, 200, "{body}");
    assert!(body["refresh_token"].is_string());
    assert_eq!(bench.token(&poll).await.1["error"], "invalid_grant");
    bench.fault(json!({ "on": "device", "do": "refuse" })).await;
    assert_eq!(bench.token(&ask).await.1["error"], "invalid_client");
}

#[tokio::test]
async fn refresh_tokens_rotate_and_end() {
    let bench = Bench::start().await;
    let form = |token: &str| {
        [("grant_type", "refresh_token"), ("client_id", CLIENT_ID), ("refresh_token", token)]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
    };
    let refresh = async |token: &str| {
        let request = bench.client.post(bench.url("/services/oauth2/token")).form(&form(token));
        read(request.send().await.unwrap()).await
    };
    assert!(refresh(REFRESH_TOKEN).await.1.get("refresh_token").is_none());
    bench.fault(json!({ "on": "refresh", "do": "rotate" })).await;
    let (_, body) = refresh(REFRESH_TOKEN).await;
    let next = body["refresh_token"].as_str().unwrap();
    let old = json!({ "error": "invalid_grant", "error_description": "expired access/refresh token" });
    assert_eq!(refresh(REFRESH_TOKEN).await, (400, old.clone()));
    assert_eq!(refresh(next).await.0, 200);
    bench.control("POST", "/reset", "").await;
    assert_eq!(refresh(REFRESH_TOKEN).await.0, 200);
    bench.fault(json!({ "on": "refresh", "do": "expire" })).await;
    assert_eq!(refresh(REFRESH_TOKEN).await, (400, old));
}

#[tokio::test]
async fn the_soap_login_has_its_own_faults() {
    let bench = Bench::start().await;
    let (status, text) = bench.login(USERNAME, PASSWORD).await;
    assert_eq!(status, 200, "{text}");
    let inside = |name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>")).unwrap_or_else(|| panic!("{name}: {text}"));
        rest.split_once('<').unwrap().0.to_owned()
    };
    assert_eq!(inside("sandbox"), "true");
    assert!(inside("serverUrl").starts_with(&bench.url("/services/Soap/u/64.0/00D")));
    assert!(bench.is_open(&json!({ "access_token": inside("sessionId") })).await);
    for recorded in super::recorded("accounts_collections_soql.json") {
        let Some(theirs) = recorded["response"].as_str().filter(|text| text.contains("<loginResponse>")) else {
            continue;
        };
        let names = |text: &str| -> Vec<String> {
            let parts = text.split('<').skip(1).filter(|part| !part.starts_with(['/', '?']));
            parts.map(|part| part.split([' ', '>', '/']).next().unwrap().to_owned()).collect()
        };
        assert_eq!(names(&text), names(theirs));
    }
    let (status, text) = bench.login(USERNAME, "wrong").await;
    assert_eq!(status, 500);
    let words = "<faultcode>sf:INVALID_LOGIN</faultcode><faultstring>INVALID_LOGIN: Invalid username, password, security \
                 token; or user locked out.</faultstring>";
    assert!(text.contains(words), "{text}");
    bench.fault(json!({ "on": "security-token", "do": "on" })).await;
    let (status, text) = bench.login(USERNAME, PASSWORD).await;
    assert!(status == 500 && text.contains("LOGIN_MUST_USE_SECURITY_TOKEN"), "{text}");
    assert_eq!(bench.login(USERNAME, &format!("{PASSWORD}{SECURITY_TOKEN}")).await.0, 200);
}

#[tokio::test]
async fn a_blocked_or_unapproved_app_gets_nobody_in() {
    let bench = Bench::start().await;
    let form = [("grant_type", "client_credentials"), ("client_id", CLIENT_ID), ("client_secret", CLIENT_SECRET)];
    for (action, error, description) in [
        ("block", "OAUTH_APP_BLOCKED", "this app is blocked by admin"),
        ("unapproved", "invalid_grant", "user hasn't approved this consumer"),
    ] {
        bench.fault(json!({ "on": "app", "do": action })).await;
        let told = bench.token(&form).await;
        assert_eq!(told, (400, json!({ "error": error, "error_description": description })));
    }
    bench.fault(json!({ "on": "app", "do": "off" })).await;
    assert_eq!(bench.token(&form).await.0, 200);
}

#[tokio::test]
async fn tokens_are_looked_at_and_taken_back() {
    let bench = Bench::start().await;
    let token = bench.sandbox.ready.salesforce.access_token.clone();
    let post = async |path: &str| {
        let request = bench.client.post(bench.url(path)).form(&[("token", token.as_str())]);
        read(request.send().await.unwrap()).await
    };
    assert_eq!(post("/services/oauth2/introspect").await.1["active"], true);
    let (_, info) = bench.get("/services/oauth2/userinfo").await;
    let identity = bench.client.get(info["sub"].as_str().unwrap()).bearer_auth(&token);
    let (status, identity) = read(identity.send().await.unwrap()).await;
    assert_eq!((status, &identity["username"]), (200, &json!(USERNAME)));
    assert_eq!(post("/services/oauth2/revoke").await.0, 200);
    assert_eq!(post("/services/oauth2/introspect").await.1, json!({ "active": false }));
    assert_eq!(bench.get("limits").await.0, 401);
}

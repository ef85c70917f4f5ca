//! Every way to sign in against canned answers: what is sent where, what is renewed, what a refusal says.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pkcs8::pkcs5::pbes2;
use serde_json::{Value as Json, json};

use super::*;
use crate::destination::Destination as _;
use crate::salesforce::Salesforce;
use crate::salesforce::client::Client;
use crate::salesforce::stub::{Reply, Seen, Stub, fixture};

const KEY: &str = include_str!("../../../assets/sandbox/opens_only_the_sandbox.p8");

fn connect(url: &str, auth: Auth) -> Result<Salesforce, DestinationError> {
    let client = Client::new(Settings { login_url: url.to_owned(), auth, api_version: None, api_floor: None })?;
    Ok(Salesforce::over(client.with_first_wait(Duration::from_millis(1))))
}

fn refused(url: &str, auth: Auth) -> DestinationError {
    connect(url, auth).expect_err("refused before anything is sent")
}

fn jwt(private_key: &str, passphrase: Option<&str>) -> Auth {
    Auth::Jwt {
        client_id: "app".to_owned(),
        username: "ana@acme.example".to_owned(),
        private_key: private_key.to_owned().into(),
        passphrase: passphrase.map(|text| text.to_owned().into()),
        audience: None,
    }
}

fn soap() -> Auth {
    Auth::Soap {
        username: "o'brien&co@acme.example".to_owned(),
        password: "a<b".into(),
        security_token: Some("T0K".into()),
    }
}

/// Keeps a token in memory; tells how often it changed.
#[derive(Debug)]
struct Keeper(Mutex<Vec<SecretString>>);

impl Keeper {
    fn holding(token: &str) -> Arc<Self> {
        Arc::new(Self(Mutex::new(vec![token.to_owned().into()])))
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().iter().map(|token| token.expose_secret().to_owned()).collect()
    }
}

impl TokenKeeper for Keeper {
    fn load(&self) -> Result<SecretString, DestinationError> {
        Ok(self.0.lock().unwrap().last().unwrap().clone())
    }

    fn keep(&self, token: &SecretString) -> Result<(), DestinationError> {
        self.0.lock().unwrap().push(token.clone());
        Ok(())
    }

    fn hint(&self) -> String {
        "Run `gondola login sales`.".to_owned()
    }
}

fn limits() -> Reply {
    Reply::json(200, &json!({"DailyApiRequests": {"Max": 15_000, "Remaining": 14_998}}))
}

fn ended() -> Reply {
    Reply::json(401, &json!([{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]))
}

fn oauth_refusal(error: &str, description: &str) -> Reply {
    Reply::json(400, &json!({"error": error, "error_description": description}))
}

fn soap_answer(url: &str, session: &str) -> Reply {
    let body = format!(
        "<?xml version=\"1.0\"?><soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" \
         xmlns=\"urn:partner.soap.sforce.com\"><soapenv:Body><loginResponse><result><passwordExpired>false\
         </passwordExpired><serverUrl>{url}/services/Soap/u/64.0/00D000000000001</serverUrl><sessionId>{session}\
         </sessionId><userId>005000000000001AAA</userId></result></loginResponse></soapenv:Body></soapenv:Envelope>"
    );
    Reply::Http(200, "Content-Type: text/xml\r\n", body)
}

fn soap_fault(code: &str, message: &str) -> Reply {
    let body = format!(
        "<?xml version=\"1.0\"?><soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" \
         xmlns:sf=\"urn:fault.partner.soap.sforce.com\"><soapenv:Body><soapenv:Fault><faultcode>sf:{code}</faultcode>\
         <faultstring>{code}: {message}</faultstring><detail><sf:LoginFault><sf:exceptionCode>{code}\
         </sf:exceptionCode><sf:exceptionMessage>{message}</sf:exceptionMessage></sf:LoginFault></detail>\
         </soapenv:Fault></soapenv:Body></soapenv:Envelope>"
    );
    Reply::Http(500, "Content-Type: text/xml\r\n", body)
}

/// Ends the first session at the first call.
async fn one_ended_session(url: fn(&Seen) -> String) -> Stub {
    let calls = AtomicUsize::new(0);
    Stub::start(move |seen| {
        if seen.path().starts_with("/services/Soap/") {
            return Some(soap_answer(&url(seen), &format!("00D!{}", calls.load(Ordering::SeqCst))));
        }
        if seen.is_sign_in() {
            return None;
        }
        Some(if calls.fetch_add(1, Ordering::SeqCst) == 0 { ended() } else { limits() })
    })
    .await
}

fn own_url(seen: &Seen) -> String {
    format!("http://{}", seen.headers["host"])
}

fn form(seen: &Seen) -> std::collections::HashMap<String, String> {
    url::form_urlencoded::parse(seen.body.as_bytes()).into_owned().collect()
}

#[tokio::test]
async fn each_way_that_can_signs_in_again_once_when_the_session_ends() {
    let secret = || SecretString::from("s3cret");
    let ways: Vec<(Auth, &str)> = vec![
        (jwt(KEY, None), "urn:ietf:params:oauth:grant-type:jwt-bearer"),
        (Auth::ClientCredentials { client_id: "app".to_owned(), client_secret: secret() }, "client_credentials"),
        (
            Auth::RefreshToken { client_id: "app".to_owned(), client_secret: None, refresh_token: "5Aep".into() },
            "refresh_token",
        ),
        (
            Auth::Kept { client_id: "app".to_owned(), client_secret: None, keeper: Keeper::holding("5Aep") },
            "refresh_token",
        ),
        (
            Auth::Password {
                client_id: "app".to_owned(),
                client_secret: secret(),
                username: "ana@acme.example".to_owned(),
                password: "pw".into(),
                security_token: Some("T0K".into()),
            },
            "password",
        ),
    ];
    for (auth, grant) in ways {
        let stub = one_ended_session(own_url).await;
        let salesforce = connect(&stub.url, auth).unwrap();
        assert_eq!(salesforce.ask_usage().await.unwrap().max, 15_000);
        let sign_ins = stub.sign_ins();
        assert_eq!((sign_ins.len(), stub.calls().len()), (2, 2), "{grant}");
        for sign_in in &sign_ins {
            assert_eq!(form(sign_in)["grant_type"], grant);
            assert!(!sign_in.target.contains('?'), "secrets travel in the body: {}", sign_in.target);
        }
    }
    let stub = one_ended_session(own_url).await;
    connect(&stub.url, soap()).unwrap().ask_usage().await.unwrap();
    assert_eq!(stub.sign_ins().len(), 2);
}

#[tokio::test]
async fn an_assertion_says_who_for_whom_and_for_how_long() {
    let stub = Stub::start(|seen| (!seen.is_sign_in()).then(limits)).await;
    connect(&stub.url, jwt(KEY, None)).unwrap().ask_usage().await.unwrap();
    let sign_in = form(&stub.sign_ins()[0]);
    let parts: Vec<Json> = sign_in["assertion"]
        .split('.')
        .take(2)
        .map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap())
        .collect();
    assert_eq!(parts[0]["alg"], "RS256");
    assert_eq!(
        (&parts[1]["iss"], &parts[1]["sub"], &parts[1]["aud"]),
        (&json!("app"), &json!("ana@acme.example"), &json!(stub.url))
    );
    let left = parts[1]["exp"].as_i64().unwrap() - jiff::Timestamp::now().as_second();
    assert!((100..=180).contains(&left), "{left}");
    assert_eq!(sign_in.len(), 2, "nothing else is sent: {sign_in:?}");
}

#[tokio::test]
async fn an_assertion_by_a_clock_that_is_off_is_signed_again_by_salesforces() {
    let tries = AtomicUsize::new(0);
    let stub = Stub::start(move |seen| {
        if !seen.is_sign_in() {
            return Some(limits());
        }
        let body = json!({"error": "invalid_grant", "error_description": "expired authorization code"}).to_string();
        let old = "Date: Wed, 21 Oct 2015 07:28:00 GMT\r\n";
        (tries.fetch_add(1, Ordering::SeqCst) == 0).then_some(Reply::Http(400, old, body))
    })
    .await;
    connect(&stub.url, jwt(KEY, None)).unwrap().ask_usage().await.unwrap();
    let expiries: Vec<i64> = stub
        .sign_ins()
        .iter()
        .map(|seen| {
            let claims = form(seen)["assertion"].split('.').nth(1).map(|part| URL_SAFE_NO_PAD.decode(part).unwrap());
            serde_json::from_slice::<Json>(&claims.unwrap()).unwrap()["exp"].as_i64().unwrap()
        })
        .collect();
    assert_eq!(expiries[1] / 100_000, 1_445_412_480 / 100_000);
    assert!(expiries[0] > expiries[1]);
}

#[test]
fn keys_are_read_in_their_three_forms() {
    let (_, document) = pkcs8::SecretDocument::from_pem(KEY).unwrap();
    let info = pkcs8::PrivateKeyInfo::try_from(document.as_bytes()).unwrap();
    let lines = pkcs8::LineEnding::LF;
    let pkcs1 = pkcs8::der::pem::encode_string("RSA PRIVATE KEY", lines, info.private_key).unwrap();
    let parameters = pbes2::Parameters::pbkdf2_sha256_aes256cbc(1_000, b"saltsalt", &[7; 16]).unwrap();
    let encrypted = info.encrypt_with_params(parameters, "open").unwrap();
    let encrypted = encrypted.to_pem("ENCRYPTED PRIVATE KEY", lines).unwrap();
    let url = "https://acme.my.salesforce.com";
    let beside = format!("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n{KEY}");
    for good in [KEY, &pkcs1, &KEY.replace('\n', "\r\n"), &KEY.replace('\n', "\\n"), &beside] {
        connect(url, jwt(good, None)).unwrap();
    }
    connect(url, jwt(&encrypted, Some("open"))).unwrap();

    let elliptic = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgAAAA\n-----END PRIVATE KEY-----\n";
    let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: DES-EDE3-CBC,1\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
    for (bad, passphrase, part) in [
        (encrypted.as_str(), None, "is encrypted, and there is no passphrase"),
        (&encrypted, Some("shut"), "cannot be decrypted"),
        (old, None, "old way of PKCS#1"),
        ("hunter2", None, "is not a key in PEM form"),
        ("", None, "is not a key in PEM form"),
        ("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", None, "holds a certificate"),
        ("-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n", None, "holds a public key"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----\n", None, "OpenSSH"),
        (&KEY[..KEY.len() / 2], None, "ends before its last line"),
        (elliptic, None, "is not an RSA key"),
        ("-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----\n", None, "is not an RSA key"),
    ] {
        let error = refused(url, jwt(bad, passphrase));
        assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Configuration, "INVALID_KEY"), "{error}");
        assert!(error.message.contains(part) && error.hint.is_some(), "{error}");
        assert!(!error.to_string().contains("hunter2") && !error.to_string().contains("shut"));
    }
}

#[tokio::test]
async fn soap_sends_what_was_recorded_and_reads_what_was_answered() {
    let stub = one_ended_session(own_url).await;
    connect(&stub.url, soap()).unwrap().ask_usage().await.unwrap();
    let sign_in = &stub.sign_ins()[0];
    assert_eq!((sign_in.method.as_str(), sign_in.path()), ("POST", "/services/Soap/u/64.0"));
    assert_eq!(sign_in.headers["soapaction"], "login");
    assert!(
        sign_in.body.contains("<username>o&apos;brien&amp;co@acme.example</username><password>a&lt;bT0K</password>")
    );

    let Some(exchanges) = fixture("accounts_collections_soql.json") else { return };
    let recorded = exchanges[0]["response"].as_str().unwrap().to_owned();
    let recorded = recorded.replace("https://d4s000000oz4euaa-dev-ed.my.salesforce.com", "HOST");
    let stub = Stub::start(move |seen| {
        let text = recorded.replace("HOST", &own_url(seen));
        Some(if seen.is_sign_in() { Reply::Http(200, "", text) } else { limits() })
    })
    .await;
    let salesforce = connect(&stub.url, soap()).unwrap();
    salesforce.ask_usage().await.unwrap();
    assert_eq!(stub.calls()[0].headers["authorization"], "Bearer SCRUBBED");
    let request = exchanges[0]["request"].as_str().unwrap();
    for part in ["http://schemas.xmlsoap.org/soap/envelope/", "<login xmlns=\"urn:partner.soap.sforce.com\"><username>"]
    {
        assert!(request.contains(part) && sign_in.body.contains(part), "{part}");
    }
}

#[tokio::test]
async fn soap_faults_say_what_to_do() {
    for (code, message, hint) in [
        ("INVALID_LOGIN", "Invalid username, password, security token; or user locked out.", "Check user name"),
        ("LOGIN_MUST_USE_SECURITY_TOKEN", "Use your security token &amp; password.", "security_token"),
        ("INVALID_OPERATION", "SOAP API login() is disabled by default in this org.", "auth = \"jwt\""),
        ("UNSUPPORTED_API_VERSION", "Invalid Api version specified on URL", "retired"),
        ("SOMETHING_NEW", "?", "sign-in settings"),
    ] {
        let stub = Stub::start(move |_| Some(soap_fault(code, message))).await;
        let error = connect(&stub.url, soap()).unwrap().ask_usage().await.unwrap_err();
        assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Auth, code));
        assert_eq!(error.message, message.replace("&amp;", "&"));
        assert!(error.hint.as_ref().unwrap().contains(hint), "{error:?}");
        assert_eq!(stub.sign_ins().len(), 1, "a wrong password is not tried twice: it would lock the user out");
    }
    let expired = |seen: &Seen| {
        let Reply::Http(status, headers, body) = soap_answer(&own_url(seen), "x") else { unreachable!() };
        Some(Reply::Http(status, headers, body.replace(">false", ">true")))
    };
    let error = connect(&Stub::start(expired).await.url, soap()).unwrap().ask_usage().await.unwrap_err();
    assert_eq!(error.code, "PASSWORD_EXPIRED");
    for odd in [
        "<html>",
        "",
        "<a>",
        "\u{0}",
        "{}",
        "<a><b>&nope;</b></a>",
        "<!DOCTYPE x [<!ENTITY e \"b\">]><a><b>&e;</b></a>",
    ] {
        let stub = Stub::start(move |_| Some(Reply::Http(200, "", odd.to_owned()))).await;
        let error = connect(&stub.url, soap()).unwrap().ask_usage().await.unwrap_err();
        assert_eq!(error.code, "BAD_ANSWER", "{odd}");
    }
}

#[tokio::test]
async fn no_sign_in_is_led_to_another_host() {
    let evil = "https://acme.my.salesforce.com.evil.example";
    let answer = json!({"access_token": "t", "instance_url": evil, "id": "x"});
    let auth = Auth::ClientCredentials { client_id: "app".to_owned(), client_secret: "s3cret".into() };
    let stub = Stub::start(move |_| Some(Reply::json(200, &answer))).await;
    let error = connect(&stub.url, auth.clone()).unwrap().ask_usage().await.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Configuration, "INVALID_URL"));
    assert!(error.message.contains("evil.example") && stub.calls().is_empty());
    let stub = Stub::start(move |_| Some(soap_answer(evil, "x"))).await;
    assert_eq!(connect(&stub.url, soap()).unwrap().ask_usage().await.unwrap_err().code, "INVALID_URL");
    let given = Auth::AccessToken { instance_url: evil.to_owned(), access_token: "t".into() };
    assert_eq!(refused("", given).code, "INVALID_URL");
    assert_eq!(refused(evil, auth).code, "INVALID_URL");
}

#[tokio::test]
async fn a_login_url_that_is_not_the_orgs_own_says_which_is() {
    let auth = || Auth::ClientCredentials { client_id: "app".to_owned(), client_secret: "s3cret".into() };
    for url in ["https://login.salesforce.com", "https://test.salesforce.com/"] {
        let error = refused(url, auth());
        assert!(error.kind == ErrorKind::Configuration && error.hint.unwrap().contains("My Domain"));
    }
    for (headers, hint) in [
        (
            "Location: https://new.my.salesforce.com/services/oauth2/token\r\n",
            "login_url = \"https://new.my.salesforce.com\"",
        ),
        ("Location: https://new.my.salesforce.com.evil.example/x\r\n", "My Domain"),
        ("", "My Domain"),
    ] {
        let stub = Stub::start(move |_| Some(Reply::Http(301, headers, String::new()))).await;
        for auth in [auth(), soap()] {
            let error = connect(&stub.url, auth).unwrap().ask_usage().await.unwrap_err();
            assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Configuration, "WRONG_LOGIN_URL"));
            assert!(error.hint.as_ref().unwrap().contains(hint), "{error:?}");
        }
    }
}

#[tokio::test]
async fn refusals_of_the_app_name_the_next_step() {
    for (code, message, hint) in [
        ("invalid_grant", "user hasn't approved this consumer", "pre-authorized"),
        ("invalid_app_access", "user is not admin approved to access this app", "pre-authorized"),
        ("OAUTH_APP_BLOCKED", "this app is blocked by admin", "Unblock"),
        ("OAUTH_EC_APP_NOT_FOUND", "External client app is not installed in this org", "Install"),
        ("invalid_grant", "audience is invalid", "audience ="),
        ("invalid_grant", "invalid assertion", "certificate"),
        ("invalid_client", "invalid client credentials", "certificate"),
        ("invalid_client_id", "client identifier invalid", "client_id"),
        ("invalid_grant", "ip restricted", "IP ranges"),
        ("unsupported_grant_type", "grant type not supported", "flow"),
    ] {
        let stub = Stub::start(move |_| Some(oauth_refusal(code, message))).await;
        let error = connect(&stub.url, jwt(KEY, None)).unwrap().ask_usage().await.unwrap_err();
        assert_eq!((error.kind, error.code.as_str(), error.message.as_str()), (ErrorKind::Auth, code, message));
        assert!(error.hint.as_ref().unwrap().contains(hint), "{error:?}");
        assert_eq!(stub.sign_ins().len(), 1);
    }
}

#[tokio::test]
async fn a_rotated_token_is_kept_and_used_the_next_time() {
    let made = AtomicUsize::new(0);
    let calls = AtomicUsize::new(0);
    let stub = Stub::start(move |seen| {
        if !seen.is_sign_in() {
            return Some(if calls.fetch_add(1, Ordering::SeqCst) == 0 { ended() } else { limits() });
        }
        let number = made.fetch_add(1, Ordering::SeqCst);
        let given = form(seen)["refresh_token"].clone();
        Some(if given == format!("5Aep{number}") {
            Reply::json(
                200,
                &json!({"access_token": "t", "instance_url": own_url(seen),
                "refresh_token": format!("5Aep{}", number + 1)}),
            )
        } else {
            oauth_refusal("invalid_grant", "expired access/refresh token")
        })
    })
    .await;
    let keeper = Keeper::holding("5Aep0");
    let auth = Auth::Kept { client_id: "app".to_owned(), client_secret: None, keeper: keeper.clone() };
    let salesforce = connect(&stub.url, auth).unwrap();
    salesforce.ask_usage().await.unwrap();
    assert_eq!(keeper.all(), ["5Aep0", "5Aep1", "5Aep2"]);
    // Another process has signed in meanwhile: the token is read anew each time.
    keeper.keep(&"stolen".to_owned().into()).unwrap();
    let auth = Auth::Kept { client_id: "app".to_owned(), client_secret: None, keeper: keeper.clone() };
    let error = connect(&stub.url, auth).unwrap().ask_usage().await.unwrap_err();
    assert_eq!((error.kind, error.hint.as_deref()), (ErrorKind::Auth, Some("Run `gondola login sales`.")));
}

#[test]
fn nothing_secret_is_printed() {
    let secret = || SecretString::from("hush-hush");
    let text = |text: &str| text.to_owned();
    let all = [
        Auth::Jwt {
            client_id: text("app"),
            username: text("u"),
            private_key: KEY.to_owned().into(),
            passphrase: Some(secret()),
            audience: None,
        },
        Auth::ClientCredentials { client_id: text("app"), client_secret: secret() },
        Auth::RefreshToken { client_id: text("app"), client_secret: Some(secret()), refresh_token: secret() },
        Auth::Kept { client_id: text("app"), client_secret: Some(secret()), keeper: Keeper::holding("hush-hush") },
        Auth::Password {
            client_id: text("app"),
            client_secret: secret(),
            username: text("u"),
            password: secret(),
            security_token: Some(secret()),
        },
        Auth::Soap { username: text("u"), password: secret(), security_token: Some(secret()) },
        Auth::AccessToken { instance_url: text("https://acme.my.salesforce.com"), access_token: secret() },
    ];
    for auth in all {
        let settings =
            Settings { login_url: text("https://acme.my.salesforce.com"), auth, api_version: None, api_floor: None };
        let before = format!("{settings:?}");
        let made = format!("{:?}", Client::new(settings).unwrap());
        for shown in [before, made] {
            assert!(!shown.contains("hush") && !shown.contains("MII"), "{shown}");
        }
    }
    let session = Session::new(Base::parse("x", "http://127.0.0.1:1").unwrap(), &secret(), None).unwrap();
    assert!(!format!("{session:?} {:?}", session.authorization).contains("hush"));
}

mod sf {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::salesforce::auth::sf_cli::SfCli;

    /// A program in the place of `sf`.
    fn program(script: &str) -> (tempfile::TempDir, SfCli) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sf");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        let sf = SfCli { target_org: Some("sales".to_owned()), program: path.into() };
        (folder, sf)
    }

    #[tokio::test]
    async fn the_token_comes_from_old_and_new_versions() {
        for script in [
            "echo '{\"status\":0,\"result\":{\"accessToken\":\"00D!old\",\"instanceUrl\":\"http://127.0.0.1:4711/\"}}'",
            // Since May 2026.
            "echo 'Warning: update available'\ncase \"$*\" in\n'org display --json --target-org=sales') echo \
             '{\"status\":0,\"result\":{\"accessToken\":\"[REDACTED] Use sf org auth show-access-token\",\"instanceUrl\":\
             \"http://127.0.0.1:4711\",\"username\":\"u\"}}';;\n'org auth show-access-token --no-prompt --json \
             --target-org=sales') echo '{\"result\":{\"accessToken\":\"00D!old\"},\"warnings\":[\"x\"]}';;\n*) exit 9;; esac",
        ] {
            let (_folder, sf) = program(script);
            let session = sf.session().await.unwrap();
            assert_eq!(session.base.as_str(), "http://127.0.0.1:4711");
            assert_eq!(session.authorization.to_str().unwrap(), "Bearer 00D!old");
        }
    }

    #[tokio::test]
    async fn each_fault_is_one_clear_line() {
        for (script, code, parts) in [
            (
                "echo '{\"name\":\"NamedOrgNotFoundError\",\"message\":\"No authorization information found for sales.\"}'; exit 1",
                "SF_CLI_UNKNOWN_ORG",
                ["No authorization information", "sf org login web --alias sales"],
            ),
            (
                "printf '%s' '{\"name\":\"RefreshTokenAuthError\",\"message\":\"Error authenticating with the refresh token\\nmore\"}'; exit 1",
                "SF_CLI",
                ["refresh token", "sf org login web --alias sales"],
            ),
            ("echo oops >&2; exit 3", "SF_CLI", ["exit code 3", "sf org login"]),
            ("echo '{\"result\":{\"username\":\"u\"}}'", "SF_CLI", ["instanceUrl", "sf org login"]),
            (
                "echo '{\"result\":{\"accessToken\":\"t\",\"instanceUrl\":\"https://acme.my.salesforce.com.evil.example\"}}'",
                "INVALID_URL",
                ["evil.example", "My Domain"],
            ),
        ] {
            let (_folder, sf) = program(script);
            let error = sf.session().await.unwrap_err();
            let whole = format!("{error} {}", error.hint.clone().unwrap());
            assert_eq!(error.code, code, "{whole}");
            assert!(parts.iter().all(|part| whole.contains(part)) && !whole.contains("more"), "{whole}");
        }
        let sf = SfCli { target_org: None, program: "surely-no-such-program".into() };
        let error = sf.session().await.unwrap_err();
        assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Configuration, "SF_CLI_MISSING"));
    }
}

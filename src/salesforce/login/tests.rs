//! A person's sign-in: what the addresses hold, what is accepted back, how the device flow ends.

use std::sync::atomic::{AtomicUsize, Ordering};

use secrecy::ExposeSecret as _;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use url::Url;

use super::*;
use crate::salesforce::stub::{Reply, Seen, Stub};

fn settings(login_url: &str, redirect_uri: Option<&str>) -> AppSettings {
    AppSettings {
        login_url: login_url.to_owned(),
        client_id: "app".to_owned(),
        client_secret: Some("s3cret".into()),
        redirect_uri: redirect_uri.map(str::to_owned),
        username: None,
    }
}

fn parameter(url: &str, name: &str) -> String {
    let url = Url::parse(url).unwrap();
    url.query_pairs().find(|(key, _)| key == name).unwrap_or_else(|| panic!("no {name} in {url}")).1.into_owned()
}

fn form(seen: &Seen) -> std::collections::HashMap<String, String> {
    url::form_urlencoded::parse(seen.body.as_bytes()).into_owned().collect()
}

fn granted(seen: &Seen) -> Reply {
    let url = format!("http://{}", seen.headers["host"]);
    Reply::json(200, &json!({"access_token": "t", "instance_url": url, "refresh_token": "5Aep"}))
}

#[tokio::test]
async fn the_code_is_redeemed_with_the_verifier_of_the_challenge() {
    let stub = Stub::start(|seen| Some(granted(seen))).await;
    let login = WebLogin::new(&settings(&stub.url, None)).unwrap();
    assert!(login.url().starts_with(&format!("{}/services/oauth2/authorize?response_type=code&", stub.url)));
    assert_eq!(parameter(login.url(), "code_challenge_method"), "S256");
    let redirect = "http://localhost:1717/OauthRedirect";
    assert_eq!((parameter(login.url(), "redirect_uri").as_str(), login.port()), (redirect, Some(1717)));
    let pasted = format!(" {redirect}?code=aPrx%3D%3D\n  &state={} ", parameter(login.url(), "state"));
    let given = login.redeem(login.code_in(&pasted).unwrap()).await.unwrap();
    assert_eq!((given.refresh_token.expose_secret(), given.login_url.as_str()), ("5Aep", stub.url.as_str()));
    let sent = form(&stub.sign_ins()[0]);
    assert_eq!((sent["grant_type"].as_str(), sent["code"].as_str()), ("authorization_code", "aPrx=="));
    assert_eq!((sent["redirect_uri"].as_str(), sent["client_secret"].as_str()), (redirect, "s3cret"));
    let challenge = base64::Engine::encode(
        &base64::engine::general_purpose::URL_SAFE_NO_PAD,
        Sha256::digest(sent["code_verifier"].as_bytes()),
    );
    assert_eq!(challenge, parameter(login.url(), "code_challenge"));
    assert!((43..=128).contains(&sent["code_verifier"].len()));
    let other = WebLogin::new(&settings(&stub.url, None)).unwrap();
    assert_ne!(parameter(other.url(), "state"), parameter(login.url(), "state"));
    assert!(!format!("{login:?}").contains(&sent["code_verifier"]) && !login.url().contains("s3cret"));
}

#[test]
fn only_the_answer_to_this_sign_in_is_taken() {
    let login = WebLogin::new(&settings("https://acme.my.salesforce.com", None)).unwrap();
    let state = parameter(login.url(), "state");
    let base = login.redirect_uri();
    for bad in [
        "aPrx".to_owned(),
        String::new(),
        base.to_owned(),
        format!("{base}?code=aPrx"),
        format!("{base}?code=aPrx&state=other"),
        format!("{base}?error=access_denied&state=other"),
        format!("{base}?state={state}"),
    ] {
        let error = login.code_in(&bad).unwrap_err();
        assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Configuration, "NOT_THE_ADDRESS"), "{bad}");
        assert!(error.hint.unwrap().contains("code="));
    }
    let refused = format!("{base}?error=access_denied&error_description=end-user+denied+authorization&state={state}");
    let error = login.code_in(&refused).unwrap_err();
    assert_eq!((error.kind, error.message.as_str()), (ErrorKind::Auth, "end-user denied authorization"));
}

#[test]
fn a_code_is_sent_only_where_nobody_else_reads_it() {
    for good in ["https://login.salesforce.com/services/oauth2/success", "http://127.0.0.1:8765/x", "http://[::1]:1/x"]
    {
        WebLogin::new(&settings("https://acme.my.salesforce.com", Some(good))).unwrap();
    }
    for bad in ["http://example.com/x", "ftp://localhost/x", "localhost:1717", "", "http://localhost.evil.example/x"] {
        let error = WebLogin::new(&settings("https://acme.my.salesforce.com", Some(bad))).unwrap_err();
        assert!(error.message.starts_with("redirect_uri"), "{bad}: {error}");
    }
    assert!(WebLogin::new(&settings("https://acme.my.salesforce.com.evil.example", None)).is_err());
}

#[tokio::test]
async fn the_browsers_redirect_is_caught_and_strangers_are_not() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let place = free.local_addr().unwrap();
    drop(free);
    let redirect = format!("http://127.0.0.1:{}/OauthRedirect", place.port());
    let login = WebLogin::new(&settings("http://127.0.0.1:9", Some(&redirect))).unwrap();
    let state = parameter(login.url(), "state");
    let browser = async {
        let mut answers = Vec::new();
        for target in [
            "/favicon.ico".to_owned(),
            "//evil.example/OauthRedirect?code=x".to_owned(),
            "/OauthRedirect?code=x&state=guessed".to_owned(),
            format!("/OauthRedirect?code=aPrx&state={state}"),
        ] {
            let mut stream = loop {
                match tokio::net::TcpStream::connect(place).await {
                    Ok(stream) => break stream,
                    Err(_) => tokio::task::yield_now().await,
                }
            };
            stream.write_all(format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await.unwrap();
            let mut text = String::new();
            stream.read_to_string(&mut text).await.unwrap();
            assert!(!text.contains("guessed") && !text.contains("aPrx"));
            answers.push(text.split(' ').nth(1).unwrap().to_owned());
        }
        answers
    };
    let (caught, answers) = tokio::join!(login.caught(), browser);
    caught.unwrap();
    assert_eq!(answers, ["404", "404", "400", "200"]);

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let redirect = format!("http://127.0.0.1:{}/x", taken.local_addr().unwrap().port());
    let login = WebLogin::new(&settings("http://127.0.0.1:9", Some(&redirect))).unwrap();
    let error = login.caught().await.unwrap_err();
    assert!(error.kind == ErrorKind::Configuration && error.hint.unwrap().contains("Paste"));
}

fn device_answer(url: &str) -> Reply {
    Reply::json(
        200,
        &json!({"device_code": "dev", "user_code": "ABCD-\u{1b}[2J1234", "interval": 0,
            "verification_uri": format!("{url}/setup/connect")}),
    )
}

#[tokio::test]
async fn a_device_waits_until_the_person_is_done() {
    let polls = AtomicUsize::new(0);
    let stub = Stub::start(move |seen| {
        let sent = form(seen);
        if sent.contains_key("response_type") {
            return Some(device_answer(&format!("http://{}", seen.headers["host"])));
        }
        assert_eq!((sent["grant_type"].as_str(), sent["code"].as_str()), ("device", "dev"));
        let refused = |code: &str| Reply::json(400, &json!({"error": code, "error_description": "waiting"}));
        Some(match polls.fetch_add(1, Ordering::SeqCst) {
            0 => refused("authorization_pending"),
            1 => refused("slow_down"),
            2 => Reply::Http(503, "", String::new()),
            _ => granted(seen),
        })
    })
    .await;
    let mut login = DeviceLogin::start(&settings(&stub.url, None)).await.unwrap();
    assert_eq!(login.verification_url(), format!("{}/setup/connect", stub.url));
    assert_eq!(login.user_code(), "ABCD-2J1234", "nothing in it steers the terminal");
    login.hurry();
    assert_eq!(login.wait().await.unwrap().refresh_token.expose_secret(), "5Aep");
    assert_eq!(stub.sign_ins().len(), 5);
}

#[tokio::test]
async fn an_org_that_closes_the_device_flow_says_what_works() {
    let refusal = || Reply::json(400, &json!({"error": "invalid_client", "error_description": "app is not installed"}));
    let stub = Stub::start(move |_| Some(refusal())).await;
    let error = DeviceLogin::start(&settings(&stub.url, None)).await.unwrap_err();
    assert!(error.kind == ErrorKind::Auth && error.hint.unwrap().contains("September 2025"));

    let stub = Stub::start(|_| Some(device_answer("https://acme.my.salesforce.com.evil.example"))).await;
    assert_eq!(DeviceLogin::start(&settings(&stub.url, None)).await.unwrap_err().code, "BAD_ANSWER");
}

#[tokio::test]
async fn an_app_without_the_scope_is_told_so() {
    let stub = Stub::start(|seen| {
        let url = format!("http://{}", seen.headers["host"]);
        Some(Reply::json(200, &json!({"access_token": "t", "instance_url": url})))
    })
    .await;
    let login = WebLogin::new(&settings(&stub.url, None)).unwrap();
    let pasted = format!("{}?code=x&state={}", login.redirect_uri(), parameter(login.url(), "state"));
    let error = login.redeem(login.code_in(&pasted).unwrap()).await.unwrap_err();
    assert!(error.code == "NO_REFRESH_TOKEN" && error.hint.unwrap().contains("refresh_token"));
}

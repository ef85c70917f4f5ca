//! The wire, over real HTTP, held against recorded bodies and against the documentation.

mod bulk;
mod collections;
mod faults;
mod fixtures;
mod flows;
mod queries;
mod reads;
mod rows;
mod sign_in;
mod switches;

use std::collections::BTreeSet;
use std::path::PathBuf;

use reqwest::{Client, Method, Response};
use serde_json::{Value, json};

use crate::sandbox::{Options, Sandbox};

/// A sandbox and somebody who is signed in to it.
struct Bench {
    sandbox: Sandbox,
    client: Client,
}

impl Bench {
    async fn start() -> Self {
        Self::with(Options { rows: 30, contacts: Some(0), ..Options::default() }).await
    }

    async fn with(options: Options) -> Self {
        Self { sandbox: Sandbox::start(options).await.unwrap(), client: Client::new() }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.sandbox.ready.salesforce.instance_url)
    }

    fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let path = if path.starts_with("/services") { path.to_owned() } else { format!("/services/data/v65.0/{path}") };
        self.client
            .request(Method::from_bytes(method.as_bytes()).unwrap(), self.url(&path))
            .bearer_auth(&self.sandbox.ready.salesforce.access_token)
    }

    async fn send(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let request = self.request(method, path);
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        read(request.send().await.unwrap()).await
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.send("GET", path, None).await
    }

    async fn query(&self, soql: &str) -> (u16, Value) {
        read(self.request("GET", "query").query(&[("q", soql)]).send().await.unwrap()).await
    }

    /// Ids that a query finds.
    async fn ids(&self, soql: &str) -> Vec<String> {
        let (status, body) = self.query(soql).await;
        assert_eq!(status, 200, "{soql}: {body}");
        body["records"].as_array().unwrap().iter().map(|it| it["Id"].as_str().unwrap().to_owned()).collect()
    }

    /// Creates contacts; all must be taken.
    async fn create(&self, records: Value) -> Vec<String> {
        let records: Vec<Value> = records
            .as_array()
            .unwrap()
            .iter()
            .map(|record| {
                let mut record = record.clone();
                if record.get("attributes").is_none() {
                    record["attributes"] = json!({ "type": "Contact" });
                }
                record
            })
            .collect();
        let (status, body) = self.send("POST", "composite/sobjects", Some(json!({ "records": records }))).await;
        assert_eq!(status, 200, "{body}");
        let ids = body.as_array().unwrap().iter();
        ids.map(|it| it["id"].as_str().unwrap_or_else(|| panic!("{it}")).to_owned()).collect()
    }

    async fn control(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let url = format!("{}{path}", self.sandbox.ready.control_url);
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        read(self.client.request(method, url).body(body.to_owned()).send().await.unwrap()).await
    }

    async fn fault(&self, fault: Value) {
        let (status, body) = self.control("POST", "/fault", &fault.to_string()).await;
        assert_eq!(status, 200, "{body}");
    }

    async fn contacts(&self) -> u64 {
        self.control("GET", "/stats", "").await.1["records"]["Contact"].as_u64().unwrap()
    }
}

async fn read(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

fn recordings_folder() -> PathBuf {
    let folder = std::env::var_os("GONDOLA_FIXTURES")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/fixtures"), PathBuf::from);
    folder.join("salesforce")
}

/// The files that hold recordings; none, said aloud, where they are not at hand.
fn recordings() -> Vec<String> {
    let folder = recordings_folder();
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("skipped: no recordings at {}", folder.display());
        return Vec::new();
    };
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.rsplit_once('.').is_some_and(|(_, end)| end == "json")).collect()
}

/// The recorded exchanges of a file, or nothing (said aloud) where the recordings are not at hand.
fn recorded(file: &str) -> Vec<Value> {
    let path = recordings_folder().join(file);
    if let Ok(text) = std::fs::read_to_string(&path) {
        serde_json::from_str(&text).unwrap()
    } else {
        println!("skipped: no recordings at {}", path.display());
        Vec::new()
    }
}

fn keys(value: &Value) -> BTreeSet<String> {
    value.as_object().unwrap().keys().cloned().collect()
}

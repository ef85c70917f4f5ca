//! For tests: an HTTP server that answers what a test tells it to, the recorded fixtures, a small Contact.

use std::collections::HashMap;
use std::io::Read as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use serde_json::Value as Json;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::types::{Field, FieldType, ObjectDescribe};

/// A request as it arrived, its body unpacked.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub method: String,
    pub target: String,
    pub headers: HashMap<String, String>,
    pub body: String,
}

impl Seen {
    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap()
    }

    pub(crate) fn is_sign_in(&self) -> bool {
        self.path() == "/services/oauth2/token" || self.path().starts_with("/services/Soap/")
    }

    pub(crate) fn json(&self) -> Json {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The query, decoded.
    pub(crate) fn soql(&self) -> String {
        let url = url::Url::parse(&format!("http://x{}", self.target)).unwrap();
        url.query_pairs().find(|(name, _)| name == "q").unwrap().1.into_owned()
    }
}

/// What the stub does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    Http(u16, &'static str, String),
    /// Close the connection without a word.
    Close,
    /// Promise more body than comes.
    Cut(u16, String),
}

impl Reply {
    pub(crate) fn json(status: u16, body: &Json) -> Self {
        Self::Http(status, "Sforce-Limit-Info: api-usage=18/15000\r\n", body.to_string())
    }
}

/// A running stub.
#[derive(Debug, Clone)]
pub(crate) struct Stub {
    pub url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Stub {
    /// Serves until the test's runtime ends; sign-ins are answered unless `answer` does.
    pub(crate) async fn start(answer: impl Fn(&Seen) -> Option<Reply> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stub = Self { url: format!("http://{}", listener.local_addr().unwrap()), seen: Arc::default() };
        let (served, answer) = (stub.clone(), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (served, answer) = (served.clone(), Arc::clone(&answer));
                tokio::spawn(async move { served.serve(stream, &*answer).await });
            }
        });
        stub
    }

    /// The requests so far, sign-ins left out.
    pub(crate) fn calls(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().iter().filter(|seen| !seen.is_sign_in()).cloned().collect()
    }

    pub(crate) fn sign_ins(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().iter().filter(|seen| seen.is_sign_in()).cloned().collect()
    }

    async fn serve(&self, stream: TcpStream, answer: &(impl Fn(&Seen) -> Option<Reply> + Sync)) {
        let mut stream = BufReader::new(stream);
        while let Some(seen) = read_request(&mut stream).await {
            let count = {
                let mut all = self.seen.lock().unwrap();
                all.push(seen.clone());
                all.len()
            };
            let reply = answer(&seen).unwrap_or_else(|| {
                assert!(seen.is_sign_in(), "no answer for {} {}", seen.method, seen.target);
                Reply::json(
                    200,
                    &serde_json::json!({"access_token": format!("00D!{count}"), "instance_url": self.url,
                        "id": format!("{}/id/00D000000000001AAA/005000000000001AAA", self.url), "token_type": "Bearer"}),
                )
            });
            let (status, headers, body, promised) = match reply {
                Reply::Close => return,
                Reply::Http(status, headers, body) => {
                    let length = body.len();
                    (status, headers, body, length)
                }
                Reply::Cut(status, body) => {
                    let length = body.len() + 100;
                    (status, "", body, length)
                }
            };
            let text = format!("HTTP/1.1 {status} X\r\n{headers}Content-Length: {promised}\r\n\r\n{body}");
            stream.write_all(text.as_bytes()).await.unwrap();
            if promised != body.len() {
                return;
            }
        }
    }
}

async fn read_request(stream: &mut BufReader<TcpStream>) -> Option<Seen> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let mut body = vec![0; headers.get("content-length").map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).await.ok()?;
    if headers.get("content-encoding").is_some_and(|coding| coding == "gzip") {
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(body.as_slice()).read_to_end(&mut plain).unwrap();
        body = plain;
    }
    Some(Seen { method, target, headers, body: String::from_utf8(body).unwrap() })
}

fn folder() -> PathBuf {
    std::env::var_os("GONDOLA_FIXTURES")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/fixtures"), PathBuf::from)
        .join("salesforce")
}

/// The names of all recordings; none, with a line that says so, where the folder is absent.
pub(crate) fn fixtures() -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder()) else {
        println!("skipped: no fixtures in {}", folder().display());
        return Vec::new();
    };
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| std::path::Path::new(name).extension().is_some_and(|end| end == "json")).collect()
}

/// Recorded exchanges of real orgs; `None`, with a line that says so, where the folder is absent.
pub(crate) fn fixture(file: &str) -> Option<Vec<Json>> {
    let path = folder().join(file);
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: no fixture {}", path.display());
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}

/// A text field that can do everything, of another type.
pub(crate) fn field(name: &str, kind: FieldType) -> Field {
    Field::new(name, kind, 80)
}

/// A Contact with six fields.
pub(crate) fn contact() -> ObjectDescribe {
    ObjectDescribe::new(
        "Contact",
        vec![
            field("Id", FieldType::Id),
            field("LastName", FieldType::String),
            field("Email", FieldType::Email),
            field("Phone", FieldType::Phone),
            field("Birthdate", FieldType::Date),
            field("SystemModstamp", FieldType::DateTime),
        ],
    )
}

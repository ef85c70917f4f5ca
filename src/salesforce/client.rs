//! The transport: one HTTP call at a time, signed in, counted, classified.
//!
//! Reads are repeated when they failed in a way that may pass. Writes never are, with one
//! exception: a 401 means that the call was refused whole, so it is sent again after a sign-in.

use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use backon::{ExponentialBuilder, Retryable};
use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE};
use reqwest::{Method, redirect};

use super::auth::{Session, SignIn};
use super::errors::{Effect, Failure, from_answer, from_transport, refused_here};
use super::limits;
use super::{DEFAULT_API_VERSION, Settings};
use crate::destination::{ApiUsage, DestinationError, ErrorKind};

/// How long a connection may take to stand.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a whole call may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(120);
/// An idle connection is dropped before a gateway does it silently, which would put a write in doubt.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// How often a read is repeated.
const READ_RETRIES: usize = 4;
/// The wait before the first repetition; doubles, with jitter.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// The longest wait that a server may ask of a read before it counts as failed.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// Bodies from this size on are sent compressed.
const GZIP_FROM: usize = 4_096;

/// One call of the API.
#[derive(Debug)]
struct Call<'a> {
    method: Method,
    /// From the slash after the host, query included.
    path: &'a str,
    body: Option<Body>,
    effect: Effect,
    /// Whether it counts as a call of the API; asking who is signed in does not.
    counted: bool,
}

/// A JSON body as it is sent.
#[derive(Debug)]
struct Body {
    bytes: Vec<u8>,
    gzip: bool,
}

/// The session that is in use, and the refusal that stands in its way.
#[derive(Debug, Default)]
struct SessionState {
    session: Option<Arc<Session>>,
    refusal: Option<DestinationError>,
}

/// The HTTP client of one org.
#[derive(Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    sign_in: SignIn,
    version: String,
    first_wait: Duration,
    state: tokio::sync::Mutex<SessionState>,
    /// Counts the sign-ins, so that who waited for one shares its end.
    attempts: AtomicU64,
    calls: AtomicU64,
    usage: Mutex<Option<ApiUsage>>,
}

impl Client {
    /// Checks the settings; nothing is sent.
    pub(crate) fn new(settings: Settings) -> Result<Self, DestinationError> {
        let version = api_version(settings.api_version.as_deref())?;
        let sign_in = SignIn::new(settings)?;
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("gondola/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(CALL_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .tcp_nodelay(true)
            .gzip(true)
            .referer(false)
            // A redirect would carry the call to a host that was not checked.
            .redirect(redirect::Policy::none());
        if sign_in.base().is_loopback() {
            builder = builder.no_proxy();
        }
        if sign_in.base().is_plain() {
            // The sandbox must work on a machine without any certificates.
            builder = builder.tls_certs_only([]);
        }
        let http = builder.build().map_err(|error| {
            refused_here(
                "HTTP_SETUP",
                format!("The HTTP client cannot be set up: {:?}", error.without_url()),
                "Check the proxy settings and the machine's certificates (package ca-certificates).",
            )
        })?;
        Ok(Self {
            http,
            sign_in,
            version,
            first_wait: FIRST_WAIT,
            state: tokio::sync::Mutex::default(),
            attempts: AtomicU64::new(0),
            calls: AtomicU64::new(0),
            usage: Mutex::new(None),
        })
    }

    /// Shorter waits, for tests.
    #[cfg(test)]
    pub(crate) fn with_first_wait(mut self, wait: Duration) -> Self {
        self.first_wait = wait;
        self
    }

    /// API version, such as `65.0`.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// The settings' login name, where they hold one.
    pub(crate) fn username(&self) -> Option<&str> {
        self.sign_in.username()
    }

    /// `/services/data/v65.0` and what follows.
    pub(crate) fn data_path(&self, rest: &str) -> String {
        format!("/services/data/v{}{rest}", self.version)
    }

    /// Calls made, sign-in left out.
    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// The budget as the last answer said.
    pub(crate) fn usage(&self) -> Option<ApiUsage> {
        *self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads with GET.
    pub(crate) async fn get(&self, path: &str) -> Result<Vec<u8>, DestinationError> {
        self.read(&Call { method: Method::GET, path, body: None, effect: Effect::Read, counted: true }).await
    }

    /// Reads from the identity service, which belongs to signing in.
    pub(crate) async fn get_identity(&self, path: &str) -> Result<Vec<u8>, DestinationError> {
        self.read(&Call { method: Method::GET, path, body: None, effect: Effect::Read, counted: false }).await
    }

    /// Reads with a POST that changes nothing.
    pub(crate) async fn post_read(&self, path: &str, body: &serde_json::Value) -> Result<Vec<u8>, DestinationError> {
        self.read(&Call {
            method: Method::POST,
            path,
            body: Some(Body::new(body)?),
            effect: Effect::Read,
            counted: true,
        })
        .await
    }

    /// Writes, once.
    pub(crate) async fn write(
        &self,
        method: Method,
        path: &str,
        body: Option<&serde_json::Value>,
    ) -> Result<Vec<u8>, DestinationError> {
        let body = body.map(Body::new).transpose()?;
        self.signed_in(&Call { method, path, body, effect: Effect::Write, counted: true })
            .await
            .map_err(|failure| failure.error)
    }

    /// The session, signing in when there is none.
    pub(crate) async fn session(&self) -> Result<Arc<Session>, DestinationError> {
        self.other_session(None).await
    }

    async fn read(&self, call: &Call<'_>) -> Result<Vec<u8>, DestinationError> {
        self.retrying(|| self.signed_in(call)).await
    }

    /// Repeats what changes nothing while the trouble may pass.
    async fn retrying<T, Made: Future<Output = Result<T, Failure>>>(
        &self,
        attempt: impl FnMut() -> Made,
    ) -> Result<T, DestinationError> {
        let backoff = ExponentialBuilder::default()
            .with_min_delay(self.first_wait)
            .with_factor(2.0)
            .with_max_times(READ_RETRIES)
            .with_jitter();
        attempt
            .retry(backoff)
            .when(|failure| failure.error.kind == ErrorKind::Transient)
            .adjust(|failure, wait| match failure.retry_after {
                Some(asked) if asked > LONGEST_WAIT => None,
                Some(asked) => wait.map(|wait| wait.max(asked)),
                None => wait,
            })
            .notify(|failure, wait| {
                tracing::debug!(code = failure.error.code, wait_ms = wait.as_millis(), "trying again");
            })
            .await
            .map_err(|failure| failure.error)
    }

    /// One call, and once more with a new session when the old one had ended.
    async fn signed_in(&self, call: &Call<'_>) -> Result<Vec<u8>, Failure> {
        let session = self.session().await?;
        match self.send(call, &session).await {
            Err(failure) if failure.session_expired => {
                if !self.sign_in.can_renew() {
                    let mut error = failure.error;
                    error.hint = Some("Give a new access token, or choose a sign-in that can be renewed.".to_owned());
                    return Err(error.into());
                }
                let renewed = self.other_session(Some(&session)).await?;
                self.send(call, &renewed).await
            }
            other => other,
        }
    }

    /// A session that is not `ended`. Concurrent callers share one sign-in, and its refusal.
    async fn other_session(&self, ended: Option<&Arc<Session>>) -> Result<Arc<Session>, DestinationError> {
        let seen = self.attempts.load(Ordering::Acquire);
        let mut state = self.state.lock().await;
        if let Some(session) = &state.session
            && !ended.is_some_and(|ended| Arc::ptr_eq(ended, session))
        {
            return Ok(Arc::clone(session));
        }
        if let Some(refusal) = state.refusal.as_ref().filter(|_| self.attempts.load(Ordering::Acquire) != seen) {
            return Err(refusal.clone());
        }
        state.session = None;
        let outcome = self.retrying(|| self.sign_in.attempt(&self.http)).await;
        self.attempts.fetch_add(1, Ordering::AcqRel);
        state.refusal = outcome.as_ref().err().cloned();
        let session = Arc::new(outcome?);
        state.session = Some(Arc::clone(&session));
        Ok(session)
    }

    /// Exactly one HTTP call.
    async fn send(&self, call: &Call<'_>, session: &Session) -> Result<Vec<u8>, Failure> {
        let mut request = self
            .http
            .request(call.method.clone(), format!("{}{}", session.base.as_str(), call.path))
            .header(AUTHORIZATION, session.authorization.clone())
            .header(ACCEPT, "application/json");
        if let Some(body) = &call.body {
            request = request.header(CONTENT_TYPE, "application/json; charset=UTF-8").body(body.bytes.clone());
            if body.gzip {
                request = request.header(CONTENT_ENCODING, "gzip");
            }
        }
        if call.counted {
            self.calls.fetch_add(1, Ordering::Relaxed);
        }
        let started = Instant::now();
        let response = request.send().await.map_err(|error| {
            let error = from_transport(error, call.effect);
            log(call, &error.code, started);
            error
        })?;
        let status = response.status();
        if let Some(usage) = limits::usage(response.headers()) {
            *self.usage.lock().unwrap_or_else(PoisonError::into_inner) = Some(usage);
        }
        let wait = limits::retry_after(response.headers());
        let body = response.bytes().await;
        log(call, status.as_str(), started);
        match body {
            Ok(body) if status.is_success() => Ok(body.into()),
            Ok(body) => Err(from_answer(status, &body, call.effect, wait)),
            Err(error) if status.is_success() => Err(from_transport(error, call.effect).into()),
            // Refused, and only the reason was lost.
            Err(_) => Err(from_answer(status, b"", call.effect, wait)),
        }
    }
}

impl Body {
    fn new(json: &serde_json::Value) -> Result<Self, DestinationError> {
        let broken = |error: &dyn std::fmt::Display| {
            refused_here("INVALID_REQUEST", format!("The call cannot be written as JSON: {error}"), "")
        };
        let plain = serde_json::to_vec(json).map_err(|error| broken(&error))?;
        if plain.len() < GZIP_FROM {
            return Ok(Self { bytes: plain, gzip: false });
        }
        let mut encoder = GzEncoder::new(Vec::with_capacity(plain.len() / 4), Compression::fast());
        encoder.write_all(&plain).map_err(|error| broken(&error))?;
        Ok(Self { bytes: encoder.finish().map_err(|error| broken(&error))?, gzip: true })
    }
}

/// Method, path, status, time: never a query, a header or a body, which hold people's data.
fn log(call: &Call<'_>, status: &str, started: Instant) {
    let path = call.path.split('?').next().unwrap_or_default();
    tracing::debug!(status, ms = started.elapsed().as_millis(), "{} {path}", call.method);
}

/// `65`, `65.0` or `v65.0` as `65.0`.
fn api_version(text: Option<&str>) -> Result<String, DestinationError> {
    let Some(text) = text else { return Ok(DEFAULT_API_VERSION.to_owned()) };
    let plain = text.trim().trim_start_matches(['v', 'V']);
    let (major, minor) = plain.split_once('.').unwrap_or((plain, "0"));
    match major.parse::<u16>() {
        Ok(number) if minor == "0" && (20..1000).contains(&number) => Ok(format!("{number}.0")),
        _ => Err(refused_here(
            "INVALID_API_VERSION",
            format!("api_version {text:?} is not a version"),
            "Write it like \"65.0\".",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_versions_as_people_write_them() {
        for (text, version) in [("65.0", "65.0"), ("v59.0", "59.0"), ("60", "60.0")] {
            assert_eq!(api_version(Some(text)).unwrap(), version);
        }
        assert_eq!(api_version(None).unwrap(), DEFAULT_API_VERSION);
        for bad in ["", "latest", "65.1", "../65.0", "65.0/x", "-1"] {
            assert!(api_version(Some(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn large_bodies_are_compressed() {
        let small = Body::new(&serde_json::json!({"a": 1})).unwrap();
        assert!(!small.gzip && small.bytes == br#"{"a":1}"#);
        let large = Body::new(&serde_json::json!({"a": "x".repeat(10_000)})).unwrap();
        assert!(large.gzip && large.bytes.len() < 1_000);
    }
}

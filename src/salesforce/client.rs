//! The transport: one HTTP call at a time, signed in, counted, classified.
//!
//! Reads are repeated when they failed in a way that may pass. Writes never are, with one
//! exception: a 401 means that the call was refused whole, so it is sent again after a sign-in.

use std::io::{Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use backon::{ExponentialBuilder, Retryable};
use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, DATE, HeaderMap, LAST_MODIFIED,
};
use reqwest::{Method, Response, StatusCode};
use tempfile::NamedTempFile;
use tokio_util::io::ReaderStream;

use super::auth::{Session, SignIn};
use super::errors::{Effect, Failure, from_answer, from_transport, ours, refused_here};
use super::http::Http;
use super::limits;
use super::{DEFAULT_API_VERSION, Settings};
use crate::destination::{API_FLOOR, ApiUsage, DestinationError, ErrorKind};

/// How long the upload or download of a job's rows may take.
const TRANSFER_TIMEOUT: Duration = Duration::from_secs(600);
/// One in so many calls of the day is left to others, when the settings name no floor.
const FLOOR_SHARE: u64 = 50;
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
    /// Headers beside the usual ones.
    headers: &'a [(&'static str, &'a str)],
    cost: Cost,
}

/// What a call takes from the budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cost {
    /// One call, made only above the floor.
    One,
    /// One call, made at any time: it asks for the budget, or ends a job.
    Always,
    /// Nothing: asking who is signed in.
    Free,
}

/// A body as it is sent.
#[derive(Debug)]
enum Body {
    Json {
        bytes: Vec<u8>,
        gzip: bool,
    },
    /// A file of comma-separated values, streamed.
    Csv(PathBuf),
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
    http: Http,
    sign_in: SignIn,
    version: String,
    first_wait: Duration,
    state: tokio::sync::Mutex<SessionState>,
    /// Counts the sign-ins, so that who waited for one shares its end.
    attempts: AtomicU64,
    calls: AtomicU64,
    /// Microseconds that calls took, all together.
    busy: AtomicU64,
    /// Calls without an answer yet: the last answer's count does not hold them.
    in_flight: AtomicU64,
    /// Calls left to others, when the settings say so.
    floor: Option<u64>,
    usage: Mutex<Option<ApiUsage>>,
}

impl Client {
    /// Checks the settings; nothing is sent.
    pub(crate) fn new(settings: Settings) -> Result<Self, DestinationError> {
        let version = api_version(settings.api_version.as_deref())?;
        let floor = settings.api_floor;
        let sign_in = SignIn::new(settings)?;
        Ok(Self {
            http: Http::default(),
            sign_in,
            version,
            first_wait: FIRST_WAIT,
            state: tokio::sync::Mutex::default(),
            attempts: AtomicU64::new(0),
            calls: AtomicU64::new(0),
            busy: AtomicU64::new(0),
            in_flight: AtomicU64::new(0),
            floor,
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

    /// Seconds that a call took, on average; `None` before the first.
    pub(crate) fn seconds_per_call(&self) -> Option<f64> {
        let ended = self.calls().saturating_sub(self.in_flight.load(Ordering::Relaxed));
        (ended > 0).then(|| Duration::from_micros(self.busy.load(Ordering::Relaxed)).as_secs_f64() / ended as f64)
    }

    /// The budget as the last answer said.
    pub(crate) fn usage(&self) -> Option<ApiUsage> {
        *self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// These counts, and what is left to others.
    pub(crate) fn with_floor(&self, used: u64, max: u64) -> ApiUsage {
        ApiUsage { used, max, floor: self.floor.unwrap_or(max / FLOOR_SHARE) }
    }

    /// Reads with GET.
    pub(crate) async fn get(&self, path: &str) -> Result<Vec<u8>, DestinationError> {
        self.read(&Call::get(path, Cost::One)).await
    }

    /// Reads with GET; `None` when nothing has changed since the server's date `since`. With the body
    /// comes the date to ask again with.
    pub(crate) async fn get_since(
        &self,
        path: &str,
        since: Option<&str>,
    ) -> Result<Option<(Vec<u8>, Option<String>)>, DestinationError> {
        let since = since.map(|date| [("if-modified-since", date)]);
        let headers = since.as_ref().map_or(&[][..], |header| header.as_slice());
        let call = Call { headers, ..Call::get(path, Cost::One) };
        self.retrying(|| async {
            let response = self.signed_in(&call).await?;
            if response.status() == StatusCode::NOT_MODIFIED {
                return Ok(None);
            }
            let modified = modified(response.headers());
            Ok(Some((whole(response, Effect::Read).await?, modified)))
        })
        .await
    }

    /// Reads from the identity service, which belongs to signing in.
    pub(crate) async fn get_identity(&self, path: &str) -> Result<Vec<u8>, DestinationError> {
        self.read(&Call::get(path, Cost::Free)).await
    }

    /// Reads below the floor too: the budget itself, or the state of a job that must be ended.
    pub(crate) async fn get_always(&self, path: &str) -> Result<Vec<u8>, DestinationError> {
        self.read(&Call::get(path, Cost::Always)).await
    }

    /// Reads with a POST that changes nothing.
    pub(crate) async fn post_read(&self, path: &str, body: &serde_json::Value) -> Result<Vec<u8>, DestinationError> {
        let body = Some(Body::json(body)?);
        self.read(&Call { method: Method::POST, body, ..Call::get(path, Cost::One) }).await
    }

    /// Downloads into a file, in pieces; gives the value of one header of the answer.
    pub(crate) async fn download(
        &self,
        path: &str,
        header: &str,
    ) -> Result<(NamedTempFile, Option<String>), DestinationError> {
        let call = Call { headers: &[("accept", "text/csv")], ..Call::get(path, Cost::Always) };
        self.retrying(|| async {
            let response = self.signed_in(&call).await?;
            let value = response.headers().get(header).and_then(|value| value.to_str().ok()).map(str::to_owned);
            Ok((save(response).await?, value))
        })
        .await
    }

    /// Writes, once.
    pub(crate) async fn write(
        &self,
        method: Method,
        path: &str,
        body: Option<&serde_json::Value>,
        headers: &[(&'static str, &'static str)],
    ) -> Result<Vec<u8>, Failure> {
        let body = body.map(Body::json).transpose()?;
        let call = Call { method, path, body, effect: Effect::Write, headers, cost: Cost::One };
        whole(self.signed_in(&call).await?, Effect::Write).await
    }

    /// Uploads a file of comma-separated values, once.
    pub(crate) async fn upload(&self, path: &str, csv: &Path) -> Result<(), Failure> {
        let body = Some(Body::Csv(csv.to_owned()));
        let call = Call { method: Method::PUT, path, body, effect: Effect::Write, headers: &[], cost: Cost::One };
        self.signed_in(&call).await.map(drop)
    }

    /// Changes the state of a job, which may be done again: the same state twice is one.
    pub(crate) async fn patch_state(&self, path: &str, body: &serde_json::Value) -> Result<Vec<u8>, DestinationError> {
        let body = Some(Body::json(body)?);
        self.read(&Call { method: Method::PATCH, body, ..Call::get(path, Cost::Always) }).await
    }

    /// The session, signing in when there is none.
    pub(crate) async fn session(&self) -> Result<Arc<Session>, DestinationError> {
        self.other_session(None).await
    }

    async fn read(&self, call: &Call<'_>) -> Result<Vec<u8>, DestinationError> {
        self.retrying(|| async { whole(self.signed_in(call).await?, call.effect).await }).await
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
    async fn signed_in(&self, call: &Call<'_>) -> Result<Response, Failure> {
        let session = self.session().await?;
        match self.send(call, &session).await {
            Err(failure) if failure.session_expired => {
                let ended = |mut failure: Failure| {
                    if failure.session_expired {
                        failure.error.hint = Some(self.sign_in.hint());
                    }
                    failure
                };
                if !self.sign_in.can_renew() {
                    return Err(ended(failure));
                }
                let renewed = self.other_session(Some(&session)).await?;
                self.send(call, &renewed).await.map_err(ended)
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

    /// Exactly one HTTP call, its answer's body still on the way.
    async fn send(&self, call: &Call<'_>, session: &Session) -> Result<Response, Failure> {
        self.check_floor(call)?;
        let mut request = self
            .http
            .to(&session.base)?
            .request(call.method.clone(), format!("{}{}", session.base.as_str(), call.path))
            .header(AUTHORIZATION, session.authorization.clone());
        if call.headers.iter().all(|(name, _)| *name != "accept") {
            request = request.header(ACCEPT, "application/json");
        }
        for (name, value) in call.headers {
            request = request.header(*name, *value);
        }
        request = match &call.body {
            None => request,
            Some(Body::Json { bytes, gzip }) => {
                let request = request.header(CONTENT_TYPE, "application/json; charset=UTF-8").body(bytes.clone());
                if *gzip { request.header(CONTENT_ENCODING, "gzip") } else { request }
            }
            Some(Body::Csv(path)) => {
                let file = tokio::fs::File::open(path).await.map_err(|error| spool_error(&error))?;
                let length = file.metadata().await.map_err(|error| spool_error(&error))?.len();
                // A job's upload may take longer than a call that waits for triggers.
                request
                    .timeout(TRANSFER_TIMEOUT)
                    .header(CONTENT_TYPE, "text/csv")
                    .header(CONTENT_LENGTH, length)
                    .body(reqwest::Body::wrap_stream(ReaderStream::new(file)))
            }
        };
        let _in_flight = (call.cost != Cost::Free).then(|| {
            self.calls.fetch_add(1, Ordering::Relaxed);
            InFlight::new(&self.in_flight, &self.busy)
        });
        let started = Instant::now();
        let response = request.send().await.map_err(|error| {
            let error = from_transport(error, call.effect);
            log(call, &error.code, started);
            error
        })?;
        let status = response.status();
        if let Some((used, max)) = limits::usage(response.headers()) {
            let usage = self.with_floor(used, max);
            *self.usage.lock().unwrap_or_else(PoisonError::into_inner) = Some(usage);
        }
        let wait = limits::retry_after(response.headers());
        log(call, status.as_str(), started);
        if status.is_success() || status == StatusCode::NOT_MODIFIED {
            return Ok(response);
        }
        // Refused; a reason that is lost on the way changes nothing about that.
        let body = response.bytes().await.unwrap_or_default();
        Err(from_answer(status, &body, call.effect, wait))
    }

    /// A call that would go below the floor is not made.
    fn check_floor(&self, call: &Call<'_>) -> Result<(), Failure> {
        let Some(usage) = self.usage().filter(|_| call.cost == Cost::One) else { return Ok(()) };
        if usage.spendable() > self.in_flight.load(Ordering::Relaxed) {
            return Ok(());
        }
        Err(ours(
            ErrorKind::Limit,
            API_FLOOR,
            format!(
                "{} of {} API calls are left today, and the last {} are left to others.",
                usage.left(),
                usage.max,
                usage.floor
            ),
            "Wait: the count is over the last 24 hours. Or lower api_floor of the connection.",
        )
        .into())
    }
}

/// Counts a call while it is on its way, and then its time, however it ends.
struct InFlight<'a> {
    count: &'a AtomicU64,
    busy: &'a AtomicU64,
    started: Instant,
}

impl<'a> InFlight<'a> {
    fn new(count: &'a AtomicU64, busy: &'a AtomicU64) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self { count, busy, started: Instant::now() }
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
        let micros = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.busy.fetch_add(micros, Ordering::Relaxed);
    }
}

impl<'a> Call<'a> {
    fn get(path: &'a str, cost: Cost) -> Self {
        Self { method: Method::GET, path, body: None, effect: Effect::Read, headers: &[], cost }
    }
}

impl Body {
    fn json(json: &serde_json::Value) -> Result<Self, DestinationError> {
        let broken = |error: &dyn std::fmt::Display| {
            refused_here("INVALID_REQUEST", format!("The call cannot be written as JSON: {error}"), "")
        };
        let plain = serde_json::to_vec(json).map_err(|error| broken(&error))?;
        if plain.len() < GZIP_FROM {
            return Ok(Self::Json { bytes: plain, gzip: false });
        }
        let mut encoder = GzEncoder::new(Vec::with_capacity(plain.len() / 4), Compression::fast());
        encoder.write_all(&plain).map_err(|error| broken(&error))?;
        Ok(Self::Json { bytes: encoder.finish().map_err(|error| broken(&error))?, gzip: true })
    }
}

/// When the answer was last changed, or else when it was given, by the server's clock.
fn modified(headers: &HeaderMap) -> Option<String> {
    headers.get(LAST_MODIFIED).or_else(|| headers.get(DATE))?.to_str().ok().map(str::to_owned)
}

/// The whole body of a good answer.
async fn whole(response: Response, effect: Effect) -> Result<Vec<u8>, Failure> {
    Ok(response.bytes().await.map_err(|error| from_transport(error, effect))?.into())
}

/// The body of a good answer, in a file that goes when it is dropped.
async fn save(mut response: Response) -> Result<NamedTempFile, Failure> {
    let mut file = NamedTempFile::new().map_err(|error| spool_error(&error))?;
    while let Some(piece) = response.chunk().await.map_err(|error| from_transport(error, Effect::Read))? {
        file.write_all(&piece).map_err(|error| spool_error(&error))?;
    }
    file.as_file_mut().rewind().map_err(|error| spool_error(&error))?;
    Ok(file)
}

/// A file beside the call could not be read or written.
pub(crate) fn spool_error(error: &std::io::Error) -> DestinationError {
    refused_here(
        "TEMPORARY_FILE",
        format!("a temporary file cannot be written or read: {error}"),
        "Free some space in the folder for temporary files, or name another in TMPDIR.",
    )
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
        let small = Body::json(&serde_json::json!({"a": 1})).unwrap();
        assert!(matches!(small, Body::Json { gzip: false, bytes } if bytes == br#"{"a":1}"#));
        let large = Body::json(&serde_json::json!({"a": "x".repeat(10_000)})).unwrap();
        assert!(matches!(large, Body::Json { gzip: true, bytes } if bytes.len() < 1_000));
    }
}

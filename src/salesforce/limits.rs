//! What is left: the daily API calls, and how long the server asks to wait.

use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde::Deserialize;

use super::client::Client;
use super::errors::{Effect, bad_answer};
use super::soql::check_identifier;
use crate::destination::DestinationError;

/// The API calls of the rolling 24 hours (`GET …/limits`, `DailyApiRequests`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) struct Limits {
    /// Calls allowed.
    #[serde(rename = "Max")]
    pub daily_max: u64,
    /// Calls left, for everybody together.
    #[serde(rename = "Remaining")]
    pub daily_remaining: u64,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "DailyApiRequests")]
    daily: Limits,
}

/// Asks for the limits.
pub(crate) async fn read(client: &Client) -> Result<Limits, DestinationError> {
    let body = client.get_always(&client.data_path("/limits")).await?;
    let answer: Answer = serde_json::from_slice(&body)
        .map_err(|_| bad_answer(Effect::Read, "The answer of /limits holds no DailyApiRequests."))?;
    Ok(answer.daily)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Counts {
    s_objects: Vec<ObjectCount>,
}

#[derive(Deserialize)]
struct ObjectCount {
    count: u64,
}

/// About how many records an object has (`GET …/limits/recordCount`).
pub(crate) async fn record_count(client: &Client, object: &str) -> Result<u64, DestinationError> {
    check_identifier("an object", object)?;
    let body = client.get(&client.data_path(&format!("/limits/recordCount?sObjects={object}"))).await?;
    Ok(counts(&body)?.first().copied().unwrap_or(0))
}

/// Reads the counts, in the order of the answer; an object that the user may not see is left out of it.
pub(super) fn counts(body: &[u8]) -> Result<Vec<u64>, DestinationError> {
    let counts: Counts = serde_json::from_slice(body)
        .map_err(|_| bad_answer(Effect::Read, "The answer of /limits/recordCount holds no counts."))?;
    Ok(counts.s_objects.into_iter().map(|object| object.count).collect())
}

/// Calls used and allowed, from `Sforce-Limit-Info: api-usage=18/15000`, with or without other entries
/// beside it.
pub(crate) fn usage(headers: &HeaderMap) -> Option<(u64, u64)> {
    headers
        .get("Sforce-Limit-Info")?
        .to_str()
        .ok()?
        .split([';', ','])
        .find_map(|entry| entry.trim().strip_prefix("api-usage="))
        .and_then(|counts| counts.split_once('/'))
        .and_then(|(used, max)| Some((used.trim().parse().ok()?, max.trim().parse().ok()?)))
}

/// Reads `Retry-After` in seconds or as a date.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Some(until.duration_since(jiff::Timestamp::now()).try_into().unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &'static str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        headers
    }

    #[test]
    fn reads_the_usage_of_the_org_not_of_an_app() {
        let used = |text: &str| usage(&with("sforce-limit-info", text));
        assert_eq!(used("api-usage=18/15000"), Some((18, 15000)));
        assert_eq!(used("per-app-api-usage=17/250(appName=sample), api-usage=25/5000"), Some((25, 5000)));
        assert_eq!(used("api-usage=18/5000; per-app-api-usage=17/250(appName=x)"), Some((18, 5000)));
        assert_eq!(used("per-app-api-usage=17/250(appName=sample)"), None);
        assert_eq!(used("api-usage=x/y"), None);
    }

    #[test]
    fn reads_both_forms_of_retry_after() {
        assert_eq!(retry_after(&with("retry-after", "30")), Some(Duration::from_secs(30)));
        assert_eq!(retry_after(&with("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT")), Some(Duration::ZERO));
        assert_eq!(retry_after(&with("retry-after", "soon")), None);
    }

    #[test]
    fn reads_the_daily_limit() {
        let answer: Answer =
            serde_json::from_str(r#"{"DailyApiRequests":{"Max":15000,"Remaining":14998},"Other":{"Max":1}}"#).unwrap();
        assert_eq!(answer.daily, Limits { daily_max: 15_000, daily_remaining: 14_998 });
    }
}

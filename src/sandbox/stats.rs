//! Calls counted by endpoint, for `GET /stats`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Counters shared by the servers; clones count into the same place.
#[derive(Debug, Clone)]
pub struct Stats {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug)]
struct Inner {
    calls: BTreeMap<String, u64>,
    inside: BTreeMap<String, u64>,
    last: Instant,
}

impl Default for Stats {
    fn default() -> Self {
        Self {
            inner: Arc::new(Mutex::new(Inner {
                calls: BTreeMap::new(),
                inside: BTreeMap::new(),
                last: Instant::now(),
            })),
        }
    }
}

impl Stats {
    /// Counts one call to `endpoint`, such as `salesforce.collections.create` or `snowflake.query`.
    pub fn count(&self, endpoint: &str) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        *inner.calls.entry(endpoint.to_owned()).or_default() += 1;
        inner.last = Instant::now();
    }

    /// Counts a call inside a Composite call: it is none of its own.
    pub fn count_inside(&self, endpoint: &str) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        *inner.inside.entry(endpoint.to_owned()).or_default() += 1;
    }

    /// Calls inside Composite calls, by endpoint.
    pub fn calls_inside(&self) -> BTreeMap<String, u64> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).inside.clone()
    }

    /// Notes that somebody is there, without counting a call.
    pub fn touch(&self) {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).last = Instant::now();
    }

    /// Calls by endpoint since the start or the last [`Stats::clear`].
    pub fn calls(&self) -> BTreeMap<String, u64> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).calls.clone()
    }

    /// When the last call came in.
    pub fn last_call(&self) -> Instant {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).last
    }

    /// Forgets the counts.
    pub fn clear(&self) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.calls.clear();
        inner.inside.clear();
    }
}

//! Salesforce's wire: sign-in, describes, SOQL, rows, Collections, Composite and Bulk API 2.0, over
//! records in `SQLite`.
//!
//! What clients meet is laid out in the order in which a call travels: `http` (the wire and the faults),
//! `endpoint` (what the call is counted as), `sign_in` (`oauth`, `jwt`, `soap`, `session`) or `route` →
//! `query`, `rows`, `collections`, `composite`, `bulk` → `save`, `validate`, `rules`, `record_types`,
//! `places` → `records` (the store). `setup` is what an administrator can change, `locks` what calls hold
//! from each other. The fields are tables under `assets/sandbox`.

mod bulk;
mod call;
mod collections;
mod composite;
mod describe;
mod endpoint;
mod errors;
mod http;
mod ids;
mod jwt;
mod locks;
mod oauth;
mod org;
mod places;
mod query;
mod record_types;
mod records;
mod route;
mod rows;
mod rules;
mod save;
mod schema;
mod seed;
mod session;
mod setup;
mod setup_records;
mod shape;
mod sign_in;
mod soap;
mod soql;
mod table;
mod time;
mod validate;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Options;
use super::fault::{Action, Fault, Faults, Point};
use super::stats::Stats;
use org::Org;

pub use session::{CLIENT_ID, CLIENT_SECRET, PASSWORD, PRIVATE_KEY, REFRESH_TOKEN, SECURITY_TOKEN, USERNAME};

/// The newest API version that is served.
pub const API_VERSION: &str = "65.0";

/// The org could not be opened or filled.
#[derive(Debug, thiserror::Error)]
#[error("the sandbox's Salesforce records cannot be kept: {0}")]
pub struct Error(#[from] rusqlite::Error);

/// A Salesforce org on loopback; clones are the same org.
#[derive(Debug, Clone)]
pub struct Salesforce {
    org: Arc<Mutex<Org>>,
    options: Options,
    faults: Faults,
    stats: Stats,
    latency: Duration,
    locks: locks::Locks,
}

impl Salesforce {
    /// Opens the org, and fills it when nothing was ever in it. `instance_url` is where it will listen.
    ///
    /// Works through the whole seed: call it where blocking is fine.
    pub fn new(options: &Options, instance_url: String, faults: Faults, stats: Stats) -> Result<Self, Error> {
        let org =
            Org::open(schema::Schema::get(options.state_country_picklists), options.state.as_deref(), instance_url)?;
        let fresh = org.records.is_empty()?;
        let salesforce = Self {
            org: Arc::new(Mutex::new(org)),
            options: options.clone(),
            faults,
            stats,
            latency: options.latency,
            locks: locks::Locks::default(),
        };
        if fresh {
            salesforce.reset()?;
        }
        Ok(salesforce)
    }

    /// The wire's router.
    pub fn router(&self) -> axum::Router {
        axum::Router::new().fallback(http::handle).with_state(self.clone())
    }

    /// Puts the org back to its seed. Sessions stay open; cursors and the count of calls do not.
    pub fn reset(&self) -> Result<(), Error> {
        let mut org = self.org();
        org.records.clear()?;
        org.cursors = query::Cursors::default();
        org.jobs.clear();
        org.calls = 0;
        org.spent_elsewhere = 0;
        org.records.setup = setup::Setup::default();
        self.locks.switch(false);
        org.sessions.restore_refresh();
        seed::fill(&mut org.records, &self.options)?;
        Ok(())
    }

    /// Turns a switch of the org; the fault has been checked.
    pub fn turn(&self, fault: &Fault) -> Result<(), Error> {
        if fault.on == Point::Locks {
            self.locks.switch(fault.action == Action::On);
            return Ok(());
        }
        Ok(self.org().turn(fault)?)
    }

    /// Opens a session; gives its access token.
    pub fn open_session(&self) -> String {
        self.org().sessions.open()
    }

    /// Records that are not deleted, by object.
    pub fn record_counts(&self) -> Result<BTreeMap<String, u64>, Error> {
        let org = self.org();
        let mut counts = BTreeMap::new();
        for object in org.records.schema.objects.iter().filter(|object| object.writable) {
            counts.insert(object.name.clone(), org.records.count(object)?);
        }
        Ok(counts)
    }

    /// API calls as `Sforce-Limit-Info` counts them.
    pub fn api_calls(&self) -> u64 {
        self.org().calls
    }

    fn org(&self) -> MutexGuard<'_, Org> {
        self.org.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! A Snowflake and a Salesforce on loopback, good enough that other people's clients accept them.
//!
//! Imports nothing of the clients in this crate, so that it can disagree with them. Three
//! listeners, all on 127.0.0.1: the Snowflake wire, the Salesforce wire, and the control
//! endpoints (`/stats`, `/reset`, `/sql`, `/fault`).

mod control;
pub mod fault;
pub mod ready;
pub mod salesforce;
pub mod seed;
mod serve;
pub mod snowflake;
pub mod stats;

pub use ready::{Ready, ReadySalesforce, ReadySnowflake};
pub use serve::{Sandbox, SandboxError};

use std::path::PathBuf;
use std::time::Duration;

/// How a sandbox is set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// Rows of `DEMO.SALES.CUSTOMERS`.
    pub rows: usize,
    /// Contacts in the org at the start; `None` takes a share of the customers (see `seed`).
    pub contacts: Option<usize>,
    /// Seed of everything that is made up.
    pub seed: u64,
    /// Time that each Salesforce and Snowflake call takes at least.
    pub latency: Duration,
    /// State and country picklists in the org: a code beside each state and country of an address.
    pub state_country_picklists: bool,
    /// First of three ports; any free ones when `None`.
    pub port: Option<u16>,
    /// Where the org's records are kept; in memory when `None`.
    pub state: Option<PathBuf>,
    /// End by itself after this long without a call.
    pub idle_exit: Option<Duration>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            rows: 1_000,
            contacts: None,
            seed: 1,
            latency: Duration::ZERO,
            state_country_picklists: false,
            port: None,
            state: None,
            idle_exit: None,
        }
    }
}

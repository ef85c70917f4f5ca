//! The Snowflake wire: sessions, statements, results in Snowflake's own encodings.
//!
//! A request passes `router` → `session` (who is it) → `query` (which statement, is it still
//! running) → `statement` (Snowflake's SQL made DataFusion's) → `encode` (Arrow as Snowflake sends
//! it). The contract is what Snowflake's own open-source drivers expect, and recorded answers.

mod encode;
mod errors;
mod information_schema;
mod login;
mod query;
mod router;
mod session;
mod show;
mod statement;
mod tables;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use datafusion::execution::context::SessionContext;

use super::Options;
use super::fault::Faults;
use super::stats::Stats;
pub use errors::Error;

/// The account's name.
pub const ACCOUNT: &str = "demo";
/// The only user.
pub const USER: &str = "DEMO";
/// Her password.
pub const PASSWORD: &str = "demo";
/// A programmatic access token of hers.
pub const TOKEN: &str = "demo-pat";
/// The database.
pub const DATABASE: &str = "DEMO";
/// The schema with the seeded tables.
pub const SCHEMA: &str = "SALES";
/// The warehouse.
pub const WAREHOUSE: &str = "DEMO_WH";
/// The role.
pub const ROLE: &str = "DEMO_ROLE";
/// The private key that is registered for the user. It opens nothing but this sandbox.
pub const PRIVATE_KEY: &str = include_str!("../../../assets/sandbox/opens_only_the_sandbox.p8");

/// The server's state; clones share it.
#[derive(Clone)]
pub struct Snowflake {
    state: Arc<State>,
}

struct State {
    rows: usize,
    seed: u64,
    latency: Duration,
    faults: Faults,
    stats: Stats,
    context: Mutex<SessionContext>,
    sessions: session::Sessions,
    queries: query::Queries,
}

impl std::fmt::Debug for Snowflake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snowflake").field("rows", &self.state.rows).finish_non_exhaustive()
    }
}

impl State {
    /// The tables as they are now.
    fn context(&self) -> SessionContext {
        self.context.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Snowflake {
    /// A server with freshly seeded tables.
    ///
    /// Works through the whole seed: call it where blocking is fine.
    pub fn new(options: &Options, faults: Faults, stats: Stats) -> Result<Self, Error> {
        let context = tables::seeded(options.seed, options.rows)?;
        let state = State {
            rows: options.rows,
            seed: options.seed,
            latency: options.latency,
            faults,
            stats,
            context: Mutex::new(context),
            sessions: session::Sessions::default(),
            queries: query::Queries::default(),
        };
        Ok(Self { state: Arc::new(state) })
    }

    /// The endpoints.
    pub fn router(&self) -> axum::Router {
        router::router(self.state.clone())
    }

    /// Changes the tables: INSERT, UPDATE, DELETE, CREATE TABLE … AS, DROP TABLE.
    pub async fn sql(&self, sql: &str) -> Result<String, Error> {
        let context = self.state.context();
        let said = statement::change(&context, sql).await?;
        information_schema::refresh(&context).await?;
        Ok(said)
    }

    /// Seeds the tables anew and forgets results. Sessions stay. Blocks, as [`Snowflake::new`].
    pub fn reset(&self) -> Result<(), Error> {
        let fresh = tables::seeded(self.state.seed, self.state.rows)?;
        *self.state.context.lock().unwrap_or_else(PoisonError::into_inner) = fresh;
        self.state.queries.clear();
        Ok(())
    }
}

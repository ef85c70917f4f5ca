//! A run's state machine, and everything that screens and commands do: one door for both.

mod applying;
mod basis;
mod describes;
mod detect;
mod doctor;
mod error;
mod extract;
mod grants;
mod login;
mod lookups;
mod marks;
mod matching;
mod planning;
mod progress;
mod recheck;
mod removed;
mod schedule;
mod sessions;
mod summary;
mod worker;
mod writing;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub use describes::{Aged, Freshness, Shape, age_words};
pub use detect::{CHUNK_ROWS, Detector, Keyed};
pub use doctor::{CheckLine, CheckState};
pub use error::{EngineError, ErrorClass};
pub use grants::{FieldGrant, Grants, ObjectGrant, PermissionSet, WarehouseGrants};
pub use login::{DeviceLogin, Login, LoginCode, WebLogin};
pub use planning::PlanOptions;
pub use progress::{Phase, Progress, ProgressSender};
pub use schedule::{Scheduled, Schedules};
pub use summary::RunSummary;
pub use worker::{Orders, RunNow, WorkerReply};

use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use crate::config::{Folders, Workspace};
use crate::destination::OrgInfo;
use crate::salesforce::Salesforce;
use crate::snowflake::{Preview, Snowflake};
use crate::store::{RunId, Store};
use crate::types::Schema;

/// The user's files, the state, and the sessions that are open. Clones share them.
#[derive(Clone)]
pub struct Engine {
    workspace: Workspace,
    store: Store,
    sources: Arc<Mutex<HashMap<String, Snowflake>>>,
    destinations: Arc<Mutex<HashMap<String, Arc<Salesforce>>>>,
    orgs: Arc<Mutex<HashMap<String, Arc<OrgInfo>>>>,
    may_ask: bool,
    /// Secrets that this process has unlocked, for a worker that cannot.
    unlocked: Arc<Mutex<HashMap<String, SecretString>>>,
    /// Secrets that whoever started this process has unlocked for it.
    given: Arc<HashMap<String, SecretString>>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("folders", self.workspace.folders()).finish_non_exhaustive()
    }
}

impl Engine {
    /// Opens the files and the state under these folders. Signs in nowhere yet.
    pub fn open(folders: Folders) -> Result<Self, EngineError> {
        std::fs::create_dir_all(&folders.state).map_err(|error| {
            EngineError::configuration(format!("cannot make the folder {}: {error}", folders.state.display()))
        })?;
        let store = Store::open(&folders.database())?;
        let engine = Self {
            workspace: Workspace::new(folders),
            store,
            sources: Arc::default(),
            destinations: Arc::default(),
            orgs: Arc::default(),
            may_ask: true,
            unlocked: Arc::default(),
            given: Arc::default(),
        };
        if let Err(error) = engine.close_abandoned_runs() {
            // A full disk, say: what is there can be looked at all the same.
            tracing::warn!(%error, "a run whose process is gone cannot be closed");
        }
        Ok(engine)
    }

    /// For whoever owns the terminal: a secret that must be typed is refused with what to do,
    /// because its question would be drawn over the screen.
    #[must_use]
    pub fn without_asking(self) -> Self {
        Self { may_ask: false, ..self }
    }

    /// The user's files.
    pub fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// The state.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The first rows of a query. Cancelling stops it on the server too.
    pub async fn preview(
        &self,
        connection: &str,
        sql: &str,
        limit: usize,
        cancel: CancellationToken,
    ) -> Result<Preview, EngineError> {
        Ok(self.source(connection).await?.preview(sql, limit, cancel).await?)
    }

    /// The columns of a query, without running it.
    pub async fn columns(&self, connection: &str, sql: &str) -> Result<Schema, EngineError> {
        Ok(self.source(connection).await?.describe(sql).await?)
    }

    /// The counts and costs of a run.
    pub fn summary(&self, run: RunId) -> Result<RunSummary, EngineError> {
        self.store.run(run)?.map(RunSummary::from).ok_or_else(|| {
            EngineError::configuration(format!("there is no run {run}")).with_hint("`gondola runs` lists them.")
        })
    }

    /// Ends the sessions on the servers. A server that does not answer is not waited for.
    pub async fn close(&self) {
        let open: Vec<Snowflake> =
            self.sources.lock().unwrap_or_else(PoisonError::into_inner).drain().map(|(_, source)| source).collect();
        for source in open {
            // The server ends it by itself in some hours.
            let _ = tokio::time::timeout(Duration::from_secs(2), source.close()).await;
        }
    }

    /// Forgets the sessions, so that the next call reads the connection anew.
    pub fn forget_sessions(&self) {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.destinations.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.orgs.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

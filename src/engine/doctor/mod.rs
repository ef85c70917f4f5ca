//! `check`: what works, line by line, and what to do where it does not.

mod logout;
mod mappings;
mod salesforce;
mod snowflake;

use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::mpsc::UnboundedSender;

use super::{Engine, EngineError};

/// How a line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckState {
    /// Being tried.
    Running,
    /// Works.
    Ok,
    /// Works, but look at it.
    Warning,
    /// Does not work.
    Failed,
}

/// One line of a checklist. A line with the name of an earlier one replaces it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckLine {
    /// What is tried.
    pub name: String,
    /// How it stands.
    pub state: CheckState,
    /// What was found.
    pub detail: String,
    /// What to do.
    pub hint: Option<String>,
}

/// Tells each line as it happens.
struct Checklist {
    report: UnboundedSender<CheckLine>,
    all_well: bool,
}

impl Checklist {
    fn tell(&mut self, name: &str, state: CheckState, detail: String, hint: Option<String>) {
        self.all_well &= state != CheckState::Failed;
        // Whoever listened may be gone; the check goes on to its end all the same.
        let _ = self.report.send(CheckLine { name: name.to_owned(), state, detail, hint });
    }

    /// Runs one line; `None` when it failed.
    async fn line<T>(
        &mut self,
        name: &str,
        work: impl Future<Output = Result<T, EngineError>>,
        words: impl FnOnce(&T) -> String,
    ) -> Option<T> {
        self.tell(name, CheckState::Running, String::new(), None);
        match work.await {
            Ok(found) => {
                self.tell(name, CheckState::Ok, words(&found), None);
                Some(found)
            }
            Err(error) => {
                self.tell(name, CheckState::Failed, error.message, error.hint);
                None
            }
        }
    }
}

impl Engine {
    /// Checks a connection and reports line by line. Returns whether all is well.
    pub async fn check(&self, connection: &str, report: UnboundedSender<CheckLine>) -> Result<bool, EngineError> {
        let connections = self.workspace.connections()?;
        let mut list = Checklist { report, all_well: true };
        if let Some(snowflake) = connections.snowflake.get(connection) {
            self.check_snowflake(connection, snowflake, &mut list).await;
        }
        if connections.salesforce.contains_key(connection) {
            self.check_salesforce(connection, &connections.salesforce[connection], &mut list).await;
        } else if !connections.snowflake.contains_key(connection) {
            return Err(self.no_connection(connection, &connections));
        }
        Ok(list.all_well)
    }

    /// Checks a Snowflake connection alone; a Salesforce one may have the same name.
    pub async fn check_source(&self, name: &str, report: UnboundedSender<CheckLine>) -> Result<bool, EngineError> {
        let connections = self.workspace.connections()?;
        let mut list = Checklist { report, all_well: true };
        match connections.snowflake.get(name) {
            Some(connection) => self.check_snowflake(name, connection, &mut list).await,
            None => return Err(self.unknown_connection("snowflake", name, connections.snowflake.keys())),
        }
        Ok(list.all_well)
    }

    /// Checks a Salesforce connection alone; a Snowflake one may have the same name.
    pub async fn check_destination(&self, name: &str, report: UnboundedSender<CheckLine>) -> Result<bool, EngineError> {
        let connections = self.workspace.connections()?;
        let mut list = Checklist { report, all_well: true };
        match connections.salesforce.get(name) {
            Some(connection) => self.check_salesforce(name, connection, &mut list).await,
            None => return Err(self.unknown_connection("salesforce", name, connections.salesforce.keys())),
        }
        Ok(list.all_well)
    }
}

async fn reach(host: &str, port: u16) -> Result<(), EngineError> {
    let failed = |why: String| {
        let mut error = EngineError::failed(format!("cannot reach {host}:{port}: {why}"))
            .with_hint("Check the name, the network and the firewall.");
        error.class = super::ErrorClass::Connection;
        error
    };
    match tokio::time::timeout(Duration::from_secs(10), TcpStream::connect((host, port))).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(failed(error.to_string())),
        Err(_) => Err(failed("no answer within 10 seconds".to_owned())),
    }
}

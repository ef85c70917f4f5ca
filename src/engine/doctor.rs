//! `check`: what works, line by line, and what to do where it does not.

use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;

use super::{Engine, EngineError};
use crate::config::SnowflakeConnection;

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
    fn tell(&self, name: &str, state: CheckState, detail: String, hint: Option<String>) {
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
                self.all_well = false;
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
            let login_url = connections.salesforce[connection].login_url.clone();
            self.check_salesforce(connection, login_url, &mut list).await;
        } else if !connections.snowflake.contains_key(connection) {
            let known: Vec<&str> =
                connections.snowflake.keys().chain(connections.salesforce.keys()).map(String::as_str).collect();
            return Err(EngineError::configuration(format!(
                "{}: there is no connection `{connection}`",
                self.workspace.folders().connections().display()
            ))
            .with_hint(if known.is_empty() {
                "Write one there, or try `gondola demo` first.".to_owned()
            } else {
                format!("Known: {}.", known.join(", "))
            }));
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
            Some(connection) => self.check_salesforce(name, connection.login_url.clone(), &mut list).await,
            None => return Err(self.unknown_connection("salesforce", name, connections.salesforce.keys())),
        }
        Ok(list.all_well)
    }

    async fn check_snowflake(&self, name: &str, connection: &SnowflakeConnection, list: &mut Checklist) {
        let (host, port) = snowflake_address(connection);
        if list.line("reach Snowflake", reach(&host, port), |()| format!("{host}:{port}")).await.is_none() {
            return;
        }
        let Some(source) = list.line("settings and secrets", self.source(name), |_| String::new()).await else {
            return;
        };
        let session = async { Ok(source.session().await?) };
        let Some(session) = list.line("login", session, |session| session.user.clone()).await else { return };
        let given = |list: &mut Checklist, what: &str, value: &Option<String>, hint: &str| {
            let state = if value.is_some() { CheckState::Ok } else { CheckState::Warning };
            let hint = value.is_none().then(|| hint.to_owned());
            list.tell(what, state, value.clone().unwrap_or_else(|| "none is set".to_owned()), hint);
        };
        given(list, "role", &session.role, "Set `role` in connections.toml.");
        given(list, "warehouse", &session.warehouse, "Set `warehouse` in connections.toml: a query needs one.");
        given(list, "database", &session.database, "Set `database`, or name it in each query.");
        let select = async {
            let rows = source.preview("SELECT 1", 1, CancellationToken::new()).await?;
            Ok(rows.elapsed)
        };
        list.line("select 1", select, |elapsed| format!("{} ms", elapsed.as_millis())).await;
    }

    async fn check_salesforce(&self, name: &str, login_url: Option<String>, list: &mut Checklist) {
        let address = login_url.as_deref().and_then(|url| url::Url::parse(url).ok()).and_then(|url| {
            let host = url.host_str()?.to_owned();
            Some((host, url.port_or_known_default()?))
        });
        if let Some((host, port)) = address
            && list.line("reach Salesforce", reach(&host, port), |()| format!("{host}:{port}")).await.is_none()
        {
            return;
        }
        let Some(destination) = list.line("settings and secrets", self.destination(name), |_| String::new()).await
        else {
            return;
        };
        let org = async { Ok(destination.org().await?) };
        let words = |org: &crate::destination::OrgInfo| {
            format!("{} as {}, {}", org.name, org.username, if org.sandbox { "sandbox" } else { "PRODUCTION" })
        };
        let Some(org) = list.line("login", org, words).await else { return };
        list.tell("API version", CheckState::Ok, org.api_version.clone(), None);
        let describe = async { Ok(destination.describe("Contact").await?) };
        let words = |object: &crate::types::ObjectDescribe| {
            let writable = object.fields.iter().filter(|field| field.is_writable()).count();
            format!("{} fields, {writable} of them writable", object.fields.len())
        };
        list.line("describe Contact", describe, words).await;
        match destination.usage() {
            Some(usage) => {
                let left = usage.max.saturating_sub(usage.used);
                let short = left * 10 < usage.max;
                let state = if short { CheckState::Warning } else { CheckState::Ok };
                let hint = short.then(|| "Under a tenth is left today: runs may have to wait.".to_owned());
                list.tell("API calls left", state, format!("{left} of {} today", usage.max), hint);
            }
            None => list.tell("API calls left", CheckState::Warning, "the org did not say".to_owned(), None),
        }
    }
}

fn snowflake_address(connection: &SnowflakeConnection) -> (String, u16) {
    let host = connection
        .host
        .clone()
        .unwrap_or_else(|| format!("{}.snowflakecomputing.com", connection.account.to_lowercase()));
    let default = if connection.protocol.as_deref() == Some("http") { 80 } else { 443 };
    (host, connection.port.unwrap_or(default))
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

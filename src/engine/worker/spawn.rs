//! Starting a run in a process of its own, and what that process is told.
//!
//! The process reads one JSON line from its standard input: where the files are, how to begin, and the
//! secrets that it could not get by itself. It answers with one line on its standard output once it
//! has the mapping's lease, or with why not. Then nothing ties the two together.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::PoisonError;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::super::applying::Begin;
use super::super::{Engine, EngineError, ErrorClass, ProgressSender, RunSummary};
use crate::config::Folders;
use crate::store::RunId;

/// What a worker is told: one line of JSON on its standard input, never an argument or a variable.
#[derive(Serialize, Deserialize)]
pub struct Orders {
    config: PathBuf,
    state: PathBuf,
    begin: Begin,
    /// Secrets that a person typed, or that were unlocked, by what they are called.
    secrets: BTreeMap<String, String>,
}

impl std::fmt::Debug for Orders {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Orders").field("state", &self.state).field("begin", &self.begin).finish_non_exhaustive()
    }
}

impl Orders {
    /// Reads them.
    pub fn read(line: &str) -> Result<Self, EngineError> {
        // What was read holds secrets: it is not repeated.
        serde_json::from_str(line).map_err(|_| {
            EngineError::configuration("`gondola worker` is told what to do by the program that starts it")
                .with_hint("`gondola run … --detach` and the full-screen program do so.")
        })
    }

    /// The folders to work in.
    pub fn folders(&self) -> Folders {
        Folders { config: self.config.clone(), state: self.state.clone() }
    }
}

/// What a worker answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WorkerReply {
    /// It has the mapping's lease, and works.
    Taken,
    /// It does nothing, for this reason.
    Refused {
        /// The exit code of the reason.
        class: u8,
        /// The service's own code.
        code: Option<String>,
        /// What happened.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
}

impl From<&EngineError> for WorkerReply {
    fn from(error: &EngineError) -> Self {
        Self::Refused {
            class: error.exit_code(),
            code: error.code.clone(),
            message: error.message.clone(),
            hint: error.hint.clone(),
        }
    }
}

impl WorkerReply {
    fn into_result(self) -> Result<(), EngineError> {
        let Self::Refused { class, code, message, hint } = self else { return Ok(()) };
        let class = [ErrorClass::Configuration, ErrorClass::Connection, ErrorClass::Stopped]
            .into_iter()
            .find(|known| EngineError { class: *known, ..EngineError::stopped() }.exit_code() == class)
            .unwrap_or(ErrorClass::Failed);
        Err(EngineError { class, code, message, hint, position: None })
    }
}

impl Engine {
    /// Applies a plan in a process of its own and returns that process's number once it has the
    /// mapping's lease. `recheck` as for [`Engine::run`].
    pub async fn start_detached(&self, plan: RunId, recheck: bool) -> Result<u32, EngineError> {
        self.spawn(plan, Begin::Plan { recheck }).await
    }

    /// Goes on with a run that was stopped or whose process is gone, in a process of its own.
    pub async fn resume_detached(&self, run: RunId) -> Result<u32, EngineError> {
        self.spawn(run, Begin::Again).await
    }

    async fn spawn(&self, run: RunId, begin: Begin) -> Result<u32, EngineError> {
        let record = self.summary(run)?;
        // Whatever must be typed is typed here, where the person is.
        self.salesforce(&record.definition.connection).await?;
        let folders = self.workspace.folders();
        // Only those that it needs: it writes, and asks the source nothing.
        let its_own = format!("[salesforce.{}] ", record.definition.connection);
        let secrets = {
            let unlocked = self.unlocked.lock().unwrap_or_else(PoisonError::into_inner);
            let needed = unlocked.iter().filter(|(what, _)| what.starts_with(&its_own));
            needed.map(|(what, secret)| (what.clone(), secret.expose_secret().to_owned())).collect()
        };
        // The worker may stand in another folder one day.
        let absolute = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
        let orders = Orders { config: absolute(&folders.config), state: absolute(&folders.state), begin, secrets };
        let line = serde_json::to_string(&orders).map_err(|error| EngineError::failed(error.to_string()))?;
        let log = folders.logs().join("worker.log");
        let started = tokio::task::spawn_blocking(move || start(run, &line, &log)).await;
        started.map_err(|error| EngineError::failed(error.to_string()))?
    }

    /// What a worker does: takes the mapping's lease, says so, and applies the plan to its end.
    pub async fn work(
        self,
        run: RunId,
        orders: Orders,
        progress: ProgressSender,
        cancel: CancellationToken,
        taken: impl FnOnce(),
    ) -> Result<RunSummary, EngineError> {
        let given = orders.secrets.into_iter().map(|(what, secret)| (what, SecretString::from(secret))).collect();
        let engine = Self { given: std::sync::Arc::new(given), ..self }.without_asking();
        let begun = engine.begin(run, orders.begin, progress, cancel).await?;
        taken();
        begun.go().await
    }
}

/// Starts the process, tells it what to do, and waits for its answer.
fn start(run: RunId, line: &str, log: &std::path::Path) -> Result<u32, EngineError> {
    let failed = |error: &dyn std::fmt::Display| {
        EngineError::failed(format!("the process for run {run} does not start: {error}"))
            .with_hint(format!("What it said is in {}.", log.display()))
    };
    if let Some(folder) = log.parent() {
        std::fs::create_dir_all(folder).map_err(|error| failed(&error))?;
    }
    let said = std::os::unix::fs::OpenOptionsExt::mode(std::fs::OpenOptions::new().create(true).append(true), 0o600)
        .open(log)
        .map_err(|error| failed(&error))?;
    let mut child = Command::new(program().map_err(|error| failed(&error))?)
        .args(["worker", &run.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(said)
        .spawn()
        .map_err(|error| failed(&error))?;
    let pid = child.id();
    let (input, output) = (child.stdin.take(), child.stdout.take());
    let ended = reap(child);
    if let Some(mut input) = input {
        // One that ended at once says why below.
        let _ = writeln!(input, "{line}");
    }
    let mut answer = String::new();
    if let Some(output) = output {
        BufReader::new(output).read_line(&mut answer).map_err(|error| failed(&error))?;
    }
    match serde_json::from_str::<WorkerReply>(&answer) {
        Ok(reply) => reply.into_result().map(|()| pid),
        Err(_) => Err(match ended.recv() {
            Ok(status) => failed(&status),
            Err(error) => failed(&error),
        }),
    }
}

/// This very program. Where its file was replaced meanwhile, Linux still knows the one that runs.
fn program() -> std::io::Result<PathBuf> {
    let program = std::env::current_exe()?;
    let running = PathBuf::from("/proc/self/exe");
    Ok(if program.exists() || !running.exists() { program } else { running })
}

/// Asks how a process ended once it has, so that nothing is left of it; whoever lives longer.
fn reap(mut child: Child) -> std::sync::mpsc::Receiver<ExitStatus> {
    let (tell, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        if let Ok(status) = child.wait() {
            let _ = tell.send(status);
        }
    });
    ended
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_and_answers_come_through_and_secrets_are_not_shown() {
        let orders = Orders {
            config: "/c".into(),
            state: "/s".into(),
            begin: Begin::Plan { recheck: true },
            secrets: [("[salesforce.sales] password".to_owned(), "hush".to_owned())].into(),
        };
        assert!(!format!("{orders:?}").contains("hush"));
        let read = Orders::read(&serde_json::to_string(&orders).unwrap()).unwrap();
        assert_eq!((read.begin, read.folders().state), (Begin::Plan { recheck: true }, PathBuf::from("/s")));
        let refused = Orders::read("{\"secrets\":{\"x\":\"hush\"}}").unwrap_err();
        assert!(!refused.to_string().contains("hush"));

        let error = EngineError::configuration("no").with_hint("yes");
        let text = serde_json::to_string(&WorkerReply::from(&error)).unwrap();
        assert_eq!(serde_json::from_str::<WorkerReply>(&text).unwrap().into_result(), Err(error));
        assert_eq!(serde_json::from_str::<WorkerReply>("\"taken\"").unwrap().into_result(), Ok(()));
    }
}

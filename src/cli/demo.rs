//! `gondola demo`: the full-screen program on a sandbox of its own.
//!
//! The sandbox is a process that outlives the screen; it is found again by its ready file, and
//! ends by itself when nobody has talked to it for a while.

use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{logging, report, screen};
use crate::config::{Folders, Workspace};
use crate::engine::{Engine, EngineError};
use crate::sandbox::Ready;
use crate::store::{Presence, Store};
use crate::tui;

/// How long the sandbox may take to listen.
const START: Duration = Duration::from_secs(60);
/// How long it waits for somebody to talk to it.
const IDLE_SECONDS: u64 = 600;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Begin anew: forget what was drawn and synced in the demo.
    #[arg(long)]
    fresh: bool,
    /// Customers in the demo's Snowflake (1000 when it starts for the first time).
    #[arg(long)]
    rows: Option<usize>,
    /// Milliseconds that each call takes at least, as over a network.
    #[arg(long)]
    latency_ms: Option<u64>,
}

pub(super) async fn run(arguments: Arguments, folders: &Folders, options: tui::Options) -> Result<u8, EngineError> {
    report::need_terminal("Use `gondola sandbox --ready-file FILE` and the commands instead.")?;
    let home = folders.demo_home();
    let ready_file = home.join("sandbox.json");
    let fits = !arguments.fresh && arguments.rows.is_none() && arguments.latency_ms.is_none();
    let ready = match found(&ready_file) {
        Some(ready) if fits => ready,
        other => {
            if let Some(old) = other {
                end_runs(&folders.demo())?;
                stop(&old, &ready_file)?;
            }
            if arguments.fresh && home.exists() {
                std::fs::remove_dir_all(&home)
                    .map_err(|error| EngineError::failed(format!("cannot empty {}: {error}", home.display())))?;
            }
            start(&arguments, &home, &ready_file).await?
        }
    };
    let demo = folders.demo();
    write_connections(&demo, &ready)?;
    let _log = logging::start(&demo);
    let keeper = tokio::spawn(keep_awake(ready.control_url.clone()));
    let code = screen(Engine::open(demo)?, tui::Options { demo: true, ..options }).await;
    keeper.abort();
    code
}

/// The sandbox of the ready file, if it still answers.
fn found(ready_file: &Path) -> Option<Ready> {
    let ready = Ready::read(ready_file).ok()?;
    let address = ready.control_url.strip_prefix("http://")?.parse().ok()?;
    TcpStream::connect_timeout(&address, Duration::from_millis(500)).ok()?;
    Some(ready)
}

/// Ends the demo's runs: their sandbox goes.
fn end_runs(demo: &Folders) -> Result<(), EngineError> {
    if !demo.database().exists() {
        return Ok(());
    }
    let store = Store::open(&demo.database())?;
    for lease in store.leases()? {
        note!("ending run {} of the demo …", lease.run);
        let pid = i32::try_from(lease.process.pid).ok().and_then(rustix::process::Pid::from_raw);
        if let Some(pid) = pid.filter(|_| lease.process.presence() == Presence::There) {
            // It may have ended by itself just now.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let end = Instant::now() + Duration::from_secs(10);
        while lease.process.presence() == Presence::There && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    Ok(())
}

fn stop(ready: &Ready, ready_file: &Path) -> Result<(), EngineError> {
    let pid = i32::try_from(ready.pid).ok().and_then(rustix::process::Pid::from_raw);
    if let Some(pid) = pid {
        // It may have ended by itself just now.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
    }
    let end = Instant::now() + Duration::from_secs(10);
    while found(ready_file).is_some() {
        if Instant::now() > end {
            return Err(EngineError::failed(format!("the demo's sandbox (process {}) does not end", ready.pid))
                .with_hint("End that process, then start the demo again."));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

async fn start(arguments: &Arguments, home: &Path, ready_file: &Path) -> Result<Ready, EngineError> {
    let failed = |error: &dyn std::fmt::Display| EngineError::failed(format!("the sandbox does not start: {error}"));
    std::fs::create_dir_all(home).map_err(|error| failed(&error))?;
    let _ = std::fs::remove_file(ready_file);
    note!("starting a Snowflake and a Salesforce on this machine …");
    let program = std::env::current_exe().map_err(|error| failed(&error))?;
    let mut child = Command::new(program)
        .args(["sandbox", "--detached", "--idle-exit", &IDLE_SECONDS.to_string()])
        .arg("--ready-file")
        .arg(ready_file)
        .arg("--state")
        .arg(home.join("org.db"))
        .args(["--rows", &arguments.rows.unwrap_or(1_000).to_string()])
        .args(["--latency-ms", &arguments.latency_ms.unwrap_or(0).to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(&error))?;
    let end = Instant::now() + START;
    loop {
        if let Some(ready) = found(ready_file) {
            return Ok(ready);
        }
        if let Some(status) = child.try_wait().map_err(|error| failed(&error))? {
            return Err(failed(&format!("{status}: {}", last_words(&mut child))));
        }
        if Instant::now() > end {
            let _ = child.kill();
            return Err(failed(&"it did not listen within a minute"));
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

fn last_words(child: &mut Child) -> String {
    use std::io::Read;
    let mut text = String::new();
    if let Some(mut said) = child.stderr.take() {
        let _ = said.read_to_string(&mut text);
    }
    text.trim().to_owned()
}

/// The demo's connections, both called `demo`. The ports change from start to start.
fn write_connections(demo: &Folders, ready: &Ready) -> Result<(), EngineError> {
    let workspace = Workspace::new(demo.clone());
    let (snowflake, salesforce) = (&ready.snowflake, &ready.salesforce);
    workspace.write_secret("snowflake-password", &snowflake.password)?;
    workspace.write_secret("salesforce-secret", &salesforce.client_secret)?;
    let text = format!(
        "# Written by `gondola demo` at each start: the sandbox's ports change.\n\
         [snowflake.demo]\n\
         account = \"{}\"\nuser = \"{}\"\npassword = \"file:snowflake-password\"\n\
         role = \"{}\"\nwarehouse = \"{}\"\ndatabase = \"{}\"\nschema = \"{}\"\n\
         host = \"{}\"\nport = {}\nprotocol = \"{}\"\n\n\
         [salesforce.demo]\n\
         login_url = \"{}\"\nauth = \"client-credentials\"\nclient_id = \"{}\"\nclient_secret = \"file:salesforce-secret\"\n",
        snowflake.account,
        snowflake.user,
        snowflake.role,
        snowflake.warehouse,
        snowflake.database,
        snowflake.schema,
        snowflake.host,
        snowflake.port,
        snowflake.protocol,
        salesforce.login_url,
        salesforce.client_id,
    );
    Ok(workspace.write_connections(&text)?)
}

/// A look at the statistics now and then, so that the sandbox does not end under an open screen.
async fn keep_awake(control_url: String) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let Some(address) = control_url.strip_prefix("http://").map(str::to_owned) else { return };
    loop {
        tokio::time::sleep(Duration::from_secs(IDLE_SECONDS / 4)).await;
        let asked = async {
            let mut stream = tokio::net::TcpStream::connect(&address).await?;
            stream.write_all(format!("GET /stats HTTP/1.0\r\nHost: {address}\r\n\r\n").as_bytes()).await?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await
        };
        if let Err(error) = asked.await {
            tracing::debug!(%error, "the sandbox is gone");
        }
    }
}

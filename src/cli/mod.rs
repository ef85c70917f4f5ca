//! The commands: one file each. stdout is data, stderr is narration, the exit code says how it went.

/// Narration on stderr. A reader that went away is no reason to stop.
macro_rules! note {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), $($text)*);
    }};
}

mod arrow;
mod attach;
mod check;
mod confirm;
mod connections;
#[cfg(feature = "sandbox")]
mod demo;
mod describe;
mod grants;
mod live;
mod logging;
mod login;
mod pause;
mod plan;
mod query;
mod report;
mod reset;
mod resume;
mod run;
mod runs;
#[cfg(feature = "sandbox")]
mod sandbox;
mod schedule;
mod schedule_unit;
mod several;
mod show;
mod stop;
mod worker;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::Folders;
use crate::engine::{Engine, EngineError};
use crate::tui;

/// Lifts rows from Snowflake to Salesforce, and shows you every one of them on the way.
///
/// Without a command: the full-screen program. `gondola demo` shows all of it on made-up data.
#[derive(Debug, Parser)]
#[command(name = "gondola", version, max_term_width = 100)]
struct Arguments {
    /// Draw with plain ASCII characters.
    #[arg(long, global = true)]
    ascii: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The full-screen program on a made-up Snowflake and Salesforce of its own.
    #[cfg(feature = "sandbox")]
    Demo(demo::Arguments),
    /// The made-up Snowflake and Salesforce alone, on loopback.
    #[cfg(feature = "sandbox")]
    Sandbox(sandbox::Arguments),
    /// List the connections.
    Connections(connections::Arguments),
    /// Check a connection (or all) line by line, with what to do where something is wrong.
    Check(check::Arguments),
    /// Print what an administrator has to grant, so that the connection's mappings or models work.
    Grants(grants::Arguments),
    /// Sign in to Salesforce as a person, once; works over SSH, without a browser here.
    Login(login::Arguments),
    /// Run a model's query, or any other, and print its rows.
    Query(query::Arguments),
    /// List the fields of an object, as the signed-in user sees them.
    Describe(describe::Arguments),
    /// Show what a run would do, row by row, field by field. Writes nothing to the destination.
    Plan(plan::Arguments),
    /// Make a plan and apply it, or apply one that was made before.
    Run(run::Arguments),
    /// Follow a run that is going on by itself; Ctrl-C ends the following, not the run.
    Attach(attach::Arguments),
    /// Let a run that is going send nothing until it is resumed.
    Pause(pause::Arguments),
    /// Go on with a run that is paused, was stopped, or whose process is gone.
    Resume(resume::Arguments),
    /// End a run after the calls that are under way.
    Stop(stop::Arguments),
    /// Apply a plan as the process that outlives whoever started it.
    #[command(hide = true)]
    Worker(worker::Arguments),
    /// Forget a mapping's snapshot: the next plan counts every row as added. No record is changed.
    Reset(reset::Arguments),
    /// List runs, the newest first.
    Runs(runs::Arguments),
    /// Show a run and its rows.
    Show(show::Arguments),
    /// Run what is due by the schedules of the models, without a screen.
    Schedule(schedule::Arguments),
}

/// Runs the program with the process's own arguments.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // clap's own rule: help and version go to stdout and are no failure.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    match start(arguments) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            report::error(&error);
            ExitCode::from(error.exit_code())
        }
    }
}

fn start(arguments: Arguments) -> Result<u8, EngineError> {
    if matches!(arguments.command, Some(Command::Worker(_))) {
        worker::leave_terminal();
    }
    let folders = Folders::find()?;
    // A screen that waits for a slow terminal must not hold up the work.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| EngineError::failed(format!("cannot start: {error}")))?;
    let code = runtime.block_on(dispatch(arguments, folders));
    // A blocked task (a secret's command, a dead terminal) does not keep the program.
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    code
}

async fn dispatch(arguments: Arguments, folders: Folders) -> Result<u8, EngineError> {
    let options = tui::Options { ascii: arguments.ascii, ..tui::Options::default() };
    let command = match arguments.command {
        #[cfg(feature = "sandbox")]
        Some(Command::Demo(demo)) => return demo::run(demo, &folders, options).await,
        #[cfg(feature = "sandbox")]
        Some(Command::Sandbox(sandbox)) => return sandbox::run(sandbox).await,
        Some(Command::Worker(worker)) => return worker::run(&worker).await,
        Some(command) => command,
        None => {
            report::need_terminal("Use a command instead: `gondola --help` lists them.")?;
            let _log = logging::start(&folders);
            return screen(Engine::open(folders)?, options).await;
        }
    };
    let _log = logging::start(&folders);
    let engine = Engine::open(folders)?;
    let code = run(command, &engine).await;
    engine.close().await;
    code
}

/// One command, on an open engine.
async fn run(command: Command, engine: &Engine) -> Result<u8, EngineError> {
    match command {
        #[cfg(feature = "sandbox")]
        Command::Demo(_) | Command::Sandbox(_) => Ok(0),
        Command::Connections(arguments) => connections::run(&arguments, engine),
        Command::Check(arguments) => check::run(&arguments, engine).await,
        Command::Grants(arguments) => grants::run(&arguments, engine).await,
        Command::Login(arguments) => login::run(&arguments, engine).await,
        Command::Query(arguments) => query::run(arguments, engine).await,
        Command::Describe(arguments) => describe::run(&arguments, engine).await,
        Command::Plan(arguments) => plan::run(arguments, engine).await,
        Command::Run(arguments) => run::run(arguments, engine).await,
        Command::Attach(arguments) => attach::run(&arguments, engine).await,
        Command::Pause(arguments) => pause::run(&arguments, engine).await,
        Command::Resume(arguments) => resume::run(&arguments, engine).await,
        Command::Stop(arguments) => stop::run(&arguments, engine).await,
        Command::Worker(_) => Ok(0),
        Command::Reset(arguments) => reset::run(&arguments, engine),
        Command::Runs(arguments) => runs::run(&arguments, engine),
        Command::Show(arguments) => show::run(&arguments, engine),
        Command::Schedule(arguments) => schedule::run(arguments, engine).await,
    }
}

/// The full-screen program until the user leaves it.
async fn screen(engine: Engine, options: tui::Options) -> Result<u8, EngineError> {
    let ended = tui::run(engine.clone().without_asking(), options).await;
    engine.close().await;
    let farewell = ended.map_err(|error| EngineError::failed(error.to_string()))?;
    farewell.iter().for_each(|words| note!("{words}"));
    Ok(0)
}

//! `gondola sandbox`

use std::path::PathBuf;
use std::time::Duration;

use crate::engine::EngineError;
use crate::sandbox::{Options, Sandbox};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Written once everything listens: addresses, users, secrets as JSON.
    #[arg(long, value_name = "FILE")]
    ready_file: PathBuf,
    /// Customers in Snowflake.
    #[arg(long, default_value_t = 1_000)]
    rows: usize,
    /// Contacts in Salesforce at the start; a share of the customers when left out.
    #[arg(long)]
    contacts: Option<usize>,
    /// Seed of everything that is made up.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Milliseconds that each call takes at least.
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
    /// Give the org state and country picklists: a code beside each state and country of an address.
    #[arg(long)]
    state_country_picklists: bool,
    /// First of three ports; any free ones when left out.
    #[arg(long)]
    port: Option<u16>,
    /// Keep Salesforce's records in this file; in memory when left out.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// End after this many seconds without a call.
    #[arg(long, value_name = "SECONDS")]
    idle_exit: Option<u64>,
    /// Outlive the terminal that started it.
    #[arg(long, hide = true)]
    detached: bool,
}

pub(super) async fn run(arguments: Arguments) -> Result<u8, EngineError> {
    if arguments.detached {
        // Not a group leader here, so this cannot fail; if it does, the terminal takes it along.
        let _ = rustix::process::setsid();
    }
    let options = Options {
        rows: arguments.rows,
        contacts: arguments.contacts,
        seed: arguments.seed,
        latency: Duration::from_millis(arguments.latency_ms),
        state_country_picklists: arguments.state_country_picklists,
        port: arguments.port,
        state: arguments.state,
        idle_exit: arguments.idle_exit.map(Duration::from_secs),
    };
    let sandbox = Sandbox::start(options).await.map_err(|error| EngineError::failed(error.to_string()))?;
    sandbox.ready.write(&arguments.ready_file).map_err(|error| {
        EngineError::configuration(format!("cannot write {}: {error}", arguments.ready_file.display()))
    })?;
    note!(
        "Snowflake on 127.0.0.1:{}, Salesforce on {}, control on {}\nEverything to connect with: {}\nCtrl-C ends it.",
        sandbox.ready.snowflake.port,
        sandbox.ready.salesforce.instance_url,
        sandbox.ready.control_url,
        arguments.ready_file.display()
    );
    let stop = super::confirm::stop_signal();
    tokio::select! {
        () = sandbox.stopped() => {}
        () = stop => {}
    }
    // Whoever reads it must not find a server that is gone.
    let _ = std::fs::remove_file(&arguments.ready_file);
    Ok(0)
}

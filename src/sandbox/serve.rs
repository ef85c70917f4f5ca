//! A whole sandbox: three listeners, and how it ends.

use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::Options;
use super::control::{self, Control};
use super::fault::Faults;
use super::ready::{Ready, ReadySalesforce, ReadySnowflake};
use super::salesforce::{self, Salesforce};
use super::snowflake::{self, Snowflake};
use super::stats::Stats;

/// Why a sandbox did not start.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// A port is taken, or there is no network.
    #[error(
        "cannot listen on 127.0.0.1:{port}: {source}. Choose another --port, or leave it out to take any free one."
    )]
    Listen {
        /// The port asked for; 0 is any.
        port: u16,
        /// What the system said.
        source: io::Error,
    },
    /// The org's records.
    #[error(transparent)]
    Salesforce(#[from] salesforce::Error),
    /// The demo tables.
    #[error("the demo tables cannot be made: {0}")]
    Snowflake(#[from] snowflake::Error),
    /// A task was stopped while it started.
    #[error("the sandbox was stopped while it started: {0}")]
    Stopped(#[from] tokio::task::JoinError),
}

/// A running sandbox. Dropping it ends it.
#[derive(Debug)]
pub struct Sandbox {
    /// How to reach it.
    pub ready: Ready,
    ended: CancellationToken,
    _stop: DropGuard,
}

impl Sandbox {
    /// Starts one and returns once all three listen.
    pub async fn start(options: Options) -> Result<Self, SandboxError> {
        let (faults, stats) = (Faults::default(), Stats::default());
        let snowflake_listener = listen(options.port, 0).await?;
        let salesforce_listener = listen(options.port, 1).await?;
        let control_listener = listen(options.port, 2).await?;
        let salesforce_url = format!("http://127.0.0.1:{}", port(&salesforce_listener));

        let salesforce = {
            let (options, url, faults, stats) =
                (options.clone(), salesforce_url.clone(), faults.clone(), stats.clone());
            tokio::task::spawn_blocking(move || Salesforce::new(&options, url, faults, stats)).await??
        };
        let snowflake = {
            let (options, faults, stats) = (options.clone(), faults.clone(), stats.clone());
            tokio::task::spawn_blocking(move || Snowflake::new(&options, faults, stats)).await??
        };
        let ready = Ready {
            pid: std::process::id(),
            snowflake: ready_snowflake(port(&snowflake_listener)),
            salesforce: ready_salesforce(&salesforce, &salesforce_url),
            control_url: format!("http://127.0.0.1:{}", port(&control_listener)),
        };
        let control = control::router(Control {
            snowflake: snowflake.clone(),
            salesforce: salesforce.clone(),
            faults,
            stats: stats.clone(),
        });

        let stop = CancellationToken::new();
        let ended = CancellationToken::new();
        let mut servers = JoinSet::new();
        for (listener, router) in [
            (snowflake_listener, snowflake.router()),
            (salesforce_listener, salesforce.router()),
            (control_listener, control),
        ] {
            let stop = stop.clone();
            servers.spawn(async move {
                let stopped = stop.clone().cancelled_owned();
                if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(stopped).await {
                    tracing::error!(%error, "a sandbox listener ended");
                }
            });
        }
        if let Some(idle) = options.idle_exit {
            let stop = stop.clone();
            tokio::spawn(async move {
                stop.run_until_cancelled(unused_for(&stats, idle)).await;
                stop.cancel();
            });
        }
        let all_ended = ended.clone().drop_guard();
        tokio::spawn(async move {
            while servers.join_next().await.is_some() {}
            drop(all_ended);
        });
        Ok(Self { ready, ended, _stop: stop.drop_guard() })
    }

    /// Waits until it has ended by itself.
    pub async fn stopped(&self) {
        self.ended.cancelled().await;
    }
}

/// Returns once no call came for that long.
async fn unused_for(stats: &Stats, idle: Duration) {
    loop {
        let unused = stats.last_call().elapsed();
        match idle.checked_sub(unused) {
            None | Some(Duration::ZERO) => return,
            Some(rest) => tokio::time::sleep(rest).await,
        }
    }
}

async fn listen(first: Option<u16>, offset: u16) -> Result<TcpListener, SandboxError> {
    let port = match first {
        None => 0,
        Some(first) => first.checked_add(offset).ok_or_else(|| SandboxError::Listen {
            port: first,
            source: io::Error::new(io::ErrorKind::InvalidInput, "three ports are needed from here on"),
        })?,
    };
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|source| SandboxError::Listen { port, source })
}

fn port(listener: &TcpListener) -> u16 {
    listener.local_addr().map_or(0, |address| address.port())
}

fn ready_salesforce(salesforce: &Salesforce, url: &str) -> ReadySalesforce {
    ReadySalesforce {
        instance_url: url.to_owned(),
        login_url: url.to_owned(),
        api_version: salesforce::API_VERSION.to_owned(),
        client_id: salesforce::CLIENT_ID.to_owned(),
        client_secret: salesforce::CLIENT_SECRET.to_owned(),
        username: salesforce::USERNAME.to_owned(),
        password: salesforce::PASSWORD.to_owned(),
        security_token: salesforce::SECURITY_TOKEN.to_owned(),
        refresh_token: salesforce::REFRESH_TOKEN.to_owned(),
        access_token: salesforce.open_session(),
        private_key: salesforce::PRIVATE_KEY.to_owned(),
    }
}

fn ready_snowflake(port: u16) -> ReadySnowflake {
    ReadySnowflake {
        host: "127.0.0.1".to_owned(),
        port,
        protocol: "http".to_owned(),
        account: snowflake::ACCOUNT.to_owned(),
        user: snowflake::USER.to_owned(),
        password: snowflake::PASSWORD.to_owned(),
        token: snowflake::TOKEN.to_owned(),
        private_key: snowflake::PRIVATE_KEY.to_owned(),
        database: snowflake::DATABASE.to_owned(),
        schema: snowflake::SCHEMA.to_owned(),
        warehouse: snowflake::WAREHOUSE.to_owned(),
        role: snowflake::ROLE.to_owned(),
    }
}

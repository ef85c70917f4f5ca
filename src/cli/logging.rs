//! The log: a file a day in the state folder, seven kept.

use tracing_appender::non_blocking::WorkerGuard;
use tracing_appender::rolling::{Builder, Rotation};
use tracing_subscriber::EnvFilter;

use crate::config::Folders;

/// Starts to log; ends when the guard is dropped. A log that cannot be written is no reason to stop.
pub(super) fn start(folders: &Folders) -> Option<WorkerGuard> {
    std::fs::create_dir_all(folders.logs()).ok()?;
    let file = Builder::new()
        .rotation(Rotation::DAILY)
        .filename_prefix("gondola")
        .filename_suffix("log")
        .max_log_files(7)
        .build(folders.logs())
        .ok()?;
    let (writer, guard) = tracing_appender::non_blocking(file);
    // The Snowflake crate logs whole answers, tokens included, at debug: never let it.
    let filter = std::env::var("GONDOLA_LOG").unwrap_or_else(|_| "gondola=info".to_owned());
    let filter = EnvFilter::try_new(format!("{filter},firn=off,hyper=off,reqwest=off")).ok()?;
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_ansi(false).finish();
    tracing::subscriber::set_global_default(subscriber).ok()?;
    Some(guard)
}

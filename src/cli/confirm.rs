//! Asking a person, and being stopped by one.

use std::io::{BufRead, IsTerminal, Write};

use tokio_util::sync::CancellationToken;

use crate::engine::EngineError;

/// The exit code after a no.
pub(super) const REFUSED: u8 = 130;

/// Asks on the terminal; without one it is an error that says what to do.
pub(super) fn ask(question: &str) -> Result<bool, EngineError> {
    Ok(matches!(read(&format!("{question} [y/N] "))?.to_lowercase().as_str(), "y" | "yes"))
}

/// Asks for a name to be typed, so that nobody agrees by habit.
pub(super) fn ask_name(what: &str, name: &str) -> Result<bool, EngineError> {
    let typed = read(&format!("{what}. Type its name to write to it: "))?;
    if typed != name {
        note!("that is not {name}");
    }
    Ok(typed == name)
}

fn read(question: &str) -> Result<String, EngineError> {
    if !std::io::stdin().is_terminal() {
        return Err(EngineError::configuration("nobody is there to confirm")
            .with_hint("Add --yes, or apply a reviewed plan with --plan ID."));
    }
    let _ = write!(std::io::stderr(), "{question}").and_then(|()| std::io::stderr().flush());
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).map_err(|error| EngineError::failed(error.to_string()))?;
    Ok(answer.trim().to_owned())
}

/// Returns once Ctrl-C or SIGTERM came.
pub(super) async fn stop_signal() {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).ok();
    let terminated = async {
        match &mut terminate {
            Some(signal) => signal.recv().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated => {}
    }
}

/// A token that Ctrl-C or SIGTERM cancels. The second one ends the process the hard way.
pub(super) fn cancel_on_interrupt() -> CancellationToken {
    let token = CancellationToken::new();
    let cancel = token.clone();
    tokio::spawn(async move {
        stop_signal().await;
        note!("stopping after the call that is under way; once more ends at once");
        cancel.cancel();
        stop_signal().await;
        std::process::exit(130);
    });
    token
}

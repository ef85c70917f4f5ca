//! The terminal program: message → update → effect.
//!
//! [`app::App::update`] takes what happened and says what is to be done; it waits for nothing.
//! [`app::App::draw`] cannot change anything. Only [`runtime`] spawns tasks. Keys live in one table
//! ([`keys`]). Only `terminal.rs` and `input.rs` name crossterm.

pub mod app;
mod app_view;
pub mod effect;
mod encode;
mod event_loop;
pub mod glyphs;
pub mod input;
pub mod keys;
pub mod look;
pub mod msg;
pub mod output;
pub mod overlay;
pub mod runtime;
pub mod screen;
mod sql_text;
pub mod terminal;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
pub mod theme;
pub mod ticket;
pub mod widget;
pub mod work;

use std::io::{self, IsTerminal};

use self::app::App;
use self::event_loop::{Ending, Loop};
use self::look::Look;
use self::runtime::Runtime;
use self::terminal::Terminal;
use crate::config::MappingId;
use crate::engine::Engine;

/// How the terminal program starts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Draw with ASCII signs, whatever the locale says.
    pub ascii: bool,
    /// This is `gondola demo`.
    pub demo: bool,
    /// Open this mapping first.
    pub first: Option<MappingId>,
}

/// Why the terminal program could not run, or did not go on.
#[derive(Debug, thiserror::Error)]
pub enum TuiError {
    /// Standard output leads elsewhere.
    #[error("standard output is not a terminal; `gondola --help` lists the commands that do without one")]
    NotATerminal,
    /// The terminal refused something.
    #[error("the terminal does not answer: {0}")]
    Terminal(#[from] io::Error),
}

/// Runs the terminal program until the operator leaves or the terminal is gone.
///
/// Whatever happens, the terminal is given back. A run that is going goes on in its own process; the
/// words for that come back, to be said where the screen was.
pub async fn run(engine: Engine, options: Options) -> Result<Option<String>, TuiError> {
    if !io::stdout().is_terminal() {
        return Err(TuiError::NotATerminal);
    }
    let look = Look::from_environment(options.ascii);
    let mut terminal = Terminal::enter()?;
    let (columns, rows) = terminal.size()?;
    let mut app = App::new(look, &options, columns, rows);
    let (mut runtime, answers) = Runtime::new(engine);
    let ending = Loop { app: &mut app, terminal: &mut terminal, runtime: &mut runtime, answers }.run().await;
    match ending {
        // After a hang-up a write may block for ever.
        Ok(Ending::TerminalGone) => terminal.abandon(),
        Ok(Ending::Left) | Err(_) => drop(terminal),
    }
    runtime.finish().await;
    let ending = ending.map_err(TuiError::from)?;
    Ok(app.farewell().filter(|_| ending == Ending::Left))
}

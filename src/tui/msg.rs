//! Everything that can happen to the program.

use std::sync::Arc;

use super::keys::Key;
use super::ticket::Ticket;
use super::work::Preview;
use crate::config::{Catalog, ConfigError, Connections};
use crate::destination::OrgInfo;
use crate::engine::{Aged, CheckLine, EngineError, Progress, RunSummary, Shape};
use crate::store::{ErrorGroup, RowFilter, RunId, RunRecord, RunRow};
use crate::types::ObjectSummary;

/// Something that happened.
#[derive(Debug, Clone)]
pub enum Msg {
    /// At the terminal.
    Input(Input),
    /// An answer to an effect.
    Answer(Ticket, Box<Answer>),
    /// A while has passed.
    Tick,
    /// Something to tell, from outside the screens.
    Notice(String),
}

/// Something that the person at the terminal did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Pressed a key.
    Key(Key),
    /// Pasted text; it is text, never keys.
    Paste(String),
    /// Gave the terminal another size: columns, rows.
    Resize(u16, u16),
    /// Used the mouse.
    Mouse(Mouse),
}

/// What was done with the mouse, and where (cells from 0).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mouse {
    /// What.
    pub kind: MouseKind,
    /// Column.
    pub column: u16,
    /// Row.
    pub row: u16,
}

/// What was done with the mouse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MouseKind {
    /// The left button went down.
    Down,
    /// Moved with the left button down.
    Drag,
    /// The left button came up.
    Up,
    /// The right button went down.
    RightDown,
    /// The wheel, away from the user.
    ScrollUp,
    /// The wheel, towards the user.
    ScrollDown,
}

/// An answer to an effect.
#[derive(Debug, Clone)]
pub enum Answer {
    /// To `Load`.
    Loaded(Result<Loaded, EngineError>),
    /// To a check, many times.
    CheckLine(CheckLine),
    /// To a check, at the end: whether all is well.
    Checked(Result<bool, EngineError>),
    /// To `Org`.
    Org(Result<OrgInfo, EngineError>),
    /// To `Preview`.
    Preview(Result<Arc<Preview>, EngineError>),
    /// To `Describe`.
    Described(Result<Arc<Aged<Shape>>, EngineError>),
    /// To `Objects`.
    Objects(Result<Vec<ObjectSummary>, EngineError>),
    /// To `SaveModel` and `SaveMapping`.
    Saved(Result<(), ConfigError>),
    /// To `Plan`, `Run`, `Resume` and `Follow`, now and then.
    Progress(Progress),
    /// To `Run` and `Resume`, once the run goes on by itself.
    Started,
    /// To `Going`: the run, if there is one.
    Going(Result<Option<RunId>, EngineError>),
    /// To `Tell`.
    Told(Result<(), EngineError>),
    /// To `Plan`, at the end.
    Planned(Result<RunId, EngineError>),
    /// To `Run`, `Resume` and `Follow`, at the end.
    Ran(Result<RunSummary, EngineError>),
    /// To `Summary`.
    Summary(Result<RunSummary, EngineError>),
    /// To `Rows`.
    Rows(Result<RowPage, EngineError>),
    /// To `Groups`.
    Groups(Result<Vec<ErrorGroup>, EngineError>),
    /// The task behind a question ended without an answer; what is known of why.
    Broken(String),
}

/// The user's files and the last runs.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    /// Models, mappings, and files that cannot be read.
    pub catalog: Catalog,
    /// The connections.
    pub connections: Connections,
    /// The last runs, the newest first.
    pub runs: Vec<RunRecord>,
    /// Runs that are going, with how far they are.
    pub going: Vec<(RunId, Progress)>,
    /// Where connections are written.
    pub connections_path: String,
}

/// Some rows of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct RowPage {
    /// Which run.
    pub run: RunId,
    /// Which of its rows.
    pub filter: RowFilter,
    /// Place of the first among them.
    pub offset: u64,
    /// The rows.
    pub rows: Vec<RunRow>,
    /// How many the filter means in all.
    pub total: u64,
}

//! What the program wants done, as data: compared in tests, performed by the runtime alone.

use std::time::Duration;

use super::ticket::Ticket;
use crate::config::{MappingId, Model};
use crate::engine::Freshness;
use crate::mapping::Mapping;
use crate::store::{RowFilter, RunId};

/// What a person wants of a run that is going.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Send nothing for now.
    Pause,
    /// Go on.
    GoOn,
    /// End after what is under way.
    Stop,
}

/// Something to be done outside. Those with a ticket are answered with it.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Read the user's files and the last runs.
    Load(Ticket),
    /// Forget the sessions, so that connections are read anew.
    ForgetSessions,
    /// Check a Snowflake connection; answered line by line.
    CheckSource(Ticket, String),
    /// Check a Salesforce connection; answered line by line.
    CheckDestination(Ticket, String),
    /// Say which org a Salesforce connection leads to.
    Org(Ticket, String),
    /// The first rows of a statement: connection, text, at most so many rows.
    Preview(Ticket, String, String, usize),
    /// The object of a mapping and those that its lookups name.
    Describe(Ticket, Box<Mapping>, Freshness),
    /// The objects of a destination: connection.
    Objects(Ticket, String),
    /// Write a model's files.
    SaveModel(Ticket, Model),
    /// Write a mapping's file.
    SaveMapping(Ticket, MappingId, Mapping),
    /// Make a plan; answered with progress, then with its run.
    Plan(Ticket, MappingId),
    /// Apply a plan in a process of its own and follow it; answered once it has begun, with progress,
    /// then with a summary. Cancelling ends the following.
    Run(Ticket, RunId),
    /// Go on with a run that was stopped or broke off, in a process of its own; answered likewise.
    Resume(Ticket, RunId),
    /// Follow a run that is going; answered likewise.
    Follow(Ticket, RunId),
    /// The run of a mapping that is going now.
    Going(Ticket, MappingId),
    /// Ask a run to pause, to go on, or to stop.
    Tell(Ticket, RunId, Wish),
    /// The counts of a run.
    Summary(Ticket, RunId),
    /// Rows of a run: which, from where, how many.
    Rows(Ticket, RunId, RowFilter, u64, usize),
    /// Held, rejected and failed rows by reason.
    Groups(Ticket, RunId),
    /// Stop what this ticket asked for, on the server too.
    Cancel(Ticket),
    /// Put a text into the clipboard of the operator's terminal.
    Copy(String),
    /// Send [`super::msg::Msg::Tick`] after a while.
    Tick(Duration),
    /// Mouse reports on or off.
    Mouse(bool),
    /// Clear and draw everything anew.
    Redraw,
    /// Stop the process as Ctrl-Z does.
    Suspend,
    /// Leave.
    Quit,
}

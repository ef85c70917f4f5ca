//! Keys of 2 Query.

use super::Action::{CopyCell, Inspect, LeaveText, Redo, RunQuery, SaveModel, ToggleKey, Undo};
use super::{Binding, Scope, bind};

/// The lines.
pub(super) const KEYS: &[Binding] = &[
    bind(
        Scope::Editor,
        &["Ctrl-R", "F5"],
        RunQuery,
        "run",
        "Run the statement under the cursor and show its first rows",
    ),
    bind(Scope::Editor, &["Ctrl-U"], Undo, "undo", "Take the last edit back"),
    bind(Scope::Editor, &["Ctrl-Y"], Redo, "redo", "Make it again"),
    bind(Scope::Editor, &["Esc"], LeaveText, "other keys", "Out of the text, down to the rows: letters are keys again"),
    bind(Scope::Results, &["Ctrl-R", "F5"], RunQuery, "run", "Run the statement under the cursor again"),
    bind(Scope::Results, &["Enter"], Inspect, "whole cell", "Show the whole cell with its type"),
    bind(Scope::Results, &["k"], ToggleKey, "key column", "Make this column part of the key, or no longer"),
    bind(Scope::Results, &["y"], CopyCell, "copy", "Copy the cell to your terminal's clipboard"),
    bind(Scope::Results, &["s"], SaveModel, "save", "Save the query and its key; a new model gets its name"),
];

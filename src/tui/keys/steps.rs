//! Keys of Home and of 1 Connect.

use super::Action::{Check, Continue, EditMapping, EditQuery, NewModel, Open, Reload};
use super::{Binding, Scope, bind};

/// The lines.
pub(super) const KEYS: &[Binding] = &[
    bind(Scope::Home, &["Enter"], Open, "open", "Open what is selected, or connect and start"),
    bind(Scope::Home, &["n"], NewModel, "new model", "Start a new model: a query, its key, its mappings"),
    bind(Scope::Home, &["e"], EditQuery, "edit query", "Open the selected model's query"),
    bind(Scope::Home, &["m"], EditMapping, "edit mapping", "Open the selected mapping's lines"),
    bind(Scope::Home, &["r"], Reload, "reload", "Read the files again"),
    bind(Scope::Connect, &["Enter"], Continue, "check", "Check both ends; once they answer, go to 2 Query"),
    bind(Scope::Connect, &["c"], Check, "check again", "Check both ends again"),
];

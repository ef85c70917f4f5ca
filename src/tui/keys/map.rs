//! Keys of 3 Map.

use super::Action::{Down, Map, NextPane, PageDown, PageUp, Up};
use super::{Binding, Scope, bind};

/// What a key can ask of the Map screen, beside moving about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the table below has a sentence on each")]
pub enum MapAction {
    Draw,
    Back,
    NextGuess,
    Cut,
    Undo,
    Redo,
    Matcher,
    MatchMode,
    Automatch,
    Accept,
    Decline,
    AcceptAll,
    Operation,
    Rows,
    Save,
    Filter,
    Show,
    Level,
    Align,
    Grid,
    ReadOnly,
    NextProblem,
    NextSample,
    Object,
    Lookup,
    Refresh,
}

use MapAction as M;

const MAP: Scope = Scope::Map;
const HAND: Scope = Scope::MapDraw;

/// The lines.
pub(super) const KEYS: &[Binding] = &[
    bind(MAP, &["Space", "Enter"], Map(M::Draw), "draw", "Pick up a line here; from a field: what feeds it"),
    bind(MAP, &["Tab"], NextPane, "other list", "Go to the other list; Left and Right go along the line"),
    bind(MAP, &["x"], Map(M::Cut), "cut", "Cut the line here"),
    bind(MAP, &["u"], Map(M::Undo), "undo", "Undo the last change of the mapping"),
    bind(MAP, &["U"], Map(M::Redo), "redo", "Do again what was undone"),
    bind(MAP, &["m"], Map(M::Matcher), "match by", "Find records by this line, or no longer"),
    bind(MAP, &["&"], Map(M::MatchMode), "all or any", "Records must match in all of the matchers, or in any"),
    bind(MAP, &["a"], Map(M::Automatch), "match names", "Propose lines by name; they are dotted until you accept them"),
    bind(MAP, &["y"], Map(M::Accept), "yes", "Draw the proposed line; yes to a question"),
    bind(MAP, &["n"], Map(M::Decline), "no", "Not this proposed line; no to a question"),
    bind(MAP, &["A"], Map(M::AcceptAll), "draw all", "Draw every proposed line"),
    bind(MAP, &["o"], Map(M::Operation), "operation", "Update or create, create only, update only, delete"),
    bind(MAP, &["r"], Map(M::Rows), "rows", "Which rows are sent: added, updated, all …"),
    bind(MAP, &["s"], Map(M::Save), "save", "Save the mapping to its file"),
    bind(MAP, &["/"], Map(M::Filter), "find", "Narrow the list by typing"),
    bind(MAP, &["f"], Map(M::Show), "filter", "Show everything, what has no line, what has one, what has problems"),
    bind(MAP, &["z"], Map(M::Level), "level", "Bring the other end of the line beside this one"),
    bind(MAP, &["="], Map(M::Align), "align", "Put each field beside its column, or back into its own order"),
    bind(MAP, &["g"], Map(M::Grid), "table", "Show the same mapping as a table, or as lines"),
    bind(MAP, &["."], Map(M::ReadOnly), "read-only", "Show fields that cannot be written, or hide them"),
    bind(MAP, &["!"], Map(M::NextProblem), "next problem", "Go to the next field with a problem"),
    bind(MAP, &["v"], Map(M::NextSample), "next value", "Show the values of the next row"),
    bind(MAP, &["L"], Map(M::Lookup), "look up", "Find the record that a reference points to by one of its fields"),
    bind(
        MAP,
        &["O"],
        Map(M::Object),
        "object",
        "Choose the object that rows go to; each object has a mapping of its own",
    ),
    bind(MAP, &["R"], Map(M::Refresh), "refresh", "Read the object's fields from Salesforce again"),
    bind(Scope::MapOpen, &["Esc"], Map(M::Back), "back", "Close what is open here; no line is lost"),
    bind(HAND, &["Space", "Enter"], Map(M::Draw), "drop", "Drop the line here; in a search, keep what was found"),
    bind(HAND, &["Tab"], Map(M::NextGuess), "next guess", "Go to the next likely end of the line"),
    bind(HAND, &["Esc"], Map(M::Back), "put down", "Put the line down unchanged; in a search, show all again"),
    bind(HAND, &["Up"], Up, "up", "One row up"),
    bind(HAND, &["Down"], Down, "down", "One row down"),
    bind(HAND, &["PgUp"], PageUp, "page up", "One page up"),
    bind(HAND, &["PgDn"], PageDown, "page down", "One page down"),
];

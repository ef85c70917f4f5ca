//! Keys that mean the same everywhere, and those of lists, questions and things to read.

use super::Action::{
    Close, Down, First, GoConnect, GoHome, GoMap, GoQuery, GoSync, Help, Last, Left, NextPane, NextStep, No, PageDown,
    PageUp, PreviousPane, Quit, Redraw, Right, Stop, Submit, Suspend, ToggleMouse, Up, Yes,
};
use super::{Binding, Scope, bind};

const GLOBAL: Scope = Scope::Global;
const ALWAYS: Scope = Scope::Always;
const LIST: Scope = Scope::List;

/// The lines.
pub(super) const KEYS: &[Binding] = &[
    bind(GLOBAL, &["?"], Help, "keys", "Show the keys that work here"),
    bind(GLOBAL, &["q"], Quit, "quit", "Leave gondola; a sync goes on by itself"),
    bind(GLOBAL, &["0"], GoHome, "home", "Go to Home: the models and their mappings"),
    bind(GLOBAL, &["1"], GoConnect, "connect", "Go to 1 Connect: choose and check both ends"),
    bind(GLOBAL, &["2"], GoQuery, "query", "Go to 2 Query: write the SELECT and look at its rows"),
    bind(GLOBAL, &["3"], GoMap, "map", "Go to 3 Map: draw lines from columns to fields"),
    bind(GLOBAL, &["4"], GoSync, "sync", "Go to 4 Sync: read the plan, then send it"),
    bind(GLOBAL, &["M"], ToggleMouse, "mouse", "Mouse on or off; off lets the terminal select text"),
    bind(ALWAYS, &["Tab"], NextPane, "next pane", "Move the focus to the next pane"),
    bind(ALWAYS, &["Shift-Tab"], PreviousPane, "previous pane", "Move the focus to the previous pane"),
    bind(ALWAYS, &["Ctrl-N"], NextStep, "next step", "Go to the next step; works while you type, too"),
    bind(ALWAYS, &["Ctrl-C"], Stop, "stop", "Stop what is going on; else ask whether to quit"),
    bind(ALWAYS, &["Ctrl-Z"], Suspend, "suspend", "Put gondola into the background; `fg` brings it back"),
    bind(ALWAYS, &["Ctrl-L"], Redraw, "redraw", "Draw the whole screen anew"),
    bind(ALWAYS, &["Esc"], Close, "close", "Close what lies on top; never throws work away"),
    bind(LIST, &["Up", "k"], Up, "up", "One row up"),
    bind(LIST, &["Down", "j"], Down, "down", "One row down"),
    bind(LIST, &["PgUp", "Ctrl-U"], PageUp, "page up", "One page up"),
    bind(LIST, &["PgDn", "Ctrl-D"], PageDown, "page down", "One page down"),
    bind(LIST, &["Home", "g"], First, "first", "To the first row"),
    bind(LIST, &["End", "G"], Last, "last", "To the last row"),
    bind(LIST, &["Left", "h"], Left, "left", "One column or pane to the left"),
    bind(LIST, &["Right", "l"], Right, "right", "One column or pane to the right"),
    bind(Scope::Confirm, &["y"], Yes, "yes", "Do it"),
    bind(Scope::Confirm, &["n", "Esc"], No, "no", "Leave everything as it is"),
    bind(Scope::Prompt, &["Enter"], Submit, "accept", "Take what the field says"),
    bind(Scope::Prompt, &["Esc"], Close, "back", "Leave everything as it is"),
    bind(Scope::Pick, &["Enter"], Submit, "take", "Take what is selected; typing narrows the list"),
    bind(Scope::Pick, &["Esc"], Close, "back", "Leave everything as it is"),
    bind(Scope::Pick, &["Up"], Up, "up", "One row up"),
    bind(Scope::Pick, &["Down"], Down, "down", "One row down"),
    bind(Scope::Pick, &["PgUp"], PageUp, "page up", "One page up"),
    bind(Scope::Pick, &["PgDn"], PageDown, "page down", "One page down"),
    bind(Scope::Reader, &["Esc", "q", "?", "Enter"], Close, "close", "Close this and go on where you were"),
];

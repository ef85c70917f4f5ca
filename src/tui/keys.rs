//! The one table of keys: what each does, where, and the words for it. Dispatch, footer and `?` help
//! are all made from it.

mod global;
mod key;
pub mod map;
mod query;
mod steps;
mod sync;

pub use key::{Code, Key, ParseKeyError};
pub use map::MapAction;

/// Where a key means something. What has the focus names a chain of scopes, nearest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Everywhere but in text fields.
    Global,
    /// In text fields and everywhere else.
    Always,
    /// Lists and tables.
    List,
    /// The Home screen.
    Home,
    /// The Connect screen.
    Connect,
    /// The SQL editor.
    Editor,
    /// The results under the editor.
    Results,
    /// The Map screen.
    Map,
    /// The Map screen while a line is in the hand, or a list is narrowed by typing.
    MapDraw,
    /// The Map screen while something is open that Esc closes.
    MapOpen,
    /// The Sync screen.
    Sync,
    /// A question with yes and no.
    Confirm,
    /// A question that wants text.
    Prompt,
    /// A choice of many things.
    Pick,
    /// Something to read: help, a whole cell.
    Reader,
}

impl Scope {
    /// Heading of the help.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Global | Self::Always => "Everywhere",
            Self::List => "Lists and tables",
            Self::Home => "Home",
            Self::Connect => "Connect",
            Self::Editor => "Query: editor",
            Self::Results => "Query: results",
            Self::Map => "Map",
            Self::MapDraw => "Map: a line in your hand, or typing",
            Self::MapOpen => "Map: something open",
            Self::Sync => "Sync",
            Self::Confirm => "A question",
            Self::Prompt => "A text field",
            Self::Pick => "A choice",
            Self::Reader => "Something to read",
        }
    }

    /// Every scope, in the order of the complete help.
    pub const ALL: [Self; 15] = [
        Self::Global,
        Self::Always,
        Self::List,
        Self::Home,
        Self::Connect,
        Self::Editor,
        Self::Results,
        Self::Map,
        Self::MapDraw,
        Self::MapOpen,
        Self::Sync,
        Self::Confirm,
        Self::Prompt,
        Self::Pick,
        Self::Reader,
    ];
}

/// What a key can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the table beside has a sentence on each")]
pub enum Action {
    // Everywhere.
    Help,
    Quit,
    Stop,
    Suspend,
    Redraw,
    ToggleMouse,
    NextStep,
    NextPane,
    PreviousPane,
    GoHome,
    GoConnect,
    GoQuery,
    GoMap,
    GoSync,
    Close,
    // Lists and tables.
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
    Left,
    Right,
    // Home.
    Open,
    NewModel,
    EditQuery,
    EditMapping,
    Reload,
    // Connect.
    Continue,
    Check,
    // Query.
    RunQuery,
    Undo,
    Redo,
    LeaveText,
    Inspect,
    ToggleKey,
    CopyCell,
    SaveModel,
    // Sync.
    MakePlan,
    Send,
    PauseRun,
    ResumeRun,
    StopRun,
    CycleFilter,
    Groups,
    Choose,
    // Questions.
    Yes,
    No,
    Submit,
    // The Map screen's own.
    Map(MapAction),
}

/// One line of the table.
#[derive(Debug, Clone, Copy)]
pub struct Binding {
    /// What it does.
    pub action: Action,
    /// Where.
    pub scope: Scope,
    /// The keys, as [`Key`] prints and reads them; the first is the one that is shown.
    pub keys: &'static [&'static str],
    /// A word or two for the footer.
    pub short: &'static str,
    /// A sentence for the help.
    pub help: &'static str,
}

/// A line of the table.
const fn bind(
    scope: Scope,
    keys: &'static [&'static str],
    action: Action,
    short: &'static str,
    help: &'static str,
) -> Binding {
    Binding { action, scope, keys, short, help }
}

const TABLES: [&[Binding]; 5] = [global::KEYS, steps::KEYS, query::KEYS, map::KEYS, sync::KEYS];

/// Every line of the table.
pub fn bindings() -> impl Iterator<Item = &'static Binding> {
    TABLES.into_iter().flatten()
}

/// The line for this action that works in this chain of scopes.
pub fn binding(scopes: &[Scope], action: Action) -> Option<&'static Binding> {
    scopes.iter().find_map(|scope| bindings().find(|line| line.scope == *scope && line.action == action))
}

/// What a key means in this chain of scopes, nearest first.
///
/// With `text`, a text field has the focus: keys that type or move in text mean something only if
/// the nearest scope says so.
pub fn resolve(scopes: &[Scope], key: Key, text: bool) -> Option<Action> {
    let usable = if text && key.is_for_text() { scopes.get(..1).unwrap_or_default() } else { scopes };
    let pressed = key.to_string();
    usable.iter().find_map(|scope| {
        bindings()
            .find(|line| {
                line.scope == *scope
                    && line.keys.iter().any(|name| name.eq_ignore_ascii_case(&pressed) && same_letter(name, key))
            })
            .map(|line| line.action)
    })
}

/// Letters without Ctrl are told apart by their case; names such as `Tab` are not.
fn same_letter(name: &str, key: Key) -> bool {
    match key.code {
        Code::Char(letter) if !key.ctrl && letter != ' ' => name.chars().eq([letter]),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_key_in_the_table_can_be_pressed() {
        for line in bindings() {
            assert!(!line.keys.is_empty() && !line.help.is_empty() && !line.short.is_empty(), "{:?}", line.action);
            for name in line.keys {
                let key: Key = name.parse().unwrap_or_else(|_| panic!("{name} is no key"));
                assert_eq!(key.to_string(), *name, "printed as it is written in the table");
            }
        }
    }

    #[test]
    fn no_key_is_bound_twice_in_a_scope() {
        let mut seen = HashSet::new();
        for line in bindings() {
            for key in line.keys {
                assert!(seen.insert((line.scope, *key)), "{key} twice in {:?}", line.scope);
            }
        }
    }

    #[test]
    fn every_action_is_in_the_table_once_a_scope() {
        let mut seen = HashSet::new();
        for line in bindings() {
            assert!(seen.insert((line.scope, line.action)), "{:?} twice in {:?}", line.action, line.scope);
        }
    }

    #[test]
    fn no_key_that_terminals_swallow() {
        for line in bindings() {
            for name in line.keys {
                let banned =
                    ["Ctrl-M", "Ctrl-I", "Ctrl-J", "Ctrl-H", "Ctrl-[", "Ctrl-B", "Ctrl-A", "Ctrl-S", "Ctrl-Q", "~"];
                assert!(!banned.contains(name) && !name.starts_with("Alt"), "{name}");
            }
        }
    }

    #[test]
    fn a_letter_typed_into_a_text_field_stays_there() {
        let scopes = [Scope::Editor, Scope::Always, Scope::Global];
        assert_eq!(resolve(&scopes, "q".parse().unwrap(), true), None);
        assert_eq!(resolve(&scopes, "q".parse().unwrap(), false), Some(Action::Quit));
        assert_eq!(resolve(&scopes, "Ctrl-R".parse().unwrap(), true), Some(Action::RunQuery));
        assert_eq!(resolve(&scopes, "Tab".parse().unwrap(), true), Some(Action::NextPane));
    }
}

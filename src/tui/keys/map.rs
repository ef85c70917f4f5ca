//! Keys of 3 Map.

use super::Binding;

/// What a key can ask of the Map screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MapAction {
    /// Pick a line up, or put it down.
    Draw,
}

/// The lines.
pub(super) const KEYS: &[Binding] = &[super::bind(
    super::Scope::Map,
    &["Space"],
    super::Action::Map(MapAction::Draw),
    "draw",
    "Pick up a line at this column, or drop it on this field",
)];

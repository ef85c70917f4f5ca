//! 3 Map.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::{Context, Event, Hint, Scene, Screen};
use crate::tui::keys::Scope;
use crate::tui::work::Work;

/// The screen.
#[derive(Debug, Default)]
pub struct MapScreen {}

impl Screen for MapScreen {
    fn update(&mut self, _event: Event<'_>, _cx: &mut Context<'_>) {}

    fn draw(&self, _frame: &mut Frame<'_>, _area: Rect, _scene: &Scene<'_>) {}

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::Map, Scope::List]
    }

    fn hints(&self, _work: &Work) -> Vec<Hint> {
        Vec::new()
    }
}

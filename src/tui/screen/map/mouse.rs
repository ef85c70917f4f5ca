//! The mouse on the Map screen: drag from row to row to draw, click to select, right click to cut.

use ratatui::layout::{Position, Rect};

use super::drawing::Act;
use super::{MapAction, MapScreen, map_view};
use crate::tui::msg::{Mouse, MouseKind};

/// Rows that a step of the wheel moves.
const WHEEL: usize = 3;

impl MapScreen {
    pub(super) fn mouse(&mut self, mouse: Mouse, area: Rect) {
        let Some(drawing) = &mut self.drawing else { return };
        if drawing.grid || drawing.question.is_some() {
            return;
        }
        let at = Position { x: mouse.column, y: mouse.row };
        let over = map_view::row_under(area, at);
        let item = over.and_then(|(side, row)| {
            let rows = drawing.rows();
            drawing.list(side).view(rows).get(row).copied().flatten().map(|item| (side, item))
        });
        match mouse.kind {
            MouseKind::Down | MouseKind::RightDown => {
                let Some((side, item)) = item else { return };
                if drawing.hand.is_some() {
                    return;
                }
                drawing.select(side, item);
                self.dragging = mouse.kind == MouseKind::Down;
                if mouse.kind == MouseKind::RightDown {
                    drawing.act(Act::Key(MapAction::Cut));
                }
            }
            MouseKind::Drag => {
                let started = drawing.hand.is_some();
                let leaves = over.is_none_or(|(side, _)| side != drawing.side);
                if self.dragging && !started && leaves {
                    drawing.act(Act::Key(MapAction::Draw));
                }
                if let (Some(hand), Some((side, item))) = (&drawing.hand, item)
                    && side != hand.from
                {
                    drawing.aim(item);
                }
            }
            MouseKind::Up => {
                let dragged = std::mem::take(&mut self.dragging);
                if let (true, Some(hand)) = (dragged, &drawing.hand) {
                    let dropped = item.is_some_and(|(side, _)| side != hand.from);
                    drawing.act(Act::Key(if dropped { MapAction::Draw } else { MapAction::Back }));
                }
            }
            MouseKind::ScrollUp | MouseKind::ScrollDown => {
                let Some((side, _)) = over else { return };
                if drawing.hand.is_none() && drawing.side != side {
                    drawing.act(Act::OtherSide);
                }
                let step = if mouse.kind == MouseKind::ScrollUp { Act::Up } else { Act::Down };
                (0..WHEEL).for_each(|_| drawing.act(step));
            }
        }
    }
}

//! The lines between the lists.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::map::drawing::{Drawing, Line, List, Side, plain};
use super::Paint;
use crate::mapping::{Severity, Source};
use crate::tui::widget::gutter::{Dot, ENDS, Gutter, Look, Problem};
use crate::tui::widget::route::{End, Net, Weight, route};

/// The lines in view, the one in hand last.
pub(super) fn draw(screen: &Drawing, area: Rect, buffer: &mut Buffer, paint: &Paint) {
    let rows = usize::from(area.height);
    let focused = screen.focused();
    let end = |list: &List, item: Option<usize>| match item.and_then(|item| list.position(item)) {
        None => End::Hidden,
        Some(slot) if slot < list.top() => End::Above,
        Some(slot) if slot - list.top() >= rows => End::Below,
        Some(slot) => End::Row(slot - list.top()),
    };
    let mut nets = Vec::new();
    let mut looks = Vec::new();
    for (at, line) in screen.lines.iter().enumerate() {
        let focus = focused.contains(&at);
        looks.push(look(screen, line, focus));
        let (from, to) = (end(&screen.left, line.column), end(&screen.right, line.field));
        // An end that a filter hides says nothing; a constant has no column and says what it is.
        let hidden = |end: End, item: Option<usize>| end == End::Hidden && item.is_some();
        if hidden(from, line.column) || hidden(to, line.field) {
            continue;
        }
        let weight = if line.term.is_some() {
            Weight::Double
        } else if line.proposal.is_some() {
            Weight::Dotted
        } else if focus {
            Weight::Heavy
        } else {
            Weight::Light
        };
        nets.push(Net { id: at, from, to, weight, in_hand: false });
    }
    if let Some(hand) = &screen.hand {
        let there = screen.list(hand.from.other()).item();
        let (column, field) = match hand.from {
            Side::Columns => (Some(hand.item), there),
            Side::Fields => (there, Some(hand.item)),
        };
        // Over a line that is drawn already, the one in hand covers it.
        nets.retain(|net| {
            let line = &screen.lines[net.id];
            (line.column, line.field) != (column, field)
        });
        let name = |at: Option<usize>| at.map(|at| screen.object.fields[at].name.clone()).unwrap_or_default();
        let from = column.map(|at| screen.columns[at].name.clone()).unwrap_or_default();
        looks.push(Look { focused: true, problem: None, from, to: name(field) });
        let (from, to) = (end(&screen.left, column), end(&screen.right, field));
        nets.push(Net { id: looks.len() - 1, from, to, weight: Weight::Heavy, in_hand: true });
    }
    let routed = route(&nets, rows, usize::from(area.width.saturating_sub(ENDS)));
    let dots = |side: Side| -> Vec<Dot> {
        let slots = screen.list(side).view(rows);
        slots.iter().map(|slot| slot.map_or(Dot::Nothing, |item| dot(screen, side, item))).collect()
    };
    Gutter {
        routed: &routed,
        looks: &looks,
        left: &dots(Side::Columns),
        right: &dots(Side::Fields),
        set: paint.set,
        styles: paint.styles.gutter,
    }
    .render(area, buffer);
}

fn look(screen: &Drawing, line: &Line, focused: bool) -> Look {
    let to = line.field.map(|at| screen.object.fields[at].name.clone()).unwrap_or_default();
    let problem = line.severity.map(|severity| match severity {
        Severity::Error => Problem::Error,
        Severity::Warning => Problem::Warning,
    });
    let from = match line.link.and_then(|at| screen.mapping().links.get(at)).map(|link| &link.source) {
        Some(Source::Constant(_)) => plain(&line.source),
        _ => line.source.clone(),
    };
    Look { focused, problem, from, to }
}

fn dot(screen: &Drawing, side: Side, item: usize) -> Dot {
    let held = screen.hand.as_ref().is_some_and(|hand| {
        (hand.from, hand.item) == (side, item) || (hand.from != side && screen.list(side).item() == Some(item))
    });
    let missing = side == Side::Fields && screen.is_missing(&screen.object.fields[item]);
    let mut dot = match (held, missing) {
        (true, _) => Dot::Linked,
        (false, true) => Dot::Missing,
        (false, false) => Dot::Open,
    };
    for (_, line) in screen.lines_at(side, item) {
        match (line.term, line.proposal) {
            (Some(_), _) => return Dot::Matcher,
            (None, None) => dot = Dot::Linked,
            // A proposal has its arrow head, and an open dot at its column.
            (None, Some(_)) if side == Side::Fields => dot = Dot::Linked,
            _ => {}
        }
    }
    dot
}

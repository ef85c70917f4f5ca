//! The frame around the screens: step bar, footer, what lies on top.

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::app::{App, SMALLEST};
use super::keys::{Action, binding};
use super::overlay::Overlay;
use super::screen::{Scene, ScreenId};
use super::theme::Role;
use super::widget::footer::{self, Item};
use super::widget::{text, toast};
use super::work::Work;

/// Where screens are drawn: between the step bar and the footer.
pub(super) fn body(size: Rect) -> Rect {
    Rect { y: size.y + 1, height: size.height.saturating_sub(2), ..size }
}

/// Draws everything.
pub(super) fn draw(app: &App, frame: &mut Frame<'_>) {
    let area = frame.area();
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        return too_small(app, frame.buffer_mut(), area);
    }
    step_bar(app, frame.buffer_mut(), Rect { height: 1, ..area });
    let body = body(area);
    let scene = Scene { work: &app.work, look: &app.look, active: app.overlays.is_empty(), beat: app.beat };
    app.screen().draw(frame, body, &scene);
    for (at, overlay) in app.overlays.iter().enumerate() {
        overlay.draw(frame, body, at + 1 == app.overlays.len(), &app.look);
    }
    let mut space = body;
    for shown in app.toasts.iter().rev() {
        if space.height < 6 {
            break;
        }
        let lines = toast::draw(frame.buffer_mut(), space, shown, &app.look);
        space.height = space.height.saturating_sub(lines);
    }
    footer_line(app, frame.buffer_mut(), Rect { y: area.bottom() - 1, height: 1, ..area });
}

/// One line that says so; nothing is lost, and quitting still works. The words name the size that
/// is comfortable, not the one below which nothing can be drawn.
fn too_small(app: &App, buffer: &mut Buffer, area: Rect) {
    let words = format!("Needs 80x24 or larger; now {}x{}", area.width, area.height);
    if area.height > 0 {
        let shown = text::cut(&words, usize::from(area.width), app.look.glyphs);
        buffer.set_string(area.x, area.y + area.height / 2, shown, app.look.style(Role::Warning));
    }
}

fn is_done(screen: ScreenId, work: &Work) -> bool {
    match screen {
        ScreenId::Home => false,
        ScreenId::Connect => work.connected,
        ScreenId::Query => work.model.is_some(),
        ScreenId::Map => work.drawn().is_some(),
        ScreenId::Sync => work.synced,
    }
}

fn step_bar(app: &App, buffer: &mut Buffer, area: Rect) {
    let look = &app.look;
    let mut x = area.x;
    for (number, id) in ScreenId::ALL.into_iter().enumerate() {
        let done = is_done(id, &app.work);
        let sign = if done { format!(" {}", look.glyphs.done) } else { String::new() };
        if id == app.front {
            let words = format!("{}{number} {}{sign}{}", look.glyphs.step_open, id.title(), look.glyphs.step_close);
            let wide = text::width(&words) as u16;
            buffer.set_string(x, area.y, &words, look.style(Role::StepNow));
            x += wide;
        } else {
            let words = format!(" {number} {}", id.title());
            buffer.set_string(x, area.y, &words, look.style(if done { Role::Text } else { Role::StepLater }));
            x += text::width(&words) as u16;
            buffer.set_string(x, area.y, &sign, look.style(Role::StepDone));
            x += text::width(&sign) as u16 + 1;
        }
    }
    context(app, buffer, Rect { x: x + 1, width: area.right().saturating_sub(x + 1), ..area });
}

/// At the right: what is worked on, and where it goes.
fn context(app: &App, buffer: &mut Buffer, area: Rect) {
    let (look, work) = (&app.look, &app.work);
    let production = work.is_production();
    let org = match (&work.org, production) {
        (Some(org), true) => format!(" PRODUCTION {} ", org.name),
        (Some(org), false) => org.name.clone(),
        (None, _) => String::new(),
    };
    let what = match (&work.model, &work.mapping) {
        (Some(model), Some(mapping)) => {
            format!("{} {} {}", model.slug, look.glyphs.arrow, mapping.mapping.object)
        }
        (Some(model), None) => model.slug.clone(),
        (None, _) => String::new(),
    };
    let gap = if org.is_empty() || what.is_empty() { "" } else { "  " };
    let org_style = look.style(if production { Role::Production } else { Role::Dim });
    let mut parts = vec![(what.as_str(), look.style(Role::Text)), (gap, Style::new()), (org.as_str(), org_style)];
    let wide = |parts: &[(&str, Style)]| parts.iter().map(|part| text::width(part.0)).sum::<usize>() as u16;
    if wide(&parts) + 1 > area.width {
        parts =
            if production { vec![(org.as_str(), org_style)] } else { vec![(what.as_str(), look.style(Role::Text))] };
    }
    let wide = wide(&parts);
    if wide + 1 > area.width && !production {
        return;
    }
    let wide = wide.min(area.width.saturating_sub(1));
    text::pieces(buffer, area.right().saturating_sub(wide + 1), area.y, wide, &parts, look.glyphs);
}

fn footer_line(app: &App, buffer: &mut Buffer, area: Rect) {
    let scopes = app.scopes();
    let hints = app.overlays.last().map_or_else(|| app.screen().hints(&app.work), Overlay::hints);
    let item = |action: Action, words: Option<String>, next: bool| {
        let line = binding(&scopes, action)?;
        let key = (*line.keys.first()?).to_owned();
        Some(Item { key, word: words.unwrap_or_else(|| line.short.to_owned()), next })
    };
    let mut items = Vec::new();
    for hint in hints {
        if app.overlays.is_empty() && app.disabled(hint.action).is_some() {
            continue;
        }
        let next = items.is_empty();
        items.extend(item(hint.action, hint.words, next));
    }
    let typing = app.overlays.is_empty() && app.screen().takes_text();
    let last = if app.overlays.is_empty() && !typing {
        [Action::Help, Action::Quit].into_iter().filter_map(|action| item(action, None, false)).collect()
    } else {
        Vec::new()
    };
    footer::draw(buffer, area, &items, &last, &app.look);
}

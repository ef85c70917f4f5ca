//! 3 Map: fetches what a drawing needs, hands it the keys, saves what was drawn.

mod choose;
pub mod drawing;
mod mouse;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use ratatui::Frame;
use ratatui::layout::Rect;

use super::{Context, Event, Hint, Scene, Screen, ScreenId, map_view};
use crate::config::{MappingId, NamedMapping};
use crate::engine::{EngineError, Freshness, Shape};
use crate::mapping::Mapping;
use crate::tui::effect::Effect;
use crate::tui::keys::{Action, Code, Key, MapAction, Scope};
use crate::tui::msg::Answer;
use crate::tui::overlay::{Question, Reply};
use crate::tui::ticket::Waiting;
use crate::tui::widget::toast::Tone;
use crate::tui::work::{Preview, Work};

use drawing::{Act, Drawing};

/// The object of a new mapping.
const OBJECT: &str = "Contact";

/// Rows that are fetched to show real values, when the query has not been run yet.
const SAMPLES: usize = 50;

/// The screen.
#[derive(Debug, Default)]
pub struct MapScreen {
    pub(super) drawing: Option<Drawing>,
    /// What went wrong on the way to a drawing.
    pub(super) trouble: Option<EngineError>,
    /// Which mapping is drawn, and the preview whose columns it has.
    of: Option<(MappingId, Arc<Preview>)>,
    describe: Waiting,
    preview: Waiting,
    save: Waiting,
    objects: Waiting,
    parents: Waiting,
    /// The object that was chosen for a new mapping of this model.
    new_object: Option<(String, String)>,
    /// What is being written.
    saving: Option<(MappingId, Mapping)>,
    /// Where to go once it is written.
    going: Option<ScreenId>,
    /// Whether a drag has begun on a row.
    dragging: bool,
}

impl MapScreen {
    /// Asks for what is missing; opens the drawing once everything is there.
    fn open(&mut self, cx: &mut Context<'_>) {
        let (Some(model), Some(destination)) = (cx.work.model.clone(), cx.work.destination.clone()) else { return };
        let object = match (&cx.work.mapping, &self.new_object) {
            (Some(named), _) => named.mapping.object.clone(),
            (None, Some((of, object))) if *of == model.slug => object.clone(),
            (None, _) => OBJECT.to_owned(),
        };
        let saved = cx.work.mapping.as_ref().map(|named| named.mapping.clone());
        let mapping = saved.unwrap_or_else(|| Mapping::new(destination, object.clone()));
        let described = cx.work.object.clone().filter(|known| known.value.object.name.eq_ignore_ascii_case(&object));
        if described.is_none() && !self.describe.is_busy() {
            let mapping = Box::new(mapping.clone());
            cx.ask(&mut self.describe, |ticket| Effect::Describe(ticket, mapping, Freshness::Any));
        }
        let preview = cx.work.preview.clone().filter(|known| same_query(&known.sql, &model.sql));
        if preview.is_none() && !self.preview.is_busy() {
            let (connection, sql) = (model.connection.clone(), model.sql.clone());
            cx.ask(&mut self.preview, |ticket| Effect::Preview(ticket, connection, sql, SAMPLES));
        }
        let (Some(described), Some(preview)) = (described, preview) else { return };
        self.trouble = None;
        let id = id(cx.work, &object);
        let Some(id) = id else { return };
        let Shape { object, parents } = &described.value;
        match (&mut self.drawing, &self.of) {
            (Some(drawing), Some((known, rows))) if *known == id => {
                if !Arc::ptr_eq(rows, &preview) {
                    drawing.set_source(preview.schema.to_vec(), preview.rows.clone());
                }
            }
            _ => {
                let title = format!("{}.sql", model.slug);
                let (columns, rows) = (preview.schema.to_vec(), preview.rows.clone());
                self.drawing = Some(Drawing::new(title, columns, rows, object.clone(), mapping));
            }
        }
        if let Some(drawing) = &mut self.drawing {
            drawing.set_object(object.clone(), parents, described.checked_at);
        }
        self.of = Some((id, preview));
    }

    fn answer(&mut self, ticket: crate::tui::ticket::Ticket, answer: &Answer, cx: &mut Context<'_>) {
        let waiting = [self.describe, self.preview, self.save, self.objects, self.parents];
        if !waiting.iter().any(|waiting| waiting.is_for(ticket)) {
            return;
        }
        match answer {
            Answer::Described(result) if self.describe.take(ticket) => match result {
                Ok(object) => {
                    cx.work.object = Some(object.clone());
                    self.open(cx);
                }
                // What is drawn can still be read and saved.
                Err(error) if self.drawing.is_some() => cx.say_error(error),
                Err(error) => self.trouble = Some(error.clone()),
            },
            Answer::Described(result) if self.parents.take(ticket) => match result {
                Ok(shape) => self.show_parents(shape, cx),
                Err(error) => cx.say_error(error),
            },
            Answer::Objects(result) if self.objects.take(ticket) => match result {
                Ok(objects) => self.show_objects(objects, cx),
                Err(error) => cx.say_error(error),
            },
            Answer::Preview(result) if self.preview.take(ticket) => match result {
                Ok(preview) => {
                    // What this statement gave is the preview of the saved query, for all screens.
                    cx.work.preview = Some(preview.clone());
                    self.open(cx);
                }
                Err(error) => self.trouble = Some(error.clone()),
            },
            Answer::Saved(result) if self.save.take(ticket) => {
                let (saved, going) = (self.saving.take(), self.going.take());
                match (result, saved) {
                    (Ok(()), Some((id, mapping))) => {
                        self.keep(&id, mapping, cx.work);
                        match going {
                            Some(screen) => cx.go(screen),
                            None => cx.say(Tone::Good, "Saved."),
                        }
                    }
                    (Err(error), _) => cx.say(Tone::Bad, format!("The mapping was not saved. {error}")),
                    (Ok(()), None) => {}
                }
            }
            Answer::Broken(why) => {
                self.describe.take(ticket);
                self.preview.take(ticket);
                if self.objects.take(ticket) || self.parents.take(ticket) {
                    cx.say(Tone::Bad, why.clone());
                } else if self.save.take(ticket) {
                    (self.saving, self.going) = (None, None);
                    cx.say(Tone::Bad, format!("The mapping was not saved. {why}"));
                } else {
                    self.trouble = Some(EngineError::failed(why.clone()));
                }
            }
            _ => {}
        }
    }

    /// What was written is what everybody works with from now on.
    fn keep(&mut self, id: &MappingId, mapping: Mapping, work: &mut Work) {
        let is_open = self.of.as_ref().is_some_and(|(open, _)| open == id);
        if let Some(drawing) = self.drawing.as_mut().filter(|_| is_open) {
            drawing.saved(mapping.clone());
        }
        let named = NamedMapping { slug: id.mapping.clone(), mapping };
        if let Some(model) = work.model.as_mut().filter(|model| model.slug == id.model) {
            match model.mappings.iter_mut().find(|known| known.slug == named.slug) {
                Some(known) => *known = named.clone(),
                None => model.mappings.push(named.clone()),
            }
        }
        if is_open {
            work.mapping = Some(named);
        }
    }

    /// Writes the mapping if it has changed; whether it does.
    fn write(&mut self, cx: &mut Context<'_>) -> bool {
        let (Some(drawing), Some((id, _))) = (&self.drawing, &self.of) else { return false };
        if !drawing.is_changed() || self.save.is_busy() {
            return self.save.is_busy();
        }
        let (id, mapping) = (id.clone(), drawing.mapping().clone());
        self.saving = Some((id.clone(), mapping.clone()));
        cx.ask(&mut self.save, |ticket| Effect::SaveMapping(ticket, id, mapping));
        true
    }

    fn action(&mut self, action: Action, cx: &mut Context<'_>) {
        if action == Action::Stop {
            for waiting in [&mut self.describe, &mut self.preview, &mut self.objects, &mut self.parents] {
                if cx.cancel(waiting) {
                    *waiting = Waiting::default();
                    self.trouble = Some(EngineError::stopped());
                }
            }
            return;
        }
        if action == Action::Map(MapAction::Save) {
            if !self.write(cx) {
                cx.say(Tone::Plain, "Nothing has changed since it was saved.");
            }
            return;
        }
        match action {
            Action::Map(MapAction::Refresh) => return self.refresh(cx),
            Action::Map(MapAction::Object) => return self.ask_objects(cx),
            Action::Map(MapAction::Lookup) => return self.ask_parents(cx),
            _ => {}
        }
        let act = match action {
            Action::Up => Act::Up,
            Action::Down => Act::Down,
            Action::PageUp => Act::PageUp,
            Action::PageDown => Act::PageDown,
            Action::First => Act::First,
            Action::Last => Act::Last,
            Action::Left => Act::Left,
            Action::Right => Act::Right,
            Action::NextPane | Action::PreviousPane => Act::OtherSide,
            Action::Map(action) => Act::Key(action),
            _ => return,
        };
        match &mut self.drawing {
            Some(drawing) => drawing.act(act),
            // Without a drawing the only thing to do is to try again.
            None if act == Act::Key(MapAction::Draw) => {
                self.trouble = None;
                self.open(cx);
            }
            None => {}
        }
    }

    fn typed(&mut self, letter: char) {
        if let Some(drawing) = &mut self.drawing {
            drawing.act(Act::Type(letter));
        }
    }
}

/// Which mapping is open: the one in use, or a new one under a free name.
fn id(work: &Work, object: &str) -> Option<MappingId> {
    let model = work.model.as_ref()?;
    let mapping = match &work.mapping {
        Some(named) => named.slug.clone(),
        None => {
            let name = object.to_lowercase();
            let taken = |slug: &str| model.mappings.iter().any(|known| known.slug == slug);
            // One more name than there are mappings: one of them is free.
            (1..=model.mappings.len() + 1)
                .map(|n| if n == 1 { name.clone() } else { format!("{name}-{n}") })
                .find(|slug| !taken(slug))?
        }
    };
    Some(MappingId { model: model.slug.clone(), mapping })
}

/// Whether two texts are one statement, whatever stands around it.
fn same_query(one: &str, other: &str) -> bool {
    let bare = |text: &str| text.trim().trim_end_matches(';').trim_end().to_owned();
    bare(one) == bare(other)
}

impl Screen for MapScreen {
    fn update(&mut self, event: Event<'_>, cx: &mut Context<'_>) {
        match event {
            Event::Shown => self.open(cx),
            Event::Action(action) => self.action(action, cx),
            Event::Key(Key { code: Code::Char(letter), ctrl: false, .. }) => self.typed(letter),
            Event::Key(Key { code: Code::Backspace, .. }) => {
                if let Some(drawing) = &mut self.drawing {
                    drawing.act(Act::Erase);
                }
            }
            Event::Reply(Question::Object, Reply::Text(name)) => self.choose_object(name, cx),
            Event::Reply(Question::Lookup, Reply::Text(way)) => self.choose_lookup(way),
            Event::Key(_) | Event::Reply(..) => {}
            Event::Paste(text) => {
                text.chars().filter(|letter| !letter.is_control()).for_each(|letter| self.typed(letter));
            }
            Event::Mouse(mouse) => self.mouse(mouse, cx.area),
            Event::Answer(ticket, answer) => self.answer(ticket, answer, cx),
        }
        if let Some(drawing) = &mut self.drawing {
            drawing.resize(map_view::list_rows(cx.area.height));
        }
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) {
        map_view::screen(self, frame, area, scene);
    }

    fn scopes(&self) -> &'static [Scope] {
        match &self.drawing {
            Some(drawing) if drawing.takes_text() => &[Scope::MapDraw, Scope::Map, Scope::List],
            Some(drawing) if drawing.has_something_open() => &[Scope::MapOpen, Scope::Map, Scope::List],
            _ => &[Scope::Map, Scope::List],
        }
    }

    fn takes_text(&self) -> bool {
        self.drawing.as_ref().is_some_and(Drawing::takes_text)
    }

    fn hints(&self, _work: &Work) -> Vec<Hint> {
        let key = |action| Hint::of(Action::Map(action));
        let Some(drawing) = &self.drawing else {
            let again = self.trouble.is_some().then(|| Hint::named(Action::Map(MapAction::Draw), "try again"));
            return again.into_iter().collect();
        };
        if drawing.question.is_some() {
            return vec![
                Hint::named(Action::Map(MapAction::Accept), "replace"),
                Hint::named(Action::Map(MapAction::Decline), "keep"),
            ];
        }
        if drawing.hand.is_some() {
            return vec![key(MapAction::Draw), key(MapAction::NextGuess), key(MapAction::Back)];
        }
        if drawing.filtering {
            return vec![
                Hint::named(Action::Map(MapAction::Draw), "keep this"),
                Hint::named(Action::Map(MapAction::Back), "show all"),
            ];
        }
        if !drawing.proposals.is_empty() {
            return [MapAction::AcceptAll, MapAction::Accept, MapAction::Decline, MapAction::Back].map(key).into();
        }
        let (errors, _) = drawing.problems();
        let mut hints = if drawing.mapping().links.is_empty() {
            vec![key(MapAction::Automatch), key(MapAction::Draw)]
        } else if errors == 0 {
            vec![Hint::named(Action::GoSync, "sync"), key(MapAction::Draw), key(MapAction::Automatch)]
        } else {
            vec![key(MapAction::Draw), key(MapAction::NextProblem), key(MapAction::Automatch)]
        };
        hints.extend(
            [
                MapAction::Cut,
                MapAction::Matcher,
                MapAction::Undo,
                MapAction::Save,
                MapAction::Align,
                MapAction::Grid,
                MapAction::Filter,
                MapAction::Operation,
                MapAction::Rows,
                MapAction::Lookup,
                MapAction::Object,
                MapAction::Refresh,
            ]
            .map(key),
        );
        hints
    }

    fn disabled(&self, action: Action, _work: &Work) -> Option<String> {
        let Some(drawing) = &self.drawing else {
            let always = [MapAction::Draw, MapAction::Object];
            let drawn = matches!(action, Action::Map(action) if !always.contains(&action));
            return drawn.then(|| "The columns and fields are not here yet".to_owned());
        };
        match action {
            Action::Map(MapAction::Accept | MapAction::Decline)
                if drawing.proposals.is_empty() && drawing.question.is_none() =>
            {
                Some("There is no proposal to answer; a makes some".to_owned())
            }
            Action::Map(MapAction::AcceptAll) if drawing.proposals.is_empty() => {
                Some("There are no proposals; a makes some".to_owned())
            }
            _ => None,
        }
    }

    fn is_busy(&self) -> bool {
        [self.describe, self.preview, self.objects, self.parents].iter().any(Waiting::is_busy)
    }

    fn unfinished(&self) -> Option<String> {
        let drawing = self.drawing.as_ref().filter(|drawing| drawing.is_changed())?;
        Some(format!("The lines from {} to {} are not saved.", drawing.title, drawing.object.name))
    }

    fn leave(&mut self, to: ScreenId, cx: &mut Context<'_>) -> bool {
        // Other screens work with what is in the file, so that comes first; Sync waits for it.
        if let Some(drawing) = &mut self.drawing {
            drawing.act(Act::Key(MapAction::Back));
        }
        if self.write(cx) && to == ScreenId::Sync {
            self.going = Some(to);
            return false;
        }
        true
    }
}

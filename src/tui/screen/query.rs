//! 2 Query: write the SELECT, look at its first rows, choose the key, name the model.

mod guess;

use std::collections::HashMap;
use std::sync::Arc;

use ratatui::Frame;
use ratatui::layout::Rect;

use self::guess::{likely_key, name_from, not_a_key};
use super::{Context, Event, Hint, Scene, Screen, ScreenId, query_view};
use crate::config::{Model, slug_of};
use crate::engine::{EngineError, ErrorClass};
use crate::tui::effect::Effect;
use crate::tui::keys::{Action, Scope};
use crate::tui::msg::Answer;
use crate::tui::overlay::{Overlay, Question, Reply};
use crate::tui::sql_text::{self, Statement};
use crate::tui::ticket::Waiting;
use crate::tui::widget::editor::Editor;
use crate::tui::widget::table::{Grid, Head};
use crate::tui::widget::toast::Tone;
use crate::tui::work::{Preview, Work};

/// Rows that a preview asks for at most.
pub const PREVIEW_ROWS: usize = 100;

/// What a new model starts with in the demo.
pub const DEMO_SQL: &str =
    "SELECT * FROM DEMO.SALES.CUSTOMERS\nWHERE CUSTOMER_TYPE IN ('reseller', 'business')\nLIMIT 5";

/// Rows as they are shown.
#[derive(Debug)]
pub(super) struct Shown {
    pub preview: Arc<Preview>,
    pub heads: Vec<Head>,
    pub grid: Grid,
}

/// Why the last run gave no rows.
#[derive(Debug)]
pub(super) struct Trouble {
    pub error: EngineError,
    /// Line and column in the editor, from 0.
    pub place: Option<(usize, usize)>,
    /// The text that it was about: an edit makes the marked place wrong.
    pub text: String,
}

/// The screen.
#[derive(Debug)]
pub struct Query {
    demo: bool,
    pub(super) editor: Editor,
    /// The saved model that the text belongs to; `None` for a new one.
    of: Option<String>,
    /// The text as it was opened or saved.
    baseline: String,
    /// Texts of other models that were changed and not saved.
    drafts: HashMap<Option<String>, Editor>,
    is_open: bool,
    pub(super) key: Vec<String>,
    pub(super) on_results: bool,
    pub(super) shown: Option<Shown>,
    pub(super) trouble: Option<Trouble>,
    running: Waiting,
    ran: Option<Statement>,
    saving: Waiting,
    saved: Option<Model>,
    then: Option<ScreenId>,
}

impl Query {
    /// The screen; in the demo a new model starts with a statement that works there.
    pub fn new(demo: bool) -> Self {
        Self {
            demo,
            editor: Editor::new(""),
            of: None,
            baseline: String::new(),
            drafts: HashMap::new(),
            is_open: false,
            key: Vec::new(),
            on_results: false,
            shown: None,
            trouble: None,
            running: Waiting::default(),
            ran: None,
            saving: Waiting::default(),
            saved: None,
            then: None,
        }
    }

    /// Takes over what is worked on, unless it is here already.
    fn open(&mut self, work: &Work) {
        let slug = work.model.as_ref().map(|model| model.slug.clone());
        if self.is_open && self.of == slug {
            return;
        }
        if self.is_open && self.editor.text() != self.baseline {
            self.drafts.insert(self.of.take(), self.editor.clone());
        }
        self.is_open = true;
        self.of.clone_from(&slug);
        self.shown = None;
        self.trouble = None;
        self.on_results = false;
        let (text, key) = match &work.model {
            Some(model) => (model.sql.clone(), model.key.clone()),
            None if self.demo => (DEMO_SQL.to_owned(), Vec::new()),
            None => (String::new(), Vec::new()),
        };
        let saved = Editor::new(&text);
        self.baseline = saved.text();
        self.editor = self.drafts.remove(&slug).unwrap_or(saved);
        self.key = key;
    }

    fn run(&mut self, cx: &mut Context<'_>) {
        let Some(connection) = cx.work.source.clone() else { return };
        let (line, column) = self.editor.cursor();
        let Some(statement) = sql_text::statement_at(&self.editor.text(), line, column) else { return };
        cx.cancel(&self.running);
        self.trouble = None;
        let sql = statement.text.clone();
        self.ran = Some(statement);
        cx.ask(&mut self.running, |ticket| Effect::Preview(ticket, connection, sql, PREVIEW_ROWS));
    }

    fn ran(&mut self, result: &Result<Arc<Preview>, EngineError>, cx: &mut Context<'_>) {
        match result {
            Ok(preview) => {
                let heads = query_view::heads(preview);
                let names: Vec<&str> = preview.schema.iter().map(|column| column.name.as_str()).collect();
                self.key.retain(|name| names.contains(&name.as_str()));
                if self.key.is_empty() {
                    self.key.extend(likely_key(preview));
                }
                let column = names.iter().position(|name| self.key.first().is_some_and(|key| key == name)).unwrap_or(0);
                let mut grid = Grid { column, ..Grid::default() };
                let area = query_view::places(cx.area, true).table;
                grid.keep_in_view(&heads, area.width);
                self.shown = Some(Shown { preview: preview.clone(), heads, grid });
                self.mark_keys();
                self.on_results = true;
                cx.work.preview = Some(preview.clone());
            }
            Err(error) => {
                let place = self.place_of(error);
                if let Some((line, column)) = place {
                    self.editor.go_to(line, column);
                }
                self.on_results = false;
                self.trouble = Some(Trouble { error: error.clone(), place, text: self.editor.text() });
            }
        }
    }

    /// The place in the editor, from 0, that an error about the statement means.
    fn place_of(&self, error: &EngineError) -> Option<(usize, usize)> {
        let (line, column) = error.position?;
        let statement = self.ran.as_ref()?;
        let (line, column) = (line.saturating_sub(1), column.saturating_sub(1));
        Some((statement.line + line, if line == 0 { statement.column + column } else { column }))
    }

    fn mark_keys(&mut self) {
        if let Some(shown) = &mut self.shown {
            for head in &mut shown.heads {
                head.marked = self.key.contains(&head.name);
            }
        }
    }

    fn toggle_key(&mut self, cx: &mut Context<'_>) {
        let Some(shown) = &self.shown else { return };
        let Some(head) = shown.heads.get(shown.grid.column) else { return };
        let name = head.name.clone();
        if let Some(at) = self.key.iter().position(|key| *key == name) {
            self.key.remove(at);
        } else {
            if let Some(why) = not_a_key(&shown.preview, &name) {
                cx.say(Tone::Bad, why);
            }
            self.key.push(name);
        }
        self.mark_keys();
    }

    /// Whether what is here differs from what is saved.
    fn is_changed(&self, work: &Work) -> bool {
        match &work.model {
            Some(model) => {
                model.sql.trim_end() != self.editor.text().trim_end()
                    || model.key != self.key
                    || Some(&model.connection) != work.source.as_ref()
            }
            None => true,
        }
    }

    /// Why it cannot be saved as a model.
    fn cannot_save(&self) -> Option<String> {
        let several = sql_text::statements(&self.editor.text()).len();
        match (&self.shown, several) {
            (_, 0) => Some("The query is empty: write a SELECT first".to_owned()),
            (_, 2..) => Some(format!("A model is one statement; there are {several}. Remove the others first")),
            (None, _) if self.key.is_empty() => {
                Some("Run the query first (Ctrl-R): its columns are what you map".to_owned())
            }
            (Some(_), _) if self.key.is_empty() => {
                Some("Choose the key first: move to the column that identifies a row and press k".to_owned())
            }
            _ => None,
        }
    }

    /// Saves, asking for a name when the model is new; then goes on to `then`.
    fn save(&mut self, then: Option<ScreenId>, cx: &mut Context<'_>) {
        self.then = then;
        match cx.work.model.clone() {
            Some(model) => self.write(model, cx),
            None => cx.open(Overlay::prompt(
                Question::ModelName,
                "Name this model",
                "A model is this query with its key. The name is its folder under models/: letters, digits, - and _.",
                &name_from(&self.editor.text()),
            )),
        }
    }

    fn write(&mut self, model: Model, cx: &mut Context<'_>) {
        let model = Model {
            connection: cx.work.source.clone().unwrap_or(model.connection),
            key: self.key.clone(),
            sql: self.editor.text(),
            ..model
        };
        self.saved = Some(model.clone());
        cx.ask(&mut self.saving, |ticket| Effect::SaveModel(ticket, model));
    }

    fn named(&mut self, name: &str, cx: &mut Context<'_>) {
        let slug = slug_of(name);
        if slug.is_empty() {
            cx.say(Tone::Bad, format!("`{name}` has no letter or digit to name a folder by"));
            return;
        }
        let model = Model {
            slug,
            name: name.to_owned(),
            connection: String::new(),
            key: Vec::new(),
            sql: String::new(),
            schedule: None,
            mappings: Vec::new(),
        };
        self.write(model, cx);
    }

    fn saved(&mut self, cx: &mut Context<'_>) {
        let Some(model) = self.saved.take() else { return };
        self.of = Some(model.slug.clone());
        self.baseline.clone_from(&model.sql);
        // Rows of another statement say nothing about this one's columns.
        let statement = sql_text::statements(&model.sql).into_iter().next().map(|one| one.text);
        if cx.work.preview.as_ref().is_some_and(|preview| Some(&preview.sql) != statement.as_ref()) {
            cx.work.preview = None;
        }
        cx.say(Tone::Good, format!("Saved the model {}", model.slug));
        cx.work.synced = false;
        cx.work.model = Some(model);
        if let Some(screen) = self.then.take() {
            cx.go(screen);
        }
    }

    fn inspect(&self, cx: &mut Context<'_>) {
        let Some(shown) = &self.shown else { return };
        if let Some((title, text)) = query_view::inspect(&shown.preview, shown.grid.row.at, shown.grid.column) {
            cx.open(Overlay::reader(title, text));
        }
    }

    fn copy(&self, cx: &mut Context<'_>) {
        let Some(shown) = &self.shown else { return };
        let cell = shown.preview.rows.get(shown.grid.row.at).and_then(|row| row.get(shown.grid.column));
        if let Some(value) = cell {
            cx.effect(Effect::Copy(value.to_string()));
            cx.say(Tone::Plain, "Sent to your terminal's clipboard; not every terminal takes it");
        }
    }

    fn act(&mut self, action: Action, cx: &mut Context<'_>) {
        match action {
            Action::RunQuery => self.run(cx),
            Action::Stop => {
                cx.cancel(&self.running);
            }
            Action::NextPane | Action::PreviousPane => {
                self.on_results = !self.on_results;
                if self.on_results && self.shown.is_some() {
                    // The rows were under the error all the while.
                    self.trouble = None;
                }
            }
            Action::LeaveText => self.on_results = true,
            Action::Undo => {
                self.editor.undo();
            }
            Action::Redo => {
                self.editor.redo();
            }
            Action::ToggleKey => self.toggle_key(cx),
            Action::Inspect => self.inspect(cx),
            Action::CopyCell => self.copy(cx),
            Action::SaveModel => self.save(None, cx),
            other => {
                let area = query_view::places(cx.area, true).table;
                if let Some(shown) = &mut self.shown {
                    shown.grid.act(other, &shown.heads, shown.preview.rows.len(), area);
                }
            }
        }
    }
}

impl Screen for Query {
    fn update(&mut self, event: Event<'_>, cx: &mut Context<'_>) {
        match event {
            Event::Shown => self.open(cx.work),
            Event::Action(action) => self.act(action, cx),
            Event::Key(key) if !self.on_results => {
                self.editor.press(key);
            }
            Event::Paste(text) => {
                self.on_results = false;
                self.editor.paste(text);
            }
            Event::Answer(ticket, answer) if self.running.take(ticket) => match answer {
                Answer::Preview(result) => self.ran(result, cx),
                Answer::Broken(why) => self.ran(&Err(EngineError::failed(why.clone())), cx),
                _ => {}
            },
            Event::Answer(ticket, answer) if self.saving.take(ticket) => match answer {
                Answer::Saved(Ok(())) => self.saved(cx),
                Answer::Saved(Err(error)) => cx.say(Tone::Bad, error.to_string()),
                Answer::Broken(why) => cx.say(Tone::Bad, why.clone()),
                _ => {}
            },
            Event::Reply(Question::ModelName, Reply::Text(name)) => self.named(name, cx),
            Event::Reply(Question::ModelName, _) => self.then = None,
            _ => {}
        }
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) {
        query_view::draw(self, frame, area, scene);
    }

    fn scopes(&self) -> &'static [Scope] {
        if self.on_results { &[Scope::Results, Scope::List] } else { &[Scope::Editor] }
    }

    fn takes_text(&self) -> bool {
        !self.on_results
    }

    fn hints(&self, _work: &Work) -> Vec<Hint> {
        if self.is_busy() {
            return vec![Hint::of(Action::Stop)];
        }
        if self.on_results {
            let next = if self.shown.is_none() || self.trouble.is_some() {
                Hint::of(Action::RunQuery)
            } else if self.key.is_empty() {
                Hint::named(Action::ToggleKey, "this column is the key")
            } else {
                Hint::named(Action::GoMap, "map these columns")
            };
            let mut hints = vec![next];
            for action in [Action::ToggleKey, Action::Inspect, Action::CopyCell, Action::RunQuery] {
                if hints.iter().all(|hint| hint.action != action) {
                    hints.push(Hint::of(action));
                }
            }
            hints.push(Hint::named(Action::NextPane, "editor"));
            return hints;
        }
        let mut hints = vec![Hint::of(Action::RunQuery), Hint::named(Action::NextStep, "map")];
        if self.is_shown_as_written() {
            hints.swap(0, 1);
        }
        hints.push(Hint::of(Action::LeaveText));
        if self.shown.is_some() {
            hints.push(Hint::named(Action::NextPane, "rows"));
        }
        hints.push(Hint::of(Action::Undo));
        hints
    }

    fn disabled(&self, action: Action, _work: &Work) -> Option<String> {
        match action {
            Action::RunQuery if self.editor.text().trim().is_empty() => Some("The query is empty".to_owned()),
            Action::SaveModel => self.cannot_save(),
            Action::GoMap | Action::NextStep => self.cannot_save(),
            Action::ToggleKey | Action::Inspect | Action::CopyCell if self.shown.is_none() => {
                Some("There are no rows yet: Ctrl-R runs the query".to_owned())
            }
            _ => None,
        }
    }

    fn is_busy(&self) -> bool {
        self.running.is_busy()
    }

    fn unfinished(&self) -> Option<String> {
        let is_changed = self.is_open && self.editor.text() != self.baseline;
        (is_changed || !self.drafts.is_empty())
            .then(|| "The query has changes that are not saved; leaving loses them.".to_owned())
    }

    fn leave(&mut self, to: ScreenId, cx: &mut Context<'_>) -> bool {
        let wants_model = matches!(to, ScreenId::Map | ScreenId::Sync);
        if !self.is_changed(cx.work) || (cx.work.model.is_none() && !wants_model) {
            return true;
        }
        match self.cannot_save() {
            // A half-written query stays here as it is; only what builds on it has to wait.
            Some(_) if !wants_model => true,
            Some(why) => {
                cx.say(Tone::Plain, why);
                false
            }
            None => {
                self.save(Some(to), cx);
                false
            }
        }
    }
}

impl Query {
    /// Whether the rows are those of the statement under the cursor, as it is written now.
    pub(super) fn is_shown_as_written(&self) -> bool {
        let (line, column) = self.editor.cursor();
        let statement = sql_text::statement_at(&self.editor.text(), line, column).map(|one| one.text);
        self.trouble.is_none()
            && self.shown.as_ref().is_some_and(|shown| Some(&shown.preview.sql) == statement.as_ref())
    }

    /// What a stopped or failed run is called.
    pub(super) fn trouble_title(error: &EngineError) -> &'static str {
        match error.class {
            ErrorClass::Stopped => "Stopped",
            ErrorClass::Connection => "No connection",
            _ => "Snowflake says",
        }
    }
}

//! Home: the models, their mappings, what the last run of each did. A newcomer sees one key.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::{Context, Event, Hint, Scene, Screen, ScreenId, home_view};
use crate::config::{ConfigError, MappingId, Model, NamedMapping};
use crate::engine::{EngineError, Progress};
use crate::store::{RunRecord, RunStatus};
use crate::tui::effect::Effect;
use crate::tui::keys::{Action, Scope};
use crate::tui::msg::{Answer, Loaded};
use crate::tui::ticket::Waiting;
use crate::tui::widget::list::Position;
use crate::tui::widget::toast::Tone;
use crate::tui::work::Work;

/// One line: a model, or one of its mappings.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// The model.
    pub model: Model,
    /// The mapping; `None` on a line for a model without any.
    pub mapping: Option<NamedMapping>,
    /// Whether the model's name is shown: it is not repeated under itself.
    pub first: bool,
    /// The mapping's last run.
    pub last: Option<RunRecord>,
    /// How far that run is, while it goes.
    pub live: Option<Progress>,
}

impl Row {
    fn of(loaded: &Loaded) -> Vec<Self> {
        let mut rows = Vec::new();
        for model in &loaded.catalog.models {
            if model.mappings.is_empty() {
                rows.push(Self { model: model.clone(), mapping: None, first: true, last: None, live: None });
            }
            for (at, mapping) in model.mappings.iter().enumerate() {
                let id = MappingId { model: model.slug.clone(), mapping: mapping.slug.clone() }.to_string();
                let of_this = || loaded.runs.iter().filter(|run| run.mapping == id);
                // A plan that was only looked at says less than the run before it.
                let last = of_this().find(|run| run.status != RunStatus::Planned).or_else(|| of_this().next());
                let last = last.cloned();
                let live = last.as_ref().and_then(|last| loaded.going.iter().find(|(run, _)| *run == last.id));
                let live = live.map(|(_, progress)| *progress);
                rows.push(Self { model: model.clone(), mapping: Some(mapping.clone()), first: at == 0, last, live });
            }
        }
        rows
    }
}

/// The screen.
#[derive(Debug, Default)]
pub struct Home {
    pub(super) rows: Vec<Row>,
    pub(super) problems: Vec<ConfigError>,
    /// Why nothing could be read at all.
    pub(super) trouble: Option<EngineError>,
    pub(super) is_loaded: bool,
    first: Option<MappingId>,
    pub(super) list: Position,
    loading: Waiting,
}

impl Home {
    /// The screen; once the files are read it opens this mapping.
    pub fn new(first: Option<MappingId>) -> Self {
        Self { first, ..Self::default() }
    }

    fn take(&mut self, loaded: &Loaded, work: &mut Work) {
        self.rows = Row::of(loaded);
        self.problems.clone_from(&loaded.catalog.problems);
        self.is_loaded = true;
        self.trouble = None;
        work.connections = loaded.connections.clone();
        work.connections_path.clone_from(&loaded.connections_path);
        work.choose_connections();
        // What is open may have changed on disk.
        if let Some(open) = &work.model
            && let Some(fresh) = loaded.catalog.models.iter().find(|model| model.slug == open.slug)
        {
            let mapping = work.mapping.as_ref().map(|mapping| mapping.slug.clone());
            work.mapping = fresh.mappings.iter().find(|named| Some(&named.slug) == mapping.as_ref()).cloned();
            work.model = Some(fresh.clone());
        }
    }

    fn find(&self, id: &MappingId) -> Option<usize> {
        self.rows.iter().position(|row| {
            row.model.slug == id.model && row.mapping.as_ref().is_some_and(|named| named.slug == id.mapping)
        })
    }

    fn selected(&self) -> Option<&Row> {
        self.rows.get(self.list.at)
    }

    fn open(&self, cx: &mut Context<'_>, to: impl FnOnce(&Row) -> ScreenId) {
        let Some(row) = self.selected() else { return };
        let same = cx.work.model.as_ref().is_some_and(|open| open.slug == row.model.slug)
            && cx.work.mapping.as_ref().map(|open| &open.slug) == row.mapping.as_ref().map(|named| &named.slug);
        if !same {
            cx.work.open(row.model.clone(), row.mapping.clone());
        }
        let screen = to(row);
        cx.go(screen);
    }

    fn act(&mut self, action: Action, cx: &mut Context<'_>) {
        let height = home_view::list_height(cx.area, self.problems.len());
        match action {
            Action::Open if self.rows.is_empty() && cx.work.connections_are_missing() => {
                cx.ask(&mut self.loading, Effect::Load);
            }
            Action::Open if self.rows.is_empty() => cx.go(ScreenId::Connect),
            Action::Open => self.open(cx, |row| match &row.mapping {
                Some(named) if !named.mapping.links.is_empty() => ScreenId::Sync,
                Some(_) => ScreenId::Map,
                None => ScreenId::Query,
            }),
            Action::EditQuery => self.open(cx, |_| ScreenId::Query),
            Action::EditMapping => self.open(cx, |_| ScreenId::Map),
            Action::NewModel => {
                cx.work.start_new();
                cx.go(if cx.work.connected { ScreenId::Query } else { ScreenId::Connect });
            }
            Action::Reload => cx.ask(&mut self.loading, Effect::Load),
            other => {
                self.list.act(other, self.rows.len(), height);
            }
        }
    }
}

impl Screen for Home {
    fn update(&mut self, event: Event<'_>, cx: &mut Context<'_>) {
        match event {
            Event::Shown => cx.ask(&mut self.loading, Effect::Load),
            Event::Action(action) => self.act(action, cx),
            Event::Answer(ticket, answer) if self.loading.take(ticket) => match answer {
                Answer::Loaded(Ok(loaded)) => {
                    self.take(loaded, cx.work);
                    let height = home_view::list_height(cx.area, self.problems.len());
                    if let Some(at) = self.first.take().and_then(|first| self.find(&first)) {
                        self.list.at = at;
                        self.act(Action::Open, cx);
                    }
                    self.list.keep_in_view(self.rows.len(), height);
                }
                Answer::Loaded(Err(error)) => {
                    self.is_loaded = true;
                    self.trouble = Some(error.clone());
                }
                Answer::Broken(why) => cx.say(Tone::Bad, why.clone()),
                _ => {}
            },
            _ => {}
        }
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) {
        home_view::draw(self, frame.buffer_mut(), area, scene);
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::Home, Scope::List]
    }

    fn hints(&self, work: &Work) -> Vec<Hint> {
        if !self.is_loaded {
            return Vec::new();
        }
        match self.selected() {
            None if work.connections_are_missing() => vec![Hint::named(Action::Open, "look again")],
            None => vec![Hint::named(Action::Open, "connect and start"), Hint::of(Action::NewModel)],
            Some(row) => {
                let open = match &row.mapping {
                    Some(_) if row.live.is_some() => "see it go on",
                    Some(named) if !named.mapping.links.is_empty() => "plan and sync",
                    Some(_) => "draw its lines",
                    None => "open its query",
                };
                vec![
                    Hint::named(Action::Open, open),
                    Hint::of(Action::EditQuery),
                    Hint::of(Action::EditMapping),
                    Hint::of(Action::NewModel),
                    Hint::of(Action::Reload),
                ]
            }
        }
    }

    fn disabled(&self, action: Action, work: &Work) -> Option<String> {
        match action {
            Action::EditQuery | Action::EditMapping if self.rows.is_empty() => {
                Some("There is no model yet: press Enter to make the first one".to_owned())
            }
            Action::NewModel if work.connections_are_missing() => {
                Some(format!("There is no connection yet. Write one into {}", work.connections_path))
            }
            _ => None,
        }
    }
}

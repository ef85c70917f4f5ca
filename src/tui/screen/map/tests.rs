//! What the screen asks for, and when.

use super::drawing::fixture;
use super::*;
use crate::config::Model;
use crate::engine::Aged;
use crate::tui::overlay::Overlay;
use crate::tui::screen::Request;
use crate::tui::testing::Harness;
use crate::tui::ticket::Tickets;
use crate::types::{Field, FieldType, ObjectDescribe, ObjectSummary};

/// A screen with what the program gives it.
struct Stage {
    map: MapScreen,
    work: Work,
    tickets: Tickets,
    requests: Vec<Request>,
}

impl Stage {
    fn new(mapping: Option<Mapping>) -> Self {
        let mut work = Work { destination: Some("sales".into()), ..Work::default() };
        work.model = Some(model());
        work.mapping = mapping.map(|mapping| NamedMapping { slug: "people".into(), mapping });
        Self { map: MapScreen::default(), work, tickets: Tickets::default(), requests: Vec::new() }
    }

    fn with<T>(&mut self, act: impl FnOnce(&mut MapScreen, &mut Context<'_>) -> T) -> (T, Vec<Effect>) {
        let mut effects = Vec::new();
        let mut cx = Context {
            work: &mut self.work,
            area: Rect::new(0, 1, 80, 22),
            tickets: &mut self.tickets,
            effects: &mut effects,
            requests: &mut self.requests,
        };
        let result = act(&mut self.map, &mut cx);
        (result, effects)
    }

    fn send(&mut self, event: Event<'_>) -> Vec<Effect> {
        self.with(|map, cx| map.update(event, cx)).1
    }

    fn press(&mut self, action: MapAction) -> Vec<Effect> {
        self.send(Event::Action(Action::Map(action)))
    }

    /// Answers what was asked when the screen was shown.
    fn opened(mapping: Option<Mapping>) -> Self {
        let mut stage = Self::new(mapping);
        for effect in stage.send(Event::Shown) {
            let (ticket, answer) = match effect {
                Effect::Describe(ticket, _, _) => (ticket, Answer::Described(Ok(shape()))),
                Effect::Preview(ticket, _, sql, _) => (ticket, Answer::Preview(Ok(preview(&sql)))),
                other => panic!("{other:?}"),
            };
            assert_eq!(stage.send(Event::Answer(ticket, &answer)), []);
        }
        stage
    }
}

fn shape() -> Arc<Aged<Shape>> {
    Arc::new(Aged::now(Shape { object: fixture::contact(), parents: Vec::new() }))
}

fn model() -> Model {
    Model {
        slug: "customers".into(),
        name: "Customers".into(),
        connection: "prod".into(),
        key: vec!["CUSTOMER_ID".into()],
        sql: "select * from customers;\n".into(),
        schedule: None,
        mappings: Vec::new(),
    }
}

fn preview(sql: &str) -> Arc<Preview> {
    Arc::new(Preview {
        sql: sql.into(),
        schema: fixture::columns().into(),
        rows: fixture::samples(),
        query_id: "01b2".into(),
        warehouse: None,
        elapsed: std::time::Duration::from_millis(40),
        more: true,
    })
}

#[test]
fn fetches_columns_and_fields_and_nothing_twice() {
    let mut stage = Stage::new(None);
    let asked = stage.send(Event::Shown);
    assert!(
        matches!(&asked[0], Effect::Describe(_, mapping, Freshness::Any) if mapping.connection == "sales" && mapping.object == "Contact")
    );
    assert!(matches!(&asked[1], Effect::Preview(_, connection, _, _) if connection == "prod"));
    assert_eq!(stage.send(Event::Shown), []);
    let mut stage = Stage::opened(None);
    assert!(stage.map.drawing.is_some() && !stage.map.is_busy());
    assert_eq!(stage.send(Event::Shown), []);
}

#[test]
fn a_new_mapping_is_saved_under_the_name_of_its_object() {
    let mut stage = Stage::opened(None);
    stage.press(MapAction::Automatch);
    stage.press(MapAction::AcceptAll);
    let saved = stage.press(MapAction::Save);
    let [Effect::SaveMapping(ticket, id, mapping)] = saved.as_slice() else { panic!("{saved:?}") };
    assert_eq!((id.to_string().as_str(), mapping.connection.as_str()), ("customers/contact", "sales"));
    stage.send(Event::Answer(*ticket, &Answer::Saved(Ok(()))));
    assert!(stage.map.unfinished().is_none());
    assert_eq!(stage.work.drawn(), Some(mapping));
    assert_eq!(stage.work.model.as_ref().unwrap().mappings.len(), 1);
    assert_eq!(stage.press(MapAction::Save), [], "nothing has changed since");
}

#[test]
fn sync_waits_until_the_lines_are_written() {
    let mut stage = Stage::opened(Some(fixture::mapping()));
    assert!(stage.with(|map, cx| map.leave(ScreenId::Sync, cx)).0, "nothing to write");
    stage.press(MapAction::Cut);
    assert!(stage.map.unfinished().is_some());
    let (may, effects) = stage.with(|map, cx| map.leave(ScreenId::Sync, cx));
    let [Effect::SaveMapping(ticket, id, _)] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!((may, id.mapping.as_str()), (false, "people"));
    stage.send(Event::Answer(*ticket, &Answer::Saved(Ok(()))));
    assert!(matches!(stage.requests.as_slice(), [Request::Go(ScreenId::Sync)]));
}

#[test]
fn going_elsewhere_and_back_keeps_every_undo_step() {
    let mut stage = Stage::opened(Some(fixture::mapping()));
    stage.press(MapAction::Cut);
    let (may, effects) = stage.with(|map, cx| map.leave(ScreenId::Query, cx));
    let [Effect::SaveMapping(ticket, ..)] = effects.as_slice() else { panic!("{effects:?}") };
    assert!(may);
    stage.send(Event::Answer(*ticket, &Answer::Saved(Ok(()))));
    stage.send(Event::Shown);
    stage.press(MapAction::Undo);
    assert_eq!(stage.map.drawing.as_ref().unwrap().mapping(), &fixture::mapping());
}

#[test]
fn an_error_is_shown_and_space_tries_again() {
    let mut stage = Stage::new(None);
    let asked = stage.send(Event::Shown);
    let Effect::Describe(ticket, ..) = asked[0] else { panic!() };
    stage.send(Event::Answer(ticket, &Answer::Described(Err(EngineError::failed("No such object".to_owned())))));
    assert_eq!(stage.map.trouble.as_ref().unwrap().message, "No such object");
    assert!(matches!(stage.press(MapAction::Draw).as_slice(), [Effect::Describe(..)]));
}

#[test]
fn a_stale_answer_is_not_looked_at() {
    let mut stage = Stage::opened(Some(fixture::mapping()));
    let stale = crate::tui::ticket::Ticket(9_999);
    stage.send(Event::Answer(stale, &Answer::Described(Err(EngineError::failed("late".to_owned())))));
    assert!(stage.map.trouble.is_none());
}

#[test]
fn letters_are_text_only_while_a_line_is_in_hand() {
    let mut stage = Stage::opened(Some(fixture::mapping()));
    assert_eq!((stage.map.takes_text(), stage.map.scopes()[0]), (false, Scope::Map));
    stage.press(MapAction::Draw);
    assert_eq!((stage.map.takes_text(), stage.map.scopes()[0]), (true, Scope::MapDraw));
    stage.send(Event::Key(Key::plain(Code::Char('m'))));
    stage.send(Event::Paste("ob\n"));
    assert_eq!(stage.map.drawing.as_ref().unwrap().right.filter, "mob");
    stage.send(Event::Key(Key::plain(Code::Backspace)));
    assert_eq!(stage.map.drawing.as_ref().unwrap().right.filter, "mo");
    stage.press(MapAction::Back);
    assert!(!stage.map.takes_text());
}

#[test]
fn a_line_can_be_dragged_with_the_mouse() {
    use crate::tui::msg::{Mouse, MouseKind};
    let mut stage = Stage::opened(None);
    let at = |kind, column, row| Event::Mouse(Mouse { kind, column, row });
    // Row 3 of the body is the first row of the lists: CUSTOMER_ID, AccountId.
    stage.send(at(MouseKind::Down, 5, 4));
    stage.send(at(MouseKind::Drag, 40, 4));
    stage.send(at(MouseKind::Drag, 60, 5));
    assert!(stage.map.drawing.as_ref().unwrap().hand.is_some());
    stage.send(at(MouseKind::Up, 60, 5));
    let links = &stage.map.drawing.as_ref().unwrap().mapping().links;
    assert_eq!((links[0].column(), links[0].field.as_str()), (Some("FIRST_NAME"), "FirstName"));
}

fn reply(stage: &mut Stage, question: Question, text: &str) -> Vec<Effect> {
    stage.send(Event::Reply(question, &Reply::Text(text.into())))
}

#[test]
fn another_object_gets_a_mapping_of_its_own_and_this_one_is_saved() {
    let mut stage = Stage::opened(Some(fixture::mapping()));
    stage.press(MapAction::Cut);
    let asked = stage.press(MapAction::Object);
    let [Effect::Objects(ticket, connection)] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!(connection, "sales");
    let object = |name: &str, may| ObjectSummary {
        name: name.into(),
        label: name.into(),
        createable: may,
        updateable: may,
        deletable: may,
        custom: false,
    };
    let objects = Answer::Objects(Ok(vec![object("Account", true), object("Contact", true), object("Event", false)]));
    stage.send(Event::Answer(*ticket, &objects));
    let Some(Request::Open(Overlay::Pick { picker, .. })) = stage.requests.last() else { panic!("no list") };
    assert_eq!(picker.chosen(), Some("Contact"), "the object at hand is selected");
    let effects = reply(&mut stage, Question::Object, "Account");
    let [Effect::SaveMapping(saved, id, _), Effect::Describe(_, asked, _)] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    assert_eq!((id.mapping.as_str(), asked.object.as_str(), asked.links.len()), ("people", "Account", 0));
    // The old mapping's file is written while the new one is open.
    stage.send(Event::Answer(*saved, &Answer::Saved(Ok(()))));
    assert!(stage.work.mapping.is_none() && stage.map.drawing.is_none());
    assert_eq!(stage.work.model.as_ref().unwrap().mappings[0].slug, "people");
}

#[test]
fn a_reference_gets_a_lookup_from_the_fields_of_its_parent() {
    let mut mapping = fixture::mapping();
    mapping.links.insert(0, crate::mapping::Link::new("COMPANY", "AccountId"));
    let mut stage = Stage::opened(Some(mapping));
    assert_eq!(stage.press(MapAction::Lookup), [], "the cursor is on no reference");
    let drawing = stage.map.drawing.as_mut().unwrap();
    let company = drawing.columns.iter().position(|column| column.name == "COMPANY").unwrap();
    drawing.select(drawing::Side::Columns, company);
    let asked = stage.press(MapAction::Lookup);
    let [Effect::Describe(ticket, question, Freshness::Any)] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!(question.links[0].lookup.as_ref().unwrap().object, "Account");
    let number = Field { unique: true, external_id: true, ..Field::new("Number__c", FieldType::String, 20) };
    let account = ObjectDescribe::new("Account", vec![Field::new("Name", FieldType::String, 255), number]);
    let shape = Aged::now(Shape { object: fixture::contact(), parents: vec![account] });
    stage.send(Event::Answer(*ticket, &Answer::Described(Ok(Arc::new(shape)))));
    let Some(Request::Open(Overlay::Pick { picker, .. })) = stage.requests.last() else { panic!("no list") };
    assert_eq!(picker.chosen(), Some("Account.Number__c"), "what is unique comes first");
    reply(&mut stage, Question::Lookup, "Account.Number__c");
    let lookup =
        |stage: &Stage| stage.map.drawing.as_ref().unwrap().mapping().link_to("AccountId").unwrap().lookup.clone();
    assert_eq!(lookup(&stage).unwrap().field, "Number__c");
    stage.press(MapAction::Undo);
    assert_eq!(lookup(&stage), None);
}

#[test]
fn refreshing_keeps_the_lines_and_says_what_is_gone() {
    let mut stage = Stage::opened(Some(fixture::mapping()));
    let asked = stage.press(MapAction::Refresh);
    let [Effect::Describe(ticket, _, Freshness::Now)] = asked.as_slice() else { panic!("{asked:?}") };
    let mut object = fixture::contact();
    object.fields.retain(|field| field.name != "Title");
    let shape = Aged::now(Shape { object, parents: Vec::new() });
    stage.send(Event::Answer(*ticket, &Answer::Described(Ok(Arc::new(shape)))));
    let drawing = stage.map.drawing.as_ref().unwrap();
    assert_eq!(drawing.mapping(), &fixture::mapping());
    assert!(drawing.findings.iter().any(|finding| finding.message.contains("no field `Title`")));
}

/// The whole program with this screen in front and everything fetched.
fn program(columns: u16, rows: u16) -> Harness {
    let mut harness = Harness::new(columns, rows);
    let work = &mut harness.app.work;
    work.source = Some("prod".into());
    work.destination = Some("sales".into());
    work.connected = true;
    work.model = Some(model());
    work.mapping = Some(NamedMapping { slug: "contact".into(), mapping: fixture::mapping() });
    work.object = Some(shape());
    work.preview = Some(preview(&model().sql));
    harness.keys("3");
    harness
}

#[test]
fn the_whole_program_at_80_by_24() {
    let mut harness = program(80, 24);
    insta::assert_snapshot!(harness.keys("j j j j").screen());
}

#[test]
fn a_line_is_drawn_with_six_keys_and_a_word() {
    let mut harness = program(120, 36);
    harness.effects();
    harness.keys("j j j j Space").type_text("mob").keys("Space s");
    let effects = harness.effects();
    let [Effect::SaveMapping(_, _, mapping)] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(mapping.link_to("MobilePhone").unwrap().column(), Some("PHONE"));
}

#[test]
fn esc_puts_a_line_down_and_never_leaves_the_screen() {
    let mut harness = program(80, 24);
    let before = harness.keys("j").screen();
    let held = harness.keys("Space").type_text("zz").screen();
    assert!(held.contains("/zz"), "{held}");
    assert_eq!(harness.keys("Esc Esc").screen(), before);
}

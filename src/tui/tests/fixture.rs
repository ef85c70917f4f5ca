//! Invented customers, connections and runs.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::config::{Catalog, Model, NamedMapping};
use crate::destination::{DestinationError, ErrorKind, OrgInfo, Payload};
use crate::engine::{CheckLine, CheckState, RunSummary};
use crate::mapping::{Link, Mapping, MatchTerm};
use crate::plan::{Action, Actions, Books, Change, Changes, FieldChange, Forecast, Outcome, Outcomes};
use crate::store::{RowFilter, RunId, RunRecord, RunRow, RunStatus};
use crate::tui::effect::Effect;
use crate::tui::msg::{Answer, Loaded, RowPage};
use crate::tui::testing::Harness;
use crate::tui::ticket::Ticket;
use crate::tui::work::Preview;
use crate::types::{Column, ColumnType, Decimal, RowKey, Value};

pub(super) fn load_ticket(effect: &Effect) -> Option<Ticket> {
    if let Effect::Load(ticket) = effect { Some(*ticket) } else { None }
}

pub(super) fn source_ticket(effect: &Effect) -> Option<Ticket> {
    if let Effect::CheckSource(ticket, _) = effect { Some(*ticket) } else { None }
}

pub(super) fn destination_ticket(effect: &Effect) -> Option<Ticket> {
    if let Effect::CheckDestination(ticket, _) = effect { Some(*ticket) } else { None }
}

pub(super) fn org_ticket(effect: &Effect) -> Option<Ticket> {
    if let Effect::Org(ticket, _) = effect { Some(*ticket) } else { None }
}

pub(super) fn preview_ticket(effect: &Effect) -> Option<Ticket> {
    if let Effect::Preview(ticket, ..) = effect { Some(*ticket) } else { None }
}

pub(super) fn save_ticket(effect: &Effect) -> Option<Ticket> {
    if let Effect::SaveModel(ticket, _) = effect { Some(*ticket) } else { None }
}

pub(super) fn plan_ticket(effect: &Effect) -> Option<Ticket> {
    if let Effect::Plan(ticket, _) = effect { Some(*ticket) } else { None }
}

pub(super) fn run_ticket(effect: &Effect) -> Option<Ticket> {
    if let Effect::Run(ticket, _) = effect { Some(*ticket) } else { None }
}

pub(super) fn rows_ticket(effect: &Effect) -> Option<Ticket> {
    if let Effect::Rows(ticket, ..) = effect { Some(*ticket) } else { None }
}

pub(super) fn summary_ticket(effect: &Effect) -> Option<Ticket> {
    if let Effect::Summary(ticket, _) = effect { Some(*ticket) } else { None }
}

pub(super) fn groups_ticket(effect: &Effect) -> Option<Ticket> {
    if let Effect::Groups(ticket, _) = effect { Some(*ticket) } else { None }
}

/// Files with the demo's two connections and nothing else.
pub(super) fn nothing_yet() -> Loaded {
    let connections = r#"
        [snowflake.demo]
        account = "demo"
        user = "DEMO"
        [salesforce.demo]
        login_url = "http://127.0.0.1:1"
    "#;
    Loaded {
        connections: toml::from_str(connections).unwrap(),
        connections_path: "/home/ana/.config/gondola/connections.toml".to_owned(),
        ..Loaded::default()
    }
}

pub(super) fn mapping() -> Mapping {
    let mut mapping = Mapping::new("demo", "Contact");
    mapping.matcher.terms = vec![MatchTerm { column: "EMAIL".into(), field: "Email".into() }];
    mapping.links = vec![
        Link::new("FIRST_NAME", "FirstName"),
        Link::new("LAST_NAME", "LastName"),
        Link::new("EMAIL", "Email"),
        Link::new("PHONE", "Phone"),
    ];
    mapping
}

pub(super) fn model() -> Model {
    Model {
        slug: "customers".into(),
        name: "Customers".into(),
        connection: "demo".into(),
        key: vec!["CUSTOMER_ID".into()],
        sql: "SELECT * FROM DEMO.SALES.CUSTOMERS\n".into(),
        schedule: None,
        mappings: vec![NamedMapping { slug: "contacts".into(), mapping: mapping() }],
    }
}

/// Two models, one of them mapped and run before.
pub(super) fn two_models() -> Loaded {
    let leads = Model { slug: "leads".into(), name: "Leads (EU)".into(), mappings: vec![], ..model() };
    Loaded {
        catalog: Catalog { models: vec![model(), leads], problems: vec![] },
        runs: vec![run_record()],
        ..nothing_yet()
    }
}

pub(super) fn org(sandbox: bool) -> OrgInfo {
    OrgInfo {
        id: "00D000000000001AAA".into(),
        name: "Acme".into(),
        sandbox,
        username: "ana@acme.example".into(),
        instance_url: "https://acme.my.salesforce.com".into(),
        api_version: "65.0".into(),
    }
}

pub(super) fn planned_books() -> Books {
    Books {
        extracted: 6,
        selected: 6,
        changes: Changes { added: 4, updated: 1, invalid: 1, ..Changes::default() },
        actions: Actions { create: 1, update: 1, skip: 1, hold: 2, reject: 1, ..Actions::default() },
        outcomes: Outcomes::default(),
    }
}

pub(super) fn sent_books() -> Books {
    Books {
        outcomes: Outcomes { created: 0, updated: 1, unchanged: 1, failed: 1, ..Outcomes::default() },
        ..planned_books()
    }
}

fn run_record() -> RunRecord {
    let summary = sent();
    RunRecord {
        id: summary.run,
        mapping: summary.mapping,
        status: summary.status,
        pid: 1,
        started_at: summary.started_at,
        finished_at: summary.finished_at,
        org: summary.org,
        definition: summary.definition,
        full: false,
        partial: false,
        books: summary.books,
        forecast: summary.forecast,
        api_calls: summary.api_calls,
        seconds: summary.seconds,
        message: None,
        basis: None,
        snapshot_rows: 0,
        mass_delete: None,
        mass_delete_allowed: false,
    }
}

pub(super) fn planned(sandbox: bool) -> RunSummary {
    RunSummary {
        run: RunId(14),
        mapping: "customers/contacts".into(),
        status: RunStatus::Planned,
        started_at: "2026-11-23T09:15:00Z".into(),
        finished_at: None,
        org: org(sandbox),
        definition: mapping(),
        books: planned_books(),
        forecast: Some(Forecast {
            calls: 2,
            seconds: 0.8,
            calls_left: Some(14_204),
            calls_max: Some(15_000),
            ..Forecast::default()
        }),
        api_calls: 3,
        seconds: 1.2,
        message: None,
        mass_delete: None,
    }
}

pub(super) fn sent() -> RunSummary {
    RunSummary {
        status: RunStatus::Partial,
        finished_at: Some("2026-11-23T09:16:30Z".into()),
        books: sent_books(),
        api_calls: 5,
        seconds: 2.6,
        ..planned(true)
    }
}

fn error(code: &str, message: &str, fields: &[&str], hint: Option<&str>) -> DestinationError {
    DestinationError {
        kind: ErrorKind::Data,
        code: code.into(),
        message: message.into(),
        fields: fields.iter().map(|&field| field.to_owned()).collect(),
        hint: hint.map(str::to_owned),
    }
}

fn row(position: u64, key: &str, change: Change, action: Action) -> RunRow {
    RunRow {
        position,
        key: RowKey::from_pairs(vec![("CUSTOMER_ID".into(), key.into())]),
        change,
        action: Some(action),
        outcome: None,
        id: None,
        fields: vec![],
        candidates: vec![],
        payload: Payload::from([
            ("Email".to_owned(), json!("dana@acme.example")),
            ("FirstName".to_owned(), json!("Dana")),
            ("LastName".to_owned(), json!("O'Brien")),
            ("Phone".to_owned(), serde_json::Value::Null),
        ]),
        error: None,
        modstamp: None,
        parent: None,
        planned: None,
    }
}

/// One row for each action.
pub(super) fn planned_rows() -> Vec<RunRow> {
    let field = |field: &str, old: serde_json::Value, new: serde_json::Value| FieldChange {
        field: field.into(),
        old,
        new,
        source: None,
    };
    vec![
        RunRow {
            fields: vec![
                field("Email", json!(null), json!("dana@acme.example")),
                field("FirstName", json!(null), json!("Dana")),
                field("LastName", json!(null), json!("O'Brien")),
            ],
            ..row(0, "17", Change::Added, Action::Create)
        },
        RunRow {
            id: Some("0035f00000AbCdEAAV".into()),
            fields: vec![field("Phone", json!("+1 415 555 0100"), json!("+1 415 555 0199"))],
            ..row(1, "18", Change::Updated, Action::Update)
        },
        RunRow { id: Some("0035f00000AbCdFAAV".into()), ..row(2, "19", Change::Added, Action::Skip) },
        RunRow {
            error: Some(error(
                "SEVERAL_RECORDS",
                "2 records match",
                &[],
                Some("Merge them in Salesforce, or match by another field as well."),
            )),
            candidates: vec!["0035f00000AbCdGAAV".into(), "0035f00000AbCdHAAV".into()],
            ..row(3, "20", Change::Added, Action::Hold)
        },
        RunRow {
            error: Some(error("KEY_REPEATED", "the key 21 comes twice in the query", &[], None)),
            ..row(4, "21", Change::Invalid, Action::Hold)
        },
        RunRow {
            error: Some(error(
                "STRING_TOO_LONG",
                "Title: 300 characters, and 128 fit",
                &["Title"],
                Some("Let the line cut it (too_long = \"truncate\"), or shorten it in the source."),
            )),
            ..row(5, "22", Change::Added, Action::Reject)
        },
    ]
}

/// The same rows after the sending: the create was refused.
pub(super) fn sent_rows() -> Vec<RunRow> {
    let mut rows = planned_rows();
    rows[0].outcome = Some(Outcome::Failed);
    rows[0].error = Some(error(
        "DUPLICATES_DETECTED",
        "Use one of these records?",
        &["Email"],
        Some("Open the duplicate rule, or update the record that it names."),
    ));
    rows[1].outcome = Some(Outcome::Updated);
    rows[2].outcome = Some(Outcome::Unchanged);
    rows
}

pub(super) fn page(rows: Vec<RunRow>, filter: RowFilter) -> Answer {
    let total = rows.len() as u64;
    Answer::Rows(Ok(RowPage { run: RunId(14), filter, offset: 0, rows, total }))
}

/// Types of every look, a NULL, an empty text, blanks at an end, an escape sequence.
pub(super) fn preview(sql: &str) -> Arc<Preview> {
    let column = |name: &str, kind, nullable| Column { name: name.into(), kind, nullable };
    let text = |text: &str| Value::Text(text.into());
    let row = |id: i64, first: Value, last: &str, email: &str, value: &str| {
        let value = value.parse::<Decimal>().map_or(Value::Null, Value::Number);
        vec![Value::Number(Decimal::from(id)), first, text(last), text(email), value, Value::Bool(id % 2 == 0)]
    };
    Arc::new(Preview {
        sql: sql.to_owned(),
        schema: Arc::from([
            column("CUSTOMER_ID", ColumnType::Number { precision: 38, scale: 0 }, false),
            column("FIRST_NAME", ColumnType::Text { length: 80 }, true),
            column("LAST_NAME", ColumnType::Text { length: 80 }, true),
            column("EMAIL", ColumnType::Text { length: 255 }, true),
            column("LIFETIME_VALUE", ColumnType::Number { precision: 12, scale: 2 }, true),
            column("IS_VIP", ColumnType::Bool, true),
        ]),
        rows: vec![
            row(17, text("Dana"), "O'Brien", "dana@acme.example", "120.50"),
            row(18, Value::Null, "Rojas  ", "chloe.rojas@a-name-that-is-long.example", "0.00"),
            row(19, text(""), "Evil\u{1b}[2J", "evil@acme.example", "99999999.99"),
            row(20, text("Søren"), "中村", "soren@acme.example", "-3.10"),
        ],
        query_id: "01b2f3c4-0000-1111-0000-000000000001".into(),
        warehouse: Some("DEMO_WH".into()),
        elapsed: Duration::from_millis(430),
        more: false,
    })
}

pub(super) fn line(name: &str, state: CheckState, detail: &str, hint: Option<&str>) -> Answer {
    Answer::CheckLine(CheckLine { name: name.into(), state, detail: detail.into(), hint: hint.map(str::to_owned) })
}

/// The demo with nothing made in it yet.
pub(super) fn newcomer(columns: u16, rows: u16) -> Harness {
    let mut program = Harness::new(columns, rows);
    program.answer(load_ticket, Answer::Loaded(Ok(nothing_yet())));
    program
}

/// The program with two models.
pub(super) fn regular(columns: u16, rows: u16) -> Harness {
    let mut program = Harness::new(columns, rows);
    program.answer(load_ticket, Answer::Loaded(Ok(two_models())));
    program
}

/// A newcomer on 2 Query, the preview answered.
pub(super) fn with_rows(columns: u16, rows: u16) -> Harness {
    let mut program = newcomer(columns, rows);
    program.keys("2 Ctrl-R");
    let sql = program
        .peek()
        .iter()
        .find_map(|effect| if let Effect::Preview(_, _, sql, _) = effect { Some(sql.clone()) } else { None })
        .expect("Ctrl-R asks for a preview");
    program.answer(preview_ticket, Answer::Preview(Ok(preview(&sql))));
    program
}

/// On 4 Sync with a plan.
pub(super) fn with_plan(columns: u16, rows: u16, sandbox: bool) -> Harness {
    let mut program = regular(columns, rows);
    program.keys("Enter Enter");
    program.answer(plan_ticket, Answer::Planned(Ok(RunId(14))));
    program.answer(rows_ticket, page(planned_rows(), RowFilter::All));
    program.answer(summary_ticket, Answer::Summary(Ok(planned(sandbox))));
    program
}

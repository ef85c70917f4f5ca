//! Change detection: rows a second, peak memory, bytes of the database a row, time to plan's reading.
//!
//! `cargo bench --no-default-features --bench changes` (the sandbox is not needed). Each measurement
//! runs in a process of its own, so that its peak memory is its own. Rows come in no order, which is
//! the hard case for the snapshot; budgets are those of DESIGN §10.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use gondola::engine::{CHUNK_ROWS, Detector, Keyed};
use gondola::mapping::{Link, Mapper, Mapping, MatchTerm};
use gondola::plan::{Action, Change, Decision, MatchValues};
use gondola::store::{Basis, NewRun, RunId, StagedRow, Store};
use gondola::types::{Column, ColumnType, Decimal, Field, FieldType, KeyColumns, ObjectDescribe, Value};

const NAME: &str = "customers/contacts";
/// Sizes that are measured; the budget is about the larger one.
const SIZES: [u64; 2] = [100_000, 1_000_000];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, step, rows, path] = arguments.as_slice() {
        let rows = rows.parse().expect("a number of rows");
        return measure(step, rows, Path::new(path));
    }
    let folder = tempfile::tempdir().expect("a folder");
    println!("{:<26} {:>9} {:>9} {:>12} {:>9} {:>9}", "what", "rows", "seconds", "rows/s", "peak MB", "db B/row");
    println!("(db bytes: of the staged rows at first sight, of the snapshot everywhere else)");
    for rows in SIZES {
        let path = folder.path().join(format!("{rows}.db"));
        for step in ["first sight", "mapper", "detection", "mapper + detection", "1 % changed"] {
            let said =
                Command::new(&arguments[0]).args([step, &rows.to_string()]).arg(&path).output().expect("a process");
            assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
            print!("{}", String::from_utf8_lossy(&said.stdout));
        }
    }
}

/// The columns that the mapping takes, as the stream gives them after leaving the others out.
fn columns() -> Vec<Column> {
    let text = |name: &str| Column { name: name.into(), kind: ColumnType::Text { length: 200 }, nullable: true };
    let mut columns = vec![Column {
        name: "CUSTOMER_ID".into(),
        kind: ColumnType::Number { precision: 38, scale: 0 },
        nullable: false,
    }];
    columns.extend(["EMAIL", "FIRST_NAME", "LAST_NAME", "PHONE", "TITLE"].map(text));
    columns
}

fn row(number: u64, generation: u64) -> Vec<Value> {
    let text = |text: String| Value::Text(text);
    vec![
        Value::Number(Decimal::from(number.cast_signed() + 1)),
        text(format!("customer{number}@example{}.com", number % 97)),
        text(format!("First{}", number % 1_000)),
        text(format!("Last{}", number % 10_000)),
        text(format!("+1 415 555 {:04}", (number + generation) % 10_000)),
        if number.is_multiple_of(20) { Value::Null } else { text("VP, Logistics".into()) },
    ]
}

/// Every row once, in an order that has nothing to do with the keys.
fn shuffled(rows: u64) -> impl Iterator<Item = u64> {
    (0..rows).map(move |at| (at * 618_033 + 12_345) % rows)
}

fn mapping() -> (Mapping, ObjectDescribe) {
    let mut mapping = Mapping::new("sales", "Contact");
    let lines = [
        ("EMAIL", "Email"),
        ("FIRST_NAME", "FirstName"),
        ("LAST_NAME", "LastName"),
        ("PHONE", "Phone"),
        ("TITLE", "Title"),
    ];
    mapping.links = lines.map(|(column, field)| Link::new(column, field)).into();
    mapping.matcher.terms = vec![MatchTerm { column: "EMAIL".into(), field: "Email".into() }];
    let kinds = [
        ("Email", FieldType::Email, 80),
        ("FirstName", FieldType::String, 40),
        ("LastName", FieldType::String, 80),
        ("Phone", FieldType::Phone, 40),
        ("Title", FieldType::String, 128),
    ];
    let fields = kinds.map(|(name, kind, length)| Field::new(name, kind, length)).into();
    (mapping, ObjectDescribe::new("Contact", fields))
}

struct Bench {
    store: Store,
    run: RunId,
    mapper: Mapper,
    key: KeyColumns,
}

impl Bench {
    fn new(path: &Path) -> Self {
        let store = Store::open(path).expect("a store");
        let (mapping, object) = mapping();
        let mapper = Mapper::new(&mapping, &columns(), &object).expect("a mapper");
        let names = ["CUSTOMER_ID".to_owned()];
        let basis = Basis {
            key: names.to_vec(),
            source: String::new(),
            object: "Contact".into(),
            operation: mapping.operation,
            matcher: mapping.matcher.clone(),
        };
        let new = NewRun {
            mapping_name: NAME,
            definition: &mapping,
            org: &gondola::destination::OrgInfo::default(),
            full: false,
            partial: false,
            basis: &basis,
            snapshot_rows: 0,
        };
        let run = store.begin_run(&new).expect("the store").expect("nobody else");
        Self { store, run, mapper, key: KeyColumns::new(&names, &columns()) }
    }

    /// Rows in chunks; one in `changed` has another phone number than at first sight.
    fn chunks(rows: u64, changed: u64) -> impl Iterator<Item = Vec<Vec<Value>>> {
        let mut numbers = shuffled(rows);
        let generation = move |number: u64| u64::from(changed > 0 && number.is_multiple_of(changed));
        std::iter::from_fn(move || {
            let chunk: Vec<Vec<Value>> =
                numbers.by_ref().take(CHUNK_ROWS).map(|number| row(number, generation(number))).collect();
            (!chunk.is_empty()).then_some(chunk)
        })
    }

    fn read(&self, keyed: &mut Keyed, chunk: &[Vec<Value>]) {
        keyed.read(&self.key, &self.mapper, chunk.iter().map(Vec::as_slice));
    }

    /// Stages what is not unchanged, as a run does; says how many rows that are.
    fn stage(&self, chunk: &[Vec<Value>], changes: &[Change], from: u64) -> u64 {
        let staged = chunk.iter().zip(changes).filter(|(_, change)| **change != Change::Unchanged);
        let staged = staged.zip(from..).map(|((row, change), position)| whole(self, row, *change, position));
        self.store.stage(self.run, staged).expect("the store")
    }
}

fn measure(step: &str, rows: u64, path: &Path) {
    let bench = Bench::new(path);
    let mut detector = Detector::new(bench.store.clone(), NAME.to_owned());
    let mut keyed = Keyed::default();
    let changed = if step == "1 % changed" { 100 } else { 0 };
    let (mut seconds, mut unchanged, mut staged) = (0.0, 0, 0);
    for chunk in Bench::chunks(rows, changed) {
        // What making the rows costs is not counted, nor the mapper where it is not measured.
        if step == "detection" {
            bench.read(&mut keyed, &chunk);
        }
        let started = Instant::now();
        if step != "detection" {
            bench.read(&mut keyed, &chunk);
        }
        if step != "mapper" {
            let (changes, again) = detector.changes(&keyed).expect("the store");
            assert!(again.is_empty());
            staged += bench.stage(&chunk, &changes, staged);
            unchanged += changes.iter().filter(|change| **change == Change::Unchanged).count() as u64;
        }
        seconds += started.elapsed().as_secs_f64();
    }
    let started = Instant::now();
    if step != "mapper" {
        assert_eq!(bench.store.mark_added_twice(bench.run).expect("the store"), 0);
        // Nothing is removed: that costs one count.
        let known = bench.store.snapshot_size(NAME).expect("the store");
        assert_eq!((known, detector.seen()), (rows - added(step, rows), rows - added(step, rows)));
        assert_eq!(staged + unchanged, rows);
    }
    seconds += started.elapsed().as_secs_f64();
    if step == "first sight" {
        confirm(&bench, rows);
    }
    bench.store.finish_run(bench.run, gondola::store::RunStatus::Stopped, None).expect("the store");
    // What one row leaves behind: in the snapshot for ever, and staged as long as the run is kept.
    let table = if step == "first sight" { "row" } else { "snapshot" };
    let bytes = bench.store.bytes_of(table).expect("the store");
    println!(
        "{step:<26} {rows:>9} {seconds:>9.3} {:>12.0} {:>9.1} {:>9.0}",
        rows as f64 / seconds,
        peak_megabytes(),
        bytes as f64 / rows as f64
    );
}

fn added(step: &str, rows: u64) -> u64 {
    if step == "first sight" { rows } else { 0 }
}

/// As after a run that sent everything: each row has a record, and the snapshot knows it.
fn confirm(bench: &Bench, rows: u64) {
    for first in (0..rows).step_by(CHUNK_ROWS) {
        let decided = (first..rows.min(first + CHUNK_ROWS as u64)).map(|position| {
            let held = Decision::hold("", String::new(), "");
            let record = Some(format!("003Ab{position:010}AAA"));
            (position, Decision { action: Action::Skip, record, settled: true, reason: None, ..held })
        });
        bench.store.decide(bench.run, &decided.collect::<Vec<_>>()).expect("the store");
    }
    bench.store.settle_skipped(bench.run).expect("the store");
}

fn whole(bench: &Bench, row: &[Value], change: Change, position: u64) -> StagedRow {
    let mapped = bench.mapper.map(row);
    StagedRow {
        position,
        key: bench.key.key(row),
        has_key: true,
        change,
        hash: mapped.hash,
        payload: mapped.payload,
        sources: mapped.sources,
        rejections: mapped.rejections,
        match_values: MatchValues(vec![Some(row[1].clone())]),
        known_record: None,
    }
}

/// The most memory that this process ever had, as the kernel counts it.
fn peak_megabytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0");
    line.trim().trim_end_matches(" kB").trim().parse::<f64>().unwrap_or(0.0) / 1024.0
}

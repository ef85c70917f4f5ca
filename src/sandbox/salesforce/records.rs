//! The records, in SQLite: one table an object, one row a record.
//!
//! A row holds the record's JSON as it is answered (`body`, blanks left out), and beside it one
//! column for each field that SOQL can filter or sort by, in the form in which it is *compared*:
//! text in lower case without trailing spaces, dates and times as sortable text.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use rusqlite::types::Value as Cell;
use rusqlite::{Connection, OptionalExtension, params_from_iter};
use serde_json::{Map, Value};

use super::ids;
use super::schema::{Field, Kind, Object, Schema};
use super::setup::Setup;
use super::time;

/// The layout's version; a file of another is emptied.
const LAYOUT: i64 = 2;

/// A record's fields, blanks left out.
pub type Body = Map<String, Value>;

/// The open store.
#[derive(Debug)]
pub struct Records {
    database: Connection,
    /// The objects and fields.
    pub schema: &'static Schema,
    /// What the administrator has set up.
    pub setup: Setup,
    /// Accounts that another call holds while this one is made.
    pub locked: HashSet<String>,
    /// How each object's records are written.
    statements: HashMap<String, Statements>,
    /// The last `SystemModstamp` given, in milliseconds: each save gets a later one.
    last_stamp: i64,
}

/// The SQL that writes an object's records; long, so made once.
#[derive(Debug)]
struct Statements {
    insert: String,
    replace: String,
}

impl Statements {
    fn new(object: &Object) -> Self {
        let (name, names) = (&object.name, quoted(object));
        let marks = ", ?".repeat(names.len());
        Self {
            insert: format!("INSERT INTO \"{name}\" (body, {}) VALUES (?{marks})", names.join(", ")),
            replace: format!("UPDATE \"{name}\" SET body = ?, {} = ? WHERE \"Id\" = ?", names.join(" = ?, ")),
        }
    }
}

/// Text as it is compared.
pub fn fold(text: &str) -> String {
    text.trim_end().to_lowercase()
}

/// The form of a value that a field's column holds.
pub fn comparable(field: &Field, value: Option<&Value>) -> Cell {
    match value {
        Some(Value::String(text)) if field.kind.is_text() => Cell::Text(fold(text)),
        Some(Value::String(text)) => Cell::Text(text.clone()),
        Some(Value::Bool(flag)) => Cell::Integer(i64::from(*flag)),
        Some(Value::Number(number)) => number.as_f64().map_or(Cell::Null, Cell::Real),
        _ if field.kind == Kind::Boolean => Cell::Integer(0),
        _ => Cell::Null,
    }
}

/// The fields that have a column.
pub fn columns(object: &Object) -> impl Iterator<Item = &Field> {
    object.fields.iter().filter(|field| field.filterable && field.kind != Kind::Address)
}

/// The columns' names, as SQL writes them.
fn quoted(object: &Object) -> Vec<String> {
    columns(object).map(|field| format!("\"{}\"", field.name)).collect()
}

impl Records {
    /// Opens the file (created when missing), or a store in memory.
    pub fn open(schema: &'static Schema, path: Option<&Path>) -> Result<Self, rusqlite::Error> {
        let database = match path {
            Some(path) => Connection::open(path)?,
            None => Connection::open_in_memory()?,
        };
        database.set_prepared_statement_cache_capacity(128);
        database.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;")?;
        let statements = schema.all().map(|object| (object.name.clone(), Statements::new(object))).collect();
        let mut records =
            Self { database, schema, setup: Setup::default(), locked: HashSet::new(), statements, last_stamp: 0 };
        let layout: i64 = records.database.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if layout != records.layout() {
            records.clear()?;
        }
        Ok(records)
    }

    fn layout(&self) -> i64 {
        LAYOUT + if self.schema.has_codes { 1_000 } else { 0 }
    }

    /// Drops every record and makes the tables anew.
    pub fn clear(&mut self) -> Result<(), rusqlite::Error> {
        let mut script = vec![
            "BEGIN; DROP TABLE IF EXISTS sequence".to_owned(),
            "CREATE TABLE sequence (object TEXT PRIMARY KEY, next INTEGER NOT NULL)".to_owned(),
        ];
        for object in self.schema.all() {
            let name = &object.name;
            let names = quoted(object).join(", ");
            script.push(format!("DROP TABLE IF EXISTS \"{name}\""));
            script.push(format!("CREATE TABLE \"{name}\" (seq INTEGER PRIMARY KEY, body TEXT NOT NULL, {names})"));
            let indexed = object.fields.iter().filter(|field| {
                field.is_key() || matches!(field.name.as_str(), "Name" | "LastName" | "AccountId" | "SystemModstamp")
            });
            for field in indexed {
                let unique = if field.kind == Kind::Id { "UNIQUE " } else { "" };
                script.push(format!("CREATE {unique}INDEX \"{name}.{0}\" ON \"{name}\" (\"{0}\")", field.name));
            }
        }
        script.push(format!("PRAGMA user_version = {}; COMMIT", self.layout()));
        self.last_stamp = 0;
        self.database.execute_batch(&script.join(";\n"))
    }

    /// Whether nothing was ever written.
    pub fn is_empty(&self) -> Result<bool, rusqlite::Error> {
        let rows: i64 = self.database.query_row("SELECT COUNT(*) FROM sequence", [], |row| row.get(0))?;
        Ok(rows == 0)
    }

    /// Opens a savepoint; they nest.
    pub fn begin(&self) -> Result<(), rusqlite::Error> {
        self.database.prepare_cached("SAVEPOINT work")?.execute([]).map(|_| ())
    }

    /// Keeps what was done since the last [`Records::begin`].
    pub fn commit(&self) -> Result<(), rusqlite::Error> {
        self.database.prepare_cached("RELEASE work")?.execute([]).map(|_| ())
    }

    /// Undoes what was done since the last [`Records::begin`].
    pub fn roll_back(&self) -> Result<(), rusqlite::Error> {
        self.database.execute_batch("ROLLBACK TO work; RELEASE work")
    }

    /// The time of a save: now, or a millisecond after the last one.
    pub fn stamp(&mut self) -> String {
        self.last_stamp = (self.last_stamp + 1).max(time::now_milliseconds());
        time::format_milliseconds(self.last_stamp)
    }

    /// An id that no record had.
    pub fn next_id(&self, object: &Object) -> Result<String, rusqlite::Error> {
        let number: i64 = self
            .database
            .prepare_cached(
                "INSERT INTO sequence (object, next) VALUES (?1, 1)
                 ON CONFLICT (object) DO UPDATE SET next = next + 1 RETURNING next",
            )?
            .query_row([&object.name], |row| row.get(0))?;
        Ok(ids::make(&object.prefix, number.unsigned_abs()))
    }

    /// The record, deleted or not.
    pub fn get(&self, object: &Object, id: &str) -> Result<Option<Body>, rusqlite::Error> {
        let sql = format!("SELECT body FROM \"{}\" WHERE \"Id\" = ?1", object.name);
        let body: Option<String> = self.database.prepare_cached(&sql)?.query_row([id], |row| row.get(0)).optional()?;
        Ok(body.map(|body| parse(&body)))
    }

    /// Ids of the records, never deleted ones, whose field has this value; oldest first.
    pub fn find(&self, object: &Object, field: &Field, value: &Value) -> Result<Vec<String>, rusqlite::Error> {
        let sql = format!(
            "SELECT \"Id\" FROM \"{}\" WHERE \"{}\" = ?1 AND \"IsDeleted\" = 0 ORDER BY seq",
            object.name, field.name
        );
        let mut statement = self.database.prepare_cached(&sql)?;
        let found = statement.query_map([comparable(field, Some(value))], |row| row.get(0))?;
        found.collect()
    }

    /// Writes a new record.
    pub fn insert(&self, object: &Object, body: &Body) -> Result<(), rusqlite::Error> {
        let sql = &self.statements[&object.name].insert;
        self.database.prepare_cached(sql)?.execute(params_from_iter(cells(object, body)))?;
        Ok(())
    }

    /// Writes a record over.
    pub fn replace(&self, object: &Object, id: &str, body: &Body) -> Result<(), rusqlite::Error> {
        let sql = &self.statements[&object.name].replace;
        let cells = cells(object, body).into_iter().chain([Cell::Text(id.to_owned())]);
        self.database.prepare_cached(sql)?.execute(params_from_iter(cells))?;
        Ok(())
    }

    /// Takes a record away for good.
    pub fn remove(&self, object: &Object, id: &str) -> Result<(), rusqlite::Error> {
        let sql = format!("DELETE FROM \"{}\" WHERE \"Id\" = ?1", object.name);
        self.database.prepare_cached(&sql)?.execute([id])?;
        Ok(())
    }

    /// Takes all records of an object away for good.
    pub fn remove_all(&self, object: &Object) -> Result<(), rusqlite::Error> {
        self.database.execute(&format!("DELETE FROM \"{}\"", object.name), [])?;
        Ok(())
    }

    /// Records that are not deleted.
    pub fn count(&self, object: &Object) -> Result<u64, rusqlite::Error> {
        let deleted = if object.field("IsDeleted").is_some() { " WHERE \"IsDeleted\" = 0" } else { "" };
        let sql = format!("SELECT COUNT(*) FROM \"{}\"{deleted}", object.name);
        self.database.query_row(&sql, [], |row| row.get::<_, i64>(0)).map(i64::unsigned_abs)
    }

    /// Runs a compiled query whose columns are all bodies (or null).
    pub fn bodies(&self, sql: &str, values: &[Cell]) -> Result<Vec<Vec<Option<String>>>, rusqlite::Error> {
        let mut statement = self.database.prepare(sql)?;
        let width = statement.column_count();
        let rows = statement.query_map(params_from_iter(values), |row| (0..width).map(|at| row.get(at)).collect())?;
        rows.collect()
    }

    /// Runs a compiled query that gives one number.
    pub fn number(&self, sql: &str, values: &[Cell]) -> Result<u64, rusqlite::Error> {
        self.database.query_row(sql, params_from_iter(values), |row| row.get::<_, i64>(0)).map(i64::unsigned_abs)
    }
}

/// A stored body, read again.
pub fn parse(body: &str) -> Body {
    serde_json::from_str(body).unwrap_or_default()
}

fn cells(object: &Object, body: &Body) -> Vec<Cell> {
    let mut cells = vec![Cell::Text(serde_json::to_string(body).unwrap_or_default())];
    cells.extend(columns(object).map(|field| comparable(field, body.get(&field.name))));
    cells
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn contact(records: &Records, email: &str) -> String {
        let object = Schema::plain().object("Contact").unwrap();
        let id = records.next_id(object).unwrap();
        let body = json!({ "Id": id, "LastName": "O'Brien", "Email": email, "IsDeleted": false });
        records.insert(object, body.as_object().unwrap()).unwrap();
        id
    }

    #[test]
    fn finds_without_regard_to_case_and_keeps_the_spelling() {
        let records = Records::open(Schema::plain(), None).unwrap();
        let object = Schema::plain().object("Contact").unwrap();
        let id = contact(&records, "Dana@Example.com");
        let email = object.field("email").unwrap();
        assert_eq!(records.find(object, email, &json!("DANA@example.COM ")).unwrap(), [id.as_str()]);
        assert_eq!(records.get(object, &id).unwrap().unwrap()["Email"], "Dana@Example.com");
    }

    #[test]
    fn a_roll_back_takes_the_row_away_again() {
        let records = Records::open(Schema::plain(), None).unwrap();
        let object = Schema::plain().object("Contact").unwrap();
        records.begin().unwrap();
        contact(&records, "a@example.com");
        records.begin().unwrap();
        contact(&records, "b@example.com");
        records.roll_back().unwrap();
        records.commit().unwrap();
        assert_eq!(records.count(object).unwrap(), 1);
    }

    #[test]
    fn a_file_keeps_its_records() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("org.db");
        let id = contact(&Records::open(Schema::plain(), Some(&path)).unwrap(), "a@example.com");
        let again = Records::open(Schema::plain(), Some(&path)).unwrap();
        assert!(!again.is_empty().unwrap());
        assert!(again.get(Schema::plain().object("Contact").unwrap(), &id).unwrap().is_some());
    }
}

//! A mapping made ready for rows: columns and fields found once, then applied to each row.

use std::collections::BTreeMap;

use regex::Regex;
use xxhash_rust::xxh3::Xxh3;

use super::model::{Link, Mapping, NullPolicy, Source, TooLong, WritePolicy};
use super::transform::Transform;
use super::wire::{rejection, to_wire};
use crate::destination::{DestinationError, Payload, Wire};
use crate::types::{Column, Field, ObjectDescribe, Value};

/// What a mapping makes of one row.
#[derive(Debug, Clone, PartialEq)]
pub struct MappedRow {
    /// Field API name to wire value. A field whose NULL is kept is absent.
    pub payload: Payload,
    /// Why the row cannot be sent as it is.
    pub rejections: Vec<DestinationError>,
    /// Over field, type and value of everything that would be sent (or was refused): equal hashes
    /// mean that nothing that matters has changed.
    pub hash: u128,
}

/// A mapping, made ready for the rows of one schema.
#[derive(Debug)]
pub struct Mapper {
    links: Vec<Ready>,
}

#[derive(Debug)]
struct Ready {
    link: Link,
    field: Field,
    source: ReadySource,
}

#[derive(Debug)]
enum ReadySource {
    Column(usize),
    Constant(Value),
    Template(Vec<Part>),
}

#[derive(Debug)]
enum Part {
    Text(String),
    Column(usize),
}

impl Mapper {
    /// Finds columns and fields. Links whose column or field does not exist are named in the error
    /// (run [`super::check()`] first for the whole story).
    pub fn new(mapping: &Mapping, columns: &[Column], object: &ObjectDescribe) -> Result<Self, String> {
        let at = |name: &str| {
            columns
                .iter()
                .position(|column| column.name == name)
                .ok_or_else(|| format!("the query has no column `{name}`"))
        };
        let links = mapping
            .links
            .iter()
            .map(|link| {
                let field = object
                    .field(&link.field)
                    .ok_or_else(|| format!("{} has no field `{}`", object.name, link.field))?;
                let source = match &link.source {
                    Source::Column(name) => ReadySource::Column(at(name)?),
                    Source::Constant(text) => ReadySource::Constant(Value::Text(text.clone())),
                    Source::Template(text) => ReadySource::Template(parts(text, at)?),
                };
                Ok(Ready { link: link.clone(), field: field.clone(), source })
            })
            .collect::<Result<_, String>>()?;
        Ok(Self { links })
    }

    /// The fields that are written only where the record has nothing.
    pub fn only_if_empty(&self) -> impl Iterator<Item = &str> {
        self.links
            .iter()
            .filter(|ready| ready.link.write == WritePolicy::OnlyIfEmpty)
            .map(|ready| ready.field.name.as_str())
    }

    /// API names of all fields that links lead to.
    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        self.links.iter().map(|ready| &ready.field)
    }

    /// Maps one row.
    pub fn map(&self, row: &[Value]) -> MappedRow {
        let mut payload = BTreeMap::new();
        let mut rejections = Vec::new();
        let mut hasher = Xxh3::new();
        for ready in &self.links {
            hasher.update(ready.field.name.as_bytes());
            match ready.wire(row) {
                Ok(None) => hasher.update(b"\0keep\0"),
                Ok(Some(wire)) => {
                    feed(&mut hasher, &wire);
                    payload.insert(ready.field.name.clone(), wire);
                }
                Err((error, raw)) => {
                    hasher.update(b"\0refused\0");
                    hasher.update(raw.as_bytes());
                    rejections.push(*error);
                }
            }
        }
        MappedRow { payload, rejections, hash: hasher.digest128() }
    }
}

/// A type tag, then the value, then an end: `1` and `"1"` differ, and so do `a|b` and `ab|`.
fn feed(hasher: &mut Xxh3, wire: &Wire) {
    match wire {
        Wire::Null => hasher.update(b"\0n\0"),
        Wire::String(text) => {
            hasher.update(b"\0s");
            hasher.update(text.as_bytes());
            hasher.update(b"\0");
        }
        other => {
            hasher.update(b"\0v");
            hasher.update(other.to_string().as_bytes());
            hasher.update(b"\0");
        }
    }
}

impl Ready {
    fn wire(&self, row: &[Value]) -> Result<Option<Wire>, (Box<DestinationError>, String)> {
        let source = match &self.source {
            ReadySource::Column(at) => row[*at].clone(),
            ReadySource::Constant(value) => value.clone(),
            ReadySource::Template(parts) => Value::Text(
                parts
                    .iter()
                    .map(|part| match part {
                        Part::Text(text) => text.clone(),
                        Part::Column(at) => row[*at].to_string(),
                    })
                    .collect(),
            ),
        };
        let mut value = source.clone();
        for step in &self.link.transforms {
            value = step.apply(value).map_err(|error| {
                let error = rejection("UNREADABLE_VALUE", &self.field, format!("{}: {error}", self.field.name), None);
                (Box::new(error), source.to_string())
            })?;
        }
        if value.is_null() {
            return Ok(match self.link.null {
                NullPolicy::Keep => None,
                NullPolicy::Clear => Some(Wire::Null),
            });
        }
        let truncate = self.link.too_long == TooLong::Truncate || self.link.transforms.contains(&Transform::Truncate);
        to_wire(&value, &self.field, truncate).map(Some).map_err(|error| (Box::new(error), source.to_string()))
    }
}

/// Splits `{{FIRST_NAME}} {{LAST_NAME}}` into texts and columns.
fn parts(template: &str, at: impl Fn(&str) -> Result<usize, String>) -> Result<Vec<Part>, String> {
    let hole = Regex::new(r"\{\{\s*([^{}]+?)\s*\}\}").map_err(|error| error.to_string())?;
    let mut parts = Vec::new();
    let mut end = 0;
    for found in hole.captures_iter(template) {
        let (Some(whole), Some(name)) = (found.get(0), found.get(1)) else { continue };
        parts.push(Part::Text(template[end..whole.start()].to_owned()));
        parts.push(Part::Column(at(name.as_str())?));
        end = whole.end();
    }
    parts.push(Part::Text(template[end..].to_owned()));
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{ColumnType, FieldType};
    use serde_json::json;

    fn column(name: &str) -> Column {
        Column { name: name.into(), kind: ColumnType::Text { length: 100 }, nullable: true }
    }

    fn mapper(links: Vec<Link>) -> Mapper {
        let object = ObjectDescribe::new(
            "Contact",
            vec![Field::new("LastName", FieldType::String, 80), Field::new("Title", FieldType::String, 10)],
        );
        let mut mapping = Mapping::new("sales", "Contact");
        mapping.links = links;
        Mapper::new(&mapping, &[column("A"), column("B")], &object).unwrap()
    }

    #[test]
    fn null_is_kept_or_cleared_and_blank_is_nothing() {
        let keep = Link::new("A", "LastName");
        let clear = Link { null: NullPolicy::Clear, ..Link::new("B", "Title") };
        let mapped = mapper(vec![keep, clear]).map(&[Value::Null, Value::Null]);
        assert_eq!(mapped.payload, BTreeMap::from([("Title".into(), Wire::Null)]));
        let mapped = mapper(vec![Link::new("A", "LastName")]).map(&[Value::from("  "), Value::Null]);
        assert_eq!(mapped.payload["LastName"], Wire::Null);
    }

    #[test]
    fn templates_take_columns() {
        let link = Link { source: Source::Template("{{ A }}-{{B}}!".into()), ..Link::new("", "LastName") };
        let mapped = mapper(vec![link]).map(&[Value::from("x"), Value::from("y")]);
        assert_eq!(mapped.payload["LastName"], json!("x-y!"));
    }

    #[test]
    fn the_hash_follows_the_payload_only() {
        let one = mapper(vec![Link::new("A", "LastName")]);
        let row = |a: &str, b: &str| [Value::from(a), Value::from(b)];
        assert_eq!(one.map(&row("x", "1")).hash, one.map(&row("x", "2")).hash);
        assert_ne!(one.map(&row("x", "1")).hash, one.map(&row("y", "1")).hash);
        let other = mapper(vec![Link::new("A", "Title")]);
        assert_ne!(one.map(&row("x", "1")).hash, other.map(&row("x", "1")).hash);
    }

    #[test]
    fn a_refused_value_rejects_the_row_and_still_counts_as_a_change() {
        let one = mapper(vec![Link::new("A", "Title")]);
        let first = one.map(&[Value::from("more than ten"), Value::Null]);
        assert_eq!(first.rejections[0].code, "STRING_TOO_LONG");
        assert!(first.payload.is_empty());
        assert_ne!(first.hash, one.map(&[Value::from("other than ten"), Value::Null]).hash);
    }
}

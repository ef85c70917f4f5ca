//! A mapping made ready for rows: columns and fields found once, then applied to each row.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Write as _;

use regex::Regex;
use xxhash_rust::xxh3::xxh3_128;

use super::model::{Link, Lookup, Mapping, Missing, NullPolicy, Source, TooLong, WritePolicy};
use super::transform::Transform;
use super::wire::{label_of, rejection, to_wire};
use super::{places, record_types};
use crate::destination::{DestinationError, Payload, Wire};
use crate::types::{Column, Field, FieldType, ObjectDescribe, PicklistValue, RecordType, Value};

/// Field API name to what the source says, where that is not what is sent: the parent's number
/// instead of its id, a record type's name, a picklist value's label.
pub type Sources = BTreeMap<String, String>;

/// What a mapping makes of one row.
#[derive(Debug, Clone, PartialEq)]
pub struct MappedRow {
    /// Field API name to wire value. A field whose NULL is kept is absent, and so is a field with a
    /// `lookup` until its parent is found.
    pub payload: Payload,
    /// What the source says where that is not what is sent; for a field with a `lookup`, what its
    /// parent is to be found by.
    pub sources: Sources,
    /// Why the row cannot be sent as it is.
    pub rejections: Vec<DestinationError>,
    /// Over field, type and value of everything that would be sent (or was refused): equal hashes
    /// mean that nothing that matters has changed. A `lookup` counts with its definition and the
    /// source's value, so that no parent has to be found to see that a row is unchanged.
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
    target: Target,
}

/// How a value becomes what is sent.
#[derive(Debug)]
enum Target {
    /// By the field's type.
    Value,
    /// As the id of the record type that it names.
    RecordType(Vec<RecordType>),
    /// As the label of a state or a country, beside a picklist of codes.
    PlaceLabel(Vec<PicklistValue>),
    /// As the id of a parent, which the plan finds later.
    Parent(Lookup),
}

/// What one link makes of one row.
enum Made {
    /// The record keeps what it has.
    Kept,
    /// This is sent.
    Sent(Wire),
    /// This is sent, for what the source says in another word.
    Translated(Wire, String),
    /// The parent with this value is sent.
    Sought(String),
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
                let target = match (&link.lookup, places::codes_beside(object, field)) {
                    (Some(lookup), _) => Target::Parent(lookup.clone()),
                    _ if record_types::is_record_type(field) => Target::RecordType(object.record_types.clone()),
                    (None, Some(codes)) => Target::PlaceLabel(codes.to_vec()),
                    (None, None) => Target::Value,
                };
                Ok(Ready { link: link.clone(), field: field.clone(), source, target })
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
        let mut mapped =
            MappedRow { payload: BTreeMap::new(), sources: BTreeMap::new(), rejections: Vec::new(), hash: 0 };
        let mut room = Vec::new();
        self.walk(row, &mut room, |ready, made| {
            let name = || ready.field.name.clone();
            match made {
                Ok(Made::Kept) => {}
                Ok(Made::Sent(wire)) => drop(mapped.payload.insert(name(), wire)),
                Ok(Made::Translated(wire, source)) => {
                    mapped.payload.insert(name(), wire);
                    mapped.sources.insert(name(), source);
                }
                Ok(Made::Sought(source)) => drop(mapped.sources.insert(name(), source)),
                Err((error, _)) => mapped.rejections.push(*error),
            }
        });
        mapped.hash = xxh3_128(&room);
        mapped
    }

    /// The hash alone: all that an unchanged row needs. `room` is taken into use again and again.
    pub fn digest(&self, row: &[Value], room: &mut Vec<u8>) -> u128 {
        room.clear();
        self.walk(row, room, |_, _| {});
        xxh3_128(room)
    }

    /// Makes the value of each link, and appends to `room` what the hash is over.
    fn walk(&self, row: &[Value], room: &mut Vec<u8>, mut take: impl FnMut(&Ready, Result<Made, Refused>)) {
        for ready in &self.links {
            room.extend_from_slice(ready.field.name.as_bytes());
            let made = ready.make(row);
            match &made {
                Ok(Made::Kept) => room.extend_from_slice(b"\0keep\0"),
                Ok(Made::Sent(wire) | Made::Translated(wire, _)) => feed(room, wire),
                Ok(Made::Sought(source)) => ready.feed_lookup(room, source),
                Err((_, raw)) => {
                    room.extend_from_slice(b"\0refused\0");
                    room.extend_from_slice(raw.as_bytes());
                }
            }
            take(ready, made);
        }
    }
}

/// Why a value cannot be sent, and the value as the source has it.
type Refused = (Box<DestinationError>, String);

/// A type tag, then the value, then an end: `1` and `"1"` differ, and so do `a|b` and `ab|`.
fn feed(room: &mut Vec<u8>, wire: &Wire) {
    match wire {
        Wire::Null => room.extend_from_slice(b"\0n\0"),
        Wire::String(text) => {
            room.extend_from_slice(b"\0s");
            room.extend_from_slice(text.as_bytes());
            room.push(0);
        }
        other => {
            room.extend_from_slice(b"\0v");
            // Writing into memory cannot fail.
            let _ = write!(room, "{other}");
            room.push(0);
        }
    }
}

impl Ready {
    fn make(&self, row: &[Value]) -> Result<Made, Refused> {
        let source = match &self.source {
            ReadySource::Column(at) => Cow::Borrowed(&row[*at]),
            ReadySource::Constant(value) => Cow::Borrowed(value),
            ReadySource::Template(parts) => Cow::Owned(Value::Text(
                parts
                    .iter()
                    .map(|part| match part {
                        Part::Text(text) => text.clone(),
                        Part::Column(at) => row[*at].to_string(),
                    })
                    .collect(),
            )),
        };
        let mut value = Cow::Borrowed(source.as_ref());
        for step in &self.link.transforms {
            let made = step.apply(value.into_owned()).map_err(|error| {
                let error = rejection("UNREADABLE_VALUE", &self.field, format!("{}: {error}", self.field.name), None);
                (Box::new(error), source.to_string())
            })?;
            value = Cow::Owned(made);
        }
        let value = value.as_ref();
        if value.is_null() {
            return Ok(match self.link.null {
                NullPolicy::Keep => Made::Kept,
                NullPolicy::Clear => Made::Sent(Wire::Null),
            });
        }
        if value.is_blank() {
            // Salesforce stores nothing for it, and no parent is ever looked up by it.
            return Ok(Made::Sent(Wire::Null));
        }
        let refused = |error| (Box::new(error), source.to_string());
        match &self.target {
            Target::Parent(_) => Ok(Made::Sought(match value {
                Value::Number(number) => number.normalized().to_string(),
                other => other.to_string().trim().to_owned(),
            })),
            Target::RecordType(types) => {
                let text = value.to_string();
                record_types::to_wire(&text, &self.field, types)
                    .map(|wire| translated(wire, text.trim()))
                    .map_err(refused)
            }
            Target::Value | Target::PlaceLabel(_) => {
                let truncate =
                    self.link.too_long == TooLong::Truncate || self.link.transforms.contains(&Transform::Truncate);
                let label = match &self.target {
                    Target::PlaceLabel(codes) => label_of(&value.to_string(), codes).map(Value::Text),
                    _ => None,
                };
                let wire = to_wire(label.as_ref().unwrap_or(value), &self.field, truncate).map_err(refused)?;
                let by_name = matches!(self.field.kind, FieldType::Picklist | FieldType::MultiPicklist);
                let told = by_name || label.is_some();
                Ok(if told { translated(wire, value.to_string().trim()) } else { Made::Sent(wire) })
            }
        }
    }

    fn feed_lookup(&self, room: &mut Vec<u8>, source: &str) {
        let Target::Parent(lookup) = &self.target else { return };
        let missing: &[u8] = match lookup.missing {
            Missing::Reject => b"reject",
            Missing::Null => b"null",
        };
        room.extend_from_slice(b"\0lookup\0");
        // Case does not tell names apart.
        for part in [lookup.object.to_lowercase().as_bytes(), lookup.field.to_lowercase().as_bytes(), missing] {
            room.extend_from_slice(part);
            room.push(0);
        }
        room.extend_from_slice(source.as_bytes());
        room.push(0);
    }
}

/// Sent; the source is worth telling when it says something else.
fn translated(wire: Wire, source: &str) -> Made {
    if wire.as_str() == Some(source) { Made::Sent(wire) } else { Made::Translated(wire, source.to_owned()) }
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
    use crate::types::ColumnType;
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
    fn a_lookup_waits_for_its_parent_and_counts_with_its_source() {
        let mut account = Field::new("AccountId", FieldType::Reference, 18);
        account.reference_to = vec!["Account".into()];
        let object = ObjectDescribe::new("Contact", vec![account]);
        let made = |missing, text: &str| {
            let lookup = Lookup { object: "Account".into(), field: "External_Id__c".into(), missing };
            let mut mapping = Mapping::new("sales", "Contact");
            mapping.links = vec![Link { lookup: Some(lookup), ..Link::new("A", "AccountId") }];
            Mapper::new(&mapping, &[column("A")], &object).unwrap().map(&[Value::from(text)])
        };
        let one = made(Missing::Reject, " C-100 ");
        assert!(one.payload.is_empty() && one.rejections.is_empty());
        assert_eq!(one.sources["AccountId"], "C-100");
        assert_eq!(one.hash, made(Missing::Reject, "C-100").hash);
        assert_ne!(one.hash, made(Missing::Reject, "C-101").hash);
        assert_ne!(one.hash, made(Missing::Null, "C-100").hash);
        let blank = made(Missing::Reject, "  ");
        assert!(blank.sources.is_empty() && blank.payload["AccountId"].is_null());
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

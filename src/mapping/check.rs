//! What is wrong with a mapping before any row is looked at.

use std::collections::BTreeMap;
use std::fmt;

mod lookups;
mod org;

use super::model::{Mapping, OnRemoved, Operation, RowSelection, Source};
use super::transform::Transform;
use super::{nearest, persons, wire};
use crate::types::{Column, ColumnType, Field, FieldType, ObjectDescribe};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It works, but look at it.
    Warning,
    /// It cannot run.
    Error,
}

/// Where a finding belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The mapping as a whole.
    Mapping,
    /// The record matcher's term with this number, from 0.
    Matcher(usize),
    /// The link with this number, from 0.
    Link(usize),
    /// A field that no link leads to.
    Field(String),
}

/// One thing that is wrong, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Where it belongs.
    pub place: Place,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.hint.iter().try_for_each(|hint| write!(f, " {hint}"))
    }
}

/// Everything that is wrong with a mapping, errors and warnings, in the order of the mapping.
///
/// `parents` are the objects that lookups name, as far as they are known; what is said of one that
/// is not known is not checked.
pub fn check(
    mapping: &Mapping,
    columns: &[Column],
    object: &ObjectDescribe,
    parents: &[ObjectDescribe],
) -> Vec<Finding> {
    let mut checker = Checker { mapping, columns, object, parents, findings: Vec::new() };
    checker.whole();
    checker.matcher();
    for at in 0..mapping.links.len() {
        checker.link(at);
    }
    checker.required();
    checker.persons();
    checker.states();
    checker.findings
}

struct Checker<'a> {
    mapping: &'a Mapping,
    columns: &'a [Column],
    object: &'a ObjectDescribe,
    parents: &'a [ObjectDescribe],
    findings: Vec<Finding>,
}

impl Checker<'_> {
    fn add(&mut self, severity: Severity, place: Place, message: String, hint: Option<String>) {
        self.findings.push(Finding { severity, place, message, hint });
    }

    fn error(&mut self, place: Place, message: String, hint: Option<String>) {
        self.add(Severity::Error, place, message, hint);
    }

    fn creates(&self) -> bool {
        matches!(self.mapping.operation, Operation::Create | Operation::Upsert)
            && self.mapping.rows != RowSelection::Removed
    }

    fn whole(&mut self) {
        let removed = self.mapping.rows.takes_removed().then_some(self.mapping.on_removed);
        let only_removed = self.mapping.rows == RowSelection::Removed;
        let draws = self.mapping.operation != Operation::Delete && (!only_removed || removed == Some(OnRemoved::Clear));
        if removed.is_none() && self.mapping.on_removed != OnRemoved::default() {
            self.add(
                Severity::Warning,
                Place::Mapping,
                format!("`on_removed = \"{}\"` has no effect.", self.mapping.on_removed.as_str()),
                Some("Set rows = \"mirror\" or rows = \"removed\", or leave it out.".into()),
            );
        }
        if self.mapping.links.is_empty() && draws {
            self.error(Place::Mapping, "No line is drawn yet.".into(), Some("Draw at least one.".into()));
        }
        if self.mapping.matcher.terms.is_empty() && self.mapping.operation != Operation::Create {
            self.error(
                Place::Mapping,
                "No record matcher: a row could not find its record.".into(),
                Some("Mark a line as the record matcher, such as EMAIL → Email.".into()),
            );
        }
        let updates = matches!(self.mapping.operation, Operation::Update | Operation::Upsert) && !only_removed;
        let deletes = self.mapping.operation == Operation::Delete && !only_removed;
        let rights = [
            (self.object.createable, "Create", self.creates()),
            (self.object.updateable, "Edit", updates || removed == Some(OnRemoved::Clear)),
            (self.object.deletable, "Delete", deletes || removed == Some(OnRemoved::Delete)),
        ];
        let missing: Vec<&str> =
            rights.iter().filter(|(has, _, needs)| *needs && !has).map(|(_, right, _)| *right).collect();
        if !missing.is_empty() {
            let (rights, object) = (missing.join(" and "), &self.object.name);
            let message = format!("This user has no {rights} permission on {object}.");
            self.error(Place::Mapping, message, Some(self.ask_for(&format!("{rights} on {object}"))));
        }
    }

    /// The next step where a permission is missing.
    fn ask_for(&self, what: &str) -> String {
        format!("Ask an administrator for {what}; `gondola grants {}` prints it.", self.mapping.connection)
    }

    fn column(&mut self, name: &str, place: Place) -> Option<Column> {
        if let Some(found) = self.columns.iter().find(|column| column.name == name) {
            return Some(found.clone());
        }
        let hint = nearest(name, self.columns.iter().map(|column| column.name.as_str()))
            .map(|near| format!("Did you mean `{near}`?"));
        self.error(place, format!("The query has no column `{name}`."), hint);
        None
    }

    fn unknown_field(&mut self, name: &str, place: Place) {
        let hint = nearest(name, self.object.fields.iter().map(|field| field.name.as_str()))
            .map(|near| format!("Did you mean `{near}`?"));
        self.error(place, format!("{} has no field `{name}` that this user sees.", self.object.name), hint);
    }

    fn matcher(&mut self) {
        for (at, term) in self.mapping.matcher.terms.iter().enumerate() {
            let place = Place::Matcher(at);
            self.column(&term.column, place.clone());
            let Some(field) = self.object.field(&term.field) else {
                self.unknown_field(&term.field, place);
                continue;
            };
            if !field.filterable {
                let message = format!("Salesforce cannot search by {}.", field.name);
                self.error(place.clone(), message, Some("Match by another field.".into()));
            }
            if self.mapping.link_to(&field.name).is_some_and(|link| link.lookup.is_some()) {
                let message =
                    format!("{} is matched by the column itself, not by the record that its lookup finds.", field.name);
                self.error(place, message, Some("Match by another field.".into()));
            }
        }
    }

    fn link(&mut self, at: usize) {
        let place = Place::Link(at);
        let link = &self.mapping.links[at];
        let column = match &link.source {
            Source::Column(name) => self.column(name, place.clone()),
            _ => None,
        };
        let Some(field) = self.object.field(&link.field).cloned() else {
            self.unknown_field(&link.field, place);
            return;
        };
        let twin = self.mapping.links[..at].iter().find(|other| other.field.eq_ignore_ascii_case(&field.name));
        if let Some(twin) = twin {
            let message = format!("{} gets both {} and {}.", field.name, twin.source, link.source);
            self.error(place.clone(), message, Some("Cut one of the two lines.".into()));
        }
        if let Some((why, hint)) = self.not_writable(&field) {
            self.error(place.clone(), format!("{} cannot be written: {why}.", field.name), Some(hint));
        } else {
            self.constant(at, &field);
        }
        if link.lookup.is_some() {
            self.lookup(at, &field);
        }
        let zoned = link.transforms.iter().any(|step| matches!(step, Transform::Zone(_)));
        let parsed = link.transforms.iter().any(|step| matches!(step, Transform::Date(_)));
        if let Some(column) = column {
            if field.kind == FieldType::DateTime && column.kind == ColumnType::TimestampNtz && !zoned {
                self.error(
                    place.clone(),
                    format!("{} has no time zone, and {} is an instant.", column.name, field.name),
                    Some("Add the transform \"zone:Europe/Berlin\" (your zone).".into()),
                );
            }
            let never_fits = match field.kind {
                FieldType::Date => matches!(
                    column.kind,
                    ColumnType::Number { .. }
                        | ColumnType::Bool
                        | ColumnType::Float
                        | ColumnType::TimestampLtz
                        | ColumnType::TimestampTz
                ),
                FieldType::DateTime => {
                    matches!(column.kind, ColumnType::Number { .. } | ColumnType::Bool | ColumnType::Date)
                }
                FieldType::Int | FieldType::Double | FieldType::Currency | FieldType::Percent => matches!(
                    column.kind,
                    ColumnType::Bool
                        | ColumnType::Date
                        | ColumnType::TimestampNtz
                        | ColumnType::TimestampLtz
                        | ColumnType::TimestampTz
                ),
                _ => false,
            };
            if never_fits && link.lookup.is_none() && !parsed && link.transforms.is_empty() {
                self.error(
                    place,
                    format!("{} ({}) does not fit {} ({}).", column.name, column.kind, field.name, field.kind),
                    Some("Convert it in the query.".into()),
                );
            }
        }
    }

    /// Why nothing can be written to a field, and what to do.
    fn not_writable(&self, field: &Field) -> Option<(&'static str, String)> {
        let cut = || "Cut this line.".to_owned();
        if let Some(why) = wire::not_sent(&field.kind) {
            let parts = match field.kind {
                FieldType::Address => "Lead lines to its parts, such as the street and the city.".to_owned(),
                FieldType::Location => {
                    let stem = field.name.trim_end_matches("__c");
                    format!("Lead lines to {stem}__Latitude__s and {stem}__Longitude__s.")
                }
                _ => cut(),
            };
            return Some((why, parts));
        }
        if field.calculated {
            return Some(("it is computed", cut()));
        }
        if field.auto_number {
            return Some(("Salesforce numbers it", cut()));
        }
        if !field.is_writable() {
            let system = field.kind == FieldType::Id || (!field.custom && !field.nillable);
            let hint = if system {
                cut()
            } else {
                format!("Cut this line. {}", self.ask_for(&format!("Edit on {}.{}", self.object.name, field.name)))
            };
            return Some(("it is read-only for this user", hint));
        }
        let only_new = self.mapping.operation == Operation::Update && !field.updateable;
        only_new.then(|| ("it can be set only when a record is created", cut()))
    }

    fn required(&mut self) {
        if !self.creates() {
            return;
        }
        let persons = self.are_persons();
        let missing: Vec<String> = self
            .object
            .fields
            .iter()
            .filter(|field| persons::is_required(field, persons) && self.mapping.link_to(&field.name).is_none())
            .map(|field| field.name.clone())
            .collect();
        for name in missing {
            let message = format!("{name} is required when a record is created, and no line leads to it.");
            self.error(Place::Field(name), message, Some("Draw a line to it, or set operation = \"update\".".into()));
        }
        let mut by_column: BTreeMap<&str, usize> = BTreeMap::new();
        for name in self.mapping.matcher.terms.iter().map(|term| term.field.as_str()) {
            *by_column.entry(name).or_default() += usize::from(self.mapping.link_to(name).is_none());
        }
        let unwritten: Vec<String> =
            by_column.into_iter().filter(|(_, n)| *n > 0).map(|(name, _)| name.to_owned()).collect();
        for name in unwritten {
            let writable = self.object.field(&name).is_some_and(|field| field.createable);
            if writable {
                self.add(
                    Severity::Warning,
                    Place::Field(name.clone()),
                    format!("{name} finds records, but no line writes it: what is created will not be found again."),
                    Some("Draw a line to it.".into()),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::{Link, MatchTerm};
    use super::*;
    use crate::types::Field;

    fn contact() -> ObjectDescribe {
        let mut last_name = Field::new("LastName", FieldType::String, 80);
        last_name.nillable = false;
        let mut name = Field::new("Name", FieldType::String, 121);
        (name.createable, name.updateable) = (false, false);
        ObjectDescribe::new("Contact", vec![last_name, name, Field::new("Email", FieldType::Email, 80)])
    }

    fn columns() -> Vec<Column> {
        ["EMAIL", "LAST_NAME"]
            .map(|name| Column { name: name.into(), kind: ColumnType::Text { length: 80 }, nullable: true })
            .into()
    }

    fn mapping(links: Vec<Link>) -> Mapping {
        let mut mapping = Mapping::new("sales", "Contact");
        mapping.matcher.terms = vec![MatchTerm { column: "EMAIL".into(), field: "Email".into() }];
        mapping.links = links;
        mapping
    }

    fn messages(mapping: &Mapping) -> Vec<String> {
        check(mapping, &columns(), &contact(), &[]).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_good_mapping_has_no_findings() {
        let good = mapping(vec![Link::new("EMAIL", "Email"), Link::new("LAST_NAME", "LastName")]);
        assert_eq!(messages(&good), Vec::<String>::new());
    }

    #[test]
    fn each_fault_is_named_with_its_remedy() {
        let bad = mapping(vec![
            Link::new("EMIAL", "Email"),
            Link::new("EMAIL", "Emal"),
            Link::new("EMAIL", "Name"),
            Link::new("LAST_NAME", "Email"),
        ]);
        let all = messages(&bad).join("\n");
        for part in [
            "no column `EMIAL`. Did you mean `EMAIL`?",
            "no field `Emal` that this user sees. Did you mean `Email`?",
            "Name cannot be written: it is read-only",
            "Email gets both EMIAL and LAST_NAME",
            "LastName is required",
        ] {
            assert!(all.contains(part), "{part} in\n{all}");
        }
    }
}

//! Queries. The only place where text becomes SOQL.
//!
//! A [`Soql`] can only be made from field names that the describe has and from literals that went
//! through [`literal`], which knows the field's type: text is quoted and escaped, everything else
//! stands bare, and a value that does not fit is an error instead of a quoted guess.

use std::fmt::Write as _;

use jiff::civil::{Date, DateTime, Time};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::errors::{ours, refused_here};
use crate::destination::{DestinationError, ErrorKind};
use crate::types::{Decimal, Field, FieldType, ObjectDescribe, Value};

/// What may stand bare in the query part of an address (RFC 3986); `+` and `&` may not, and `'`
/// is written by every client as `%27`.
const QUERY_PART: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'@')
    .remove(b',')
    .remove(b'(')
    .remove(b')');

/// The same inside a JSON body, where no client rewrites the quotes.
const EMBEDDED_PART: &AsciiSet = &QUERY_PART.remove(b'\'').remove(b'!').remove(b'*').remove(b':').remove(b'/');

/// Where a query stands, which decides how it is written there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// In the address of a call.
    Address,
    /// In an address that stands in the body of a Composite call.
    Embedded,
}

impl Encoding {
    fn set(self) -> &'static AsciiSet {
        match self {
            Self::Address => QUERY_PART,
            Self::Embedded => EMBEDDED_PART,
        }
    }

    /// The bytes that `text` takes there.
    fn len(self, text: &str) -> usize {
        utf8_percent_encode(text, self.set()).map(str::len).sum()
    }
}

/// A whole query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Soql(String);

impl Soql {
    /// Who the org is (`Organization` has one row).
    pub(crate) fn organization() -> Self {
        Self("SELECT Id, Name, IsSandbox, InstanceName, OrganizationType FROM Organization".to_owned())
    }

    /// The login name of one user, whose id has been checked by [`is_id`].
    pub(crate) fn username(user_id: &str) -> Option<Self> {
        is_id(user_id).then(|| Self(format!("SELECT Username FROM User WHERE Id = '{user_id}'")))
    }

    /// Name and profile of one user, whose id has been checked by [`is_id`].
    pub(crate) fn user_and_profile(user_id: &str) -> Option<Self> {
        is_id(user_id).then(|| Self(format!("SELECT Name, Profile.Name FROM User WHERE Id = '{user_id}'")))
    }

    /// The same without the profile, which not every user may see.
    pub(crate) fn user_name(user_id: &str) -> Option<Self> {
        is_id(user_id).then(|| Self(format!("SELECT Name FROM User WHERE Id = '{user_id}'")))
    }

    /// The active duplicate rules of an object.
    pub(crate) fn duplicate_rules(object: &str) -> Result<Self, DestinationError> {
        check_identifier("an object", object)?;
        Ok(Self(format!("SELECT DeveloperName FROM DuplicateRule WHERE SobjectType = '{object}' AND IsActive = true")))
    }

    /// The active validation rules of an object; for the Tooling API.
    pub(crate) fn validation_rules(object: &str) -> Result<Self, DestinationError> {
        check_identifier("an object", object)?;
        Ok(Self(format!(
            "SELECT ValidationName FROM ValidationRule \
             WHERE EntityDefinition.QualifiedApiName = '{object}' AND Active = true"
        )))
    }

    /// The text as Salesforce reads it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text as it stands there.
    pub(crate) fn encoded(&self, encoding: Encoding) -> String {
        utf8_percent_encode(&self.0, encoding.set()).to_string()
    }
}

/// One comparison: a field of the object, and a value that may stand beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term<'a> {
    field: &'a Field,
    literal: String,
}

impl<'a> Term<'a> {
    /// Checks that `object` has `field`, that it can be filtered, and that `value` fits it.
    pub fn new(object: &'a ObjectDescribe, field: &str, value: &Value) -> Result<Self, DestinationError> {
        let field = known_field(object, field)?;
        if !field.filterable {
            return Err(unfilterable(object, field));
        }
        if value.is_blank() {
            return Err(unfit(field, value, "it is blank"));
        }
        Ok(Self { field, literal: literal(field, value)? })
    }

    /// The value as it stands in the query.
    pub fn literal(&self) -> &str {
        &self.literal
    }
}

fn unfilterable(object: &ObjectDescribe, field: &Field) -> DestinationError {
    of_field(
        ErrorKind::Configuration,
        "FIELD_NOT_FILTERABLE",
        field,
        format!("{}.{} cannot be searched: Salesforce does not filter on it.", object.name, field.name),
        "Match on another field.",
    )
}

/// The beginning of a query: what is read from which object.
#[derive(Debug, Clone)]
pub struct Select<'a> {
    object: &'a ObjectDescribe,
    text: String,
}

impl<'a> Select<'a> {
    /// `SELECT Id, SystemModstamp, … FROM object`; each field once, and only fields that exist.
    pub fn new(object: &'a ObjectDescribe, fields: &[String]) -> Result<Self, DestinationError> {
        check_identifier("an object", &object.name)?;
        let names = read_fields(object, fields)?;
        Ok(Self { object, text: format!("SELECT {} FROM {}", names.join(","), object.name) })
    }

    /// The query without a condition: every record.
    pub fn all(&self) -> Soql {
        Soql(self.text.clone())
    }

    /// Every record in which at least one of these fields is not empty. Fields that cannot be
    /// filtered are errors.
    pub fn where_any_is_set(&self, fields: &[String]) -> Result<Soql, DestinationError> {
        let mut conditions = Vec::new();
        for name in fields {
            let field = known_field(self.object, name)?;
            if !field.filterable {
                return Err(unfilterable(self.object, field));
            }
            conditions.push(format!("{} != null", field.name));
        }
        if conditions.is_empty() {
            return Ok(self.all());
        }
        Ok(Soql(format!("{} WHERE {}", self.text, conditions.join(" OR "))))
    }

    /// Queries that together find the records for which **any** of `terms` holds, each at most
    /// `budget` bytes long when encoded. Without terms there is no query.
    pub fn any_of(&self, terms: &[Term<'a>], budget: usize, encoding: Encoding) -> Vec<Soql> {
        let mut queries = Vec::new();
        let mut open: Option<OpenQuery<'a>> = None;
        for term in terms {
            debug_assert!(self.object.fields.iter().any(|known| std::ptr::eq(known, term.field)));
            if let Some(query) = &mut open
                && query.push(term, budget, encoding)
            {
                continue;
            }
            queries.extend(open.replace(OpenQuery::new(&self.text, term, encoding)).map(OpenQuery::close));
        }
        queries.extend(open.map(OpenQuery::close));
        queries
    }
}

/// A query whose last list of values is still open.
struct OpenQuery<'a> {
    text: String,
    /// Bytes of `text` when encoded; counted as it grows.
    size: usize,
    field: &'a Field,
}

impl<'a> OpenQuery<'a> {
    fn new(select: &str, term: &Term<'a>, encoding: Encoding) -> Self {
        let text = format!("{select} WHERE {} IN ({}", term.field.name, term.literal);
        Self { size: encoding.len(&text), text, field: term.field }
    }

    /// Adds a value if it fits, the closing parenthesis included.
    fn push(&mut self, term: &Term<'a>, budget: usize, encoding: Encoding) -> bool {
        let more = if std::ptr::eq(self.field, term.field) {
            format!(",{}", term.literal)
        } else {
            format!(") OR {} IN ({}", term.field.name, term.literal)
        };
        let size = self.size + encoding.len(&more);
        if size >= budget {
            return false;
        }
        self.text.push_str(&more);
        self.size = size;
        self.field = term.field;
        true
    }

    fn close(mut self) -> Soql {
        self.text.push(')');
        Soql(self.text)
    }
}

/// `Id`, `SystemModstamp` where the object has it, and `fields`, in the describe's spelling.
pub(crate) fn read_fields(object: &ObjectDescribe, fields: &[String]) -> Result<Vec<String>, DestinationError> {
    let modstamp = object.field("SystemModstamp").map(|field| field.name.as_str());
    let mut names = vec!["Id".to_owned()];
    for name in modstamp.into_iter().chain(fields.iter().map(String::as_str)) {
        let field = known_field(object, name)?;
        if !names.contains(&field.name) {
            names.push(field.name.clone());
        }
    }
    Ok(names)
}

/// The field with this name, or a message that says it is not there.
pub(crate) fn known_field<'a>(object: &'a ObjectDescribe, name: &str) -> Result<&'a Field, DestinationError> {
    check_identifier("a field", name)?;
    object.field(name).ok_or_else(|| {
        let mut error = refused_here(
            "INVALID_FIELD",
            format!("{} has no field {name}.", object.name),
            "Check the name, and that this user may see the field (field-level security).",
        );
        error.fields.push(name.to_owned());
        error
    })
}

/// Whether `text` is a name as the API knows them: a letter, then letters, digits, underscores.
pub(crate) fn check_identifier(what: &str, text: &str) -> Result<(), DestinationError> {
    let good = text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    if good {
        return Ok(());
    }
    Err(refused_here(
        "INVALID_NAME",
        format!("{text:?} is not the API name of {what}."),
        "An API name has letters, digits and underscores only, such as Email or Tier__c.",
    ))
}

/// Whether `text` looks like a record id: 15 or 18 letters and digits.
pub(crate) fn is_id(text: &str) -> bool {
    matches!(text.len(), 15 | 18) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Text between quotes, with `\`, `'` and control characters escaped.
pub fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('\'');
    for letter in text.chars() {
        match letter {
            '\\' => quoted.push_str("\\\\"),
            '\'' => quoted.push_str("\\'"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            control if control.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(control));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('\'');
    quoted
}

/// `value` as it may stand beside `field`.
///
/// Text is trimmed first, as Salesforce stores it. NULL is `null`; blank text is an error, because
/// a comparison with it finds every record that has nothing in the field.
pub fn literal(field: &Field, value: &Value) -> Result<String, DestinationError> {
    if value.is_null() {
        return Ok("null".to_owned());
    }
    if value.is_blank() {
        return Err(unfit(field, value, "it is blank"));
    }
    let trimmed = value.as_text().map(str::trim);
    match &field.kind {
        FieldType::Id | FieldType::Reference => match trimmed {
            Some(id) if is_id(id) => Ok(quote(id)),
            _ => Err(unfit(field, value, "an id has 15 or 18 letters and digits")),
        },
        kind if kind.is_text() => match value {
            Value::Text(text) => Ok(quote(text.trim())),
            // A key that is a number in the source and text in Salesforce.
            Value::Number(number) => Ok(quote(&number.to_string())),
            _ => Err(unfit(field, value, "the field holds text")),
        },
        FieldType::Boolean => match (value, trimmed) {
            (Value::Bool(flag), _) => Ok(flag.to_string()),
            (_, Some(text)) if text.eq_ignore_ascii_case("true") => Ok("true".to_owned()),
            (_, Some(text)) if text.eq_ignore_ascii_case("false") => Ok("false".to_owned()),
            _ => Err(unfit(field, value, "the field holds true or false")),
        },
        FieldType::Int | FieldType::Long | FieldType::Double | FieldType::Currency | FieldType::Percent => {
            number(field, value)
        }
        FieldType::Date => {
            let date = match value {
                Value::Date(date) => Some(*date),
                // A wall clock's day needs no zone; an instant's day does.
                Value::TimestampNtz(wall) => Some(wall.date()),
                _ => trimmed.and_then(|text| text.parse::<Date>().ok()),
            };
            date.filter(|date| date.year() >= 0)
                .map(|date| date.to_string())
                .ok_or_else(|| unfit(field, value, "the field holds a date such as 2024-01-31"))
        }
        FieldType::DateTime => {
            let utc = match value {
                Value::TimestampLtz(utc) | Value::TimestampTz { utc, .. } => Some(*utc),
                _ => trimmed
                    .and_then(|text| text.parse::<jiff::Timestamp>().ok())
                    .map(|instant| jiff::tz::Offset::UTC.to_datetime(instant)),
            };
            utc.filter(|utc| utc.year() >= 0).map(datetime).ok_or_else(|| {
                unfit(field, value, "the field holds an instant with its zone, such as 2024-01-31T10:00:00Z")
            })
        }
        FieldType::Time => {
            let time = match value {
                Value::Time(time) => Some(*time),
                _ => trimmed.and_then(|text| text.parse::<Time>().ok()),
            };
            time.map(|time| format!("{}Z", milliseconds(time)))
                .ok_or_else(|| unfit(field, value, "the field holds a time of day such as 10:00:00"))
        }
        other => Err(unfit(field, value, &format!("Salesforce does not compare {other} fields"))),
    }
}

fn number(field: &Field, value: &Value) -> Result<String, DestinationError> {
    let whole = matches!(field.kind, FieldType::Int | FieldType::Long);
    let text = match value {
        Value::Number(number) => Some(number.normalized()),
        Value::Text(text) => text.parse::<Decimal>().ok().map(Decimal::normalized),
        // Rust prints a float without an exponent; NaN and the infinities fail to parse.
        Value::Float(float) => float.to_string().parse::<Decimal>().ok().map(Decimal::normalized),
        _ => None,
    };
    match text {
        Some(number) if whole && number.scale > 0 => Err(unfit(field, value, "the field holds whole numbers")),
        Some(number) => Ok(number.to_string()),
        None => Err(unfit(field, value, "the field holds a number")),
    }
}

/// `2024-01-31T10:00:00.000Z`; Salesforce keeps milliseconds at most.
fn datetime(utc: DateTime) -> String {
    format!("{}T{}Z", utc.date(), milliseconds(utc.time()))
}

fn milliseconds(time: Time) -> String {
    format!("{:02}:{:02}:{:02}.{:03}", time.hour(), time.minute(), time.second(), time.millisecond())
}

fn unfit(field: &Field, value: &Value, why: &str) -> DestinationError {
    of_field(
        ErrorKind::Data,
        "VALUE_DOES_NOT_FIT",
        field,
        format!("{} ({}) cannot be compared with {:?}: {why}.", field.name, field.kind, value.to_string()),
        "Correct the value in the source, or give the link a transform.",
    )
}

fn of_field(kind: ErrorKind, code: &str, field: &Field, message: String, hint: &str) -> DestinationError {
    let mut error = ours(kind, code, message, hint);
    error.fields.push(field.name.clone());
    error
}

#[cfg(test)]
mod tests {
    use jiff::civil::{date, time};
    use proptest::prelude::*;

    use super::*;
    use crate::salesforce::stub::{contact, field};

    /// What Salesforce reads between the quotes; `None` where a quote or the end comes too early.
    fn unquote(quoted: &str) -> Option<String> {
        let inner = quoted.strip_prefix('\'')?.strip_suffix('\'')?;
        let mut text = String::new();
        let mut letters = inner.chars();
        while let Some(letter) = letters.next() {
            text.push(match letter {
                '\'' => return None,
                '\\' => match letters.next()? {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    'u' => {
                        let digits: String = letters.by_ref().take(4).collect();
                        char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?
                    }
                    same @ ('\\' | '\'') => same,
                    _ => return None,
                },
                control if control.is_control() => return None,
                other => other,
            });
        }
        Some(text)
    }

    proptest! {
        #[test]
        fn quoted_text_reads_back_as_itself(text in any::<String>()) {
            prop_assert_eq!(unquote(&quote(&text)), Some(text));
        }

        #[test]
        fn nasty_text_reads_back_too(text in r"[\\'nrtbfu0\n\r\t\x00-\x1f\u{7f}\u{85} ]{0,12}") {
            prop_assert_eq!(unquote(&quote(&text)), Some(text));
        }

        #[test]
        fn queries_keep_to_the_budget_and_hold_every_value(
            values in prop::collection::vec("[a-zé'\\\\ &+%]{0,20}x", 1..60), budget in 100_usize..600
        ) {
            let contact = contact();
            let terms: Vec<Term<'_>> = values.iter().enumerate()
                .map(|(n, value)| Term::new(&contact, if n % 7 == 0 { "Phone" } else { "Email" }, &Value::Text(value.clone())).unwrap())
                .collect();
            let queries = Select::new(&contact, &[]).unwrap().any_of(&terms, budget, Encoding::Address);
            let all: String = queries.iter().map(|soql| soql.as_str().to_owned()).collect();
            for term in &terms {
                prop_assert!(all.contains(term.literal()));
            }
            for soql in &queries {
                let only_one = !soql.as_str().contains("','") && !soql.as_str().contains(" OR ");
                prop_assert!(only_one || soql.encoded(Encoding::Address).len() <= budget, "{} > {budget}", soql.encoded(Encoding::Address).len());
                prop_assert!(!soql.encoded(Encoding::Address).contains(['+', '&', '\'', ' ']));
            }
        }
    }

    #[test]
    fn known_traps() {
        assert_eq!(quote("O'Brien"), r"'O\'Brien'");
        assert_eq!(quote("C:\\"), r"'C:\\'");
        assert_eq!(quote(r"\' OR Name != '"), r"'\\\' OR Name != \''");
        assert_eq!(quote("a\nb\u{0}"), r"'a\nb\u0000'");
    }

    #[test]
    fn each_type_stands_as_soql_wants_it() {
        let ok = |kind: FieldType, value: Value| literal(&field("F", kind), &value).unwrap();
        assert_eq!(ok(FieldType::Email, " A@b.com ".into()), "'A@b.com'");
        assert_eq!(ok(FieldType::String, Value::Number(Decimal::new(17, 0))), "'17'");
        assert_eq!(ok(FieldType::Currency, Value::Number(Decimal::new(2_200, 2))), "22");
        assert_eq!(ok(FieldType::Int, Value::Number(Decimal::new(2_200, 2))), "22");
        assert_eq!(ok(FieldType::Double, Value::Float(0.1)), "0.1");
        assert_eq!(ok(FieldType::Double, " -12.50 ".into()), "-12.5");
        assert_eq!(ok(FieldType::Boolean, Value::Bool(true)), "true");
        assert_eq!(ok(FieldType::Date, Value::Date(date(9999, 12, 31))), "9999-12-31");
        assert_eq!(ok(FieldType::Date, "2024-01-31".into()), "2024-01-31");
        let utc = date(2024, 1, 31).at(10, 0, 0, 123_456_789);
        assert_eq!(ok(FieldType::DateTime, Value::TimestampLtz(utc)), "2024-01-31T10:00:00.123Z");
        assert_eq!(ok(FieldType::DateTime, "2024-01-31T11:00:00+01:00".into()), "2024-01-31T10:00:00.000Z");
        assert_eq!(ok(FieldType::Time, Value::Time(time(7, 5, 0, 0))), "07:05:00.000Z");
        assert_eq!(ok(FieldType::Reference, "001000000000001AAA".into()), "'001000000000001AAA'");
        assert_eq!(ok(FieldType::Email, Value::Null), "null");
    }

    #[test]
    fn what_does_not_fit_is_an_error_not_a_guess() {
        for (kind, value) in [
            (FieldType::Email, Value::from("  ")),
            (FieldType::String, Value::Bool(true)),
            (FieldType::String, Value::Date(date(2024, 1, 31))),
            (FieldType::Int, Value::Number(Decimal::new(125, 1))),
            (FieldType::Double, Value::Float(f64::NAN)),
            (FieldType::Double, Value::Float(f64::INFINITY)),
            (FieldType::Double, Value::from("1 OR Id != null")),
            (FieldType::Double, Value::from("1e5")),
            (FieldType::Date, Value::from("31.01.2024")),
            (FieldType::Date, Value::from("2024-01-31' OR")),
            (FieldType::Date, Value::TimestampLtz(date(2024, 1, 31).at(0, 0, 0, 0))),
            (FieldType::DateTime, Value::TimestampNtz(date(2024, 1, 31).at(0, 0, 0, 0))),
            (FieldType::DateTime, Value::from("2024-01-31T10:00:00")),
            (FieldType::Boolean, Value::from("yes")),
            (FieldType::Id, Value::from("003')--")),
            (FieldType::Address, Value::from("x")),
        ] {
            let error = literal(&field("F", kind.clone()), &value).unwrap_err();
            assert_eq!(
                (error.code.as_str(), error.fields.as_slice()),
                ("VALUE_DOES_NOT_FIT", &["F".to_owned()][..]),
                "{kind} {value:?}"
            );
        }
    }

    #[test]
    fn blanks_unknown_and_closed_fields_make_no_condition() {
        let mut contact = contact();
        assert!(Term::new(&contact, "Email", &Value::Null).is_err());
        assert_eq!(Term::new(&contact, "Nope", &"x".into()).unwrap_err().code, "INVALID_FIELD");
        assert_eq!(Term::new(&contact, "Email FROM", &"x".into()).unwrap_err().code, "INVALID_NAME");
        contact.fields[2].filterable = false;
        assert_eq!(Term::new(&contact, "Email", &"x".into()).unwrap_err().code, "FIELD_NOT_FILTERABLE");
    }
}

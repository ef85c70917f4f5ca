//! Which column probably means which field: by name, by words, by label, by synonym, by likeness.
//!
//! Only proposes. A person accepts, and every proposal says why it was made.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::LazyLock;

use serde::Deserialize;

use super::Mapping;
use crate::types::{Column, ColumnType, Field, FieldType, ObjectDescribe};

/// Likeness below this is chance.
const LEAST_SIMILARITY: f64 = 0.86;

/// Two words at least this alike are one word and a slip of the pen.
const SLIP: f64 = 0.9;

/// Why a pair was proposed, the surest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Equal but for case: `EMAIL` and `Email`.
    SameName,
    /// The same words: `FIRST_NAME` and `FirstName`, `TIER` and `Tier__c`.
    SameWords,
    /// The words of the field's label.
    SameLabel,
    /// A usual other name: `SURNAME` and `LastName`.
    Synonym,
    /// Names that look alike.
    Similar,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SameName => "same name",
            Self::SameWords => "same words",
            Self::SameLabel => "same label",
            Self::Synonym => "synonym",
            Self::Similar => "similar name",
        })
    }
}

/// A line that could be drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The column's name.
    pub column: String,
    /// The field's API name.
    pub field: String,
    /// How sure it is, 0 to 100.
    pub score: u8,
    /// Why.
    pub reason: Reason,
}

#[derive(Debug, Default, Deserialize)]
struct Synonyms {
    words: BTreeMap<String, String>,
    fields: BTreeMap<String, Vec<String>>,
}

/// Embedded, so it is read the same everywhere; a test holds that it can be read.
static SYNONYMS: LazyLock<Synonyms> =
    LazyLock::new(|| toml::from_str(include_str!("../../assets/synonyms.toml")).unwrap_or_default());

/// Lines for columns and fields that have none yet, each at most once, in the order of the columns.
///
/// Fields that cannot be written are left out, and so are pairs whose types never fit.
pub fn propose(columns: &[Column], object: &ObjectDescribe, mapping: &Mapping) -> Vec<Proposal> {
    let used: BTreeSet<&str> = mapping.links.iter().filter_map(|link| link.column()).collect();
    let free: Vec<&Column> = columns.iter().filter(|column| !used.contains(column.name.as_str())).collect();
    let mut pairs: Vec<(usize, Proposal)> = free
        .iter()
        .enumerate()
        .flat_map(|(at, column)| rank_fields(column, object).into_iter().map(move |proposal| (at, proposal)))
        .filter(|(_, proposal)| mapping.link_to(&proposal.field).is_none())
        .collect();
    pairs.sort_by_key(|(at, proposal)| (Reverse(proposal.score), *at));
    let (mut taken_columns, mut taken_fields) = (BTreeSet::new(), BTreeSet::new());
    pairs.retain(|(at, proposal)| {
        let fresh = !taken_columns.contains(at) && !taken_fields.contains(&proposal.field);
        if fresh {
            taken_columns.insert(*at);
            taken_fields.insert(proposal.field.clone());
        }
        fresh
    });
    pairs.sort_by_key(|(at, _)| *at);
    pairs.into_iter().map(|(_, proposal)| proposal).collect()
}

/// The fields that this column could mean, the likeliest first.
pub fn rank_fields(column: &Column, object: &ObjectDescribe) -> Vec<Proposal> {
    let mut ranked: Vec<Proposal> =
        object.fields.iter().filter(|field| field.is_writable()).filter_map(|field| compare(column, field)).collect();
    ranked.sort_by_key(|proposal| Reverse(proposal.score));
    ranked
}

/// The columns that this field could be fed by, the likeliest first.
pub fn rank_columns(field: &Field, columns: &[Column]) -> Vec<Proposal> {
    let mut ranked: Vec<Proposal> = columns.iter().filter_map(|column| compare(column, field)).collect();
    ranked.sort_by_key(|proposal| Reverse(proposal.score));
    ranked
}

fn compare(column: &Column, field: &Field) -> Option<Proposal> {
    if !may_fit(column.kind, &field.kind) {
        return None;
    }
    let (score, reason) = likeness(&column.name, field)?;
    Some(Proposal { column: column.name.clone(), field: field.name.clone(), score, reason })
}

fn likeness(column: &str, field: &Field) -> Option<(u8, Reason)> {
    let api = field.name.strip_suffix("__c").unwrap_or(&field.name);
    if column.eq_ignore_ascii_case(&field.name) {
        return Some((100, Reason::SameName));
    }
    let (ours, theirs) = (words(column), words(api));
    if ours.is_empty() {
        return None;
    }
    if ours.concat() == theirs.concat() {
        return Some((96, Reason::SameWords));
    }
    let label = words(&field.label);
    if ours.concat() == label.concat() {
        return Some((92, Reason::SameLabel));
    }
    let plain = ours.join(" ");
    if SYNONYMS.fields.get(&field.name).is_some_and(|names| names.iter().any(|name| words(name).join(" ") == plain)) {
        return Some((84, Reason::Synonym));
    }
    let similarity = [theirs, label]
        .into_iter()
        .filter(|other| !other.is_empty())
        .map(|other| alike(&ours, &other))
        .fold(0.0, f64::max);
    // 0.86 … 1 becomes 50 … 75: a likeness is never as sure as a name.
    (similarity >= LEAST_SIMILARITY)
        .then(|| ((50.0 + (similarity - LEAST_SIMILARITY) / (1.0 - LEAST_SIMILARITY) * 25.0) as u8, Reason::Similar))
}

/// Cuts a name at underscores, spaces and before capitals, in lower case, with the usual short
/// words written out.
fn words(name: &str) -> Vec<String> {
    let mut raw: Vec<String> = vec![String::new()];
    let mut last = ' ';
    for letter in name.chars() {
        let boundary = letter.is_uppercase() && last.is_lowercase();
        if !letter.is_alphanumeric() || boundary {
            raw.push(String::new());
        }
        if letter.is_alphanumeric() {
            raw.last_mut().into_iter().for_each(|word| word.extend(letter.to_lowercase()));
        }
        last = letter;
    }
    raw.retain(|word| !word.is_empty());
    raw.into_iter()
        .flat_map(|word| {
            let full = SYNONYMS.words.get(&word).unwrap_or(&word);
            full.split(' ').map(str::to_owned).collect::<Vec<_>>()
        })
        .collect()
}

/// How alike two names are, 0 to 1. Only words that differ by a slip of the pen count as alike; a
/// word that only one of them has counts against it, so `HOME_PHONE` is not `MobilePhone`.
fn alike(ours: &[String], theirs: &[String]) -> f64 {
    let best = |word: &String, others: &[String]| {
        let best = others.iter().map(|other| strsim::jaro_winkler(word, other)).fold(0.0, f64::max);
        if best >= SLIP { best } else { 0.0 }
    };
    let side = |these: &[String], those: &[String]| {
        these.iter().map(|word| best(word, those)).sum::<f64>() / these.len().max(1) as f64
    };
    f64::midpoint(side(ours, theirs), side(theirs, ours))
}

/// Whether values of the column's type could ever be written to the field's type.
fn may_fit(column: ColumnType, field: &FieldType) -> bool {
    use ColumnType as C;
    match field {
        FieldType::Boolean => matches!(column, C::Bool | C::Text { .. } | C::Number { .. } | C::Other),
        FieldType::Date => {
            matches!(column, C::Date | C::Text { .. } | C::TimestampNtz | C::TimestampLtz | C::TimestampTz | C::Other)
        }
        FieldType::DateTime => {
            matches!(column, C::Text { .. } | C::TimestampNtz | C::TimestampLtz | C::TimestampTz | C::Other)
        }
        FieldType::Time => matches!(column, C::Time | C::Text { .. } | C::Other),
        FieldType::Int | FieldType::Long | FieldType::Double | FieldType::Currency | FieldType::Percent => {
            matches!(column, C::Number { .. } | C::Float | C::Text { .. } | C::Other)
        }
        FieldType::Address | FieldType::Location | FieldType::Base64 => false,
        FieldType::Email | FieldType::Phone | FieldType::Reference => {
            matches!(column, C::Text { .. } | C::Number { .. } | C::Other)
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Link;
    use super::*;

    fn column(name: &str) -> Column {
        Column { name: name.into(), kind: ColumnType::Text { length: 100 }, nullable: true }
    }

    fn contact() -> ObjectDescribe {
        let mut fields: Vec<Field> = [
            "LastName",
            "FirstName",
            "Title",
            "Phone",
            "HomePhone",
            "MobilePhone",
            "MailingCity",
            "LeadSource",
            "Tier__c",
            "OtherCity",
            "MailingPostalCode",
        ]
        .map(|name| Field::new(name, FieldType::String, 80))
        .into();
        fields.push(Field::new("Email", FieldType::Email, 80));
        fields.push(Field::new("Birthdate", FieldType::Date, 0));
        fields.push(Field { createable: false, updateable: false, ..Field::new("Name", FieldType::String, 120) });
        ObjectDescribe::new("Contact", fields)
    }

    fn best(name: &str) -> Option<(String, Reason)> {
        rank_fields(&column(name), &contact()).into_iter().next().map(|found| (found.field, found.reason))
    }

    #[test]
    fn the_synonyms_can_be_read() {
        toml::from_str::<Synonyms>(include_str!("../../assets/synonyms.toml")).unwrap();
        assert!(SYNONYMS.fields.len() > 10 && SYNONYMS.words.len() > 10);
    }

    #[test]
    fn names_words_synonyms_and_likeness_in_this_order() {
        for (name, wanted, reason) in [
            ("EMAIL", "Email", Reason::SameName),
            ("FIRST_NAME", "FirstName", Reason::SameWords),
            ("TIER", "Tier__c", Reason::SameWords),
            ("FNAME", "FirstName", Reason::SameWords),
            ("LEAD_SRC", "LeadSource", Reason::SameWords),
            ("SURNAME", "LastName", Reason::Synonym),
            ("CITY", "MailingCity", Reason::Synonym),
            ("CELL", "MobilePhone", Reason::Synonym),
            ("ZIP", "MailingPostalCode", Reason::Synonym),
            ("JOB_TITLE", "Title", Reason::Synonym),
            ("HOME_PHON", "HomePhone", Reason::Similar),
        ] {
            assert_eq!(best(name), Some((wanted.to_owned(), reason)), "{name}");
        }
    }

    #[test]
    fn chance_and_read_only_fields_are_not_proposed() {
        assert_eq!(best("LIFETIME_VALUE"), None);
        assert_eq!(best("UPDATED_AT"), None);
        assert_ne!(best("NAME").map(|found| found.0), Some("Name".to_owned()));
    }

    #[test]
    fn types_that_never_fit_are_not_proposed() {
        let flag = Column { kind: ColumnType::Bool, ..column("BIRTHDATE") };
        assert_eq!(rank_fields(&flag, &contact()), []);
    }

    #[test]
    fn each_end_is_proposed_once_and_drawn_lines_are_left_alone() {
        let columns = ["EMAIL", "E_MAIL", "PHONE", "FIRST_NAME"].map(column);
        let mut mapping = Mapping::new("sales", "Contact");
        mapping.links.push(Link::new("FIRST_NAME", "Phone"));
        let found: Vec<_> =
            propose(&columns, &contact(), &mapping).into_iter().map(|found| (found.column, found.field)).collect();
        assert_eq!(found, [("EMAIL".to_owned(), "Email".to_owned())]);
    }
}

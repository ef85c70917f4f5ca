//! What a mapping says, exactly as its TOML file says it.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Transform;
use crate::types::ObjectDescribe;

/// One model onto one object of one destination.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// The destination's name in `connections.toml`.
    pub connection: String,
    /// API name of the object, such as `Contact`.
    pub object: String,
    /// Which changes are sent.
    #[serde(default)]
    pub rows: RowSelection,
    /// What is done with them.
    #[serde(default)]
    pub operation: Operation,
    /// What is done with the record of a row that the query no longer returns.
    #[serde(default, skip_serializing_if = "is_default")]
    pub on_removed: OnRemoved,
    /// Whether schedules run it.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Which of the destination's APIs carries it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub api: ApiChoice,
    /// What happens when a duplicate rule of the org warns.
    #[serde(default, skip_serializing_if = "is_default")]
    pub duplicate_rule: DuplicateRule,
    /// Whether the org's assignment rules choose the owner.
    #[serde(default, skip_serializing_if = "is_default")]
    pub auto_assign: bool,
    /// How a row finds its record.
    #[serde(rename = "match", default)]
    pub matcher: RecordMatcher,
    /// Columns onto fields.
    #[serde(rename = "link", default)]
    pub links: Vec<Link>,
}

fn yes() -> bool {
    true
}

impl Mapping {
    /// An empty mapping onto `object`.
    pub fn new(connection: impl Into<String>, object: impl Into<String>) -> Self {
        Self {
            connection: connection.into(),
            object: object.into(),
            rows: RowSelection::default(),
            operation: Operation::default(),
            on_removed: OnRemoved::default(),
            enabled: true,
            api: ApiChoice::default(),
            duplicate_rule: DuplicateRule::default(),
            auto_assign: false,
            matcher: RecordMatcher::default(),
            links: Vec::new(),
        }
    }

    /// Spells object and fields as the destination does: it takes any case, our look-ups do not.
    pub fn respelled(mut self, object: &ObjectDescribe) -> Self {
        let spell = |name: &mut String| {
            if let Some(field) = object.field(name) {
                name.clone_from(&field.name);
            }
        };
        self.object.clone_from(&object.name);
        self.links.iter_mut().for_each(|link| spell(&mut link.field));
        self.matcher.terms.iter_mut().for_each(|term| spell(&mut term.field));
        self
    }

    /// The link that feeds this field.
    pub fn link_to(&self, field: &str) -> Option<&Link> {
        self.links.iter().find(|link| link.field.eq_ignore_ascii_case(field))
    }
}

/// Which of the destination's APIs carries a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ApiChoice {
    /// Chosen by the number of rows and the calls that are left.
    #[default]
    Auto,
    /// 200 rows a call.
    Collections,
    /// Five times 200 rows in one call.
    Composite,
    /// Bulk API 2.0 jobs.
    Bulk,
}

/// What happens when a duplicate rule of the org warns. One that blocks always blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DuplicateRule {
    /// The row fails, and the records that it resembles are named.
    #[default]
    Fail,
    /// The row is saved all the same.
    AllowSave,
}

/// Which changes a mapping sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RowSelection {
    /// Rows that the snapshot does not have.
    Added,
    /// Rows whose mapped payload differs from the snapshot.
    Updated,
    /// Both.
    #[default]
    AddedOrUpdated,
    /// Rows that the snapshot has and the query no longer returns.
    Removed,
    /// Added, updated and removed.
    Mirror,
    /// Every row, changed or not.
    All,
}

impl RowSelection {
    /// Whether rows that the query no longer returns are acted on.
    pub fn takes_removed(self) -> bool {
        matches!(self, Self::Removed | Self::Mirror)
    }

    /// In an operator's words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Added => "Added rows",
            Self::Updated => "Updated rows",
            Self::AddedOrUpdated => "Added or updated rows",
            Self::Removed => "Removed rows",
            Self::Mirror => "Mirror: added, updated and removed",
            Self::All => "All rows, changed or not",
        }
    }

    /// Every value, in the order in which a screen cycles through them.
    pub const ALL: [Self; 6] =
        [Self::AddedOrUpdated, Self::Added, Self::Updated, Self::All, Self::Removed, Self::Mirror];
}

/// What is done in the destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// New records only; a row whose record exists is skipped.
    Create,
    /// Existing records only; a row without a record is skipped.
    Update,
    /// Whichever fits.
    #[default]
    Upsert,
    /// Delete the record that matches.
    Delete,
}

impl Operation {
    /// In an operator's words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Create => "Create only",
            Self::Update => "Update only",
            Self::Upsert => "Update or create",
            Self::Delete => "Delete",
        }
    }

    /// Every value, in the order in which a screen cycles through them.
    pub const ALL: [Self; 4] = [Self::Upsert, Self::Create, Self::Update, Self::Delete];
}

/// What is done with the record of a row that the query no longer returns, where `rows` is
/// `removed` or `mirror`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnRemoved {
    /// It is deleted.
    #[default]
    Delete,
    /// The mapped fields are emptied; those that find the record, that must not be empty, and that
    /// are written only where there is nothing stay.
    Clear,
    /// Nothing; the row is forgotten.
    Ignore,
}

impl OnRemoved {
    /// The word, as mappings write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::Clear => "clear",
            Self::Ignore => "ignore",
        }
    }
}

/// How several match terms combine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MatchMode {
    /// A record must equal the row in every term.
    #[default]
    All,
    /// One equal term is enough.
    Any,
}

/// One comparison between a column and a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MatchTerm {
    /// Column of the model.
    pub column: String,
    /// API name of the field.
    pub field: String,
}

/// How a row finds its record: `{ all = [{ column = "EMAIL", field = "Email" }] }`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RecordMatcher {
    /// How the terms combine.
    pub mode: MatchMode,
    /// The terms; none means that no record is ever found.
    pub terms: Vec<MatchTerm>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MatcherFile {
    #[serde(skip_serializing_if = "Option::is_none")]
    all: Option<Vec<MatchTerm>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    any: Option<Vec<MatchTerm>>,
}

impl Serialize for RecordMatcher {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let terms = Some(self.terms.clone());
        match self.mode {
            MatchMode::All => MatcherFile { all: terms, any: None },
            MatchMode::Any => MatcherFile { all: None, any: terms },
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for RecordMatcher {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match MatcherFile::deserialize(deserializer)? {
            MatcherFile { all: Some(_), any: Some(_) } => {
                Err(D::Error::custom("match has both `all` and `any`; keep one of them"))
            }
            MatcherFile { all: Some(terms), any: None } => Ok(Self { mode: MatchMode::All, terms }),
            MatcherFile { all: None, any: Some(terms) } => Ok(Self { mode: MatchMode::Any, terms }),
            MatcherFile { all: None, any: None } => Ok(Self::default()),
        }
    }
}

/// Prints `Email`, `Email and LastName`, `Email or Phone`.
impl fmt::Display for RecordMatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.mode {
            MatchMode::All => " and ",
            MatchMode::Any => " or ",
        };
        let fields: Vec<&str> = self.terms.iter().map(|term| term.field.as_str()).collect();
        f.write_str(&fields.join(word))
    }
}

/// Where a link takes its value from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A column of the model.
    Column(String),
    /// The same text for every row.
    Constant(String),
    /// Text with columns in it: `{{FIRST_NAME}} {{LAST_NAME}}`.
    Template(String),
}

/// Prints what a person would call it: the column's name, `"constant"`, the template.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Column(name) => f.write_str(name),
            Self::Constant(text) => write!(f, "\"{text}\""),
            Self::Template(text) => f.write_str(text),
        }
    }
}

/// What a NULL does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NullPolicy {
    /// The record keeps what it has.
    #[default]
    Keep,
    /// The field is emptied.
    Clear,
}

/// When a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WritePolicy {
    /// Whenever it differs.
    #[default]
    Always,
    /// Only where the record has nothing yet.
    OnlyIfEmpty,
}

/// What happens to text that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TooLong {
    /// The row is rejected and nothing is sent for it.
    #[default]
    Reject,
    /// The text is cut at the field's length.
    Truncate,
}

/// What happens when a look-up finds no parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Missing {
    /// The row is rejected.
    #[default]
    Reject,
    /// The reference stays empty.
    Null,
}

/// How a value finds the parent record that a reference points to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lookup {
    /// The parent object.
    pub object: String,
    /// Its field that holds the value.
    pub field: String,
    /// What happens when there is none.
    #[serde(default)]
    pub missing: Missing,
}

/// One drawn line: a source, transforms, a field.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// Where the value comes from.
    pub source: Source,
    /// API name of the field that gets it.
    pub field: String,
    /// What is done to it on the way, in order.
    pub transforms: Vec<Transform>,
    /// What a NULL does.
    pub null: NullPolicy,
    /// When it is written.
    pub write: WritePolicy,
    /// What happens to text that does not fit.
    pub too_long: TooLong,
    /// For references: how the parent is found.
    pub lookup: Option<Lookup>,
}

impl Link {
    /// A plain line from a column to a field.
    pub fn new(column: impl Into<String>, field: impl Into<String>) -> Self {
        Self {
            source: Source::Column(column.into()),
            field: field.into(),
            transforms: Vec::new(),
            null: NullPolicy::default(),
            write: WritePolicy::default(),
            too_long: TooLong::default(),
            lookup: None,
        }
    }

    /// The column it starts at, when it starts at one.
    pub fn column(&self) -> Option<&str> {
        match &self.source {
            Source::Column(name) => Some(name),
            _ => None,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LinkFile {
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    template: Option<String>,
    field: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    transform: Vec<Transform>,
    #[serde(default, skip_serializing_if = "is_default")]
    null: NullPolicy,
    #[serde(default, skip_serializing_if = "is_default")]
    write: WritePolicy,
    #[serde(default, skip_serializing_if = "is_default")]
    too_long: TooLong,
    #[serde(skip_serializing_if = "Option::is_none")]
    lookup: Option<Lookup>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Serialize for Link {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (mut column, mut value, mut template) = (None, None, None);
        match self.source.clone() {
            Source::Column(text) => column = Some(text),
            Source::Constant(text) => value = Some(text),
            Source::Template(text) => template = Some(text),
        }
        LinkFile {
            column,
            value,
            template,
            field: self.field.clone(),
            transform: self.transforms.clone(),
            null: self.null,
            write: self.write,
            too_long: self.too_long,
            lookup: self.lookup.clone(),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Link {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let file = LinkFile::deserialize(deserializer)?;
        let source = match (file.column, file.value, file.template) {
            (Some(column), None, None) => Source::Column(column),
            (None, Some(value), None) => Source::Constant(value),
            (None, None, Some(template)) => Source::Template(template),
            (None, None, None) => {
                return Err(D::Error::custom("a link needs one of `column`, `value` or `template`"));
            }
            _ => return Err(D::Error::custom("a link has only one of `column`, `value` and `template`")),
        };
        Ok(Self {
            source,
            field: file.field,
            transforms: file.transform,
            null: file.null,
            write: file.write,
            too_long: file.too_long,
            lookup: file.lookup,
        })
    }
}

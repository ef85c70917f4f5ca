//! The objects and fields of the org, read from the tables under `assets/sandbox`.
//!
//! The tables say what cannot be derived; the rest follows from a field's type and access:
//! - `access` is `rw` (the default), `ro` (may be empty, never written), `system` (always filled,
//!   never written), `defaulted` (filled when it is left out, may be written), `first` (like it, but written
//!   once only) or `later` (never written when the record is made).
//! - a field is nillable unless it is required, `system` or `defaulted`;
//! - what a profile can hide (`permissionable`) is what is nillable and writable.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::places;

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Id,
    Boolean,
    Reference,
    #[default]
    String,
    TextArea,
    Phone,
    Email,
    Url,
    Picklist,
    Double,
    Currency,
    Int,
    Date,
    DateTime,
    Address,
}

impl Kind {
    /// The name in a describe.
    pub fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Boolean => "boolean",
            Self::Reference => "reference",
            Self::String => "string",
            Self::TextArea => "textarea",
            Self::Phone => "phone",
            Self::Email => "email",
            Self::Url => "url",
            Self::Picklist => "picklist",
            Self::Double => "double",
            Self::Currency => "currency",
            Self::Int => "int",
            Self::Date => "date",
            Self::DateTime => "datetime",
            Self::Address => "address",
        }
    }

    /// Text of any sort, ids left out.
    pub fn is_text(self) -> bool {
        matches!(self, Self::String | Self::TextArea | Self::Phone | Self::Email | Self::Url | Self::Picklist)
    }

    /// An id, the record's own or another's.
    pub fn is_id(self) -> bool {
        matches!(self, Self::Id | Self::Reference)
    }

    /// A number.
    pub fn is_number(self) -> bool {
        matches!(self, Self::Double | Self::Currency | Self::Int)
    }

    /// The name that SOQL's and JSON's type errors use.
    pub fn wire_name(self) -> &'static str {
        match self {
            kind if kind.is_text() => "string",
            Self::Id | Self::Reference => "ID",
            Self::DateTime => "dateTime",
            kind => kind.name(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Access {
    #[default]
    Rw,
    Ro,
    System,
    Defaulted,
    /// Written when the record is made, and filled when it is left out then.
    First,
    /// Written later only.
    Later,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldRow {
    name: String,
    label: String,
    #[serde(rename = "type")]
    kind: Kind,
    #[serde(default)]
    length: usize,
    #[serde(default)]
    precision: u32,
    #[serde(default)]
    scale: u32,
    #[serde(default)]
    digits: u32,
    #[serde(default)]
    access: Access,
    #[serde(default)]
    required: bool,
    permissionable: Option<bool>,
    compound: Option<String>,
    extra: Option<String>,
    to: Option<String>,
    /// What else it may refer to.
    #[serde(default)]
    or_to: Vec<String>,
    relationship: Option<String>,
    #[serde(default)]
    values: Vec<String>,
    #[serde(default)]
    restricted: bool,
    #[serde(default)]
    name_field: bool,
    #[serde(default)]
    id_lookup: bool,
    #[serde(default)]
    external_id: bool,
    #[serde(default)]
    unique: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ObjectRow {
    name: String,
    label: String,
    plural: String,
    prefix: String,
    #[serde(default)]
    name_formula: Option<String>,
    #[serde(default = "yes")]
    writable: bool,
    scopes: Vec<(String, String)>,
    fields: Vec<FieldRow>,
}

impl FieldRow {
    /// The field, and after a state or a country of an address its code.
    fn with_code(self) -> Vec<Self> {
        let (label, values) = match self.name.as_str() {
            name if self.compound.is_none() || name.ends_with("__c") => return vec![self],
            name if name.ends_with("State") => (format!("{} Code", self.label), places::state_codes()),
            name if name.ends_with("Country") => (format!("{} Code", self.label), places::country_codes()),
            _ => return vec![self],
        };
        let code = Self {
            name: format!("{}Code", self.name),
            label,
            kind: Kind::Picklist,
            length: 10,
            values,
            restricted: true,
            compound: self.compound.clone(),
            ..Self::default()
        };
        vec![self, code]
    }
}

fn yes() -> bool {
    true
}

/// One field; the names are those of a describe.
#[derive(Debug)]
pub struct Field {
    pub name: String,
    pub label: String,
    pub kind: Kind,
    /// Characters; 0 where a length means nothing.
    pub length: usize,
    pub precision: u32,
    pub scale: u32,
    pub digits: u32,
    pub createable: bool,
    pub updateable: bool,
    pub nillable: bool,
    pub defaulted_on_create: bool,
    pub permissionable: bool,
    pub filterable: bool,
    pub sortable: bool,
    pub groupable: bool,
    pub aggregatable: bool,
    pub compound: Option<String>,
    pub extra: Option<String>,
    pub reference_to: Option<String>,
    /// What else it may refer to, in a describe; the sandbox knows none of these.
    pub or_to: Vec<String>,
    pub relationship: Option<String>,
    pub picklist: Vec<String>,
    pub restricted: bool,
    pub names_record: bool,
    pub id_lookup: bool,
    pub external_id: bool,
    pub unique: bool,
}

impl Field {
    /// Made by an administrator.
    pub fn custom(&self) -> bool {
        self.name.ends_with("__c")
    }

    /// A record must have it, and nothing fills it in.
    pub fn required(&self) -> bool {
        self.createable && !self.nillable && !self.defaulted_on_create
    }

    /// What a new record gets when nothing is said.
    pub fn default_value(&self) -> serde_json::Value {
        match (self.kind, self.picklist.first()) {
            (Kind::Boolean, _) => false.into(),
            (Kind::Picklist, Some(first)) if self.defaulted_on_create => first.as_str().into(),
            _ => serde_json::Value::Null,
        }
    }

    /// May be used to find a record for an upsert.
    pub fn is_key(&self) -> bool {
        self.kind == Kind::Id || self.id_lookup || self.external_id
    }

    fn new(row: FieldRow) -> Self {
        let kind = row.kind;
        let long = kind == Kind::TextArea && row.length > 255;
        let shapeless = long || kind == Kind::Address;
        let held = !matches!(kind, Kind::Id | Kind::Address);
        let createable = held && matches!(row.access, Access::Rw | Access::Defaulted | Access::First);
        let updateable = held && matches!(row.access, Access::Rw | Access::Defaulted | Access::Later);
        let writable = createable && updateable;
        let filled = matches!(row.access, Access::System | Access::Defaulted | Access::First) || kind == Kind::Id;
        let nillable = !row.required && !filled;
        let relationship =
            row.relationship.or_else(|| row.to.as_ref().and_then(|_| row.name.strip_suffix("Id")).map(str::to_owned));
        Self {
            length: if kind.is_id() { 18 } else { row.length },
            createable,
            updateable,
            nillable,
            defaulted_on_create: filled,
            permissionable: row
                .permissionable
                .unwrap_or(nillable && (writable || kind == Kind::Address) || row.name.ends_with("__c")),
            filterable: !long,
            sortable: !shapeless,
            groupable: !shapeless && !matches!(kind, Kind::Double | Kind::Currency | Kind::DateTime),
            aggregatable: !shapeless && kind != Kind::Boolean,
            name: row.name,
            label: row.label,
            kind,
            precision: row.precision,
            scale: row.scale,
            digits: row.digits,
            compound: row.compound,
            extra: row.extra.or_else(|| (kind == Kind::TextArea).then(|| "plaintextarea".to_owned())),
            reference_to: row.to,
            or_to: row.or_to,
            relationship,
            picklist: row.values,
            restricted: row.restricted,
            names_record: row.name_field,
            id_lookup: row.id_lookup || kind == Kind::Id,
            external_id: row.external_id,
            unique: row.unique,
        }
    }
}

/// One object.
#[derive(Debug)]
pub struct Object {
    pub name: String,
    pub label: String,
    pub plural: String,
    /// The first three characters of its ids.
    pub prefix: String,
    /// `Name` is made of first and last name.
    pub person_name: bool,
    /// Clients may create, change and delete records.
    pub writable: bool,
    /// `supportedScopes`: name and label.
    pub scopes: Vec<(String, String)>,
    pub fields: Vec<Field>,
    /// State and country picklists among them.
    pub has_codes: bool,
    places: HashMap<String, usize>,
}

impl Object {
    fn new(table: &str, has_codes: bool) -> Result<Self, toml::de::Error> {
        let mut row: ObjectRow = toml::from_str(table)?;
        if has_codes {
            row.fields = row.fields.into_iter().flat_map(FieldRow::with_code).collect();
        }
        let fields: Vec<Field> = row.fields.into_iter().map(Field::new).collect();
        let places = fields
            .iter()
            .enumerate()
            .flat_map(|(place, field)| [(field.name.to_lowercase(), place), (field.name.clone(), place)])
            .collect();
        Ok(Self {
            name: row.name,
            label: row.label,
            plural: row.plural,
            prefix: row.prefix,
            person_name: row.name_formula.as_deref() == Some("person"),
            writable: row.writable,
            scopes: row.scopes,
            fields,
            has_codes,
            places,
        })
    }

    /// The field of that API name, in any case.
    pub fn field(&self, name: &str) -> Option<&Field> {
        // As it is spelled, mostly; folding the case costs more than looking twice.
        let place = self.places.get(name).or_else(|| self.places.get(&name.to_lowercase()))?;
        Some(&self.fields[*place])
    }

    /// The reference field behind a relationship name, in any case.
    pub fn relationship(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| {
            field.reference_to.is_some() && field.relationship.as_ref().is_some_and(|it| it.eq_ignore_ascii_case(name))
        })
    }
}

/// The name of a reference as its target sees it.
pub fn child_relationship(child: &Object, field: &Field) -> Option<&'static str> {
    match (child.name.as_str(), field.name.as_str()) {
        ("Contact", "AccountId") => Some("Contacts"),
        ("Account", "ParentId") => Some("ChildAccounts"),
        ("Opportunity", "AccountId" | "ContactId") => Some("Opportunities"),
        _ => None,
    }
}

/// The objects that an org knows.
#[derive(Debug)]
pub struct Schema {
    pub objects: Vec<Object>,
    /// The objects of the Tooling API.
    pub tooling: Option<Box<Schema>>,
    /// State and country picklists.
    pub has_codes: bool,
}

static PLAIN: LazyLock<Schema> = LazyLock::new(|| Schema::new(false));
static WITH_CODES: LazyLock<Schema> = LazyLock::new(|| Schema::new(true));

const TABLES: [&str; 14] = [
    include_str!("../../../assets/sandbox/account.toml"),
    include_str!("../../../assets/sandbox/contact.toml"),
    include_str!("../../../assets/sandbox/lead.toml"),
    include_str!("../../../assets/sandbox/opportunity.toml"),
    include_str!("../../../assets/sandbox/organization.toml"),
    include_str!("../../../assets/sandbox/user.toml"),
    include_str!("../../../assets/sandbox/profile.toml"),
    include_str!("../../../assets/sandbox/record_type.toml"),
    include_str!("../../../assets/sandbox/permission_set.toml"),
    include_str!("../../../assets/sandbox/permission_set_assignment.toml"),
    include_str!("../../../assets/sandbox/field_permissions.toml"),
    include_str!("../../../assets/sandbox/object_permissions.toml"),
    include_str!("../../../assets/sandbox/duplicate_rule.toml"),
    include_str!("../../../assets/sandbox/user_permission_access.toml"),
];

const TOOLING: [&str; 2] = [
    include_str!("../../../assets/sandbox/tooling_entity_definition.toml"),
    include_str!("../../../assets/sandbox/tooling_validation_rule.toml"),
];

impl Schema {
    fn new(has_codes: bool) -> Self {
        let read = |tables: &[&str]| -> Vec<Object> {
            let table = |table: &&str| Object::new(table, has_codes).expect("the bundled field tables are sound");
            tables.iter().map(table).collect()
        };
        let tooling = Self { objects: read(&TOOLING), tooling: None, has_codes: false };
        Self { objects: read(&TABLES), tooling: Some(Box::new(tooling)), has_codes }
    }

    /// The objects of an org without, or with, state and country picklists.
    pub fn get(has_codes: bool) -> &'static Self {
        if has_codes { &WITH_CODES } else { &PLAIN }
    }

    /// The objects of a plain org.
    #[cfg(test)]
    pub fn plain() -> &'static Self {
        Self::get(false)
    }

    /// All objects, those of the Tooling API too.
    pub fn all(&self) -> impl Iterator<Item = &Object> {
        self.objects.iter().chain(self.tooling.iter().flat_map(|tooling| &tooling.objects))
    }

    /// The objects that refer to this one, by which field, and the name of that from the other end.
    pub fn children<'s>(&'s self, parent: &'s Object) -> impl Iterator<Item = (&'s Object, &'s Field, &'static str)> {
        let referring = move |child: &'s Object| {
            let fields = child.fields.iter().filter(|field| field.reference_to.as_ref() == Some(&parent.name));
            fields.filter_map(move |field| Some((child, field, child_relationship(child, field)?)))
        };
        self.objects.iter().flat_map(referring)
    }

    /// The object of that API name, in any case.
    pub fn object(&self, name: &str) -> Option<&Object> {
        self.objects.iter().find(|object| object.name.eq_ignore_ascii_case(name))
    }

    /// The object whose ids begin like this one.
    pub fn object_of_id(&self, id: &str) -> Option<&Object> {
        self.objects.iter().find(|object| id.starts_with(&object.prefix))
    }
}

//! The destination side: an object and its fields, as `describe` reports them.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::RecordType;

/// The type of a destination field, in Salesforce's words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "each is Salesforce's own word")]
pub enum FieldType {
    Id,
    String,
    TextArea,
    Email,
    Phone,
    Url,
    Picklist,
    MultiPicklist,
    Combobox,
    Boolean,
    Int,
    Long,
    Double,
    Currency,
    Percent,
    Date,
    DateTime,
    Time,
    Reference,
    Address,
    Location,
    EncryptedString,
    Base64,
    AnyType,
    /// A type this version does not know.
    #[serde(untagged)]
    Other(String),
}

impl FieldType {
    /// Whether a value is text with a length.
    pub fn is_text(&self) -> bool {
        matches!(
            self,
            Self::String
                | Self::TextArea
                | Self::Email
                | Self::Phone
                | Self::Url
                | Self::Picklist
                | Self::MultiPicklist
                | Self::Combobox
                | Self::EncryptedString
        )
    }
}

impl fmt::Display for FieldType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other(name) => f.write_str(name),
            known => f.write_str(&format!("{known:?}").to_lowercase()),
        }
    }
}

/// One value of a picklist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PicklistValue {
    /// What the API takes.
    pub value: String,
    /// What people see.
    pub label: String,
    /// Whether it may still be chosen.
    pub active: bool,
    /// Whether a new record gets it when it names none.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub default: bool,
    /// For a dependent picklist: the places, from 0, of the controlling field's values with which
    /// this one may stand.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub valid_for: Vec<u16>,
}

impl PicklistValue {
    /// An active value.
    pub fn new(value: &str, label: &str) -> Self {
        Self { value: value.to_owned(), label: label.to_owned(), active: true, default: false, valid_for: Vec::new() }
    }
}

/// One field of a destination object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// API name, such as `LastName` or `Tier__c`.
    pub name: String,
    /// What people see.
    pub label: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: FieldType,
    /// Characters that fit; 0 where length means nothing.
    pub length: u32,
    /// Digits in all, for numbers.
    pub precision: u32,
    /// Digits after the point, for numbers.
    pub scale: u32,
    /// Whether it may be empty.
    pub nillable: bool,
    /// Whether a create may set it.
    pub createable: bool,
    /// Whether an update may set it.
    pub updateable: bool,
    /// Whether the destination fills it when a create does not.
    pub defaulted_on_create: bool,
    /// Whether a query may filter on it.
    pub filterable: bool,
    /// Whether an upsert may find records by it (`idLookup`).
    pub id_lookup: bool,
    /// Whether it is marked as an external id.
    pub external_id: bool,
    /// Whether the destination keeps its values unique.
    pub unique: bool,
    /// Whether it is computed (a formula, a roll-up).
    pub calculated: bool,
    /// Whether a picklist refuses values that are not in its list.
    pub restricted_picklist: bool,
    /// The picklist's values, if it is one.
    pub picklist: Vec<PicklistValue>,
    /// The objects that a reference may point to.
    pub reference_to: Vec<String>,
    /// The name to reach the parent through in a query, such as `Account`.
    pub relationship_name: Option<String>,
    /// Whether an administrator added it.
    pub custom: bool,
    /// Whether look-ups tell upper from lower case (an external id made so).
    #[serde(default)]
    pub case_sensitive: bool,
    /// Whether the destination numbers it.
    #[serde(default)]
    pub auto_number: bool,
    /// The field whose value says which values of this picklist may stand.
    #[serde(default)]
    pub controller: Option<String>,
}

impl Field {
    /// A plain field: may be empty, read, written and searched by; nothing else.
    pub fn new(name: &str, kind: FieldType, length: u32) -> Self {
        Self {
            name: name.to_owned(),
            label: name.to_owned(),
            kind,
            length,
            precision: 18,
            scale: 2,
            nillable: true,
            createable: true,
            updateable: true,
            defaulted_on_create: false,
            filterable: true,
            id_lookup: false,
            external_id: false,
            unique: false,
            calculated: false,
            restricted_picklist: false,
            picklist: Vec::new(),
            reference_to: Vec::new(),
            relationship_name: None,
            custom: name.ends_with("__c"),
            case_sensitive: false,
            auto_number: false,
            controller: None,
        }
    }

    /// Whether a create fails without it: not nillable, not filled by the destination, settable.
    pub fn is_required(&self) -> bool {
        !self.nillable && !self.defaulted_on_create && self.createable
    }

    /// Whether anything can be written to it at all.
    pub fn is_writable(&self) -> bool {
        self.createable || self.updateable
    }
}

/// A destination object, with the fields that the signed-in user sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectDescribe {
    /// API name, such as `Contact`.
    pub name: String,
    /// What people see.
    pub label: String,
    /// Whether records may be created.
    pub createable: bool,
    /// Whether records may be changed.
    pub updateable: bool,
    /// Whether records may be deleted.
    pub deletable: bool,
    /// The fields, in the order of the destination's answer.
    pub fields: Vec<Field>,
    /// The record types, the master one included.
    #[serde(default)]
    pub record_types: Vec<RecordType>,
}

impl ObjectDescribe {
    /// An object whose records may be created, changed and deleted.
    pub fn new(name: &str, fields: Vec<Field>) -> Self {
        let label = name.to_owned();
        Self {
            name: name.to_owned(),
            label,
            createable: true,
            updateable: true,
            deletable: true,
            fields,
            record_types: Vec::new(),
        }
    }

    /// The field with this API name, whatever its case (the API does not distinguish).
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name))
    }
}

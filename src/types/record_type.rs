//! Record types: the variants of an object, each with its own picklist values and page layout.

use serde::{Deserialize, Serialize};

/// One record type, as `recordTypeInfos` of a describe reports it for the signed-in user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordType {
    /// Its id (18 characters, `012…`).
    pub id: String,
    /// The name that stays the same from org to org.
    pub developer_name: String,
    /// What people see.
    pub label: String,
    /// Whether it is in use at all.
    pub active: bool,
    /// Whether this user may give it to a record.
    pub available: bool,
    /// Whether a record gets it when it names none.
    pub default: bool,
    /// Whether it is the one that stands for "none"; records with it have a null `RecordTypeId`.
    pub master: bool,
}

/// The id of every object's master record type.
pub const MASTER_RECORD_TYPE: &str = "012000000000000AAA";

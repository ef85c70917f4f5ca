//! One line of the list of a destination's objects.

use serde::{Deserialize, Serialize};

/// An object, without its fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectSummary {
    /// API name, such as `Contact` or `Shipment__c`.
    pub name: String,
    /// What people see.
    pub label: String,
    /// Whether this user may create records.
    pub createable: bool,
    /// Whether this user may change records.
    pub updateable: bool,
    /// Whether this user may delete records.
    pub deletable: bool,
    /// Whether an administrator made it.
    pub custom: bool,
}

impl ObjectSummary {
    /// Whether a mapping could write to it.
    pub fn is_writable(&self) -> bool {
        self.createable || self.updateable
    }
}

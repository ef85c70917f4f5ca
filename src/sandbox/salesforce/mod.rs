//! The Salesforce wire.

//! What the operator is working on. The screens share it; it is all they know of each other.

use std::sync::Arc;
use std::time::Duration;

use crate::config::{Connections, MappingId, Model, NamedMapping};
use crate::destination::OrgInfo;
use crate::engine::{Aged, Shape};
use crate::mapping::Mapping;
use crate::types::{Schema, Value};

/// The first rows of a query.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// The statement that was run.
    pub sql: String,
    /// The columns.
    pub schema: Schema,
    /// The rows.
    pub rows: Vec<Vec<Value>>,
    /// Snowflake's id of the query.
    pub query_id: String,
    /// The warehouse that ran it.
    pub warehouse: Option<String>,
    /// From sending the statement to having the rows.
    pub elapsed: Duration,
    /// Whether the query has more rows than these.
    pub more: bool,
}

/// What the operator is working on.
#[derive(Debug, Clone, Default)]
pub struct Work {
    /// Whether this is `gondola demo`.
    pub demo: bool,
    /// The connections of the file.
    pub connections: Connections,
    /// Where that file is.
    pub connections_path: String,
    /// The Snowflake connection in use.
    pub source: Option<String>,
    /// The Salesforce connection in use.
    pub destination: Option<String>,
    /// Whether both ends answered in this session.
    pub connected: bool,
    /// The org behind the Salesforce connection, once it answered.
    pub org: Option<OrgInfo>,
    /// The model as it is saved; `None` for a new one.
    pub model: Option<Model>,
    /// The first rows of its query, once it was run.
    pub preview: Option<Arc<Preview>>,
    /// The mapping as it is saved.
    pub mapping: Option<NamedMapping>,
    /// The object it maps onto, with the parents of its lookups.
    pub object: Option<Arc<Aged<Shape>>>,
    /// Whether the last run of this mapping ended with every row in a good state.
    pub synced: bool,
}

impl Work {
    /// Opens a model, and one of its mappings.
    pub fn open(&mut self, model: Model, mapping: Option<NamedMapping>) {
        self.source = Some(model.connection.clone());
        if let Some(mapping) = &mapping {
            self.destination = Some(mapping.mapping.connection.clone());
        }
        self.model = Some(model);
        self.mapping = mapping;
        self.preview = None;
        self.object = None;
        self.synced = false;
    }

    /// Starts a new model.
    pub fn start_new(&mut self) {
        self.model = None;
        self.mapping = None;
        self.preview = None;
        self.object = None;
        self.synced = false;
        self.choose_connections();
    }

    /// Takes the first connection of each kind where none is chosen, or the chosen one is gone.
    pub fn choose_connections(&mut self) {
        let Connections { snowflake, salesforce, .. } = &self.connections;
        if !self.source.as_ref().is_some_and(|name| snowflake.contains_key(name)) {
            self.source = snowflake.keys().next().cloned();
        }
        if !self.destination.as_ref().is_some_and(|name| salesforce.contains_key(name)) {
            self.destination = salesforce.keys().next().cloned();
        }
    }

    /// Whether one of the two ends has no connection in the file.
    pub fn connections_are_missing(&self) -> bool {
        self.connections.snowflake.is_empty() || self.connections.salesforce.is_empty()
    }

    /// Which mapping is open.
    pub fn mapping_id(&self) -> Option<MappingId> {
        Some(MappingId { model: self.model.as_ref()?.slug.clone(), mapping: self.mapping.as_ref()?.slug.clone() })
    }

    /// The mapping, when it has at least one line.
    pub fn drawn(&self) -> Option<&Mapping> {
        self.mapping.as_ref().map(|named| &named.mapping).filter(|mapping| !mapping.links.is_empty())
    }

    /// Whether writes go to real people's data.
    pub fn is_production(&self) -> bool {
        self.org.as_ref().is_some_and(OrgInfo::is_production)
    }
}

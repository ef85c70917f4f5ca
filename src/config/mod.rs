//! What the user keeps in files: connections, models, mappings, and where secrets come from.
//!
//! Files written here are written beside, synced and renamed, and keep the user's comments.

mod connections;
mod error;
mod file;
mod folders;
mod secret;
mod tokens;
mod workspace;

pub use connections::{Connections, SalesforceAuth, SalesforceConnection, SnowflakeAuth, SnowflakeConnection};
pub use error::ConfigError;
pub use folders::Folders;
pub use secret::{Secret, SecretError};
pub use tokens::{KeptToken, Tokens};
pub use workspace::{Catalog, MappingId, Model, NamedMapping, Workspace, is_slug, slug_of};

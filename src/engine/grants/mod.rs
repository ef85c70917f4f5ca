//! `grants`: what an administrator has to give, so that the mappings and models of a connection work.

mod permission_set;
mod warehouse;

use super::{Engine, EngineError};

pub use permission_set::{FieldGrant, ObjectGrant, PermissionSet};
pub use warehouse::WarehouseGrants;

/// What one service wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grants {
    /// A permission set of a Salesforce org.
    Salesforce(PermissionSet),
    /// GRANT statements of a Snowflake account.
    Snowflake(WarehouseGrants),
}

impl Engine {
    /// What the mappings onto a Salesforce connection, or the models on a Snowflake connection, need.
    /// Both, when the two have the same name. Works without signing in, but then cannot say what is
    /// there already.
    pub async fn grants(&self, name: &str) -> Result<Vec<Grants>, EngineError> {
        let connections = self.workspace().connections()?;
        let catalog = self.workspace().catalog();
        if let Some(problem) = catalog.problems.into_iter().next() {
            return Err(problem.into());
        }
        let mut grants = Vec::new();
        if let Some(connection) = connections.snowflake.get(name) {
            grants.push(Grants::Snowflake(warehouse::of(name, connection, &catalog.models)));
        }
        if connections.salesforce.contains_key(name) {
            let mut set = PermissionSet::of(name, &catalog.models);
            self.compare(name, &mut set).await;
            grants.push(Grants::Salesforce(set));
        }
        if grants.is_empty() {
            return Err(self.no_connection(name, &connections));
        }
        Ok(grants)
    }

    /// Marks what the signed-in user has already, and what goes without a permission.
    async fn compare(&self, name: &str, set: &mut PermissionSet) {
        let salesforce = match self.salesforce(name).await {
            Ok(salesforce) => salesforce,
            Err(error) => return set.not_compared(error.message),
        };
        let objects: Vec<String> = set.objects.iter().map(|grant| grant.object.clone()).collect();
        for object in objects {
            match salesforce.security(&object).await {
                Ok(security) => set.compare(&security),
                // To who may not see it, an object does not exist.
                Err(error) if error.code == "NOT_FOUND" => set.hidden(&object),
                Err(error) => return set.not_compared(EngineError::from(error).message),
            }
        }
        set.finish();
    }
}

//! The GRANT statements that the models on a Snowflake connection need.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::config::{Model, SnowflakeConnection};
use crate::sql::{quote_identifier, tables};

/// A role to stand for the one that is not set.
const SOME_ROLE: &str = "GONDOLA";

/// What an administrator runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WarehouseGrants {
    /// The role that gets it.
    pub role: String,
    /// Whether the connection names that role.
    pub role_is_set: bool,
    /// The models that need it.
    pub models: Vec<String>,
    /// The statements, without semicolons.
    pub statements: Vec<String>,
    /// Tables without a database or a schema, in the query or in the connection.
    pub unresolved: Vec<String>,
}

/// What the models on this connection need.
pub(super) fn of(name: &str, connection: &SnowflakeConnection, models: &[Model]) -> WarehouseGrants {
    let used: Vec<&Model> = models.iter().filter(|model| model.connection == name).collect();
    let default = |text: &Option<String>| text.as_deref().map(canonical);
    let (database, schema) = (default(&connection.database), default(&connection.schema));
    let (mut found, mut unresolved) = (BTreeSet::new(), BTreeSet::new());
    for parts in used.iter().flat_map(|model| tables(&model.sql)) {
        let mut parts = parts.into_iter().rev();
        let table = parts.next().unwrap_or_default();
        let place = (parts.next().or_else(|| schema.clone()), parts.next().or_else(|| database.clone()));
        match place {
            (Some(schema), Some(database)) => {
                found.insert((database, schema, table));
            }
            _ => {
                unresolved.insert(table);
            }
        }
    }
    let role = default(&connection.role).unwrap_or_else(|| SOME_ROLE.to_owned());
    let to = format!("TO ROLE {}", quote_identifier(&role));
    let mut statements = Vec::new();
    if let Some(warehouse) = default(&connection.warehouse) {
        statements.push(format!("GRANT USAGE ON WAREHOUSE {} {to}", quote_identifier(&warehouse)));
    }
    let databases: BTreeSet<&String> = found.iter().map(|(database, ..)| database).chain(&database).collect();
    for database in databases {
        statements.push(format!("GRANT USAGE ON DATABASE {} {to}", quote_identifier(database)));
    }
    let schemas: BTreeSet<(&String, &String)> = found.iter().map(|(database, schema, _)| (database, schema)).collect();
    for (database, schema) in schemas {
        let place = format!("{}.{}", quote_identifier(database), quote_identifier(schema));
        statements.push(format!("GRANT USAGE ON SCHEMA {place} {to}"));
    }
    for (database, schema, table) in &found {
        let parts = [database, schema, table].map(|part| quote_identifier(part));
        statements.push(format!("GRANT SELECT ON TABLE {} {to}", parts.join(".")));
    }
    statements.push(format!(
        "GRANT ROLE {} TO USER {}",
        quote_identifier(&role),
        quote_identifier(&canonical(&connection.user))
    ));
    WarehouseGrants {
        role,
        role_is_set: connection.role.is_some(),
        models: used.iter().map(|model| model.slug.clone()).collect(),
        statements,
        unresolved: unresolved.into_iter().collect(),
    }
}

/// A name of `connections.toml` as Snowflake keeps it: upper case, unless it stands in quotes or
/// could not stand without.
fn canonical(name: &str) -> String {
    if let Some(quoted) = name.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        return quoted.replace("\"\"", "\"");
    }
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$'));
    if plain { name.to_ascii_uppercase() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(text: &str) -> SnowflakeConnection {
        toml::from_str(&format!("account = \"a\"\nuser = \"ana@acme.example\"\n{text}")).unwrap()
    }

    fn model(slug: &str, connection: &str, sql: &str) -> Model {
        Model {
            slug: slug.to_owned(),
            name: slug.to_owned(),
            connection: connection.to_owned(),
            key: vec![],
            sql: sql.to_owned(),
            schedule: None,
            mappings: vec![],
        }
    }

    #[test]
    fn each_thing_is_granted_once_and_quoted() {
        let connection =
            connection("role = \"sync\"\nwarehouse = \"\\\"x\\\"\\\"s\\\"\"\ndatabase = \"crm\"\nschema = \"public\"");
        let models = [
            model("a", "prod", "select * from customers join other.\"Odd \"\"t\" using (id)"),
            model("b", "prod", "select * from CUSTOMERS, db2.s.t"),
            model("c", "elsewhere", "select * from secret"),
        ];
        let grants = of("prod", &connection, &models);
        assert_eq!(
            grants.statements,
            [
                r#"GRANT USAGE ON WAREHOUSE "x""s" TO ROLE "SYNC""#,
                r#"GRANT USAGE ON DATABASE "CRM" TO ROLE "SYNC""#,
                r#"GRANT USAGE ON DATABASE "DB2" TO ROLE "SYNC""#,
                r#"GRANT USAGE ON SCHEMA "CRM"."OTHER" TO ROLE "SYNC""#,
                r#"GRANT USAGE ON SCHEMA "CRM"."PUBLIC" TO ROLE "SYNC""#,
                r#"GRANT USAGE ON SCHEMA "DB2"."S" TO ROLE "SYNC""#,
                r#"GRANT SELECT ON TABLE "CRM"."OTHER"."Odd ""t" TO ROLE "SYNC""#,
                r#"GRANT SELECT ON TABLE "CRM"."PUBLIC"."CUSTOMERS" TO ROLE "SYNC""#,
                r#"GRANT SELECT ON TABLE "DB2"."S"."T" TO ROLE "SYNC""#,
                r#"GRANT ROLE "SYNC" TO USER "ana@acme.example""#,
            ]
        );
        assert_eq!((grants.models.len(), grants.role_is_set), (2, true));
    }

    #[test]
    fn what_has_no_place_is_named() {
        let grants = of("prod", &connection(""), &[model("a", "prod", "select * from t")]);
        assert_eq!((grants.unresolved, grants.role_is_set), (vec!["T".to_owned()], false));
    }
}

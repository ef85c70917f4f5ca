//! SHOW …: results in JSON format with lower-case names, as Snowflake answers them.

use datafusion::execution::context::SessionContext;
use serde_json::{Value, json};

use super::{DATABASE, ROLE, SCHEMA, WAREHOUSE};

/// A small result in JSON format.
pub(super) struct Table {
    pub(super) names: Vec<&'static str>,
    pub(super) rows: Vec<Vec<Value>>,
}

/// Answers SHOW TABLES, SCHEMAS, DATABASES, WAREHOUSES; nothing for what is not known.
pub(super) fn answer(context: &SessionContext, sql: &str) -> Table {
    let words: Vec<String> = sql.to_uppercase().split_whitespace().map(str::to_owned).collect();
    let what = words.iter().skip(1).find(|word| *word != "TERSE").map_or("", String::as_str);
    match what.trim_end_matches(';') {
        "TABLES" | "OBJECTS" => {
            let mut names = context
                .catalog(DATABASE)
                .and_then(|catalog| catalog.schema(SCHEMA))
                .map(|schema| schema.table_names())
                .unwrap_or_default();
            names.sort();
            Table {
                names: vec!["created_on", "name", "kind", "database_name", "schema_name"],
                rows: names
                    .into_iter()
                    .map(|name| vec![Value::Null, json!(name), json!("TABLE"), json!(DATABASE), json!(SCHEMA)])
                    .collect(),
            }
        }
        "SCHEMAS" => Table {
            names: vec!["created_on", "name", "kind", "database_name", "schema_name"],
            rows: [SCHEMA, "INFORMATION_SCHEMA"]
                .map(|name| vec![Value::Null, json!(name), Value::Null, json!(DATABASE), Value::Null])
                .into(),
        },
        "DATABASES" => Table {
            names: vec!["created_on", "name", "is_default", "is_current", "owner"],
            rows: vec![vec![Value::Null, json!(DATABASE), json!("N"), json!("Y"), json!(ROLE)]],
        },
        "WAREHOUSES" => Table {
            names: vec!["name", "state", "type", "size"],
            rows: vec![vec![json!(WAREHOUSE), json!("STARTED"), json!("STANDARD"), json!("X-Small")]],
        },
        _ => Table { names: vec!["name"], rows: Vec::new() },
    }
}

/// One column `status`, one row.
pub(super) fn status(text: &str) -> Table {
    Table { names: vec!["status"], rows: vec![vec![json!(text)]] }
}

impl Table {
    /// The `rowtype` of this result.
    pub(super) fn row_type(&self) -> Value {
        self.names
            .iter()
            .map(|name| {
                json!({
                    "name": name, "database": "", "schema": "", "table": "", "nullable": true, "type": "text",
                    "precision": Value::Null, "scale": Value::Null, "length": 16_777_216, "byteLength": 16_777_216,
                    "collation": Value::Null,
                })
            })
            .collect()
    }
}

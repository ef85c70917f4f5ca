//! What a newcomer would answer anyway: which column is the key, what the model is called.

use std::collections::HashSet;

use crate::config::slug_of;
use crate::tui::work::Preview;

/// The column that probably identifies a row: `ID`, else the first that ends in `_ID`, if its values
/// in these rows are there and differ.
pub(super) fn likely_key(preview: &Preview) -> Option<String> {
    let named = |wanted: &dyn Fn(&str) -> bool| {
        preview.schema.iter().map(|column| column.name.as_str()).find(|name| wanted(&name.to_uppercase()))
    };
    let name = named(&|name| name == "ID").or_else(|| named(&|name| name.ends_with("_ID")))?;
    not_a_key(preview, name).is_none().then(|| name.to_owned())
}

/// Why a column does not identify these rows.
pub(super) fn not_a_key(preview: &Preview, name: &str) -> Option<String> {
    let column = preview.schema.iter().position(|column| column.name == name)?;
    let mut seen = HashSet::new();
    for value in preview.rows.iter().filter_map(|row| row.get(column)) {
        if value.is_null() {
            return Some(format!("{name} is NULL in some of these rows: those rows have no identity and are held"));
        }
        if !seen.insert(value.to_string()) {
            return Some(format!(
                "{name} repeats in these rows ({value}): add a column to the key, or such rows are held"
            ));
        }
    }
    None
}

/// A name for a model, from the table behind FROM.
pub(super) fn name_from(sql: &str) -> String {
    let mut words = sql.split_whitespace().skip_while(|word| !word.eq_ignore_ascii_case("from")).skip(1);
    let table = words.next().filter(|word| !word.starts_with('(')).unwrap_or_default();
    let table = table.rsplit('.').next().unwrap_or_default();
    let slug = slug_of(table.trim_matches(['"', '(', ')', ';', ',']));
    if slug.is_empty() { "model".to_owned() } else { slug }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_called_like_its_table() {
        assert_eq!(name_from("SELECT * FROM DEMO.SALES.CUSTOMERS\nLIMIT 5"), "customers");
        assert_eq!(name_from("select 1"), "model");
        assert_eq!(name_from("select * from \"My Table\""), "my");
        assert_eq!(name_from("select * from (select 1)"), "model");
    }
}

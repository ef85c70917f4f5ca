//! `GET …/ui-api/object-info/X/picklist-values/RT`: which picklist values a record type allows.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::client::Client;
use super::errors::{Effect, bad_answer, refused_here};
use super::soql::{check_identifier, is_id};
use crate::destination::DestinationError;

/// The body, as far as it is used.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    picklist_field_values: BTreeMap<String, FieldBody>,
}

#[derive(Deserialize)]
struct FieldBody {
    #[serde(default)]
    values: Vec<ValueBody>,
}

#[derive(Deserialize)]
struct ValueBody {
    value: String,
}

/// The values of each picklist that records of this record type may have, by field.
pub(crate) async fn read(
    client: &Client,
    object: &str,
    record_type: &str,
) -> Result<BTreeMap<String, Vec<String>>, DestinationError> {
    check_identifier("an object", object)?;
    if !is_id(record_type) {
        return Err(refused_here("MALFORMED_ID", format!("{record_type:?} is not the id of a record type."), ""));
    }
    let path = client.data_path(&format!("/ui-api/object-info/{object}/picklist-values/{record_type}"));
    parse(&client.get(&path).await?)
}

fn parse(body: &[u8]) -> Result<BTreeMap<String, Vec<String>>, DestinationError> {
    let body: Body = serde_json::from_slice(body)
        .map_err(|error| bad_answer(Effect::Read, format!("The picklist values cannot be read: {error}")))?;
    let values = |field: FieldBody| field.values.into_iter().map(|one| one.value).collect();
    Ok(body.picklist_field_values.into_iter().map(|(name, field)| (name, values(field))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_values_of_each_field() {
        // The shape of Salesforce's User Interface API guide.
        let body =
            br#"{"eTag":"a","picklistFieldValues":{"LeadSource":{"controllerValues":{},"defaultValue":null,"eTag":"b",
            "url":"/services/data/v65.0/ui-api/object-info/Contact/picklist-values/012000000000000AAA/LeadSource",
            "values":[{"attributes":null,"label":"Web site","validFor":[],"value":"Web"}]}}}"#;
        assert_eq!(parse(body).unwrap(), BTreeMap::from([("LeadSource".to_owned(), vec!["Web".to_owned()])]));
        assert_eq!(parse(b"[]").unwrap_err().code, "BAD_ANSWER");
    }
}

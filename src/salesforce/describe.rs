//! `GET …/sobjects/X/describe`: what an object and its fields are.

use base64::Engine as _;
use serde::{Deserialize, Deserializer};

use super::client::Client;
use super::errors::{Effect, bad_answer};
use super::soql::check_identifier;
use crate::destination::{Asked, DestinationError};
use crate::types::{Field, FieldType, ObjectDescribe, ObjectSummary, PicklistValue, RecordType};

/// The body, as far as it is used; ~60 keys a field arrive.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    name: String,
    #[serde(default)]
    label: String,
    #[serde(default)]
    createable: bool,
    #[serde(default)]
    updateable: bool,
    #[serde(default)]
    deletable: bool,
    fields: Vec<FieldBody>,
    #[serde(default, deserialize_with = "or_default")]
    record_type_infos: Vec<RecordTypeBody>,
}

/// One field. What an older API version leaves out is taken as "no".
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FieldBody {
    name: String,
    #[serde(default)]
    label: Option<String>,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default, deserialize_with = "or_default")]
    length: u32,
    #[serde(default, deserialize_with = "or_default")]
    precision: u32,
    #[serde(default, deserialize_with = "or_default")]
    digits: u32,
    #[serde(default, deserialize_with = "or_default")]
    scale: u32,
    #[serde(default)]
    nillable: bool,
    #[serde(default)]
    createable: bool,
    #[serde(default)]
    updateable: bool,
    #[serde(default)]
    defaulted_on_create: bool,
    #[serde(default)]
    filterable: bool,
    #[serde(default)]
    id_lookup: bool,
    #[serde(default)]
    external_id: bool,
    #[serde(default)]
    unique: bool,
    #[serde(default)]
    calculated: bool,
    #[serde(default)]
    restricted_picklist: bool,
    #[serde(default, deserialize_with = "or_default")]
    picklist_values: Vec<PicklistBody>,
    #[serde(default, deserialize_with = "or_default")]
    reference_to: Vec<String>,
    #[serde(default)]
    relationship_name: Option<String>,
    #[serde(default)]
    custom: bool,
    #[serde(default)]
    case_sensitive: bool,
    #[serde(default)]
    auto_number: bool,
    #[serde(default)]
    controller_name: Option<String>,
}

/// One record type (`developerName` is there since API 43).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RecordTypeBody {
    #[serde(default)]
    record_type_id: Option<String>,
    #[serde(default)]
    developer_name: Option<String>,
    #[serde(default)]
    name: String,
    #[serde(default)]
    active: bool,
    #[serde(default)]
    available: bool,
    #[serde(default)]
    default_record_type_mapping: bool,
    #[serde(default)]
    master: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PicklistBody {
    value: String,
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    active: bool,
    #[serde(default)]
    default_value: bool,
    #[serde(default)]
    valid_for: Option<String>,
}

impl From<PicklistBody> for PicklistValue {
    fn from(body: PicklistBody) -> Self {
        Self {
            label: body.label.unwrap_or_else(|| body.value.clone()),
            value: body.value,
            active: body.active,
            default: body.default_value,
            valid_for: body.valid_for.as_deref().map(places).unwrap_or_default(),
        }
    }
}

/// `validFor` is a bitmap in base64: its nth bit, the most significant of each byte first, stands for
/// the nth value of the controlling field.
fn places(bitmap: &str) -> Vec<u16> {
    let bytes = base64::engine::general_purpose::STANDARD.decode(bitmap).unwrap_or_default();
    let bits = (0..u16::try_from(bytes.len() * 8).unwrap_or(u16::MAX)).map(|at| (at, usize::from(at)));
    bits.filter(|(_, at)| bytes[at / 8] & (0x80 >> (at % 8)) != 0).map(|(place, _)| place).collect()
}

/// Reads `null` as the default.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Option::<T>::deserialize(from).map(Option::unwrap_or_default)
}

impl From<FieldBody> for Field {
    fn from(body: FieldBody) -> Self {
        Self {
            label: body.label.unwrap_or_else(|| body.name.clone()),
            name: body.name,
            kind: field_type(&body.kind),
            length: body.length,
            // Whole numbers say how many digits fit in `digits`, with precision 0.
            precision: if body.precision == 0 { body.digits } else { body.precision },
            scale: body.scale,
            nillable: body.nillable,
            createable: body.createable,
            updateable: body.updateable,
            defaulted_on_create: body.defaulted_on_create,
            filterable: body.filterable,
            id_lookup: body.id_lookup,
            external_id: body.external_id,
            unique: body.unique,
            calculated: body.calculated,
            restricted_picklist: body.restricted_picklist,
            picklist: body.picklist_values.into_iter().map(PicklistValue::from).collect(),
            reference_to: body.reference_to,
            relationship_name: body.relationship_name,
            custom: body.custom,
            case_sensitive: body.case_sensitive,
            auto_number: body.auto_number,
            controller: body.controller_name,
        }
    }
}

/// Salesforce's word for a type (`anyType` is the one with a capital letter).
fn field_type(word: &str) -> FieldType {
    serde_json::from_value(word.to_lowercase().into()).unwrap_or_else(|_| FieldType::Other(word.to_owned()))
}

/// Reads a describe body.
pub(crate) fn parse(body: &[u8]) -> Result<ObjectDescribe, DestinationError> {
    let body: Body = serde_json::from_slice(body)
        .map_err(|error| bad_answer(Effect::Read, format!("The describe cannot be read: {error}")))?;
    Ok(ObjectDescribe {
        name: body.name,
        label: body.label,
        createable: body.createable,
        updateable: body.updateable,
        deletable: body.deletable,
        fields: body.fields.into_iter().map(Field::from).collect(),
        record_types: body.record_type_infos.into_iter().filter_map(record_type).collect(),
    })
}

/// Older versions of the API leave the developer name out; the label stands in for it.
fn record_type(body: RecordTypeBody) -> Option<RecordType> {
    Some(RecordType {
        id: body.record_type_id?,
        developer_name: body.developer_name.unwrap_or_else(|| body.name.clone()),
        label: body.name,
        active: body.active,
        available: body.available,
        default: body.default_record_type_mapping,
        master: body.master,
    })
}

/// Asks for an object's describe, unless nothing of it has changed (`If-Modified-Since`, 304).
pub(crate) async fn read(
    client: &Client,
    object: &str,
    since: Option<&str>,
) -> Result<Asked<ObjectDescribe>, DestinationError> {
    check_identifier("an object", object)?;
    let path = client.data_path(&format!("/sobjects/{object}/describe"));
    let mut described = client.get_since(&path, since).await.and_then(|answer| asked(answer, parse));
    if let Err(error) = &mut described
        && error.code == "NOT_FOUND"
    {
        error.message = format!("{} (object {object})", error.message);
        error.hint = Some("The object does not exist in this org, or this user may not see it.".to_owned());
    }
    described
}

/// A conditional answer, read.
fn asked<T>(
    answer: Option<(Vec<u8>, Option<String>)>,
    parse: impl FnOnce(&[u8]) -> Result<T, DestinationError>,
) -> Result<Asked<T>, DestinationError> {
    match answer {
        None => Ok(Asked::Unchanged),
        Some((body, modified)) => Ok(Asked::Changed { value: parse(&body)?, modified }),
    }
}

/// The list of `GET …/sobjects`, as far as it is used.
#[derive(Deserialize)]
struct ListBody {
    sobjects: Vec<SummaryBody>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SummaryBody {
    name: String,
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    createable: bool,
    #[serde(default)]
    updateable: bool,
    #[serde(default)]
    deletable: bool,
    #[serde(default)]
    custom: bool,
    #[serde(default)]
    deprecated_and_hidden: bool,
}

/// Reads the list of objects; those of an older version of a package are left out.
pub(super) fn parse_list(body: &[u8]) -> Result<Vec<ObjectSummary>, DestinationError> {
    let body: ListBody = serde_json::from_slice(body)
        .map_err(|error| bad_answer(Effect::Read, format!("The list of objects cannot be read: {error}")))?;
    let shown = body.sobjects.into_iter().filter(|object| !object.deprecated_and_hidden);
    Ok(shown
        .map(|object| ObjectSummary {
            label: object.label.unwrap_or_else(|| object.name.clone()),
            name: object.name,
            createable: object.createable,
            updateable: object.updateable,
            deletable: object.deletable,
            custom: object.custom,
        })
        .collect())
}

/// Asks for the list of objects, unless nothing of it has changed.
pub(crate) async fn objects(
    client: &Client,
    since: Option<&str>,
) -> Result<Asked<Vec<ObjectSummary>>, DestinationError> {
    let answer = client.get_since(&client.data_path("/sobjects"), since).await?;
    asked(answer, parse_list)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::salesforce::stub::fixture;

    fn described(file: &str) -> Option<ObjectDescribe> {
        let exchanges = fixture(file)?;
        Some(parse(exchanges[0]["response"].to_string().as_bytes()).unwrap())
    }

    #[test]
    fn reads_the_contact_of_a_plain_org() {
        let Some(contact) = described("GET_sobjects_Contact_describe.json") else { return };
        assert_eq!((contact.name.as_str(), contact.fields.len()), ("Contact", 59));
        assert!(contact.createable && contact.updateable && contact.deletable);
        let email = contact.field("email").unwrap();
        assert_eq!((&email.kind, email.length), (&FieldType::Email, 80));
        assert!(email.id_lookup && email.filterable && !email.external_id && !email.unique && email.nillable);
        let last_name = contact.field("LastName").unwrap();
        assert!(last_name.is_required() && last_name.length == 80);
        assert!(!contact.field("OwnerId").unwrap().is_required());
        let account = contact.field("AccountId").unwrap();
        assert_eq!(account.reference_to, ["Account"]);
        assert_eq!(account.relationship_name.as_deref(), Some("Account"));
        assert!(!contact.field("LeadSource").unwrap().picklist.is_empty());
        assert!(!contact.field("Name").unwrap().is_writable());
        assert_eq!(contact.field("MailingLatitude").unwrap().scale, 15);
        assert!(!contact.field("Description").unwrap().filterable);
        assert!(contact.fields.iter().all(|field| !matches!(field.kind, FieldType::Other(_))));
    }

    #[test]
    fn reads_account_and_lead_too() {
        for (file, name) in
            [("GET_sobjects_Account_describe.json", "Account"), ("GET_sobjects_Lead_describe.json", "Lead")]
        {
            let Some(object) = described(file) else { return };
            assert_eq!(object.name, name);
            assert!(object.fields.iter().any(|field| field.kind == FieldType::Int && field.precision > 0));
        }
    }

    #[test]
    fn reads_record_types_and_the_list_of_objects() {
        let Some(account) = described("GET_sobjects_Account_describe.json") else { return };
        let household = &account.record_types[0];
        assert_eq!((household.developer_name.as_str(), household.id.len()), ("Household", 18));
        assert!(household.available && household.default && !household.master);
        assert!(account.record_types.iter().any(|one| one.master && one.id == crate::types::MASTER_RECORD_TYPE));
        let Some(exchanges) = fixture("GET_sobjects_Global_describe.json") else { return };
        let objects = parse_list(exchanges[0]["response"].to_string().as_bytes()).unwrap();
        assert!(objects.iter().any(|object| object.name == "Contact" && object.is_writable()));
        assert!(objects.iter().any(|object| !object.is_writable()));
    }

    #[test]
    fn a_dependent_picklist_says_with_which_values_it_may_stand() {
        // 1010 0000 0100 0000
        assert_eq!(places("oEA="), [0, 2, 9]);
        assert_eq!(places(""), Vec::<u16>::new());
        assert_eq!(places("not base64!"), Vec::<u16>::new());
    }

    #[test]
    fn survives_unknown_types_and_nulls() {
        let object = parse(
            br#"{"name":"X__c","label":"X","fields":[{"name":"F__c","label":null,"type":"hologram","length":null,"picklistValues":null},{"name":"G__c","type":"anyType"}]}"#,
        )
        .unwrap();
        assert_eq!(object.fields[0].kind, FieldType::Other("hologram".to_owned()));
        assert_eq!(object.fields[0].label, "F__c");
        assert_eq!(object.fields[1].kind, FieldType::AnyType);
        assert_eq!(parse(b"<html>").unwrap_err().code, "BAD_ANSWER");
    }
}

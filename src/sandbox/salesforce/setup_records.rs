//! How the org is set up, as records that SOQL can read: profile, permissions, record types, rules.

use serde_json::{Value, json};

use super::ids;
use super::org::{PROFILE_ID, USER_ID};
use super::records::{Body, Records};
use super::rules::{DUPLICATE_RULE, RULES};
use super::setup::DuplicateRule;
use super::{record_types, time};

/// The records by object.
pub fn all(records: &Records) -> Vec<(&'static str, Vec<Body>)> {
    let setup = &records.setup;
    let stamp = time::format_milliseconds(time::BEGINNING);
    let permission_set = ids::make("0PS", 1);
    let objects: Vec<_> = records.schema.objects.iter().filter(|object| object.writable).collect();

    let field_permissions = objects.iter().flat_map(|object| {
        object.fields.iter().filter(|field| field.permissionable).map(move |field| {
            json!({
                "ParentId": ids::make("0PS", 1), "SobjectType": object.name,
                "Field": format!("{}.{}", object.name, field.name), "PermissionsRead": true,
                "PermissionsEdit": field.updateable && setup.may_write(object, field),
            })
        })
    });
    let object_permissions = objects.iter().map(|object| {
        json!({
            "ParentId": permission_set, "SobjectType": object.name, "PermissionsRead": true,
            "PermissionsCreate": setup.may_create(object), "PermissionsEdit": true, "PermissionsDelete": true,
            "PermissionsViewAllRecords": true, "PermissionsModifyAllRecords": true,
        })
    });
    let record_types = record_types::OF_CONTACT.iter().map(|it| {
        json!({
            "Name": it.name, "DeveloperName": it.developer_name, "Description": it.description,
            "SobjectType": "Contact", "IsActive": true, "IsPersonType": false,
        })
    });
    let validation_rules = RULES.iter().map(|rule| {
        json!({
            "EntityDefinitionId": "Contact", "ValidationName": rule.name, "ErrorMessage": rule.message,
            "ErrorDisplayField": rule.field, "Active": !rule.optional || setup.phone_rule,
        })
    });
    let entities = objects.iter().map(|object| {
        json!({
            "Id": object.name, "DurableId": object.name, "QualifiedApiName": object.name,
            "DeveloperName": object.name, "Label": object.label, "KeyPrefix": object.prefix,
            "IsCustomizable": true,
        })
    });
    let rights = json!({
        "PermissionsApiEnabled": true, "PermissionsViewSetup": true, "PermissionsModifyAllData": true,
        "PermissionsViewAllData": true,
    });
    let with = |more: Value| merge(&rights, &more);

    let numbered = |prefix: &str, bodies: Vec<Value>| -> Vec<Body> {
        let numbers = 1..;
        numbers
            .zip(bodies)
            .map(|(number, body)| {
                let stamps = json!({ "CreatedDate": stamp, "LastModifiedDate": stamp, "SystemModstamp": stamp });
                let own = json!({ "Id": ids::make(prefix, number) });
                merge(&merge(&own, &stamps), &body).as_object().cloned().unwrap_or_default()
            })
            .collect()
    };
    vec![
        (
            "Profile",
            numbered(
                "00e",
                vec![with(json!({
                    "Id": PROFILE_ID, "Name": "System Administrator", "UserType": "Standard",
                }))],
            ),
        ),
        (
            "UserPermissionAccess",
            numbered(
                "0Rn",
                vec![with(json!({
                    "LastCacheUpdate": stamp, "PermissionsBulkApiHardDelete": true,
                }))],
            ),
        ),
        (
            "PermissionSet",
            numbered(
                "0PS",
                vec![json!({
                    "Name": "X00eProfile", "Label": "System Administrator", "ProfileId": PROFILE_ID,
                    "IsOwnedByProfile": true, "Type": "Profile", "PermissionsApiEnabled": true,
                })],
            ),
        ),
        (
            "PermissionSetAssignment",
            numbered(
                "0Pa",
                vec![json!({
                    "PermissionSetId": permission_set, "AssigneeId": USER_ID, "IsActive": true,
                })],
            ),
        ),
        ("FieldPermissions", numbered("01k", field_permissions.collect())),
        ("ObjectPermissions", numbered("110", object_permissions.collect())),
        ("RecordType", numbered("012", record_types.collect())),
        (
            "DuplicateRule",
            numbered(
                "0Bm",
                vec![json!({
                    "SobjectType": "Contact", "DeveloperName": DUPLICATE_RULE, "Language": "en_US",
                    "MasterLabel": "Contacts of one name and email", "SobjectSubtype": "None",
                    "IsActive": setup.duplicate_rule != DuplicateRule::Off,
                })],
            ),
        ),
        ("EntityDefinition", numbered("000", entities.collect())),
        ("ValidationRule", numbered("03d", validation_rules.collect())),
    ]
}

fn merge(base: &Value, more: &Value) -> Value {
    let mut merged = base.as_object().cloned().unwrap_or_default();
    merged.extend(more.as_object().cloned().unwrap_or_default());
    Value::Object(merged)
}

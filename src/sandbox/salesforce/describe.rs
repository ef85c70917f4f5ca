//! Describes: the field tables, expanded to the bodies that a real org gives.

use serde_json::{Map, Value, json};

use super::records::Records;
use super::schema::{Field, Kind, Object, child_relationship};
use super::{places, record_types};

/// `GET …/sobjects`.
pub fn global(records: &Records, version: &str) -> Value {
    let sobjects: Vec<Value> = records.schema.objects.iter().map(|object| summary(records, object, version)).collect();
    json!({ "encoding": "UTF-8", "maxBatchSize": 200, "sobjects": sobjects })
}

/// `GET …/sobjects/X`: the summary, and no recent items.
pub fn basic(records: &Records, object: &Object, version: &str) -> Value {
    json!({ "objectDescribe": summary(records, object, version), "recentItems": [] })
}

/// An object of many keys: `json!` would recurse once for each.
fn object_of<const N: usize>(keys: [(&str, Value); N]) -> Value {
    Value::Object(keys.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

/// The keys that a summary and a full describe share.
fn summary(records: &Records, object: &Object, version: &str) -> Value {
    let base = base(object, version);
    object_of([
        ("activateable", json!(false)),
        ("associateEntityType", json!(null)),
        ("associateParentEntity", json!(null)),
        ("createable", json!(records.setup.may_create(object))),
        ("custom", json!(false)),
        ("customSetting", json!(false)),
        ("deepCloneable", json!(false)),
        ("deletable", json!(object.writable)),
        ("deprecatedAndHidden", json!(false)),
        ("feedEnabled", json!(object.writable)),
        ("hasSubtypes", json!(false)),
        ("isInterface", json!(false)),
        ("isSubtype", json!(false)),
        ("keyPrefix", json!(object.prefix)),
        ("label", json!(object.label)),
        ("labelPlural", json!(object.plural)),
        ("layoutable", json!(true)),
        ("mergeable", json!(object.writable)),
        ("mruEnabled", json!(object.writable)),
        ("name", json!(object.name)),
        ("queryable", json!(true)),
        ("replicateable", json!(true)),
        ("retrieveable", json!(true)),
        ("searchable", json!(true)),
        ("triggerable", json!(object.writable)),
        ("undeletable", json!(object.writable)),
        ("updateable", json!(true)),
        (
            "urls",
            json!({
                "compactLayouts": format!("{base}/describe/compactLayouts"),
                "rowTemplate": format!("{base}/{{ID}}"),
                "approvalLayouts": format!("{base}/describe/approvalLayouts"),
                "listviews": format!("{base}/listviews"),
                "describe": format!("{base}/describe"),
                "quickActions": format!("{base}/quickActions"),
                "layouts": format!("{base}/describe/layouts"),
                "sobject": base,
            }),
        ),
    ])
}

/// `GET …/sobjects/X/describe`.
pub fn full(records: &Records, object: &Object, version: &str, instance_url: &str) -> Value {
    let base = base(object, version);
    let mut body = match summary(records, object, version) {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    let more = json!({
        "actionOverrides": [],
        "childRelationships": children(records, object),
        "compactLayoutable": true,
        "defaultImplementation": null,
        "extendedBy": null,
        "extendsInterfaces": null,
        "fields": object.fields.iter().map(|it| field(it, records.setup.may_write(object, it))).collect::<Vec<_>>(),
        "implementedBy": null,
        "implementsInterfaces": null,
        "listviewable": null,
        "lookupLayoutable": null,
        "namedLayoutInfos": [],
        "networkScopeFieldName": null,
        "recordTypeInfos": record_types::infos(object, &base),
        "searchLayoutable": true,
        "sobjectDescribeOption": "FULL",
        "supportedScopes": object
            .scopes
            .iter()
            .map(|(name, label)| json!({ "label": label, "name": name }))
            .collect::<Vec<_>>(),
    });
    if let Value::Object(more) = more {
        body.extend(more);
    }
    if let Some(Value::Object(urls)) = body.get_mut("urls") {
        urls.insert("uiDetailTemplate".to_owned(), json!(format!("{instance_url}/{{ID}}")));
        urls.insert("uiEditTemplate".to_owned(), json!(format!("{instance_url}/{{ID}}/e")));
        urls.insert("uiNewRecord".to_owned(), json!(format!("{instance_url}/{}/e", object.prefix)));
    }
    Value::Object(body)
}

fn base(object: &Object, version: &str) -> String {
    format!("/services/data/{version}/sobjects/{}", object.name)
}

/// Who refers to the object, as far as the org knows.
fn children(records: &Records, parent: &Object) -> Vec<Value> {
    let mut found = Vec::new();
    for child in &records.schema.objects {
        for field in child.fields.iter().filter(|field| field.reference_to.as_ref() == Some(&parent.name)) {
            let name = child_relationship(child, field);
            found.push(json!({
                "cascadeDelete": false,
                "childSObject": child.name,
                "deprecatedAndHidden": false,
                "field": field.name,
                "junctionIdListNames": [],
                "junctionReferenceTo": [],
                "relationshipName": name,
                "restrictedDelete": false,
            }));
        }
    }
    found
}

/// One field's description, for a user who may write it or may not.
pub fn field(field: &Field, may_write: bool) -> Value {
    let bytes = match field.kind {
        Kind::Id | Kind::Reference => field.length,
        _ => field.length * 3,
    };
    let soap = match field.kind {
        Kind::Id | Kind::Reference => "tns:ID",
        Kind::Boolean => "xsd:boolean",
        Kind::Double | Kind::Currency => "xsd:double",
        Kind::Int => "xsd:int",
        Kind::Date => "xsd:date",
        Kind::DateTime => "xsd:dateTime",
        Kind::Address => "urn:address",
        _ => "xsd:string",
    };
    let picklist: Vec<Value> = field
        .picklist
        .iter()
        .map(|value| {
            json!({
                "active": true,
                "defaultValue": field.default_value() == value.as_str(),
                "label": places::label(field, value),
                "validFor": places::valid_for(field, value),
                "value": value,
            })
        })
        .collect();
    let prefilterable = field.kind == Kind::Reference
        && (field.createable || field.name.starts_with("Converted"))
        && field.nillable
        && field.name != "RecordTypeId";
    let controller = places::controller(field);
    object_of([
        ("aggregatable", json!(field.aggregatable)),
        ("aiPredictionField", json!(false)),
        ("autoNumber", json!(false)),
        ("byteLength", json!(bytes)),
        ("calculated", json!(false)),
        ("calculatedFormula", json!(null)),
        ("cascadeDelete", json!(false)),
        ("caseSensitive", json!(false)),
        ("compoundFieldName", json!(field.compound)),
        ("controllerName", json!(controller)),
        ("createable", json!(field.createable && may_write)),
        ("custom", json!(field.custom())),
        ("defaultValue", field.default_value()),
        ("defaultValueFormula", json!(null)),
        ("defaultedOnCreate", json!(field.defaulted_on_create)),
        ("dependentPicklist", json!(controller.is_some())),
        ("deprecatedAndHidden", json!(false)),
        ("digits", json!(field.digits)),
        ("displayLocationInDecimal", json!(false)),
        ("encrypted", json!(false)),
        ("externalId", json!(field.external_id)),
        ("extraTypeInfo", json!(field.extra)),
        ("filterable", json!(field.filterable)),
        ("filteredLookupInfo", json!(null)),
        ("formulaTreatNullNumberAsZero", json!(false)),
        ("groupable", json!(field.groupable)),
        ("highScaleNumber", json!(false)),
        ("htmlFormatted", json!(false)),
        ("idLookup", json!(field.id_lookup)),
        ("inlineHelpText", json!(null)),
        ("label", json!(field.label)),
        ("length", json!(field.length)),
        ("mask", json!(null)),
        ("maskType", json!(null)),
        ("name", json!(field.name)),
        ("nameField", json!(field.names_record)),
        ("namePointing", json!(!field.or_to.is_empty())),
        ("nillable", json!(field.nillable)),
        ("permissionable", json!(field.permissionable)),
        ("picklistValues", json!(picklist)),
        ("polymorphicForeignKey", json!(!field.or_to.is_empty())),
        ("precision", json!(field.precision)),
        ("queryByDistance", json!(field.kind == Kind::Address)),
        ("referenceTargetField", json!(null)),
        ("referenceTo", json!(field.or_to.iter().chain(&field.reference_to).collect::<Vec<_>>())),
        ("relationshipName", json!(field.relationship)),
        ("relationshipOrder", json!(null)),
        ("restrictedDelete", json!(false)),
        ("restrictedPicklist", json!(field.restricted)),
        ("scale", json!(field.scale)),
        ("searchPrefilterable", json!(prefilterable)),
        ("soapType", json!(soap)),
        ("sortable", json!(field.sortable)),
        ("type", json!(field.kind.name())),
        ("unique", json!(field.unique)),
        ("updateable", json!(field.updateable && may_write)),
        ("writeRequiresMasterRead", json!(false)),
    ])
}

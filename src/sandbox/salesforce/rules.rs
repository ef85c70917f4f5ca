//! What an administrator has set up: two validation rules, and one duplicate rule.

use serde_json::{Value, json};

use super::errors::Refusal;
use super::records::{Body, Records, fold};
use super::save::Saving;
use super::schema::Object;
use super::setup::DuplicateRule;
use super::shape;

/// A validation rule of Contact.
#[derive(Debug)]
pub struct Rule {
    /// Its API name.
    pub name: &'static str,
    /// What the user is told.
    pub message: &'static str,
    /// The field that the message stands beside.
    pub field: &'static str,
    /// Whether it can be switched off, and is at the start.
    pub optional: bool,
    breaks: fn(&Body) -> bool,
}

/// The validation rules of Contact.
pub const RULES: [Rule; 2] = [
    Rule {
        name: "Platinum_Needs_Phone",
        message: "A platinum contact needs a phone number.",
        field: "Phone",
        optional: false,
        breaks: |body| body.get("Tier__c") == Some(&json!("Platinum")) && !body.contains_key("Phone"),
    },
    Rule {
        name: "Phone_Needed",
        message: "A contact needs a phone number.",
        field: "Phone",
        optional: true,
        breaks: |body| !body.contains_key("Phone"),
    },
];

/// The name of the duplicate rule.
pub const DUPLICATE_RULE: &str = "Contact_Same_Name_And_Email";

/// The first validation rule that a record breaks.
pub fn validate(records: &Records, object: &Object, body: &Body) -> Option<Refusal> {
    let rule = RULES
        .iter()
        .find(|rule| object.name == "Contact" && (!rule.optional || records.setup.phone_rule) && (rule.breaks)(body))?;
    Some(Refusal::row("FIELD_CUSTOM_VALIDATION_EXCEPTION", rule.message, &[rule.field]))
}

/// The duplicate rule: no second contact of one last name and email.
pub fn duplicates(
    records: &Records,
    object: &Object,
    saving: Saving<'_>,
    body: &Body,
) -> Result<Option<Refusal>, Refusal> {
    let rule = records.setup.duplicate_rule;
    if rule == DuplicateRule::Off || (rule == DuplicateRule::Alert && saving.allow_duplicates) {
        return Ok(None);
    }
    let (Some(email), Some(name), "Contact") = (body.get("Email"), body.get("LastName"), object.name.as_str()) else {
        return Ok(None);
    };
    let Some(field) = object.field("Email") else { return Ok(None) };
    let same_name = |other: &Value| match (other.as_str(), name.as_str()) {
        (Some(other), Some(name)) => fold(other) == fold(name),
        _ => false,
    };
    let mut matches = Vec::new();
    for id in records.find(object, field, email)? {
        let Some(other) = records.get(object, &id)? else { continue };
        if other.get("LastName").is_some_and(same_name) {
            let details = ["Id", "FirstName", "LastName", "Name", "Email", "OwnerId", "LastModifiedDate"];
            let told = if saving.duplicate_details { &details[..] } else { &details[..1] };
            let fields = told.iter().filter_map(|name| object.field(name));
            matches.push(json!({
                "additionalInformation": [],
                "fieldDiffs": [],
                "matchConfidence": 100.0,
                "record": shape::record(object, saving.version, &other, fields),
            }));
        }
    }
    if matches.is_empty() {
        return Ok(None);
    }
    let message = "You're creating a duplicate record. We recommend you use an existing record instead.";
    let mut refusal = Refusal::row("DUPLICATES_DETECTED", message, &[]);
    refusal.duplicate = Some(Box::new(json!({
        "allowSave": rule == DuplicateRule::Alert,
        "duplicateRule": DUPLICATE_RULE,
        "duplicateRuleEntityType": "Contact",
        "errorMessage": message,
        "matchResults": [{
            "entityType": "Contact",
            "errors": [],
            "matchEngine": "ExactMatchEngine",
            "rule": DUPLICATE_RULE,
            "size": matches.len(),
            "success": true,
            "matchRecords": matches,
        }],
    })));
    Ok(Some(refusal))
}

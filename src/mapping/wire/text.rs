//! Text, and ids, which are text with a form.

use serde_json::json;

use super::{rejection, short, unreadable};
use crate::destination::{DestinationError, Wire};
use crate::types::{Field, FieldType, Value};

pub(super) fn text(value: &Value, field: &Field, truncate: bool) -> Result<Wire, DestinationError> {
    let mut text = value.to_string();
    if field.kind == FieldType::Email {
        // Salesforce stores it without the spaces around it.
        text = text.trim().to_owned();
        if !is_email(&text) {
            return Err(rejection(
                "INVALID_EMAIL_ADDRESS",
                field,
                format!("{}: `{}` is not an email address", field.name, short(&text)),
                Some("Correct it in the source, or leave such rows out of the query."),
            ));
        }
    }
    if truncate && field.length > 0 {
        text = text.chars().take(field.length as usize).collect();
    }
    fitting(&text, field).map(|text| json!(text))
}

/// The text, if it is not too long.
pub(super) fn fitting(text: &str, field: &Field) -> Result<String, DestinationError> {
    let length = text.chars().count();
    if field.length == 0 || length <= field.length as usize {
        return Ok(text.to_owned());
    }
    Err(rejection(
        "STRING_TOO_LONG",
        field,
        format!("{}: {length} characters, {} fit (`{}`)", field.name, field.length, short(text)),
        Some("Set too_long = \"truncate\" on this link, or shorten it in the query."),
    ))
}

/// Whether Salesforce would take this as an email address: one `@`, a local part, a dotted domain
/// whose labels are letters, digits and hyphens, no white space.
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    !local.is_empty()
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && local.chars().all(|c| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c))
        && domain.contains('.')
        && domain.split('.').all(label)
}

pub(super) fn reference(value: &Value, field: &Field) -> Result<Wire, DestinationError> {
    let text = value.to_string();
    let id = text.trim();
    if matches!(id.len(), 15 | 18) && id.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Ok(json!(id));
    }
    let parent = field.reference_to.first().map_or("Account", String::as_str);
    Err(DestinationError {
        hint: Some(format!(
            "Give the link a lookup, such as {{ object = \"{parent}\", field = \"Name\" }}, or map a column of ids."
        )),
        ..unreadable(value, field, "a record id of 15 or 18 characters")
    })
}

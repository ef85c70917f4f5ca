//! Text, and ids, which are text with a form.

use std::borrow::Cow;

use serde_json::json;

use super::{rejection, short, unreadable};
use crate::destination::{DestinationError, Wire};
use crate::types::{Field, FieldType, Value};

pub(super) fn text(value: &Value, field: &Field, truncate: bool) -> Result<Wire, DestinationError> {
    let text = match value {
        Value::Text(text) | Value::Json(text) => Cow::Borrowed(text.as_str()),
        other => Cow::Owned(other.to_string()),
    };
    let mut text = text.as_ref();
    if field.kind == FieldType::Email {
        // Salesforce stores it without the spaces around it.
        text = text.trim();
        if !is_email(text) {
            return Err(rejection(
                "INVALID_EMAIL_ADDRESS",
                field,
                format!("{}: `{}` is not an email address", field.name, short(text)),
                Some("Correct it in the source, or leave such rows out of the query."),
            ));
        }
    }
    if truncate
        && field.length > 0
        && let Some((end, _)) = text.char_indices().nth(field.length as usize)
    {
        text = &text[..end];
    }
    fitting(text, field).map(Wire::String)
}

/// The text, if it is not too long.
pub(super) fn fitting(text: &str, field: &Field) -> Result<String, DestinationError> {
    // No text has more letters than bytes.
    if field.length == 0 || text.len() <= field.length as usize {
        return Ok(text.to_owned());
    }
    let length = text.chars().count();
    if length <= field.length as usize {
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

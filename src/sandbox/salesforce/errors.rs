//! Refusals in Salesforce's words, and the two shapes in which they travel.

use serde_json::{Map, Value, json};

/// One error, as REST or a Collections row tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// HTTP status when it is the answer to a whole call.
    pub status: u16,
    /// `errorCode` (REST) or `statusCode` (Collections).
    pub code: String,
    /// The message.
    pub message: String,
    /// The fields it names; `None` for errors that never carry the key.
    pub fields: Option<Vec<String>>,
    /// `duplicateResult` of a duplicate rule.
    pub duplicate: Option<Box<Value>>,
}

impl Refusal {
    /// An error of a whole call.
    pub fn call(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self { status, code: code.to_owned(), message: message.into(), fields: None, duplicate: None }
    }

    /// An error of one record.
    pub fn row(code: &str, message: impl Into<String>, fields: &[&str]) -> Self {
        let fields = Some(fields.iter().map(|&field| field.to_owned()).collect());
        Self { status: 400, code: code.to_owned(), message: message.into(), fields, duplicate: None }
    }

    /// Nothing at this address.
    pub fn not_found() -> Self {
        Self::call(404, "NOT_FOUND", "The requested resource does not exist")
    }

    /// A token that is wrong, or of a session that has ended.
    pub fn session() -> Self {
        Self::call(401, "INVALID_SESSION_ID", "Session expired or invalid")
    }

    /// The address does not take this method.
    pub fn method(method: &str, allowed: &str) -> Self {
        let message = format!("HTTP Method '{method}' not allowed. Allowed are {allowed}");
        Self::call(405, "METHOD_NOT_ALLOWED", message)
    }

    /// A record that has been deleted.
    pub fn deleted() -> Self {
        Self { status: 404, ..Self::row("ENTITY_IS_DELETED", "entity is deleted", &[]) }
    }

    /// A record that a failed sibling took down with it.
    pub fn rolled_back() -> Self {
        let message =
            "Record rolled back because not all records were valid and the request was using AllOrNone header";
        Self::row("ALL_OR_NONE_OPERATION_ROLLED_BACK", message, &[])
    }

    /// A value of the wrong JSON type.
    pub fn unreadable(wanted: &str, value: &Value) -> Self {
        let (token, shown) = match value {
            Value::String(text) => ("VALUE_STRING", text.clone()),
            Value::Bool(true) => ("VALUE_TRUE", "true".to_owned()),
            Value::Bool(false) => ("VALUE_FALSE", "false".to_owned()),
            Value::Number(number) if number.is_f64() => ("VALUE_NUMBER_FLOAT", number.to_string()),
            Value::Number(number) => ("VALUE_NUMBER_INT", number.to_string()),
            Value::Array(_) => ("START_ARRAY", "[".to_owned()),
            Value::Object(_) => ("START_OBJECT", "{".to_owned()),
            Value::Null => ("VALUE_NULL", "null".to_owned()),
        };
        let message = format!(
            "Cannot deserialize instance of {wanted} from {token} value {shown} or request may be missing a required \
             field at [line:1, column:1]"
        );
        Self::row("JSON_PARSER_ERROR", message, &[])
    }

    /// The shape inside a REST answer's list.
    pub fn rest(&self) -> Value {
        let mut body = Map::new();
        if let Some(duplicate) = &self.duplicate {
            body.insert("duplicateResult".to_owned(), Value::clone(duplicate));
        }
        body.insert("message".to_owned(), json!(self.message));
        body.insert("errorCode".to_owned(), json!(self.code));
        if let Some(fields) = &self.fields {
            body.insert("fields".to_owned(), json!(fields));
        }
        Value::Object(body)
    }

    /// The shape inside the `errors` of a Collections row.
    pub fn collections(&self) -> Value {
        let mut body = Map::new();
        body.insert("statusCode".to_owned(), json!(self.code));
        body.insert("message".to_owned(), json!(self.message));
        body.insert("fields".to_owned(), json!(self.fields.clone().unwrap_or_default()));
        if let Some(duplicate) = &self.duplicate {
            body.insert("duplicateResult".to_owned(), Value::clone(duplicate));
        }
        Value::Object(body)
    }
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        let message = format!("An unexpected error occurred. Please include this text if you report it: {error}");
        Self::call(500, "UNKNOWN_EXCEPTION", message)
    }
}

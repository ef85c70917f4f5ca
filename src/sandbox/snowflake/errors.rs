//! Snowflake's codes and words for what goes wrong.

use std::sync::LazyLock;

use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;
use regex::Regex;

/// A refusal, as Snowflake words it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Error {
    /// Such as `002003`.
    pub code: &'static str,
    /// Such as `42S02`.
    pub sqlstate: &'static str,
    /// The whole text.
    pub message: String,
}

impl Error {
    pub(super) fn new(code: &'static str, sqlstate: &'static str, message: impl Into<String>) -> Self {
        Self { code, sqlstate, message: message.into() }
    }

    pub(super) fn cancelled() -> Self {
        Self::new("000604", "57014", "SQL execution canceled")
    }

    pub(super) fn denied(what: &str) -> Self {
        Self::new("003001", "42501", format!("SQL access control error:\nInsufficient privileges to operate on {what}"))
    }

    pub(super) fn several_statements() -> Self {
        Self::new(
            "000006",
            "0A000",
            "Multiple SQL statements in a single API call are not supported; use one API call per statement instead.",
        )
    }

    /// `line` from 1, `position` from 0.
    pub(super) fn syntax(line: u64, position: u64, found: &str) -> Self {
        Self::new(
            "001003",
            "42000",
            format!("SQL compilation error:\nsyntax error line {line} at position {position} unexpected '{found}'."),
        )
    }

    pub(super) fn unknown_object(name: &str) -> Self {
        Self::new(
            "002003",
            "42S02",
            format!("SQL compilation error:\nObject '{name}' does not exist or not authorized."),
        )
    }
}

fn captures(pattern: &LazyLock<Option<Regex>>, text: &str) -> Option<Vec<String>> {
    let found = pattern.as_ref()?.captures(text)?;
    Some(found.iter().skip(1).flatten().map(|part| part.as_str().to_owned()).collect())
}

/// The parser's "Expected: …, found: FORM at Line: 1, Column: 10".
pub(super) fn from_parser(sql: &str, message: &str) -> Error {
    static AT: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(?s)found: (.*?)(?: at Line: (\d+), Column: (\d+))?$").ok());
    static ONLY: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"Line: (\d+), Column: (\d+)").ok());
    if let Some([found, line, column]) = captures(&AT, message).as_deref() {
        let (line, column): (u64, u64) = (line.parse().unwrap_or(1), column.parse().unwrap_or(1));
        // The parser names keywords in its own spelling; Snowflake shows the text.
        let text = sql.lines().nth(usize::try_from(line).unwrap_or(1) - 1).unwrap_or_default();
        let at = usize::try_from(column).unwrap_or(1).saturating_sub(1);
        let word: String = text.chars().skip(at).take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let found = if word.is_empty() { found.as_str() } else { word.as_str() };
        return Error::syntax(line, column.saturating_sub(1), found);
    }
    if let Some([line, column]) = captures(&ONLY, message).as_deref() {
        return Error::syntax(line.parse().unwrap_or(1), column.parse::<u64>().unwrap_or(1).saturating_sub(1), "?");
    }
    let last = sql.lines().last().unwrap_or_default();
    Error::syntax(sql.lines().count().max(1) as u64, last.chars().count() as u64, "<EOF>")
}

/// Line (from 1) and position (from 0) of a name in the text.
fn place_of(sql: &str, name: &str) -> (usize, usize) {
    let wanted = name.to_uppercase();
    let upper = sql.to_ascii_uppercase();
    let is_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let found = upper
        .match_indices(&wanted)
        .find(|(at, _)| !is_word(upper[..*at].chars().last()) && !is_word(upper[at + wanted.len()..].chars().next()));
    let at = found.map_or(0, |(at, _)| at);
    let before = &upper[..at];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count())
}

/// What DataFusion says, in Snowflake's words.
pub(super) fn from_datafusion(sql: &str, error: &DataFusionError) -> Error {
    static TABLE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"table '([^']+)' not found").ok());
    static FUNCTION: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"Invalid function '([^']+)'").ok());
    static CAST: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"Cannot (?:cast|parse) (?:string )?'([^']*)' (?:to|as) .*?(Int|Decimal|Float|Date|Timestamp)").ok()
    });
    let root = error.find_root();
    if let DataFusionError::SchemaError(schema, _) = root
        && let SchemaError::FieldNotFound { field, .. } = schema.as_ref()
    {
        let (line, position) = place_of(sql, &field.name);
        return Error::new(
            "000904",
            "42000",
            format!(
                "SQL compilation error: error line {line} at position {position}\ninvalid identifier '{}'",
                field.name
            ),
        );
    }
    let text = root.to_string();
    if let Some([name]) = captures(&TABLE, &text).as_deref() {
        return Error::unknown_object(name);
    }
    if let Some([name]) = captures(&FUNCTION, &text).as_deref() {
        return Error::new(
            "002140",
            "42601",
            format!("SQL compilation error:\nUnknown function {}.", name.to_uppercase()),
        );
    }
    if text.contains("Divide by zero") || text.contains("DivideByZero") {
        return Error::new("100051", "22012", "Division by zero");
    }
    if let Some([value, kind]) = captures(&CAST, &text).as_deref() {
        return match kind.as_str() {
            "Date" => Error::new("100040", "22007", format!("Date '{value}' is not recognized")),
            "Timestamp" => Error::new("100035", "22007", format!("Timestamp '{value}' is not recognized")),
            _ => Error::new("100038", "22018", format!("Numeric value '{value}' is not recognized")),
        };
    }
    if let DataFusionError::NotImplemented(what) = root {
        return Error::new("000002", "0A000", format!("Unsupported feature '{what}'."));
    }
    Error::new("001104", "42000", format!("SQL compilation error:\n{text}"))
}

impl From<DataFusionError> for Error {
    fn from(error: DataFusionError) -> Self {
        from_datafusion("", &error)
    }
}

impl From<datafusion::arrow::error::ArrowError> for Error {
    fn from(error: datafusion::arrow::error::ArrowError) -> Self {
        Self::new("000603", "XX000", format!("SQL execution internal error: {error}"))
    }
}

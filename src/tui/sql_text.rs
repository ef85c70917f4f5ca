//! What the editor knows of SQL: its statements and its colours.

use super::widget::highlight::Span;

/// One statement of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Its text.
    pub text: String,
    /// Line of its first character, from 0.
    pub line: usize,
    /// Column of its first character, from 0.
    pub column: usize,
}

/// The statements of a text, without empty ones.
pub fn statements(text: &str) -> Vec<Statement> {
    let trimmed = text.trim_start();
    if trimmed.trim_end().is_empty() {
        return Vec::new();
    }
    let before = &text[..text.len() - trimmed.len()];
    let line = before.matches('\n').count();
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count();
    vec![Statement { text: trimmed.trim_end().trim_end_matches(';').to_owned(), line, column }]
}

/// The statement that holds this place, or the last one before it.
pub fn statement_at(text: &str, line: usize, column: usize) -> Option<Statement> {
    let mut all = statements(text);
    let at = all.iter().rposition(|statement| (statement.line, statement.column) <= (line, column)).unwrap_or(0);
    (at < all.len()).then(|| all.swap_remove(at))
}

/// Colours of a text.
pub fn colours(_lines: &[String]) -> Vec<Span> {
    Vec::new()
}

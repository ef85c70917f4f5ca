//! What the editor knows of SQL: its statements and its colours, in lines and columns.

use super::theme::Role;
use super::widget::highlight::Span;
use crate::sql::{self, TokenKind};

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

/// Line and column, from 0, of a byte.
fn place(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..at];
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count(), before[start..].chars().count())
}

/// The byte at a line and column, both from 0.
fn byte(text: &str, line: usize, column: usize) -> usize {
    let start = if line == 0 { 0 } else { text.match_indices('\n').nth(line - 1).map_or(text.len(), |(at, _)| at + 1) };
    let rest = text[start..].split('\n').next().unwrap_or_default();
    start + rest.char_indices().nth(column).map_or(rest.len(), |(at, _)| at)
}

/// The statements of a text, without empty ones.
pub fn statements(text: &str) -> Vec<Statement> {
    sql::statements(text)
        .into_iter()
        .map(|span| {
            let (line, column) = place(text, span.start);
            Statement { text: text[span].to_owned(), line, column }
        })
        .collect()
}

/// The statement that holds this place, or the last one before it.
pub fn statement_at(text: &str, line: usize, column: usize) -> Option<Statement> {
    let span = sql::statement_at(text, byte(text, line, column))?;
    let (line, column) = place(text, span.start);
    Some(Statement { text: text[span].to_owned(), line, column })
}

/// Colours of a text.
pub fn colours(lines: &[String]) -> Vec<Span> {
    let text = lines.join("\n");
    let mut spans = Vec::new();
    let (mut line, mut column) = (0, 0);
    for token in sql::lex(&text) {
        let role = match token.kind {
            TokenKind::Keyword => Some(Role::SqlKeyword),
            TokenKind::String => Some(Role::SqlString),
            TokenKind::Number | TokenKind::Variable => Some(Role::SqlNumber),
            TokenKind::Comment => Some(Role::SqlComment),
            _ => None,
        };
        // A token may run over several lines; a span is of one.
        for (at, part) in text[token.span].split('\n').enumerate() {
            if at > 0 {
                (line, column) = (line + 1, 0);
            }
            let length = part.chars().count();
            if let Some(role) = role.filter(|_| length > 0) {
                spans.push(Span { line, start: column, end: column + length, role });
            }
            column += length;
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_follow_lines_and_wide_letters() {
        let lines = ["select '日本".to_owned(), "語' -- x".to_owned()];
        let spans = colours(&lines);
        let seen: Vec<_> = spans.iter().map(|span| (span.line, span.start, span.end)).collect();
        assert_eq!(seen, [(0, 0, 6), (0, 7, 10), (1, 0, 2), (1, 3, 7)]);
    }

    #[test]
    fn the_statement_under_the_cursor_runs() {
        let text = "select 1;\n  select 2";
        assert_eq!(statement_at(text, 0, 4).unwrap().text, "select 1");
        let second = statement_at(text, 1, 9).unwrap();
        assert_eq!((second.text.as_str(), second.line, second.column), ("select 2", 1, 2));
    }
}

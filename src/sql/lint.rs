//! What is worth a word before a query feeds a sync.

use std::ops::Range;

use super::lexer::{Token, TokenKind, lex};
use super::statements::statements;

/// One remark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lint {
    /// Where, in bytes.
    pub span: Range<usize>,
    /// What is the matter.
    pub message: String,
    /// What to do.
    pub hint: String,
}

/// Remarks about a model's query, in the order of the text.
pub fn lint(text: &str) -> Vec<Lint> {
    let tokens = lex(text);
    let mut found = Vec::new();
    let mut add = |span: Range<usize>, message: &str, hint: &str| {
        found.push(Lint { span, message: message.to_owned(), hint: hint.to_owned() });
    };
    if let Some(open) = tokens.iter().find(|token| !token.closed) {
        add(open.span.clone(), "This quote or comment is never closed.", "Close it.");
        return found;
    }
    let all = statements(text);
    if let Some(second) = all.get(1) {
        add(second.clone(), "A model is one statement.", "Keep one; the others are not run.");
    }
    let Some(first) = all.first() else { return found };
    let inside: Vec<&Token> = tokens
        .iter()
        .filter(|token| first.contains(&token.span.start))
        .filter(|token| !matches!(token.kind, TokenKind::Whitespace | TokenKind::Comment))
        .collect();
    let word = |token: &Token| text[token.span.clone()].to_ascii_uppercase();
    if let Some(start) = inside.first()
        && !["SELECT", "WITH", "VALUES", "("].contains(&word(start).as_str())
    {
        add(start.span.clone(), "A model's query reads: it starts with SELECT or WITH.", "Write a SELECT.");
    }
    let (mut depth, mut ordered, mut limit) = (0_i32, false, None);
    for token in &inside {
        match word(token).as_str() {
            "(" => depth += 1,
            ")" => depth -= 1,
            "ORDER" if depth == 0 => ordered = true,
            "LIMIT" | "FETCH" if depth == 0 && token.kind == TokenKind::Keyword => limit = Some(token.span.clone()),
            _ => {}
        }
    }
    if let (Some(span), false) = (limit, ordered) {
        add(
            span,
            "LIMIT without ORDER BY: each run may see other rows, which then count as added and removed.",
            "Add ORDER BY, or leave the limit out.",
        );
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(text: &str) -> Vec<String> {
        lint(text).into_iter().map(|lint| lint.message).collect()
    }

    #[test]
    fn good_queries_pass_and_each_fault_is_named() {
        assert!(messages("with a as (select 1 limit 2) select * from a order by 1 limit 5").is_empty());
        assert!(messages("select * from t limit 5")[0].starts_with("LIMIT without ORDER BY"));
        assert!(messages("select 1; select 2")[0].starts_with("A model is one statement"));
        assert!(messages("delete from t")[0].starts_with("A model's query reads"));
        assert!(messages("select 'a")[0].starts_with("This quote"));
        assert!(messages("").is_empty());
    }
}

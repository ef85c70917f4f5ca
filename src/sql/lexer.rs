//! Text → tokens whose spans cover it without a gap.

use std::ops::Range;

/// What a stretch of SQL is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// A word of the language.
    Keyword,
    /// A name without quotes.
    Identifier,
    /// A name in double quotes.
    QuotedIdentifier,
    /// `12`, `1.5e3`.
    Number,
    /// `'text'` or `$$text$$`.
    String,
    /// `-- …`, `// …`, `/* … */`.
    Comment,
    /// `=`, `::`, `||`, …
    Operator,
    /// `,` `;` `(` `)` `[` `]` `{` `}` `.`
    Punctuation,
    /// Blanks and line ends.
    Whitespace,
    /// `$1`, `:name`.
    Variable,
    /// Anything else.
    Other,
}

/// A stretch of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Where it is, in bytes.
    pub span: Range<usize>,
    /// Whether it ends as it should: an open quote or comment runs to the end of the text.
    pub closed: bool,
}

/// Words that are coloured as the language's own. Names that tables often use (ID, NAME, TYPE,
/// STATUS) are left out: they are more often names.
const KEYWORDS: &[&str] = &[
    "ALL",
    "ALTER",
    "AND",
    "ANY",
    "ARRAY",
    "AS",
    "ASC",
    "BETWEEN",
    "BINARY",
    "BOOLEAN",
    "BY",
    "CASE",
    "CAST",
    "COLUMN",
    "CREATE",
    "CROSS",
    "CURRENT_DATE",
    "CURRENT_TIMESTAMP",
    "DATE",
    "DELETE",
    "DESC",
    "DESCRIBE",
    "DISTINCT",
    "DROP",
    "ELSE",
    "END",
    "EXCEPT",
    "EXISTS",
    "FALSE",
    "FETCH",
    "FIRST",
    "FLOAT",
    "FOLLOWING",
    "FROM",
    "FULL",
    "GROUP",
    "HAVING",
    "ILIKE",
    "IN",
    "INNER",
    "INSERT",
    "INTEGER",
    "INTERSECT",
    "INTERVAL",
    "INTO",
    "IS",
    "JOIN",
    "LAST",
    "LATERAL",
    "LEFT",
    "LIKE",
    "LIMIT",
    "MERGE",
    "MINUS",
    "NATURAL",
    "NOT",
    "NULL",
    "NULLS",
    "NUMBER",
    "OBJECT",
    "OFFSET",
    "ON",
    "OR",
    "ORDER",
    "OUTER",
    "OVER",
    "PARTITION",
    "PIVOT",
    "PRECEDING",
    "QUALIFY",
    "RANGE",
    "RECURSIVE",
    "RIGHT",
    "RLIKE",
    "ROWS",
    "SAMPLE",
    "SELECT",
    "SET",
    "SHOW",
    "SOME",
    "TABLE",
    "TABLESAMPLE",
    "THEN",
    "TIME",
    "TIMESTAMP",
    "TIMESTAMP_LTZ",
    "TIMESTAMP_NTZ",
    "TIMESTAMP_TZ",
    "TOP",
    "TRUE",
    "TRY_CAST",
    "UNBOUNDED",
    "UNION",
    "UNPIVOT",
    "UPDATE",
    "USE",
    "USING",
    "VALUES",
    "VARCHAR",
    "VARIANT",
    "VIEW",
    "WHEN",
    "WHERE",
    "WINDOW",
    "WITH",
];

/// Cuts a text into tokens. Their spans follow each other and cover the text.
pub fn lex(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut start = 0;
    while start < text.len() {
        let (kind, length, closed) = next(&text[start..]);
        tokens.push(Token { kind, span: start..start + length, closed });
        start += length;
    }
    tokens
}

/// The token at the start of a text that is not empty: kind, bytes, whether it is closed.
fn next(rest: &str) -> (TokenKind, usize, bool) {
    let Some(first) = rest.chars().next() else { return (TokenKind::Other, rest.len(), true) };
    let run = |of: fn(char) -> bool| rest.find(|c| !of(c)).unwrap_or(rest.len());
    if first.is_whitespace() {
        return (TokenKind::Whitespace, run(char::is_whitespace), true);
    }
    if rest.starts_with("--") || rest.starts_with("//") {
        return (TokenKind::Comment, rest.find('\n').unwrap_or(rest.len()), true);
    }
    if rest.starts_with("/*") {
        return enclosed(TokenKind::Comment, rest, 2, "*/");
    }
    if rest.starts_with("$$") {
        return enclosed(TokenKind::String, rest, 2, "$$");
    }
    match first {
        '\'' => quoted(TokenKind::String, rest, '\'', true),
        '"' => quoted(TokenKind::QuotedIdentifier, rest, '"', false),
        '0'..='9' => (TokenKind::Number, number(rest), true),
        '.' if rest[1..].starts_with(|c: char| c.is_ascii_digit()) => (TokenKind::Number, number(rest), true),
        '$' | ':' if rest[1..].starts_with(is_word) && !(first == ':' && rest.starts_with("::")) => {
            (TokenKind::Variable, 1 + rest[1..].find(|c| !is_word(c)).unwrap_or(rest.len() - 1), true)
        }
        ',' | ';' | '(' | ')' | '[' | ']' | '{' | '}' | '.' => (TokenKind::Punctuation, 1, true),
        c if is_word(c) => {
            let length = run(|c| is_word(c) || c == '$');
            let word = rest[..length].to_ascii_uppercase();
            let known = KEYWORDS.binary_search(&word.as_str()).is_ok();
            (if known { TokenKind::Keyword } else { TokenKind::Identifier }, length, true)
        }
        c if "=<>!+-*/%|&^~:@#?".contains(c) => {
            let two = ["::", "||", "<=", ">=", "<>", "!=", "=>", "->"].iter().any(|two| rest.starts_with(two));
            (TokenKind::Operator, if two { 2 } else { 1 }, true)
        }
        other => (TokenKind::Other, other.len_utf8(), true),
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn enclosed(kind: TokenKind, rest: &str, open: usize, close: &str) -> (TokenKind, usize, bool) {
    match rest[open..].find(close) {
        Some(at) => (kind, open + at + close.len(), true),
        None => (kind, rest.len(), false),
    }
}

/// A quoted stretch; the quote doubled stands for itself, and in texts a backslash takes the next.
fn quoted(kind: TokenKind, rest: &str, quote: char, backslash: bool) -> (TokenKind, usize, bool) {
    let mut letters = rest.char_indices().skip(1).peekable();
    while let Some((at, letter)) = letters.next() {
        if letter == '\\' && backslash {
            letters.next();
        } else if letter == quote {
            if letters.peek().is_some_and(|(_, next)| *next == quote) {
                letters.next();
            } else {
                return (kind, at + 1, true);
            }
        }
    }
    (kind, rest.len(), false)
}

fn number(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let digits = |mut at: usize| {
        while bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        at
    };
    let mut end = digits(0);
    if bytes.get(end) == Some(&b'.') {
        end = digits(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits(end + 1 + sign);
        if exponent > end + 1 + sign {
            end = exponent;
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kinds(text: &str) -> Vec<(TokenKind, &str)> {
        lex(text)
            .into_iter()
            .filter(|token| token.kind != TokenKind::Whitespace)
            .map(|token| (token.kind, &text[token.span]))
            .collect()
    }

    #[test]
    fn snowflakes_own_forms() {
        use TokenKind::{Comment, Identifier, Keyword, Number, Operator, QuotedIdentifier, String, Variable};
        assert_eq!(kinds("select $$a;b$$ // x"), [(Keyword, "select"), (String, "$$a;b$$"), (Comment, "// x")]);
        assert_eq!(
            kinds("id::number \"a\"\"b\" 1.5e3 :p $1 'it''s \\' so'"),
            [
                (Identifier, "id"),
                (Operator, "::"),
                (Keyword, "number"),
                (QuotedIdentifier, "\"a\"\"b\""),
                (Number, "1.5e3"),
                (Variable, ":p"),
                (Variable, "$1"),
                (String, "'it''s \\' so'"),
            ]
        );
    }

    #[test]
    fn what_is_open_runs_to_the_end() {
        for open in ["'abc", "\"abc", "/* abc", "$$abc"] {
            let tokens = lex(open);
            assert_eq!((tokens.len(), tokens[0].closed), (1, false), "{open}");
        }
    }

    #[test]
    fn the_list_is_sorted_for_the_search() {
        assert!(KEYWORDS.is_sorted());
    }

    proptest! {
        #[test]
        fn tokens_cover_any_text(text in "\\PC{0,60}|[-/*'\"$;:a1.\\\\ \n]{0,60}") {
            let mut at = 0;
            for token in lex(&text) {
                prop_assert_eq!(token.span.start, at);
                prop_assert!(token.span.end > at);
                at = token.span.end;
            }
            prop_assert_eq!(at, text.len());
        }
    }
}

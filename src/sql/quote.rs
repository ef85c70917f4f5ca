//! The only functions that make SQL of names and values.

/// A name in double quotes, exactly as it is spelt.
pub fn quote_identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text in single quotes; Snowflake reads backslashes in it, so they are doubled.
pub fn quote_text(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::super::lexer::{TokenKind, lex};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn quoted_is_one_token_whatever_is_in_it(text in "\\PC{0,20}|['\"\\\\;a]{0,20}") {
            for (sql, kind) in [(quote_text(&text), TokenKind::String), (quote_identifier(&text), TokenKind::QuotedIdentifier)] {
                let tokens = lex(&sql);
                prop_assert_eq!(tokens.len(), 1);
                prop_assert!(tokens[0].closed && tokens[0].kind == kind);
            }
        }
    }
}

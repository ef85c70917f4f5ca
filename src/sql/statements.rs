//! Where statements begin and end.

use std::ops::Range;

use super::lexer::{TokenKind, lex};

/// The statements of a text in bytes, without their semicolons, without the blanks and comments
/// around them. Empty ones are left out.
pub fn statements(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut open: Option<Range<usize>> = None;
    for token in lex(text) {
        match token.kind {
            TokenKind::Whitespace | TokenKind::Comment => {}
            TokenKind::Punctuation if &text[token.span.clone()] == ";" => found.extend(open.take()),
            _ => open = Some(open.map_or(token.span.start, |span| span.start)..token.span.end),
        }
    }
    found.extend(open);
    found
}

/// The statement that holds this byte or ended before it; the first one when none did.
pub fn statement_at(text: &str, at: usize) -> Option<Range<usize>> {
    let mut all = statements(text);
    let index = all.iter().rposition(|span| span.start <= at).unwrap_or(0);
    (index < all.len()).then(|| all.swap_remove(index))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_semicolon_in_a_text_or_comment_ends_nothing() {
        let text = "select '日本;語'; -- a;b\n  select 2 ;;";
        let found: Vec<&str> = statements(text).into_iter().map(|span| &text[span]).collect();
        assert_eq!(found, ["select '日本;語'", "select 2"]);
        assert_eq!(statement_at(text, text.len()).map(|span| &text[span]), Some("select 2"));
        assert_eq!(statement_at(text, 3).map(|span| &text[span]), Some("select '日本;語'"));
        assert_eq!(statement_at(" -- nothing", 0), None);
    }

    proptest! {
        #[test]
        fn spans_are_in_the_text(text in "\\PC{0,40}|[;' a-]{0,40}", at in 0usize..50) {
            for span in statements(&text).into_iter().chain(statement_at(&text, at)) {
                prop_assert!(!text[span].trim().is_empty());
            }
        }
    }
}

//! Values in a query.

/// A piece of a LIKE pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece {
    /// This character.
    Char(char),
    /// `_`: any one character.
    One,
    /// `%`: any text.
    Any,
}

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// Quoted; escapes still in it.
    Text(String),
    Number(f64),
    Boolean(bool),
    /// As written.
    Date(String),
    /// As written.
    DateTime(String),
    /// `TODAY`, `LAST_N_DAYS:7`.
    Days(String, Option<i64>),
    Null,
}

/// The bad escape in a quoted text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadEscape(pub String);

/// Reads the escapes of a quoted text, as pieces for LIKE.
pub fn pieces(raw: &str) -> Result<Vec<Piece>, BadEscape> {
    let mut pieces = Vec::new();
    let mut rest = raw.chars();
    while let Some(char) = rest.next() {
        let piece = match char {
            '%' => Piece::Any,
            '_' => Piece::One,
            '\\' => Piece::Char(match rest.next() {
                Some('n' | 'N') => '\n',
                Some('r' | 'R') => '\r',
                Some('t' | 'T') => '\t',
                Some('b' | 'B') => '\u{8}',
                Some('f' | 'F') => '\u{c}',
                Some(it @ ('"' | '\'' | '\\' | '_' | '%')) => it,
                Some('u') => {
                    let digits: String = rest.by_ref().take(4).collect();
                    let code = u32::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 4);
                    code.and_then(char::from_u32).ok_or_else(|| BadEscape(format!("\\u{digits}")))?
                }
                other => return Err(BadEscape(format!("\\{}", other.map(String::from).unwrap_or_default()))),
            }),
            other => Piece::Char(other),
        };
        pieces.push(piece);
    }
    Ok(pieces)
}

/// Reads the escapes of a quoted text, as the text they stand for.
pub fn text(raw: &str) -> Result<String, BadEscape> {
    Ok(pieces(raw)?
        .into_iter()
        .map(|piece| match piece {
            Piece::Char(char) => char,
            Piece::One => '_',
            Piece::Any => '%',
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::lexer::{Token, lex};
    use super::*;

    /// What the documentation tells a client to do.
    fn escape(text: &str) -> String {
        text.replace('\\', "\\\\").replace('\'', "\\'")
    }

    proptest! {
        #[test]
        fn an_escaped_text_reads_back_as_itself(original in "\\PC*|[\\\\'\"%_\n\r\t nrtbf]*") {
            let query = format!("SELECT Id FROM Contact WHERE Name = '{}' LIMIT 1", escape(&original));
            let tokens = lex(&query).unwrap();
            let raw = tokens.iter().find_map(|placed| match &placed.token {
                Token::Text(raw) => Some(raw.clone()),
                _ => None,
            });
            prop_assert_eq!(text(&raw.unwrap()).unwrap(), original);
            prop_assert_eq!(&tokens[tokens.len() - 2].token, &Token::Number("1".to_owned()));
        }

        #[test]
        fn no_query_makes_the_lexer_panic(query in ".*") {
            let _ = lex(&query);
        }
    }

    #[test]
    fn every_escape_is_known() {
        assert_eq!(text(r#"O\'Brien \\ \n\r\t\b\f\" \u00e9 \_\%"#).unwrap(), "O'Brien \\ \n\r\t\u{8}\u{c}\" é _%");
        assert_eq!(text(r"\q"), Err(BadEscape("\\q".to_owned())));
        assert_eq!(pieces(r"a\%_%").unwrap(), [Piece::Char('a'), Piece::Char('%'), Piece::One, Piece::Any]);
    }
}

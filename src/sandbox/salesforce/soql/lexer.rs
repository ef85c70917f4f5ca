//! The words of a query.

use super::super::errors::Refusal;
use super::error_at;

/// One word.
#[derive(Debug, Clone, PartialEq)]
pub enum Token {
    /// A name, a keyword or a dotted path.
    Word(String),
    /// What stands between quotes, escapes still in it.
    Text(String),
    /// A number, a date or a datetime, as written.
    Number(String),
    /// A sign such as `(` or `!=`.
    Sign(&'static str),
    /// The end.
    End,
}

impl Token {
    /// How errors name it.
    pub fn shown(&self) -> String {
        match self {
            Self::Word(text) | Self::Number(text) => text.clone(),
            Self::Text(raw) => format!("'{raw}'"),
            Self::Sign(sign) => (*sign).to_owned(),
            Self::End => "<EOF>".to_owned(),
        }
    }
}

/// A word and where it begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    pub token: Token,
    pub offset: usize,
}

/// Longer ones first.
const SIGNS: &[&str] = &["<=", ">=", "!=", "<>", "(", ")", ",", "=", "<", ">", ":"];

/// Splits a query into words; the last one is always [`Token::End`].
pub fn lex(query: &str) -> Result<Vec<Placed>, Refusal> {
    let bytes = query.as_bytes();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        let byte = bytes[at];
        let token = if byte.is_ascii_whitespace() {
            at += 1;
            continue;
        } else if byte.is_ascii_alphabetic() || byte == b'_' {
            at = end_of(bytes, at, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'));
            Token::Word(query[start..at].to_owned())
        } else if byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.') {
            at =
                end_of(bytes, at + 1, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b':' | b'-' | b'+'));
            Token::Number(query[start..at].to_owned())
        } else if byte == b'\'' {
            at += 1;
            loop {
                match bytes.get(at) {
                    Some(b'\\') => at += 2,
                    Some(b'\'') => break,
                    Some(_) => at += 1,
                    None => {
                        let message = "unexpected char: '''";
                        return Err(error_at(query, start, "MALFORMED_QUERY", message));
                    }
                }
            }
            at += 1;
            Token::Text(query[start + 1..at - 1].to_owned())
        } else if let Some(sign) = SIGNS.iter().find(|sign| query[at..].starts_with(**sign)) {
            at += sign.len();
            Token::Sign(sign)
        } else {
            let odd = query[at..].chars().next().unwrap_or_default();
            return Err(error_at(query, at, "MALFORMED_QUERY", &format!("unexpected char: '{odd}'")));
        };
        tokens.push(Placed { token, offset: start });
    }
    tokens.push(Placed { token: Token::End, offset: query.len() });
    Ok(tokens)
}

fn end_of(bytes: &[u8], from: usize, inside: impl Fn(u8) -> bool) -> usize {
    bytes[from..].iter().position(|&byte| !inside(byte)).map_or(bytes.len(), |length| from + length)
}

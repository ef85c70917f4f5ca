//! SQL as text: what an editor and a linter know of it. Never fails, on whatever is half-typed.
//!
//! Pure and synchronous. Snowflake's dialect: `$$…$$` texts, `//` comments, `:path`, `$1`.

mod lexer;
mod lint;
mod quote;
mod statements;
mod tables;

pub use lexer::{Token, TokenKind, lex};
pub use lint::{Lint, lint};
pub use quote::{quote_identifier, quote_text};
pub use statements::{statement_at, statements};
pub use tables::{TableName, tables};

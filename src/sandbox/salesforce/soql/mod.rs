//! SOQL: text → tokens → a tree → SQL on the store, with aggregates reckoned here.

pub mod aggregate;
pub mod ast;
pub mod compile;
pub mod lexer;
pub mod literal;
pub mod parser;

use super::errors::Refusal;

/// How much of a query an error shows on either side of its place, in characters.
const SHOWN: usize = 60;

/// An error at a place in the query, shown as Salesforce shows it: the line, a caret, the position.
pub fn error_at(query: &str, offset: usize, code: &str, message: &str) -> Refusal {
    let offset = offset.min(query.len());
    let before = &query[..offset];
    let row = before.matches('\n').count() + 1;
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let column = before[line_start..].chars().count() + 1;
    let line: Vec<char> = query[line_start..].lines().next().unwrap_or_default().chars().collect();
    let from = (column - 1).saturating_sub(SHOWN).min(line.len());
    let until = (column - 1 + SHOWN).min(line.len());
    let shown: String = line[from..until].iter().collect();
    let caret = " ".repeat(column - 1 - from);
    let text = format!("\n{shown}\n{caret}^\nERROR at Row:{row}:Column:{column}\n{message}");
    Refusal::call(400, code, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_shown_as_recorded() {
        let query = "select count() from XYZZY";
        let shown = error_at(query, 20, "INVALID_TYPE", "sObject type 'XYZZY' is not supported.").message;
        assert_eq!(
            shown,
            "\nselect count() from XYZZY\n                    ^\nERROR at Row:1:Column:21\n\
             sObject type 'XYZZY' is not supported."
        );
    }
}

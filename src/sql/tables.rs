//! Which tables a query reads, as far as its text says.

use std::collections::HashSet;

use super::lexer::{Token, TokenKind, lex};

/// Words after which a `FROM` clause is over.
const ENDS_FROM: &[&str] = &[
    "WHERE",
    "GROUP",
    "HAVING",
    "QUALIFY",
    "ORDER",
    "LIMIT",
    "OFFSET",
    "FETCH",
    "UNION",
    "EXCEPT",
    "INTERSECT",
    "MINUS",
    "WINDOW",
    "CONNECT",
    "START",
];

/// The name of a table as it is kept: without quotes, upper case where it had none.
///
/// One to three parts: table, schema and table, database and schema and table. An empty schema
/// (`DB..T`) is `PUBLIC`.
pub type TableName = Vec<String>;

/// One pair of parentheses, or the text around all of them.
#[derive(Default)]
struct Scope {
    /// Whether this is a query: `FROM` in `EXTRACT(YEAR FROM x)` names no table.
    is_query: bool,
    in_from: bool,
    expects_table: bool,
}

/// The tables and views that a text reads, each once, in the order of their names. Names of common
/// table expressions and table functions are left out.
pub fn tables(text: &str) -> Vec<TableName> {
    let tokens: Vec<Token> = lex(text)
        .into_iter()
        .filter(|token| !matches!(token.kind, TokenKind::Whitespace | TokenKind::Comment))
        .collect();
    let reader = Reader { text, tokens };
    let local = reader.common_table_expressions();
    let mut found: Vec<TableName> =
        reader.read().into_iter().filter(|name| name.len() > 1 || !local.contains(&name[0])).collect();
    found.sort();
    found.dedup();
    found
}

struct Reader<'a> {
    text: &'a str,
    tokens: Vec<Token>,
}

impl Reader<'_> {
    fn word(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| &self.text[token.span.clone()])
    }

    fn is(&self, at: usize, word: &str) -> bool {
        self.tokens.get(at).is_some_and(|token| token.kind != TokenKind::QuotedIdentifier)
            && self.word(at).eq_ignore_ascii_case(word)
    }

    /// The name at this place, as it is kept.
    fn name(&self, at: usize, keywords_too: bool) -> Option<String> {
        let token = self.tokens.get(at)?;
        match token.kind {
            TokenKind::QuotedIdentifier if token.closed => {
                let quoted = self.word(at);
                Some(quoted[1..quoted.len() - 1].replace("\"\"", "\""))
            }
            TokenKind::Identifier => Some(self.word(at).to_uppercase()),
            TokenKind::Keyword if keywords_too => Some(self.word(at).to_uppercase()),
            _ => None,
        }
    }

    /// Names before `AS (`, with or without a list of columns between.
    fn common_table_expressions(&self) -> HashSet<String> {
        let mut names = HashSet::new();
        for at in 1..self.tokens.len() {
            if !(self.is(at, "AS") && self.is(at + 1, "(")) {
                continue;
            }
            let mut before = at - 1;
            if self.is(before, ")") {
                let mut depth = 0_usize;
                loop {
                    depth = if self.is(before, ")") { depth + 1 } else { depth - usize::from(self.is(before, "(")) };
                    if before == 0 || depth == 0 {
                        break;
                    }
                    before -= 1;
                }
                before = before.saturating_sub(1);
            }
            names.extend(self.name(before, false));
        }
        names
    }

    fn read(&self) -> Vec<TableName> {
        let mut found = Vec::new();
        let mut scopes = vec![Scope::default()];
        let mut at = 0;
        while at < self.tokens.len() {
            let depth = scopes.len();
            let Some(scope) = scopes.last_mut() else { break };
            match self.word(at) {
                "(" => {
                    // `FROM (a JOIN b ON …)` or `FROM (SELECT …)`: the next word says which.
                    let expects_table = std::mem::take(&mut scope.expects_table);
                    scopes.push(Scope { is_query: expects_table, in_from: expects_table, expects_table });
                    at += 1;
                    continue;
                }
                ")" => {
                    if depth > 1 {
                        scopes.pop();
                    }
                    at += 1;
                    continue;
                }
                _ => {}
            }
            if self.is(at, "SELECT") {
                *scope = Scope { is_query: true, ..Scope::default() };
            } else if self.is(at, "FROM") {
                let compares = at > 0 && self.is(at - 1, "DISTINCT") && !self.is(at.wrapping_sub(2), "SELECT");
                if scope.is_query && !compares {
                    (scope.in_from, scope.expects_table) = (true, true);
                }
            } else if self.is(at, "JOIN") || (scope.in_from && self.is(at, ",")) {
                scope.expects_table = scope.in_from;
            } else if ENDS_FROM.iter().any(|word| self.is(at, word)) {
                (scope.in_from, scope.expects_table) = (false, false);
            } else if scope.expects_table && !self.is(at, "LATERAL") {
                scope.expects_table = false;
                if let Some((name, next)) = self.table(at) {
                    found.extend(name);
                    at = next;
                    continue;
                }
            }
            at += 1;
        }
        found
    }

    /// The name that begins here and where it ends; no name where a function is called.
    fn table(&self, at: usize) -> Option<(Option<TableName>, usize)> {
        let mut parts = vec![self.name(at, false)?];
        let mut next = at + 1;
        while self.is(next, ".") && parts.len() < 3 {
            next += 1;
            if self.is(next, ".") {
                parts.push("PUBLIC".to_owned());
                continue;
            }
            let Some(part) = self.name(next, true) else { break };
            parts.push(part);
            next += 1;
        }
        let called = self.is(next, "(");
        Some(((!called).then_some(parts), next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(text: &str) -> Vec<String> {
        tables(text).into_iter().map(|name| name.join(".")).collect()
    }

    #[test]
    fn tables_are_found_where_a_query_reads_them() {
        for (text, names) in [
            ("select 1", vec![]),
            (
                "SELECT * FROM demo.sales.customers c WHERE x IN (SELECT y FROM other)",
                vec!["DEMO.SALES.CUSTOMERS", "OTHER"],
            ),
            (
                "select * from a, b as bb left join \"My Db\"..\"T\"\"x\" on a.id = b.id, c",
                vec!["A", "B", "C", "My Db.PUBLIC.T\"x"],
            ),
            ("with x as (select * from t), y (a, b) as (select 1, 2) select * from x join y using (id)", vec!["T"]),
            ("select * from (select * from s.inner) q join (a join b on a.i = b.i) on true", vec!["A", "B", "S.INNER"]),
            ("select extract(year from d), trim(both ' ' from n) from t where a is distinct from b", vec!["T"]),
            ("select * from t, lateral flatten(input => t.v) f, table(generator(rowcount => 1))", vec!["T"]),
            ("select distinct from_date from t union all select * from u order by a, b", vec!["T", "U"]),
            ("-- from x\nselect 'from y' from t /* from z */", vec!["T"]),
            ("select * from @stage/file.csv", vec![]),
            ("select * from db.public.date", vec!["DB.PUBLIC.DATE"]),
            ("select * from t at (timestamp => 'x') where exists (select 1 from v)", vec!["T", "V"]),
        ] {
            assert_eq!(found(text), names, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_fall(text in "(select|from|join|as|with|lateral|,|\\.|\\(|\\)|a|\"b\"| |\\PC){0,40}") {
            for name in tables(&text) {
                prop_assert!((1..=3).contains(&name.len()));
            }
        }
    }
}

//! Words to tree.

use super::super::errors::Refusal;
use super::super::time;
use super::ast::{Aggregate, Condition, Function, Item, Operand, Operator, Order, Path, Query};
use super::error_at;
use super::lexer::{Placed, Token, lex};
use super::literal::Literal;

/// Conditions may nest this deep.
const DEEPEST: usize = 100;

/// Reads a query.
pub fn parse(text: &str) -> Result<Query, Refusal> {
    let mut parser = Parser { text, tokens: lex(text)?, at: 0, depth: 0 };
    let query = parser.query()?;
    match parser.tokens[parser.at].token {
        Token::End => Ok(query),
        _ => Err(parser.unexpected()),
    }
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Placed>,
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn query(&mut self) -> Result<Query, Refusal> {
        self.expect_word("SELECT")?;
        let mut items = vec![self.item()?];
        while self.take_sign(",") {
            items.push(self.item()?);
        }
        self.expect_word("FROM")?;
        let object_offset = self.offset();
        let object = self.name()?;
        let alias = match &self.tokens[self.at].token {
            Token::Word(word) if !is_clause(word) => {
                let word = word.clone();
                self.at += 1;
                if word.eq_ignore_ascii_case("AS") { Some(self.name()?) } else { Some(word) }
            }
            _ => None,
        };
        if self.take_word("USING") {
            self.expect_word("SCOPE")?;
            self.name()?;
        }
        let condition = if self.take_word("WHERE") { Some(self.condition()?) } else { None };
        let mut group_by = Vec::new();
        if self.take_word("GROUP") {
            self.expect_word("BY")?;
            group_by.push(self.path()?);
            while self.take_sign(",") {
                group_by.push(self.path()?);
            }
        }
        let having = if self.take_word("HAVING") { Some(self.condition()?) } else { None };
        let mut order_by = Vec::new();
        if self.take_word("ORDER") {
            self.expect_word("BY")?;
            order_by.push(self.order()?);
            while self.take_sign(",") {
                order_by.push(self.order()?);
            }
        }
        let limit = if self.take_word("LIMIT") { Some(self.count()?) } else { None };
        let offset = if self.take_word("OFFSET") { Some(self.count()?) } else { None };
        if self.take_word("FOR") {
            // FOR VIEW, FOR REFERENCE, FOR UPDATE change nothing that is answered.
            self.name()?;
        }
        if self.take_word("ALL") {
            self.expect_word("ROWS")?;
            return Err(error_at(self.text, self.offset(), "MALFORMED_QUERY", "ALL ROWS not allowed in this context"));
        }
        Ok(Query { items, object, object_offset, alias, condition, group_by, having, order_by, limit, offset })
    }

    fn item(&mut self) -> Result<Item, Refusal> {
        if let (Token::Sign("("), Token::Word(word)) = (&self.tokens[self.at].token, self.peek(1))
            && word.eq_ignore_ascii_case("SELECT")
        {
            self.at += 1;
            self.depth += 1;
            if self.depth > DEEPEST {
                return Err(self.unexpected());
            }
            let query = self.query()?;
            self.depth -= 1;
            self.expect_sign(")")?;
            return Ok(Item::Children(Box::new(query)));
        }
        if let (Token::Word(word), Token::Sign("(")) = (&self.tokens[self.at].token, self.peek(1))
            && word.eq_ignore_ascii_case("FIELDS")
        {
            let offset = self.offset();
            self.at += 2;
            let which = self.name()?;
            self.expect_sign(")")?;
            return Ok(Item::Fields(which.to_ascii_uppercase(), offset));
        }
        let operand = self.operand()?;
        let alias = match &self.tokens[self.at].token {
            Token::Word(word) if !word.eq_ignore_ascii_case("FROM") => Some(word.clone()),
            _ => None,
        };
        if alias.is_some() {
            self.at += 1;
        }
        Ok(Item::Operand(operand, alias))
    }

    fn operand(&mut self) -> Result<Operand, Refusal> {
        let offset = self.offset();
        let (Token::Word(word), Token::Sign("(")) = (&self.tokens[self.at].token, self.peek(1)) else {
            return Ok(Operand::Path(self.path()?));
        };
        let function = match word.to_ascii_uppercase().as_str() {
            "COUNT" => Function::Count,
            "COUNT_DISTINCT" => Function::CountDistinct,
            "SUM" => Function::Sum,
            "MIN" => Function::Min,
            "MAX" => Function::Max,
            "AVG" => Function::Avg,
            _ => return Err(self.unexpected_at(self.at + 1)),
        };
        self.at += 2;
        let argument = match self.tokens[self.at].token {
            Token::Sign(")") if function == Function::Count => None,
            _ => Some(self.path()?),
        };
        self.expect_sign(")")?;
        Ok(Operand::Aggregate(Aggregate { function, argument, offset }))
    }

    fn path(&mut self) -> Result<Path, Refusal> {
        let offset = self.offset();
        match &self.tokens[self.at].token {
            Token::Word(word) if !is_reserved(word) => {
                let parts: Vec<String> = word.split('.').map(str::to_owned).collect();
                if parts.iter().any(String::is_empty) {
                    return Err(self.unexpected());
                }
                self.at += 1;
                Ok(Path { parts, offset })
            }
            _ => Err(self.unexpected()),
        }
    }

    fn order(&mut self) -> Result<Order, Refusal> {
        let operand = self.operand()?;
        let descending = if self.take_word("DESC") {
            true
        } else {
            self.take_word("ASC");
            false
        };
        let mut nulls_last = false;
        if self.take_word("NULLS") {
            nulls_last = self.take_word("LAST");
            if !nulls_last {
                self.expect_word("FIRST")?;
            }
        }
        Ok(Order { operand, descending, nulls_last })
    }

    fn condition(&mut self) -> Result<Condition, Refusal> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(error_at(self.text, self.offset(), "MALFORMED_QUERY", "The WHERE clause is nested too deeply"));
        }
        let first = self.simple()?;
        // AND and OR do not mix on one level without parentheses.
        let condition = if self.is_word("AND") {
            let mut all = vec![first];
            while self.take_word("AND") {
                all.push(self.simple()?);
            }
            Condition::All(all)
        } else if self.is_word("OR") {
            let mut any = vec![first];
            while self.take_word("OR") {
                any.push(self.simple()?);
            }
            Condition::Any(any)
        } else {
            first
        };
        self.depth -= 1;
        if self.is_word("AND") || self.is_word("OR") { Err(self.unexpected()) } else { Ok(condition) }
    }

    fn simple(&mut self) -> Result<Condition, Refusal> {
        if self.take_word("NOT") {
            self.depth += 1;
            if self.depth > DEEPEST {
                return Err(self.unexpected());
            }
            let inner = self.simple()?;
            self.depth -= 1;
            return Ok(Condition::Not(Box::new(inner)));
        }
        if self.take_sign("(") {
            let inner = self.condition()?;
            self.expect_sign(")")?;
            return Ok(inner);
        }
        let operand = self.operand()?;
        if self.take_word("NOT") {
            self.expect_word("IN")?;
            return Ok(Condition::In { operand, negated: true, literals: self.literals()? });
        }
        if self.take_word("IN") {
            return Ok(Condition::In { operand, negated: false, literals: self.literals()? });
        }
        let operator = match &self.tokens[self.at].token {
            Token::Sign("=") => Operator::Equal,
            Token::Sign("!=" | "<>") => Operator::NotEqual,
            Token::Sign("<") => Operator::Less,
            Token::Sign("<=") => Operator::LessOrEqual,
            Token::Sign(">") => Operator::Greater,
            Token::Sign(">=") => Operator::GreaterOrEqual,
            Token::Word(word) if word.eq_ignore_ascii_case("LIKE") => Operator::Like,
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        Ok(Condition::Compare { operand, operator, literal: self.literal()? })
    }

    fn literals(&mut self) -> Result<Vec<Literal>, Refusal> {
        self.expect_sign("(")?;
        let mut literals = vec![self.literal()?];
        while self.take_sign(",") {
            literals.push(self.literal()?);
        }
        self.expect_sign(")")?;
        Ok(literals)
    }

    fn literal(&mut self) -> Result<Literal, Refusal> {
        let literal = match &self.tokens[self.at].token {
            Token::Text(raw) => {
                if let Err(bad) = super::literal::text(raw) {
                    let message = format!(
                        "Invalid string literal '{raw}'. Illegal character sequence '{}' in string literal.",
                        bad.0
                    );
                    return Err(error_at(self.text, self.offset(), "MALFORMED_QUERY", &message));
                }
                Literal::Text(raw.clone())
            }
            Token::Number(text) => {
                if time::read_date(text).is_some() {
                    Literal::Date(text.clone())
                } else if time::read_datetime(text).is_some() {
                    Literal::DateTime(text.clone())
                } else if let Some(number) = text.parse().ok().filter(|number: &f64| number.is_finite()) {
                    Literal::Number(number)
                } else {
                    return Err(self.unexpected());
                }
            }
            Token::Word(word) => match word.to_ascii_lowercase().as_str() {
                "null" => Literal::Null,
                "true" => Literal::Boolean(true),
                "false" => Literal::Boolean(false),
                _ => return self.days(&word.clone()),
            },
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        Ok(literal)
    }

    /// `TODAY` or `LAST_N_DAYS:7`.
    fn days(&mut self, word: &str) -> Result<Literal, Refusal> {
        let mut used = 1;
        let mut count = None;
        if self.peek(1) == &Token::Sign(":")
            && let Token::Number(number) = self.peek(2)
        {
            count = number.parse().ok();
            used = 3;
        }
        if time::literal(word, count).is_none() {
            return Err(self.unexpected());
        }
        self.at += used;
        Ok(Literal::Days(word.to_owned(), count))
    }

    fn count(&mut self) -> Result<u64, Refusal> {
        let count = match &self.tokens[self.at].token {
            Token::Number(text) => text.parse().ok(),
            _ => None,
        };
        let count = count.ok_or_else(|| self.unexpected())?;
        self.at += 1;
        Ok(count)
    }

    fn name(&mut self) -> Result<String, Refusal> {
        match &self.tokens[self.at].token {
            Token::Word(word) if !word.contains('.') => {
                let word = word.clone();
                self.at += 1;
                Ok(word)
            }
            _ => Err(self.unexpected()),
        }
    }

    fn offset(&self) -> usize {
        self.tokens[self.at].offset
    }

    fn peek(&self, ahead: usize) -> &Token {
        self.tokens.get(self.at + ahead).map_or(&Token::End, |placed| &placed.token)
    }

    fn is_word(&self, keyword: &str) -> bool {
        matches!(&self.tokens[self.at].token, Token::Word(word) if word.eq_ignore_ascii_case(keyword))
    }

    fn take_word(&mut self, keyword: &str) -> bool {
        let found = self.is_word(keyword);
        self.at += usize::from(found);
        found
    }

    fn take_sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.tokens[self.at].token, Token::Sign(it) if it == sign);
        self.at += usize::from(found);
        found
    }

    fn expect_word(&mut self, keyword: &str) -> Result<(), Refusal> {
        if self.take_word(keyword) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn expect_sign(&mut self, sign: &str) -> Result<(), Refusal> {
        if self.take_sign(sign) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn unexpected(&self) -> Refusal {
        self.unexpected_at(self.at)
    }

    fn unexpected_at(&self, at: usize) -> Refusal {
        let placed = &self.tokens[at.min(self.tokens.len() - 1)];
        let message = format!("unexpected token: '{}'", placed.token.shown());
        error_at(self.text, placed.offset, "MALFORMED_QUERY", &message)
    }
}

fn is_clause(word: &str) -> bool {
    ["WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "USING", "FOR", "ALL", "WITH"]
        .iter()
        .any(|keyword| word.eq_ignore_ascii_case(keyword))
}

fn is_reserved(word: &str) -> bool {
    is_clause(word)
        || ["SELECT", "FROM", "AND", "OR", "NOT", "IN", "LIKE", "ASC", "DESC", "NULLS", "NULL", "TRUE", "FALSE"]
            .iter()
            .any(|keyword| word.eq_ignore_ascii_case(keyword))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_a_query_with_everything() {
        let query = parse(
            "select Id, Account.Name from Contact c where (Email in ('a','b') or LastName like 'O%') and not \
             VIP__c = true order by CreatedDate desc nulls last, Id limit 5 offset 2",
        )
        .unwrap();
        assert_eq!(query.object, "Contact");
        assert_eq!(query.alias.as_deref(), Some("c"));
        assert_eq!(query.items.len(), 2);
        assert!(matches!(query.condition, Some(Condition::All(ref all)) if all.len() == 2));
        assert_eq!((query.limit, query.offset), (Some(5), Some(2)));
        assert!(query.order_by[0].descending && query.order_by[0].nulls_last);
    }

    #[test]
    fn broken_queries_name_the_token() {
        for (text, token) in [
            ("SELECT Id FROM Contact WHERE", "<EOF>"),
            ("SELECT FROM Contact", "FROM"),
            ("SELECT Id FROM Contact WHERE Name = 'a' AND Title = 'b' OR Phone = 'c'", "OR"),
            ("SELECT Id FROM Contact LIMIT x", "x"),
            ("SELECT Id FROM Contact WHERE Name == 'a'", "="),
            ("SELECT Id FROM Contact WHERE CreatedDate > LAST_N_DAYS", "LAST_N_DAYS"),
        ] {
            let refused = parse(text).unwrap_err();
            assert_eq!(refused.code, "MALFORMED_QUERY", "{text}");
            assert!(refused.message.ends_with(&format!("unexpected token: '{token}'")), "{}", refused.message);
        }
        assert_eq!(parse("SELECT Id FROM Contact WHERE Name = 'a").unwrap_err().code, "MALFORMED_QUERY");
    }

    proptest! {
        #[test]
        fn no_query_makes_the_parser_panic(tail in "[ ()'=<>!,:.a-z0-9ANDORNTILK-]*") {
            let _ = parse(&format!("SELECT Id FROM Contact WHERE {tail}"));
            let _ = parse(&tail);
        }
    }
}

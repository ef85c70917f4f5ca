//! A query as SQL on the store.

use rusqlite::types::Value as Cell;

use super::super::errors::Refusal;
use super::super::schema::{Field, Kind, Object, Schema};
use super::super::{ids, records, time};
use super::aggregate::Grouping;
use super::ast::{Condition, Item, Operand, Operator, Path, Query};
use super::error_at;
use super::literal::{self, Literal, Piece};
use super::parser::parse;

/// The longest query, in characters.
const LONGEST: usize = 100_000;
/// The largest OFFSET.
const FARTHEST: u64 = 2_000;

/// A table that a query reads: the object itself, or a parent of a table before it.
#[derive(Debug, Clone)]
pub struct Source {
    pub object: &'static Object,
    /// Relationship names from the object asked for to this one.
    pub path: Vec<String>,
}

/// A field of one of the sources.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    pub source: usize,
    pub field: &'static Field,
}

/// What the answer looks like.
#[derive(Debug, Clone)]
pub enum Shape {
    /// Records with these fields.
    Rows(Vec<Column>),
    /// Only how many.
    Count,
    /// Groups of records.
    Groups(Grouping),
}

/// A query, ready to run.
#[derive(Debug, Clone)]
pub struct Plan {
    pub sources: Vec<Source>,
    pub shape: Shape,
    pub sql: String,
    pub values: Vec<Cell>,
    pub children: Vec<Child>,
}

/// A query about the records that refer to one of another query.
#[derive(Debug, Clone)]
pub struct Child {
    /// The relationship's name: `Contacts`.
    pub name: String,
    /// Its first value is the parent's id, still to be put in.
    pub plan: Plan,
}

/// Reads a query and turns it into SQL. `deleted` also finds what is in the bin (`queryAll`).
pub fn compile(schema: &'static Schema, text: &str, deleted: bool) -> Result<Plan, Refusal> {
    if text.chars().count() > LONGEST {
        let message = format!("SOQL statements cannot be longer than {LONGEST} characters.");
        return Err(Refusal::call(400, "QUERY_TOO_COMPLICATED", message));
    }
    if text.trim().is_empty() {
        return Err(Refusal::call(400, "MALFORMED_QUERY", "SOQL statement cannot be empty."));
    }
    let query = parse(text)?;
    let object = schema.object(&query.object).ok_or_else(|| {
        let message = format!(
            "sObject type '{}' is not supported. If you are attempting to use a custom object, be sure to append the \
             '__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names.",
            query.object
        );
        error_at(text, query.object_offset, "INVALID_TYPE", &message)
    })?;
    let mut compiler = Compiler {
        schema,
        text,
        alias: query.alias.clone(),
        sources: vec![Source { object, path: Vec::new() }],
        joins: Vec::new(),
        values: Vec::new(),
        children: Vec::new(),
        deleted,
    };
    compiler.plan(&query, None)
}

/// What a query is being made of.
pub struct Compiler<'a> {
    schema: &'static Schema,
    text: &'a str,
    alias: Option<String>,
    sources: Vec<Source>,
    joins: Vec<String>,
    values: Vec<Cell>,
    children: Vec<Child>,
    /// Also finds what is in the bin.
    deleted: bool,
}

impl Compiler<'_> {
    /// `parent` is the field that must hold the first of the values.
    fn plan(&mut self, query: &Query, parent: Option<&Field>) -> Result<Plan, Refusal> {
        if query.offset.is_some_and(|offset| offset > FARTHEST) {
            let message = format!("Maximum SOQL offset allowed is {FARTHEST}");
            return Err(self.error(0, "NUMBER_OUTSIDE_VALID_RANGE", &message));
        }
        let mut shape = self.shape(query)?;
        let base = self.sources[0].object;
        let mut conditions = Vec::new();
        if let Some(field) = parent {
            self.values.push(Cell::Null);
            conditions.push(format!("t0.\"{}\" = ?{}", field.name, self.values.len()));
        }
        if !self.deleted && base.field("IsDeleted").is_some() {
            conditions.push("t0.\"IsDeleted\" = 0".to_owned());
        }
        if let Some(condition) = &query.condition {
            conditions.push(self.condition(condition, false)?);
        }
        let condition = if conditions.is_empty() { "1".to_owned() } else { conditions.join(" AND ") };
        let mut order = Vec::new();
        if let Shape::Groups(grouping) = &mut shape {
            grouping.order(self, &query.order_by)?;
        } else {
            for key in &query.order_by {
                let Operand::Path(path) = &key.operand else {
                    return Err(self.error(
                        key.operand.offset(),
                        "MALFORMED_QUERY",
                        "Ordered field must be grouped or aggregated",
                    ));
                };
                let column = self.resolve(path)?;
                if !column.field.sortable {
                    let message = format!("field '{}' can not be sorted in a query call", column.field.name);
                    return Err(self.error(path.offset, "INVALID_FIELD", &message));
                }
                order.push(format!(
                    "{}{}{}, ",
                    sql_name(column),
                    if key.descending { " DESC" } else { " ASC" },
                    if key.nulls_last { " NULLS LAST" } else { " NULLS FIRST" },
                ));
            }
        }
        let bodies: Vec<String> = (0..self.sources.len()).map(|source| format!("t{source}.body")).collect();
        let window = match (query.limit, query.offset) {
            (None, None) => String::new(),
            (limit, offset) => {
                let limit = limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX));
                format!(" LIMIT {limit} OFFSET {}", offset.unwrap_or(0))
            }
        };
        let from = format!("FROM \"{}\" t0{} WHERE {condition}", base.name, self.joins.concat());
        let sql = match &shape {
            Shape::Rows(_) => format!("SELECT {} {from} ORDER BY {}t0.seq{window}", bodies.join(", "), order.concat()),
            Shape::Count => format!("SELECT COUNT(*) FROM (SELECT 1 {from}{window})"),
            Shape::Groups(_) => format!("SELECT {} {from} ORDER BY t0.seq", bodies.join(", ")),
        };
        Ok(Plan {
            sources: std::mem::take(&mut self.sources),
            shape,
            sql,
            values: std::mem::take(&mut self.values),
            children: std::mem::take(&mut self.children),
        })
    }

    fn shape(&mut self, query: &Query) -> Result<Shape, Refusal> {
        let counts_all = |item: &Item| matches!(item, Item::Operand(Operand::Aggregate(aggregate), _) if aggregate.argument.is_none());
        if query.items.iter().any(counts_all) {
            if query.items.len() == 1
                && query.group_by.is_empty()
                && query.having.is_none()
                && query.order_by.is_empty()
            {
                return Ok(Shape::Count);
            }
            return Err(self.error(0, "MALFORMED_QUERY", "Grouped query cannot use COUNT() with other fields"));
        }
        let aggregates = query.items.iter().any(|item| matches!(item, Item::Operand(Operand::Aggregate(_), _)));
        if aggregates || !query.group_by.is_empty() {
            return Ok(Shape::Groups(Grouping::new(self, query)?));
        }
        if query.having.is_some() {
            return Err(self.error(0, "MALFORMED_QUERY", "unexpected token: 'HAVING'"));
        }
        let mut columns: Vec<Column> = Vec::new();
        for item in &query.items {
            match item {
                Item::Fields(which, offset) => {
                    if which != "STANDARD" && query.limit.is_none_or(|limit| limit > 200) {
                        let message = "The SOQL FIELDS function must have a LIMIT of at most 200";
                        return Err(self.error(*offset, "MALFORMED_QUERY", message));
                    }
                    let wanted = |field: &&'static Field| match which.as_str() {
                        "STANDARD" => !field.custom(),
                        "CUSTOM" => field.custom(),
                        _ => true,
                    };
                    let fields = self.sources[0].object.fields.iter().filter(wanted);
                    columns.extend(fields.map(|field| Column { source: 0, field }));
                }
                Item::Children(query) => {
                    let child = self.child(query)?;
                    self.children.push(child);
                }
                Item::Operand(Operand::Path(path), None) => {
                    let column = self.resolve(path)?;
                    let known = |it: &Column| it.source == column.source && it.field.name == column.field.name;
                    if columns.iter().any(known) {
                        let message = format!("duplicate field selected: {}", path.parts.join("."));
                        return Err(self.error(path.offset, "INVALID_FIELD", &message));
                    }
                    columns.push(column);
                }
                Item::Operand(operand, _) => {
                    let message = "only aggregate expressions use field aliasing";
                    return Err(self.error(operand.offset(), "MALFORMED_QUERY", message));
                }
            }
        }
        Ok(Shape::Rows(columns))
    }

    /// A query about records that refer to those of this one.
    fn child(&self, query: &Query) -> Result<Child, Refusal> {
        let base = self.sources[0].object;
        let found = self.schema.children(base).find(|(_, _, name)| name.eq_ignore_ascii_case(&query.object));
        let Some((object, field, name)) = found else {
            let message = format!(
                "Didn't understand relationship '{}' in FROM part of query call. If you are attempting to use a custom \
                 relationship, be sure to append the '__r' after the custom relationship name. Please reference your \
                 WSDL or the describe call for the appropriate names.",
                query.object
            );
            return Err(self.error(query.object_offset, "INVALID_TYPE", &message));
        };
        let mut compiler = Compiler {
            text: self.text,
            schema: self.schema,
            alias: query.alias.clone(),
            sources: vec![Source { object, path: Vec::new() }],
            joins: Vec::new(),
            values: Vec::new(),
            children: Vec::new(),
            deleted: self.deleted,
        };
        let plan = compiler.plan(query, Some(field))?;
        if !matches!(plan.shape, Shape::Rows(_)) || !plan.children.is_empty() {
            let message = "only root queries support aggregate expressions and subqueries";
            return Err(self.error(query.object_offset, "MALFORMED_QUERY", message));
        }
        Ok(Child { name: name.to_owned(), plan })
    }

    /// The field a path leads to; joins the parents on the way.
    pub fn resolve(&mut self, path: &Path) -> Result<Column, Refusal> {
        let mut parts = path.parts.as_slice();
        let base = self.sources[0].object;
        if parts.len() > 1 {
            let first = &parts[0];
            let itself = first.eq_ignore_ascii_case(&base.name)
                || self.alias.as_ref().is_some_and(|alias| alias.eq_ignore_ascii_case(first));
            if itself && base.relationship(first).is_none() {
                parts = &parts[1..];
            }
        }
        let mut source = 0;
        while let [relationship, _, ..] = parts {
            source = self.join(source, relationship, path.offset)?;
            parts = &parts[1..];
        }
        let object = self.sources[source].object;
        let name = parts.first().map(String::as_str).unwrap_or_default();
        let field = object.field(name).ok_or_else(|| {
            let message = format!(
                "No such column '{name}' on entity '{}'. If you are attempting to use a custom field, be sure to \
                 append the '__c' after the custom field name. Please reference your WSDL or the describe call for \
                 the appropriate names.",
                object.name
            );
            self.error(path.offset, "INVALID_FIELD", &message)
        })?;
        Ok(Column { source, field })
    }

    fn join(&mut self, child: usize, relationship: &str, offset: usize) -> Result<usize, Refusal> {
        let parent = self.sources[child].object.relationship(relationship).and_then(|field| {
            let parent = self.schema.object(field.reference_to.as_deref()?)?;
            Some((field, parent))
        });
        let Some((field, parent)) = parent else {
            let message = format!(
                "Didn't understand relationship '{relationship}' in field path. If you are attempting to use a custom \
                 relationship, be sure to append the '__r' after the custom relationship name. Please reference your \
                 WSDL or the describe call for the appropriate names."
            );
            return Err(self.error(offset, "INVALID_FIELD", &message));
        };
        let mut path = self.sources[child].path.clone();
        path.push(field.relationship.clone().unwrap_or_default());
        if let Some(known) = self.sources.iter().position(|source| source.path == path) {
            return Ok(known);
        }
        if path.len() > 5 {
            let message = "SOQL queries can follow at most 5 levels of parents";
            return Err(self.error(offset, "MALFORMED_QUERY", message));
        }
        let place = self.sources.len();
        self.joins
            .push(format!(" LEFT JOIN \"{}\" t{place} ON t{place}.\"Id\" = t{child}.\"{}\"", parent.name, field.name));
        self.sources.push(Source { object: parent, path });
        Ok(place)
    }

    /// An error at a place in this query.
    pub fn error(&self, offset: usize, code: &str, message: &str) -> Refusal {
        error_at(self.text, offset, code, message)
    }

    /// SQL for a condition. Under a NOT a comparison with nothing must be false, not unknown.
    fn condition(&mut self, condition: &Condition, negated: bool) -> Result<String, Refusal> {
        match condition {
            Condition::All(parts) => self.joined(parts, "AND", negated),
            Condition::Any(parts) => self.joined(parts, "OR", negated),
            Condition::Not(inner) => Ok(format!("NOT {}", self.condition(inner, true)?)),
            Condition::Compare { operand, operator, literal } => {
                let (path, column) = self.filtered(operand)?;
                let sql = self.compare(path.offset, column, *operator, literal)?;
                Ok(if negated { format!("IFNULL({sql}, 0)") } else { sql })
            }
            Condition::In { operand, negated: not_in, literals } => {
                let (path, column) = self.filtered(operand)?;
                let sql = self.is_in(path.offset, column, *not_in, literals)?;
                Ok(if negated { format!("IFNULL({sql}, 0)") } else { sql })
            }
        }
    }

    /// Joins conditions as a balanced tree: SQLite limits how deep an expression is.
    fn joined(&mut self, parts: &[Condition], word: &str, negated: bool) -> Result<String, Refusal> {
        if let [one] = parts {
            return self.condition(one, negated);
        }
        let (left, right) = parts.split_at(parts.len() / 2);
        let left = self.joined(left, word, negated)?;
        let right = self.joined(right, word, negated)?;
        Ok(format!("({left} {word} {right})"))
    }

    fn filtered<'p>(&mut self, operand: &'p Operand) -> Result<(&'p Path, Column), Refusal> {
        let Operand::Path(path) = operand else {
            let message = "aggregate functions are not allowed in the WHERE clause";
            return Err(self.error(operand.offset(), "MALFORMED_QUERY", message));
        };
        let column = self.resolve(path)?;
        if !column.field.filterable || column.field.kind == Kind::Address {
            let message = format!("field '{}' can not be filtered in a query call", column.field.name);
            return Err(self.error(path.offset, "INVALID_FIELD", &message));
        }
        Ok((path, column))
    }

    fn compare(
        &mut self,
        offset: usize,
        column: Column,
        operator: Operator,
        literal: &Literal,
    ) -> Result<String, Refusal> {
        let name = sql_name(column);
        if operator == Operator::Like {
            return self.like(offset, column, literal);
        }
        if let Literal::Days(word, count) = literal {
            return self.days(offset, column, operator, word, *count);
        }
        let value = self.value(offset, column.field, literal)?;
        let no_order = column.field.kind == Kind::Boolean || column.field.kind.is_id();
        let sign = match operator {
            Operator::Equal if value == Cell::Null => return Ok(format!("{name} IS NULL")),
            Operator::NotEqual if value == Cell::Null => return Ok(format!("{name} IS NOT NULL")),
            _ if value == Cell::Null => return Ok("0".to_owned()),
            Operator::Equal => "=",
            Operator::NotEqual => {
                self.values.push(value);
                return Ok(format!("({name} IS NULL OR {name} <> ?{})", self.values.len()));
            }
            _ if no_order && column.field.kind == Kind::Boolean => {
                let message = "invalid operator on boolean field";
                return Err(self.error(offset, "INVALID_QUERY_FILTER_OPERATOR", message));
            }
            Operator::Less => "<",
            Operator::LessOrEqual => "<=",
            Operator::Greater => ">",
            Operator::GreaterOrEqual | Operator::Like => ">=",
        };
        self.values.push(value);
        Ok(format!("{name} {sign} ?{}", self.values.len()))
    }

    fn days(
        &mut self,
        offset: usize,
        column: Column,
        operator: Operator,
        word: &str,
        count: Option<i64>,
    ) -> Result<String, Refusal> {
        let (Kind::Date | Kind::DateTime, Some((first, end))) = (column.field.kind, time::literal(word, count)) else {
            return Err(self.wrong_type(offset, column.field));
        };
        let text = |day: jiff::civil::Date| match column.field.kind {
            Kind::Date => day.to_string(),
            _ => time::start_of(day),
        };
        self.values.push(Cell::Text(text(first)));
        let first = self.values.len();
        self.values.push(Cell::Text(text(end)));
        let end = self.values.len();
        let name = sql_name(column);
        // Both places must be used in each: SQLite counts them.
        let (first, end) = (format!("?{first}"), format!("?{end}"));
        Ok(match operator {
            Operator::Equal | Operator::Like => format!("({name} >= {first} AND {name} < {end})"),
            Operator::NotEqual => format!("({name} IS NULL OR {name} < {first} OR {name} >= {end})"),
            Operator::Less => format!("({name} < {first} AND {end} IS NOT NULL)"),
            Operator::LessOrEqual => format!("({name} < {end} AND {first} IS NOT NULL)"),
            Operator::Greater => format!("({name} >= {end} AND {first} IS NOT NULL)"),
            Operator::GreaterOrEqual => format!("({name} >= {first} AND {end} IS NOT NULL)"),
        })
    }

    fn like(&mut self, offset: usize, column: Column, literal: &Literal) -> Result<String, Refusal> {
        if !column.field.kind.is_text() {
            let message = format!("invalid operator on {} field", column.field.kind.name());
            return Err(self.error(offset, "INVALID_QUERY_FILTER_OPERATOR", &message));
        }
        let Literal::Text(raw) = literal else { return Err(self.wrong_type(offset, column.field)) };
        let mut pattern = String::new();
        for piece in literal::pieces(raw).unwrap_or_default() {
            match piece {
                Piece::Any => pattern.push('%'),
                Piece::One => pattern.push('_'),
                Piece::Char(char) => {
                    if matches!(char, '%' | '_' | '\\') {
                        pattern.push('\\');
                    }
                    pattern.extend(char.to_lowercase());
                }
            }
        }
        self.values.push(Cell::Text(pattern));
        Ok(format!("{} LIKE ?{} ESCAPE '\\'", sql_name(column), self.values.len()))
    }

    fn is_in(&mut self, offset: usize, column: Column, negated: bool, literals: &[Literal]) -> Result<String, Refusal> {
        let name = sql_name(column);
        let mut marks = Vec::new();
        let mut blank = false;
        for literal in literals {
            match self.value(offset, column.field, literal)? {
                Cell::Null => blank = true,
                value => {
                    self.values.push(value);
                    marks.push(format!("?{}", self.values.len()));
                }
            }
        }
        let marks = marks.join(", ");
        Ok(match (negated, blank) {
            (false, false) => format!("{name} IN ({marks})"),
            (false, true) => format!("({name} IS NULL OR {name} IN ({marks}))"),
            (true, false) => format!("({name} IS NULL OR {name} NOT IN ({marks}))"),
            (true, true) => format!("({name} IS NOT NULL AND {name} NOT IN ({marks}))"),
        })
    }

    /// The value as the field's column holds it; refuses what is not of the field's type.
    pub fn value(&self, offset: usize, field: &Field, literal: &Literal) -> Result<Cell, Refusal> {
        Ok(match (field.kind, literal) {
            (_, Literal::Null) => Cell::Null,
            (kind, Literal::Text(raw)) if kind.is_text() => {
                let folded = records::fold(&literal::text(raw).unwrap_or_default());
                if folded.is_empty() { Cell::Null } else { Cell::Text(folded) }
            }
            (kind, Literal::Text(raw)) if kind.is_id() => {
                let text = literal::text(raw).unwrap_or_default();
                if text.is_empty() {
                    Cell::Null
                } else {
                    Cell::Text(ids::parse(&text).ok_or_else(|| {
                        self.error(offset, "INVALID_QUERY_FILTER_OPERATOR", &format!("invalid ID field: {text}"))
                    })?)
                }
            }
            (Kind::Boolean, Literal::Boolean(flag)) => Cell::Integer(i64::from(*flag)),
            (kind, Literal::Number(number)) if kind.is_number() => Cell::Real(*number),
            (Kind::Date, Literal::Date(date)) => Cell::Text(date.clone()),
            (Kind::DateTime, Literal::DateTime(text)) => time::read_datetime(text).map_or(Cell::Null, Cell::Text),
            _ => return Err(self.wrong_type(offset, field)),
        })
    }

    fn wrong_type(&self, offset: usize, field: &Field) -> Refusal {
        let kind = field.kind;
        let quotes = if kind.is_text() || kind.is_id() { "should be" } else { "should not be" };
        let message = format!(
            "value of filter criterion for field '{}' must be of type {} and {quotes} enclosed in quotes",
            field.name,
            kind.wire_name()
        );
        self.error(offset, "INVALID_FIELD", &message)
    }
}

fn sql_name(column: Column) -> String {
    format!("t{}.\"{}\"", column.source, column.field.name)
}

//! GROUP BY, HAVING and the aggregate functions, reckoned over the rows that the store gives.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};

use rusqlite::types::Value as Cell;
use serde_json::{Map, Value, json};

use super::super::errors::Refusal;
use super::super::records::{Body, comparable};
use super::super::schema::{Field, Kind};
use super::super::shape;
use super::ast::{Aggregate, Condition, Function, Item, Operand, Operator, Order, Query};
use super::compile::{Column, Compiler, Source};

/// A value of a group: one of its keys, or one of its sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    Key(usize),
    Sum(usize),
}

/// What HAVING asks.
#[derive(Debug, Clone)]
enum Test {
    All(Vec<Test>),
    Any(Vec<Test>),
    Not(Box<Test>),
    Compare(Slot, Operator, Cell),
    In(Slot, bool, Vec<Cell>),
}

/// How rows are grouped and what is told of each group.
#[derive(Debug, Clone)]
pub struct Grouping {
    keys: Vec<Column>,
    sums: Vec<(Function, Column)>,
    outputs: Vec<(String, Slot)>,
    having: Option<Test>,
    order: Vec<(Slot, bool, bool)>,
    limit: Option<u64>,
    offset: u64,
}

struct Group {
    keys: Vec<Value>,
    values: Vec<Vec<Value>>,
}

impl Grouping {
    /// Checks a grouped query.
    pub fn new(compiler: &mut Compiler<'_>, query: &Query) -> Result<Self, Refusal> {
        let mut grouping = Self {
            keys: Vec::new(),
            sums: Vec::new(),
            outputs: Vec::new(),
            having: None,
            order: Vec::new(),
            limit: query.limit,
            offset: query.offset.unwrap_or(0),
        };
        for path in &query.group_by {
            let column = compiler.resolve(path)?;
            if !column.field.groupable {
                let message = format!("field '{}' can not be grouped in a query call", column.field.name);
                return Err(compiler.error(path.offset, "MALFORMED_QUERY", &message));
            }
            grouping.keys.push(column);
        }
        let mut unnamed = 0;
        for item in &query.items {
            let Item::Operand(operand, alias) = item else {
                return Err(compiler.error(
                    0,
                    "MALFORMED_QUERY",
                    "The FIELDS function is not supported in grouped queries",
                ));
            };
            let slot = grouping.slot(compiler, operand)?;
            let name = match (alias, slot) {
                (Some(alias), _) => alias.clone(),
                (None, Slot::Key(key)) => grouping.keys[key].field.name.clone(),
                (None, Slot::Sum(_)) => {
                    unnamed += 1;
                    format!("expr{}", unnamed - 1)
                }
            };
            if grouping.outputs.iter().any(|(known, _)| known.eq_ignore_ascii_case(&name)) {
                let message = format!("duplicate alias: {name}");
                return Err(compiler.error(operand.offset(), "MALFORMED_QUERY", &message));
            }
            grouping.outputs.push((name, slot));
        }
        grouping.having = query.having.as_ref().map(|having| grouping.test(compiler, having)).transpose()?;
        Ok(grouping)
    }

    /// Takes in ORDER BY.
    pub fn order(&mut self, compiler: &mut Compiler<'_>, keys: &[Order]) -> Result<(), Refusal> {
        for key in keys {
            // An alias of the select list may be sorted by as well.
            let alias = match &key.operand {
                Operand::Path(path) if path.parts.len() == 1 => {
                    self.outputs.iter().find(|(name, _)| name.eq_ignore_ascii_case(&path.parts[0])).map(|it| it.1)
                }
                _ => None,
            };
            let slot = match alias {
                Some(slot) => slot,
                None => self.slot(compiler, &key.operand)?,
            };
            self.order.push((slot, key.descending, key.nulls_last));
        }
        Ok(())
    }

    /// Names of the results, and the fields of those that are keys.
    pub fn columns(&self) -> Vec<(String, Option<Column>)> {
        let key = |slot| match slot {
            Slot::Key(key) => Some(self.keys[key]),
            Slot::Sum(_) => None,
        };
        self.outputs.iter().map(|(name, slot)| (name.clone(), key(*slot))).collect()
    }

    fn slot(&mut self, compiler: &mut Compiler<'_>, operand: &Operand) -> Result<Slot, Refusal> {
        match operand {
            Operand::Path(path) => {
                let column = compiler.resolve(path)?;
                let place =
                    self.keys.iter().position(|key| key.source == column.source && key.field.name == column.field.name);
                place.map(Slot::Key).ok_or_else(|| {
                    let message = format!("Field must be grouped or aggregated: {}", path.parts.join("."));
                    compiler.error(path.offset, "MALFORMED_QUERY", &message)
                })
            }
            Operand::Aggregate(Aggregate { function, argument, offset }) => {
                let Some(path) = argument else {
                    return Err(compiler.error(*offset, "MALFORMED_QUERY", "unexpected token: 'COUNT()'"));
                };
                let column = compiler.resolve(path)?;
                let fits = column.field.aggregatable
                    && match function {
                        Function::Count | Function::CountDistinct => true,
                        Function::Min | Function::Max => !column.field.kind.is_id(),
                        Function::Sum | Function::Avg => column.field.kind.is_number(),
                    };
                if !fits {
                    let name = format!("{function:?}").to_uppercase();
                    let message = format!("field {} does not support aggregate operator {name}", column.field.name);
                    return Err(compiler.error(path.offset, "MALFORMED_QUERY", &message));
                }
                let known = self.sums.iter().position(|(known, it)| {
                    known == function && it.source == column.source && it.field.name == column.field.name
                });
                Ok(Slot::Sum(known.unwrap_or_else(|| {
                    self.sums.push((*function, column));
                    self.sums.len() - 1
                })))
            }
        }
    }

    fn test(&mut self, compiler: &mut Compiler<'_>, condition: &Condition) -> Result<Test, Refusal> {
        let mut all = |parts: &[Condition]| -> Result<Vec<Test>, Refusal> {
            parts.iter().map(|part| self.test(compiler, part)).collect()
        };
        Ok(match condition {
            Condition::All(parts) => Test::All(all(parts)?),
            Condition::Any(parts) => Test::Any(all(parts)?),
            Condition::Not(inner) => Test::Not(Box::new(self.test(compiler, inner)?)),
            Condition::Compare { operand, operator, literal } => {
                if *operator == Operator::Like {
                    return Err(compiler.error(operand.offset(), "MALFORMED_QUERY", "unexpected token: 'LIKE'"));
                }
                let slot = self.slot(compiler, operand)?;
                Test::Compare(slot, *operator, self.cell(compiler, operand.offset(), slot, literal)?)
            }
            Condition::In { operand, negated, literals } => {
                let slot = self.slot(compiler, operand)?;
                let cells: Result<Vec<Cell>, Refusal> =
                    literals.iter().map(|literal| self.cell(compiler, operand.offset(), slot, literal)).collect();
                Test::In(slot, *negated, cells?)
            }
        })
    }

    fn cell(
        &self,
        compiler: &Compiler<'_>,
        offset: usize,
        slot: Slot,
        literal: &super::literal::Literal,
    ) -> Result<Cell, Refusal> {
        use super::literal::Literal;
        match (slot, literal) {
            (Slot::Sum(sum), Literal::Number(number)) if self.is_number(sum) => Ok(Cell::Real(*number)),
            (Slot::Sum(sum), _) => compiler.value(offset, self.sums[sum].1.field, literal),
            (Slot::Key(key), _) => compiler.value(offset, self.keys[key].field, literal),
        }
    }

    fn is_number(&self, sum: usize) -> bool {
        let (function, column) = &self.sums[sum];
        matches!(function, Function::Count | Function::CountDistinct) || column.field.kind.is_number()
    }

    /// The `AggregateResult` records.
    pub fn run(&self, sources: &[Source], rows: &[Vec<Option<Body>>]) -> Vec<Value> {
        let mut groups: Vec<Group> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        if self.keys.is_empty() {
            groups.push(Group { keys: Vec::new(), values: vec![Vec::new(); self.sums.len()] });
            places.insert(String::new(), 0);
        }
        let read = |row: &[Option<Body>], column: &Column| {
            row[column.source]
                .as_ref()
                .map_or(Value::Null, |body| shape::value(sources[column.source].object, column.field, body))
        };
        for row in rows {
            let keys: Vec<Value> = self.keys.iter().map(|column| read(row, column)).collect();
            let mark: Vec<String> = self
                .keys
                .iter()
                .zip(&keys)
                .map(|(column, value)| format!("{:?}", comparable(column.field, Some(value))))
                .collect();
            let place = *places.entry(mark.join("\n")).or_insert_with(|| {
                groups.push(Group { keys, values: vec![Vec::new(); self.sums.len()] });
                groups.len() - 1
            });
            for (values, (_, column)) in groups[place].values.iter_mut().zip(&self.sums) {
                let value = read(row, column);
                if !value.is_null() {
                    values.push(value);
                }
            }
        }
        let mut reckoned: Vec<(Vec<Value>, Vec<Value>)> = groups
            .into_iter()
            .map(|group| {
                let sums = self.sums.iter().zip(&group.values);
                let sums = sums.map(|((function, column), values)| reckon(*function, column.field, values)).collect();
                (group.keys, sums)
            })
            .filter(|row| self.having.as_ref().is_none_or(|test| self.holds(test, row)))
            .collect();
        reckoned.sort_by(|left, right| {
            self.order.iter().fold(Ordering::Equal, |order, &(slot, descending, nulls_last)| {
                order.then_with(|| {
                    let (left, right) = (self.comparable(slot, left), self.comparable(slot, right));
                    match (&left, &right) {
                        (Cell::Null, Cell::Null) => Ordering::Equal,
                        (Cell::Null, _) if nulls_last => Ordering::Greater,
                        (_, Cell::Null) if nulls_last => Ordering::Less,
                        (Cell::Null, _) => Ordering::Less,
                        (_, Cell::Null) => Ordering::Greater,
                        _ if descending => compare(&right, &left),
                        _ => compare(&left, &right),
                    }
                })
            })
        });
        reckoned
            .iter()
            .skip(usize::try_from(self.offset).unwrap_or(usize::MAX))
            .take(self.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX)))
            .map(|row| {
                let mut record = Map::new();
                record.insert("attributes".to_owned(), json!({ "type": "AggregateResult" }));
                for (name, slot) in &self.outputs {
                    record.insert(name.clone(), value(*slot, row).clone());
                }
                Value::Object(record)
            })
            .collect()
    }

    fn comparable(&self, slot: Slot, row: &(Vec<Value>, Vec<Value>)) -> Cell {
        let field = match slot {
            Slot::Key(key) => self.keys[key].field,
            Slot::Sum(sum) => self.sums[sum].1.field,
        };
        match value(slot, row) {
            Value::Null => Cell::Null,
            Value::Number(number) => number.as_f64().map_or(Cell::Null, Cell::Real),
            value => comparable(field, Some(value)),
        }
    }

    fn holds(&self, test: &Test, row: &(Vec<Value>, Vec<Value>)) -> bool {
        match test {
            Test::All(tests) => tests.iter().all(|test| self.holds(test, row)),
            Test::Any(tests) => tests.iter().any(|test| self.holds(test, row)),
            Test::Not(test) => !self.holds(test, row),
            Test::Compare(slot, operator, wanted) => {
                let found = self.comparable(*slot, row);
                let order = compare(&found, wanted);
                let blank = found == Cell::Null || *wanted == Cell::Null;
                match operator {
                    Operator::Equal | Operator::Like => found == *wanted || (!blank && order == Ordering::Equal),
                    Operator::NotEqual => found != *wanted && (blank || order != Ordering::Equal),
                    _ if blank => false,
                    Operator::Less => order == Ordering::Less,
                    Operator::LessOrEqual => order != Ordering::Greater,
                    Operator::Greater => order == Ordering::Greater,
                    Operator::GreaterOrEqual => order != Ordering::Less,
                }
            }
            Test::In(slot, negated, wanted) => wanted.contains(&self.comparable(*slot, row)) != *negated,
        }
    }
}

fn value(slot: Slot, row: &(Vec<Value>, Vec<Value>)) -> &Value {
    match slot {
        Slot::Key(key) => &row.0[key],
        Slot::Sum(sum) => &row.1[sum],
    }
}

fn compare(left: &Cell, right: &Cell) -> Ordering {
    match (left, right) {
        (Cell::Text(left), Cell::Text(right)) => left.cmp(right),
        (left, right) => number(left).total_cmp(&number(right)),
    }
}

fn number(cell: &Cell) -> f64 {
    match cell {
        Cell::Real(number) => *number,
        Cell::Integer(number) => *number as f64,
        _ => f64::NAN,
    }
}

fn reckon(function: Function, field: &Field, values: &[Value]) -> Value {
    let by_order =
        |left: &&Value, right: &&Value| compare(&comparable(field, Some(left)), &comparable(field, Some(right)));
    let numbers = values.iter().filter_map(Value::as_f64);
    match function {
        Function::Count => json!(values.len()),
        Function::CountDistinct => {
            let distinct: BTreeSet<String> =
                values.iter().map(|value| format!("{:?}", comparable(field, Some(value)))).collect();
            json!(distinct.len())
        }
        Function::Min => values.iter().min_by(by_order).cloned().unwrap_or(Value::Null),
        Function::Max => values.iter().max_by(by_order).cloned().unwrap_or(Value::Null),
        _ if values.is_empty() => Value::Null,
        Function::Sum if field.kind == Kind::Int => json!(values.iter().filter_map(Value::as_i64).sum::<i64>()),
        Function::Sum => json!(numbers.sum::<f64>()),
        Function::Avg => json!(numbers.sum::<f64>() / values.len() as f64),
    }
}

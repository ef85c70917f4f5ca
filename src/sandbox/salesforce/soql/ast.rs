//! A query as a tree.

use super::literal::Literal;

/// A field, perhaps of a parent: `Account.Name`.
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    pub parts: Vec<String>,
    pub offset: usize,
}

/// What reckons over rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    Count,
    CountDistinct,
    Sum,
    Min,
    Max,
    Avg,
}

/// `COUNT(Id)`; without an argument `COUNT()`.
#[derive(Debug, Clone, PartialEq)]
pub struct Aggregate {
    pub function: Function,
    pub argument: Option<Path>,
    pub offset: usize,
}

/// What a comparison or a sort looks at.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    Path(Path),
    Aggregate(Aggregate),
}

impl Operand {
    /// Where it stands.
    pub fn offset(&self) -> usize {
        match self {
            Self::Path(path) => path.offset,
            Self::Aggregate(aggregate) => aggregate.offset,
        }
    }
}

/// One thing that is selected.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// With an alias, which only grouped queries may have.
    Operand(Operand, Option<String>),
    /// `FIELDS(ALL)` and its kin.
    Fields(String, usize),
    /// `(SELECT … FROM Contacts)`: the records that refer to this one.
    Children(Box<Query>),
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Like,
}

/// What must hold.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Compare { operand: Operand, operator: Operator, literal: Literal },
    In { operand: Operand, negated: bool, literals: Vec<Literal> },
}

/// One sort key.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    pub operand: Operand,
    pub descending: bool,
    pub nulls_last: bool,
}

/// A whole query.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    pub items: Vec<Item>,
    pub object: String,
    pub object_offset: usize,
    pub alias: Option<String>,
    pub condition: Option<Condition>,
    pub group_by: Vec<Path>,
    pub having: Option<Condition>,
    pub order_by: Vec<Order>,
    pub limit: Option<u64>,
    pub offset: Option<u64>,
}

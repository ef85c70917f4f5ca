//! Snowflake's SQL made DataFusion's: names folded to upper case, types and functions rewritten.

use std::ops::ControlFlow;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::sql::parser::Statement as DataFusionStatement;
use datafusion::sql::sqlparser::ast::{
    self, BinaryOperator, CastKind, DataType, ExactNumberInfo, Expr, FunctionArg, FunctionArgExpr, FunctionArguments,
    Ident, SelectItem, SetExpr, Statement, TimezoneInfo, Value, visit_expressions_mut,
};
use datafusion::sql::sqlparser::dialect::SnowflakeDialect;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use super::errors::{from_datafusion, from_parser};
use super::{DATABASE, Error, ROLE, SCHEMA, USER, WAREHOUSE};

/// What a statement is, as far as the wire cares.
pub(super) enum Parsed {
    /// A query that reads.
    Query(Box<Statement>),
    /// USE, ALTER SESSION, SET, BEGIN …: nothing to do, one row that says so.
    Session,
    /// Anything that would change data.
    Change,
}

/// Parses one statement with names folded.
pub(super) fn parse(sql: &str) -> Result<Parsed, Error> {
    let first = first_word(sql);
    if matches!(first.as_str(), "USE" | "ALTER" | "SET" | "UNSET" | "BEGIN" | "COMMIT" | "ROLLBACK") {
        return Ok(Parsed::Session);
    }
    let statement = one_statement(sql)?;
    Ok(match statement {
        Statement::Query(_) => Parsed::Query(Box::new(statement)),
        _ => Parsed::Change,
    })
}

pub(super) fn first_word(sql: &str) -> String {
    Tokenizer::new(&SnowflakeDialect, sql)
        .tokenize()
        .ok()
        .and_then(|tokens| tokens.into_iter().find(|token| !matches!(token, Token::Whitespace(_))))
        .map(|token| token.to_string().to_uppercase())
        .unwrap_or_default()
}

fn one_statement(sql: &str) -> Result<Statement, Error> {
    let mut tokens = Tokenizer::new(&SnowflakeDialect, sql)
        .tokenize_with_location()
        .map_err(|error| from_parser(sql, &error.to_string()))?;
    for token in &mut tokens {
        if let Token::Word(word) = &mut token.token
            && word.quote_style.is_none()
        {
            word.value = word.value.to_uppercase();
        }
    }
    let mut statements = Parser::new(&SnowflakeDialect)
        .with_tokens_with_locations(tokens)
        .parse_statements()
        .map_err(|error| from_parser(sql, &error.to_string()))?;
    match statements.len() {
        1 => {
            let mut statement = statements.remove(0);
            name_columns(&mut statement);
            let _: ControlFlow<()> = visit_expressions_mut(&mut statement, |expression| {
                rewrite(expression);
                ControlFlow::Continue(())
            });
            Ok(statement)
        }
        0 => Err(Error::new("000900", "42601", "SQL compilation error:\nEmpty SQL statement.")),
        _ => Err(Error::several_statements()),
    }
}

/// Gives a column without an alias the name that Snowflake gives it: its text in upper case.
fn name_columns(statement: &mut Statement) {
    let Statement::Query(query) = statement else { return };
    let SetExpr::Select(select) = query.body.as_mut() else { return };
    for item in &mut select.projection {
        let SelectItem::UnnamedExpr(expression) = item else { continue };
        if matches!(expression, Expr::Identifier(_) | Expr::CompoundIdentifier(_)) {
            continue;
        }
        let alias = Ident::with_quote('"', expression.to_string().to_uppercase());
        *item = SelectItem::ExprWithAlias { expr: expression.clone(), alias };
    }
}

fn text(value: &str) -> Expr {
    Expr::value(Value::SingleQuotedString(value.to_owned()))
}

fn arguments(function: &ast::Function) -> Vec<Expr> {
    let FunctionArguments::List(list) = &function.args else { return Vec::new() };
    list.args
        .iter()
        .filter_map(|argument| match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expression)) => Some(expression.clone()),
            _ => None,
        })
        .collect()
}

fn cast(kind: &CastKind, expression: Expr, data_type: &DataType) -> Expr {
    let text = format!("{}({expression} AS {data_type})", if *kind == CastKind::TryCast { "TRY_CAST" } else { "CAST" });
    parse_expression(&text).unwrap_or(expression)
}

/// Builds an expression from text that was made here.
fn parse_expression(text: &str) -> Option<Expr> {
    Parser::new(&SnowflakeDialect).try_with_sql(text).ok()?.parse_expr().ok()
}

fn rewrite(expression: &mut Expr) {
    match expression {
        Expr::Cast { data_type, .. } => *data_type = known_type(data_type),
        Expr::Function(function) => {
            if let Some(other) = rewrite_function(function) {
                *expression = other;
            }
        }
        _ => {}
    }
}

fn rewrite_function(function: &ast::Function) -> Option<Expr> {
    let name = function.name.to_string().to_uppercase();
    let given = arguments(function);
    Some(match (name.as_str(), given.as_slice()) {
        ("CURRENT_USER", []) => text(USER),
        ("CURRENT_ROLE", []) => text(ROLE),
        ("CURRENT_WAREHOUSE", []) => text(WAREHOUSE),
        ("CURRENT_DATABASE", []) => text(DATABASE),
        ("CURRENT_SCHEMA", []) => text(SCHEMA),
        ("CURRENT_ACCOUNT", []) => text("DEMO"),
        ("CURRENT_VERSION", []) => text(super::login::VERSION),
        ("CURRENT_REGION", []) => text("LOOPBACK"),
        ("IFF", [condition, then, other]) => {
            parse_expression(&format!("CASE WHEN {condition} THEN {then} ELSE {other} END"))?
        }
        ("ZEROIFNULL", [value]) => parse_expression(&format!("COALESCE({value}, 0)"))?,
        ("COUNT_IF", [condition]) => parse_expression(&format!("COUNT(CASE WHEN {condition} THEN 1 END)"))?,
        ("TO_VARCHAR" | "TO_CHAR", [value]) => cast(&CastKind::Cast, value.clone(), &DataType::Varchar(None)),
        ("TO_NUMBER" | "TO_DECIMAL" | "TO_NUMERIC", [value]) => cast(&CastKind::Cast, value.clone(), &decimal(38, 0)),
        ("TRY_TO_NUMBER" | "TRY_TO_DECIMAL", [value]) => cast(&CastKind::TryCast, value.clone(), &decimal(38, 0)),
        ("TO_DATE", [value]) => cast(&CastKind::Cast, value.clone(), &DataType::Date),
        ("TRY_TO_DATE", [value]) => cast(&CastKind::TryCast, value.clone(), &DataType::Date),
        ("TO_DOUBLE", [value]) => cast(&CastKind::Cast, value.clone(), &DataType::Double(ExactNumberInfo::None)),
        ("EQUAL_NULL", [left, right]) => parse_expression(&format!("({left}) IS NOT DISTINCT FROM ({right})"))?,
        ("DATEADD" | "TIMESTAMPADD", [unit, count, date]) => {
            // An interval takes a written count only; others stay as they are, and are refused.
            let count: i64 = count.to_string().replace(' ', "").parse().ok()?;
            let unit = unit.to_string().to_uppercase();
            let unit = unit.trim_matches('\'');
            parse_expression(&format!("({date}) + INTERVAL '{count} {unit}'"))?
        }
        ("DATEDIFF", [unit, from, to]) if unit.to_string().eq_ignore_ascii_case("DAY") => {
            let days = |date: &Expr| Expr::BinaryOp {
                left: Box::new(parse_expression(&format!("TO_UNIXTIME(CAST({date} AS DATE))")).unwrap_or(text("0"))),
                op: BinaryOperator::Divide,
                right: Box::new(Expr::value(Value::Number("86400".into(), false))),
            };
            Expr::Nested(Box::new(Expr::BinaryOp {
                left: Box::new(days(to)),
                op: BinaryOperator::Minus,
                right: Box::new(days(from)),
            }))
        }
        _ => return None,
    })
}

fn decimal(precision: u64, scale: i64) -> DataType {
    DataType::Decimal(ExactNumberInfo::PrecisionAndScale(precision, scale))
}

/// A type of Snowflake's as one that DataFusion knows. Timestamps count microseconds, so that the
/// year 9999 fits.
fn known_type(data_type: &DataType) -> DataType {
    let micros = |zone| DataType::Timestamp(Some(6), zone);
    match data_type {
        DataType::Float(_) | DataType::Real => DataType::Double(ExactNumberInfo::None),
        DataType::Timestamp(_, zone) => micros(*zone),
        DataType::Datetime(_) => micros(TimezoneInfo::None),
        DataType::Varchar(_) | DataType::Char(_) | DataType::Character(_) => DataType::Varchar(None),
        DataType::Custom(name, arguments) => {
            let number = |at: usize| arguments.get(at).and_then(|text| text.parse().ok());
            match name.to_string().to_uppercase().as_str() {
                "NUMBER" => {
                    decimal(number(0).unwrap_or(38), number(1).and_then(|scale| i64::try_from(scale).ok()).unwrap_or(0))
                }
                "STRING" | "TEXT" | "VARCHAR" => DataType::Varchar(None),
                "DOUBLE" | "FLOAT" | "FLOAT8" => DataType::Double(ExactNumberInfo::None),
                "TIMESTAMP_NTZ" | "TIMESTAMPNTZ" => micros(TimezoneInfo::None),
                "TIMESTAMP_LTZ" | "TIMESTAMP_TZ" | "TIMESTAMPLTZ" | "TIMESTAMPTZ" => micros(TimezoneInfo::WithTimeZone),
                _ => data_type.clone(),
            }
        }
        other => match other.to_string().to_uppercase().split('(').next().unwrap_or_default() {
            "TIMESTAMP_NTZ" => micros(TimezoneInfo::None),
            "TIMESTAMP_LTZ" | "TIMESTAMP_TZ" => micros(TimezoneInfo::WithTimeZone),
            _ => other.clone(),
        },
    }
}

/// Plans a query; its columns are known without running it.
pub(super) async fn plan(context: &SessionContext, sql: &str, statement: Statement) -> Result<LogicalPlan, Error> {
    let state = context.state();
    let statement = DataFusionStatement::Statement(Box::new(statement));
    let plan = state.statement_to_plan(statement).await.map_err(|error| from_datafusion(sql, &error))?;
    // Types are settled by the analyzer: NULL and mixed arithmetic only get one there.
    state
        .analyzer()
        .execute_and_check(plan, &state.config_options().clone(), |_, _| {})
        .map_err(|error| from_datafusion(sql, &error))
}

/// Runs a planned query.
pub(super) async fn run(
    context: &SessionContext,
    sql: &str,
    plan: LogicalPlan,
) -> Result<(SchemaRef, SendableRecordBatchStream), Error> {
    let wrong = |error| from_datafusion(sql, &error);
    let schema = SchemaRef::new(plan.schema().as_arrow().clone());
    let frame = context.execute_logical_plan(plan).await.map_err(wrong)?;
    Ok((schema, frame.execute_stream().await.map_err(wrong)?))
}

/// Changes tables, and says in words what it did.
pub(super) async fn change(context: &SessionContext, sql: &str) -> Result<String, Error> {
    let wrong = |error| from_datafusion(sql, &error);
    let word = first_word(sql);
    let statement = one_statement(sql)?;
    let statement = DataFusionStatement::Statement(Box::new(statement));
    let plan = context.state().statement_to_plan(statement).await.map_err(wrong)?;
    let batches = context.execute_logical_plan(plan).await.map_err(wrong)?.collect().await.map_err(wrong)?;
    let count = batches.iter().find(|batch| batch.num_rows() > 0).and_then(|batch| {
        use datafusion::arrow::array::AsArray;
        use datafusion::arrow::datatypes::UInt64Type;
        Some(batch.columns().first()?.as_primitive_opt::<UInt64Type>()?.value(0))
    });
    Ok(match (word.as_str(), count) {
        ("INSERT", Some(count)) => format!("{count} rows inserted"),
        ("UPDATE", Some(count)) => format!("{count} rows updated"),
        ("DELETE", Some(count)) => format!("{count} rows deleted"),
        _ => "Statement executed successfully.".to_owned(),
    })
}

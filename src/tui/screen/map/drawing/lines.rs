//! The lines of a mapping as the screen draws them: links, record matchers and proposals.

use std::collections::BTreeMap;

use crate::mapping::automatch::Proposal;
use crate::mapping::{Finding, Mapping, Place, Severity, Source};
use crate::types::{Column, ObjectDescribe};

/// One line on the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The column it starts at; `None` for a constant, and for a column that the query lacks.
    pub column: Option<usize>,
    /// The field it leads to; `None` when the object has no such field.
    pub field: Option<usize>,
    /// Index of the mapping's link.
    pub link: Option<usize>,
    /// Index of the matcher's term.
    pub term: Option<usize>,
    /// Index of the proposal, when it is only that.
    pub proposal: Option<usize>,
    /// The worst that is wrong with it.
    pub severity: Option<Severity>,
    /// What its source is called.
    pub source: String,
}

/// All lines of a mapping. A link and a matcher term between the same two ends are one line; a
/// template is one line for each column in it.
pub fn lines(
    mapping: &Mapping,
    columns: &[Column],
    object: &ObjectDescribe,
    proposals: &[Proposal],
    findings: &[Finding],
) -> Vec<Line> {
    let column_at: BTreeMap<&str, usize> =
        columns.iter().enumerate().map(|(at, column)| (column.name.as_str(), at)).rev().collect();
    let field_at: BTreeMap<String, usize> =
        object.fields.iter().enumerate().map(|(at, field)| (field.name.to_lowercase(), at)).rev().collect();
    let column_at = |name: &str| column_at.get(name).copied();
    let field_at = |name: &str| field_at.get(&name.to_lowercase()).copied();
    let worst =
        |place: &Place| findings.iter().filter(|finding| finding.place == *place).map(|finding| finding.severity).max();
    let mut lines: Vec<Line> = Vec::new();
    for (at, link) in mapping.links.iter().enumerate() {
        let line = |column: Option<usize>| Line {
            column,
            field: field_at(&link.field),
            link: Some(at),
            term: None,
            proposal: None,
            severity: worst(&Place::Link(at)),
            source: link.source.to_string(),
        };
        match &link.source {
            Source::Column(name) => lines.push(line(column_at(name))),
            Source::Constant(_) => lines.push(line(None)),
            Source::Template(text) => {
                let mut parts: Vec<usize> = holes(text).filter_map(&column_at).collect();
                parts.sort_unstable();
                parts.dedup();
                if parts.is_empty() {
                    lines.push(line(None));
                }
                lines.extend(parts.into_iter().map(|column| line(Some(column))));
            }
        }
    }
    for (at, term) in mapping.matcher.terms.iter().enumerate() {
        let (column, field) = (column_at(&term.column), field_at(&term.field));
        let severity = worst(&Place::Matcher(at));
        let twin = lines.iter_mut().find(|line| {
            line.term.is_none() && column.is_some() && field.is_some() && (line.column, line.field) == (column, field)
        });
        if let Some(line) = twin {
            line.term = Some(at);
            line.severity = line.severity.max(severity);
        } else {
            let source = term.column.clone();
            lines.push(Line { column, field, link: None, term: Some(at), proposal: None, severity, source });
        }
    }
    for (at, proposal) in proposals.iter().enumerate() {
        lines.push(Line {
            column: column_at(&proposal.column),
            field: field_at(&proposal.field),
            link: None,
            term: None,
            proposal: Some(at),
            severity: None,
            source: proposal.column.clone(),
        });
    }
    lines
}

/// The column names in `{{FIRST_NAME}} {{LAST_NAME}}`.
fn holes(template: &str) -> impl Iterator<Item = &str> {
    template.split("{{").skip(1).filter_map(|rest| rest.split_once("}}")).map(|(name, _)| name.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::{Link, MatchTerm};
    use crate::types::ColumnType;

    #[test]
    fn a_template_is_a_line_from_each_of_its_columns() {
        assert_eq!(holes("{{ A }}-{{B}}!").collect::<Vec<_>>(), ["A", "B"]);
        assert_eq!(holes("{{broken").count(), 0);
    }

    #[test]
    fn a_matcher_on_a_drawn_line_is_that_line() {
        let columns = [Column { name: "EMAIL".into(), kind: ColumnType::Text { length: 80 }, nullable: true }];
        let object = super::super::fixture::contact();
        let mut mapping = Mapping::new("sales", "Contact");
        mapping.links.push(Link::new("EMAIL", "email"));
        mapping.matcher.terms.push(MatchTerm { column: "EMAIL".into(), field: "Email".into() });
        let lines = lines(&mapping, &columns, &object, &[], &[]);
        assert_eq!(lines.len(), 1);
        assert_eq!((lines[0].link, lines[0].term), (Some(0), Some(0)));
    }
}

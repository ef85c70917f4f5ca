//! What real values become on their way along one line.

use super::{Drawing, Line};
use crate::mapping::{Mapper, Mapping, Source};
use crate::types::Value;

/// One value before and after its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// The value in the source.
    pub before: String,
    /// What would be sent.
    pub after: After,
}

/// What would be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum After {
    /// This value.
    Sent(String),
    /// The id of the record that is found by this.
    Parent(String),
    /// Nothing: the record keeps what it has.
    Kept,
    /// The field is emptied.
    Cleared,
    /// The row is rejected, for this reason.
    Rejected(String),
}

impl Drawing {
    /// What the sample rows become along a line, beginning with the chosen row.
    pub fn preview(&self, line: &Line) -> Vec<Preview> {
        let Some(link) = line.link.and_then(|at| self.mapping().links.get(at)) else { return Vec::new() };
        let mut alone = Mapping::new("", self.object.name.clone());
        alone.links.push(link.clone());
        let Ok(mapper) = Mapper::new(&alone, &self.columns, &self.object) else { return Vec::new() };
        self.sample_rows()
            .filter(|row| row.len() == self.columns.len())
            .map(|row| {
                let before = match (&link.source, line.column) {
                    (Source::Column(_), Some(column)) => quoted(&row[column]),
                    (source, _) => source.to_string(),
                };
                let mapped = mapper.map(row);
                let after = match (mapped.rejections.first(), mapped.payload.values().next()) {
                    (Some(rejection), _) => After::Rejected(rejection.message.clone()),
                    (None, None) => match (&link.lookup, mapped.sources.values().next()) {
                        (Some(_), Some(text)) => After::Parent(format!("\"{}\"", plain(text))),
                        _ => After::Kept,
                    },
                    (None, Some(serde_json::Value::Null)) => After::Cleared,
                    (None, Some(value)) => After::Sent(value.to_string()),
                };
                Preview { before, after }
            })
            .collect()
    }

    /// The sample rows from the chosen one on, around the end.
    pub fn sample_rows(&self) -> impl Iterator<Item = &[Value]> {
        let start = self.sample.min(self.samples.len());
        self.samples[start..].iter().chain(&self.samples[..start]).map(Vec::as_slice)
    }

    /// The first sample of a column that is not NULL, as it is; `None` without one.
    pub fn sample_of(&self, column: usize) -> Option<&Value> {
        self.sample_rows().filter_map(|row| row.get(column)).find(|value| !value.is_null())
    }
}

/// Text in quotes, so that spaces at its ends show; NULL as a word; the rest as it prints.
pub fn quoted(value: &Value) -> String {
    match value {
        Value::Null => "NULL".into(),
        Value::Text(text) => format!("\"{}\"", plain(text)),
        other => plain(&other.to_string()),
    }
}

/// Control characters as dots: what is in a cell must not steer the terminal.
pub fn plain(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '.' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::screen;
    use super::*;

    fn of(field: &str, row: usize) -> Preview {
        let screen = screen();
        let line = screen.lines.iter().find(|line| line.field.is_some_and(|at| screen.object.fields[at].name == field));
        screen.preview(line.unwrap())[row].clone()
    }

    #[test]
    fn real_values_before_and_after() {
        let phone = of("Phone", 0);
        assert_eq!(phone.before, "\"+1 415 555 0100\"");
        assert_eq!(phone.after, After::Sent("\"+14155550100\"".into()));
        assert_eq!(of("LastName", 1).after, After::Kept);
        assert!(matches!(of("Title", 1).after, After::Rejected(_)));
    }

    #[test]
    fn escapes_stay_in_their_cell() {
        assert_eq!(quoted(&Value::from("a\u{1b}[31mb\n")), "\"a.[31mb.\"");
    }
}

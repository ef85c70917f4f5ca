//! The file of rows that a Bulk API 2.0 job takes.
//!
//! The header holds API names; an empty cell leaves the field alone, `#N/A` empties it; UTF-8, LF,
//! quotes doubled ("Prepare CSV Files" in the Bulk API 2.0 guide).

use std::io::{BufWriter, Write as _};
use std::path::Path;

use serde_json::Value as Json;
use tempfile::NamedTempFile;

use super::client::spool_error;
use super::errors::refused_here;
use super::soql::{check_identifier, is_id};
use crate::destination::{BulkRows, DestinationError, WriteKind, WriteRow};
use crate::types::ObjectDescribe;

/// Bytes of one file: Salesforce takes 150 MB once it is base64, which is 100 MB as it is.
const FILE_BYTES: u64 = 100_000_000;
/// What empties a field.
const CLEAR: &str = "#N/A";
/// Rows of one file, so that the results of one job stay manageable.
const FILE_ROWS: u64 = 1_000_000;

/// A file that is being written.
pub(crate) struct RowsFile {
    kind: WriteKind,
    fields: Vec<String>,
    line: csv::Writer<Vec<u8>>,
    file: BufWriter<NamedTempFile>,
    bytes: u64,
    rows: u64,
}

impl RowsFile {
    /// A file for rows that set these fields; writes the header.
    pub(crate) fn new(kind: WriteKind, object: &ObjectDescribe, fields: &[String]) -> Result<Self, DestinationError> {
        let file = NamedTempFile::new().map_err(|error| spool_error(&error))?;
        let mut rows = Self {
            kind,
            fields: if kind == WriteKind::Delete { Vec::new() } else { fields.to_vec() },
            line: line_writer(),
            file: BufWriter::new(file),
            bytes: 0,
            rows: 0,
        };
        for name in &rows.fields {
            check_identifier("a field", name)?;
            if object.field(name).is_none() {
                return Err(refused_here(
                    "INVALID_FIELD",
                    format!("{} has no field {name}", object.name),
                    "Describe the object again.",
                ));
            }
        }
        let mut header = rows.fields.clone();
        if kind != WriteKind::Create {
            header.insert(0, "Id".to_owned());
        }
        let line = rows.line(&header)?;
        rows.append(&line)?;
        Ok(rows)
    }

    fn line(&mut self, cells: &[String]) -> Result<Vec<u8>, DestinationError> {
        let written = self.line.write_record(cells).map_err(|error| spool_error(&error.into()));
        let writer = std::mem::replace(&mut self.line, line_writer());
        written?;
        writer.into_inner().map_err(|error| spool_error(&error.into_error()))
    }

    fn append(&mut self, line: &[u8]) -> Result<(), DestinationError> {
        self.bytes += line.len() as u64;
        self.file.write_all(line).map_err(|error| spool_error(&error))
    }
}

fn line_writer() -> csv::Writer<Vec<u8>> {
    csv::WriterBuilder::new().terminator(csv::Terminator::Any(b'\n')).from_writer(Vec::new())
}

impl BulkRows for RowsFile {
    fn add(&mut self, row: &WriteRow) -> Result<bool, DestinationError> {
        let mut cells = Vec::with_capacity(self.fields.len() + 1);
        if self.kind != WriteKind::Create {
            match &row.id {
                Some(id) if is_id(id) => cells.push(id.clone()),
                other => {
                    return Err(refused_here(
                        "MALFORMED_ID",
                        format!("{other:?} is not a record id."),
                        "An id has 15 or 18 letters and digits.",
                    ));
                }
            }
        }
        cells.extend(self.fields.iter().map(|name| row.fields.get(name).map_or_else(String::new, cell)));
        let line = self.line(&cells)?;
        if self.rows > 0 && (self.bytes + line.len() as u64 > FILE_BYTES || self.rows >= FILE_ROWS) {
            return Ok(false);
        }
        self.append(&line)?;
        self.rows += 1;
        Ok(true)
    }

    fn finish(&mut self) -> Result<&Path, DestinationError> {
        self.file.flush().map_err(|error| spool_error(&error))?;
        Ok(self.file.get_ref().path())
    }
}

/// Whether a row can stand in such a file: the text `#N/A` would empty its field.
pub(crate) fn takes(row: &WriteRow) -> bool {
    !row.fields.values().any(|value| value.as_str() == Some(CLEAR))
}

/// A value as a cell. Null empties the field; so does an empty text, which the other APIs take as null.
fn cell(value: &Json) -> String {
    match value {
        Json::Null => CLEAR.to_owned(),
        Json::String(text) if text.is_empty() => CLEAR.to_owned(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::salesforce::stub::contact;
    use serde_json::json;

    fn written(kind: WriteKind, rows: &[WriteRow]) -> String {
        let mut file = RowsFile::new(kind, &contact(), &["LastName".to_owned(), "Phone".to_owned()]).unwrap();
        for row in rows {
            assert!(file.add(row).unwrap());
        }
        std::fs::read_to_string(file.finish().unwrap()).unwrap()
    }

    fn row(id: Option<&str>, fields: &[(&str, Json)]) -> WriteRow {
        WriteRow {
            id: id.map(str::to_owned),
            fields: fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        }
    }

    #[test]
    fn null_clears_missing_keeps_and_line_breaks_stay() {
        let rows = [
            row(Some("003000000000001AAA"), &[("LastName", json!("O'Brien, \"Bo\"\r\nJr")), ("Phone", json!(null))]),
            row(Some("003000000000002AAA"), &[("LastName", json!("Roy"))]),
        ];
        assert_eq!(
            written(WriteKind::Update, &rows),
            "Id,LastName,Phone\n003000000000001AAA,\"O'Brien, \"\"Bo\"\"\r\nJr\",#N/A\n003000000000002AAA,Roy,\n"
        );
    }

    #[test]
    fn deletes_name_ids_only() {
        assert_eq!(written(WriteKind::Delete, &[row(Some("003000000000001AAA"), &[])]), "Id\n003000000000001AAA\n");
        let mut file = RowsFile::new(WriteKind::Update, &contact(), &["LastName".to_owned()]).unwrap();
        assert!(file.add(&row(None, &[])).is_err());
    }
}

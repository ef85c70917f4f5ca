//! CSV as Bulk API 2.0 reads and writes it: a chosen delimiter and line ending, quotes doubled,
//! line breaks kept inside quotes.

/// How a job's lines end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineEnding {
    /// `\n`.
    Lf,
    /// `\r\n`.
    CrLf,
}

impl LineEnding {
    /// `LF` or `CRLF`.
    pub fn read(name: &str) -> Option<Self> {
        match name {
            "LF" => Some(Self::Lf),
            "CRLF" => Some(Self::CrLf),
            _ => None,
        }
    }

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lf => "LF",
            Self::CrLf => "CRLF",
        }
    }

    fn characters(self) -> &'static str {
        match self {
            Self::Lf => "\n",
            Self::CrLf => "\r\n",
        }
    }
}

/// What stands between a job's columns, by its name on the wire.
const DELIMITERS: [(&str, char); 6] =
    [("BACKQUOTE", '`'), ("CARET", '^'), ("COMMA", ','), ("PIPE", '|'), ("SEMICOLON", ';'), ("TAB", '\t')];

/// What stands between a job's columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delimiter {
    /// The name on the wire.
    pub name: &'static str,
    character: char,
}

impl Delimiter {
    /// The delimiter of that name.
    pub fn read(name: &str) -> Option<Self> {
        let (name, character) = DELIMITERS.into_iter().find(|(known, _)| *known == name)?;
        Some(Self { name, character })
    }
}

/// How a job's CSV is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// Between columns.
    pub delimiter: Delimiter,
    /// Between rows.
    pub ending: LineEnding,
}

/// A file: the names of the columns, and the rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sheet {
    /// Names of the columns.
    pub header: Vec<String>,
    /// As many values a row as there are columns.
    pub rows: Vec<Vec<String>>,
}

/// Reads an upload; the error is what the job ends with.
pub fn read(text: &str, dialect: Dialect) -> Result<Sheet, String> {
    let mut lines = Reader { rest: text.trim_start_matches('\u{feff}').chars().peekable(), dialect }.lines()?;
    if lines.is_empty() {
        return Err("InvalidBatch : The CSV has no header".to_owned());
    }
    let header = lines.remove(0);
    if let Some(at) = lines.iter().position(|line| line.len() != header.len()) {
        return Err(format!(
            "ClientInputError : Failed to parse CSV. Row {} has {} columns, but the header has {}",
            at + 1,
            lines[at].len(),
            header.len()
        ));
    }
    Ok(Sheet { header, rows: lines })
}

struct Reader<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    dialect: Dialect,
}

impl Reader<'_> {
    fn lines(mut self) -> Result<Vec<Vec<String>>, String> {
        let mut lines = Vec::new();
        while self.rest.peek().is_some() {
            let line = self.line()?;
            // An empty line is no row.
            if line.len() > 1 || line.first().is_some_and(|value| !value.is_empty()) {
                lines.push(line);
            }
        }
        Ok(lines)
    }

    fn line(&mut self) -> Result<Vec<String>, String> {
        let mut line = vec![String::new()];
        let mut quoted = false;
        while let Some(character) = self.rest.next() {
            let Some(value) = line.last_mut() else { break };
            match character {
                '"' if value.is_empty() && !quoted => {
                    *value = self.quoted()?;
                    quoted = true;
                }
                '"' => return Err(unescaped()),
                _ if character == self.dialect.delimiter.character => {
                    line.push(String::new());
                    quoted = false;
                }
                '\n' | '\r' => {
                    let ending = match (character, self.rest.peek()) {
                        ('\r', Some('\n')) => {
                            self.rest.next();
                            LineEnding::CrLf
                        }
                        _ => LineEnding::Lf,
                    };
                    if ending != self.dialect.ending {
                        let name = self.dialect.ending.name();
                        return Err(format!(
                            "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is {name}"
                        ));
                    }
                    return Ok(line);
                }
                // A space after the closing quote, say.
                _ if quoted => return Err(unescaped()),
                _ => value.push(character),
            }
        }
        Ok(line)
    }

    /// The rest of a value whose opening quote was read.
    fn quoted(&mut self) -> Result<String, String> {
        let mut value = String::new();
        while let Some(character) = self.rest.next() {
            if character != '"' {
                value.push(character);
            } else if self.rest.peek() == Some(&'"') {
                self.rest.next();
                value.push('"');
            } else {
                return Ok(value);
            }
        }
        Err("ClientInputError : Failed to parse CSV. Found a quote that is never closed".to_owned())
    }
}

fn unescaped() -> String {
    "ClientInputError : Failed to parse CSV. Found unescaped quote. A value with quote should be within a quote"
        .to_owned()
}

/// Writes rows, all values in quotes.
pub fn write<'a>(dialect: Dialect, rows: impl IntoIterator<Item = Vec<&'a str>>) -> String {
    let mut text = String::new();
    for row in rows {
        for (at, value) in row.into_iter().enumerate() {
            if at > 0 {
                text.push(dialect.delimiter.character);
            }
            text.push('"');
            text.push_str(&value.replace('"', "\"\""));
            text.push('"');
        }
        text.push_str(dialect.ending.characters());
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn dialect(delimiter: &str, ending: LineEnding) -> Dialect {
        Dialect { delimiter: Delimiter::read(delimiter).unwrap(), ending }
    }

    #[test]
    fn quotes_line_breaks_and_empty_values() {
        let sheet =
            read("Id,Name\n1,\"O'Brien, \"\"D\"\"\"\n2,\"two\r\nlines\"\n\n,\n", dialect("COMMA", LineEnding::Lf));
        let sheet = sheet.unwrap();
        assert_eq!(sheet.header, ["Id", "Name"]);
        assert_eq!(sheet.rows, [["1", "O'Brien, \"D\""], ["2", "two\r\nlines"], ["", ""]]);
    }

    #[test]
    fn what_is_no_csv_is_told() {
        let lf = dialect("COMMA", LineEnding::Lf);
        for (text, words) in [
            ("A,B\r\n1,2\r\n", "Current LineEnding setting is LF"),
            ("A,B\n1\n", "Row 1 has 1 columns"),
            ("A\n\"x\n", "never closed"),
            ("A\nx\"y\n", "unescaped quote"),
            ("A\n\"x\"y\n", "unescaped quote"),
            ("", "no header"),
        ] {
            assert!(read(text, lf).unwrap_err().contains(words), "{text:?}");
        }
        assert!(read("A\n1\n", dialect("COMMA", LineEnding::CrLf)).unwrap_err().contains("setting is CRLF"));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            rows in prop::collection::vec(prop::collection::vec("[a-z\",;\t\r\n '#]{0,6}", 3), 0..5),
            semicolon: bool,
            crlf: bool,
        ) {
            let ending = if crlf { LineEnding::CrLf } else { LineEnding::Lf };
            let dialect = dialect(if semicolon { "SEMICOLON" } else { "TAB" }, ending);
            let header = vec!["A", "B", "C"];
            let lines = std::iter::once(header).chain(rows.iter().map(|row| row.iter().map(String::as_str).collect()));
            let sheet = read(&write(dialect, lines), dialect).unwrap();
            prop_assert_eq!(sheet.rows, rows);
        }
    }
}
